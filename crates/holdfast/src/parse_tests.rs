//! Tables of values and the results of parsing them.

use super::*;

fn check<T>(cases: &[(&str, Result<T, &str>)])
where
    T: FromStr<Err = String> + PartialEq + std::fmt::Debug,
{
    for (text, expected) in cases {
        match (text.parse::<T>(), expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value, *expected, "{text:?}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{text:?}: {error}"),
            (got, expected) => panic!("{text:?}: {got:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn sizes() {
    check(&[
        ("0", Ok(Size(0))),
        ("1000", Ok(Size(1000))),
        ("1000B", Ok(Size(1000))),
        ("5b", Ok(Size(5))),
        ("1k", Ok(Size(1024))),
        ("1K", Ok(Size(1024))),
        ("50M", Ok(Size(50 << 20))),
        ("3g", Ok(Size(3 << 30))),
        ("2T", Ok(Size(2 << 40))),
        ("16777215T", Ok(Size(16_777_215 << 40))),
        ("16777216T", Err("more than 16 EiB")),
        ("", Err("expected a number of bytes")),
        ("M", Err("expected a number of bytes")),
        ("B", Err("expected a number of bytes")),
        ("1.5G", Err("as in 500M")),
        ("-1", Err("as in 500M")),
        ("+1", Err("as in 500M")),
        ("5MB", Err("as in 500M")),
        ("5 M", Err("as in 500M")),
        ("5\u{e9}", Err("as in 500M")),
    ]);
}

#[test]
fn unused_space() {
    check(&[
        ("5%", Ok(MaxUnusedArgument::Percent(5.0))),
        ("0.5%", Ok(MaxUnusedArgument::Percent(0.5))),
        ("100%", Ok(MaxUnusedArgument::Percent(100.0))),
        ("200M", Ok(MaxUnusedArgument::Bytes(200 << 20))),
        ("5B", Ok(MaxUnusedArgument::Bytes(5))),
        ("0", Ok(MaxUnusedArgument::Bytes(0))),
        ("unlimited", Ok(MaxUnusedArgument::Unlimited)),
        ("101%", Err("from 0% to 100%")),
        ("-1%", Err("from 0% to 100%")),
        ("NaN%", Err("from 0% to 100%")),
        ("%", Err("from 0% to 100%")),
        ("lots", Err("a percentage (5%), a size (200M) or unlimited")),
    ]);
}

#[test]
fn storage_options() {
    check(&[
        ("s3.connections=10", Ok(StorageOption)),
        ("sftp.args=-oBatchMode=yes", Ok(StorageOption)),
        ("local.connections=4", Ok(StorageOption)),
        ("rest.connections", Ok(StorageOption)),
        ("local.fsync=off", Err("unknown option local.fsync")),
        ("s3", Err("unknown option s3")),
        ("s3.=1", Err("unknown option s3.")),
        ("s4.connections=1", Err("unknown option s4.connections")),
        ("", Err("as in s3.connections=10")),
    ]);
}

#[test]
fn subsets() {
    let part = |number, total| Ok(ReadDataSubset::Part { number, total });
    check(&[
        ("1/7", part(1, 7)),
        ("7/7", part(7, 7)),
        ("0/7", Err("n from 1 to t")),
        ("8/7", Err("n from 1 to t")),
        ("1/0", Err("n from 1 to t")),
        ("1/", Err("n from 1 to t")),
        ("1/2/3", Err("n from 1 to t")),
        ("2.5%", Ok(ReadDataSubset::Percent(2.5))),
        ("0%", Err("above 0%")),
        ("500M", Ok(ReadDataSubset::Bytes(500 << 20))),
        ("0", Err("a part (1/7)")),
        ("half", Err("a part (1/7)")),
    ]);
}

#[test]
fn ages() {
    let hours = |hours: u64| Ok(Age(Duration::from_secs(hours * 3600)));
    check(&[
        ("30d", hours(720)),
        ("12h", hours(12)),
        ("1d12h", hours(36)),
        ("120min", hours(2)),
        ("1y", hours(8760)),
        ("0d", hours(0)),
        ("1w", Err("use days instead: 7d")),
        ("5m", Err("m means months")),
        ("", Err("is not a duration")),
        ("30", Err("is not a duration")),
        ("d", Err("is not a duration")),
        ("1d5", Err("is not a duration")),
        ("-1d", Err("is not a duration")),
        ("1\u{e9}", Err("is not a duration")),
        ("99999999999999999999d", Err("is not a duration")),
    ]);
}

#[test]
fn tag_lists() {
    let list =
        |tags: &[&str]| Ok(TagListArgument(tags.iter().map(|tag| (*tag).to_owned()).collect()));
    check(&[("a", list(&["a"])), ("a, b,,c", list(&["a", "b", "c"])), ("", list(&[]))]);
}

#[test]
fn marker_files() {
    let marker = |name: &str, header: Option<&str>| {
        Ok(ExcludeIfPresent { name: name.to_owned(), header: header.map(str::to_owned) })
    };
    check(&[
        (".nobackup", marker(".nobackup", None)),
        ("TAG:Signature: 8a", marker("TAG", Some("Signature: 8a"))),
        ("a/b", Err("without slashes")),
        (":x", Err("name of a file")),
        ("", Err("name of a file")),
    ]);
}

#[test]
fn whole_numbers() {
    assert_eq!(number::<1, 1024>("1024"), Ok(1024));
    for bad in ["", "0", "1025", "-1", "+1", " 1", "1.5", "many", "99999999999999999999"] {
        assert_eq!(
            number::<1, 1024>(bad),
            Err("expected a whole number from 1 to 1024".to_owned())
        );
    }
}

#[test]
fn names_of_streams() {
    for good in ["stdin", "db/app.sql", "/db/app.sql", "..."] {
        assert_eq!(stream_name(good.as_ref()), Ok(good.into()));
    }
    for bad in ["", "/", "a/", "a//b", "../a", "a/./b"] {
        assert!(stream_name(bad.as_ref()).unwrap_err().contains("as in db/app.sql"), "{bad}");
    }
}

#[test]
fn patterns() {
    assert_eq!(pattern("*.[ch]"), Ok("*.[ch]".to_owned()));
    for bad in ["[a", "a\\"] {
        assert_eq!(pattern(bad), Err(PATTERN_HELP.to_owned()));
    }
}
