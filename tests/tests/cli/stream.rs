//! Backups of standard input and of the output of commands.

use holdfast_tests::sandbox::Sandbox;

#[track_caller]
fn no_snapshot(sandbox: &Sandbox) {
    assert_eq!(sandbox.objects("w"), Vec::<String>::new());
    sandbox.fails(1, "restore latest -t @none");
}

#[test]
fn standard_input_becomes_a_file() {
    let sandbox = Sandbox::new();
    let dump = "INSERT INTO accounts VALUES (1);\n".repeat(100_000);
    let outcome =
        sandbox.run_with_input("backup --stdin --stdin-filename db/app.sql", dump.as_bytes());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    sandbox.ok("restore latest -t @out");
    assert_eq!(sandbox.read("out/db/app.sql"), dump.as_bytes());
    let outcome = sandbox.run_with_input("backup --stdin", b"");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    sandbox.ok("restore latest -t @second");
    assert_eq!(sandbox.read("second/stdin"), b"");
}

#[test]
fn a_small_change_in_a_stream_adds_little() {
    let sandbox = Sandbox::new();
    let lines: Vec<String> = (0..60_000).map(|n| format!("{n},{}\n", n * 7919 % 10_007)).collect();
    let added = |input: &str| {
        let outcome = sandbox.run_with_input("backup --stdin --json", input.as_bytes());
        outcome.message("summary")["data_added"].as_u64().unwrap()
    };
    let whole = added(&lines.concat());
    let changed =
        added(&format!("{}inserted\n{}", lines[..30_000].concat(), lines[30_000..].concat()));
    assert!(changed * 10 < whole, "{changed} of {whole}");
}

#[test]
fn the_output_of_a_command() {
    let sandbox = Sandbox::new();
    sandbox.ok("backup --stdin-from-command --stdin-filename x -- printf a%sc b");
    sandbox.ok("restore latest -t @out");
    assert_eq!(sandbox.read("out/x"), b"abc");
}

#[test]
fn a_command_that_fails_leaves_no_snapshot() {
    let sandbox = Sandbox::new();
    let words = ["backup", "--stdin-from-command", "--", "sh", "-c"];
    for script in
        ["echo half; exit 1", "echo half; kill -9 $$", "echo half; kill -TERM $$", "exit 200"]
    {
        let outcome = sandbox.run_words(words.into_iter().chain([script]));
        assert_eq!(outcome.code, Some(1), "{script}: {outcome:?}");
        outcome.says("no snapshot was made");
        no_snapshot(&sandbox);
    }
    sandbox.fails(1, "backup --stdin-from-command -- /no/such/command").says("/no/such/command");
    no_snapshot(&sandbox);
}

/// Packs stored before the failure are useful to the next run, and are discarded after it.
#[test]
fn a_command_that_fails_late_leaves_no_snapshot_either() {
    let sandbox = Sandbox::new();
    let words = |script| ["backup", "--stdin-from-command", "--", "sh", "-c", script];
    let outcome = sandbox.run_words(words("head -c 40000000 /dev/urandom; exit 3"));
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    outcome.says("3");
    no_snapshot(&sandbox);
    assert!(sandbox.object_bytes("packs") > 10_000_000);
    sandbox.ok("check");
    // A prune reports what it keeps and why, and discards it if told to.
    let outcome = sandbox.ok("prune --dry-run");
    outcome.prints("of an unfinished backup, seen since").prints("--abandoned-after 0d");
    let waiting = &sandbox.ok("prune --json").json()["waiting"][0];
    assert!(waiting["bytes"].as_u64().unwrap() > 10_000_000, "{waiting}");
    let given_up = Sandbox::empty();
    given_up.adopt(&sandbox);
    given_up.ok("prune --abandoned-after 0d").prints("0 packs, 0 B moved");
    assert_eq!(given_up.object_bytes("packs"), 0);
    given_up.ok("check");
    assert_eq!(sandbox.run_words(words("echo short")).code, Some(0));
    sandbox.ok("prune");
    assert!(sandbox.object_bytes("packs") < 1_000_000);
    sandbox.ok("check --read-data");
}

#[test]
fn what_a_command_says_is_seen() {
    let sandbox = Sandbox::new();
    let words = ["backup", "--stdin-from-command", "--", "sh", "-c", "echo careful >&2; echo x"];
    let outcome = sandbox.run_words(words);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome.says("careful");
}

#[test]
fn a_command_sees_no_secret_of_the_environment() {
    let sandbox = Sandbox::new();
    let key = String::from_utf8(sandbox.read("key")).unwrap();
    let secrets = ["HOLDFAST_PASSWORD", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_KEY"];
    let words = sandbox.words("backup --stdin-from-command --stdin-filename env -- env");
    let mut command = sandbox.command(words);
    command.env_remove("HOLDFAST_PASSWORD_FILE").env("PLAIN", "visible");
    command.envs(secrets.map(|name| (name, key.trim())));
    let outcome = sandbox.finish(command.output().unwrap());
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let seen = sandbox.ok("dump latest /env").stdout;
    assert!(seen.contains("PLAIN=visible"), "{seen}");
    assert!(!secrets.iter().any(|name| seen.contains(name)), "{seen}");
}
