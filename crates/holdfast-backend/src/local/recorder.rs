//! A disk for tests that records every change, and fails or dies at a chosen one.

use std::fs::File;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};

use rustix::io::Errno;

use super::disk::{DiskOperations, Filesystem};
use super::{Local, Path};

/// What happens at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecorderFault {
    /// The step whose record starts with this text fails with this error, each time.
    Fails(&'static str, Errno),
    /// The process dies before the step with this number, from 0: it and all later ones do nothing.
    DiesAt(usize),
    /// Links take effect, and are then reported as "exists", like a repeated request over NFS.
    LinkAnswerLost,
    /// There are no links, and renames that must not replace fail with this error.
    NeitherLinksNorRenames(Errno),
    /// In this number of first attempts, the written file is removed before it is linked.
    FileTaken(usize),
    /// Writes accept at most this many bytes each and are interrupted in between.
    ShortWrites(usize),
}

/// Records and forwards to the real file system.
#[derive(Debug)]
pub(super) struct Recorder {
    inner: Filesystem,
    trouble: Option<RecorderFault>,
    steps: Arc<Mutex<Vec<String>>>,
}

/// Opens `root` through a recorder; the steps are added to the returned list.
pub(super) fn open(
    root: &Path,
    trouble: Option<RecorderFault>,
) -> (Local, Arc<Mutex<Vec<String>>>) {
    let mut local = Local::open(root).unwrap();
    let inner = Filesystem::new(local.root.try_clone().unwrap());
    let steps = Arc::new(Mutex::new(Vec::new()));
    local.disk = Box::new(Recorder { inner, trouble, steps: Arc::clone(&steps) });
    (local, steps)
}

impl Recorder {
    /// Records a step and returns how many came before, unless it must not be made.
    fn step(&self, step: String) -> io::Result<usize> {
        let mut steps = self.steps.lock().unwrap();
        let number = steps.len();
        let outcome = match self.trouble {
            Some(RecorderFault::Fails(text, errno)) if step.starts_with(text) => Err(errno.into()),
            Some(RecorderFault::NeitherLinksNorRenames(_)) if step.starts_with("link") => {
                Err(Errno::PERM.into())
            }
            Some(RecorderFault::NeitherLinksNorRenames(errno)) if step.starts_with("rename") => {
                Err(errno.into())
            }
            Some(RecorderFault::DiesAt(last)) if number >= last => Err(Errno::IO.into()),
            _ => Ok(number),
        };
        steps.push(step);
        outcome
    }
}

/// Random names all look the same in a record.
fn shown(path: &str) -> &str {
    match path {
        "" => ".",
        path if path.starts_with("tmp/") => "tmp/*",
        path => path,
    }
}

fn is_folder(file: &File) -> bool {
    file.metadata().unwrap().is_dir()
}

impl DiskOperations for Recorder {
    fn create(&self, path: &str) -> io::Result<File> {
        self.step(format!("create {}", shown(path)))?;
        self.inner.create(path)
    }

    fn write(&self, file: &File, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let number = self.step("write".to_owned())?;
        match self.trouble {
            Some(RecorderFault::ShortWrites(_)) if number % 2 == 0 => Err(Errno::INTR.into()),
            Some(RecorderFault::ShortWrites(most)) => {
                let first = slices.iter().find(|slice| !slice.is_empty()).unwrap();
                self.inner.write(file, &[IoSlice::new(&first[..most.min(first.len())])])
            }
            _ => self.inner.write(file, slices),
        }
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let kind = if is_folder(file) { "sync folder" } else { "sync file" };
        self.step(kind.to_owned())?;
        self.inner.sync(file)
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        self.step(format!("make {path}"))?;
        self.inner.make_folder(path)
    }

    fn open_folder(&self, path: &str) -> io::Result<File> {
        self.step(format!("open {}", shown(path)))?;
        self.inner.open_folder(path)
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        self.step(format!("link {} {to}", shown(from)))?;
        if let Some(RecorderFault::FileTaken(attempts)) = self.trouble
            && self.steps.lock().unwrap().iter().filter(|step| *step == "sync file").count()
                <= attempts
        {
            let _ = self.inner.unlink(from);
        }
        self.inner.link(from, to)?;
        match self.trouble {
            Some(RecorderFault::LinkAnswerLost) => Err(Errno::EXIST.into()),
            _ => Ok(()),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step(format!("rename {} {to}", shown(from)))?;
        self.inner.rename(from, to)
    }

    fn unlink(&self, path: &str) -> io::Result<()> {
        self.step(format!("unlink {}", shown(path)))?;
        self.inner.unlink(path)
    }
}
