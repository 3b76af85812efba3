//! SIGINT and SIGTERM: the first stops the command cleanly, the second ends it at once.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::ExitKind;

/// Knows whether the user interrupted the command.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    flag: Arc<AtomicBool>,
    prompt: Arc<Mutex<Option<(File, Termios)>>>,
}

impl Interrupt {
    /// Installs handlers for both signals.
    ///
    /// # Errors
    /// The system refuses a handler or a thread.
    pub fn install() -> io::Result<Interrupt> {
        let interrupt = Interrupt::default();
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let watched = interrupt.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for _signal in signals.forever() {
                watched.received();
            }
        })?;
        Ok(interrupt)
    }

    /// The flag that long operations check.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// Runs a prompt, during which a single signal ends the process: nothing is in progress yet,
    /// and a thread that waits for input cannot see the flag. The terminal's echo is restored.
    pub fn during_prompt<T>(&self, prompt: impl FnOnce() -> T) -> T {
        let terminal = File::open("/dev/tty").ok();
        *self.prompt() = terminal.and_then(|file| {
            let settings = tcgetattr(&file).ok()?;
            Some((file, settings))
        });
        let answer = prompt();
        *self.prompt() = None;
        answer
    }

    fn received(&self) {
        let before = self.flag.swap(true, Ordering::SeqCst);
        if let Some((terminal, settings)) = self.prompt().take() {
            let _gone = tcsetattr(terminal, OptionalActions::Now, &settings);
            end();
        }
        if before {
            end();
        }
    }

    fn prompt(&self) -> MutexGuard<'_, Option<(File, Termios)>> {
        self.prompt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end() -> ! {
    std::process::exit(i32::from(ExitKind::Interrupted.code()))
}
