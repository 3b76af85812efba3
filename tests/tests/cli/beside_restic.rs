//! The output of `--json` compared with restic's for the same files: keys, types and values.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use holdfast_tests::sandbox::{Outcome, Sandbox, search_path};
use serde_json::Value;

/// Commands in the order in which they run. `FIRST` and `LAST` stand for ids of snapshots, and `<`
/// for input on standard input.
const COMMANDS: [&str; 36] = [
    "init --json",
    "init --json",
    "backup --json -vv @source --tag one,two",
    "snapshots --json",
    "backup --json -vv @source",
    "backup --json --dry-run -vv @source",
    "backup --json @missing",
    "backup --json --dry-run @missing @source",
    "snapshots --json --latest 1",
    "snapshots --json --group-by host",
    "snapshots --json --host nowhere",
    "snapshots --json --tag one LAST",
    "ls --json LAST",
    "ls --json LAST @source/below",
    "ls --json 00000000",
    "find --json *.txt",
    "find --json --ignore-case A.TXT",
    "find --json nothing-is-called-so",
    "diff --json FIRST LAST",
    "diff --json --metadata FIRST LAST",
    "stats --json",
    "stats --json LAST",
    "stats --json --mode files-by-contents",
    "stats --json --mode raw-data",
    "stats --json --mode blobs-per-file",
    "restore --json LAST --target @WHOSE/new",
    "restore --json 00000000 --target @WHOSE/new",
    "check --json",
    "check --json --read-data",
    "key list --json",
    "tag --json --add three LAST",
    "forget --json --keep-last 1 --group-by host --dry-run",
    "forget --json --keep-daily 2 --keep-tag one --tag one",
    "cat config",
    "version --json",
    "backup --json --stdin --stdin-filename db.sql <",
];

/// Commands whose output is not JSON and is the same.
const SAME_OUTPUT: [&str; 5] = [
    "dump LAST /db.sql",
    "list locks",
    "list locks --json --no-lock",
    "unlock",
    "snapshots --json=true --host nowhere",
];

/// Keys that only restic has, each with its reason in docs/restic.md.
const NOT_OURS: [&str; 8] = [
    "data_size_in_repo",
    "metadata_size_in_repo",
    "atime",
    "go_version",
    "chunker_polynomial",
    // A dry run stores nothing.
    "dry_run.snapshot_id",
    "dry_run.data_added_packed",
    // In restic, a tagged snapshot gets a new id.
    "original",
];

/// Additional keys that older versions print and newer ones do not.
const OF_OLDER: [&str; 2] = ["counters", "total_file_count"];

/// Keys whose values are the same in both programs despite the different formats.
const SAME: &[&str] = &[
    "message_type",
    "action",
    "item",
    "paths",
    "hostname",
    "username",
    "tags",
    "name",
    "type",
    "path",
    "uid",
    "gid",
    "size",
    "mode",
    "permissions",
    "mtime",
    "ctime",
    "user",
    "group",
    "links",
    "inode",
    "device_id",
    "hits",
    "modifier",
    "changed_files",
    "files",
    "others",
    "files_new",
    "files_changed",
    "files_unmodified",
    "total_files_processed",
    "total_bytes_processed",
    "total_files",
    "files_restored",
    "total_bytes",
    "bytes_restored",
    "total_file_count",
    "snapshots_count",
    "num_errors",
    "broken_packs",
    "suggest_repair_index",
    "changed_snapshots",
    "code",
    "dry_run",
    "host",
    "current",
    "userName",
    "hostName",
    "matches",
    "go_os",
    "go_arch",
    "data_blobs",
    "struct_type",
    "during",
];

struct Pair {
    sandbox: Sandbox,
    /// True if values and exit codes are compared too: an older restic has different ones.
    is_recent: bool,
    problems: Vec<String>,
    compared: usize,
}

/// The program to run.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Ours,
    Theirs,
}

/// restic; `HOLDFAST_TEST_RESTIC` overrides the system's.
fn restic() -> PathBuf {
    let named = std::env::var_os("HOLDFAST_TEST_RESTIC").map(PathBuf::from);
    let search = search_path();
    let mut folders = std::env::split_paths(&search).map(|folder| folder.join("restic"));
    named
        .or_else(|| folders.find(|program| program.exists()))
        .expect("restic is missing: `./dev test` installs it")
}

impl Pair {
    fn new() -> Self {
        let sandbox = Sandbox::empty();
        sandbox.make_key("key");
        let mut pair = Self { sandbox, is_recent: true, problems: Vec::new(), compared: 0 };
        let version = pair.finish(pair.program(Who::Theirs).arg("version")).stdout;
        let version = version.split(' ').nth(1).expect("restic 0.19.1 compiled with ...");
        let numbers: Vec<u32> = version.split('.').map_while(|it| it.parse().ok()).collect();
        pair.is_recent = numbers >= vec![0, 19];
        pair
    }

    fn program(&self, who: Who) -> Command {
        if who == Who::Ours {
            return self.sandbox.command([""; 0]);
        }
        let mut command = self.sandbox.program(restic());
        command.env("RESTIC_REPOSITORY", self.sandbox.path("restic"));
        command.env("RESTIC_PASSWORD", "beside").env("RESTIC_CACHE_DIR", self.sandbox.path("c"));
        command
    }

    fn words(&self, who: Who, line: &str) -> Vec<OsString> {
        let folder = if who == Who::Ours { "ours" } else { "theirs" };
        let mut line = line.trim_end_matches(" <").replace("WHOSE", folder);
        for (word, place) in [("FIRST", 0), ("LAST", usize::MAX)] {
            if line.contains(word) {
                line = line.replace(word, &self.snapshot(who, place));
            }
        }
        self.sandbox.words(&line)
    }

    fn snapshot(&self, who: Who, place: usize) -> String {
        let listed = self.finish(self.program(who).args(["snapshots", "--json"])).json();
        let all = listed.as_array().unwrap();
        all[place.min(all.len() - 1)]["id"].as_str().unwrap().to_owned()
    }

    fn finish(&self, command: &mut Command) -> Outcome {
        self.sandbox.finish(command.output().unwrap())
    }

    fn run(&self, who: Who, line: &str) -> Outcome {
        let mut command = self.program(who);
        command.args(self.words(who, line));
        if line.ends_with(" <") {
            let input = self.sandbox.write("input", "create table a ();\n");
            command.stdin(Stdio::from(fs::File::open(input).unwrap()));
        }
        self.finish(&mut command)
    }

    fn compare(&mut self, line: &str) {
        let (ours, theirs) = (self.run(Who::Ours, line), self.run(Who::Theirs, line));
        if ours.code != theirs.code && !self.is_recent {
            return;
        }
        if ours.code != theirs.code {
            let codes = (ours.code, theirs.code);
            self.problems.push(format!("{line}: exit codes {codes:?}\n{ours:?}\n{theirs:?}"));
            return;
        }
        // Older versions print text instead of some of these.
        let (Some(expected), Some(errors)) = (documents(&theirs.stdout), documents(&theirs.stderr))
        else {
            return;
        };
        self.compared += 1;
        let (Some(found), Some(told)) = (documents(&ours.stdout), documents(&ours.stderr)) else {
            self.problems.push(format!("{line}: no JSON: {ours:?}"));
            return;
        };
        for expected in expected.iter().chain(&errors) {
            // The number of status messages depends on how long a command takes.
            if expected["message_type"] == "status" {
                continue;
            }
            // Other tests change the parent folders.
            if expected["path"].as_str().is_some_and(|path| !path.contains("/source")) {
                continue;
            }
            let mut all = found.iter().chain(&told);
            match all.find(|found| is_same_message(found, expected)) {
                Some(found) => self.values(line, "", found, expected),
                None => self.problems.push(format!("{line}: nothing like {expected}: {ours:?}")),
            }
        }
    }

    fn values(&mut self, line: &str, key: &str, ours: &Value, theirs: &Value) {
        if is_exception(line, key, ours, theirs) {
            return;
        }
        let is_same_kind = match (ours, theirs) {
            (Value::Object(ours), Value::Object(theirs)) => {
                let is_dry_run = line.contains("--dry-run");
                for (key, theirs) in theirs {
                    let of_dry_run = format!("dry_run.{key}");
                    let is_missing = NOT_OURS.contains(&key.as_str())
                        || (!self.is_recent && OF_OLDER.contains(&key.as_str()))
                        || (is_dry_run && NOT_OURS.contains(&of_dry_run.as_str()));
                    match ours.get(key) {
                        Some(ours) => self.values(line, key, ours, theirs),
                        None if is_missing => {}
                        None => self.problems.push(format!("{line}: no {key} in {ours:?}")),
                    }
                }
                return;
            }
            (Value::Array(ours), Value::Array(theirs)) => {
                if ours.len() != theirs.len() && self.is_recent {
                    let text = format!("{line}: {key} has {} and {}", ours.len(), theirs.len());
                    self.problems.push(format!("{text}: {ours:?} {theirs:?}"));
                }
                for (ours, theirs) in ours.iter().zip(theirs) {
                    self.values(line, key, ours, theirs);
                }
                return;
            }
            (Value::String(_), Value::String(_))
            | (Value::Number(_), Value::Number(_))
            | (Value::Bool(_), Value::Bool(_))
            | (Value::Null, _) => true,
            (ours, theirs) => ours == theirs,
        };
        let is_other = self.is_recent && SAME.contains(&key) && ours != theirs;
        if !is_same_kind || is_other {
            self.problems.push(format!("{line}: {key} is {ours}, with restic {theirs}"));
        }
    }
}

/// One document, or messages line by line; none for text.
fn documents(text: &str) -> Option<Vec<Value>> {
    if let Ok(whole) = serde_json::from_str(text) {
        return Some(vec![whole]);
    }
    text.lines().map(|line| serde_json::from_str(line).ok()).collect()
}

/// Keys with a different meaning; each has a row in docs/restic.md.
fn is_exception(line: &str, key: &str, ours: &Value, theirs: &Value) -> bool {
    match key {
        // restic counts links as empty files.
        "total_file_count" => line.contains("files-by-contents"),
        // In restic, empty lists may be null.
        "remove" | "keep" | "tags" => theirs.is_null() && ours == &Value::Array(Vec::new()),
        _ => false,
    }
}

/// True if both have the same type and subject.
fn is_same_message(ours: &Value, theirs: &Value) -> bool {
    let keys = ["message_type", "item", "path", "struct_type"];
    let is_same = |key: &str| theirs.get(key).is_none_or(|theirs| ours.get(key) == Some(theirs));
    ours.is_object() == theirs.is_object() && keys.into_iter().all(is_same)
}

#[test]
fn keys_types_and_values_are_those_of_restic() {
    let mut pair = Pair::new();
    let sandbox = &pair.sandbox;
    sandbox.write("source/a.txt", "one");
    sandbox.write("source/large", vec![7; 3 << 20]);
    sandbox.write("source/below/b.txt", "two");
    std::os::unix::fs::symlink("a.txt", sandbox.path("source/link")).unwrap();
    for line in COMMANDS {
        pair.compare(line);
        if line == "snapshots --json" {
            pair.sandbox.write("source/a.txt", "changed");
            pair.sandbox.write("source/new.txt", "new");
        }
    }
    for line in SAME_OUTPUT {
        let (ours, theirs) = (pair.run(Who::Ours, line), pair.run(Who::Theirs, line));
        let is_json = |outcome: &Outcome| documents(&outcome.stdout);
        if (ours.code, &ours.stdout) != (theirs.code, &theirs.stdout)
            && (is_json(&ours) != is_json(&theirs) || ours.code != theirs.code)
            && pair.is_recent
        {
            pair.problems.push(format!("{line}: {ours:?}, with restic {theirs:?}"));
        }
    }
    assert!(pair.problems.is_empty(), "{}", pair.problems.join("\n\n"));
    let least = if pair.is_recent { 30 } else { 12 };
    assert!(pair.compared >= least, "only {} commands printed JSON", pair.compared);
}

/// Values that restic has too, and that must match their names.
#[test]
fn values_are_real() {
    let sandbox = Sandbox::new();
    sandbox.write("source/large", vec![1; 3 << 20]);
    sandbox.write("source/small", "small");
    std::os::unix::fs::symlink("small", sandbox.path("source/link")).unwrap();
    let first = sandbox.ok("backup --json -vv --time 2026-01-01T00:00:00Z @source");
    let summary = first.message("summary");
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let stored = &sandbox.snapshots()[0]["summary"];
    assert_eq!(stored["backup_end"], summary["backup_end"]);
    assert!(time(&stored["backup_end"]) > time(&stored["backup_start"]), "{stored}");
    assert_eq!(summary["total_files_processed"], 2, "a link does not count as a file");
    let told = |item: &str| {
        let messages = first.messages().into_iter().filter(|it| it["action"] == "new");
        let mut found = messages.filter(|it| it["item"].as_str().unwrap().ends_with(item));
        found.next().unwrap_or_else(|| panic!("{item}: {first:?}"))
    };
    assert!(told("/large")["data_size"].as_u64().unwrap() > 0);
    assert!(told("/large")["duration"].as_f64().unwrap() > 0.0);
    assert_eq!(told("/small")["data_size"], 5);
    assert_eq!(told("/link")["data_size"], 0);
    assert!(told("/source/")["metadata_size"].as_u64().unwrap() > 0);
    let again = sandbox.ok("backup --json -vv @source");
    let large = again.messages().into_iter().find(|it| it["item"] == told("/large")["item"]);
    let large = large.unwrap();
    assert_eq!((&large["action"], &large["data_size"]), (&"unchanged".into(), &0.into()));
    let added = again.message("summary")["data_added"].as_u64().unwrap();
    assert!(added < 10_000, "{added} bytes, and nothing but folders can be new");
}
