//! Roles and tablespaces, brought back without touching those that are there.

use std::collections::HashSet;
use std::io::Write;
use std::process::Stdio;

use super::super::archive::{PlainCheck, PlainKind};
use super::super::error::{ErrorKind, PostgresError};
use super::super::options::Server;
use super::super::session::Session;
use super::administrator;

/// What became of roles and tablespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalsReport {
    /// Roles that existed. They keep their passwords, attributes and settings.
    pub existing_roles: Vec<String>,
    /// Tablespaces that existed.
    pub existing_tablespaces: Vec<String>,
}

/// Runs the script `globals.sql`, without what concerns roles and tablespaces that exist.
///
/// # Errors
/// [`PostgresError`]: the script is not whole, or a statement of it failed; what ran before stays.
pub fn restore_globals(server: &Server, script: &[u8]) -> Result<GlobalsReport, PostgresError> {
    let mut check = PlainCheck::new();
    check.update(script);
    if check.finish() != Ok(PlainKind::Cluster) {
        let text = "the script of roles and tablespaces is not whole";
        return Err(PostgresError::new(ErrorKind::Incomplete, text));
    }
    let tools = server.resolve()?;
    let mut session = administrator(&tools, "")?;
    let roles = names(&mut session, "SELECT rolname, quote_ident(rolname) FROM pg_roles")?;
    let spaces = names(&mut session, "SELECT spcname, quote_ident(spcname) FROM pg_tablespace")?;
    let (script, report) = without_existing(script, &roles, &spaces);
    let database = session.value("SELECT current_database()")?.unwrap_or_default();
    drop(session);
    let mut command = tools.command("psql");
    command.args(["-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-d"]);
    command.arg(tools.address.uri(&database)).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut running = tools.start("psql", &mut command)?;
    if let Some(mut input) = running.child.stdin.take() {
        let written = input.write_all(&script);
        drop(input);
        // Why it stopped reading is the cause.
        running.succeed()?;
        written.map_err(|error| PostgresError::io("write to psql", &error))?;
    }
    Ok(report)
}

/// Names, with each as it may stand in a script.
type Known = Vec<(String, HashSet<String>)>;

fn names(session: &mut Session, query: &str) -> Result<Known, PostgresError> {
    let rows = session.rows(query)?.into_iter().filter_map(|row| {
        let mut columns = row.into_iter().flatten();
        let (name, quoted) = (columns.next()?, columns.next()?);
        let always_quoted = format!("\"{}\"", name.replace('"', "\"\""));
        Some((name, HashSet::from([quoted, always_quoted])))
    });
    Ok(rows.collect())
}

/// The script without the lines for what exists.
fn without_existing(script: &[u8], roles: &Known, spaces: &Known) -> (Vec<u8>, GlobalsReport) {
    let mut report = GlobalsReport { existing_roles: vec![], existing_tablespaces: vec![] };
    let mut kept = Vec::with_capacity(script.len());
    for line in script.split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        let about = |known: &Known, start: &str, end: &str| {
            let rest = text.strip_prefix(start)?;
            let is_it = |name: &String| {
                rest.strip_prefix(name.as_str()).is_some_and(|it| it.starts_with(end))
            };
            known.iter().find(|(_, forms)| forms.iter().any(is_it)).map(|(name, _)| name.clone())
        };
        if let Some(role) = about(roles, "CREATE ROLE ", ";") {
            report.existing_roles.push(role);
        } else if let Some(space) = about(spaces, "CREATE TABLESPACE ", " ") {
            report.existing_tablespaces.push(space);
        } else if about(roles, "ALTER ROLE ", " ").is_none() || !was_there(&text, &report) {
            kept.extend_from_slice(line);
        }
    }
    (kept, report)
}

/// True if a line is about a role that the script would have made.
fn was_there(line: &str, report: &GlobalsReport) -> bool {
    let rest = line.strip_prefix("ALTER ROLE ").unwrap_or_default();
    report.existing_roles.iter().any(|role| {
        let quoted = format!("\"{}\" ", role.replace('"', "\"\""));
        rest.starts_with(&format!("{role} ")) || rest.starts_with(&quoted)
    })
}

#[cfg(test)]
mod tests {
    use super::without_existing;

    #[test]
    fn roles_that_exist_keep_what_they_have() {
        let script = b"CREATE ROLE demo;\nALTER ROLE demo WITH SUPERUSER PASSWORD 'x';\n\
            CREATE ROLE \"demo two\";\nALTER ROLE \"demo two\" WITH LOGIN;\n\
            CREATE ROLE demo3;\nALTER ROLE demo3 WITH LOGIN;\nGRANT demo TO demo3;\n";
        let known = |name: &str, quoted: &str| (name.to_owned(), [quoted.to_owned()].into());
        let roles = vec![known("demo", "demo"), known("demo two", "\"demo two\"")];
        let (kept, report) = without_existing(script, &roles, &Vec::new());
        assert_eq!(report.existing_roles, ["demo", "demo two"]);
        let kept = String::from_utf8(kept).unwrap();
        let expected = "CREATE ROLE demo3;\nALTER ROLE demo3 WITH LOGIN;\nGRANT demo TO demo3;\n";
        assert_eq!(kept, expected);
    }
}
