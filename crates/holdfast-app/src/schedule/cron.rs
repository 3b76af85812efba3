//! Crontabs.

use std::fmt::Write;

use super::{Installation, ScheduleError, user};
use crate::config::{AppFile, Every};

/// The kind of crontab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CronStyle {
    /// A file in `/etc/cron.d`, which names a user in each line.
    System,
    /// A user's own, as edited with `crontab -e`.
    User,
}

/// The crontab for the app file. cron mails whatever the command prints, so it should be quiet.
///
/// # Errors
/// [`ScheduleError`] for paths that a crontab cannot contain.
pub fn crontab(
    file: &AppFile,
    at: &Installation,
    style: CronStyle,
) -> Result<String, ScheduleError> {
    let mut text = format!("# Backup of {}.\n# Made by {}\n", file.app.name, at.made_by);
    if let Some(zone) = file.app.time_zone.as_ref().and_then(|zone| zone.iana_name()) {
        let _ =
            writeln!(text, "# cron uses the time zone of the machine; the app file says {zone}.");
    }
    // The environment of cron is nearly empty, and hooks need PATH to find their programs.
    text.push_str("SHELL=/bin/sh\n");
    text.push_str("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
    text.push_str(
        "# cron mails output to this user or address; there is some only if something went \
         wrong.\n",
    );
    let user = user(file)?;
    let _ = writeln!(text, "MAILTO={user}");
    if at.is_application {
        text.push_str(
            "# No flock is needed: while another run of this application is in progress, a run\n\
             # waits or exits, as [run] in the app file says.\n",
        );
    }
    let moment = moment(file.schedule.every);
    let user = match style {
        CronStyle::System => format!("{user} "),
        CronStyle::User => String::new(),
    };
    let words: Vec<_> = at.command()?.into_iter().map(quoted).collect();
    // cron would end the command at a percent sign.
    let command = words.join(" ").replace('%', "\\%");
    let _ = writeln!(text, "{moment} {user}{command}");
    Ok(text)
}

/// The five time fields, in the syntax of cron and Kubernetes.
pub(super) fn moment(every: Every) -> String {
    match every {
        Every::Hour { minute } => format!("{minute} * * * *"),
        Every::Day { at } => format!("{} {} * * *", at.minute(), at.hour()),
    }
}

/// A word quoted for the shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./@:=+,%".contains(c);
    if word.chars().all(is_plain) && !word.is_empty() {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
