//! The progress of a command: a line on the terminal, or `status` messages with `--json`.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use unicode_width::UnicodeWidthStr;

use super::eta::{EtaEstimator, RateSample};
use super::json::{backup, restore};
use super::{Output, escape, locked, text};

/// Updates per second unless `HOLDFAST_PROGRESS_FPS` says otherwise.
const USUAL_RATE: f64 = 10.0;

/// The activity, which determines the form of the `status` messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Files are read and stored.
    Backup,
    /// Files are written.
    Restore,
    /// Any other long operation; it has no `status` messages, as in restic.
    Other,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Display {
    /// One line that is redrawn.
    Bar,
    /// A new line each time; only if `HOLDFAST_PROGRESS_FPS` asks for it.
    Lines,
    /// `status` messages on standard output.
    Json,
    /// No progress.
    Nothing,
}

/// What was counted so far.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Files found.
    pub total_files: u64,
    /// Bytes found.
    pub total_bytes: u64,
    /// True once both are final.
    pub scan_finished: bool,
    /// True if the items are files.
    pub counts_files: bool,
    /// True if totals are not and will not be counted.
    pub is_uncounted: bool,
    /// Files done, successfully or not.
    pub files_done: u64,
    /// Of these, files that a restore left unchanged.
    pub files_skipped: u64,
    /// Entries that a restore deleted.
    pub files_deleted: u64,
    /// Bytes that were skipped.
    pub skipped_bytes: u64,
    /// Bytes that were read or written.
    pub processed_bytes: u64,
    /// Entries that failed.
    pub errors: u64,
    /// Paths in progress.
    pub current: Vec<Vec<u8>>,
}

impl Counters {
    /// Bytes done, skipped or not.
    pub fn bytes_done(&self) -> u64 {
        self.skipped_bytes.saturating_add(self.processed_bytes)
    }
}

/// Whether progress may be shown, according to the environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings {
    /// True if standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// `HOLDFAST_PROGRESS_FPS`.
    pub updates_per_second: Option<f64>,
}

/// Shows progress until it is finished or dropped.
pub struct Progress {
    counters: Arc<Mutex<Counters>>,
    stop: Option<Sender<()>>,
    ticker: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to show an activity. `expected_share` is the share of the bytes that is expected to
    /// need work (see [`EtaEstimator::expecting`]).
    pub fn start(
        output: &Arc<Output>,
        surroundings: Surroundings,
        activity: Activity,
        expected_share: Option<f64>,
    ) -> Progress {
        let counts_files = activity != Activity::Other;
        let counters = Counters { counts_files, ..Counters::default() };
        let counters = Arc::new(Mutex::new(counters));
        let display = choose_display(output.style().json, output.style().quiet, surroundings);
        if display == Display::Nothing {
            return Progress { counters, stop: None, ticker: None };
        }
        let (stop, stopped) = mpsc::channel();
        let rate = surroundings.updates_per_second.unwrap_or(USUAL_RATE);
        let estimator = expected_share.map_or_else(EtaEstimator::new, EtaEstimator::expecting);
        let mut view = View {
            output: Arc::clone(output),
            counters: Arc::clone(&counters),
            activity,
            display,
            bar: (display == Display::Bar).then(|| begin_bar(output)),
            start: Instant::now(),
            estimator,
        };
        let ticker = thread::spawn(move || {
            let pause = Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX);
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                view.show();
            }
            view.end();
        });
        Progress { counters, stop: Some(stop), ticker: Some(ticker) }
    }

    /// True if it is shown.
    pub fn is_shown(&self) -> bool {
        self.ticker.is_some()
    }

    /// Updates the counters.
    pub fn update(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut locked(&self.counters));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(ticker) = self.ticker.take() {
            let _panicked = ticker.join();
        }
    }
}

/// Terminals get a line unless `--quiet` is given, scripts get messages; a rate in the environment
/// overrides both.
fn choose_display(json: bool, quiet: bool, surroundings: Surroundings) -> Display {
    let wanted = surroundings.updates_per_second.is_some();
    match (json, surroundings.stderr_is_terminal) {
        _ if quiet && !wanted => Display::Nothing,
        (true, _) => Display::Json,
        (false, true) => Display::Bar,
        (false, false) if wanted => Display::Lines,
        (false, false) => Display::Nothing,
    }
}

fn begin_bar(output: &Output) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
        bar.set_style(style);
    }
    output.set_bar(Some(bar.clone()));
    bar
}

/// The state of the ticking thread.
struct View {
    output: Arc<Output>,
    counters: Arc<Mutex<Counters>>,
    activity: Activity,
    display: Display,
    bar: Option<ProgressBar>,
    start: Instant,
    estimator: EtaEstimator,
}

impl View {
    fn show(&mut self) {
        let counters = locked(&self.counters).clone();
        let elapsed = self.start.elapsed();
        self.estimator.update(RateSample {
            now: elapsed,
            total_bytes: counters.total_bytes,
            skipped_bytes: counters.skipped_bytes,
            processed_bytes: counters.processed_bytes,
            scan_finished: counters.scan_finished,
        });
        let remaining = self.estimator.remaining();
        match (self.display, &self.bar) {
            (Display::Bar, Some(bar)) => {
                bar.set_message(line(&counters, elapsed, remaining, terminal_width()));
            }
            (Display::Lines, _) => {
                self.output.warn(&line(&counters, elapsed, remaining, usize::MAX));
            }
            (Display::Json, _) => self.show_json(&counters, elapsed, remaining),
            _ => {}
        }
    }

    /// A closed standard output is reported with the next result.
    fn show_json(&self, counters: &Counters, elapsed: Duration, remaining: Option<Duration>) {
        let _closed = match self.activity {
            Activity::Backup => self.output.json(&backup_status(counters, elapsed, remaining)),
            Activity::Restore => self.output.json(&restore_status(counters, elapsed, remaining)),
            Activity::Other => Ok(()),
        };
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            self.output.set_bar(None);
            bar.finish_and_clear();
        }
    }
}

/// Columns of the terminal, or the usual number if it is not known.
fn terminal_width() -> usize {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr());
    size.ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0).unwrap_or(80)
}

/// Time, percent, bytes, rate, files, errors, remaining time and a current file, as far as they
/// fit: each part is shown in full or not at all, and the remaining time is dropped last.
fn line(
    counters: &Counters,
    elapsed: Duration,
    remaining: Option<Duration>,
    width: usize,
) -> String {
    let done = counters.bytes_done();
    let (size, files) = (text::size(done), counters.files_done);
    let of_total = counters.scan_finished;
    let bytes = match of_total {
        true => format!("{size} of {}", text::size(counters.total_bytes)),
        false => size,
    };
    let files = match of_total && counters.total_files > 0 {
        true => format!("{files} of {}", text::count(counters.total_files, "file", "files")),
        false => text::count(files, "file", "files"),
    };
    let errors = counters.errors;
    // Each part with its rank: the highest is dropped first.
    let parts = [
        (5, Some(format!("[{}]", text::duration(elapsed)))),
        (2, of_total.then(|| text::percent(done, counters.total_bytes))),
        (4, Some(bytes)),
        (6, Some(text::rate(counters.processed_bytes, elapsed))),
        (3, counters.counts_files.then_some(files)),
        (1, (errors > 0).then(|| text::count(errors, "error", "errors"))),
        (0, remaining.map(|remaining| format!("ETA {}", text::duration(remaining)))),
        (7, counters.current.first().map(|path| escape::name(path).into_owned())),
    ];
    let mut parts: Vec<(u8, String)> =
        parts.into_iter().filter_map(|(rank, part)| Some((rank, part?))).collect();
    let columns = |parts: &[(u8, String)]| {
        parts.iter().map(|(_, part)| part.width() + 2).sum::<usize>().saturating_sub(2)
    };
    while columns(&parts) > width && parts.len() > 1 {
        let least = parts.iter().map(|(rank, _)| *rank).max();
        parts.retain(|(rank, _)| Some(*rank) != least);
    }
    parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join("  ")
}

fn backup_status(
    counters: &Counters,
    elapsed: Duration,
    remaining: Option<Duration>,
) -> backup::BackupStatus {
    let lossy = |path: &Vec<u8>| String::from_utf8_lossy(path).into_owned();
    backup::BackupStatus {
        message_type: "status",
        seconds_elapsed: elapsed.as_secs(),
        seconds_remaining: remaining.map(|time| time.as_secs()),
        percent_done: fraction_done(counters),
        total_files: counters.total_files,
        files_done: counters.files_done,
        total_bytes: counters.total_bytes,
        bytes_done: counters.bytes_done(),
        error_count: counters.errors,
        current_files: counters.current.iter().map(lossy).collect(),
    }
}

fn restore_status(
    counters: &Counters,
    elapsed: Duration,
    remaining: Option<Duration>,
) -> restore::RestoreStatus {
    restore::RestoreStatus {
        message_type: "status",
        seconds_elapsed: elapsed.as_secs(),
        seconds_remaining: remaining.map(|time| time.as_secs()),
        percent_done: fraction_done(counters),
        counts: restore_counts(counters),
    }
}

/// The counters of a restore in restic's words.
pub fn restore_counts(counters: &Counters) -> restore::RestoreCounts {
    restore::RestoreCounts {
        total_files: counters.total_files,
        files_restored: counters.files_done.saturating_sub(counters.files_skipped),
        files_skipped: counters.files_skipped,
        files_deleted: counters.files_deleted,
        total_bytes: counters.total_bytes,
        bytes_restored: counters.processed_bytes,
        bytes_skipped: counters.skipped_bytes,
    }
}

/// 0 before anything is found: an empty total does not mean done.
fn fraction_done(counters: &Counters) -> Option<f64> {
    match counters.total_bytes {
        _ if counters.is_uncounted => None,
        0 if !counters.scan_finished => Some(0.0),
        total => Some(text::fraction(counters.bytes_done(), total)),
    }
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
