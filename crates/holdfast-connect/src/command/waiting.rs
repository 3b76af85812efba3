//! Waiting for a silent stream without missing a request to stop.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// How long a request to stop may go unnoticed: too short for a person to notice, too long to cost
/// anything.
const LOOK_INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// A pipe, terminal or file whose reader can be stopped while there is nothing to read.
#[derive(Debug)]
pub struct StoppableInput {
    file: File,
    stop: Arc<AtomicBool>,
}

impl StoppableInput {
    /// Reads from `stream`; once `stop` is true, every read fails.
    pub fn new(stream: OwnedFd, stop: Arc<AtomicBool>) -> Self {
        Self { file: stream.into(), stop }
    }
}

impl Read for StoppableInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        until_ready(&self.file, &self.stop)?;
        self.file.read(buffer)
    }
}

/// Returns once there is something to read, or once there never will be.
///
/// # Errors
/// If `stop` becomes true first.
pub(super) fn until_ready(stream: &impl AsFd, stop: &AtomicBool) -> io::Result<()> {
    loop {
        if stop.load(Ordering::SeqCst) {
            return Err(io::Error::other("the backup was interrupted"));
        }
        let mut streams = [PollFd::new(stream, PollFlags::IN)];
        match poll(&mut streams, Some(&LOOK_INTERVAL)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
