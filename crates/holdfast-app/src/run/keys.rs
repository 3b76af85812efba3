//! Keys: captured before the data, into their own repository; and their fingerprints, which tell
//! the era of keys that data need without telling a key.

use holdfast_engine::backup::{Capture, CaptureOptions};
use holdfast_engine::look::{SnapshotRoot, dump_file, ls};
use holdfast_engine::{EngineError, Silent};
use holdfast_format::entry::EntryKind;
use holdfast_format::record::{Application, KeyFingerprint, Text};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{Repository, SnapshotInfo};

use super::cuts::Cuts;
use super::questions::Questions;
use super::report::RunReport;
use super::source::Made;
use super::watch::Watched;
use super::{RunError, Work};
use crate::config::{AppFile, Class, Globals, SourceKind};
use crate::fingerprint::Fingerprint;

/// Captures the sources of class `keys`. None if nothing goes to the keys, not even globals.
pub(super) fn begin<'a>(
    work: &Work<'a>,
    options: Option<&'a CaptureOptions>,
    report: &mut RunReport,
) -> Result<Option<Capture<'a>>, RunError> {
    if !has_keys(work.file) {
        return Ok(None);
    }
    let repository = work.places.keys.ok_or(RunError::NoKeysRepository)?;
    let mut capture = Capture::start(repository, options.ok_or(RunError::NoKeysRepository)?)?;
    for source in work.file.sources_of(Class::Keys) {
        let made = Made::new(source, work.context, &Cuts::default(), None)?;
        work.source(&mut capture, source, &made, &Watched::default(), report)?;
    }
    match report.errors() {
        0 => Ok(Some(capture)),
        errors => Err(RunError::KeysUnread { errors }),
    }
}

/// Adds what of databases goes to the keys, and commits.
pub(super) fn commit(
    work: &Work<'_>,
    capture: Option<Capture<'_>>,
    cuts: &Cuts,
    application: &Application,
    report: &mut RunReport,
) -> Result<Option<SnapshotInfo>, RunError> {
    let Some(mut capture) = capture else { return Ok(None) };
    for (source, cut) in cuts.with_globals_apart(work.file) {
        let made = Made::Globals(cut);
        work.source(&mut capture, source, &made, &Watched::default(), report)?;
    }
    let linked_repository = Some(work.places.data.keys().repository_id());
    let application = Application { linked_repository, ..application.clone() };
    Ok(Some(capture.commit(Some(application))?))
}

/// Looks up what rows want of the keys: these were captured before anybody was asked.
pub(super) fn answer(
    work: &Work<'_>,
    snapshot: &SnapshotInfo,
    questions: &mut Questions,
) -> Result<(), RunError> {
    let repository = work.places.keys.ok_or(RunError::NoKeysRepository)?;
    for source in work.file.sources_of(Class::Keys) {
        let root = SnapshotRoot::of_source(&snapshot.snapshot, source.name.as_str())?;
        let mut reader = BlobReader::new(repository);
        questions.look_up(source, |holds| {
            ls(&mut reader, &root, &[], true, &Silent, &mut |path, entry| {
                if let EntryKind::File { size, .. } = entry.kind {
                    holds(path, size);
                }
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// True if something of the file goes to the repository of keys.
pub(super) fn has_keys(file: &AppFile) -> bool {
    let goes_there = |kind: &SourceKind| match kind {
        SourceKind::Postgres(postgres) => postgres.globals == Globals::WithKeys,
        _ => false,
    };
    file.sources.iter().any(|source| source.class == Class::Keys || goes_there(&source.kind))
}

/// Fingerprints of every key of a snapshot of keys, keyed by the repository of the data: whoever
/// has only the snapshots of the data can compare eras, and cannot try guesses of a key without
/// that repository's own. Globals are no keys: they change whenever a role does.
///
/// The files are read back from the repository, so a fingerprint is of what can be restored.
pub(super) fn fingerprints(
    file: &AppFile,
    keys: &Repository,
    snapshot: &SnapshotInfo,
    data: &Repository,
) -> Result<Vec<KeyFingerprint>, RunError> {
    let mut found = Vec::new();
    let secret = data.keys().fingerprint_key();
    for source in file.sources_of(Class::Keys) {
        let name = source.name.as_str();
        let root = SnapshotRoot::of_source(&snapshot.snapshot, name)?;
        let mut reader = BlobReader::new(keys);
        ls(&mut reader, &root, &[], true, &Silent, &mut |path, entry| {
            if !matches!(entry.kind, EntryKind::File { .. }) {
                return Ok(());
            }
            let mut fingerprint = Fingerprint::new(&secret);
            dump_file(keys, path, entry, &mut fingerprint, &Silent)?;
            found.push(KeyFingerprint {
                source: name.to_owned(),
                path: Text(path.to_vec()),
                fingerprint: fingerprint.finish(),
            });
            Ok::<_, EngineError>(())
        })?;
    }
    Ok(found)
}
