//! The rules must accept the correct order, and reject every wrong one.

use crate::calls::{Action, Call, parse};
use crate::order::judge;

/// A pack, an index object and a record, as written by a backup with two threads.
const GOOD: &str = r#"
7 mkdirat(3</r>, "packs", 0700) = 0
7 openat(3</r>, ".", O_RDONLY|O_DIRECTORY) = 4</r>
7 fsync(4</r>) = 0
7 openat(3</r>, "tmp/a", O_WRONLY|O_CREAT|O_EXCL, 0600) = 5</r/tmp/a>
7 writev(5</r/tmp/a>, [{iov_base=""..., iov_len=9}, {iov_base=""..., iov_len=9}], 2) = 18
7 fsync(5</r/tmp/a> <unfinished ...>
8 write(2</dev/pts/0>, ""..., 3) = 3
7 <... fsync resumed>) = 0
7 linkat(3</r>, "tmp/a", 3</r>, "packs/a", 0) = 0
7 unlinkat(3</r>, "tmp/a", 0) = 0
7 openat(3</r>, "packs", O_RDONLY|O_DIRECTORY) = 4</r/packs>
7 fsync(4</r/packs>) = 0
8 openat(3</r>, "tmp/b", O_WRONLY|O_CREAT|O_EXCL, 0600) = 5</r/tmp/b>
8 write(5</r/tmp/b>, ""..., 9) = 9
8 fsync(5</r/tmp/b>) = 0
8 linkat(3</r>, "tmp/b", 3</r>, "index/b", 0) = 0
8 fsync(4</r/index>) = 0
8 openat(3</r>, "tmp/c", O_WRONLY|O_CREAT|O_EXCL, 0600) = 5</r/tmp/c>
8 write(5</r/tmp/c>, ""..., 9) = 9
8 fdatasync(5</r/tmp/c>) = 0
8 linkat(3</r>, "tmp/c", 3</r>, "w/1/0", 0) = 0
8 unlinkat(3</r>, "tmp/c", 0) = 0
8 fsync(4</r/w/1>) = 0
8 --- SIGCHLD {si_signo=SIGCHLD} ---
8 +++ exited with 0 +++
"#;

fn log(text: &str) -> Vec<Call> {
    parse(text.trim(), "/r")
}

/// Moves the only line with `what` before the only line with `before`.
fn moved(text: &str, what: &str, before: &str) -> String {
    let mut lines: Vec<&str> = text.trim().lines().collect();
    let find = |lines: &[&str], part: &str| {
        let found: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].contains(part)).collect();
        assert_eq!(found.len(), 1, "{part}");
        found[0]
    };
    let line = lines.remove(find(&lines, what));
    let at = find(&lines, before);
    lines.insert(at, line);
    lines.join("\n")
}

/// The text without the only line with `what`.
fn without(text: &str, what: &str) -> String {
    assert_eq!(text.lines().filter(|line| line.contains(what)).count(), 1, "{what}");
    text.lines().filter(|line| !line.contains(what)).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn refused(text: &str, reason: &str) {
    let error = judge(&log(text)).unwrap_err();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn the_right_order_passes() {
    let objects = judge(&log(GOOD)).unwrap();
    let names: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(names, ["packs/a", "index/b", "w/1/0"]);
    assert!(objects.iter().all(|object| object.appeared < object.durable));
}

#[test]
fn logs_are_understood() {
    let calls = log(GOOD);
    let sync = calls.iter().find(|call| call.action == Action::Sync("tmp/a".to_owned())).unwrap();
    assert_eq!((sync.begin, sync.end), (5, 7));
    assert_eq!(calls.iter().filter(|call| matches!(call.action, Action::Write(_))).count(), 3);
    assert!(log(r#"7 fsync(5</r/tmp/a>) = -1 EIO (Input/output error)"#).is_empty());
    assert!(log(r#"7 fsync(5</repository/tmp/a>) = 0"#).is_empty(), "another folder");
    let gone = r#"7 fsync(5</r/tmp/a>(deleted)) = 0"#;
    assert_eq!(log(gone)[0].action, Action::Sync("tmp/a".to_owned()));
}

#[test]
fn a_file_that_is_not_synced() {
    let broken = GOOD.replace("fsync(5</r/tmp/b>) = 0", "fsync(5</r/tmp/b>) = -1 EIO (error)");
    refused(&broken, "index/b got its name before its whole content was synced");
    refused(&without(GOOD, "fdatasync(5</r/tmp/c>"), "w/1/0 got its name before");
}

#[test]
fn a_sync_in_the_wrong_place() {
    let late = moved(GOOD, "fsync(5</r/tmp/b>", "fsync(4</r/index>");
    refused(&late, "index/b got its name before");
    let early = moved(GOOD, "fsync(5</r/tmp/b>", "write(5</r/tmp/b>");
    refused(&early, "index/b got its name before");
    // The link starts while the sync is still in progress in another thread.
    let meanwhile =
        moved(GOOD, "7 linkat(3</r>, \"tmp/a\"", "write(2<").replace("7 linkat", "9 linkat");
    refused(&meanwhile, "packs/a got its name before");
}

#[test]
fn a_file_that_is_written_after_its_sync() {
    let again = GOOD.replace(
        r#"8 linkat(3</r>, "tmp/b""#,
        "8 pwrite64(5</r/tmp/b>, \"\"..., 1, 0) = 1\n8 linkat(3</r>, \"tmp/b\"",
    );
    refused(&again, "index/b got its name before");
    let after = GOOD.replace(
        "8 fsync(4</r/index>) = 0",
        "8 fsync(4</r/index>) = 0\n8 write(5</r/tmp/b>, \"\"..., 1) = 1",
    );
    refused(&after, "index/b got its name before");
}

#[test]
fn a_name_that_a_power_cut_takes_back() {
    refused(&without(GOOD, "fsync(4</r/w/1>)"), "w/1/0: its folder was not synced");
    let early = moved(GOOD, "fsync(4</r/packs>)", "7 linkat(3</r>, \"tmp/a\"");
    refused(&early, "packs/a: its folder was not synced");
    let failed = GOOD.replace("fsync(4</r/packs>) = 0", "fsync(4</r/packs>) = -1 EIO (error)");
    refused(&failed, "packs/a: its folder was not synced");
}

#[test]
fn a_folder_that_a_power_cut_takes_back() {
    refused(&without(GOOD, "fsync(4</r>)"), "packs/a: the folder above packs was not synced");
    let early = moved(GOOD, "fsync(4</r>)", "mkdirat(3</r>, \"packs\"");
    refused(&early, "packs/a: the folder above packs was not synced");
}

#[test]
fn a_record_before_what_it_refers_to() {
    let record_first = moved(GOOD, "fsync(4</r/index>)", "8 unlinkat(3</r>, \"tmp/c\"");
    refused(&record_first, "w/1/0 appeared before index/b was durable");
    let pack_late = moved(GOOD, "fsync(4</r/packs>)", "8 unlinkat(3</r>, \"tmp/c\"");
    refused(&pack_late, "appeared before packs/a was durable");
    let index_first = moved(GOOD, "fsync(4</r/packs>)", "fsync(4</r/index>)");
    refused(&index_first, "index/b appeared before packs/a was durable");
    // The pack is not even linked yet when the record appears.
    let mut lines: Vec<&str> = GOOD.trim().lines().collect();
    let pack: Vec<&str> = lines.splice(8..12, []).collect();
    lines.splice(lines.len() - 2..lines.len() - 2, pack);
    refused(&lines.join("\n"), "appeared while tmp/a was under way");
}

#[test]
fn an_object_without_a_temporary_file() {
    let direct = GOOD.replace("\"tmp/b\", O_WRONLY", "\"index/b\", O_WRONLY");
    refused(&direct, "index/b was created under its final name");
    refused(&GOOD.replace("/r/tmp/b>", "/r/index/b>"), "index/b was written under its final name");
    let unknown = without(GOOD, "\"tmp/b\", O_WRONLY");
    refused(&unknown, "index/b does not come from a temporary file of this run");
    refused(&without(GOOD, "write(5</r/tmp/b>"), "index/b was never written");
    let renamed = GOOD.replace("linkat(3</r>, \"tmp/b\"", "renameat(3</r>, \"tmp/b\"");
    refused(&renamed, "index/b was renamed");
}

#[test]
fn a_removal_before_its_record() {
    let removal = "8 unlinkat(3</r>, \"packs/z\", 0) = 0\n";
    let gen_record = GOOD.replace("w/1", "gen");
    judge(&log(&(gen_record.trim().to_owned() + "\n" + removal))).unwrap();
    refused(&(removal.to_owned() + gen_record.trim()), "packs/z went away before the record");
    refused(&(GOOD.trim().to_owned() + "\n" + removal), "packs/z went away before the record");
}
