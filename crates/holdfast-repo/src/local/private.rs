//! Folders and files that only their user may enter, read or write.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// Mode bits that let others write.
const WRITABLE: u32 = 0o022;
/// Tells backup programs what the folder is (<https://bford.info/cachedir/>).
const TAG_FILE: &str = "CACHEDIR.TAG";
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
                   # This folder is a cache of holdfast; it can be deleted at any time.\n";

/// Creates a cache folder and its missing parents for the user alone, and marks it as a cache. An
/// existing folder is closed to others.
///
/// # Errors
/// It belongs to another user, is writable by others, or the system refuses: then its contents must
/// not be trusted.
pub fn create_cache(folder: &Path) -> io::Result<()> {
    create_folder(folder)?;
    let tag = folder.join(TAG_FILE);
    let mut file = match open_with(&tag, OpenOptions::new().write(true).create_new(true)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        file => file?,
    };
    file.write_all(TAG.as_bytes())
}

/// Creates a folder and its missing parents for the user alone. An existing folder is closed to
/// others.
///
/// # Errors
/// It belongs to another user, is writable by others, or the system refuses.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    let status = fs::symlink_metadata(folder)?;
    if !status.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    refuse_others(&status)?;
    if status.mode() & 0o777 != FOLDER_MODE {
        fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))?;
    }
    Ok(())
}

/// Opens a file for reading and writing, creating it for the user alone if it is missing.
///
/// # Errors
/// It is a link or not a regular file, belongs to another user, is writable by others, or the
/// system refuses.
pub fn open_file(path: &Path) -> io::Result<File> {
    let file =
        open_with(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))?;
    if file.metadata()?.mode() & 0o777 != FILE_MODE {
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    }
    Ok(file)
}

/// Reads a file that only the user may write.
///
/// # Errors
/// As [`open_file`]; it is missing.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_with(path, OpenOptions::new().read(true))?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Replaces a file atomically; the new one is for the user alone.
///
/// # Errors
/// As the system reports them; the old file is then unchanged.
pub fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    create_folder(folder)?;
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".new.{}", std::process::id()));
    let new = Path::new(&new);
    let written = open_file(new).and_then(|mut file| {
        file.set_len(0)?;
        file.write_all(content)
    });
    written.and_then(|()| fs::rename(new, path)).inspect_err(|_| {
        let _gone = fs::remove_file(new);
    })
}

fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Whatever the file is, opening it must not block.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = options.mode(FILE_MODE).custom_flags(flags as i32).open(path)?;
    let status = file.metadata()?;
    if !status.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    refuse_others(&status)?;
    Ok(file)
}

fn refuse_others(status: &fs::Metadata) -> io::Result<()> {
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned()));
    match () {
        () if status.uid() != rustix::process::geteuid().as_raw() => {
            refused("it belongs to another user")
        }
        () if status.mode() & WRITABLE != 0 => refused("it is writable by other users"),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_made_is_for_the_user_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("a/b");
        create_cache(&folder).unwrap();
        create_cache(&folder).unwrap();
        let file = folder.join("file");
        replace_file(&file, b"1").unwrap();
        replace_file(&file, b"2").unwrap();
        assert_eq!(read_file(&file).unwrap(), b"2");
        let tag = folder.join(TAG_FILE);
        assert!(read_file(&tag).unwrap().starts_with(TAG.as_bytes()));
        for made in [&scratch.path().join("a"), &folder] {
            assert_eq!(mode(made), 0o700);
        }
        assert_eq!((mode(&file), mode(&tag)), (0o600, 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "no other file is left");
    }

    #[test]
    fn what_others_could_read_is_closed_and_what_they_could_write_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let (folder, file) = (scratch.path().join("f"), scratch.path().join("f/file"));
        create_folder(&folder).unwrap();
        fs::write(&file, b"x").unwrap();
        chmod(&folder, 0o755);
        chmod(&file, 0o644);
        create_folder(&folder).unwrap();
        open_file(&file).unwrap();
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        for writable in [0o720, 0o702, 0o777] {
            chmod(&folder, writable);
            assert_eq!(create_folder(&folder).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        }
        chmod(&folder, 0o700);
        for writable in [0o620, 0o602, 0o666] {
            chmod(&file, writable);
            assert!(open_file(&file).is_err() && read_file(&file).is_err());
        }
    }

    #[test]
    fn links_are_not_followed() {
        let scratch = tempfile::tempdir().unwrap();
        let [target, link] = ["target", "link"].map(|name| scratch.path().join(name));
        fs::write(&target, b"x").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(open_file(&link).is_err() && read_file(&link).is_err());
        replace_file(&link, b"y").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"x");
        let (folder, away) = (scratch.path().join("folder"), scratch.path().join("away"));
        fs::create_dir(&away).unwrap();
        std::os::unix::fs::symlink(&away, &folder).unwrap();
        assert!(create_folder(&folder).is_err());
    }
}
