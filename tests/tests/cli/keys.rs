//! Passphrases and keys: what opens a repository, and what does not.

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
            .says("none of the repository's 1 key slots");
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

/// Each object of the repository is tried for each key: what leaked opens what was stored before.
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
