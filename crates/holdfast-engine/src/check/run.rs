//! A check in progress: what all its steps use and add to.

use holdfast_format::ObjectId;
use holdfast_repo::Repository;

use super::broken::UnreadableParts;
use super::finding::{DamageFindings, FindingKind};
use super::listing::ObjectListing;
use super::report::CheckReport;
use crate::{EngineError, EngineEvent, Observer};

/// Share of unused bytes in packs above which a prune is suggested.
const UNUSED_SHARE: f64 = 0.05;

/// A check in progress.
pub(super) struct CheckRun<'a> {
    pub repository: &'a Repository,
    pub observer: &'a dyn Observer,
    pub findings: DamageFindings,
    pub broken: UnreadableParts,
    pub report: CheckReport,
}

impl<'a> CheckRun<'a> {
    pub fn new(repository: &'a Repository, observer: &'a dyn Observer) -> Self {
        let (findings, broken, report) =
            (DamageFindings::default(), UnreadableParts::default(), CheckReport::default());
        Self { repository, observer, findings, broken, report }
    }

    pub fn note(&mut self, message: String) {
        self.observer.event(EngineEvent::Note { message: &message });
        self.report.notes.push(message);
    }

    /// Brings the repository up to date and drops packs that a prune has deleted since.
    pub fn without_swept<T>(
        &self,
        found: &mut Vec<T>,
        pack: impl Fn(&T) -> &ObjectId,
    ) -> Result<(), EngineError> {
        if !found.is_empty() {
            self.repository.refresh()?;
            let history = self.repository.history();
            found.retain(|it| !history.swept().contains(pack(it)));
        }
        Ok(())
    }

    pub fn stop_if_interrupted(&self) -> Result<(), EngineError> {
        if self.observer.is_interrupted() { Err(EngineError::Interrupted) } else { Ok(()) }
    }

    pub fn note_strangers(&mut self, listing: &ObjectListing) {
        for name in &listing.foreign {
            self.note(format!("{name} is not a repository object; it is ignored"));
        }
        if listing.quarantined > 0 {
            self.note(format!("{} damaged objects are kept in quarantine", listing.quarantined));
        }
    }

    pub fn finish(self) -> CheckReport {
        let mut report = self.report;
        report.findings = self.findings.into_list();
        report.broken_packs = self.broken.packs();
        report.suggest_repair_index = report.findings.iter().any(|finding| {
            use FindingKind::{Copy, IndexObject, Pack};
            matches!(finding.kind, Copy | IndexObject | Pack)
        });
        let unused = report.bytes_stored.saturating_sub(report.bytes_used);
        report.suggest_prune =
            report.findings.is_empty() && unused as f64 > report.bytes_stored as f64 * UNUSED_SHARE;
        report
    }
}
