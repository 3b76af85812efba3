//! What must hold between sections.

use super::*;
use crate::kind::{Class, GlobalsPlace, SourceKind};

const KEYS: &str = r#"
[repository.keys]
url = "/mnt/vault"
password-file = "vault-key"
[[source]]
name = "certificate"
type = "files"
class = "keys"
paths = ["/opt/app/cert.p12"]
"#;

const DATABASE: &str = r#"
[[source]]
name = "database"
type = "postgres"
url = "postgres://app@localhost/app"
[[source]]
name = "objects"
type = "bucket"
url = "s3://app"
"#;

const CHECK: &str = r#"
[[check]]
name = "objects"
source = "database"
sql = "select key from document"
objects-in = "objects"
"#;

#[test]
fn names_are_given_once() {
    let second = "[[source]]\nname = \"Files\"\ntype = \"files\"\npaths = [\"/x\"]\n";
    check(&small(second), &["another source called \"Files\""]);
    let checks = format!("{DATABASE}{CHECK}{CHECK}");
    check(&small(&checks), &["another check called \"objects\""]);
}

#[test]
fn what_is_named_must_be_there() {
    let text = small(&format!("{DATABASE}{CHECK}"));
    file(&text);
    let wrong = replaced(&text, "source = \"database\"", "source = \"databas\"");
    check(&wrong, &["try: source = \"files\" or \"database\" or \"objects\""]);
    let wrong = replaced(&text, "objects-in = \"objects\"", "objects-in = \"object\"");
    check(&wrong, &["there is no source called \"object\""]);
    let hook = "[[hook]]\nbefore = \"source\"\nsource = \"x\"\ncommand = [\"true\"]\n";
    check(&small(hook), &["there is no source called \"x\""]);
}

#[test]
fn a_source_with_mistakes_is_not_called_missing_as_well() {
    let text = small(&format!("{DATABASE}{CHECK}"));
    check(&replaced(&text, "url = \"s3://app\"", "url = 7"), &["`url` must be the URL"]);
}

#[test]
fn only_databases_are_asked_and_only_objects_are_looked_for() {
    let text = small(&format!("{DATABASE}{CHECK}"));
    let wrong = replaced(&text, "source = \"database\"", "source = \"objects\"");
    check(&wrong, &["\"objects\" is not a database"]);
    let wrong = replaced(&text, "objects-in = \"objects\"", "objects-in = \"database\"");
    check(&wrong, &["\"database\" holds no objects"]);
}

#[test]
fn a_check_knows_which_database_it_asks() {
    let named = "url = \"postgres://app@localhost/app\"";
    let text = small(&format!("{DATABASE}{CHECK}"));
    let two = replaced(&text, named, "url = \"postgres://h\"\ndatabases = [\"a\", \"b\"]");
    check(&two, &["try: database = \"a\" or \"b\""]);
    file(&replaced(&two, "sql =", "database = \"b\"\nsql ="));
    let wrong = replaced(&two, "sql =", "database = \"c\"\nsql =");
    check(&wrong, &["\"database\" does not back up this database"]);
    let all = replaced(&text, named, "url = \"postgres://h\"\ndatabases = \"all\"");
    check(&all, &["\"database\" has several databases"]);
    file(&replaced(&all, "sql =", "database = \"c\"\nsql ="));
    let none = replaced(&text, named, "url = \"postgres://h\"");
    check(&none, &["neither `url` nor `databases` names a database"]);
}

#[test]
fn objects_are_captured_after_the_rows_that_name_them() {
    let files = replaced(CHECK, "objects-in = \"objects\"", "objects-in = \"files\"");
    check(&small(&format!("{DATABASE}{files}")), &["\"files\" is captured before \"database\""]);
}

#[test]
fn recent_rows_need_a_time() {
    let check_rows = |sql: &str| {
        let rows = replaced(CHECK, "sql = \"select key from document\"", sql);
        small(&format!("{DATABASE}{rows}rows = {{ recent = \"30d\" }}\n"))
    };
    check(&check_rows("sql = \"select key from document\""), &["selected by a column time"]);
    file(&check_rows("sql = \"select key, created as Time from document\""));
}

#[test]
fn keys_need_a_repository_of_their_own() {
    let text = small(KEYS);
    let loaded = file(&text);
    assert_eq!(loaded.keys_repository.unwrap().url.to_string(), "/mnt/vault");
    assert_eq!(loaded.sources[1].class, Class::Keys);
    let source = &KEYS[KEYS.find("[[source]]").unwrap()..];
    check(&small(source), &["no repository for the keys of \"certificate\""]);
    for same in ["/srv/backup", "/srv/backup/", "/srv/./backup/keys", "/srv"] {
        let text = replaced(&text, "/mnt/vault", same);
        check(&text, &["keys and data go to the same location"]);
    }
    let text = replaced(&text, "/mnt/vault", "s3:https://h/x");
    let text = replaced(&text, "\"/srv/backup\"", "\"s3:https://h/x/\"");
    check(&text, &["keys and data go to the same location"]);
}

#[test]
fn doubtful_keys_are_warned_of() {
    let warned = |text: &str, part: &str| {
        let warnings = read(text).unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].message.contains(part), "{warnings:?}");
    };
    let text = small(KEYS);
    warned(&replaced(&text, "vault-key", "key"), "same password");
    warned(
        &replaced(&text, "class = \"keys\"\n", ""),
        "nothing is stored in the repository of keys",
    );
}

#[test]
fn keys_are_not_stored_beside_what_they_open() {
    let text = small(KEYS);
    for beside in ["/opt/app/cert.p12", "/opt/app", "/opt", "/", "/opt/app/../app/"] {
        let text = replaced(&text, "/srv/app", beside);
        let told = listed(&read(&text).unwrap_err());
        assert!(told.contains("would store the keys of \"certificate\""), "{beside}: {told}");
        file(&replaced(
            &format!("{text}[secrets]\nallow-keys-with-data = true\n"),
            "paths =",
            "exclude = [\"/srv/backup\", \"/mnt/vault\"]\npaths =",
        ));
    }
    for apart in ["/opt/app2", "/opt/app/cert.p12.old", "/opt/app/data"] {
        file(&replaced(&text, "/srv/app", apart));
    }
    let inside = replaced(&text, "/opt/app/cert.p12", "/srv/app/..");
    check(&inside, &["would store the keys", "would back up a repository"]);
    let excluded = replaced(&text, "/srv/app", "/opt");
    for (pattern, is_enough) in [("cert.p12", true), ("/opt/app", true), ("*.pem", false)] {
        let with = format!("exclude = [\"{pattern}\"]\npaths =");
        assert_eq!(read(&replaced(&excluded, "paths =", &with)).is_ok(), is_enough, "{pattern}");
    }
}

#[test]
fn the_password_of_the_keys_is_no_data() {
    let text = replaced(&small(KEYS), "/srv/app", "/etc");
    check(&text, &["would back up the password of the repository of keys"]);
    file(&replaced(&text, "paths =", "exclude = [\"/etc/holdfast/vault-key\"]\npaths ="));
}

#[test]
fn links_hide_nothing() {
    let real = |path: &Path| match path.strip_prefix("/opt") {
        Ok(rest) => Path::new("/data/opt").join(rest),
        Err(_) => path.to_owned(),
    };
    let read = |text: &str| parse(text, Path::new("f"), Path::new("/etc/holdfast"), &real);
    let text = replaced(&small(KEYS), "/srv/app", "/data");
    let told = read(&text).unwrap_err().to_string();
    assert!(told.contains("would store the keys of \"certificate\""), "{told}");
    let exclude =
        |path: &str| replaced(&text, "paths =", &format!("exclude = [\"{path}\"]\npaths ="));
    assert!(read(&exclude("/data/opt/app/cert.p12")).is_ok());
    assert!(read(&exclude("/opt/app/cert.p12")).is_err());
}

#[test]
fn a_repository_is_not_kept_in_itself() {
    check(&replaced(SMALL, "/srv/app", "/srv"), &["\"files\" would back up a repository"]);
    file(&replaced(
        SMALL,
        "paths = [\"/srv/app\"]",
        "paths = [\"/srv\"]\nexclude = [\"/srv/backup\"]",
    ));
}

#[test]
fn roles_go_with_the_keys_where_there_is_a_place_for_keys() {
    let globals = |text: &str| match &file(text).source("database").unwrap().kind {
        SourceKind::Postgres(postgres) => postgres.globals,
        other => panic!("{other:?}"),
    };
    assert_eq!(globals(&small(DATABASE)), GlobalsPlace::WithData);
    let both = small(&format!("{KEYS}{DATABASE}"));
    assert_eq!(globals(&both), GlobalsPlace::WithKeys);
    let says = |word: &str| {
        replaced(&both, "url = \"postgres", &format!("globals = \"{word}\"\nurl = \"postgres"))
    };
    assert_eq!(globals(&says("with-data")), GlobalsPlace::WithData);
    assert_eq!(globals(&says("no")), GlobalsPlace::Nowhere);
    let without =
        small(&replaced(DATABASE, "url = \"post", "globals = \"with-keys\"\nurl = \"post"));
    check(&without, &["no repository for the keys of \"database\""]);
}

#[test]
fn terminals_are_refused() {
    let exec = |words: &str| {
        small(&replaced(DATABASE, "url = \"postgres", &format!("exec = {words}\nurl = \"postgres")))
    };
    check(&exec(r#"["docker", "exec", "-it", "db"]"#), &["`-it` allocates a terminal"]);
    check(&exec(r#"["docker", "compose", "exec", "db"]"#), &["\"exec\", \"-T\", ..."]);
    file(&exec(r#"["docker", "compose", "exec", "-T", "db"]"#));
    let command =
        "type = \"command\"\nfile = \"x\"\ncommand = [\"kubectl\", \"exec\", \"-t\", \"db\"]";
    let text = replaced(SMALL, "type = \"files\"\npaths = [\"/srv/app\"]", command);
    check(&text, &["`-t` allocates a terminal"]);
}
