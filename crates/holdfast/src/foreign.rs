//! Recognizes folders that are not holdfast's: repositories of other programs, and other files.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use holdfast_format::name;

use crate::exit::{CommandError, CommandResult, ExitKind};
use crate::output::escape;

/// Bytes of a file to read in order to recognize its program.
const SIGN_BYTES_MAX: u64 = 4096;

/// How to recognize the repository of a program.
struct Program {
    name: &'static str,
    /// Files and folders that must all exist.
    has: &'static [&'static str],
    /// A file, and a text that its beginning contains.
    says: Option<(&'static str, &'static str)>,
}

const PROGRAMS: [Program; 12] = [
    Program { name: "kopia", has: &["kopia.repository.f"], says: None },
    Program { name: "kopia", has: &["kopia.repository"], says: None },
    Program { name: "borg", has: &["data"], says: Some(("README", "Borg Backup repository")) },
    Program { name: "borg", has: &["data"], says: Some(("config/readme", "Borg")) },
    Program { name: "borg", has: &["data"], says: Some(("config", "[repository]")) },
    Program {
        name: "restic or rustic",
        has: &["config", "data", "index", "keys", "snapshots"],
        says: None,
    },
    Program { name: "bupstash", has: &["data", "items", "meta"], says: None },
    Program { name: "duplicacy", has: &["config", "chunks", "snapshots"], says: None },
    Program { name: "Proxmox Backup Server", has: &[".chunks", ".lock"], says: None },
    Program { name: "rdiff-backup", has: &["rdiff-backup-data"], says: None },
    Program { name: "plakar", has: &["CONFIG", "packfiles", "states"], says: None },
    Program { name: "git or bup", has: &["HEAD", "objects", "refs"], says: None },
];

/// Names that file systems and file servers create in their top folder.
const OF_FILE_SYSTEMS: [&str; 14] = [
    "lost+found",
    ".DS_Store",
    ".Spotlight-V100",
    ".Trashes",
    ".fseventsd",
    ".snapshot",
    ".snapshots",
    ".zfs",
    "$RECYCLE.BIN",
    "System Volume Information",
    "@eaDir",
    "#recycle",
    "aquota.group",
    "aquota.user",
];

/// The program whose repository is in a folder, if it is a known one.
pub fn program(folder: &Path) -> Option<&'static str> {
    let is_there = |name: &&str| folder.join(name).symlink_metadata().is_ok();
    let says = |(file, text): (&str, &str)| begins_with(&folder.join(file)).contains(text);
    let found =
        PROGRAMS.iter().find(|it| it.has.iter().all(is_there) && it.says.is_none_or(says))?;
    Some(found.name)
}

/// The beginning of a file as text; empty if it cannot be read.
fn begins_with(path: &Path) -> String {
    let mut bytes = Vec::new();
    if path.is_file()
        && let Ok(file) = fs::File::open(path)
    {
        let _ = file.take(SIGN_BYTES_MAX).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The error for the repository of another program.
pub fn belongs_to(program: &str, folder: &Path) -> CommandError {
    let folder = escape::path(folder);
    let message = format!("{folder} is a repository of {program}, not of holdfast");
    CommandError::new(ExitKind::NoRepository, message)
        .hint(format!("use {program} itself, or give holdfast another path"))
}

/// Refuses to create a repository in a folder that holds anything but the remains of an `init`.
/// This checks names only; the contents of files named like key slots are checked on creation.
///
/// # Errors
/// The folder is not empty.
pub fn refuse_unless_empty(folder: &Path) -> CommandResult {
    if let Some(program) = program(folder) {
        return Err(belongs_to(program, folder));
    }
    let mut others = Vec::new();
    for name in names(folder)? {
        let is_folder = folder.join(&name).symlink_metadata().is_ok_and(|it| it.is_dir());
        let is_own: fn(&str) -> bool = match name.to_str() {
            Some(name) if OF_FILE_SYSTEMS.contains(&name) => continue,
            Some("keys") if is_folder => |file| name::slot_id(&format!("keys/{file}")).is_some(),
            Some("tmp") if is_folder => holdfast_backend::is_own_temporary,
            _ => {
                others.push(PathBuf::from(name));
                continue;
            }
        };
        let inside = names(&folder.join(&name))?;
        let foreign = inside.into_iter().filter(|file| !file.to_str().is_some_and(is_own));
        others.extend(foreign.map(|file| Path::new(&name).join(file)));
    }
    others.sort();
    let Some(first) = others.first() else { return Ok(()) };
    let more = match others.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let (folder, first) = (escape::path(folder), escape::path(first));
    let message = format!("{folder} is not empty: it holds {first}{more}; nothing was changed");
    Err(CommandError::failed(message)
        .hint(format!("use an empty folder or a new subfolder: -r {folder}/holdfast")))
}

fn names(folder: &Path) -> CommandResult<Vec<OsString>> {
    let refused = |error| CommandError::path("read the folder", folder, &error);
    let entries = fs::read_dir(folder).map_err(refused)?;
    entries.map(|entry| Ok(entry.map_err(refused)?.file_name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates files, and folders for names that end with a slash.
    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            match name.ends_with('/') {
                true => fs::create_dir_all(path).unwrap(),
                false => {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, content).unwrap();
                }
            }
        }
        folder
    }

    fn check(files: &[(&str, &str)], expected: Option<&str>) {
        let folder = folder_with(files);
        match (refuse_unless_empty(folder.path()), expected) {
            (Ok(()), None) => {}
            (Err(error), Some(text)) => assert!(error.message.contains(text), "{error:?}"),
            (outcome, expected) => panic!("{files:?}: {outcome:?}, not {expected:?}"),
        }
    }

    #[test]
    fn repositories_of_others_are_known() {
        let restic =
            [("config", "x"), ("data/", ""), ("index/", ""), ("keys/", ""), ("snapshots/", "")];
        check(&restic, Some("a repository of restic or rustic"));
        let borg = [("README", "This is a Borg Backup repository."), ("config", ""), ("data/", "")];
        check(&borg, Some("a repository of borg"));
        let borg = [("config", "[repository]\nversion = 1\n"), ("data/", "")];
        check(&borg, Some("a repository of borg"));
        check(&[("kopia.repository.f", "x")], Some("a repository of kopia"));
        check(&[("data/", ""), ("items/", ""), ("meta/", "")], Some("a repository of bupstash"));
        check(&[("HEAD", ""), ("objects/", ""), ("refs/", ""), ("config", "")], Some("git or bup"));
    }

    #[test]
    fn only_what_init_left_may_be_there() {
        check(&[], None);
        check(&[("lost+found/", ""), ("System Volume Information/x", "")], None);
        check(&[("keys/0123456789abcdef", ""), ("keys/0123456789abcdef.b", "")], None);
        check(&[("keys/", ""), ("tmp/", ""), ("tmp/holdfast..1.2.3.0000000000000012", "")], None);
        check(&[("main.py", ""), ("a", "")], Some("it holds a and 1 more"));
        check(&[("keys/server.pem", "")], Some("it holds keys/server.pem; nothing"));
        check(&[("keys/ID_RSA", "")], Some("keys/ID_RSA"));
        check(&[("keys/0123456789abcdef/x", "")], None);
        check(&[("tmp/notes.txt", "")], Some("tmp/notes.txt"));
        check(&[("keys", "a file")], Some("it holds keys"));
        check(&[(".hidden", "")], Some(".hidden"));
        check(&[("gen/0000000000", "")], Some("it holds gen"));
    }
}
