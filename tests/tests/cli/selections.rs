//! A selection that matches nothing is reported as a failure.

use std::os::unix::fs::symlink;

use holdfast_tests::sandbox::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("data/a", "one");
    sandbox.write("data/b", "two");
    sandbox.backup("@data --host web --tag daily");
    sandbox
}

#[test]
fn a_filter_that_no_snapshot_passes() {
    let sandbox = sandbox();
    for filter in ["--host typo", "--tag typo", "--path @typo"] {
        for command in [
            "forget --keep-last 1",
            "forget --keep-last 1 --json",
            "forget --keep-last 1 --dry-run --prune",
            "tag --add x",
            "tag --add x --json",
            "stats",
            "find a",
            "find --json a",
            "restore latest -t @out",
            "ls latest",
            "dump latest /",
            "retention report -r @repository --keep-last 1",
        ] {
            let outcome = sandbox.fails(1, &format!("{command} {filter}"));
            outcome.says("snapshot matches --");
            assert_eq!(outcome.stdout, "", "{command} {filter}");
        }
    }
    assert_eq!(sandbox.snapshots().len(), 1);
    // Commands that only list may list nothing.
    sandbox.ok("snapshots --host typo").prints("no snapshot matches --host typo");
    assert_eq!(sandbox.ok("snapshots --host typo --json").stdout, "[]\n");
    let empty = Sandbox::new();
    empty.ok("forget --keep-last 1");
    empty.fails(1, "forget --keep-last 1 --host typo").says("no snapshot matches --host typo");
}

#[test]
fn a_path_is_the_same_however_it_is_written() {
    let sandbox = sandbox();
    for path in ["@data/", "@data/.", "@data/x/..", "data", "./data/"] {
        let json = sandbox.ok(&format!("snapshots --json --path {path}")).json();
        assert_eq!(json.as_array().unwrap().len(), 1, "{path}");
        sandbox.ok(&format!("forget --keep-last 1 --path {path}"));
    }
}

#[test]
fn a_restore_of_nothing() {
    let sandbox = sandbox();
    for rule in ["--include typo", "--iinclude typo", "--exclude /", "--exclude *"] {
        for more in ["", " --dry-run", " --json"] {
            let outcome = sandbox.fails(1, &format!("restore latest -t @out {rule}{more}"));
            outcome.says("nothing");
        }
    }
    sandbox.write("patterns", "typo\n# a comment\n");
    sandbox.fails(1, "restore latest -t @out --include-file @patterns").says("matches typo");
    let outcome = sandbox.ok("restore latest -t @out --include a --include typo");
    outcome.says("nothing in the snapshot matches typo");
    assert!(sandbox.within("out", "data/a").exists());
    assert_eq!(sandbox.ok("restore latest -t @other --include a").stderr, "");
    // Existing files count as matches too.
    sandbox.ok("restore latest -t @out --include a --overwrite never");
    sandbox.ok("restore latest -t @out --include a");
}

#[test]
fn a_search_that_finds_nothing_says_so() {
    let sandbox = sandbox();
    let outcome = sandbox.ok("find typo");
    outcome.says("nothing matches");
    assert_eq!(outcome.stdout, "");
    assert_eq!(sandbox.ok("find typo -q").stderr, "");
    assert_eq!(sandbox.ok("find typo --json").stdout, "[]\n");
}

#[test]
fn patterns_of_paths_go_through_links() {
    let sandbox = sandbox();
    std::fs::create_dir(sandbox.path("links")).unwrap();
    symlink(sandbox.path("data"), sandbox.path("links/there")).unwrap();
    symlink(sandbox.path("links"), sandbox.path("links/loop")).unwrap();
    let folder = sandbox.path("links");
    sandbox.write("list", format!("{}/*/a\n", folder.display()));
    let outcome = sandbox.ok("backup --json --files-from @list");
    assert_eq!(outcome.message("summary")["total_files_processed"], 1, "{outcome:?}");
    sandbox.ok("dump latest @links/there/a").prints("one");
    sandbox.write("list", format!("{}/**/a\n", folder.display()));
    sandbox.fails(2, "backup --files-from @list").says("matches nothing");
}

#[test]
fn a_link_that_is_named_is_stored_as_one_and_that_is_told() {
    let sandbox = sandbox();
    symlink(sandbox.path("data"), sandbox.path("link")).unwrap();
    let data = sandbox.path("data").canonicalize().unwrap();
    for named in ["@link", "@link/"] {
        let outcome = sandbox.ok(&format!("backup {named}"));
        outcome.says("is a symbolic link").says(&format!("use {}", data.display()));
    }
    let listed = sandbox.ok("ls --json latest").messages();
    assert_eq!(listed.last().unwrap()["type"], "symlink");
    assert_eq!(sandbox.ok("backup @data").stderr, "");
}

#[test]
fn a_command_without_its_flag_gets_a_hint() {
    let sandbox = sandbox();
    let outcome = sandbox.fails(1, "backup -- cat app");
    outcome.says("none of the paths to back up exists: cat, app");
    outcome.says("--stdin-from-command -- cat app");
    let outcome = sandbox.fails(1, "backup @missing");
    outcome.says("missing").says("disks are mounted");
    assert!(!outcome.stderr.contains("--stdin-from-command"));
}

#[test]
fn an_unknown_time_zone_is_told() {
    for (zone, is_known) in [
        ("Nowhere/Typo", false),
        ("Europe/Berln", false),
        ("UTC", true),
        ("Europe/Berlin", true),
        ("CET-1CEST", false),
        ("CET-1CEST,M3.5.0,M10.5.0/3", true),
        (":Europe/Berlin", true),
        ("", true),
    ] {
        let sandbox = Sandbox::new().with("TZ", zone);
        let outcome = sandbox.ok("snapshots --json");
        assert_eq!(outcome.stderr.is_empty(), is_known, "{zone}: {outcome:?}");
        if !is_known {
            outcome.says(&format!("TZ is {zone}"));
        }
    }
}

#[test]
fn a_byte_order_mark_belongs_to_no_text() {
    let sandbox = Sandbox::new();
    sandbox.write("data/a", "one");
    sandbox.write("data/b.tmp", "two");
    sandbox.write("data/.gitignore", "\u{feff}*.tmp\n");
    sandbox.write("ignore", "\u{feff}*.tmp\n");
    sandbox.write("data/.nobackup", "\u{feff}nothing of this\n");
    sandbox.backup("--exclude-if-present .nobackup:nothing @data");
    let listed = sandbox.ok("ls latest").stdout;
    assert!(listed.contains("/.nobackup") && !listed.contains("b.tmp"), "{listed}");
    std::fs::remove_file(sandbox.path("data/.nobackup")).unwrap();
    for rule in ["--gitignore", "--exclude-file @ignore"] {
        let summary = sandbox.backup(&format!("{rule} @data"));
        assert_eq!(summary["total_files_processed"], 2, "{rule}");
    }
    sandbox.backup("@data");
    sandbox.ok("restore latest -t @out --include-file @ignore");
    assert!(sandbox.within("out", "data/b.tmp").exists());
    assert!(!sandbox.within("out", "data/a").exists());
}
