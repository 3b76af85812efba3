//! The sources of a run, as the app file describes them.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_connect::Source as Connector;
use holdfast_connect::bucket::source::Remarks;
use holdfast_connect::bucket::{Bucket, BucketError};
use holdfast_connect::command::{CommandSource, StreamEntry};
use holdfast_connect::fs::source::{FsOptions, FsSource};
use holdfast_connect::postgres::{Cut, DumpFileSource, GlobalsSource, PostgresSource};
use holdfast_engine::EngineError;
use holdfast_engine::backup::{Compare, SourceOptions};
use holdfast_engine::completeness::ShrinkLimit;
use holdfast_format::config::ChunkProfile;
use holdfast_format::entry::FileTime;
use holdfast_format::record::{Scope, SourceRecord, Text};
use jiff::{SignedDuration, Timestamp};

use super::cuts::Cuts;
use super::watch::NameOf;
use super::{RunContext, RunError};
use crate::bucket::{self, Sweep};
use crate::check::SourceOrder;
use crate::config::{self, CommandOutput, Files, Source, SourceKind};

/// Key in the token of a bucket's record: when all attributes were last read.
const SWEPT: &str = "attributes";
/// Key in the token: the order in which the server lists, if not that of the keys.
const ORDER: &str = "order";
const UNSORTED: &str = "unsorted";
/// Interval to reread all attributes: tags, ACLs and locks change without a trace in listings.
const SWEEP_INTERVAL: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A source ready to be read.
pub(super) enum Made<'a> {
    Files(&'a Files, &'a RunContext<'a>),
    Command(&'a CommandOutput, StreamEntry, &'a RunContext<'a>),
    Postgres(Arc<Cut>),
    Globals(Arc<Cut>),
    Dump(&'a config::Dump),
    Bucket(Box<MadeBucket<'a>>),
}

/// A bucket ready to be listed.
pub(super) struct MadeBucket<'a> {
    settings: &'a config::Bucket,
    bucket: Bucket,
    sweep: Sweep,
    /// The time of its cut, once made, and remarks on it.
    begun: Mutex<(Option<FileTime>, Remarks)>,
    /// True once the server has listed keys out of order.
    is_disordered: AtomicBool,
}

impl<'a> Made<'a> {
    pub fn new(
        source: &'a Source,
        context: &'a RunContext<'a>,
        cuts: &Cuts,
        previous: Option<&SourceRecord>,
    ) -> Result<Self, RunError> {
        Ok(match &source.kind {
            SourceKind::Files(files) => Self::Files(files, context),
            SourceKind::Command(output) => {
                Self::Command(output, stream_entry(output, context), context)
            }
            SourceKind::Dump(dump) => Self::Dump(dump),
            SourceKind::Bucket(settings) => {
                let why = |error: BucketError| RunError::Settings {
                    name: source.name.to_string(),
                    why: error.to_string(),
                };
                let bucket = bucket::open(settings, &context.buckets).map_err(why)?;
                let sweep = sweep(previous, (context.now)());
                let is_disordered = previous.is_some_and(was_unsorted);
                if is_disordered {
                    bucket.note_disorder();
                }
                Self::Bucket(Box::new(MadeBucket {
                    settings,
                    bucket,
                    sweep,
                    begun: Mutex::default(),
                    is_disordered: is_disordered.into(),
                }))
            }
            SourceKind::Postgres(_) => {
                let cut = cuts.get(&source.name).ok_or_else(|| RunError::Settings {
                    name: source.name.to_string(),
                    why: "its database was not opened".to_owned(),
                })?;
                Self::Postgres(Arc::clone(cut))
            }
        })
    }

    /// Starts reading it.
    pub fn source(&self) -> io::Result<Box<dyn Connector>> {
        Ok(match self {
            Self::Files(files, context) => {
                let options = fs_options(files, &context.own);
                Box::new(FsSource::new(files.paths.clone(), options, files.filter())?)
            }
            Self::Command(output, entry, context) => {
                let (words, stop) = (output.command.os_words(), Arc::clone(&context.stop));
                Box::new(CommandSource::new(words, entry.clone(), stop)?)
            }
            Self::Postgres(cut) => Box::new(PostgresSource::new(Arc::clone(cut))),
            Self::Globals(cut) => Box::new(GlobalsSource::new(Arc::clone(cut))),
            Self::Dump(dump) => Box::new(DumpFileSource::open(&dump.file)?),
            Self::Bucket(made) => {
                let options = bucket::source_options(made.settings, Some(made.sweep));
                let source = made.bucket.source(options).map_err(io::Error::other)?;
                let begun = (source.cut(), source.remarks());
                *made.begun.lock().unwrap_or_else(PoisonError::into_inner) = begun;
                Box::new(source)
            }
        })
    }

    /// Remarks on how it was read, although nothing is missing.
    pub fn said(&self) -> Vec<String> {
        match self {
            Self::Postgres(cut) | Self::Globals(cut) => cut.said(),
            Self::Bucket(made) => made.remarks().sentences(),
            _ => Vec::new(),
        }
    }

    /// How it is captured.
    pub fn options(&self, source: &Source, shrink_limit: ShrinkLimit) -> SourceOptions {
        let is_stream = !matches!(self, Self::Files(..) | Self::Bucket(_));
        SourceOptions {
            name: source.name.to_string(),
            connector: source.kind.word().to_owned(),
            profile: if is_stream { ChunkProfile::Dump } else { ChunkProfile::File },
            // The ctime of an object says when its attributes were read; reading them again is no
            // reason to read its content.
            compare: Compare { ctime: !matches!(self, Self::Bucket(_)), inode: true },
            read_concurrency: match self {
                // Requests spend most of their time waiting for the server.
                Self::Bucket(_) => bucket::READ_CONCURRENCY,
                _ => 0,
            },
            count_first: false,
            is_stream,
            shrink_limit,
            scope: self.scope(),
        }
    }

    /// The scope of a source of files.
    fn scope(&self) -> Option<Scope> {
        let Self::Files(files, context) = self else { return None };
        let text = |bytes: &[u8]| Text(bytes.to_vec());
        let patterns = |all: &[String]| all.iter().map(|it| text(it.as_bytes())).collect();
        let paths = files.paths.iter().map(|path| text(path.as_os_str().as_bytes())).collect();
        Some(Scope {
            paths,
            excludes: patterns(&files.exclude),
            excludes_any_case: patterns(&files.exclude_any_case),
            ..fs_options(files, &context.own).scope()
        })
    }

    /// What the connector says about the moment it shows.
    pub fn token(&self) -> BTreeMap<String, String> {
        match self {
            Self::Files(..) | Self::Command(..) | Self::Dump(_) => BTreeMap::new(),
            Self::Postgres(cut) | Self::Globals(cut) => {
                BTreeMap::from([("cut".to_owned(), cut.token())])
            }
            Self::Bucket(made) => made.token(),
        }
    }
}

impl Made<'_> {
    /// True if the capture failed because the server lists in an order of its own, which was not
    /// known until now, so that another attempt may succeed.
    pub fn is_to_be_sorted(&self, error: &RunError) -> bool {
        let RunError::Source { error: EngineError::Source(error), .. } = error else {
            return false;
        };
        let inner = error.get_ref().and_then(|error| error.downcast_ref());
        match (self, inner) {
            (Self::Bucket(made), Some(BucketError::Disorder { .. })) => {
                !made.is_disordered.swap(true, Ordering::Relaxed)
            }
            _ => false,
        }
    }

    /// True if an object or file that a row refers to exists now, although the capture did not find
    /// it.
    pub fn has_now(&self, key: &[u8]) -> bool {
        match self {
            Self::Files(..) => Path::new(std::ffi::OsStr::from_bytes(key)).exists(),
            Self::Bucket(made) => match std::str::from_utf8(key) {
                Ok(key) => made.bucket.has(key).unwrap_or(false),
                Err(_) => false,
            },
            Self::Command(..) | Self::Postgres(_) | Self::Globals(_) | Self::Dump(_) => false,
        }
    }
}

impl MadeBucket<'_> {
    fn token(&self) -> BTreeMap<String, String> {
        let text = |time: FileTime| {
            let nanoseconds = i32::try_from(time.nanoseconds).unwrap_or_default();
            Timestamp::new(time.seconds, nanoseconds).unwrap_or_default().to_string()
        };
        let (cut, remarks) = self.begun.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let cut = cut.map(|cut| ("cut".to_owned(), text(cut)));
        // Attributes that could not be read are read in the next run.
        let is_swept = !remarks.lacks_attributes();
        let swept = is_swept.then(|| (SWEPT.to_owned(), text(self.sweep.at)));
        let order = self.is_disordered.load(Ordering::Relaxed);
        let order = order.then(|| (ORDER.to_owned(), UNSORTED.to_owned()));
        cut.into_iter().chain(swept).chain(order).collect()
    }

    fn remarks(&self) -> Remarks {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

/// True if the server of a bucket listed in an order of its own at its capture.
pub(crate) fn was_unsorted(record: &SourceRecord) -> bool {
    record.token.get(ORDER).is_some_and(|order| order == UNSORTED)
}

/// When the attributes of all objects are read: in the first capture, which reads everything
/// anyway, and then once a week.
fn sweep(previous: Option<&SourceRecord>, now: Timestamp) -> Sweep {
    let at = previous.and_then(|record| record.token.get(SWEPT)?.parse::<Timestamp>().ok());
    let is_due = at.is_some_and(|at| now.duration_since(at) >= SWEEP_INTERVAL);
    let at = at.filter(|_| !is_due).unwrap_or(now);
    Sweep { at: at.into(), is_due }
}

fn fs_options(files: &Files, own: &[(u64, u64)]) -> FsOptions {
    let names = files.exclude_if_present.iter();
    FsOptions {
        one_file_system: files.one_file_system,
        exclude_caches: files.exclude_caches,
        exclude_if_present: names.map(|name| (name.clone().into_bytes(), None)).collect(),
        exclude_larger_than: files.exclude_larger_than.map(|size| size.0),
        own: own.to_vec(),
        ..FsOptions::default()
    }
}

fn stream_entry(output: &CommandOutput, context: &RunContext<'_>) -> StreamEntry {
    let maker = &context.maker;
    StreamEntry {
        file_name: output.file.clone().into_bytes(),
        time: (context.now)().into(),
        uid: maker.uid,
        gid: maker.gid,
        user: maker.user.clone().into_bytes(),
        group: Vec::new(),
    }
}

/// The order in which a source yields what rows can refer to.
pub(super) fn order_of(source: &Source) -> SourceOrder {
    match source.kind {
        SourceKind::Bucket(_) => SourceOrder::Keys,
        _ => SourceOrder::Paths,
    }
}

/// The path in the source's tree for a name in a row; `None` for a key that no object can have.
pub(super) fn path_of_name(source: &Source, name: &[u8]) -> Option<Vec<u8>> {
    match source.kind {
        SourceKind::Bucket(_) => bucket::path_of_key(std::str::from_utf8(name).ok()?),
        _ => Some(name.to_vec()),
    }
}

/// How rows refer to the contents of a source.
pub(super) fn name_of(source: &Source) -> NameOf {
    match source.kind {
        SourceKind::Bucket(_) => |path| bucket::key_of_path(path).map(String::into_bytes),
        _ => |path| Some(path.to_vec()),
    }
}
