//! Servers that are older than the backup.

use super::super::archive::Toc;
use super::super::error::PostgresError;
use super::super::session::PostgresSession;
use super::stored::ReadDatabase;

/// A server of an older major version than the captured one. Most databases fit into it
/// nevertheless: what a newer version introduced stops the restore where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Older {
    captured: u32,
    server: u32,
}

/// Compares the versions.
pub(super) fn server(
    session: &mut PostgresSession,
    stored: &ReadDatabase<'_>,
) -> Result<Option<Older>, PostgresError> {
    let here = session.value("SELECT current_setting('server_version')")?;
    let versions = captured(&stored.toc).zip(here.as_deref().and_then(major));
    let older = versions.filter(|(captured, server)| server < captured);
    Ok(older.map(|(captured, server)| Older { captured, server }))
}

fn captured(toc: &Toc) -> Option<u32> {
    major(std::str::from_utf8(toc.head.server_version.as_deref()?).ok()?)
}

/// The major version, which since version 10 is the first number.
fn major(version: &str) -> Option<u32> {
    let digits = version.split(|it: char| !it.is_ascii_digit()).next()?;
    digits.parse().ok()
}

impl Older {
    /// The warning for a restore that succeeded.
    pub fn warning(&self) -> String {
        let Self { captured, server } = self;
        format!(
            "the backup is from PostgreSQL {captured} and this server is {server}: everything that \
             it supports was restored and compared, but older versions are not made for newer \
             backups"
        )
    }

    /// Adds the likely cause to an error that stopped a restore.
    pub fn explain(&self, error: &PostgresError) -> PostgresError {
        let Self { captured, server } = self;
        let text = format!(
            "{error}; the backup is from PostgreSQL {captured} and this server is {server}, which \
             is older: restore into {captured} or newer"
        );
        error.reworded(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_versions_are_compared() {
        for (text, expected) in [
            ("17.2 (Debian 17.2-1)", Some(17)),
            ("18devel", Some(18)),
            ("9.6.24", Some(9)),
            ("", None),
        ] {
            assert_eq!(major(text), expected, "{text}");
        }
    }
}
