//! Keys: captured before the data, into a separate repository.

use holdfast_engine::Silent;
use holdfast_engine::backup::{Capture, CaptureOptions};
use holdfast_engine::look::{SnapshotRoot, dump_file, ls};
use holdfast_format::entry::EntryKind;
use holdfast_format::record::{Application, KeyFingerprint};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{Repository, SnapshotInfo};

use super::cuts::Cuts;
use super::report::RunReport;
use super::source::{SourceWatches, capture, ready};
use super::{RunError, RunWork};
use crate::check::{CheckEvaluation, Hasher, Kinds};
use crate::fingerprint;
use crate::kind::Class;

/// Captures the sources of class `keys`. None if nothing is stored with the keys, not even globals.
pub(super) fn begin<'a>(
    work: &RunWork<'a>,
    place: Option<(&'a Repository, &'a CaptureOptions)>,
    report: &mut RunReport,
) -> Result<Option<Capture<'a>>, RunError> {
    if !work.file.has_keys() {
        return Ok(None);
    }
    let (repository, options) = place.ok_or(RunError::NoKeysRepository)?;
    let mut keys = Capture::start(repository, options)?;
    for source in work.file.sources_of(Class::Keys) {
        let ready = ready(work, source, None)?;
        capture(work, &mut keys, source, &*ready, &SourceWatches::default(), report)?;
    }
    match report.errors() {
        0 => Ok(Some(keys)),
        errors => Err(RunError::KeysUnread { errors }),
    }
}

/// Adds the globals of databases that are stored with the keys, and commits.
pub(super) fn commit(
    work: &RunWork<'_>,
    keys: Option<Capture<'_>>,
    cuts: &Cuts,
    application: &Application,
    report: &mut RunReport,
) -> Result<Option<SnapshotInfo>, RunError> {
    let Some(mut keys) = keys else { return Ok(None) };
    for (source, cut) in cuts.with_globals_apart(work.file) {
        let ready = cut.capture_apart();
        capture(work, &mut keys, source, &*ready, &SourceWatches::default(), report)?;
    }
    let linked_repository = Some(work.places.data.keys().repository_id());
    let application = Application { linked_repository, ..application.clone() };
    Ok(Some(keys.commit(Some(application), work.context.scene.now)?))
}

/// Looks up what rows refer to among the keys, which were captured before the rows were queried.
pub(super) fn answer(
    work: &RunWork<'_>,
    snapshot: &SnapshotInfo,
    checks: &mut CheckEvaluation,
) -> Result<(), RunError> {
    let repository = work.places.keys.ok_or(RunError::NoKeysRepository)?;
    for source in work.file.sources_of(Class::Keys) {
        let Some(names) = source.kind.row_names() else { continue };
        let root = SnapshotRoot::of_source(&snapshot.snapshot, source.name.as_str())?;
        let mut reader = BlobReader::new(repository);
        checks.look_up(&source.name, &names, |wants_contents, holds| {
            let kinds = Kinds { md5: wants_contents, sha256: wants_contents };
            ls(&mut reader, &root, &[], true, &Silent, &mut |path, entry| {
                if let EntryKind::File { size, .. } = entry.kind {
                    let mut hasher = Hasher::new(kinds);
                    if wants_contents {
                        dump_file(repository, path, entry, &mut hasher, &Silent)?;
                    }
                    holds(path, size, &hasher.finish());
                }
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// Fingerprints of all captured keys. Globals are not keys: they change whenever a role does.
pub(super) fn fingerprints(
    work: &RunWork<'_>,
    snapshot: &SnapshotInfo,
    keys: &Repository,
) -> Result<Vec<KeyFingerprint>, RunError> {
    let is_key = |name: &str| work.file.source(name).is_some_and(|it| it.class == Class::Keys);
    Ok(fingerprint::of_snapshot(keys, snapshot, work.places.data, &is_key)?)
}
