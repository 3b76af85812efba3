//! Passphrases and keys: which open a repository, and which do not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use holdfast_tests::sandbox::Sandbox;

#[test]
fn a_passphrase_works_in_the_place_of_a_key() {
    let sandbox = Sandbox::empty();
    sandbox.add_secret("key", "correct horse battery staple");
    sandbox.ok("init");
    sandbox.write("source/a", "kept");
    sandbox.backup("@source");
    sandbox.ok("key list").prints("passphrase");
    sandbox.add_secret("wrong", "incorrect horse");
    sandbox.fails(12, "snapshots -p @wrong").says("wrong passphrase or key");
}

#[test]
fn nothing_opens_without_the_key() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "kept");
    sandbox.backup("@source");
    sandbox.make_key("other");
    for line in ["snapshots", "check", "restore latest -t @out", "cat config", "key list", "prune"]
    {
        sandbox
            .fails(12, &format!("{line} -p @other"))
            .says("it does not open this repository (1 key slot tried)");
        sandbox.fails(1, &format!("{line} -p @gone")).says("cannot read the password file");
    }
    assert!(!sandbox.exists("out"));
}

#[test]
fn keys_come_and_go_and_one_stays() {
    let sandbox = Sandbox::new();
    sandbox.make_key("second");
    sandbox.ok("key add --new-password-file @second");
    assert_eq!(sandbox.ok("key list -p @second --json").json().as_array().unwrap().len(), 2);
    let keys = sandbox.ok("key list -p @second --json").json();
    let own = |key: &&serde_json::Value| key["current"] == true;
    let other = keys.as_array().unwrap().iter().find(|key| !own(key)).unwrap();
    sandbox.ok(&format!("key remove -p @second {}", other["id"].as_str().unwrap()));
    sandbox.fails(12, "snapshots");
    let last = keys.as_array().unwrap().iter().find(own).unwrap()["id"].as_str().unwrap();
    let outcome = sandbox.run(&format!("key remove -p @second {last}"));
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    sandbox.ok("snapshots -p @second");
}

/// The ids of the keys in `@key` and `@second`.
fn two_keys(sandbox: &Sandbox) -> [String; 2] {
    sandbox.make_key("second");
    sandbox.ok("key add --new-password-file @second");
    ["key", "second"].map(|key| {
        let keys = sandbox.ok(&format!("key list --json -p @{key}")).json();
        let own = keys.as_array().unwrap().iter().find(|key| key["current"] == true);
        own.unwrap()["id"].as_str().unwrap().to_owned()
    })
}

#[test]
fn of_two_that_remove_each_others_key_one_is_refused() {
    let sandbox = Sandbox::new();
    for round in 0..10 {
        let sandbox = if round == 0 { &sandbox } else { &Sandbox::new() };
        let [first, second] = two_keys(sandbox);
        let remove = |key: &str, id: &str| {
            let words = sandbox.words(&format!("key remove -p @{key} {id}"));
            sandbox.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let mut both = [remove("key", &second), remove("second", &first)];
        let done = both.iter_mut().filter_map(|it| it.wait().unwrap().success().then_some(()));
        assert_eq!(done.count(), 1);
        assert_eq!(sandbox.objects("keys").len(), 2, "both copies of one key");
        let opens = |key: &str| sandbox.run(&format!("snapshots -p @{key}")).code == Some(0);
        assert!(opens("key") != opens("second"));
    }
}

#[test]
fn a_removed_key_that_is_put_back_from_a_copy_opens_nothing() {
    let sandbox = Sandbox::new();
    let [_, second] = two_keys(&sandbox);
    let copy = |from: &str, to: &str| {
        let places = [from, to].map(|place| sandbox.path(place));
        assert!(sandbox.program("cp").arg("-aT").args(places).status().unwrap().success());
    };
    copy("repository/keys", "kept-keys");
    sandbox.ok(&format!("key remove {second}"));
    copy("kept-keys", "repository/keys");
    sandbox.fails(12, "snapshots -p @second").says("was removed from this repository");
    assert_eq!(sandbox.objects("keys").len(), 2, "and its objects are gone again");
    sandbox.ok("check");
    sandbox.ok("snapshots");
}

#[test]
fn objects_of_any_length_cost_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "kept");
    sandbox.backup("@source");
    let grow = |object: &str| {
        let file = fs::File::create(sandbox.path("repository").join(object)).unwrap();
        file.set_len(100 << 30).unwrap();
    };
    grow("config");
    grow(&sandbox.objects("keys")[0]);
    grow(&sandbox.objects("index")[0]);
    sandbox.ok("snapshots");
    sandbox.ok("restore latest:@source -t @out");
    sandbox.fails(13, "check --read-data").says("config is damaged");
    grow("config.b");
    sandbox.fails(13, "snapshots").says("the config is above its limit: 107374182400");
}

/// Stored objects do not change: a leaked key still opens them.
#[test]
fn a_new_passphrase_does_not_change_what_is_stored() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "kept");
    sandbox.backup("@source");
    let packs = sandbox.objects("packs");
    sandbox.make_key("second");
    sandbox.ok("key passwd --new-password-file @second");
    sandbox.fails(12, "snapshots");
    sandbox.ok("restore latest:@source -t @out -p @second");
    assert_eq!(sandbox.read("out/a"), b"kept");
    assert_eq!(sandbox.objects("packs"), packs);
}

/// Both copies of the only key slot, and of the config.
fn copies(sandbox: &Sandbox, folder: &str) -> [Vec<PathBuf>; 2] {
    let below = |place: PathBuf| {
        let entries = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_file()).collect::<Vec<_>>()
    };
    let repository = sandbox.path(folder);
    let is_config = |path: &PathBuf| path.file_stem().is_some_and(|name| name == "config");
    let configs = below(repository.clone()).into_iter().filter(is_config).collect();
    [below(repository.join("keys")), configs]
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The output of a later version of the program: a higher version number with a valid checksum.
fn make_newer(bytes: &mut Vec<u8>) {
    bytes[8] = 2;
    bytes.truncate(bytes.len() - 16);
    let checksum = blake3::hash(bytes);
    bytes.extend_from_slice(&checksum.as_bytes()[..16]);
}

#[test]
fn each_reason_not_to_open_has_its_own_message() {
    let sandbox = Sandbox::new();
    let clone = |name: &str| {
        let places = ["repository", name].map(|place| sandbox.path(place));
        assert!(sandbox.program("cp").arg("-a").args(places).status().unwrap().success());
        copies(&sandbox, name)
    };
    let opens = |name: &str| sandbox.run(&format!("snapshots --no-cache -r @{name}"));

    // One damaged copy of each does not matter.
    for list in clone("one") {
        assert_eq!(list.len(), 2);
        change(&list[0], |bytes| bytes[40] ^= 1);
    }
    assert_eq!(opens("one").code, Some(0));

    let [slots, configs] = clone("damaged-slot");
    slots.iter().for_each(|path| change(path, |bytes| bytes[40] ^= 1));
    assert_eq!(opens("damaged-slot").says("both copies of key slot").code, Some(13));
    slots.iter().for_each(|path| fs::remove_file(path).unwrap());
    assert_eq!(opens("damaged-slot").says("no key slot").code, Some(13));
    configs.iter().for_each(|path| change(path, |bytes| bytes[40] ^= 1));
    assert_eq!(
        opens("damaged-slot").says("both copies of the repository's config are damaged").code,
        Some(13)
    );

    let [slots, configs] = clone("newer-slot");
    slots.iter().for_each(|path| change(path, make_newer));
    assert_eq!(opens("newer-slot").says("newer").code, Some(1));
    configs.iter().for_each(|path| change(path, make_newer));
    assert_eq!(opens("newer-slot").says("newer").code, Some(1));

    let [slots, _] = clone("foreign-slot");
    slots.iter().for_each(|path| fs::remove_file(path).unwrap());
    sandbox.ok("init -r @other");
    let [others, _] = copies(&sandbox, "other");
    for path in others {
        let name = path.file_name().unwrap();
        fs::copy(&path, sandbox.path("foreign-slot/keys").join(name)).unwrap();
    }
    assert_eq!(opens("foreign-slot").says("belongs to another repository").code, Some(13));

    sandbox.make_key("wrong");
    sandbox.fails(12, "snapshots -p @wrong").says("wrong passphrase or key");
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_key_or_passphrase() {
    let sandbox = Sandbox::new();
    let key = std::fs::read(sandbox.path("key")).unwrap();
    sandbox.write("marked", [b"\xef\xbb\xbf".as_slice(), &key].concat());
    sandbox.ok("snapshots --password-file @marked");
    sandbox.write("passphrase", "correct horse\n");
    sandbox.write("wide", b"\xff\xfec\0o\0r\0r\0e\0c\0t\0 \0h\0o\0r\0s\0e\0\r\0\n\0");
    sandbox.ok("init -r @other --password-file @wide");
    sandbox.ok("snapshots -r @other --password-file @passphrase");
}
