//! A file for the textfile collector of the Prometheus node exporter.
//!
//! The time of the last success must survive a failure, or an alert on its age would fall silent:
//! it is carried over from the previous file.

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::http::NoticeError;
use super::notice::{RunNotice, SourceNotice};
use crate::hooks::EndState;

/// Largest file from which values are carried over.
const BYTES_MAX: u64 = 1 << 20;
/// The collector runs as another user.
const MODE: u32 = 0o644;
const RUN_SUCCESS: &str = "holdfast_last_success_timestamp_seconds";
const SOURCE_SUCCESS: &str = "holdfast_source_last_success_timestamp_seconds";

/// Replaces the file atomically: a collector sees either the old or the new one.
///
/// # Errors
/// [`NoticeError::Textfile`].
pub fn write_textfile(path: &Path, notice: &RunNotice) -> Result<(), NoticeError> {
    let text = render(notice, &read(path));
    write(path, &text).map_err(|error| NoticeError::Textfile { path: path.to_owned(), error })
}

/// The previous file; empty if it cannot be read, which loses the time of the last success.
fn read(path: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut bytes));
    read.map(|_| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // The collector ignores names that do not end in .prom.
    let mut file = tempfile::Builder::new()
        .prefix(".holdfast-")
        .suffix(".tmp")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    fs::set_permissions(file.path(), Permissions::from_mode(MODE))?;
    file.persist(path)?;
    Ok(())
}

/// The values of a run in Prometheus text format; `previous` is the previous content of the file.
pub fn render(notice: &RunNotice, previous: &str) -> String {
    let mut page = MetricsPage { out: String::new(), previous };
    let app = labels(&[("app", &notice.app)]);
    page.of_run(notice, &app);
    page.of_sources(notice);
    page.metric("holdfast_check_failed", "1 if the check failed in the last run, 0 if it passed.");
    for check in &notice.checks {
        let labels = labels(&[("app", &notice.app), ("check", &check.name)]);
        page.value("holdfast_check_failed", &labels, f64::from(u8::from(!check.passed)));
    }
    page.out
}

struct MetricsPage<'a> {
    out: String,
    previous: &'a str,
}

impl MetricsPage<'_> {
    fn of_run(&mut self, notice: &RunNotice, app: &str) {
        let ended = notice.ended.as_second() as f64;
        self.metric(RUN_SUCCESS, "End of the last run that made a snapshot.");
        self.success(RUN_SUCCESS, app, (notice.state != EndState::Failed).then_some(ended));
        let values = [
            ("holdfast_last_run_timestamp_seconds", "End of the last run.", ended),
            (
                "holdfast_last_run_duration_seconds",
                "Duration of the last run.",
                notice.duration_seconds,
            ),
            (
                "holdfast_last_run_exit_code",
                "Exit code of the last run: 0 for success, 3 for an incomplete snapshot.",
                f64::from(notice.exit_code),
            ),
            (
                "holdfast_last_run_total_bytes",
                "Bytes of all files, objects and dumps of the last run.",
                notice.total_bytes as f64,
            ),
            (
                "holdfast_last_run_added_bytes",
                "Bytes added to the repository by the last run.",
                notice.added_bytes as f64,
            ),
            (
                "holdfast_last_run_failed_hooks",
                "Hooks that failed in the last run.",
                f64::from(notice.failed_hooks),
            ),
            (
                "holdfast_last_run_secrets_found",
                "Private keys and tokens found in ordinary sources by the last run.",
                notice.secrets_found as f64,
            ),
        ];
        for (name, help, value) in values {
            self.metric(name, help);
            self.value(name, app, value);
        }
    }

    fn of_sources(&mut self, notice: &RunNotice) {
        let labels_of =
            |source: &SourceNotice| labels(&[("app", &notice.app), ("source", &source.name)]);
        self.metric(SOURCE_SUCCESS, "End of the last run with this source in its snapshot.");
        for source in &notice.sources {
            let succeeded = notice.state != EndState::Failed && source.state != EndState::Failed;
            let ended = succeeded.then_some(notice.ended.as_second() as f64);
            self.success(SOURCE_SUCCESS, &labels_of(source), ended);
        }
        type MetricValue = fn(&SourceNotice) -> f64;
        let values: [(&str, &str, MetricValue); 5] = [
            ("holdfast_source_duration_seconds", "Duration of its capture.", |source| {
                source.duration_seconds
            }),
            ("holdfast_source_total_bytes", "Bytes of its files, objects or dumps.", |source| {
                source.total_bytes as f64
            }),
            ("holdfast_source_added_bytes", "Bytes that the repository did not have.", |source| {
                source.added_bytes as f64
            }),
            ("holdfast_source_errors", "Entries that could not be read.", |source| {
                source.errors as f64
            }),
            (
                "holdfast_source_missing_objects",
                "Objects that rows refer to but the source lacks.",
                |source| source.missing_objects as f64,
            ),
        ];
        for (name, help, value) in values {
            self.metric(name, help);
            for source in &notice.sources {
                self.value(name, &labels_of(source), value(source));
            }
        }
    }

    fn metric(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn value(&mut self, name: &str, labels: &str, value: f64) {
        let _ = writeln!(self.out, "{name}{labels} {value}");
    }

    /// The time of the last success: now, or else the previous one.
    fn success(&mut self, name: &str, labels: &str, now: Option<f64>) {
        let series = format!("{name}{labels} ");
        let before = || {
            let value = self.previous.lines().find_map(|line| line.strip_prefix(&series));
            value
                .and_then(|value| value.trim().parse::<f64>().ok())
                .filter(|value| value.is_finite())
        };
        if let Some(time) = now.or_else(before) {
            self.value(name, labels, time);
        }
    }
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}
