//! Command lines of tools written for restic: the table of docs/restic.md, from top to bottom.

use holdfast_tests::project;
use holdfast_tests::sandbox::{Outcome, Sandbox};

/// Lines of the table, and their exit codes.
fn table() -> Vec<(String, i32)> {
    let page = std::fs::read_to_string(project::root().join("docs/restic.md")).unwrap();
    let rows = page.lines().filter(|line| line.contains("| `restic "));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let line = cells[2].trim_matches('`').strip_prefix("restic ").unwrap();
        (line.to_owned(), cells[3].parse().unwrap_or_else(|_| panic!("{row}")))
    })
    .collect()
}

fn run(sandbox: &Sandbox, line: &str) -> Outcome {
    let mut line = line.replace("/data", "@data").replace("/restore", "@restore");
    if line.contains("ID") {
        let snapshots = sandbox.snapshots();
        let of_data = |it: &&serde_json::Value| it["paths"][0].as_str().unwrap().ends_with("/data");
        let newest = snapshots.iter().rev().find(of_data).unwrap();
        line = line.replace("ID", newest["id"].as_str().unwrap());
    }
    match line.contains("--stdin ") {
        true => sandbox.run_with_input(&line, b"create table a ();\n"),
        false => sandbox.run(&line),
    }
}

#[test]
fn every_line_of_the_table_ends_as_it_says() {
    let sandbox = Sandbox::empty();
    sandbox.make_key("key");
    sandbox.write("data/a", "one");
    sandbox.write("data/excludes", "*.tmp\n");
    let list = format!("{}\n", sandbox.path("data").display());
    sandbox.write("data/list", list);
    std::fs::create_dir(sandbox.path("restore")).unwrap();
    let table = table();
    assert_eq!(table.len(), 46);
    assert_eq!(table.iter().filter(|(_, code)| *code == 2).count(), 2);
    for (line, code) in table {
        let outcome = run(&sandbox, &line);
        assert_eq!(outcome.code, Some(code), "{line}: {outcome:?}");
        match code {
            1 => drop(outcome.says("already initialized: config file already exists")),
            2 => drop(outcome.says("tip: ")),
            _ => {}
        }
        if line.contains("list locks") || line.starts_with("unlock") {
            assert_eq!(outcome.stdout, "", "{line}");
        }
        if line.starts_with("forget --json") {
            assert_eq!(outcome.json().as_array().unwrap().len(), 1, "{line}");
        }
    }
    assert_eq!(sandbox.read("restore/2/a"), b"one");
    assert!(sandbox.within("restore/1", "data/a").exists());
}

/// The patterns of resticprofile and autorestic, applied to the output of a backup.
#[test]
fn the_summary_has_the_lines_that_wrappers_look_for() {
    let sandbox = Sandbox::new();
    sandbox.write("data/a", vec![b'x'; 5000]);
    sandbox.write("data/b", "two");
    let printed = sandbox.ok("backup @data").stdout;
    let line = |start: &str| {
        let found = printed.lines().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("{start}: {printed}")).to_owned()
    };
    let numbers = |line: &str| -> Vec<u64> {
        line.split([' ', ',']).filter_map(|word| word.parse().ok()).collect()
    };
    assert_eq!(numbers(&line("Files: ")), [2, 0, 0]);
    assert_eq!(numbers(&line("Dirs: "))[1..], [0, 0]);
    assert!(line("Files: ").ends_with(" unmodified"));
    assert!(line("Added to the repository: ").ends_with(" stored)"));
    assert!(line("processed 2 files, 4.886 KiB in ").len() > 30);
    assert!(line("snapshot ").ends_with(" saved"));
    assert!(sandbox.ok("backup --dry-run @data").stdout.contains("Would add to the repository: "));
}

#[test]
fn one_passphrase_after_the_other_comes_from_standard_input() {
    let sandbox = Sandbox::empty().with("HOLDFAST_PASSWORD_FILE", "");
    let ask = |line: &str, input: &str| sandbox.run_with_input(line, input.as_bytes());
    assert_eq!(ask("init", "first\n").code, Some(0));
    ask("snapshots", "first").says("from standard input").prints("no snapshots");
    assert_eq!(ask("snapshots", "other\nfirst\n").code, Some(12));
    assert_eq!(ask("key add", "first\nsecond\n").code, Some(0));
    assert_eq!(ask("snapshots --json", "second\n").json().as_array().unwrap().len(), 0);
    ask("snapshots", "\n").says("no passphrase was given");
    // Data to back up is not taken for a passphrase.
    ask("backup --stdin", "first\n").says("no passphrase was given");
}

#[test]
fn flags_about_the_network_are_refused_where_there_is_one() {
    let sandbox = Sandbox::new();
    for command in ["run", "restore-app"] {
        let outcome = sandbox.fails(2, &format!("{command} --insecure-tls"));
        outcome.says("--insecure-tls has no effect on the databases and buckets");
    }
    sandbox.fails(1, "snapshots --cacert @missing.pem").says("cannot read the certificate");
    sandbox.fails(2, "snapshots -o local.fsync=off").says("unknown option local.fsync");
    sandbox.fails(2, "snapshots -o s3").says("unknown option s3");
}

#[test]
fn lists_are_ids() {
    let sandbox = Sandbox::new();
    sandbox.write("data/a", "one");
    sandbox.backup("@data");
    let ids = |kind: &str| -> Vec<String> {
        sandbox.ok(&format!("list {kind}")).stdout.lines().map(str::to_owned).collect()
    };
    assert_eq!(ids("snapshots"), [sandbox.snapshots()[0]["id"].as_str().unwrap()]);
    let named = |folder: &str| -> Vec<String> {
        let objects = sandbox.objects(folder);
        objects.iter().map(|name| name.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("packs"), named("packs"));
    assert_eq!(ids("index"), named("index"));
    let keys = sandbox.ok("key list --json").json();
    assert_eq!(ids("keys"), [keys[0]["id"].as_str().unwrap()]);
    assert_eq!(ids("locks"), [""; 0]);
    sandbox.ok(&format!("cat pack {} --json", ids("packs")[0]));
}

#[test]
fn the_config_has_the_names_of_restic() {
    let sandbox = Sandbox::new();
    let config = sandbox.ok("cat config").json();
    assert_eq!(config["version"], 1);
    assert_eq!(config["id"], config["repository_id"]);
}
