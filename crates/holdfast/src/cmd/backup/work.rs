//! What `backup` reads, how, and what it compares with.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use holdfast_connect::Source;
use holdfast_connect::command::{CommandSource, StoppableInput, StreamEntry, StreamSource};
use holdfast_connect::fs::source::{FsOptions, FsSource};
use holdfast_engine::backup::{self, BackupOptions, CaptureOptions, Compare, SourceOptions};
use holdfast_engine::completeness::ShrinkLimit;
use holdfast_engine::selection::SnapshotFilter;
use holdfast_format::record::{Scope, Snapshot, SnapshotSummary, Text};
use holdfast_repo::write::WriteOptions;
use holdfast_repo::{Repository, SnapshotInfo};
use jiff::Timestamp;

use super::Args;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::parse::ExcludeIfPresent;
use crate::patterns::Excludes;
use crate::{environment, own, paths, patterns, select};

/// What to read, and how.
pub(super) struct BackupWork {
    from: From,
    fs: FsOptions,
    excludes: Excludes,
    stop: Arc<AtomicBool>,
}

enum From {
    Paths(Vec<PathBuf>),
    Stdin(StreamEntry),
    Command(Vec<OsString>, StreamEntry),
}

impl BackupWork {
    pub fn plan(args: &Args, context: &Context) -> CommandResult<BackupWork> {
        let excludes = patterns::excludes(&args.exclude, &context.environment)?;
        let skip = &args.skip;
        let fs = FsOptions {
            one_file_system: skip.one_file_system,
            with_atime: args.compare.with_atime,
            exclude_caches: skip.exclude_caches,
            exclude_if_present: skip
                .exclude_if_present
                .iter()
                .map(ExcludeIfPresent::bytes)
                .collect(),
            exclude_larger_than: skip.exclude_larger_than.map(|size| size.0),
            gitignore: skip.gitignore,
            ..FsOptions::default()
        };
        let from = match args.command() {
            Some(command) => From::Command(command, stream_entry(args, context)),
            None if args.from.stdin => From::Stdin(stream_entry(args, context)),
            None => From::Paths(paths::all(&args.paths, &args.from, context)?),
        };
        Ok(BackupWork { from, fs, excludes, stop: Arc::clone(&context.interrupted) })
    }

    /// Excludes holdfast's own files; set once the repository is open.
    pub fn leave_out_own(&mut self, context: &Context) -> CommandResult {
        self.fs.own = own::folders(context, [context.location()?.path()]);
        Ok(())
    }

    pub fn is_stream(&self) -> bool {
        !matches!(self.from, From::Paths(_))
    }

    pub fn source(&self) -> io::Result<Box<dyn Source>> {
        Ok(match &self.from {
            From::Paths(paths) => Box::new(FsSource::new(
                paths.clone(),
                self.fs.clone(),
                self.excludes.filter.clone(),
            )?),
            From::Stdin(entry) => {
                let stdin = io::stdin().as_fd().try_clone_to_owned()?;
                let reader = StoppableInput::new(stdin, Arc::clone(&self.stop));
                Box::new(StreamSource::stdin(Box::new(reader), entry)?)
            }
            From::Command(command, entry) => {
                let stop = Arc::clone(&self.stop);
                Box::new(CommandSource::new(command.clone(), entry.clone(), stop)?)
            }
        })
    }

    /// The scope of a source of files, without its paths, which the snapshot records.
    fn scope(&self) -> Scope {
        let (excludes, any_case) = (self.excludes.exact.clone(), self.excludes.any_case.clone());
        Scope { excludes, excludes_any_case: any_case, ..self.fs.scope() }
    }

    /// The paths that the snapshot records.
    fn recorded_paths(&self) -> Vec<Text> {
        match &self.from {
            From::Paths(paths) => {
                let mut paths: Vec<Text> =
                    paths.iter().map(|path| Text(path.as_os_str().as_bytes().to_vec())).collect();
                paths.sort();
                paths.dedup();
                paths
            }
            From::Stdin(entry) | From::Command(_, entry) => {
                vec![Text([b"/", entry.file_name.as_slice()].concat())]
            }
        }
    }

    pub fn options(
        &self,
        args: &Args,
        context: &Context,
        repository: &Repository,
        start: Timestamp,
    ) -> CommandResult<BackupOptions> {
        let snapshot = self.record(args, context, start)?;
        let parents = match self.is_stream() || args.compare.force {
            true => Vec::new(),
            false => parents(args, context, repository, &snapshot)?,
        };
        let ignore_inode = args.compare.ignore_inode;
        let compare =
            Compare { ctime: !args.compare.ignore_ctime && !ignore_inode, inode: !ignore_inode };
        let connector = if self.is_stream() { "stream" } else { "files" };
        Ok(BackupOptions {
            capture: CaptureOptions {
                snapshot,
                parents,
                write: WriteOptions { dry_run: args.dry_run, ..context.write_options() },
            },
            source: SourceOptions {
                name: connector.to_owned(),
                connector: connector.to_owned(),
                profile: args.reading.profile(self.is_stream()),
                compare,
                read_concurrency: args.reading.read_concurrency.unwrap_or(0) as usize,
                count_first: false,
                is_stream: self.is_stream(),
                shrink_limit: match args.label.accept_shrunk {
                    true => ShrinkLimit::NONE,
                    false => ShrinkLimit::default(),
                },
                scope: (!self.is_stream()).then(|| self.scope()),
            },
            skip_if_unchanged: args.label.skip_if_unchanged,
            now: environment::now,
        })
    }

    /// The record, except for what only the run itself can determine.
    fn record(&self, args: &Args, context: &Context, start: Timestamp) -> CommandResult<Snapshot> {
        if args.label.time.is_some_and(|time| time > start) {
            context.output.caution(
                "the snapshot is dated in the future: until then it is the latest, and forget \
                 neither counts nor removes it",
            );
        }
        let time = args.label.time.unwrap_or(start);
        let host = context.host_name(args.label.host.as_deref());
        Ok(Snapshot {
            user: context.environment.user_name(),
            uid: environment::user_id(),
            gid: environment::group_id(),
            tags: args.label.tags.iter().flat_map(|list| list.0.clone()).collect(),
            excludes: [self.excludes.exact.as_slice(), &self.excludes.any_case].concat(),
            program: format!("holdfast {}", env!("CARGO_PKG_VERSION")),
            summary: SnapshotSummary { backup_start: Some(start), ..SnapshotSummary::default() },
            ..Snapshot::begun(time, host, self.recorded_paths())
        })
    }
}

fn stream_entry(args: &Args, context: &Context) -> StreamEntry {
    let name = args.from.stdin_filename.as_os_str().as_bytes();
    let start = name.iter().position(|byte| *byte != b'/').unwrap_or(name.len());
    StreamEntry {
        file_name: name[start..].to_vec(),
        time: environment::now().into(),
        uid: environment::user_id(),
        gid: environment::group_id(),
        user: context.environment.user_name().into_bytes(),
        group: Vec::new(),
    }
}

/// Snapshots to compare with.
fn parents(
    args: &Args,
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
) -> CommandResult<Vec<SnapshotInfo>> {
    if let Some(text) = &args.compare.parent {
        let filter = SnapshotFilter::default();
        return Ok(vec![select::choose(context, repository, Some(text), None, &filter)?.info]);
    }
    let group = args.compare.group_by;
    let is_same_group = |it: &Snapshot| {
        (!group.host || it.host == snapshot.host)
            && (!group.paths || it.paths == snapshot.paths)
            && (!group.tags || it.tags == snapshot.tags)
    };
    Ok(backup::parents(repository, environment::now(), is_same_group))
}
