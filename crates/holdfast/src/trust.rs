//! Files that decide what runs on this machine: root refuses those that another user may write.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::environment;
use crate::exit::{CommandError, CommandResult};
use crate::output::escape;

/// Write permission for group and others.
const OTHERS_WRITE: u32 = 0o022;
/// The sticky bit: only the owner of a file in the folder may replace it.
const STICKY: u32 = 0o1000;

/// Checks that only root may write or replace a file whose content decides what root runs; `what`
/// describes it, as in `app file`. Files used by other users are not checked.
///
/// # Errors
/// What to change. A missing file is left to its reader to report.
pub fn check(what: &str, path: &Path) -> CommandResult {
    match environment::user_id() {
        0 => check_for(0, what, path),
        _ => Ok(()),
    }
}

fn check_for(user: u32, what: &str, path: &Path) -> CommandResult {
    let Ok(real) = fs::canonicalize(path) else { return Ok(()) };
    let folders = [real.parent(), path.parent().filter(|folder| !folder.as_os_str().is_empty())];
    if let Ok(metadata) = fs::metadata(&real) {
        judge(user, what, &real, &metadata, metadata.mode() & OTHERS_WRITE != 0)?;
    }
    for folder in folders.into_iter().flatten() {
        if let Ok(metadata) = fs::metadata(folder) {
            let mode = metadata.mode();
            let is_open = mode & OTHERS_WRITE != 0 && mode & STICKY == 0;
            judge(user, &format!("folder of the {what}"), folder, &metadata, is_open)?;
        }
    }
    Ok(())
}

fn judge(
    user: u32,
    what: &str,
    path: &Path,
    metadata: &Metadata,
    others_may_write: bool,
) -> CommandResult {
    let path = escape::path(path);
    let owner = metadata.uid();
    if owner != 0 && owner != user {
        let message = format!(
            "the {what} {path} belongs to user {owner}, who could use it to run anything as root"
        );
        return Err(CommandError::failed(message).hint(format!("chown root {path}")));
    }
    if others_may_write {
        let message = format!(
            "the {what} {path} can be written by other users, who could use it to run anything as \
             root"
        );
        return Err(CommandError::failed(message).hint(format!("chmod go-w {path}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// The error for `user` about a file and a folder with these modes.
    fn said(user: u32, mode: u32, folder_mode: u32) -> Option<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("holdfast.toml");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(folder_mode)).unwrap();
        let error = check_for(user, "app file", &file).err()?;
        let place = folder.path().display().to_string();
        Some((error.message.replace(&place, "."), error.hints[0].replace(&place, ".")))
    }

    #[test]
    fn what_others_may_write_is_refused_with_the_command_that_mends_it() {
        let me = environment::user_id();
        assert_eq!(said(me, 0o644, 0o755), None);
        assert_eq!(said(me, 0o600, 0o1777), None, "the sticky bit keeps others from replacing it");
        for (mode, folder_mode, hint) in [
            (0o664, 0o755, "chmod go-w ./holdfast.toml"),
            (0o602, 0o700, "chmod go-w ./holdfast.toml"),
            (0o600, 0o775, "chmod go-w ."),
            (0o600, 0o777, "chmod go-w ."),
        ] {
            let (message, hints) = said(me, mode, folder_mode).unwrap();
            assert!(message.contains("can be written by other users"), "{message}");
            assert_eq!(hints, hint);
        }
    }

    /// Who may write to either folder puts another file in its place.
    #[test]
    fn a_link_counts_with_the_folder_that_it_is_in_and_that_of_its_file() {
        let me = environment::user_id();
        let [links, files] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let (link, file) = (links.path().join("holdfast.toml"), files.path().join("app.toml"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mode = |folder: &Path, mode| {
            fs::set_permissions(folder, Permissions::from_mode(mode)).unwrap();
        };
        assert_eq!(check_for(me, "app file", &link), Ok(()));
        for folder in [links.path(), files.path()] {
            mode(folder, 0o777);
            let error = check_for(me, "app file", &link).unwrap_err();
            assert!(error.message.starts_with("the folder of the app file"), "{}", error.message);
            mode(folder, 0o700);
        }
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hook");
        fs::write(&file, "").unwrap();
        let metadata = fs::metadata(&file).unwrap();
        if metadata.uid() == 0 {
            std::os::unix::fs::chown(&file, Some(1), None).unwrap();
        }
        let error = check_for(metadata.uid().wrapping_add(7), "program", &file).unwrap_err();
        assert!(error.message.contains("belongs to user"), "{}", error.message);
        assert_eq!(check_for(0, "program", &folder.path().join("absent")), Ok(()));
    }
}
