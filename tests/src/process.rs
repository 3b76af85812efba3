//! Processes that a test observes while they run. None outlives its test.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes, even on a busy machine: waiting this long means a hang.
const HANG: Duration = Duration::from_secs(120);
/// The polling interval.
const PAUSE: Duration = Duration::from_millis(2);

/// A running process, killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Option<Child>,
}

impl Running {
    /// Starts a command and captures its output.
    pub fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child: Some(child) }
    }

    /// The child.
    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("it was not waited for")
    }

    /// Sends a signal.
    pub fn signal(&mut self, signal: Signal) {
        let pid = Pid::from_child(self.child());
        // Its number is not reused before it is waited for, so no other process is hit.
        kill_process(pid, signal).expect("a signal can be sent to a child");
    }

    /// True if it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child().try_wait().expect("a child can be waited for").is_some()
    }

    /// Waits for it to end. Its output must fit into the pipes.
    ///
    /// # Panics
    /// If it hangs.
    #[track_caller]
    pub fn end(mut self) -> Output {
        wait_until("the process ends", || self.has_ended());
        let child = self.child.take().expect("it was not waited for");
        child.wait_with_output().expect("output can be read")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ended = child.kill();
            let _ended = child.wait();
        }
    }
}

/// Waits for a condition that becomes true sooner or later.
///
/// # Panics
/// If it never becomes true.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < HANG, "timed out waiting until {what}");
        thread::sleep(PAUSE);
    }
}

/// True if a process with this number is running; zombies do not count.
pub fn is_running(pid: &str) -> bool {
    // The state follows the name, which is in parentheses and may contain some itself. (The
    // command line does not work: it is empty for a moment during an exec.)
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    let state = stat.ok().and_then(|stat| stat.rsplit_once(") ")?.1.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}
