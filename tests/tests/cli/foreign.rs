//! Folders and files of other programs: they are left unchanged and named in messages.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use holdfast_tests::sandbox::Sandbox;

/// Everything below a folder, with the content of files.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => {
                found.push((entry.path(), Vec::new()));
                found.extend(content(&entry.path()));
            }
            kind if kind.is_socket() => {}
            _ => found.push((entry.path(), fs::read(entry.path()).unwrap())),
        }
    }
    found.sort();
    found
}

/// An application's folder, which has a folder `keys` like a repository.
fn application(sandbox: &Sandbox) -> PathBuf {
    sandbox.write("app/keys/jwt/rsa.key", "PRIVATE");
    sandbox.write("app/keys/server.pem", "PRIVATE");
    sandbox.write("app/keys/0123456789abcdef", "PRIVATE");
    sandbox.write("app/keys/0123456789abcdef.b", "PRIVATE");
    sandbox.write("app/tmp/session", "1");
    sandbox.path("app")
}

#[test]
fn init_changes_nothing_in_a_folder_that_holds_something() {
    let sandbox = Sandbox::empty();
    sandbox.make_key("key");
    let folder = application(&sandbox);
    let before = content(&folder);
    sandbox.fails(1, "init -r @app").says("is not empty: it holds keys/");
    assert_eq!(content(&folder), before);

    sandbox.write("source/a", "1");
    let place = |name: &str| sandbox.path(name).display().to_string();
    let file = format!(
        "[app]\nname = \"notes\"\n[repository]\nurl = \"{}\"\npassword-file = \"{}\"\n\
         [[source]]\nname = \"files\"\ntype = \"files\"\npaths = [\"{}\"]\n",
        place("app"),
        place("key"),
        place("source"),
    );
    sandbox.write("holdfast.toml", file);
    sandbox.fails(1, "run --init-missing --config @holdfast.toml").says("is not empty: it holds");
    assert_eq!(content(&folder), before);

    // Only the content distinguishes a key slot from a file with such a name.
    for name in ["app/keys/jwt", "app/tmp"] {
        fs::remove_dir_all(sandbox.path(name)).unwrap();
    }
    fs::remove_file(sandbox.path("app/keys/server.pem")).unwrap();
    let before = content(&folder);
    sandbox.fails(1, "init -r @app").says("not empty: it holds keys/0123456789abcdef");
    assert_eq!(content(&folder), before);
}

#[test]
fn init_goes_on_where_an_init_was_cut_short() {
    let sandbox = Sandbox::new();
    let slots = sandbox.objects("keys");
    for name in ["config", "config.b"] {
        fs::remove_file(sandbox.path("repository").join(name)).unwrap();
    }
    sandbox.ok("init");
    let anew = sandbox.objects("keys");
    assert!(anew.len() == 2 && slots.iter().all(|slot| !anew.contains(slot)), "{anew:?}");
    sandbox.write("source/a", "kept");
    sandbox.backup("@source");

    // With other objects, it is a repository that lost its config.
    for name in ["config", "config.b"] {
        fs::remove_file(sandbox.path("repository").join(name)).unwrap();
    }
    let before = content(&sandbox.path("repository"));
    sandbox.fails(1, "init").says("is not empty");
    assert_eq!(content(&sandbox.path("repository")), before);
}

#[test]
fn a_repository_of_another_program_is_called_by_its_name() {
    let sandbox = Sandbox::empty();
    sandbox.make_key("key");
    sandbox.write("source/a", "1");
    let programs: [(&str, &[(&str, &str)]); 4] = [
        (
            "restic",
            &[
                ("config", "sealed"),
                ("data/00/0011", "x"),
                ("index/22", "x"),
                ("keys/33", "{}"),
                ("snapshots/44", "x"),
            ],
        ),
        (
            "borg",
            &[
                ("README", "This is a Borg Backup repository.\n"),
                ("config", "[repository]\nversion = 1\n"),
                ("data/0/1", "x"),
            ],
        ),
        ("kopia", &[("kopia.repository.f", "{}"), ("p1/2", "x")]),
        ("bupstash", &[("data/1", "x"), ("items/1", "x"), ("meta/gc_generation", "1")]),
    ];
    for (program, files) in programs {
        for (file, text) in files {
            sandbox.write(format!("{program}/{file}"), text);
        }
        let before = content(&sandbox.path(program));
        let lines = [
            "init",
            "snapshots",
            "check",
            "prune",
            "key list",
            "repair index",
            "forget --keep-last 1",
            "backup @source",
            "restore latest -t @out",
            "cat config",
        ];
        for line in lines {
            sandbox
                .fails(10, &format!("{line} -r @{program}"))
                .says(&format!("is a repository of {program}"));
        }
        assert_eq!(content(&sandbox.path(program)), before, "{program}");
    }
    // A file named config does not make a repository, damaged or not.
    sandbox.write("settings/config", "a = 1\n");
    sandbox.fails(10, "snapshots -r @settings").says("no holdfast repository");
}

#[test]
fn prune_leaves_files_in_tmp_that_are_not_its_own() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "1");
    sandbox.backup("@source");
    let half = |boot: &str| format!("holdfast.{boot}.4026531836.7.12345.0123456789abcdef");
    let elsewhere = half("0123456789abcdef0123456789abcdef");
    let files = ["notes.txt", "0123456789abcdef0123456789abcdef", elsewhere.as_str()];
    for file in files {
        let path = sandbox.write(Path::new("repository/tmp").join(file), "mine");
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        fs::File::open(path).unwrap().set_modified(old).unwrap();
    }
    // No running process of this boot started at its 12,345th tick.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let space = fs::read_link("/proc/self/ns/pid").unwrap().display().to_string();
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let ended = half(boot.replace('-', "").trim()).replace("4026531836", &digits(&space));
    sandbox.write(Path::new("repository/tmp").join(&ended), "half");

    sandbox.ok("prune");
    let is_there = |file: &str| sandbox.exists(Path::new("repository/tmp").join(file));
    assert_eq!(files.map(is_there), [true; 3]);
    assert!(!is_there(&ended), "its process ended on this machine");
    sandbox.ok("prune --abandoned-after 0d");
    assert_eq!(files.map(is_there), [true, true, false], "only files with names of its own");
}
