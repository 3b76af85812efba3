//! Examining one name: whether it is wanted, and what it is.

use std::ffi::CStr;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use holdfast_format::limits;
use rustix::fs::{AtFlags, FileType, Stat};

use super::directory::identity;
use super::listing::{FolderListing, ListingScope};
use super::metadata::{LOOK, size};
use super::opener::FsOpener;
use super::plan::PathPlan;
use super::work::{ScanUnit, ScanWorker, Task, UnitOutput};
use crate::fs::target::is_temporary_name;
use crate::{Leaf, LeafKind, SourceItem, UnreadEntry};

/// One name of a directory.
pub(super) struct NameLookup<'a> {
    pub(super) listing: &'a Arc<FolderListing>,
    /// The directory.
    pub(super) handle: &'a OwnedFd,
    /// Position of the name in the listing.
    pub(super) index: usize,
    pub(super) name: &'a CStr,
    /// The whole path.
    pub(super) path: &'a [u8],
}

impl NameLookup<'_> {
    /// Examines the name and appends what is found.
    pub(super) fn at(&self, worker: &mut ScanWorker, output: &mut UnitOutput) {
        let scope = &self.listing.scope;
        let plan = scope.plan.as_ref().and_then(|plan| plan.children.get(self.name.to_bytes()));
        let is_named = plan.is_some_and(|plan| plan.is_named);
        // What only leads to a named path cannot be excluded, and may be a link.
        let is_way = !scope.is_whole && !is_named;
        if !is_way && self.is_excluded_by_name(is_named) {
            return output.batch.items.push(self.excluded());
        }
        let status = match self.status(is_way) {
            Ok(status) => status,
            Err(error) => return self.report(plan, error, output),
        };
        let kind = FileType::from_raw_mode(status.st_mode);
        if kind == FileType::Directory {
            // Trees too deep for a snapshot are not scanned: they may have no end.
            if let Err(error) = limits::TREE_DEPTH.check(self.listing.directory.depth() + 1) {
                let error = io::Error::other(format!("no snapshot can hold it: {error}"));
                return output.batch.items.push(unread(self.path.to_vec(), error));
            }
            if !is_way && !is_named && self.is_ignored(true) {
                return output.batch.items.push(self.excluded());
            }
            if !is_way && worker.context.options.own.contains(&identity(&status)) {
                return output.batch.items.push(SourceItem::Own { path: self.path.to_vec() });
            }
            return self.enter(worker, &status, plan, output);
        }
        if is_way {
            return self.report(plan, io::ErrorKind::NotADirectory.into(), output);
        }
        if (!is_named && self.is_ignored(false)) || self.is_excluded_by_status(&status, is_named) {
            output.batch.items.push(self.excluded());
        } else {
            output.batch.items.push(self.leaf(worker, &status, kind));
        }
        let below = plan.map(|plan| plan.named_below(self.path)).unwrap_or_default();
        let not_a_directory = || io::ErrorKind::NotADirectory.into();
        output.batch.items.extend(below.into_iter().map(|path| unread(path, not_a_directory())));
    }

    fn status(&self, follow: bool) -> io::Result<Stat> {
        let flags = if follow { AtFlags::NO_AUTOMOUNT } else { LOOK };
        Ok(rustix::fs::statat(self.handle, self.name, flags)?)
    }

    fn is_excluded_by_name(&self, is_named: bool) -> bool {
        let filter = &self.listing.context.filter;
        let name = self.name.to_bytes();
        (!is_named && (self.listing.is_tagged_away(name) || is_temporary_name(name)))
            || (!filter.is_empty() && filter.excludes(self.path))
    }

    fn is_ignored(&self, is_directory: bool) -> bool {
        self.listing.ignores.as_ref().is_some_and(|rules| rules.excludes(self.path, is_directory))
    }

    /// Rules for anything but directories.
    fn is_excluded_by_status(&self, status: &Stat, is_named: bool) -> bool {
        let is_file = FileType::from_raw_mode(status.st_mode) == FileType::RegularFile;
        let size_max = self.listing.context.options.exclude_larger_than;
        let is_elsewhere = self.listing.scope.device.is_some_and(|device| device != status.st_dev);
        (is_file && size_max.is_some_and(|size_max| size(status) > size_max))
            || (is_elsewhere && !is_named)
    }

    fn enter(
        &self,
        worker: &mut ScanWorker,
        status: &Stat,
        plan: Option<&Arc<PathPlan>>,
        output: &mut UnitOutput,
    ) {
        let context = &worker.context;
        let with_atime = context.options.with_atime;
        let lasts = self.listing.directory.has_lasting_inodes();
        let last = &mut worker.last_owners;
        let metadata = context.owners.metadata(status, lasts, with_atime, last);
        let scope = self.scope_below(status, plan);
        let is_above_named = !scope.is_whole;
        output.batch.items.push(SourceItem::Enter {
            name: self.name.to_bytes().to_vec(),
            metadata,
            opener: Box::new(FsOpener::directory(self.listing, self.index, is_above_named)),
            is_sorted: true,
        });
        output.batch.directories.push(self.index as u32);
        let directory = self.listing.directory.child(self.name, is_above_named);
        let ignores = self.listing.ignores.clone();
        let task = Task { directory, scope, ignores };
        output.found.push((self.index as u32, ScanUnit::List(task)));
    }

    /// What is wanted of the directory with this name.
    fn scope_below(&self, status: &Stat, plan: Option<&Arc<PathPlan>>) -> ListingScope {
        let scope = &self.listing.scope;
        let is_named = plan.is_some_and(|plan| plan.is_named);
        let one_file_system = self.listing.context.options.one_file_system;
        let is_elsewhere = scope.device.is_some_and(|device| device != status.st_dev);
        let device = if is_named { Some(status.st_dev) } else { scope.device };
        ListingScope {
            is_whole: is_named || (scope.is_whole && !is_elsewhere),
            plan: plan.cloned(),
            device: device.filter(|_| one_file_system && (is_named || !is_elsewhere)),
        }
    }

    fn leaf(&self, worker: &mut ScanWorker, status: &Stat, kind: FileType) -> SourceItem {
        let context = &worker.context;
        let with_atime = context.options.with_atime;
        let lasts = self.listing.directory.has_lasting_inodes();
        let last = &mut worker.last_owners;
        let metadata = context.owners.metadata(status, lasts, with_atime, last);
        let (major, minor) = (rustix::fs::major(status.st_rdev), rustix::fs::minor(status.st_rdev));
        let kind = match kind {
            FileType::RegularFile => LeafKind::File { size: size(status) },
            FileType::Symlink => {
                match rustix::fs::readlinkat(self.handle, self.name, Vec::with_capacity(256)) {
                    Ok(target) => LeafKind::Symlink(target.into_bytes()),
                    Err(errno) => return unread(self.path.to_vec(), errno.into()),
                }
            }
            FileType::BlockDevice => LeafKind::BlockDevice(major, minor),
            FileType::CharacterDevice => LeafKind::CharDevice(major, minor),
            FileType::Fifo => LeafKind::Fifo,
            FileType::Socket => LeafKind::Socket,
            _ => {
                let error = io::Error::other("the kernel reports an unknown file type");
                return unread(self.path.to_vec(), error);
            }
        };
        let opener = Box::new(FsOpener::leaf(self.listing, self.index, status));
        SourceItem::Leaf(Leaf { name: self.name.to_bytes().to_vec(), metadata, kind, opener })
    }

    fn excluded(&self) -> SourceItem {
        SourceItem::Excluded { path: self.path.to_vec() }
    }

    /// Reports that the name cannot be examined; if the user named paths at or below it, those are
    /// reported.
    fn report(&self, plan: Option<&Arc<PathPlan>>, error: io::Error, output: &mut UnitOutput) {
        let mut paths = plan.map(|plan| plan.named_paths(self.path)).unwrap_or_default();
        if paths.is_empty() {
            paths.push(self.path.to_vec());
        }
        let again = |error: &io::Error| match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => error.kind().into(),
        };
        output.batch.items.extend(paths.into_iter().map(|path| unread(path, again(&error))));
    }
}

fn unread(path: Vec<u8>, error: io::Error) -> SourceItem {
    SourceItem::Unread(UnreadEntry { path, during: "scan", error })
}
