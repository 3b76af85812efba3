//! A `pg_restore` of another version than the backup or the server.

use super::super::error::{ErrorKind, PostgresError};
use super::super::session::Session;
use super::super::tool::{Running, Tools};
use super::stored::Stored;

/// From here on `pg_restore` begins each connection with a setting that older servers refuse. It
/// does so whatever the server is, and goes on unless it is told to stop at errors.
const SETS_TRANSACTION_TIMEOUT: u32 = 17;
/// What it says then; the error itself may be in any language.
const REFUSED_SETTING: &str = "Command was: SET transaction_timeout = 0;";
/// Before each error of the tool; the server's begin otherwise.
const ERROR: &str = "error: ";
/// Before the number of errors, at the end.
const IGNORED: &str = "errors ignored on restore: ";

/// What is to be expected of the `pg_restore` that is installed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filler {
    /// True if the server does not know the setting.
    refuses_setting: bool,
}

impl Filler {
    /// Looks at the versions of tool, backup and server.
    ///
    /// # Errors
    /// [`ErrorKind::Version`]: the tool cannot read the backup.
    pub fn find(
        tools: &Tools,
        session: &mut Session,
        stored: &Stored<'_>,
    ) -> Result<Self, PostgresError> {
        let tool = tools.major("pg_restore")?;
        let minor = stored.toc.head.version.minor;
        if minor > newest_format(tool) {
            let dump = stored.toc.head.dump_version.as_deref().unwrap_or_default();
            let dump = String::from_utf8_lossy(dump);
            let needed = if minor > newest_format(16) { 17 } else { 16 };
            let text = format!(
                "pg_restore is of version {tool} and cannot read what pg_dump {dump} wrote: \
                 install the package postgresql-client-{needed} or newer"
            );
            return Err(PostgresError::new(ErrorKind::Version, text));
        }
        let server = session.value("SELECT current_setting('server_version_num')")?;
        let server = server.and_then(|it| it.parse::<u32>().ok()).unwrap_or_default() / 10_000;
        let refuses_setting = tool >= SETS_TRANSACTION_TIMEOUT && server < SETS_TRANSACTION_TIMEOUT;
        Ok(Self { refuses_setting })
    }

    /// The flag that stops at the first error. Without it every error is seen at the end.
    pub fn stop(self) -> Option<&'static str> {
        (!self.refuses_setting).then_some("--exit-on-error")
    }

    /// Waits for the end, which must be a success but for the setting.
    pub fn succeed(self, running: &mut Running) -> Result<(), PostgresError> {
        match running.succeed() {
            Err(_) if self.refuses_setting && is_of_setting(&running.messages()) => Ok(()),
            outcome => outcome,
        }
    }
}

/// The newest archive that a version can read, as the minor version of its format.
fn newest_format(tool: u32) -> u8 {
    match tool {
        ..16 => 14,
        16 => 15,
        _ => 16,
    }
}

/// True if every error is about the setting. What several jobs say at once may be mixed word by
/// word. The number of errors comes last, so that nothing was left out where it stands.
fn is_of_setting(said: &str) -> bool {
    let refused = said.matches(REFUSED_SETTING).count();
    refused > 0 && said.matches(ERROR).count() == refused && said.contains(IGNORED)
}

#[cfg(test)]
mod tests {
    use super::is_of_setting;

    const REFUSED: &str = "pg_restore: error: could not execute query: ERROR:  unrecognized \
        configuration parameter \"transaction_timeout\"; Command was: SET transaction_timeout = 0;";

    #[test]
    fn only_the_setting_is_passed_over() {
        let counted = |text: &str, count| {
            is_of_setting(&format!(
                "{text}; pg_restore: warning: errors ignored on restore: {count}"
            ))
        };
        assert!(counted(REFUSED, 1));
        assert!(counted(&format!("{REFUSED}; {REFUSED}"), 2));
        let rest = REFUSED.trim_start_matches("pg_restore: error: ");
        assert!(counted(&format!("pg_restore:{REFUSED}; error: {rest}"), 1));
        // Another error, or some that were not kept.
        let other =
            "pg_restore: error: could not execute query: ERROR:  no; Command was: SELECT 1;";
        assert!(!counted(&format!("{REFUSED}; {other}"), 2));
        assert!(!counted(other, 1));
        assert!(!is_of_setting(REFUSED));
        assert!(!is_of_setting(""));
    }
}
