//! Reports of mistakes: all at once, each with its position and what to write instead.

use super::*;

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = r#"
[app]
name = "My App"
hots = "web-1"

[repository]
url = "/srv/backup/app"
pasword-file = "/etc/holdfast/key"

[[source]]
name = "database"
type = "postgres"
url = "postgres://app:hunter2@localhost/app"

[[source]]
name = "documents"
type = "buckt"

[[source]]
name = "certificate"
class = "key"
type = "files"
paths = "/opt/app/cert.p12"

[retention]
hourly = "24"

[[check]]
name = "every document has its object"
source = "databse"
sql = "select key from document"
objects-in = "documents"

[notifications]
webhook = { url = "https://example.com/" }
"#;
    let mistakes = read(text).unwrap_err();
    insta::assert_snapshot!(listed(&mistakes));
}

#[test]
fn errors_of_syntax_are_told_with_other_mistakes() {
    let text = replaced(SMALL, "url = \"/srv/backup\"", "url = /srv/backup");
    let text = replaced(&text, "paths =", "path =");
    let mistakes = read(&text).unwrap_err();
    insta::assert_snapshot!(listed(&mistakes));
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    for (part, by) in [
        ("password-file = \"key\"", "password = \"hunter2\""),
        ("password-file = \"key\"", "passwort = \"hunter2\""),
        ("password-file = \"key\"", "password-file = \"key\"\nx = { y = \"hunter2\" }"),
        ("password-file = \"key\"", "password-command = \"echo hunter2\""),
        ("password-file = \"key\"", "password-command = [\"echo\", hunter2]"),
        ("\"/srv/backup\"", "\"rest:https://app:hunter2@backup/\""),
        ("\"/srv/backup\"", "\"https://app:hunter2@backup/\""),
        ("type = \"files\"", "type = \"command\"\ncommand = \"dump -phunter2\""),
        (
            "type = \"files\"",
            "type = \"command\"\ncommand = [\"docker\", \"exec\", \"-t\", \"x\", \"dump\", \
             \"-phunter2\"]\nfile = \"x\"",
        ),
    ] {
        let text = replaced(SMALL, part, by);
        let told = listed(&read(&text).unwrap_err());
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn an_empty_file_lacks_everything() {
    check("", &["has no `app`", "has no `repository`", "has no source"]);
    check(
        "[app]\n[repository]\n",
        &[
            "[app] has no `name`",
            "has no source",
            "[repository] has no `url`",
            "[repository] needs one of `password-file`, `password-command`",
        ],
    );
}

#[test]
fn a_mistyped_key_is_suggested() {
    for (written, meant) in [
        ("password_file", "`password-file`"),
        ("passwordFile", "`password-file`"),
        ("pasword-file", "`password-file`"),
        ("PASSWORD-FILE", "`password-file`"),
        ("password", "`password-file`"),
        ("cred", "`credentials`"),
        ("colour", "one of url, keys, password-file"),
    ] {
        let text = replaced(SMALL, "[repository]", &format!("[repository]\n{written} = 1"));
        let told = listed(&read(&text).unwrap_err());
        assert!(told.contains(&format!("unknown key `{written}`")), "{told}");
        assert!(told.contains(meant) || written == "colour", "{written}: {told}");
    }
}

#[test]
fn keys_of_one_type_are_unknown_to_another() {
    let text = replaced(SMALL, "type = \"files\"", "type = \"files\"\ndatabases = [\"x\"]");
    check(&text, &["unknown key `databases` in [[source]]"]);
}

#[test]
fn a_section_must_be_written_as_one() {
    check(&small("[source.x]\n"), &["unknown key `x` in [[source]]"]);
    check(&replaced(SMALL, "[[source]]", "[source]"), &["with two brackets"]);
    check(&format!("run = 7\n{SMALL}"), &["[run] must be a section"]);
    check(&format!("hook = [7]\n{SMALL}"), &["[[hook]] must be a section"]);
    check(
        &small("[notify.webhook]\nurl = \"https://x\"\ncolour = 1"),
        &["unknown key `colour` in [notify.webhook]"],
    );
    let text = replaced(SMALL, "[[source]]", "[[source]]\nrestore = { owner = 7 }");
    check(&text, &["`owner` must be a user and a group in quotes, not a number"]);
    let text = replaced(SMALL, "[[source]]", "[[source]]\nrestore = { colour = 7 }");
    check(&text, &["unknown key `colour` in [source.restore]"]);
}

#[test]
fn a_file_that_is_none_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holdfast.toml");
    let told = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        crate::config::load(&path).unwrap_err().to_string()
    };
    assert!(told(b"[app]\nname = \"\xff\"").contains("not valid UTF-8 at byte 14"));
    assert!(told(&vec![b'#'; 1 << 21]).contains("longer than 1 MiB"));
    assert!(told(b"").starts_with("3 mistakes in the app file\n\n"));
    let missing = crate::config::load(&folder.path().join("none")).unwrap_err().to_string();
    assert!(missing.contains("cannot read the app file"), "{missing}");
}

#[test]
fn a_file_is_read_from_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holdfast.toml");
    std::fs::write(&path, SMALL).unwrap();
    let loaded = crate::config::load(&path).unwrap();
    let password = loaded.file.repository.password;
    let expected = crate::settings::Password::File(folder.path().join("key"));
    assert_eq!((password, loaded.warnings), (expected, vec![]));
}
