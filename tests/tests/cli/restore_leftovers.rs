//! Leftovers of killed restores: the next one removes them, backups exclude them.

use std::fs;
use std::process::Stdio;

use holdfast_tests::sandbox::Sandbox;
use holdfast_tests::strace;

const JOURNAL: &str = ".holdfast-0123456789abcdef-000000000000";
const UNFINISHED: &str = ".holdfast-0123456789abcdef-000000000001";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["a", "sub/deep/b", "other/c"] {
        let mut noise = vec![0; 300_000];
        blake3::Hasher::new().update(name.as_bytes()).finalize_xof().fill(&mut noise);
        sandbox.write(format!("source/{name}"), noise);
    }
    sandbox.backup("@source");
    sandbox
}

fn unfinished(sandbox: &Sandbox) -> Vec<String> {
    let all = holdfast_tests::picture::entries(&sandbox.path("out"));
    let names = all.keys().map(|path| path.display().to_string());
    names.filter(|name| name.contains(".holdfast-")).collect()
}

/// A restore that is killed when it renames its n-th file.
fn kill_at(sandbox: &Sandbox, rename: usize) {
    let options = [format!("--inject=renameat2:signal=KILL:when={rename}")];
    let words = sandbox.words("restore latest:@source -t @out");
    let mut command = strace::command(sandbox, "renameat2", options, words);
    let output = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(!output.success(), "it was not killed");
}

#[test]
fn the_next_restore_removes_what_a_killed_one_left() {
    for rename in 1..=3 {
        let sandbox = sandbox();
        kill_at(&sandbox, rename);
        assert!(unfinished(&sandbox).len() >= 2, "a journal and a file: {rename}");
        let outcome = sandbox.ok("restore latest:@source -t @out");
        outcome.says("left by an interrupted restore");
        assert_eq!(unfinished(&sandbox), [""; 0]);
        for name in ["a", "sub/deep/b", "other/c"] {
            let stored = sandbox.read(format!("source/{name}"));
            assert!(sandbox.read(format!("out/{name}")) == stored, "{name}");
        }
    }
}

#[test]
fn one_folder_further_down_the_proof_lies_above() {
    let sandbox = sandbox();
    kill_at(&sandbox, 1);
    // At whichever file it was, only its own folder belongs to this restore.
    for folder in ["sub/deep", "other"] {
        sandbox.ok(&format!("restore latest:@source/{folder} -t @out/{folder}"));
        let left = unfinished(&sandbox);
        assert!(!left.iter().any(|name| name.starts_with(folder)), "{left:?}");
    }
    sandbox.ok("restore latest:@source -t @out");
    assert_eq!(unfinished(&sandbox), [""; 0]);
}

#[test]
fn what_nothing_proves_stays_and_is_named() {
    let sandbox = sandbox();
    for name in [UNFINISHED, "mine", ".holdfast-notes"] {
        sandbox.write(format!("out/{name}"), "of the user");
    }
    let outcome = sandbox.ok("restore latest:@source -t @out --delete");
    outcome.says(UNFINISHED).prints("keep 1 entry");
    assert_eq!(sandbox.read(format!("out/{UNFINISHED}")), b"of the user");
    // A journal without its own entry proves nothing, and neither does one that lists folders
    // outside the target.
    sandbox.write(format!("out/{JOURNAL}"), "something else");
    sandbox.ok("restore latest:@source -t @out").says(UNFINISHED);
    sandbox.write(format!("beside/{UNFINISHED}"), "of the user");
    let header = "unfinished files of a holdfast restore are in:\n";
    sandbox.write(format!("out/{JOURNAL}"), format!("{header}../beside\0/etc\0\0half"));
    sandbox.ok("restore latest:@source -t @out");
    assert!(!sandbox.exists(format!("out/{UNFINISHED}")), "proven now");
    assert!(!sandbox.exists(format!("out/{JOURNAL}")));
    assert!(sandbox.exists(format!("beside/{UNFINISHED}")), "outside");
}

#[test]
fn what_a_living_restore_is_at_stays() {
    let sandbox = sandbox();
    let journal = sandbox
        .write(format!("out/{JOURNAL}"), "unfinished files of a holdfast restore are in:\n\0");
    sandbox.write(format!("out/{UNFINISHED}"), "");
    let file = fs::File::open(journal).unwrap();
    file.lock().unwrap();
    let outcome = sandbox.ok("restore latest:@source -t @out");
    assert_eq!(outcome.stderr, "", "it is not mentioned");
    assert_eq!(unfinished(&sandbox).len(), 2);
    drop(file);
    sandbox.ok("restore latest:@source -t @out");
    assert_eq!(unfinished(&sandbox), [""; 0]);
}

#[test]
fn a_backup_leaves_unfinished_files_out() {
    let sandbox = Sandbox::new();
    for name in [JOURNAL, UNFINISHED, "file", ".holdfast-notes"] {
        sandbox.write(format!("source/{name}"), "");
    }
    sandbox.backup("@source");
    let outcome = sandbox.ok("ls latest");
    outcome.prints("source/file").prints(".holdfast-notes").prints_nothing_of(UNFINISHED);
    outcome.prints_nothing_of(JOURNAL);
}
