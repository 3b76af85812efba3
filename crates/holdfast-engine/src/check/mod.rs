//! Checks that everything exists and is intact.
//!
//! A check works from the outside in: copies of config and keys ([`copies`]), chains ([`chains`]),
//! index objects ([`index`]), packs by size ([`packs`]) and, if requested, by every byte
//! ([`data`]). What is known to be unreadable by then is matched against the trees of all snapshots
//! ([`trees`]), so that each damage names the files that it affects.
//!
//! A prune may run at the same time. Anything that is no longer where it was is looked up again,
//! after reading newer records: a check never reports as damage what was moved or deleted
//! legitimately.

mod bitmap;
mod broken;
mod chains;
mod choose;
mod content;
mod copies;
mod data;
mod finding;
mod index;
mod items;
mod listing;
mod pack;
mod packs;
mod trees;
mod verified;
mod walk;

use std::path::PathBuf;

use holdfast_format::ObjectId;
use holdfast_repo::Repository;
use jiff::Timestamp;

pub use finding::{Finding, FindingKind};

use crate::{EngineError, Event, Observer};
pub(crate) use broken::Broken;
pub(crate) use copies::{Copy, survey};
pub(crate) use data::{get as get_pack, read_all};
use finding::Findings;
pub(crate) use index::{Expected, digest, entries_of, is_replaced_now, read as read_index, wanted};
pub(crate) use listing::Listing;
pub(crate) use pack::PackVerifier;
pub(crate) use walk::{Hurt, Walker};

/// Share of unused bytes in packs above which a prune is suggested.
const UNUSED_SHARE: f64 = 0.05;

/// What to check.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// How much of the packs is read.
    pub read: ReadData,
    /// Packs that were verified less than this many seconds ago are not read again; `None` reads
    /// all.
    pub max_age: Option<u64>,
    /// The current time.
    pub now: Timestamp,
    /// Decides which packs a subset takes among those verified equally long ago.
    pub seed: u64,
    /// The local folder for this copy of the repository, which records when packs were verified:
    /// [`Repository::local_folder`].
    pub cache_folder: Option<PathBuf>,
}

/// How much of the packs to read.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum ReadData {
    /// Nothing: only that they exist and have the right size.
    #[default]
    None,
    /// Everything.
    All,
    /// A part.
    Subset(Subset),
}

/// Which part of the packs to read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Subset {
    /// One of several parts, always the same for a given pack.
    Part {
        /// Which one, from 1.
        number: u64,
        /// Number of parts.
        of: u64,
    },
    /// This share of all bytes, from 0 to 1, longest unverified packs first.
    Share(f64),
    /// Packs of about this many bytes, longest unverified first.
    Bytes(u64),
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// Snapshots that are not forgotten.
    pub snapshots: u64,
    /// Index objects read.
    pub index_objects: u64,
    /// Tree nodes read, each once.
    pub nodes: u64,
    /// Files in trees, each once per distinct directory node.
    pub files: u64,
    /// Packs that the index lists.
    pub packs: u64,
    /// Packs read in full.
    pub packs_read: u64,
    /// Bytes of those.
    pub bytes_read: u64,
    /// Packs skipped because of [`CheckOptions::max_age`].
    pub packs_recently_verified: u64,
    /// Bytes of frames in which a snapshot uses a blob.
    pub bytes_used: u64,
    /// Bytes of frames in all packs that the index lists.
    pub bytes_stored: u64,
    /// Every damage.
    pub findings: Vec<Finding>,
    /// Notes that are not damage; one sentence each.
    pub notes: Vec<String>,
    /// Packs that are missing, damaged or of a wrong size.
    pub broken_packs: Vec<ObjectId>,
    /// True if `repair index` would repair something.
    pub suggest_repair_index: bool,
    /// True if more than 5 % of the bytes in packs are unused.
    pub suggest_prune: bool,
}

/// A check in progress.
struct Run<'a> {
    repository: &'a Repository,
    observer: &'a dyn Observer,
    findings: Findings,
    broken: Broken,
    report: CheckReport,
}

/// Checks a repository. Damage is in the report and not an error; nothing is changed.
///
/// # Errors
/// Failures of the storage other than unreadable packs; [`EngineError::Interrupted`].
pub fn check(
    repository: &Repository,
    options: &CheckOptions,
    observer: &dyn Observer,
) -> Result<CheckReport, EngineError> {
    let (findings, broken, report) =
        (Findings::default(), Broken::default(), CheckReport::default());
    let mut run = Run { repository, observer, findings, broken, report };
    let missing = repository.refresh()?;
    let listing = Listing::take(&**repository.backend()).map_err(holdfast_repo::RepoError::from)?;
    copies::check(&mut run, &listing)?;
    let mut history = chains::check(&mut run, &listing)?;
    let expected = index::check(&mut run, &mut history, &listing)?;
    let packs = packs::check(&mut run, &history, &listing, &expected)?;
    packs::report_unreadable(&mut run, &missing.packs);
    data::check(&mut run, options, &history, &listing, &expected, &packs)?;
    trees::check(&mut run, &history)?;
    run.note_strangers(&listing);
    Ok(run.finish())
}

impl Run<'_> {
    fn note(&mut self, message: String) {
        self.observer.event(Event::Note { message: &message });
        self.report.notes.push(message);
    }

    /// Brings the repository up to date and drops packs that a prune has deleted since.
    fn without_swept<T>(
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

    fn stop_if_interrupted(&self) -> Result<(), EngineError> {
        if self.observer.is_interrupted() { Err(EngineError::Interrupted) } else { Ok(()) }
    }

    fn note_strangers(&mut self, listing: &Listing) {
        for name in &listing.foreign {
            self.note(format!("{name} is not a repository object; it is ignored"));
        }
        if listing.quarantined > 0 {
            self.note(format!("{} damaged objects are kept in quarantine", listing.quarantined));
        }
    }

    fn finish(self) -> CheckReport {
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
