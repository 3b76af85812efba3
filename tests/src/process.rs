//! Processes that a test watches while they run. None outlives its test.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes, even on a busy machine: whoever waits so long has found a hang.
const HANG: Duration = Duration::from_secs(120);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// A process that was started, and is ended when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Option<Child>,
}

impl Running {
    /// Starts a command whose output is kept.
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
        // Without a wait its number stays its own, so that nobody else is hit.
        kill_process(pid, signal).expect("a signal can be sent to a child");
    }

    /// True if it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child().try_wait().expect("a child can be waited for").is_some()
    }

    /// Waits for its end. Its output must fit into the pipes.
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

/// Waits for something that comes sooner or later.
///
/// # Panics
/// If it does not come at all.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < HANG, "waited in vain until {what}");
        thread::sleep(PAUSE);
    }
}

/// True if a process of this number runs; one that is dead and not yet waited for does not.
pub fn is_running(pid: &str) -> bool {
    // The state follows the name, which is in brackets and may hold any. (The command line would
    // not do: it is empty for a moment while another program takes the process over.)
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    let state = stat.ok().and_then(|stat| stat.rsplit_once(") ")?.1.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}
