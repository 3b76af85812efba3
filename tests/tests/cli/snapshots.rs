//! Snapshots: each is complete, and can be selected in several ways.

use holdfast_tests::sandbox::Sandbox;

#[test]
fn each_is_complete_when_all_others_are_gone() {
    for kept in 0..3 {
        let sandbox = Sandbox::new();
        let mut ids = Vec::new();
        for number in 0..3 {
            sandbox.write("source/same", "the same in all of them");
            sandbox.write("source/changing", format!("state {number}"));
            sandbox.write(format!("source/only-{number}"), "");
            ids.push(sandbox.backup("@source")["snapshot_id"].as_str().unwrap().to_owned());
            std::fs::remove_file(sandbox.path(format!("source/only-{number}"))).unwrap();
        }
        let others: Vec<String> = ids.iter().filter(|id| **id != ids[kept]).cloned().collect();
        sandbox.ok(&format!("forget {} --prune --max-unused 0", others.join(" ")));
        std::fs::remove_dir_all(sandbox.path("cache")).unwrap();
        sandbox.ok("restore latest:@source -t @out --verify");
        assert_eq!(sandbox.read("out/changing"), format!("state {kept}").as_bytes());
        assert_eq!(sandbox.read("out/same"), b"the same in all of them");
        assert!(sandbox.exists(format!("out/only-{kept}")));
        sandbox.ok("check --read-data");
    }
}

#[test]
fn they_are_named_by_place_by_id_and_by_time() {
    let sandbox = Sandbox::new();
    for (day, text) in [("2026-01-01", "one"), ("2026-01-02", "two"), ("2026-01-03", "three")] {
        sandbox.write("source/a", text);
        sandbox.backup(&format!("@source --time {day}"));
    }
    let id = sandbox.snapshots()[1]["id"].as_str().unwrap()[..10].to_owned();
    let source = sandbox.path("source");
    let source = source.display();
    for (number, (selector, text)) in [
        (format!("latest:{source}"), "three"),
        (format!("latest~2:{source}"), "one"),
        (format!("{id}:{source}"), "two"),
    ]
    .into_iter()
    .enumerate()
    {
        let outcome = sandbox.run(&format!("restore {selector} -t @out{number}"));
        assert_eq!(outcome.code, Some(0), "{selector}: {outcome:?}");
        assert_eq!(sandbox.read(format!("out{number}/a")), text.as_bytes(), "{selector}");
    }
    sandbox.ok("restore --at 2026-01-02T12:00 -t @then");
    assert_eq!(std::fs::read(sandbox.within("then", "source/a")).unwrap(), b"two");
    sandbox.fails(1, "ls latest~3").says("latest~3");
    sandbox.fails(1, "ls 00000000").says("00000000");
    sandbox.fails(2, "ls nonsense").says("does not name a snapshot");
}
