//! Lines for cron.

use std::fmt::Write;

use super::{Installation, Job, ScheduleError, command, made_by, user};
use crate::config::{AppFile, Every};

/// Which table of cron the lines are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CronStyle {
    /// A file in `/etc/cron.d`, which names a user in each line.
    System,
    /// What `crontab -e` edits.
    User,
}

/// The lines that the file asks for.
///
/// # Errors
/// [`ScheduleError`] for paths that a table cannot hold.
pub fn crontab(
    file: &AppFile,
    at: &Installation<'_>,
    style: CronStyle,
) -> Result<String, ScheduleError> {
    let mut text = format!("# Backup of {}.\n# Made by {}\n", file.app.name, made_by(at, "cron")?,);
    if let Some(zone) = file.app.time_zone.as_ref().and_then(|zone| zone.iana_name()) {
        let _ = writeln!(
            text,
            "# cron goes by the time zone of the machine, whatever it is; the file says {zone}."
        );
    }
    // The environment of cron has next to nothing in it, and hooks look for their programs.
    text.push_str("SHELL=/bin/sh\n");
    text.push_str("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
    text.push_str(
        "# cron mails what is printed to this user or address: something only if it went wrong.\n",
    );
    let user = user(file)?;
    let _ = writeln!(text, "MAILTO={user}");
    if let Job::Run(_) = at.job {
        text.push_str(
            "# No flock is needed: a run that finds another one of this application at work waits\n\
             # for it, or leaves, as [run] in the app file says.\n",
        );
    }
    let moment = moment(file.schedule.every);
    let user = match style {
        CronStyle::System => format!("{user} "),
        CronStyle::User => String::new(),
    };
    let words: Vec<_> = command(at, true)?.iter().map(|word| quoted(word)).collect();
    // A percent sign would end the line for the shell.
    let command = words.join(" ").replace('%', "\\%");
    let _ = writeln!(text, "{moment} {user}{command}");
    Ok(text)
}

/// The five fields of a time, as cron and Kubernetes take them.
pub(super) fn moment(every: Every) -> String {
    match every {
        Every::Hour { minute } => format!("{minute} * * * *"),
        Every::Day { at } => format!("{} {} * * *", at.minute(), at.hour()),
    }
}

/// A word as a shell takes it apart again.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./@:=+,%".contains(c);
    if word.chars().all(is_plain) && !word.is_empty() {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
