//! Writes units and registers them with systemd.

use std::path::{Path, PathBuf};

use holdfast_app::schedule::{self, Units};
use holdfast_connect::child;

use crate::context::Context;
use crate::environment;
use crate::exit::{CommandError, CommandResult};
use crate::output::escape;
use crate::output::json::application::{ScheduleDocument, ScheduleFile};

/// The folder for the administrator's units.
pub const FOLDER: &str = "/etc/systemd/system";
/// Exists if the machine was booted with systemd.
const RUNNING: &str = "/run/systemd/system";

/// Writes the units into a folder.
///
/// # Errors
/// A unit cannot be written.
pub fn write(context: &Context, units: &Units, folder: &Path, dry_run: bool) -> CommandResult {
    let verb = if dry_run { "would write" } else { "wrote" };
    let paths = match dry_run {
        true => units.all().map(|unit| folder.join(&unit.name)).to_vec(),
        false => write_into(units, folder)?,
    };
    for path in &paths {
        context.output.note(0, &format!("{verb} {}", escape::path(path)))?;
    }
    tell_json(context, units, &paths, Vec::new())
}

/// Writes the units to systemd's folder, and starts the timer.
///
/// # Errors
/// Not root, no systemd, or systemd reports an error.
pub fn install(context: &Context, units: &Units, dry_run: bool) -> CommandResult {
    let folder = Path::new(FOLDER);
    let commands = units.next_steps();
    if dry_run {
        write(context, units, folder, dry_run)?;
        for command in &commands {
            context.output.note(0, &format!("would run {command}"))?;
        }
        return Ok(());
    }
    let refusal =
        refusal(environment::user_id() == 0, Path::new(RUNNING).is_dir(), &units.timer.name);
    if let Some(error) = refusal {
        return Err(error);
    }
    let paths = write_into(units, folder)?;
    for path in &paths {
        context.output.note(0, &format!("wrote {}", escape::path(path)))?;
    }
    for command in &commands {
        context.output.note(0, &format!("ran {command}"))?;
        tell_systemd(command)?;
    }
    let (service, timer) = (&units.service.name, &units.timer.name);
    context.output.note(0, &format!("next run:   systemctl list-timers {timer}"))?;
    context.output.note(0, &format!("run now:    systemctl start {service}"))?;
    context.output.note(0, &format!("see output: journalctl -u {service}"))?;
    tell_json(context, units, &paths, commands.to_vec())
}

/// Why units cannot be installed here.
fn refusal(is_root: bool, has_systemd: bool, timer: &str) -> Option<CommandError> {
    if !has_systemd {
        let message = "this machine does not run systemd, so no timer would ever start";
        return Some(
            CommandError::failed(message)
                .hint("holdfast schedule cron")
                .hint("write the units for another machine with --to FOLDER"),
        );
    }
    let message = format!("only root may write into {FOLDER} and enable {timer}");
    (!is_root).then(|| {
        CommandError::failed(message)
            .hint("run the same command with sudo")
            .hint("preview it with --install --dry-run")
    })
}

fn write_into(units: &Units, folder: &Path) -> CommandResult<Vec<PathBuf>> {
    schedule::install(units, folder)
        .map_err(|error| CommandError::path("write the units into", folder, &error))
}

/// Runs a command of words without spaces in them.
fn tell_systemd(command: &str) -> CommandResult {
    let mut words = command.split(' ');
    let output = child::command(words.next().unwrap_or_default()).args(words).output();
    let output =
        output.map_err(|error| CommandError::failed(format!("cannot run `{command}`: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let told = told.lines().next().unwrap_or("no error message");
    Err(CommandError::failed(format!("`{command}` failed ({}): {told}", output.status))
        .hint("check systemctl status, then run the same command again"))
}

fn tell_json(
    context: &Context,
    units: &Units,
    paths: &[PathBuf],
    commands: Vec<String>,
) -> CommandResult {
    if !context.output.style().json {
        return Ok(());
    }
    let files = paths.iter().zip(units.all());
    let files = files.map(|(path, unit)| ScheduleFile {
        name: path.to_string_lossy().into_owned(),
        text: unit.text.clone(),
    });
    Ok(context.output.json(&ScheduleDocument { files: files.collect(), commands })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_install_is_told_what_to_do() {
        let told = |is_root, has_systemd| {
            refusal(is_root, has_systemd, "x.timer").map(|error| (error.message, error.hints.len()))
        };
        assert_eq!(told(true, true), None);
        let (message, hints) = told(false, true).unwrap();
        assert!(message.contains("only root") && message.contains("x.timer") && hints == 2);
        for is_root in [true, false] {
            let (message, hints) = told(is_root, false).unwrap();
            assert!(message.contains("this machine does not run systemd") && hints == 2);
        }
    }

    #[test]
    fn a_command_that_fails_is_quoted() {
        assert_eq!(tell_systemd("true"), Ok(()));
        let error = tell_systemd("ls /no/such/folder").unwrap_err();
        assert!(error.message.starts_with("`ls /no/such/folder` failed"), "{}", error.message);
        assert!(error.message.contains("No such file"), "{}", error.message);
        let error = tell_systemd("no-such-program --x").unwrap_err();
        assert!(error.message.starts_with("cannot run `no-such-program --x`"), "{}", error.message);
    }
}
