//! Texts that become rules, and groups.

use super::*;

#[test]
fn spans() {
    for text in ["2y5m7d3h", "7d", "48h", "1y3h", "90min", "30s", "1m1min", "1d2h3min4s"] {
        assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
    }
    assert_eq!("1d2y".parse::<Span>().unwrap().to_string(), "2y1d");
    assert_eq!(" 07d ".parse::<Span>().unwrap().to_string(), "7d");
    assert_eq!("0m".parse::<Span>().unwrap().to_string(), "0h");
    let malformed = [
        "", " ", "7", "d", "7d3", "-7d", "+7d", "7 d", "7 min", "7ms", "7mi", "1.5d", "7D", "1dd",
        "7\u{e4}",
    ];
    for text in malformed.into_iter().chain(["99999999999d"]) {
        let error = SpanError::Malformed { text: text.to_owned() };
        assert_eq!(text.parse::<Span>(), Err(error));
    }
    assert_eq!(
        "1w".parse::<Span>().unwrap_err().to_string(),
        "\"1w\" uses weeks, which are not supported; use days instead: 7d"
    );
    assert_eq!(
        "1d2h3d".parse::<Span>().unwrap_err().to_string(),
        "\"1d2h3d\" has the unit d twice; write each unit at most once"
    );
}

#[test]
fn lengths() {
    let length = |text: &str| text.parse::<Span>().unwrap().length().map(|it| it.as_secs());
    assert_eq!(length("1y1d1h1min1s"), Some(366 * 86_400 + 3661));
    assert_eq!(length("10min"), Some(600));
    assert_eq!(length("4294967295y4294967295d"), Some(u64::from(u32::MAX) * 366 * 86_400));
    assert_eq!(length("1m"), None, "months differ in length");
}

#[test]
fn counts() {
    assert_eq!("7".parse(), Ok(Count::Number(7)));
    assert_eq!("unlimited".parse(), Ok(Count::Unlimited));
    for text in ["", "-1", "x", "7d", "4294967296", "Unlimited"] {
        assert!(text.parse::<Count>().is_err(), "{text}");
    }
    assert_eq!(
        "many".parse::<Count>().unwrap_err().to_string(),
        "\"many\" is not a count of snapshots; write a whole number such as 7, or unlimited"
    );
}

#[test]
fn tag_lists() {
    let list = |text: &str| text.parse::<TagList>().unwrap();
    assert_eq!(list(" a, b,").to_string(), "[a, b]");
    assert_eq!(list(""), TagList::default());
    let tags = ["a".to_owned(), "b".to_owned()];
    assert!(list("b").matches(&tags) && list("b,a").matches(&tags) && list("").matches(&[]));
    assert!(!list("a,c").matches(&tags) && !list("").matches(&tags) && !list("a").matches(&[]));
}

#[test]
fn empty_policies_need_leave() {
    let snapshots = vec![snapshot("2026-11-20 12:00"), snapshot("2026-11-19 12:00 hold")];
    for text in ["", "last=0 within=0h"] {
        let mut policy = policy(text);
        let run = |policy: &Policy, snapshots: &[Candidate]| {
            apply(policy, snapshots.to_vec(), GroupBy::default(), &TimeZone::UTC, moment(LATE))
        };
        assert_eq!(run(&policy, &snapshots), Err(PolicyError::Empty));
        policy.allow_empty = true;
        let found = run(&policy, &snapshots).unwrap();
        assert_eq!((found[0].keep.len(), found[0].remove.len()), (1, 1));
        assert!(!found[0].removes_everything());
        assert!(run(&policy, &snapshots[..1]).unwrap()[0].removes_everything());
    }
    assert!(!policy("tags=").is_empty() && !Policy::default_keep().is_empty());
}

#[test]
fn an_unfinished_backup_does_not_save_a_group() {
    let texts = ["2026-11-20 12:00", "2026-11-20 13:00 partial"];
    let snapshots: Vec<_> = texts.iter().map(|text| snapshot(text)).collect();
    let run = |snapshots| {
        let policy = policy("tags=a");
        apply(&policy, snapshots, GroupBy::default(), &TimeZone::UTC, moment(LATE)).unwrap()
    };
    assert!(run(snapshots.clone())[0].removes_everything());
    assert!(!run(snapshots[1..].to_vec())[0].removes_everything());
}

#[test]
fn groupings() {
    for text in ["", "host", "host,paths", "paths,tags", "host,paths,tags"] {
        assert_eq!(text.parse::<GroupBy>().unwrap().to_string(), text);
    }
    assert_eq!("path,hosts".parse::<GroupBy>().unwrap(), GroupBy::default());
    assert_eq!(
        "host,user".parse::<GroupBy>().unwrap_err().to_string(),
        "cannot group by \"user\"; use host, paths and tags, comma-separated, or '' for one group"
    );
}

#[test]
fn groups_do_not_depend_on_the_order_of_paths_and_tags() {
    let texts = [
        "2026-11-20 12:00 host=a paths=/x,/y tags=1,2",
        "2026-11-19 12:00 host=a paths=/y,/x tags=2,1",
        "2026-11-18 12:00 host=b paths=/x,/y tags=1,2",
        "2026-11-17 12:00 host=b paths=/x tags=2",
    ];
    for (group_by, sizes) in [
        ("", vec![4]),
        ("host", vec![2, 2]),
        ("paths", vec![1, 3]),
        ("tags", vec![3, 1]),
        ("host,paths", vec![2, 1, 1]),
        ("host,paths,tags", vec![2, 1, 1]),
    ] {
        let group_by: GroupBy = group_by.parse().unwrap();
        let groups = group_by.split(texts.iter().map(|text| snapshot(text)).collect());
        assert_eq!(groups.values().map(Vec::len).collect::<Vec<_>>(), sizes, "{group_by}");
    }
    let key = GroupBy::default().key(&snapshot(texts[1]));
    assert_eq!(
        (key.host.as_str(), key.paths, key.tags.len()),
        ("a", vec!["/x".into(), "/y".into()], 0)
    );
}
