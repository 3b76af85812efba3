//! One run of an application at a time on a machine.
//!
//! The lock is `flock` on a file that is never removed: the system releases it when its holder
//! ends, for whatever reason, so a dead holder blocks no one. The file names the holder, for
//! messages only.

use std::fmt;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use holdfast_repo::local;
use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::config::{RunRules, WhenBusy};
use crate::settings::AppName;

/// Interval at which a waiting run tries again.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// How much of a lock file is read.
const HOLDER_BYTES_MAX: u64 = 4096;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process ID.
    pub pid: u32,
    /// When it began.
    pub started: Timestamp,
}

/// The right to run, until it is dropped or the process ends.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

impl Drop for RunLock {
    /// Clears the holder, so that a later run is not told of one that has ended. If that fails, the
    /// next holder overwrites it anyway.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}

/// Why a run may not start.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run is in progress, and the file says to leave then.
    #[error("another run of {app} is in progress{}; nothing was done", told(.holder.as_ref()))]
    Busy {
        /// The application.
        app: String,
        /// The other run, if known.
        holder: Option<Holder>,
    },
    /// Another run took longer than this one may wait.
    #[error(
        "another run of {app} did not finish within {} seconds{}; nothing was done",
        waited.as_secs(),
        told(.holder.as_ref())
    )]
    TimedOut {
        /// The application.
        app: String,
        /// The other run, if known.
        holder: Option<Holder>,
        /// How long this one waited.
        waited: Duration,
    },
    /// The user asked to stop while it waited.
    #[error("interrupted while waiting for another run of the application")]
    Interrupted,
    /// The lock file cannot be used.
    #[error(
        "cannot use the lock file {}: {error}; use a writable folder",
        path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

fn told(holder: Option<&Holder>) -> impl fmt::Display {
    let told = |holder: &Holder| format!(" (process {}, since {})", holder.pid, holder.started);
    holder.map(told).unwrap_or_default()
}

/// Takes the lock of an application in `folder`, which is created if missing.
///
/// While another run holds it, this one leaves or waits, as `rules` say. It tries five times per
/// second, and calls `waiting` once with the holder. `is_interrupted` ends the wait.
///
/// # Errors
/// [`LockError`].
pub fn acquire(
    folder: &Path,
    app: &AppName,
    holder: &Holder,
    rules: &RunRules,
    is_interrupted: &dyn Fn() -> bool,
    waiting: &mut dyn FnMut(Option<&Holder>),
) -> Result<RunLock, LockError> {
    let path = folder.join(format!("{app}.lock"));
    let unusable = |error| LockError::Unusable { path: path.clone(), error };
    let mut file = open(folder, &path).map_err(unusable)?;
    let began = Instant::now();
    let mut told = false;
    while !try_lock(&file).map_err(unusable)? {
        let other = read_holder(&path);
        let app = || app.to_string();
        if rules.lock == WhenBusy::Leave {
            return Err(LockError::Busy { app: app(), holder: other });
        }
        if let Some(timeout) = rules.lock_timeout
            && began.elapsed() >= timeout
        {
            return Err(LockError::TimedOut { app: app(), holder: other, waited: timeout });
        }
        if is_interrupted() {
            return Err(LockError::Interrupted);
        }
        if !told {
            waiting(other.as_ref());
            told = true;
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
    write_holder(&mut file, holder).map_err(unusable)?;
    Ok(RunLock { file })
}

fn open(folder: &Path, path: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Never removed: a run waiting on a removed file would hold a different lock than the next run.
    local::open_file(path)
}

fn try_lock(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn write_holder(file: &mut File, holder: &Holder) -> io::Result<()> {
    let line = serde_json::to_string(holder)? + "\n";
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(line.as_bytes())
}

fn read_holder(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path).ok()?.take(HOLDER_BYTES_MAX).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn holder(pid: u32) -> Holder {
        Holder { pid, started: "2026-09-01T12:00:00Z".parse().unwrap() }
    }

    fn app(name: &str) -> AppName {
        AppName::new(name).unwrap()
    }

    const LEAVE: RunRules = RunRules { lock: WhenBusy::Leave, lock_timeout: None };
    const WAIT: RunRules = RunRules { lock: WhenBusy::Wait, lock_timeout: None };

    fn take(folder: &Path, name: &str, rules: &RunRules) -> Result<RunLock, LockError> {
        acquire(folder, &app(name), &holder(1), rules, &|| false, &mut |_| {})
    }

    /// Another process that holds the lock until the test ends.
    struct Other(Child);

    impl Other {
        fn holds(path: &Path) -> Self {
            let command = "flock -n 9 && echo held && exec sleep 600";
            let mut child = Command::new("bash")
                .args(["-c", &format!("exec 9<>'{}'; {command}", path.display())])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut said = [0; 5];
            child.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
            Self(child)
        }

        fn kill(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    impl Drop for Other {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_second_run_leaves_and_names_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("state/holdfast");
        let first = take(&deep, "app", &WAIT).unwrap();
        let error = take(&deep, "app", &LEAVE).unwrap_err();
        assert_eq!(
            error.to_string(),
            "another run of app is in progress (process 1, since 2026-09-01T12:00:00Z); nothing \
             was done"
        );
        take(&deep, "other", &LEAVE).unwrap();
        drop(first);
        take(&deep, "app", &LEAVE).unwrap();
    }

    #[test]
    fn a_second_run_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Some(take(folder.path(), "app", &WAIT).unwrap());
        let told = Cell::new(0);
        let mut waiting = |other: Option<&Holder>| {
            assert_eq!(other, Some(&holder(1)));
            told.set(told.get() + 1);
            first = None;
        };
        let second =
            acquire(folder.path(), &app("app"), &holder(2), &WAIT, &|| false, &mut waiting);
        let _second = second.unwrap();
        assert_eq!(told.get(), 1);
        assert_eq!(read_holder(&folder.path().join("app.lock")), Some(holder(2)));
    }

    #[test]
    fn a_wait_ends_when_it_should() {
        let folder = tempfile::tempdir().unwrap();
        let _first = take(folder.path(), "app", &WAIT).unwrap();
        let rules = RunRules { lock_timeout: Some(Duration::from_millis(1)), ..WAIT };
        assert!(matches!(take(folder.path(), "app", &rules), Err(LockError::TimedOut { .. })));
        let interrupted =
            acquire(folder.path(), &app("app"), &holder(2), &WAIT, &|| true, &mut |_| {});
        assert!(matches!(interrupted, Err(LockError::Interrupted)));
    }

    #[test]
    fn a_dead_holder_blocks_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.lock");
        fs::write(&path, serde_json::to_string(&holder(77)).unwrap()).unwrap();
        let mut other = Other::holds(&path);
        let Err(LockError::Busy { holder: told, .. }) = take(folder.path(), "app", &LEAVE) else {
            panic!("it was not locked");
        };
        assert_eq!(told, Some(holder(77)));
        other.kill();
        take(folder.path(), "app", &LEAVE).unwrap();
    }

    #[test]
    fn nonsense_in_the_file_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.lock");
        fs::write(&path, vec![b'x'; 10_000]).unwrap();
        let _held = take(folder.path(), "app", &LEAVE).unwrap();
        assert_eq!(read_holder(&path), Some(holder(1)));
        fs::write(&path, "nonsense").unwrap();
        let error = take(folder.path(), "app", &LEAVE).unwrap_err();
        assert_eq!(error.to_string(), "another run of app is in progress; nothing was done");
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let told = take(&file, "app", &WAIT).unwrap_err().to_string();
        assert!(told.contains("file/app.lock") && told.contains("use a writable folder"), "{told}");
    }
}
