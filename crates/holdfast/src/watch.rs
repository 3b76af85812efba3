//! Observes the engine's verbs: progress, messages, interruption.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use holdfast_engine::{Added, EngineEvent, EntryAction, Observer};

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::json::EntryError;
use crate::output::json::backup::BackupVerboseStatus;
use crate::output::json::restore::RestoreVerboseStatus;
use crate::output::progress::{Activity, Progress};
use crate::output::{Output, escape, locked};

/// How often a backup commits a checkpoint, so that little is read again after a crash.
const CHECKPOINT_INTERVAL: Duration = Duration::from_mins(10);

/// Shows what a verb does.
pub struct Watcher {
    output: Arc<Output>,
    progress: Progress,
    activity: Activity,
    interrupted: Arc<AtomicBool>,
    last_checkpoint: Mutex<Instant>,
    start: Instant,
    checkpoint_interval: Duration,
}

impl Watcher {
    /// Starts to show an activity; `share` is the share of the bytes that is expected to need work.
    ///
    /// # Errors
    /// A usage error if an environment variable is invalid.
    pub fn start(context: &Context, activity: Activity, share: Option<f64>) -> CommandResult<Self> {
        Ok(Self {
            output: Arc::clone(&context.output),
            progress: context.progress(activity, share)?,
            activity,
            interrupted: Arc::clone(&context.interrupted),
            last_checkpoint: Mutex::new(Instant::now()),
            start: Instant::now(),
            checkpoint_interval: context.checkpoint_interval()?.unwrap_or(CHECKPOINT_INTERVAL),
        })
    }

    /// Takes the files and bytes of the last time as the expected total, which is not counted.
    pub fn expect(&self, extent: Option<(u64, u64)>) {
        match extent {
            Some((files, bytes)) => self.progress.update(|counters| {
                (counters.total_files, counters.total_bytes) = (files, bytes);
                counters.scan_finished = true;
            }),
            None => self.progress.update(|counters| counters.is_uncounted = true),
        }
    }

    /// True if totals are worth counting, because they are shown.
    pub fn is_shown(&self) -> bool {
        self.progress.is_shown()
    }

    fn count(&self, path: &[u8], action: EntryAction, is_file: bool, bytes: u64) {
        self.progress.update(|counters| {
            counters.current.retain(|current| current != path);
            match action {
                _ if !is_file => {}
                EntryAction::Unchanged => {
                    counters.files_done += 1;
                    counters.files_skipped += 1;
                    counters.skipped_bytes += bytes;
                }
                EntryAction::Deleted => counters.files_deleted += 1,
                EntryAction::New | EntryAction::Modified => counters.files_done += 1,
            }
        });
    }

    fn total(&self, files: u64, bytes: u64, is_final: bool) {
        self.progress.update(|counters| {
            (counters.total_files, counters.total_bytes) = (files, bytes);
            counters.scan_finished = is_final;
        });
        let style = self.output.style();
        if is_final && style.json && style.verbosity >= 2 && self.activity == Activity::Backup {
            let message = BackupVerboseStatus::scan_finished(self.start.elapsed(), files, bytes);
            let _closed = self.output.json(&message);
        }
    }

    fn tell(&self, path: &[u8], action: EntryAction, is_directory: bool, bytes: u64, added: Added) {
        let word = match (action, self.activity) {
            (EntryAction::New, Activity::Restore) => "restored",
            (EntryAction::Modified, Activity::Restore) => "updated",
            (EntryAction::New, _) => "new",
            (EntryAction::Modified, _) => "modified",
            (EntryAction::Unchanged, _) => "unchanged",
            (EntryAction::Deleted, _) => "deleted",
        };
        // A closed standard output is reported with the next result, not here.
        let _closed = match (self.output.style().json, self.activity) {
            (true, Activity::Restore) => {
                self.output.json(&RestoreVerboseStatus::new(word, path, bytes))
            }
            (true, _) => {
                self.output.json(&BackupVerboseStatus::new(word, path, is_directory, added))
            }
            (false, _) => self.output.note(2, &format!("{word:<9} {}", escape::name(path))),
        };
    }

    fn trouble(&self, path: &[u8], during: &str, message: &str) {
        self.progress.update(|counters| counters.errors += 1);
        match self.output.style().json {
            true => self.output.json_error(&EntryError::new(path, during, message)),
            false => self.output.warn(&format!("{}: {message}", escape::name(path))),
        }
    }
}

impl Observer for Watcher {
    fn event(&self, event: EngineEvent<'_>) {
        match event {
            EngineEvent::Total { files, bytes, is_final } => self.total(files, bytes, is_final),
            EngineEvent::Entry { path, action, is_directory, is_file, bytes, added } => {
                self.count(path, action, is_file, bytes);
                if self.output.style().verbosity >= 2 {
                    self.tell(path, action, is_directory, bytes, added);
                }
            }
            EngineEvent::Started { path } => {
                self.progress.update(|counters| counters.current = vec![path.to_vec()]);
            }
            EngineEvent::Processed { bytes } => {
                self.progress.update(|counters| counters.processed_bytes += bytes);
            }
            EngineEvent::Trouble { path, during, message } => self.trouble(path, during, message),
            EngineEvent::Excluded { path } if self.output.style().verbosity >= 2 => {
                let _closed = self.output.note(2, &format!("excluded  {}", escape::name(path)));
            }
            EngineEvent::Excluded { .. } => {}
            EngineEvent::Spared { path, why } => {
                let line = format!("kept      {}: {why}", escape::name(path));
                let _closed = self.output.note(1, &line);
            }
            EngineEvent::Note { message } => self.output.warn(message),
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    fn wants_checkpoint(&self) -> bool {
        let mut last = locked(&self.last_checkpoint);
        let is_due = last.elapsed() >= self.checkpoint_interval;
        if is_due {
            *last = Instant::now();
        }
        is_due
    }
}
