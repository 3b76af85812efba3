//! Roles and tablespaces, restored without changing those that exist.
//!
//! The script is split, and each statement is run by itself if it is one that `pg_dumpall` writes
//! and creates something that is missing. An existing role or tablespace keeps exactly what it has:
//! its attributes, its settings and its memberships.

use std::collections::BTreeSet;

use super::super::archive::{PlainCheck, PlainKind};
use super::super::error::{ErrorKind, PostgresError};
use super::super::options::PostgresServer;
use super::super::session::{PostgresSession, literal};
use super::super::sql::{Grantees, OfGlobals, of_globals, statements};
use super::administrator;

/// How much of a statement a message shows, in letters.
const SHOWN_MAX: usize = 100;
/// Who is a member of which role.
const MEMBERS: &str = "SELECT r.rolname, m.rolname FROM pg_auth_members a \
    JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member";

/// What happens to roles and tablespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GlobalsReport {
    /// Roles that do not exist, and are created.
    pub missing_roles: Vec<String>,
    /// Roles that exist. They keep their passwords, attributes, settings and memberships.
    pub existing_roles: Vec<String>,
    /// Tablespaces that do not exist, and are created.
    pub missing_tablespaces: Vec<String>,
    /// Tablespaces that exist.
    pub existing_tablespaces: Vec<String>,
    /// Memberships that existing roles had but no longer have: role, and member. They are not
    /// restored.
    pub other_memberships: Vec<(String, String)>,
    /// Tablespaces that could not be created, as on a machine without their folder: one sentence
    /// each.
    pub warnings: Vec<String>,
}

/// What a restore of the script `globals.sql` would do; with tablespaces if they are to be kept.
///
/// # Errors
/// [`PostgresError`]: the script is not whole or has something else in it, or the server cannot be
/// asked.
pub fn globals(
    server: &PostgresServer,
    script: &[u8],
    keep_tablespaces: bool,
) -> Result<GlobalsReport, PostgresError> {
    let mut session = administrator(&server.resolve()?, "")?;
    Ok(GlobalStatements::read(&mut session, script, keep_tablespaces)?.report)
}

/// Runs the script `globals.sql`, except for existing roles and tablespaces, and without any
/// tablespaces if they are not to be kept.
///
/// # Errors
/// [`PostgresError`]: the script is not whole or has something else in it, and nothing was run; or
/// a statement about a role failed, and what ran before stays.
pub fn restore_globals(
    server: &PostgresServer,
    script: &[u8],
    keep_tablespaces: bool,
) -> Result<GlobalsReport, PostgresError> {
    let mut session = administrator(&server.resolve()?, "")?;
    let work = GlobalStatements::read(&mut session, script, keep_tablespaces)?;
    session.run("SET standard_conforming_strings = on")?;
    let mut report = work.report;
    for statement in &work.statements {
        let Err(error) = session.run(statement) else { continue };
        match of_globals(statement.as_bytes()) {
            Some(OfGlobals::CreateTablespace(name)) => report.warnings.push(format!(
                "tablespace {:?} could not be created, and what lay in it goes into the usual one: \
                 {error}",
                String::from_utf8_lossy(&name)
            )),
            // It follows from that.
            Some(OfGlobals::Tablespace(_) | OfGlobals::Privileges { tablespace: Some(_), .. })
                if !report.warnings.is_empty() => {}
            _ => return Err(error),
        }
    }
    Ok(report)
}

/// What there is on the server.
struct ServerGlobals {
    roles: BTreeSet<Vec<u8>>,
    tablespaces: BTreeSet<Vec<u8>>,
    members: BTreeSet<(Vec<u8>, Vec<u8>)>,
    /// False if tablespaces are left out.
    keep_tablespaces: bool,
}

impl ServerGlobals {
    fn ask(session: &mut PostgresSession) -> Result<Self, PostgresError> {
        let mut pairs = |query: &str| {
            let rows = session.rows(query)?.into_iter().map(|row| {
                let mut columns = row.into_iter().map(|it| it.unwrap_or_default().into_bytes());
                (columns.next().unwrap_or_default(), columns.next().unwrap_or_default())
            });
            Ok::<_, PostgresError>(rows.collect::<BTreeSet<_>>())
        };
        let names =
            |pairs: BTreeSet<(Vec<u8>, Vec<u8>)>| pairs.into_iter().map(|it| it.0).collect();
        Ok(Self {
            roles: names(pairs("SELECT rolname FROM pg_roles")?),
            tablespaces: names(pairs("SELECT spcname FROM pg_tablespace")?),
            members: pairs(MEMBERS)?,
            keep_tablespaces: true,
        })
    }
}

/// The statements to run.
struct GlobalStatements {
    statements: Vec<String>,
    report: GlobalsReport,
}

impl GlobalStatements {
    fn read(
        session: &mut PostgresSession,
        script: &[u8],
        keep_tablespaces: bool,
    ) -> Result<Self, PostgresError> {
        let mut check = PlainCheck::new();
        check.update(script);
        if check.finish() != Ok(PlainKind::Cluster) {
            return Err(refused("is incomplete"));
        }
        let known = ServerGlobals { keep_tablespaces, ..ServerGlobals::ask(session)? };
        let script = in_utf8(session, script)?;
        Self::judge(script.as_bytes(), &known)
    }

    /// Selects the statements about what is missing.
    fn judge(script: &[u8], known: &ServerGlobals) -> Result<Self, PostgresError> {
        let all =
            statements(script).map_err(|error| refused(&format!("cannot be used: {error}")))?;
        let mut work = Self { statements: Vec::new(), report: GlobalsReport::default() };
        for statement in all {
            let text = String::from_utf8_lossy(&statement).into_owned();
            let Some(about) = of_globals(&statement) else {
                let shown: String = text.chars().take(SHOWN_MAX).collect();
                return Err(refused(&format!(
                    "has a statement that pg_dumpall does not write, so none was run: {shown:?}"
                )));
            };
            if work.is_wanted(about, known) {
                work.statements.push(text);
            }
        }
        Ok(work)
    }

    /// True for a statement about something that the script creates.
    fn is_wanted(&mut self, about: OfGlobals, known: &ServerGlobals) -> bool {
        let text = |name: Vec<u8>| String::from_utf8_lossy(&name).into_owned();
        let report = &mut self.report;
        match about {
            OfGlobals::Session => false,
            OfGlobals::CreateTablespace(_)
            | OfGlobals::Tablespace(_)
            | OfGlobals::Privileges { tablespace: Some(_), .. }
                if !known.keep_tablespaces =>
            {
                false
            }
            OfGlobals::CreateRole(name) => {
                let is_there = known.roles.contains(&name);
                let list =
                    if is_there { &mut report.existing_roles } else { &mut report.missing_roles };
                list.push(text(name));
                !is_there
            }
            OfGlobals::CreateTablespace(name) => {
                let is_there = known.tablespaces.contains(&name);
                let list = match is_there {
                    true => &mut report.existing_tablespaces,
                    false => &mut report.missing_tablespaces,
                };
                list.push(text(name));
                !is_there
            }
            OfGlobals::Role(name) => !known.roles.contains(&name),
            OfGlobals::Tablespace(name) => !known.tablespaces.contains(&name),
            OfGlobals::Membership { role, member } if known.roles.contains(&member) => {
                if !known.members.contains(&(role.clone(), member.clone())) {
                    report.other_memberships.push((text(role), text(member)));
                }
                false
            }
            OfGlobals::Membership { .. } => true,
            OfGlobals::Privileges { tablespace: Some(name), .. } => {
                !known.tablespaces.contains(&name)
            }
            OfGlobals::Privileges { tablespace: None, grantees } => match grantees {
                Grantees::Public => false,
                Grantees::Role(name) => !known.roles.contains(&name),
            },
        }
    }
}

/// The script in the encoding of sessions. Names of roles have no encoding of their own: the script
/// is in that of the database that the tool was connected to.
fn in_utf8(session: &mut PostgresSession, script: &[u8]) -> Result<String, PostgresError> {
    let text = String::from_utf8_lossy(script);
    let encoding = text.lines().find_map(|line| {
        let value = line.strip_prefix("SET client_encoding = '")?;
        value.strip_suffix("';")
    });
    let encoding = encoding.filter(|name| !matches!(*name, "UTF8" | "SQL_ASCII"));
    let Some(encoding) = encoding.filter(|_| !script.is_ascii()) else {
        let text =
            std::str::from_utf8(script).map_err(|_| refused("is not in a valid encoding"))?;
        return Ok(text.to_owned());
    };
    let digits = hex::encode(script);
    let query = format!("SELECT convert_from(decode('{digits}', 'hex'), {})", literal(encoding));
    session.value(&query)?.ok_or_else(|| refused("is in an encoding that the server cannot read"))
}

fn refused(why: &str) -> PostgresError {
    let text = format!("the script of roles and tablespaces {why}");
    PostgresError::new(ErrorKind::Incomplete, text)
}

#[cfg(test)]
mod tests {
    use super::{GlobalStatements, ServerGlobals};

    fn known() -> ServerGlobals {
        let names = |names: &[&str]| names.iter().map(|it| it.as_bytes().to_vec()).collect();
        ServerGlobals {
            roles: names(&["demo", "demo two", "admins"]),
            tablespaces: names(&["fast"]),
            members: [(b"admins".to_vec(), b"demo".to_vec())].into(),
            keep_tablespaces: true,
        }
    }

    #[test]
    fn roles_that_exist_keep_what_they_have() {
        let script = b"CREATE ROLE demo;\nALTER ROLE demo WITH SUPERUSER PASSWORD 'x';\n\
            CREATE ROLE \"demo two\";\nALTER ROLE \"demo two\" WITH LOGIN;\n\
            ALTER ROLE demo SET work_mem TO '1MB';\n\
            ALTER ROLE demo IN DATABASE app SET work_mem TO '1MB';\n\
            COMMENT ON ROLE demo IS 'x';\nGRANT SET ON PARAMETER work_mem TO demo;\n\
            GRANT admins TO demo;\n\
            GRANT admins TO \"demo two\" WITH ADMIN OPTION GRANTED BY demo;\n\
            GRANT demo3 TO demo;\n\
            CREATE TABLESPACE fast OWNER demo LOCATION '/fast';\n\
            GRANT ALL ON TABLESPACE fast TO demo3;\n\
            CREATE ROLE demo3;\nALTER ROLE demo3 WITH LOGIN CONNECTION LIMIT -1;\n\
            GRANT demo TO demo3 WITH INHERIT TRUE GRANTED BY demo;\n";
        let work = GlobalStatements::judge(script, &known()).unwrap();
        assert_eq!(work.report.existing_roles, ["demo", "demo two"]);
        assert_eq!(work.report.missing_roles, ["demo3"]);
        assert_eq!(work.report.existing_tablespaces, ["fast"]);
        let pair = |role: &str, member: &str| (role.to_owned(), member.to_owned());
        let others = [pair("admins", "demo two"), pair("demo3", "demo")];
        assert_eq!(work.report.other_memberships, others);
        let expected = [
            "CREATE ROLE demo3;",
            "ALTER ROLE demo3 WITH LOGIN CONNECTION LIMIT -1;",
            "GRANT demo TO demo3 WITH INHERIT TRUE GRANTED BY demo;",
        ];
        assert_eq!(work.statements, expected);
    }

    #[test]
    fn tablespaces_are_left_out_if_they_are_not_kept() {
        let script = b"CREATE ROLE x;\nCREATE TABLESPACE slow OWNER x LOCATION '/slow';\n\
            ALTER TABLESPACE slow SET (random_page_cost='2');\n\
            GRANT ALL ON TABLESPACE slow TO x;\n";
        for (keep_tablespaces, statements) in [(true, 4), (false, 1)] {
            let known = ServerGlobals { keep_tablespaces, ..known() };
            let work = GlobalStatements::judge(script, &known).unwrap();
            assert_eq!(work.statements.len(), statements);
            assert_eq!(work.report.missing_tablespaces.is_empty(), !keep_tablespaces);
        }
    }

    #[test]
    fn other_statements_are_not_taken_and_nothing_is_run() {
        for more in [
            "DROP ROLE demo;",
            "CREATE ROLE x SUPERUSER;",
            "ALTER ROLE x RENAME TO demo;",
            "ALTER SYSTEM SET archive_command TO 'touch pwned';",
            "COPY x TO PROGRAM 'touch pwned';",
            "GRANT a TO b; DROP ROLE demo;",
            "DO $$ BEGIN END $$;",
            "\\! touch pwned\n",
            "CREATE ROLE \"x\n\\! touch pwned\n\";\n\\! touch pwned\n",
            "\\restrict x\\! touch pwned\n",
            "\\connect `touch pwned`\n",
            "SELECT 'touch pwned' \\gexec\n",
            "-- x\r\\! touch pwned\n",
            "GRANT a TO b /* x */;",
            "CREATE ROLE x PASSWORD E'\\'; DROP ROLE demo; --';",
        ] {
            let script = format!("CREATE ROLE x;\n{more}\n");
            assert!(GlobalStatements::judge(script.as_bytes(), &known()).is_err(), "{more}");
        }
    }
}
