//! The capture of files and folders.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use holdfast_connect::Source as Connector;
use holdfast_connect::fs::source::{FsOptions, FsSource};
use holdfast_engine::backup::Compare;
use holdfast_format::config::ChunkProfile;
use holdfast_format::record::{Scope, Text};

use super::FilesSettings;
use crate::kind::{CaptureScene, Manner, SourceCapture};

/// Files and folders ready to be walked.
pub(super) struct FilesCapture<'a> {
    pub files: &'a FilesSettings,
    pub scene: &'a CaptureScene<'a>,
}

impl FilesCapture<'_> {
    fn options(&self) -> FsOptions {
        let files = self.files;
        let names = files.exclude_if_present.iter();
        FsOptions {
            one_file_system: files.one_file_system,
            exclude_caches: files.exclude_caches,
            exclude_if_present: names.map(|name| (name.clone().into_bytes(), None)).collect(),
            exclude_larger_than: files.exclude_larger_than.map(|size| size.0),
            own: self.scene.own.clone(),
            ..FsOptions::default()
        }
    }

    fn scope(&self) -> Scope {
        let text = |bytes: &[u8]| Text(bytes.to_vec());
        let patterns = |all: &[String]| all.iter().map(|it| text(it.as_bytes())).collect();
        let paths = self.files.paths.iter().map(|path| text(path.as_os_str().as_bytes())).collect();
        Scope {
            paths,
            excludes: patterns(&self.files.exclude),
            excludes_any_case: patterns(&self.files.exclude_any_case),
            ..self.options().scope()
        }
    }
}

impl SourceCapture for FilesCapture<'_> {
    fn source(&self) -> io::Result<Box<dyn Connector>> {
        let files = self.files;
        Ok(Box::new(FsSource::new(files.paths.clone(), self.options(), files.filter())?))
    }

    fn manner(&self) -> Manner {
        Manner {
            profile: ChunkProfile::File,
            compare: Compare { ctime: true, inode: true },
            read_concurrency: 0,
            is_stream: false,
            scope: Some(self.scope()),
        }
    }

    fn has_now(&self, name: &[u8]) -> bool {
        Path::new(std::ffi::OsStr::from_bytes(name)).exists()
    }
}
