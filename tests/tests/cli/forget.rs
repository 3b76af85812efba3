//! What forget keeps, and what it refuses.

use holdfast_tests::sandbox::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "one");
    for day in 1..=5 {
        sandbox.backup(&format!("@source --time 2026-01-0{day} --tag day-{day}"));
    }
    sandbox
}

fn days(sandbox: &Sandbox) -> Vec<String> {
    sandbox.snapshots().iter().map(|it| it["tags"][0].as_str().unwrap().to_owned()).collect()
}

#[test]
fn rules_keep_and_the_rest_goes() {
    let sandbox = sandbox();
    let before = days(&sandbox);
    let outcome = sandbox.ok("forget --keep-last 1 --keep-tag day-2 --group-by host --dry-run");
    outcome.prints("last snapshot");
    assert_eq!(days(&sandbox), before);
    sandbox.ok("forget --keep-last 1 --keep-tag day-2 --group-by host");
    assert_eq!(days(&sandbox), ["day-2", "day-5"]);
}

#[test]
fn a_hold_is_stronger_than_every_rule() {
    let sandbox = sandbox();
    let id = sandbox.snapshots()[0]["id"].as_str().unwrap().to_owned();
    sandbox.ok(&format!("tag --hold {id}"));
    sandbox.ok("forget --keep-last 1 --group-by host");
    assert_eq!(days(&sandbox), ["day-1", "day-5"]);
    let outcome = sandbox.run(&format!("forget {id}"));
    assert_ne!(outcome.code, Some(0), "{outcome:?}");
    sandbox.ok(&format!("tag --release {id}"));
    sandbox.ok("forget --keep-last 1 --group-by host");
    assert_eq!(days(&sandbox), ["day-5"]);
}

#[test]
fn without_a_rule_nothing_goes() {
    let sandbox = sandbox();
    let before = days(&sandbox);
    for line in ["forget", "forget --keep-last 0", "forget --keep-tag unheard-of --group-by host"] {
        let outcome = sandbox.run(line);
        assert_ne!(outcome.code, Some(0), "{line}: {outcome:?}");
        assert_eq!(days(&sandbox), before, "{line}");
    }
}

#[test]
fn ids_and_rules_do_not_mix() {
    let sandbox = sandbox();
    let id = sandbox.snapshots()[0]["id"].as_str().unwrap().to_owned();
    sandbox.fails(1, "forget 00000000").says("00000000");
    sandbox.ok(&format!("forget {id}"));
    assert_eq!(days(&sandbox).len(), 4);
}

#[test]
fn a_path_is_the_same_however_it_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a/b", "b");
    sandbox.ok("backup @source/a");
    let paths = ["@source/a", "@source/a/", "@source/./a/.", "@source/a/b/.."];
    for path in paths.map(|path| path.replace('@', &format!("{}/", sandbox.path("").display()))) {
        sandbox.ok(&format!("snapshots --path {path}")).prints("1 snapshot");
        sandbox.ok(&format!("forget --keep-last 1 --dry-run --path {path}")).prints("1 snapshot");
        sandbox.ok(&format!("restore latest --dry-run -t @out --path {path}"));
    }
}
