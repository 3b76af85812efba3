//! `config`: mistakes in an app file are reported with their position; a valid file is summarized.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use holdfast_tests::project;
use holdfast_tests::sandbox::Sandbox;

const GOOD: &str = r#"
[app]
name = "documenso"
[repository]
url = "repository"
password-file = "key"
[[source]]
name = "uploads"
type = "files"
paths = ["uploads"]
[[hook]]
before = "run"
command = ["true"]
[retention]
daily = 7
[schedule]
at = ":17"
"#;

/// A sandbox with a repository and an app file, with nothing missing on the machine.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("uploads/a", "a");
    sandbox.write("holdfast.toml", GOOD);
    fs::set_permissions(sandbox.path("key"), fs::Permissions::from_mode(0o600)).unwrap();
    sandbox
}

#[test]
fn a_good_file_is_praised_in_one_line() {
    let sandbox = sandbox();
    let praise = "holdfast.toml is valid: documenso, 1 source (uploads), 0 checks, 1 hook; \
                  runs hourly at :17; keeps 7 daily\n";
    for line in ["config check", "config check documenso", "config check --quiet"] {
        let outcome = sandbox.ok(line);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), (praise, ""));
    }
    let summary = sandbox.ok("config check --json").message("summary");
    assert_eq!((&summary["app"], &summary["warnings"]), (&"documenso".into(), &0.into()));
    // From elsewhere; and not the file of another application.
    let named = sandbox.ok("config check --config @holdfast.toml");
    assert!(named.stdout.ends_with(&praise["holdfast.toml".len()..]), "{}", named.stdout);
    sandbox.fails(2, "config check firmflow").says("is the app file of documenso, not of firmflow");
    let elsewhere = Sandbox::empty().with("HOLDFAST_CONFIG", sandbox.path("holdfast.toml"));
    elsewhere.ok("config check").prints("is valid");
    Sandbox::empty().fails(2, "config check").says("there is no holdfast.toml in this folder");
}

#[test]
fn every_mistake_has_its_place_its_line_and_what_to_write() {
    let sandbox = sandbox();
    let text = GOOD
        .replace("name = \"documenso\"", "name = \"My App\"")
        .replace("daily = 7", "dayly = 7")
        .replace("type = \"files\"", "type = \"file\"");
    let path = sandbox.write("holdfast.toml", text);
    let outcome = sandbox.fails(2, "config check");
    outcome.says("holdfast: 4 mistakes in holdfast.toml").says("4 mistakes");
    for (place, line, caret) in [
        ("holdfast.toml:3:8: ", "3 | name = \"My App\"", "  |        ^^^^^^^^"),
        ("holdfast.toml:9:8: ", "9 | type = \"file\"", "  |        ^^^^^^"),
        ("holdfast.toml:15:1: ", "15 | dayly = ***", "   | ^^^^^"),
    ] {
        outcome.prints(place).prints(line).prints(caret);
    }
    outcome.prints("try: type = \"postgres\" or \"dump\" or \"bucket\"").prints("try: `daily`");
    let json = sandbox.run("config check --json");
    assert_eq!(json.code, Some(2));
    let messages = json.messages();
    assert_eq!(messages.len(), 4, "{messages:?}");
    for message in &messages {
        assert_eq!(message["message_type"], "mistake");
        assert!(message["line"].is_u64() && message["column"].is_u64(), "{message}");
        assert!(message["help"].as_str().is_some_and(|it| !it.is_empty()), "{message}");
    }
    assert_eq!(json.errors()[0]["code"], 2);
    // Other commands report them too.
    let other = sandbox.fails(2, "schedule cron");
    other.says("4 mistakes in the app file").says("holdfast.toml:15:1: ").says("try: `daily`");
    assert_eq!(fs::read_to_string(path).unwrap().len(), sandbox.read("holdfast.toml").len());
}

#[test]
fn what_is_missing_on_this_machine_is_a_warning() {
    let sandbox = sandbox();
    let text = GOOD
        .replace("\"key\"", "\"no-key\"")
        .replace("\"uploads\"]", "\"no-uploads\"]")
        .replace("\"true\"", "\"no-such-program\"")
        .replace("\"repository\"", "\"no-repository\"");
    sandbox.write("holdfast.toml", text);
    let outcome = sandbox.ok("config check");
    for text in [
        "no-key, does not exist",
        "there is no repository at ",
        "no-uploads, which does not exist",
        "the hook `before = \"run\"` needs no-such-program, which is not in",
        "holdfast.toml is valid, with 4 warnings: documenso",
    ] {
        outcome.prints(text);
    }
    let json = sandbox.ok("config check --json");
    let warnings = json.messages().iter().filter(|it| it["message_type"] == "warning").count();
    assert_eq!((warnings, &json.message("summary")["warnings"]), (4, &4.into()));
    // A world-readable password.
    let sandbox = self::sandbox();
    fs::set_permissions(sandbox.path("key"), fs::Permissions::from_mode(0o644)).unwrap();
    sandbox.ok("config check").prints("is readable by every user").prints("try: chmod 600");
    // Storage that this version does not support.
    sandbox.write("holdfast.toml", GOOD.replace("\"repository\"", "\"sftp:a@b:/c\""));
    sandbox.ok("config check").prints("warning: this version stores repositories on local paths");
}

/// The sandbox checks that no output contains a secret.
#[test]
fn a_secret_in_a_file_is_not_shown() {
    let sandbox = sandbox();
    sandbox.add_secret("secret", "correct-horse-battery");
    let text = GOOD.replace(
        "[[hook]]",
        concat!(
            "[[source]]\nname = \"database\"\ntype = \"postgres\"\n",
            "url = \"postgres://a:correct-horse-battery@b/c\"\n[[hook]]",
        ),
    );
    sandbox.write("holdfast.toml", text);
    sandbox.fails(2, "config check").prints("contains a password");
    sandbox.fails(2, "config check --json");
}

#[test]
fn a_file_that_is_none_is_a_failure() {
    let sandbox = Sandbox::empty();
    sandbox.fails(1, "config check --config @none.toml").says("cannot read the app file");
    sandbox.write("bytes.toml", [0xff, 0xfe]);
    sandbox.fails(1, "config check --config @bytes.toml").says("is not valid UTF-8 at byte 0");
    sandbox.write("odd.toml", "[app]\nname = \"\u{1b}[2J\n");
    let outcome = sandbox.fails(2, "config check --config @odd.toml");
    assert!(!outcome.stdout.contains('\u{1b}'), "{}", outcome.stdout);
}

#[test]
fn the_schema_is_that_of_the_docs() {
    let sandbox = Sandbox::empty();
    let printed = sandbox.ok("config schema");
    assert_eq!(printed.stdout, project::read("docs/holdfast.schema.json"));
    assert_eq!(printed.json()["title"], "holdfast app file");
}
