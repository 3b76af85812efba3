//! A file that appears under its name only once it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const BUFFER_BYTES: usize = 1 << 18;
/// Number of names to try for the temporary file; killed runs may have left some.
const NAMES_MAX: usize = 100;

/// A file under construction. If dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub struct NewFile {
    out: BufWriter<File>,
    /// The temporary file and its final name; `None` for what is written in place.
    names: Option<(PathBuf, PathBuf)>,
}

impl NewFile {
    /// Starts a file that will replace `target` and take over its permissions; if there is none, it
    /// gets those of `mode` that the umask allows. A device or pipe is written to, not replaced.
    ///
    /// # Errors
    /// Errors of the operating system.
    pub fn create(target: &Path, mode: u32) -> io::Result<NewFile> {
        let present = match fs::metadata(target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            metadata => Some(metadata?),
        };
        if present.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if present.as_ref().is_some_and(|metadata| !metadata.is_file()) {
            let file = OpenOptions::new().write(true).open(target)?;
            return Ok(NewFile { out: BufWriter::with_capacity(BUFFER_BYTES, file), names: None });
        }
        // The target of a link is replaced, not the link itself.
        let target = if present.is_some() { fs::canonicalize(target)? } else { target.to_owned() };
        let (file, temporary) = create_beside(&target, mode)?;
        let out = BufWriter::with_capacity(BUFFER_BYTES, file);
        let new = NewFile { out, names: Some((temporary, target)) };
        if let Some(metadata) = present {
            new.out.get_ref().set_permissions(metadata.permissions())?;
        }
        Ok(new)
    }

    /// Gives the file its final name once its bytes are durable.
    ///
    /// # Errors
    /// Errors of the operating system.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()?;
        if let Some((temporary, target)) = &self.names {
            self.out.get_ref().sync_all()?;
            fs::rename(temporary, target)?;
            self.names = None;
        }
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some((temporary, _)) = &self.names {
            let _gone = fs::remove_file(temporary);
        }
    }
}

/// A new file in the folder of `target`, so that renaming it is one step.
fn create_beside(target: &Path, mode: u32) -> io::Result<(File, PathBuf)> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    for number in 0..NAMES_MAX {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{number}.part"));
        let path = target.with_file_name(hidden);
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            file => return Ok((file?, path)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_seen_before_the_end_and_nothing_stays_of_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.tar");
        fs::write(&target, "old").unwrap();
        let mut file = NewFile::create(&target, 0o644).unwrap();
        file.write_all(b"new").unwrap();
        file.flush().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(names(folder.path()), [".a.tar.0.part", "a.tar"]);
        drop(file);
        assert_eq!(names(folder.path()), ["a.tar"]);
        let mut file = NewFile::create(&target, 0o644).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.tar"]);
    }

    #[test]
    fn a_new_file_is_never_more_open_than_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o400, 0o700] {
            let target = folder.path().join(format!("{mode:o}"));
            let mut file = NewFile::create(&target, mode).unwrap();
            file.write_all(b"secret").unwrap();
            file.flush().unwrap();
            let mut part = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
            let part = part.find(|path| path.to_string_lossy().ends_with(".part"));
            let mode_of = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode_of(&part.unwrap()), mode);
            file.finish().unwrap();
            assert_eq!(mode_of(&target), mode);
        }
    }

    #[test]
    fn links_and_permissions_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("a"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        symlink("a", &link).unwrap();
        let mut file = NewFile::create(&link, 0o644).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_device_is_written_to_and_a_folder_is_not() {
        let mut file = NewFile::create(Path::new("/dev/null"), 0o644).unwrap();
        file.write_all(b"x").unwrap();
        file.finish().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let folder = tempfile::tempdir().unwrap();
        let error = NewFile::create(folder.path(), 0o644).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
    }
}
