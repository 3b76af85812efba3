//! Running one command, with a time limit and limited output.

use std::io::{self, PipeReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use holdfast_connect::child;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::settings::Argv;

/// How much of a command's output is kept: its end.
pub(super) const OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// How long a command may take to exit after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);
/// Longest time until an interrupt is noticed.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With exit code 0.
    Succeeded,
    /// With another exit code.
    Failed(i32),
    /// By a signal that did not come from here.
    Killed(i32),
    /// It took too long and was terminated.
    TimedOut,
    /// The user asked to stop, and it was terminated.
    Interrupted,
    /// It could not be started, for this reason.
    NotStarted(String),
}

/// A command that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) ending: Ending,
    /// The end of what it printed, to standard output and standard error.
    pub(super) output: Vec<u8>,
    pub(super) output_bytes: u64,
}

/// Runs a command to its end, with empty standard input and in its own process group.
///
/// Processes it leaves in the background are not waited for.
pub(super) fn run(
    argv: &Argv,
    set: &[(&str, String)],
    unset: &[&str],
    timeout: Duration,
    is_interrupted: &dyn Fn() -> bool,
) -> Ended {
    let mut tail = Tail::default();
    let ending = match start(argv, set, unset) {
        Ok((child, output)) => HookProcess { child, output: Some(output) }
            .wait(timeout, is_interrupted, &mut tail)
            .unwrap_or_else(|error| Ending::NotStarted(error.to_string())),
        Err(error) => Ending::NotStarted(error.to_string()),
    };
    Ended { ending, output: tail.finish(), output_bytes: tail.bytes }
}

fn start(argv: &Argv, set: &[(&str, String)], unset: &[&str]) -> io::Result<(Child, PipeReader)> {
    let (reader, writer) = io::pipe()?;
    fcntl_setfl(&reader, fcntl_getfl(&reader)? | OFlags::NONBLOCK)?;
    let mut command = child::command(argv.program());
    command.args(argv.arguments()).stdin(Stdio::null()).process_group(0);
    command.stdout(writer.try_clone()?).stderr(writer);
    unset.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.envs(set.iter().map(|(name, value)| (name, value)));
    Ok((command.spawn()?, reader))
}

struct HookProcess {
    child: Child,
    /// None after its end.
    output: Option<PipeReader>,
}

impl HookProcess {
    fn wait(
        mut self,
        timeout: Duration,
        is_interrupted: &dyn Fn() -> bool,
        tail: &mut Tail,
    ) -> io::Result<Ending> {
        let end = Instant::now() + timeout;
        let ending = loop {
            if let Some(status) = self.look(end, tail)? {
                return Ok(ending(status));
            }
            if is_interrupted() {
                break Ending::Interrupted;
            }
            if Instant::now() >= end {
                break Ending::TimedOut;
            }
        };
        self.signal(Signal::TERM);
        let end = Instant::now() + GRACE;
        while Instant::now() < end {
            if self.look(end, tail)?.is_some() {
                return Ok(ending);
            }
        }
        self.signal(Signal::KILL);
        self.child.wait()?;
        Ok(ending)
    }

    /// Waits briefly for output or the end, and takes what there is.
    fn look(&mut self, end: Instant, tail: &mut Tail) -> io::Result<Option<ExitStatus>> {
        let patience = LOOK_INTERVAL.min(end.saturating_duration_since(Instant::now()));
        let process = self.pid().map(|pid| pidfd_open(pid, PidfdFlags::empty())).transpose()?;
        let mut streams = Vec::with_capacity(2);
        streams.extend(process.as_ref().map(|process| PollFd::new(process, PollFlags::IN)));
        streams.extend(self.output.as_ref().map(|output| PollFd::new(output, PollFlags::IN)));
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        match poll(&mut streams, Some(&patience)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // Before the output is taken: what was printed before the end is then in the pipe.
        let status = self.child.try_wait()?;
        if let Some(output) = &mut self.output
            && tail.take(output)?
        {
            self.output = None;
        }
        Ok(status)
    }

    /// The ID of the process and of its group, which is not reused until the process has been
    /// waited for.
    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.pid() {
            // It may have exited already, which is fine.
            let _ = kill_process_group(group, signal);
        }
    }
}

fn ending(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ending::Succeeded,
        (Some(code), _) => Ending::Failed(code),
        (None, signal) => Ending::Killed(signal.unwrap_or_default()),
    }
}

/// The end of a stream.
#[derive(Default)]
struct Tail {
    kept: Vec<u8>,
    bytes: u64,
}

impl Tail {
    /// Takes what is available, but at most as much as is kept; true at the end of the stream.
    fn take(&mut self, stream: &mut PipeReader) -> io::Result<bool> {
        let mut buffer = [0; 8192];
        for _ in 0..OUTPUT_BYTES_MAX / buffer.len() {
            match stream.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(length) => self.add(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.kept.extend_from_slice(bytes);
        if self.kept.len() > 2 * OUTPUT_BYTES_MAX {
            self.kept.drain(..self.kept.len() - OUTPUT_BYTES_MAX);
        }
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut kept = std::mem::take(&mut self.kept);
        kept.drain(..kept.len().saturating_sub(OUTPUT_BYTES_MAX));
        kept
    }
}
