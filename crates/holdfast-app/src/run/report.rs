//! What a run did.

use holdfast_engine::completeness::Lack;
use holdfast_format::record::{Captured, SnapshotSummary, Window};
use holdfast_repo::SnapshotInfo;
use jiff::SignedDuration;

use crate::check::{CheckOutcome, Judgement};
use crate::hooks::EndState;
use crate::kind::AppSource;
use crate::notify::{CheckNotice, RunNotice, SourceNotice};
use crate::secrets::StoredSecret;

/// What a run did.
#[derive(Debug, Default)]
pub struct RunReport {
    /// The snapshot of the data; none after a dry run.
    pub data: Option<SnapshotInfo>,
    /// The snapshot of the keys, if there are any.
    pub keys: Option<SnapshotInfo>,
    /// The sources in the order of their capture.
    pub sources: Vec<SourceReport>,
    /// The checks in the order of the file.
    pub checks: Vec<CheckOutcome>,
    /// Warnings, one sentence each.
    pub warnings: Vec<String>,
}

impl RunReport {
    /// Merges the two reports on a source stored in both repositories, which counts as one source.
    pub(super) fn join_sources(&mut self) {
        let mut joined: Vec<SourceReport> = Vec::with_capacity(self.sources.len());
        for mut source in std::mem::take(&mut self.sources) {
            let place = joined.iter().position(|before| before.name == source.name);
            if let Some(place) = place {
                source.join(joined.remove(place));
            }
            joined.push(source);
        }
        self.sources = joined;
    }

    /// Entries that could not be read, over all sources.
    pub fn errors(&self) -> u64 {
        self.sources.iter().map(|source| source.errors).sum()
    }

    /// Fills in the notice of a run.
    pub fn fill(&self, notice: &mut RunNotice) {
        let id = |info: &Option<SnapshotInfo>| info.as_ref().map(|info| info.id.to_hex());
        (notice.snapshot, notice.keys_snapshot) = (id(&self.data), id(&self.keys));
        notice.state = if self.is_complete() { EndState::Ok } else { EndState::Incomplete };
        notice.total_bytes = self.sources.iter().map(|source| source.bytes).sum();
        let added = self.data.as_ref().map(|info| info.snapshot.summary.data_added_packed);
        notice.added_bytes = added.unwrap_or_default();
        notice.sources = self.sources.iter().map(|source| self.source_notice(source)).collect();
        notice.checks = self.checks.iter().map(check_notice).collect();
        notice.secrets_found = self.sources.iter().map(|it| it.secrets.len() as u64).sum();
        notice.warnings = self.warnings.clone();
    }

    fn source_notice(&self, source: &SourceReport) -> SourceNotice {
        let missing = self.checks.iter().filter_map(|check| match &check.judgement {
            Judgement::References(findings) if check.objects_in == source.name => {
                Some(findings.failed)
            }
            _ => None,
        });
        SourceNotice {
            name: source.name.clone(),
            kind: source.kind.to_owned(),
            state: match source.errors == 0 && source.captured.shrunk_from.is_none() {
                true => EndState::Ok,
                false => EndState::Incomplete,
            },
            duration_seconds: source.duration.as_secs_f64(),
            files: source.files,
            total_bytes: source.bytes,
            added_bytes: source.added_bytes,
            errors: source.errors,
            missing_objects: missing.max().unwrap_or_default(),
        }
    }

    /// True if everything was captured, nothing shrank and every check passed.
    pub fn is_complete(&self) -> bool {
        self.errors() == 0 && self.doubts().is_empty()
    }

    /// Why old snapshots should be kept: what the new one may lack although everything was read.
    /// One clause each.
    pub fn doubts(&self) -> Vec<String> {
        let sources = self.sources.iter().filter_map(SourceReport::shrinking);
        let failed = self.checks.iter().filter(|check| !check.passed);
        sources.chain(failed.map(|check| format!("check {:?} failed", check.name))).collect()
    }
}

/// The outcome of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// Its name.
    pub name: String,
    /// Its type, as written in the app file.
    pub kind: &'static str,
    /// When it was captured.
    pub window: Window,
    /// Duration of the capture.
    pub duration: SignedDuration,
    /// Files, objects or members.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries that could not be read, or changed while they were read.
    pub errors: u64,
    /// Bytes that no snapshot had before.
    pub added_bytes: u64,
    /// Private keys, tokens and passwords found in it, unless it may hold them.
    pub secrets: Vec<StoredSecret>,
    /// What the snapshot contains of it, and what it lacks.
    pub captured: Captured,
}

impl SourceReport {
    /// Computed from the counts before and after the source.
    pub(super) fn new(
        source: &AppSource,
        window: Window,
        before: &SnapshotSummary,
        after: &SnapshotSummary,
        secrets: Vec<StoredSecret>,
    ) -> Self {
        Self {
            name: source.name.to_string(),
            kind: source.kind.word(),
            window,
            duration: window.end.duration_since(window.begin),
            files: after.total_files_processed - before.total_files_processed,
            bytes: after.total_bytes_processed - before.total_bytes_processed,
            errors: after.errors - before.errors,
            added_bytes: after.data_added_packed - before.data_added_packed,
            secrets,
            captured: Captured::default(),
        }
    }

    /// Adds what was captured earlier: its roles, which are stored with the keys.
    fn join(&mut self, before: Self) {
        self.window.begin = self.window.begin.min(before.window.begin);
        self.duration += before.duration;
        self.files += before.files;
        self.bytes += before.bytes;
        self.errors += before.errors;
        self.added_bytes += before.added_bytes;
        self.secrets.extend(before.secrets);
    }

    /// How it shrank, if it did.
    pub fn shrinking(&self) -> Option<String> {
        let (from, to) = (self.captured.shrunk_from?, self.captured.extent);
        let source = Some(self.name.clone());
        Some(Lack::Shrunk { source, from, to }.to_string())
    }
}

/// A check in the notice of a run.
fn check_notice(check: &CheckOutcome) -> CheckNotice {
    let (name, passed) = (check.name.clone(), check.passed);
    CheckNotice { name, passed, message: check.sentence() }
}
