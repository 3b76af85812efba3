//! Privileges that the commands of an app file need: some switch to another user.

use std::path::Path;

use super::{ScheduleError, user};
use crate::config::AppFile;

/// Programs that run others as a different user.
const CHANGERS: [&str; 10] = [
    "chpst",
    "doas",
    "gosu",
    "runuser",
    "s6-setuidgid",
    "setpriv",
    "setuidgid",
    "su",
    "su-exec",
    "sudo",
];

/// The capability to read all files, regardless of owner.
const READ: &str = "CAP_DAC_READ_SEARCH";
/// Capabilities needed to switch to another user. `sudo` and PAM write to the audit log.
const CHANGE: &str = "CAP_SETUID CAP_SETGID CAP_AUDIT_WRITE";

/// The line of a unit that bounds its capabilities, with a comment if there are more than reading.
///
/// # Errors
/// [`ScheduleError::NeedsRoot`] if a command switches to another user and the unit is not root's.
pub(super) fn bounds(file: &AppFile) -> Result<String, ScheduleError> {
    let programs = file.programs();
    let changer = programs.into_iter().find(|program| {
        let name = Path::new(&program.name).file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| CHANGERS.contains(&name))
    });
    let Some(changer) = changer else { return Ok(format!("CapabilityBoundingSet={READ}\n")) };
    match user(file)? {
        "root" => Ok(format!(
            "# {} of {} switches to another user.\nCapabilityBoundingSet={READ} {CHANGE}\n",
            changer.name, changer.what
        )),
        user => Err(ScheduleError::NeedsRoot {
            program: changer.name,
            what: changer.what,
            user: user.to_owned(),
        }),
    }
}
