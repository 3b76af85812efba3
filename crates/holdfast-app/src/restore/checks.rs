//! Running the checks of the app file on restored data.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use holdfast_connect::fs::source::{FsOptions, FsSource};
use holdfast_connect::{ContentPiece, Opener, SourceItem};
use holdfast_engine::Observer;
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};

use super::part::Part;
use super::report::Verified;
use super::{Prepared, RestoreError, database};
use crate::bucket;
use crate::check::{PassingSource, SharedReferences};
use crate::config::{AppFile, Databases, Globals, OnFailure, SourceKind};
use crate::run::{CheckReport, Maker, Recheck, RunContext};

/// The results of the checks.
pub(super) struct Rechecked {
    pub verified: Vec<Verified>,
    /// True if a check with `on-failure = "fail"` failed.
    pub must_hold: bool,
}

/// Runs all checks whose sources were restored.
pub(super) fn recheck(
    prepared: &Prepared<'_>,
    observer: &dyn Observer,
) -> Result<Rechecked, RestoreError> {
    let file = asked(prepared)?;
    let context = prepared.context;
    // For checks, "recent" is relative to the time of the capture.
    let time = prepared.data.snapshot.time;
    let now = || time;
    let run_context = RunContext {
        accept_shrunk: false,
        run: context.run,
        maker: Maker::default(),
        now: &now,
        write: WriteOptions::new(COMPRESSION_DEFAULT),
        password: context.password,
        password_file: context.password_file.clone(),
        buckets: context.buckets.clone(),
        cache_folder: None,
        own: Vec::new(),
        stop: Arc::clone(&context.stop),
    };
    let failed = |error: crate::run::RunError| RestoreError::refused(error.to_string());
    let mut recheck = Recheck::ask(&file, &run_context).map_err(failed)?;
    for (name, references) in recheck.sources() {
        let Some(part) = prepared.parts.iter().find(|part| part.name() == name) else { continue };
        pass(prepared, part, &references, observer)?;
    }
    let reports = recheck.judge();
    let must_hold =
        reports.iter().any(|report| !report.passed && report.on_failure == OnFailure::Fail);
    let verified = reports.iter().map(|report| verified(report, prepared)).collect();
    Ok(Rechecked { verified, must_hold })
}

fn verified(report: &CheckReport, prepared: &Prepared<'_>) -> Verified {
    let application = prepared.data.snapshot.application.as_ref();
    let captured = application.and_then(|it| it.checks.iter().find(|it| it.name == report.name));
    let mut message = report.sentence();
    if !report.passed && captured.is_some_and(|it| !it.passed) {
        message.push_str(" (it also failed when the snapshot was made)");
    }
    Verified::new(format!("check {}", report.name), report.passed, message)
}

/// The app file with the restored databases, and only the checks that can be run.
fn asked(prepared: &Prepared<'_>) -> Result<AppFile, RestoreError> {
    let mut file = prepared.app.clone();
    file.checks = prepared.checks().cloned().collect();
    for part in &prepared.parts {
        let SourceKind::Postgres(to) = &part.to.kind else { continue };
        let Some(origin) = prepared.origin(part.from) else { continue };
        let moves = database::moves(part, origin, prepared.context)?;
        let mut to = to.clone();
        // Checks query only rows.
        to.globals = Globals::Nowhere;
        to.databases = Databases::Named(moves.iter().map(|it| it.to.clone()).collect());
        for check in file.checks.iter_mut().filter(|it| it.source == part.from.name) {
            let found = check
                .database
                .as_ref()
                .and_then(|name| moves.iter().find(|it| it.from == *name).map(|it| it.to.clone()));
            check.database = found.or_else(|| check.database.take());
        }
        let source = file.sources.iter_mut().find(|source| source.name == part.from.name);
        if let Some(source) = source {
            source.kind = SourceKind::Postgres(to);
        }
    }
    // Sources that are not restored are not opened.
    file.sources.retain(|source| prepared.parts.iter().any(|it| it.from.name == source.name));
    Ok(file)
}

/// Matches what rows refer to against what was restored, by the names used at the capture.
fn pass(
    prepared: &Prepared<'_>,
    part: &Part<'_>,
    references: &SharedReferences,
    observer: &dyn Observer,
) -> Result<(), RestoreError> {
    let failed = |error: io::Error| {
        RestoreError::refused(format!("source {:?} cannot be read: {error}", part.name()))
    };
    if let Some((from_rules, to)) = part.files() {
        let from = from_rules;
        let mut pairs: Vec<_> = from.paths.iter().zip(&to.paths).collect();
        pairs.sort_by(|(one, _), (other, _)| one.components().cmp(other.components()));
        for (from, to) in pairs {
            let source = FsSource::new(vec![to.clone()], FsOptions::default(), from_rules.filter());
            let (from, to) = (from.clone(), to.clone());
            let name_of = move |path: &[u8]| {
                let rest = path.strip_prefix(to.as_os_str().as_bytes())?;
                Some([from.as_os_str().as_bytes(), rest].concat())
            };
            let source = Box::new(source.map_err(failed)?);
            drain(PassingSource::new(source, Arc::clone(references), Box::new(name_of)), observer)
                .map_err(failed)?;
        }
    }
    if let (SourceKind::Bucket(from), SourceKind::Bucket(to)) = (&part.from.kind, &part.to.kind) {
        let source = bucket::source(to, &prepared.context.buckets, None);
        let source = source.map_err(|error| failed(io::Error::other(error.to_string())))?;
        let (before, now) = (from.url.prefix.clone(), to.url.prefix.clone());
        let name_of = move |path: &[u8]| {
            let key = bucket::key_of_path(path)?;
            Some(format!("{before}{}", key.strip_prefix(&now)?).into_bytes())
        };
        let source =
            PassingSource::new(Box::new(source), Arc::clone(references), Box::new(name_of));
        drain(source, observer).map_err(failed)?;
    }
    match observer.is_interrupted() {
        true => Err(RestoreError::Interrupted),
        false => Ok(()),
    }
}

/// Contents read at a time, if rows have their hashes.
const READS_MAX: usize = 16;
/// Bytes read at a time of each.
const BUFFER_BYTES: usize = 256 << 10;

/// Walks the whole source, and reads the contents that rows have hashes of.
fn drain(mut source: PassingSource, observer: &dyn Observer) -> io::Result<()> {
    let mut unread = Vec::new();
    while !observer.is_interrupted()
        && let Some((item, is_wanted)) = source.pass()?
    {
        if let SourceItem::Leaf(leaf) = item
            && is_wanted
        {
            unread.push(leaf.opener);
        }
        if unread.len() >= READS_MAX {
            read_all(std::mem::take(&mut unread));
        }
    }
    read_all(unread);
    Ok(())
}

/// Reads contents concurrently. One that cannot be read is later reported as not compared.
fn read_all(openers: Vec<Box<dyn Opener>>) {
    std::thread::scope(|scope| {
        for opener in &openers {
            scope.spawn(|| read(&**opener));
        }
    });
}

fn read(opener: &dyn Opener) -> io::Result<()> {
    let mut content = opener.open()?;
    let mut buffer = vec![0; BUFFER_BYTES];
    while content.read(&mut buffer)? != ContentPiece::End {}
    Ok(())
}
