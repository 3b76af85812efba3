//! Writing units to a folder.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::systemd::Units;

/// Units hold no secrets, so any user may read them.
const MODE: u32 = 0o644;

/// Writes the units to a folder, each atomically, and returns their paths. The folder of the system
/// is `/etc/systemd/system`; [`Units::next_steps`] says what to do next.
///
/// # Errors
/// If the folder is missing or cannot be written. One unit may have been written by then.
pub fn install(units: &Units, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for unit in units.all() {
        let path = folder.join(&unit.name);
        let mut file = tempfile::Builder::new().prefix(".holdfast-").tempfile_in(folder)?;
        file.write_all(unit.text.as_bytes())?;
        fs::set_permissions(file.path(), Permissions::from_mode(MODE))?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        paths.push(path);
    }
    File::open(folder)?.sync_all()?;
    Ok(paths)
}
