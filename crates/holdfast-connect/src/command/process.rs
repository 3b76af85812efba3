//! A file with the output of a command.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_format::entry::Metadata;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::stream::{already_read, fill};
use super::waiting::until_ready;
use super::{PathNames, StoppableInput, StreamEntry, single};
use crate::{ContentPiece, ContentReader, Opener, Source, SourceItem, child};

/// A source of one file, whose content is the output of a command.
///
/// The command starts with the first call of [`Source::next`], without a shell, with empty standard
/// input and the standard error of this program. It has a process group of its own, which is killed
/// if the content is dropped before the command has ended. Unless the command succeeds,
/// [`ContentReader::changed`] fails: what was read may be half a dump. Errors name the program,
/// never its arguments: those may contain passwords.
pub struct CommandSource {
    program: Vec<OsString>,
    entry: StreamEntry,
    stop: Arc<AtomicBool>,
    /// Until the command is started.
    names: Option<PathNames>,
    items: VecDeque<SourceItem>,
}

impl CommandSource {
    /// A source of the output of `program` (its name, then its arguments), as the file that `entry`
    /// names. Once `stop` is true, reading fails, and dropping the content kills the command.
    ///
    /// # Errors
    /// If no program is named or the file's name is not valid.
    pub fn new(
        program: Vec<OsString>,
        entry: StreamEntry,
        stop: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        if program.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no command is given"));
        }
        let names = Some(entry.names()?);
        Ok(Self { program, entry, stop, names, items: VecDeque::new() })
    }
}

impl Source for CommandSource {
    /// # Errors
    /// If the command cannot be started.
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        if let Some(names) = self.names.take() {
            let running = RunningCommand::start(&self.program, &self.stop)?;
            let opener = Box::new(CommandOpener(Mutex::new(Some(running))));
            self.items = single::items(&self.entry, names, opener);
        }
        Ok(self.items.pop_front())
    }
}

/// The running command, until its output is opened.
#[derive(Debug)]
struct CommandOpener(Mutex<Option<RunningCommand>>);

impl Opener for CommandOpener {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Box::new(running.ok_or_else(already_read)?))
    }

    fn xattrs(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        Ok(Vec::new())
    }
}

/// A command that was started.
#[derive(Debug)]
struct RunningCommand {
    /// Name of the program, for errors.
    name: String,
    child: Child,
    output: Option<StoppableInput>,
    stop: Arc<AtomicBool>,
    /// How it ended; from then on its process id may belong to another process.
    status: Option<ExitStatus>,
}

impl RunningCommand {
    fn start(program: &[OsString], stop: &Arc<AtomicBool>) -> io::Result<Self> {
        let [first, arguments @ ..] = program else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let name = first.to_string_lossy().into_owned();
        let mut command = child::command(first);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::inherit()).process_group(0);
        let cannot = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot start the command {name:?}: {error}"))
        };
        let mut child = command.spawn().map_err(cannot)?;
        let output = child.stdout.take().map(|it| StoppableInput::new(it.into(), Arc::clone(stop)));
        Ok(Self { name, child, output, stop: Arc::clone(stop), status: None })
    }

    fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        // A command that is still printing must notice that its reader is gone.
        drop(self.output.take());
        if let Some(process) = self.pid()
            && let Ok(process) = pidfd_open(process, PidfdFlags::empty())
        {
            until_ready(&process, &self.stop)?;
        }
        let status = self.child.wait()?;
        self.status = Some(status);
        Ok(status)
    }

    /// The id of the process and of its group; only until the process has been waited for.
    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }
}

impl ContentReader for RunningCommand {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        match &mut self.output {
            Some(output) => fill(output, buffer),
            None => Ok(ContentPiece::End),
        }
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        let status = self.wait()?;
        let name = &self.name;
        match (status.code(), status.signal()) {
            (Some(0), _) => Ok(None),
            (Some(code), _) => {
                let text = format!("the command {name:?} ended with exit code {code}");
                Err(io::Error::other(text))
            }
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                let text = format!("the command {name:?} was killed by signal {signal}");
                Err(io::Error::other(text))
            }
        }
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        if self.status.is_some() {
            return;
        }
        if let Some(group) = self.pid() {
            // It may have ended on its own, which is just as good.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}
