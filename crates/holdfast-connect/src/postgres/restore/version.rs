//! A `pg_restore` of a different version than the backup or the server.

use super::super::error::{ErrorKind, PostgresError};
use super::super::session::PostgresSession;
use super::super::tool::Tools;
use super::stored::ReadDatabase;

/// From this version on, `pg_restore` begins each connection with a setting that older servers
/// refuse. It does so whatever the server is, and continues unless told to stop at errors.
const SETS_TRANSACTION_TIMEOUT: u32 = 17;
/// What it prints then; the error itself may be in any language.
pub(super) const REFUSED_SETTING: &str = "Command was: SET transaction_timeout = 0;";

/// What to expect of the installed `pg_restore`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filler {
    /// True if the server does not know the setting.
    pub refuses_setting: bool,
}

impl Filler {
    /// Checks the versions of tool, backup and server.
    ///
    /// # Errors
    /// [`ErrorKind::Version`]: the tool cannot read the backup.
    pub fn find(
        tools: &Tools,
        session: &mut PostgresSession,
        stored: &ReadDatabase<'_>,
    ) -> Result<Self, PostgresError> {
        let tool = tools.major("pg_restore")?;
        let minor = stored.toc.head.version.minor;
        if minor > newest_format(tool) {
            let dump = stored.toc.head.dump_version.as_deref().unwrap_or_default();
            let dump = String::from_utf8_lossy(dump);
            let needed = if minor > newest_format(16) { 17 } else { 16 };
            let text = format!(
                "pg_restore {tool} cannot read a dump of pg_dump {dump}: install the package \
                 postgresql-client-{needed} or newer"
            );
            return Err(PostgresError::new(ErrorKind::Version, text));
        }
        let server = session.value("SELECT current_setting('server_version_num')")?;
        let server = server.and_then(|it| it.parse::<u32>().ok()).unwrap_or_default() / 10_000;
        let refuses_setting = tool >= SETS_TRANSACTION_TIMEOUT && server < SETS_TRANSACTION_TIMEOUT;
        Ok(Self { refuses_setting })
    }
}

/// The newest archive format that a version can read, as a minor version number.
fn newest_format(tool: u32) -> u8 {
    match tool {
        ..16 => 14,
        16 => 15,
        _ => 16,
    }
}
