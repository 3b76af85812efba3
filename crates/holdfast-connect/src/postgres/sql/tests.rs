//! Scripts are split as `psql` would, and anything it would obey is rejected.

use proptest::prelude::*;

use super::script::{ScriptError, ScriptParser, ScriptPiece, statements};
use super::statement::{about_database, roles_named};

/// All pieces of a script that arrives in parts of this many bytes, as text.
fn pieces(text: &[u8], part: usize) -> Result<Vec<String>, ScriptError> {
    let mut script = ScriptParser::default();
    let mut all: Vec<String> = Vec::new();
    let mut is_in_rows = false;
    for part in text.chunks(part) {
        script.update(part, &mut |piece| {
            let (kind, text) = match piece {
                ScriptPiece::Statement(text) => ("", text),
                ScriptPiece::Rows(text) => ("rows ", text),
                ScriptPiece::RowsEnd => ("end", &b""[..]),
                ScriptPiece::Command(text) => ("command ", text),
            };
            let text = String::from_utf8_lossy(text);
            match (all.last_mut(), is_in_rows && kind == "rows ") {
                (Some(last), true) => last.push_str(&text),
                _ => all.push(format!("{kind}{text}")),
            }
            is_in_rows = kind == "rows ";
            Ok::<_, ScriptError>(())
        })?;
    }
    script.finish().map(|()| all)
}

#[test]
fn statements_end_where_the_server_ends_them() {
    for (text, expected) in [
        ("", vec![]),
        ("-- a; b\n;;\n/* c; /* d; */ e; */\n", vec![]),
        ("SELECT 1;SELECT 2;", vec!["SELECT 1;", "SELECT 2;"]),
        ("SELECT ';', \";\", E'\\';' ;x;", vec!["SELECT ';', \";\", E'\\';' ;", "x;"]),
        ("SELECT '\\';x;", vec!["SELECT '\\';", "x;"]),
        ("SELECT fooE'\\';x;", vec!["SELECT fooE'\\';", "x;"]),
        ("SELECT E'a''\\';b';x;", vec!["SELECT E'a''\\';b';", "x;"]),
        ("SELECT $$;$$, $a$;$$;$b$;$a$;x;", vec!["SELECT $$;$$, $a$;$$;$b$;$a$;", "x;"]),
        ("SELECT a$$;b$$;x;", vec!["SELECT a$$;", "b$$;", "x;"]),
        ("SELECT $1;x$a$;", vec!["SELECT $1;", "x$a$;"]),
        ("CREATE RULE r AS ON x DO (a; b);c;", vec!["CREATE RULE r AS ON x DO (a; b);", "c;"]),
        (
            "CREATE OR REPLACE FUNCTION f() BEGIN ATOMIC SELECT CASE 1 END; b; END;c;",
            vec!["CREATE OR REPLACE FUNCTION f() BEGIN ATOMIC SELECT CASE 1 END; b; END;", "c;"],
        ),
        ("BEGIN;END;", vec!["BEGIN;", "END;"]),
        ("-- a\nSELECT 1 -- b;\n;", vec!["SELECT 1 -- b;\n;"]),
        ("a/b*c;*/*;*/;", vec!["a/b*c;", "*/*;*/;"]),
        ("SELECT a - b, c -\n- d;", vec!["SELECT a - b, c -\n- d;"]),
        ("SELECT E'a' - 1;", vec!["SELECT E'a' - 1;"]),
    ] {
        for part in [1, 2, 3, 1000] {
            assert_eq!(pieces(text.as_bytes(), part).unwrap(), expected, "{text}");
        }
    }
}

#[test]
fn rows_and_commands_for_psql_are_recognised() {
    let text = "\\restrict abc\nCOPY public.t (a) FROM stdin;\n1\t\\N\n\\\\.\n\\.\n\n\
        copy \"x;\" FROM STDIN ;\n\\.\nSELECT 1;\n\\unrestrict abc\n\n";
    let expected = [
        "command \\restrict abc",
        "COPY public.t (a) FROM stdin;",
        "rows 1\t\\N\n\\\\.\n",
        "end",
        "copy \"x;\" FROM STDIN ;",
        "end",
        "SELECT 1;",
        "command \\unrestrict abc",
    ];
    for part in [1, 2, 3, 1000] {
        assert_eq!(pieces(text.as_bytes(), part).unwrap(), expected);
    }
    for end in (1..text.len()).filter(|end| !text[..*end].ends_with('\n')) {
        let is_whole = text[..end].ends_with(';') && !text[..end].ends_with("stdin;");
        let is_name = text[..end].ends_with("x;");
        if !is_whole || is_name {
            assert!(pieces(&text.as_bytes()[..end], 7).is_err(), "{:?}", &text[..end]);
        }
    }
}

/// Each of these makes some version of `psql` run a program, or is read in two ways.
#[test]
fn what_psql_would_obey_is_refused() {
    for text in [
        "\\! x\n",
        "SELECT 1;\n\\! x\n",
        "SELECT 1; \\! x\n",
        "SELECT 1 \\g |x\n",
        "SELECT 1\n\\! x\n;",
        "-- a\r\\! x\n",
        "--\r\\! x\n",
        "/* a */ \\! x\n",
        "/* /* */ */\\! x\n",
        "'a' \\! x\n'",
        "'\\' \\! x\n'",
        "E'\\\\' \\! x\n'",
        "E'a'\n'b\\' \\! x\n'",
        "E'a' -- b\n'\\' \\! x\n'",
        "E'a'-- b\n'\\' \\! x\n'",
        // Only where the backslash counts the text ends before the command.
        "E'a'\n'\\'' \\! x\n'",
        "E'a' -- b\n'\\'' \\! x\n'",
        "SELECT 1E'\\'' \\! x\n'",
        "SELECT 1E'\\' \\! x\n'",
        "SELECT 1a$$ \\! x\n$$",
        "U&'\\' \\! x\n'",
        "a$$ \\! x\n$$",
        "$a$ $a $a$ \\! x\n",
        "\"a\"\"\" \\! x\n",
        "\\restrict `x`\n",
        "\\restrict a\\! x\n",
        "\\restrict :x\n",
        "\\connect |x\n",
        "\\connectx\n",
        "\\gexec\n",
        "\\copy t from program 'x'\n",
        "\\i x\n",
        "SELECT 1\0\n\\! x\n;",
        "-- \0\n",
        "COPY t FROM stdin;\n\\! x\n\\.\n",
        "COPY t FROM stdin;\na\\! x\n\\.\n",
        "COPY t FROM stdin;\n\\.\r\n\\! x\n",
        "COPY t FROM stdin;\n\\. \n\\! x\n",
        "COPY t FROM stdin; \\! x\n",
        "COPY t FROM stdin;SELECT 1;\n",
        "SET standard_conforming_strings = off;\n",
        "set session standard_conforming_strings to 'off';\n",
        "SET client_encoding = 'SJIS';\n",
        "SET NAMES 'gbk';\n",
    ] {
        for part in [1, 2, 3, 1000] {
            // Not only because there is no end.
            let refusal = pieces(text.as_bytes(), part).unwrap_err();
            assert_ne!(refusal, ScriptError::CutShort, "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Names and texts of any letters, quoted as the tools quote them, never end a statement.
    #[test]
    fn quoted_parts_are_one(
        parts in prop::collection::vec((0..4u8, "[a-z;'\"$\\\\\n\r/*-]{0,12}"), 1..6),
        part in 1..9usize,
    ) {
        let quoted = parts.iter().map(|(kind, text)| match kind {
            0 => format!("'{}'", text.replace('\'', "''")),
            1 => format!("\"{}\"", text.replace('"', "\"\"")),
            2 => format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
            _ => format!("$q${}$q$", text.replace('$', "")),
        });
        let statement = format!("SELECT {};", quoted.collect::<Vec<_>>().join(", "));
        let found = pieces(format!("{statement}\nSELECT 2;").as_bytes(), part);
        prop_assert_eq!(found, Ok(vec![statement, "SELECT 2;".to_owned()]));
    }

    /// Nothing panics, and the sizes of the parts make no difference.
    #[test]
    fn any_bytes_are_taken_or_refused(
        text in "(COPY t FROM stdin;\n|E'|\\$a\\$|--|/\\*|[ -~\n\r]{0,3}){0,20}",
        part in 1..9usize,
    ) {
        let whole = pieces(text.as_bytes(), usize::MAX);
        prop_assert_eq!(pieces(text.as_bytes(), part), whole.clone());
        if let Ok(whole) = whole && !text.contains("COPY") {
            prop_assert_eq!(statements(text.as_bytes()).map(|all| all.len()), Ok(whole.len()));
        }
    }
}

#[test]
fn roles_that_must_exist_are_found() {
    for (statement, roles) in [
        ("GRANT SELECT ON TABLE public.t TO reader;", vec!["reader"]),
        (
            "GRANT ALL ON FUNCTION public.f(a text[], b \"x\") TO \"a b\" WITH GRANT OPTION;",
            vec!["a b"],
        ),
        ("REVOKE ALL ON TABLE public.t FROM PUBLIC;", vec![]),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE own IN SCHEMA s GRANT SELECT ON TABLES TO r;",
            vec!["own", "r"],
        ),
        ("SET SESSION AUTHORIZATION giver;", vec!["giver"]),
        (
            "CREATE POLICY p ON t AS RESTRICTIVE FOR ALL TO a, \"B\" USING ((x = 'y'::text));",
            vec!["a", "B"],
        ),
        ("CREATE POLICY p ON s.t USING ((x = ' TO z'::text));", vec![]),
        ("CREATE TABLE t (a text DEFAULT ' TO z');", vec![]),
    ] {
        let found = roles_named(statement.as_bytes());
        let found: Vec<_> = found.iter().map(|it| String::from_utf8_lossy(it)).collect();
        assert_eq!(found, roles, "{statement}");
    }
}

#[test]
fn a_setting_goes_to_a_database_of_another_name() {
    for (statement, expected) in [
        (
            "ALTER DATABASE app SET search_path TO 'a', 'app';",
            "ALTER DATABASE \"n\"\"\" SET search_path TO 'a', 'app';",
        ),
        (
            "ALTER ROLE database IN DATABASE \"app\" SET x TO 1;",
            "ALTER ROLE database IN DATABASE \"n\"\"\" SET x TO 1;",
        ),
        (
            "REVOKE CONNECT ON DATABASE app FROM app;",
            "REVOKE CONNECT ON DATABASE \"n\"\"\" FROM app;",
        ),
        ("COMMENT ON DATABASE app IS 'app';", "COMMENT ON DATABASE \"n\"\"\" IS 'app';"),
    ] {
        let found = about_database(statement.as_bytes(), b"app", b"n\"").unwrap();
        assert_eq!(String::from_utf8_lossy(&found), expected);
        assert_eq!(about_database(statement.as_bytes(), b"other", b"n"), None);
    }
}
