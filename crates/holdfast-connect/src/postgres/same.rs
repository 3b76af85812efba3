//! Proof that `pg_dump` is connected to the server of the session that holds the cut.
//!
//! An address may lead to several servers, a different one for each connection. Names of snapshots
//! prove nothing: they are small numbers that two servers may use at the same time. Neither does
//! the system identifier, which a standby shares with its primary. So `pg_dump` is held back before
//! its first byte, by a full pipe, until the session sees it among the sessions of its own server.

use std::io::{self, PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::error::{ErrorKind, PostgresError};
use super::session::{PostgresSession, literal};
use super::tool::{RunningTool, stopped};

/// The smallest size of a pipe.
const SMALLEST_BYTES: i32 = 4096;
/// Buffer between the tool and this process, so that neither waits for every step of the other:
/// `pg_dump` writes 4 KiB at a time.
const PIPE_BYTES: i32 = 1 << 20;
/// How long the tool may take to log in.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// How long to wait between two looks at the sessions of the server.
const INTERVAL: Duration = Duration::from_millis(5);

/// A full pipe, whose writer waits.
pub(super) struct FullPipe {
    reader: PipeReader,
    filled: usize,
}

impl FullPipe {
    /// Creates one, with the end for the tool.
    pub fn new() -> io::Result<(Self, Stdio)> {
        let (reader, mut writer) = io::pipe()?;
        // Another size only takes more to fill.
        let _ = fcntl(&writer, FcntlArg::F_SETPIPE_SZ(SMALLEST_BYTES));
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let mut filled = 0;
        loop {
            match writer.write(&[0; 512]) {
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty()))?;
        Ok((Self { reader, filled }, writer.into()))
    }

    /// Lets the tool write.
    pub fn open(mut self) -> io::Result<OwnedFd> {
        let mut filling = vec![0; self.filled];
        self.reader.read_exact(&mut filling)?;
        // The system may not allow a larger pipe, which only costs time.
        let _ = fcntl(&self.reader, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
        Ok(self.reader.into())
    }
}

/// Waits until a session sees that of a tool, by its application name. A tool that has exited
/// reports the reason itself.
pub(super) fn wait(
    session: &mut PostgresSession,
    running: &mut RunningTool,
    name: &str,
) -> Result<(), PostgresError> {
    let query =
        format!("SELECT 1 FROM pg_stat_activity WHERE application_name = {}", literal(name));
    let until = Instant::now() + LOGIN_TIMEOUT;
    loop {
        // Within a transaction the list of sessions is cached.
        session.rows("SELECT pg_stat_clear_snapshot()")?;
        if session.value(&query)?.is_some() || running.has_ended() {
            return Ok(());
        }
        if running.is_stopped() {
            return Err(stopped());
        }
        if Instant::now() > until {
            let text = "pg_dump did not log in to the server that holds the cut within a minute: \
                        the address may lead to several servers; name one of them";
            return Err(PostgresError::new(ErrorKind::CutLost, text));
        }
        thread::sleep(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_of_a_full_pipe_waits_until_it_is_opened() {
        let (full, writer) = FullPipe::new().unwrap();
        let mut child = crate::child::command("echo").arg("dump").stdout(writer).spawn().unwrap();
        thread::sleep(Duration::from_millis(50));
        assert!(child.try_wait().unwrap().is_none());
        let mut printed = String::new();
        let mut output = std::fs::File::from(full.open().unwrap());
        output.read_to_string(&mut printed).unwrap();
        assert_eq!(printed, "dump\n");
        assert!(child.wait().unwrap().success());
    }
}
