//! Dumps from someone who wants to run programs here: whatever field of an archive contains
//! commands for `psql`, no way of restoring or printing it runs them.

use std::path::Path;

use holdfast_connect::postgres::archive::{DataSelection, TocEntry};
use holdfast_connect::postgres::{
    DatabaseRestoreOptions, DatabaseSelection, DumpFileSource, EmitForm, TableOutcome, emit_stream,
    holds, restore, restore_globals,
};

use crate::cluster::{Cluster, Run, installations};
use crate::parts::{ArchiveParts, take_apart};
use crate::tree::{PostgresTree, options, read, server};

const SCHEMA: &str = "CREATE TABLE it (a int, b text); INSERT INTO it VALUES (1, 'x');
    COMMENT ON TABLE it IS 'table'; COMMENT ON DATABASE app IS 'database';
    CREATE TABLE whole (m int) PARTITION BY HASH (m);
    CREATE TABLE part PARTITION OF whole FOR VALUES WITH (MODULUS 1, REMAINDER 0);
    ALTER DATABASE app SET work_mem = '7MB'; GRANT CONNECT ON DATABASE app TO PUBLIC;";

/// Commands that `psql` would obey, each on a line of its own.
fn commands(pwned: &Path) -> String {
    let file = pwned.display();
    format!(
        "x\n\\! touch {file}\n\\copy it to program 'touch {file}'\n\\o |touch {file}\n\
         \\setenv X `touch {file}`\nSELECT 'touch {file}' \\g |sh\n\\echo `touch {file}`\n\
         '\n\\! touch {file}\n\"\n\\! touch {file}\n$$\n\\! touch {file}\n*/\n\\! touch {file}\n--"
    )
}

/// A database and its dump, split into parts.
fn dumped() -> (Cluster, ArchiveParts) {
    let cluster = Cluster::start(&installations()[0]);
    cluster.create("app");
    cluster.sql("app", SCHEMA);
    let parts = take_apart(&cluster.dump("app", &["-Fc", "-Z0"])).unwrap();
    (cluster, parts)
}

/// The dump as a source reads it.
fn captured(parts: &ArchiveParts) -> std::io::Result<PostgresTree> {
    let archive = parts.stream(&DataSelection::All);
    read(&mut DumpFileSource::new(Box::new(std::io::Cursor::new(archive)), 5))
}

/// Restores it in every way, and lets `psql` run the script that is printed.
fn use_everywhere(cluster: &Cluster, tree: &PostgresTree, database: &str) {
    for (number, exec) in [&[][..], &["env"]].into_iter().enumerate() {
        let name = if database == "app" { "app".to_owned() } else { format!("new{number}") };
        let mut way = DatabaseRestoreOptions::new(server(cluster, "demo", "postgres"), &name, "t1");
        way.server.exec = exec.iter().map(Into::into).collect();
        way.overwrite = Some(name.clone());
        way.keep_owners = number == 0;
        // It may be rejected; it must not do anything here.
        let _ = restore(&tree.stored(database), &way);
        let _ = holds(&tree.stored(database), &way.server, "other", true);
        cluster.client("dropdb", ["--if-exists", "-f", &name]).succeed();
        cluster.client("dropdb", ["--if-exists", "-f", &format!("{name}_hf_t1")]).succeed();
    }
    let mut script = Vec::new();
    let server = server(cluster, "demo", "other");
    let _ = emit_stream(&tree.stored(database), EmitForm::Sql, &mut script, &server);
    // A psql without support for restrictions.
    let lines = script.split_inclusive(|byte| *byte == b'\n');
    let old: Vec<u8> =
        lines.filter(|line| !line.starts_with(b"\\restrict")).flatten().copied().collect();
    for script in [script, old] {
        cluster.create("script");
        cluster.client("psql", ["-X", "-q", "-d", "script"]).run_with(&script);
        cluster.client("dropdb", ["-f", "script"]).succeed();
    }
}

/// Puts the commands into one field of an entry, at its end.
type EntryDamage = fn(&mut TocEntry, &[u8]);

fn longer(text: &mut Option<Box<[u8]>>, more: &[u8]) {
    let old = text.take().unwrap_or_default();
    *text = Some([&old[..], more].concat().into());
}

const FIELDS: [(&str, EntryDamage); 8] = [
    ("definition", |entry, more| longer(&mut entry.definition, more)),
    ("tag", |entry, more| longer(&mut entry.tag, more)),
    ("owner", |entry, more| longer(&mut entry.owner, more)),
    ("namespace", |entry, more| longer(&mut entry.namespace, more)),
    ("tablespace", |entry, more| longer(&mut entry.tablespace, more)),
    ("access method", |entry, more| longer(&mut entry.access_method, more)),
    ("copy", |entry, more| longer(&mut entry.copy, more)),
    ("drop", |entry, more| longer(&mut entry.drop, more)),
];

#[test]
fn no_field_of_an_archive_runs_anything() {
    let (cluster, whole) = dumped();
    cluster.create("other");
    cluster.sql("other", &SCHEMA.replace("DATABASE app", "DATABASE other"));
    let pwned = cluster.folder().join("pwned");
    let more = commands(&pwned);
    for (field, damage) in FIELDS {
        let mut parts = whole.clone();
        parts.toc.entries.iter_mut().for_each(|entry| damage(entry, more.as_bytes()));
        match captured(&parts) {
            Ok(tree) => use_everywhere(&cluster, &tree, "app"),
            Err(error) => panic!("{field}: {error}"),
        }
        assert!(!pwned.exists(), "{field}");
    }
}

/// In whole entries about the database itself: these were once given to `psql`.
#[test]
fn no_statement_about_the_database_runs_anything() {
    let (cluster, whole) = dumped();
    cluster.create("other");
    let pwned = cluster.folder().join("pwned");
    let more = commands(&pwned);
    let definitions = [
        format!("COMMENT ON DATABASE app IS 'x';\n{more}"),
        format!("COMMENT ON DATABASE app IS 'x\n\\! touch {0}\n';\n\\! a {0}\n", pwned.display()),
        format!("\\! touch {}\n", pwned.display()),
        "DROP DATABASE other;".to_owned(),
        "COMMENT ON DATABASE other IS 'taken';".to_owned(),
        "ALTER DATABASE other SET work_mem TO '1MB';".to_owned(),
    ];
    for definition in definitions {
        let mut parts = whole.clone();
        let is_about = |entry: &TocEntry| {
            *entry.kind == *b"DATABASE PROPERTIES"
                || entry.tag.as_deref().is_some_and(|it| it.starts_with(b"DATABASE "))
        };
        for entry in parts.toc.entries.iter_mut().filter(|entry| is_about(entry)) {
            entry.definition = Some(definition.as_bytes().into());
        }
        let tree = captured(&parts).unwrap();
        cluster.client("dropdb", ["--if-exists", "-f", "app"]).succeed();
        for exec in [&[][..], &["env"]] {
            let mut way =
                DatabaseRestoreOptions::new(server(&cluster, "demo", "postgres"), "app", "t1");
            way.server.exec = exec.iter().map(Into::into).collect();
            way.overwrite = Some("app".into());
            let report = restore(&tree.stored("app"), &way).unwrap();
            let is_told = report.warnings.iter().any(|it| it.contains("were not applied"));
            assert!(is_told, "{definition}: {:?}", report.warnings);
            assert!(!pwned.exists(), "{definition}");
        }
    }
    let comment = "SELECT shobj_description(oid, 'pg_database') FROM pg_database
        WHERE datname = 'other';";
    assert_eq!(cluster.sql("other", comment), b"\n");
    assert_eq!(cluster.sql("other", "SHOW work_mem;"), b"4MB\n");
}

/// Rows that `psql` would obey if the table did not exist.
#[test]
fn no_row_runs_anything() {
    let (cluster, whole) = dumped();
    cluster.create("other");
    let pwned = cluster.folder().join("pwned");
    for rows in [
        format!("\\! touch {}\n\\.\n\n\n", pwned.display()),
        format!("1\tx\n\\.\r\n\\! touch {}\n\\.\n\n\n", pwned.display()),
    ] {
        for is_there in [true, false] {
            let mut parts = whole.clone();
            parts.members.values_mut().for_each(|member| *member = rows.clone().into_bytes());
            if !is_there {
                parts.toc.entries.retain(|entry| *entry.kind != *b"TABLE");
            }
            let tree = captured(&parts).unwrap();
            use_everywhere(&cluster, &tree, "app");
            assert!(!pwned.exists(), "{rows}");
        }
    }
}

#[test]
fn no_script_of_roles_runs_anything() {
    let cluster = Cluster::start(&installations()[0]);
    let script = cluster.client("pg_dumpall", ["--globals-only"]).succeed();
    let script = String::from_utf8(script).unwrap();
    let pwned = cluster.folder().join("pwned");
    let place = script.find("CREATE ROLE").unwrap();
    let (before, after) = script.split_at(place);
    for more in [
        commands(&pwned),
        format!("\\! touch {}\n", pwned.display()),
        format!("CREATE ROLE \"a\n\\! touch {}\n\";\n", pwned.display()),
        format!("COPY pg_roles TO PROGRAM 'touch {}';\n", pwned.display()),
        "ALTER SYSTEM SET work_mem TO '1MB';\n".to_owned(),
    ] {
        for exec in [&[][..], &["env"]] {
            let mut server = server(&cluster, "demo", "postgres");
            server.exec = exec.iter().map(Into::into).collect();
            let all = format!("{before}{more}{after}");
            let outcome = restore_globals(&server, all.as_bytes(), true);
            assert_eq!(outcome.is_ok(), more.starts_with("CREATE ROLE"), "{more}: {outcome:?}");
            assert!(!pwned.exists(), "{more}");
        }
    }
    let odd = "SELECT count(*) FROM pg_roles WHERE rolname ~ 'touch';";
    assert_eq!(cluster.sql("postgres", odd), b"1\n");
}

/// A database with a name and an owner that take quoting.
const ODD_NAME: &str = r#"it's "a" \ 100% db"#;
const ODD: &str = r#"
CREATE ROLE "it's a ""role"" \ of
mine";
ALTER DATABASE NAME OWNER TO "it's a ""role"" \ of
mine";
CREATE SCHEMA "it's ""own""";
CREATE TABLE "a""\b
\! false" ("c""\d" text DEFAULT '\', "e'f" text DEFAULT E'\\''', id serial);
ALTER TABLE "a""\b
\! false" OWNER TO "it's a ""role"" \ of
mine";
INSERT INTO "a""\b
\! false" VALUES (E'\\.\n\t\\', NULL), (DEFAULT, DEFAULT);
CREATE SEQUENCE "it's ""own"""."n""\" START 7;
SELECT nextval('"it''s ""own"""."n""\"');
COMMENT ON DATABASE NAME IS E'it''s\n\\! false\n;';
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $f$ SELECT '\'; -- $$ \! false
$f$;
CREATE FUNCTION g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
ALTER DATABASE NAME SET search_path TO public, "it's ""own""";
ALTER DATABASE NAME SET app.word TO 'it''s \ "a"';
"#;

/// Names with quotes, backslashes and line feeds are restored in every way.
#[test]
fn odd_names_are_restored() {
    let cluster = Cluster::start(&installations()[0]);
    cluster.create(ODD_NAME);
    let quoted = format!("\"{}\"", ODD_NAME.replace('"', "\"\""));
    cluster.sql(ODD_NAME, &ODD.replace("NAME", &quoted));
    // Where a backslash in a plain string counts.
    cluster.sql("postgres", "ALTER ROLE demo SET standard_conforming_strings = off;");
    let mut wanted = options(&cluster, "postgres");
    wanted.databases = DatabaseSelection::Named(vec![ODD_NAME.into()]);
    let tree = crate::tree::capture(wanted).unwrap();
    let stored = tree.stored(&ODD_NAME.replace('%', "%25"));
    // With everything about the database itself.
    let picture = |name: &str| {
        let text = String::from_utf8(cluster.dump(name, &["--create"])).unwrap();
        text.lines().filter(|it| !it.contains("restrict ")).collect::<Vec<_>>().join("\n")
    };
    let before = picture(ODD_NAME);
    for exec in [&[][..], &["env"]] {
        let mut way =
            DatabaseRestoreOptions::new(server(&cluster, "demo", "postgres"), ODD_NAME, "t1");
        way.server.exec = exec.iter().map(Into::into).collect();
        way.overwrite = Some(ODD_NAME.into());
        let report = restore(&stored, &way).unwrap();
        assert_eq!(report.warnings, [""; 0]);
        assert!(report.tables.iter().all(|it| it.outcome == TableOutcome::Same), "{report:?}");
        assert_eq!(picture(ODD_NAME), before);
        assert!(holds(&stored, &way.server, ODD_NAME, true).unwrap().is_some());
    }
    let mut script = Vec::new();
    let server = server(&cluster, "demo", "postgres");
    emit_stream(&stored, EmitForm::Sql, &mut script, &server).unwrap();
    cluster.create("script");
    cluster.sql("script", std::str::from_utf8(&script).unwrap());
    let table = |name: &str| cluster.sql(name, "SELECT * FROM \"a\"\"\\b\n\\! false\";");
    assert_eq!(table("script"), table(ODD_NAME));
}
