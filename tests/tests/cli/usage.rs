//! An invalid value for every argument: the right exit code, and one sentence with the flag, the
//! value and what is expected.
//!
//! Commands, flags and variables are taken from the help texts, so that a new one without a case
//! fails the tests.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use holdfast_tests::sandbox::{Outcome, Sandbox};

/// The result of a value of a flag.
enum Wrong {
    /// A usage error: the value, and the part of the message that states what is expected.
    Refused(&'static str, &'static str),
    /// A valid value that names something that does not exist: the value, the exit code, and a part
    /// of the message.
    Fails(&'static str, i32, &'static str),
    /// Any text is valid; the command succeeds, whether it finds something or not.
    Nothing(&'static str),
}

use Wrong::{Fails, Nothing, Refused};

const TIME: &str = "is not a time; write 2026-11-20";
const SPAN: &str = "write years, months, days, hours, minutes and seconds, such as";
const SIZE: &str = "expected a number of bytes, or one with K, M, G or T";
const GROUP: &str = "use host, paths and tags, comma-separated";
const SELECTOR: &str = "write latest, latest~2 or the first digits of an id";
const PATTERN: &str = "close every [";

/// A valid app file.
const APP: &str = r#"
[app]
name = "app"
host = "web"
[repository]
url = "repository"
password-file = "key"
[[source]]
name = "files"
type = "files"
paths = ["source"]
"#;

/// The case of a flag of a command; `holdfast` stands for global flags.
fn case(command: &str, flag: &str) -> Wrong {
    if let Some(case) = case_of_restic(flag) {
        return case;
    }
    match (command, flag) {
        ("holdfast", flag) => case_of_all(flag),
        (_, "--config") => Fails("missing", 1, "cannot read the app file"),
        ("schedule systemd" | "schedule cron" | "schedule kubernetes", flag) => {
            case_of_schedules(flag)
        }
        ("retention report", "--day") => Refused("1.13.2026", "as in 2026-11-20"),
        ("retention report", "--every") => Refused("week", "[possible values: hour, day]"),
        ("forget" | "retention report", "--keep-policy") => {
            Refused("weekly", "[possible values: default]")
        }
        ("forget" | "retention report", "--keep-tag")
        | (_, "--tag" | "--set" | "--add" | "--remove") => case_of_tags(command, flag),
        ("forget" | "retention report", flag) if flag.starts_with("--keep-within") => {
            Refused("5q", SPAN)
        }
        ("forget" | "retention report", flag) if flag.starts_with("--keep-") => {
            Refused("-1", "or unlimited")
        }
        ("snapshots", "--latest") => Refused("0", "expected a whole number from 1 to"),
        ("backup", "--read-concurrency") => Refused("many", "a whole number from 1 to 1024"),
        ("backup", "--chunk-profile") => Refused("huge", "[possible values: dump, file, media]"),
        ("backup", "--parent") | ("find", "--snapshot") => Refused("newest", SELECTOR),
        ("backup", "--stdin-filename") => Refused("a/../b", "as in db/app.sql"),
        ("backup", "--exclude-if-present") => Refused("a/b", "without slashes"),
        ("backup", "--exclude-larger-than")
        | (_, "--max-repack-size" | "--repack-smaller-than") => Refused("5Q", SIZE),
        (_, "--max-unused") => Refused("101%", "from 0% to 100%"),
        ("backup", "--files-from" | "--files-from-verbatim" | "--files-from-raw") => {
            Fails("missing", 1, "cannot read the file of paths")
        }
        (_, "--group-by") => Refused("owner", GROUP),
        (_, "--time" | "--at" | "--oldest" | "--newest") => Refused("1.13.2026", TIME),
        (_, "--exclude" | "--iexclude" | "--include" | "--iinclude") => Refused("[a", PATTERN),
        ("restore", "--include-xattr" | "--exclude-xattr") => Refused("[a", PATTERN),
        (_, "--exclude-file" | "--iexclude-file" | "--include-file" | "--iinclude-file") => {
            Fails("missing", 1, "cannot read the pattern file")
        }
        ("backup", "--host") | ("key add", "--label") => Nothing("any"),
        ("ls" | "dump" | "restore", "--host") => Fails("nobody", 1, "no complete snapshot matches"),
        ("snapshots", "--host") => Nothing("nobody"),
        (_, "--host") => Fails("nobody", 1, "no snapshot matches --host nobody"),
        ("ls" | "dump" | "restore", "--path") => Fails("/none", 1, "no complete snapshot matches"),
        ("snapshots", "--path") => Nothing("/none"),
        (_, "--path") => Fails("/none", 1, "no snapshot matches --path /none"),
        (_, "--source") => Fails("none", 1, "the snapshot has no source called"),
        ("ls", "--sort") => Refused("color", "[possible values: name, size, time"),
        ("dump", "--archive") => {
            Refused("rar", "[possible values: tar, zip, custom, directory, sql]")
        }
        ("dump", "--target") => Fails("/proc/none/x", 1, "cannot write"),
        ("restore", "--target") => Fails("key", 1, "cannot open the target"),
        ("restore-app", flag) if flag != "--at" => case_of_restore_app(flag),
        ("restore", "--overwrite") => Refused("maybe", "[possible values: always, if-changed"),
        ("check", "--read-data-subset") => Refused("5/3", "expected n/t with n from 1 to t"),
        ("check", "--max-age") | ("forget" | "prune", "--abandoned-after") => {
            Refused("1m", "use days (d), or min for minutes")
        }
        ("stats", "--mode") => Refused("all", "[possible values: restore-size"),
        (_, "--new-password-file") => Fails("missing", 1, "cannot read the password file"),
        (_, "--new-password-command") => Fails("false", 1, "the password command `false` failed"),
        ("cache", "--max-age") => Refused("old", "expected a whole number from 0 to"),
        ("man", "--out") => Fails("key", 1, "cannot write manual pages into"),
        _ => panic!("`{command} {flag}` has no case with an invalid value"),
    }
}

fn case_of_all(flag: &str) -> Wrong {
    match flag {
        "--repo" => Fails("none", 10, "none"),
        "--repository-file" => Fails("missing", 1, "cannot read the repository file"),
        "--password-file" => Fails("missing", 1, "cannot read the password file"),
        "--password-command" => Fails("false", 1, "the password command `false` failed"),
        "--key-hint" => Nothing("ffff"),
        "--verbose" => Refused("9", "not in 0..=3"),
        "--cache-dir" => Nothing("key"),
        "--compression" => Refused("zip", "[possible values: auto, off"),
        "--pack-size" => Refused("3", "expected a whole number from 4 to 128"),
        "--index-memory" => Refused("3", "expected a whole number from 4 to 65536"),
        _ => panic!("the global flag {flag} has no case with an invalid value"),
    }
}

/// Global flags for scripts written for restic.
fn case_of_restic(flag: &str) -> Option<Wrong> {
    Some(match flag {
        "--limit-upload" | "--limit-download" => {
            Refused("fast", "expected a whole number from 0 to")
        }
        "--option" => Refused("s3", "unknown option s3"),
        "--cacert" | "--tls-client-cert" => Fails("missing", 1, "cannot read the certificate"),
        "--retry-lock" | "--stuck-request-timeout" | "--http-user-agent" => Nothing("any"),
        _ => return None,
    })
}

fn case_of_schedules(flag: &str) -> Wrong {
    match flag {
        "--to" => Fails("key", 1, "cannot write the units into"),
        "--program" | "--image" => Nothing("any"),
        "--claim" => Refused("a", "expected NAME:PATH or NAME:PATH:ro"),
        "--backup" => Nothing("any"),
        "--called" => Refused("My_App", "expected 1 to 40 lower-case letters"),
        "--at" => Refused("25:00", "expected HH:MM"),
        "--namespace" | "--cache-claim" => Fails("My", 2, "is not a Kubernetes name"),
        _ => panic!("`schedule {flag}` has no case with an invalid value"),
    }
}

fn case_of_restore_app(flag: &str) -> Wrong {
    match flag {
        "--to" => Fails("missing", 1, "cannot read the app file"),
        "--snapshot" | "--keys-snapshot" => Refused("newest", SELECTOR),
        "--only" => Fails("none", 1, "the app file has no source called"),
        "--database" => Fails("any", 2, "without --into"),
        "--into" | "--schema" | "--table" => {
            Fails("any", 1, "the sources to restore have no database")
        }
        "--jobs" => Refused("0", "expected a whole number from 1 to 64"),
        "--yes-overwrite" => Nothing("any"),
        _ => panic!("`restore-app {flag}` has no case with an invalid value"),
    }
}

fn case_of_tags(command: &str, flag: &str) -> Wrong {
    match (command, flag) {
        ("ls" | "dump" | "restore", "--tag") => Fails("none", 1, "no complete snapshot matches"),
        _ => Nothing(" ,,"),
    }
}

/// The rest of an otherwise valid command line.
fn rest(command: &str, flag: &str) -> &'static str {
    match (command, flag) {
        ("holdfast", _) => "snapshots",
        ("init", _) => "-r @other",
        ("backup", "--stdin-filename") => "--stdin",
        ("backup", _) => "@source --dry-run",
        ("ls", _) => "latest",
        ("find", _) => "a",
        ("diff", _) => "latest latest",
        ("dump", _) => "latest /",
        ("restore", "--at") => "-t @out --dry-run",
        ("restore", "--target") => "latest --dry-run",
        ("restore", _) => "latest -t @out --dry-run",
        ("restore-app", "--config") => "--dry-run",
        ("restore-app", _) => "--config @app.toml --dry-run",
        ("forget", flag) if !flag.starts_with("--keep") => "--keep-last 100 --dry-run",
        ("forget" | "prune", _) => "--dry-run",
        ("check", "--max-age") => "--read-data",
        ("schedule kubernetes", "--config") => "--image x",
        ("schedule kubernetes", "--image") => "--config @app.toml --claim a:/",
        ("schedule kubernetes", _) => "--config @app.toml --image x --claim a:/",
        (_, "--config") => "",
        ("schedule cron" | "schedule systemd", "--backup") => "-p @key",
        ("schedule cron" | "schedule systemd", "--called" | "--at") => "-p @key --backup @source",
        ("schedule cron" | "schedule systemd", _) => "--config @app.toml",
        ("retention report", flag) if flag.starts_with("--keep") => "-r @repository",
        ("retention report", _) => "-r @repository --keep-last 9",
        ("tag", "--set" | "--add" | "--remove") => "latest",
        ("tag", _) => "--release",
        ("key add", "--label") => "--new-password-file @key",
        _ => "",
    }
}

/// A repository with a plain snapshot and one of an application, and a file that is not a folder.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let state = sandbox.path("state");
    let sandbox = sandbox.with("HOLDFAST_STATE_DIR", state);
    sandbox.write("source/a", "a");
    sandbox.write("app.toml", APP);
    sandbox.ok("run --config @app.toml");
    sandbox.ok("backup @source");
    sandbox
}

/// All commands; names of subcommands contain spaces.
fn commands(sandbox: &Sandbox) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(command) = open.pop() {
        let help = sandbox.ok(&format!("{command} --help")).stdout;
        let below = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        let below: Vec<String> = below
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help")
            .map(|name| format!("{command} {name}").trim().to_owned())
            .collect();
        match below.is_empty() {
            true => found.push(command),
            false => open.extend(below),
        }
    }
    found.sort();
    found
}

/// Lines of the help of a command; global flags belong to `holdfast`.
fn help(sandbox: &Sandbox, command: &str) -> Vec<String> {
    let is_root = command == "holdfast";
    let line = if is_root { "--help".to_owned() } else { format!("{command} --help") };
    let help = sandbox.ok(&line).stdout;
    let lines = help.lines().take_while(|line| is_root || *line != "Global options:");
    lines.map(str::to_owned).collect()
}

/// The flags that take a value, from the help of a command.
fn flags(sandbox: &Sandbox, command: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in help(sandbox, command) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_flag = words.first().is_some_and(|word| word.starts_with('-'));
        if is_flag && line.ends_with([']', '>']) && line.contains('<') {
            let flag = words.iter().find(|word| word.starts_with("--")).expect("a long name");
            found.push(flag.split(['[', '=']).next().unwrap().to_owned());
        }
    }
    found
}

/// All flags that take a value, by command.
fn all_flags(sandbox: &Sandbox) -> Vec<(String, String)> {
    let mut commands = commands(sandbox);
    assert!(commands.len() > 25, "{commands:?}");
    commands.push("holdfast".to_owned());
    let mut found = Vec::new();
    for command in commands {
        found.extend(flags(sandbox, &command).into_iter().map(|flag| (command.clone(), flag)));
    }
    found
}

/// The words of a command line with a value of a flag.
fn words(
    sandbox: &Sandbox,
    command: &str,
    flag: &str,
    value: impl Into<OsString>,
) -> Vec<OsString> {
    let own = if command == "holdfast" { "" } else { command };
    let mut words = sandbox.words(&format!("{own} {}", rest(command, flag)));
    let mut with_value = OsString::from(format!("{flag}="));
    with_value.push(value.into());
    words.push(with_value);
    words
}

/// One sentence that contains all these parts, and no internals.
#[track_caller]
fn one_sentence(outcome: &Outcome, parts: &[&str]) {
    let mut lines = outcome.stderr.lines();
    let sentence = lines.next().unwrap_or_default().to_owned();
    let is_listed = |line: &&str| line.trim().starts_with("[possible values: ");
    let said = lines.find(is_listed).map_or(sentence.clone(), |values| sentence.clone() + values);
    assert!(sentence.starts_with("error: ") || sentence.starts_with("holdfast: "), "{outcome:?}");
    for part in parts {
        assert!(said.contains(part), "{part:?} is not said: {}", outcome.stderr);
    }
    for word in ["panic", "backtrace", "unwrap", "RUST_", "Error {", "Some(", "invalid digit"] {
        assert!(!outcome.stderr.contains(word), "{}", outcome.stderr);
    }
}

#[test]
fn a_wrong_value_of_every_flag() {
    let sandbox = sandbox();
    let before = sandbox.objects("");
    for (command, flag) in all_flags(&sandbox) {
        let wrong = case(&command, &flag);
        let (Refused(value, _) | Fails(value, ..) | Nothing(value)) = wrong;
        let outcome = sandbox.run_words(words(&sandbox, &command, &flag, value));
        let json = sandbox.words("--json").into_iter();
        let as_json = sandbox.run_words(json.chain(words(&sandbox, &command, &flag, value)));
        let (code, parts) = match wrong {
            Refused(_, expected) => (2, [flag.as_str(), value, expected]),
            Fails(_, code, expected) => (code, [value, value, expected]),
            Nothing(_) => (0, [""; 3]),
        };
        assert_eq!(outcome.code, Some(code), "{command} {flag}: {outcome:?}");
        assert_eq!(as_json.code, Some(code), "{command} {flag}: {as_json:?}");
        if code != 0 {
            one_sentence(&outcome, &parts);
            let error = as_json.errors().pop().unwrap();
            assert_eq!(
                (&error["message_type"], &error["code"]),
                (&"exit_error".into(), &code.into())
            );
            let message = error["message"].as_str().unwrap();
            let expected = parts[2].trim_start_matches("[possible values: ").trim_end_matches(']');
            for part in [parts[0], parts[1], expected] {
                assert!(message.contains(part), "{command} {flag}: {message}");
            }
        }
    }
    let mut after = sandbox.objects("");
    after.retain(|name| !name.starts_with("keys/"));
    assert!(after.iter().all(|name| before.contains(name)), "something was stored");
}

/// The program ends cleanly for any input.
#[test]
fn a_hostile_value_of_every_flag() {
    let sandbox = sandbox();
    let values = [b"\x1b[2J\xff\xfe\n\xe2\x80\xae".to_vec(), vec![b'9'; 100_000]];
    for (command, flag) in all_flags(&sandbox) {
        for value in &values {
            let value = OsString::from_vec(value.clone());
            let output = sandbox.command(words(&sandbox, &command, &flag, value)).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            let is_known = output.status.code().is_some_and(|code| [0, 1, 2, 10].contains(&code));
            assert!(is_known, "{command} {flag}: {} {said}", output.status);
            for word in ["panicked", "backtrace"] {
                assert!(!said.contains(word), "{command} {flag}: {said}");
            }
        }
    }
}

#[test]
fn a_flag_that_no_command_has() {
    let sandbox = sandbox();
    for command in commands(&sandbox) {
        let outcome = sandbox.fails(2, &format!("{command} --no-such-flag"));
        one_sentence(&outcome, &["--no-such-flag"]);
    }
    one_sentence(&sandbox.fails(2, "backupp"), &["backupp"]);
    let nothing = sandbox.fails(2, "");
    nothing.says("Usage: holdfast");
}

#[test]
fn a_wrong_argument_of_every_command() {
    const ID: &str = "is not an id: ids are up to 64 hexadecimal digits";
    let sandbox = sandbox();
    let cases = [
        ("backup @missing", 1, "none of the paths"),
        ("cat blob newest", 2, ID),
        ("cat index newest", 2, ID),
        ("cat key newest", 2, ID),
        ("cat pack newest", 2, ID),
        ("cat snapshot newest", 2, SELECTOR),
        ("cat tree newest", 2, SELECTOR),
        ("config check My_App", 2, "is not an application name"),
        ("completions tcsh", 2, "[possible values: bash"),
        ("diff latest newest", 2, SELECTOR),
        ("diff latest", 2, "SNAPSHOT[:FOLDER]"),
        ("dump newest /", 2, SELECTOR),
        ("dump latest /none", 1, "the snapshot has no /none"),
        ("find [a", 2, "is malformed"),
        ("forget newest", 2, SELECTOR),
        ("forget", 2, "no rule says what to keep"),
        ("key remove newest", 1, "no key id begins"),
        ("ls newest", 2, SELECTOR),
        ("ls latest~7", 1, "7"),
        ("list blobs", 2, "[possible values: snapshots, packs, index, keys, locks]"),
        ("man", 2, "--out <FOLDER>"),
        ("retention report My_App", 2, "is not an application name"),
        ("run My_App", 2, "is not an application name"),
        ("schedule cron My_App", 2, "is not an application name"),
        ("schedule kubernetes", 2, "--image <IMAGE>"),
        ("schedule systemd My_App", 2, "is not an application name"),
        ("restore newest -t @out", 2, SELECTOR),
        ("restore-app nobody --config @app.toml", 2, "is the app file of app, not of nobody"),
        ("restore latest", 2, "--target <FOLDER>"),
        ("restore latest:/none -t @out", 1, "the snapshot has no /none"),
        ("snapshots newest", 2, SELECTOR),
        ("stats newest", 2, SELECTOR),
        ("tag newest --add x", 2, SELECTOR),
        ("tag latest", 2, "--set"),
    ];
    for (line, code, expected) in cases {
        let outcome = sandbox.fails(code, line);
        let said = outcome.stderr.replace('\n', " ");
        assert!(said.contains(expected), "{line}: {said}");
        one_sentence(&outcome, &[]);
    }
    let without_arguments = [
        "cache",
        "cat config",
        "config schema",
        "check",
        "init",
        "key add",
        "key generate",
        "key list",
        "key passwd",
        "prune",
        "repair index",
        "repair snapshots",
        "unlock",
        "version",
    ];
    for command in commands(&sandbox) {
        let is_tried = cases.iter().any(|(line, ..)| line.starts_with(&command));
        if !is_tried {
            assert!(without_arguments.contains(&command.as_str()), "{command}: no wrong argument");
            one_sentence(&sandbox.fails(2, &format!("{command} surplus")), &["surplus"]);
        }
    }
    assert!(!sandbox.exists("out"), "something was restored");
}

/// Variables that help texts name.
fn variables(sandbox: &Sandbox) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut all = commands(sandbox);
    all.push("holdfast".to_owned());
    for command in all {
        let text = help(sandbox, &command).join(" ");
        for part in text.split("[env:").skip(1) {
            found.insert(part.split(']').next().unwrap().trim().to_owned());
        }
    }
    found
}

#[test]
fn a_wrong_value_of_every_variable() {
    let said_by_help = variables(&sandbox());
    let cases = [
        ("HOLDFAST_CACHE_DIR", "key", 0, ""),
        ("HOLDFAST_CHECKPOINT_SECONDS", "soon", 2, "expected a number of seconds"),
        ("HOLDFAST_COMPRESSION", "zip", 2, "[possible values: auto, off"),
        ("HOLDFAST_CONFIG", "any", 0, ""),
        ("HOLDFAST_HOST", "any", 0, ""),
        ("HOLDFAST_IGNORE_CTIME", "maybe", 2, "maybe"),
        ("HOLDFAST_IGNORE_INODE", "maybe", 2, "maybe"),
        ("HOLDFAST_KEY_HINT", "ffff", 0, ""),
        ("HOLDFAST_INDEX_MEMORY", "lots", 2, "expected a whole number from 4 to 65536"),
        ("HOLDFAST_PACK_SIZE", "129", 2, "expected a whole number from 4 to 128"),
        ("HOLDFAST_PASSWORD_COMMAND", "false", 1, "the password command `false` failed"),
        ("HOLDFAST_PASSWORD_FILE", "missing", 1, "cannot read the password file missing"),
        ("HOLDFAST_PROGRESS_FPS", "61", 2, "expected a number above 0 and up to 60"),
        ("HOLDFAST_READ_CONCURRENCY", "0", 2, "expected a whole number from 1 to 1024"),
        ("HOLDFAST_REPOSITORY", "none", 10, "none"),
        ("HOLDFAST_REPOSITORY_FILE", "key", 2, "are both set; unset one of them"),
    ];
    let tried: BTreeSet<String> = cases.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let missing: Vec<&String> = said_by_help.difference(&tried).collect();
    assert!(missing.is_empty() && said_by_help.len() > 8, "no case for {missing:?}");
    for (name, value, code, expected) in cases {
        let sandbox = sandbox().with(name, value);
        let outcome = sandbox.fails(code, "backup @source");
        if code != 0 {
            one_sentence(&outcome, &[expected]);
        }
        if code == 2 && name != "HOLDFAST_REPOSITORY_FILE" {
            one_sentence(&outcome, &[value]);
        }
    }
}
