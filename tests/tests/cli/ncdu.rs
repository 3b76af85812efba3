//! `ls --ncdu`: read by ncdu itself.

use std::collections::BTreeMap;

use holdfast_tests::sandbox::Sandbox;
use serde_json::Value;

/// ncdu's view of a listing: path and size of each file and directory.
fn read_by_ncdu(sandbox: &Sandbox, listing: &str) -> BTreeMap<String, u64> {
    sandbox.write("listing", listing);
    let mut ncdu = sandbox.program("ncdu");
    ncdu.args(["-0", "-f"]).arg(sandbox.path("listing"));
    let output = ncdu.arg("-o").arg(sandbox.path("read")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let read: Value = serde_json::from_slice(&sandbox.read("read")).unwrap();
    let mut found = BTreeMap::new();
    collect(&read[3], "", &mut found);
    found
}

/// A directory is a list that begins with the directory itself.
fn collect(node: &Value, above: &str, found: &mut BTreeMap<String, u64>) {
    let (it, below) = match node {
        Value::Array(list) => (&list[0], &list[1..]),
        it => (it, &[][..]),
    };
    let name = it["name"].as_str().unwrap().trim_end_matches('/');
    let path = if name.is_empty() { String::new() } else { format!("{above}/{name}") };
    below.iter().for_each(|node| collect(node, &path, found));
    found.insert(path, it["asize"].as_u64().unwrap_or(0));
}

#[test]
fn it_shows_what_takes_the_space() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "1234567");
    sandbox.write("source/b/c/deep", vec![7; 70_000]);
    sandbox.write("source/b/d\"\\\n", "12");
    sandbox.write("source/e/x", "");
    sandbox.backup("@source");

    let found = read_by_ncdu(&sandbox, &sandbox.ok("ls --ncdu latest:@source").stdout);
    let expected = [
        ("", 0),
        ("/a", 7),
        ("/b", 0),
        ("/b/c", 0),
        ("/b/c/deep", 70_000),
        ("/b/d\"\\\n", 2),
        ("/e", 0),
        ("/e/x", 0),
    ];
    assert_eq!(found, expected.map(|(path, bytes)| (path.to_owned(), bytes)).into());

    // Subfolders are listed in their own place.
    let listing = sandbox.ok("ls --ncdu latest:@source /b/c /e").stdout;
    let found = read_by_ncdu(&sandbox, &listing);
    let paths: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(paths, ["", "/b", "/b/c", "/b/c/deep", "/e", "/e/x"]);
    sandbox.fails(2, "ls --ncdu --long latest").says("cannot be used with");
}
