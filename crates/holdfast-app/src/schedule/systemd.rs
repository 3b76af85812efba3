//! A systemd service and timer.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use super::privileges::bounds;
use super::{Installation, ScheduleError, absolute, user};
use crate::config::{AppFile, Every};
use crate::settings::RepositoryUrl;

/// Restrictions on a run, apart from reading. Hooks and commands of the file are subject to them
/// too, so none may break common commands: `docker compose`, `psql`, `systemctl`.
const HARDENING: &str = "\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
LockPersonality=yes
SystemCallArchitectures=native
UMask=0077
";

/// Folders for temporary files.
const TMP: [&str; 2] = ["/tmp", "/var/tmp"];

/// A unit and its file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// As in `holdfast-documenso.timer`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The units of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// The service that runs the backup.
    pub service: Unit,
    /// The timer that starts it.
    pub timer: Unit,
}

impl Units {
    /// Both, the service first.
    pub fn all(&self) -> [&Unit; 2] {
        [&self.service, &self.timer]
    }

    /// The commands that activate them, once they are in systemd's folder.
    pub fn next_steps(&self) -> [String; 2] {
        let enable = format!("systemctl enable --now {}", self.timer.name);
        ["systemctl daemon-reload".to_owned(), enable]
    }
}

/// The units for the app file.
///
/// # Errors
/// [`ScheduleError`] for paths that a unit cannot contain.
pub fn units(file: &AppFile, at: &Installation) -> Result<Units, ScheduleError> {
    let name = |kind: &str| format!("holdfast-{}.{kind}", file.app.name);
    Ok(Units {
        service: Unit { name: name("service"), text: service(file, at)? },
        timer: Unit { name: name("timer"), text: timer(file, at)? },
    })
}

fn service(file: &AppFile, at: &Installation) -> Result<String, ScheduleError> {
    let app = &file.app.name;
    let repositories = local_repositories(file)?;
    let mut text = heading(at);
    let _ = write!(
        text,
        "[Unit]\n\
         Description=Backup of {app}\n\
         Wants=network-online.target\n\
         After=network-online.target postgresql.service docker.service\n"
    );
    line_of_words(&mut text, "RequiresMountsFor", &repositories);
    let words: Vec<_> = at.command()?.into_iter().map(exec_word).collect();
    let _ = write!(
        text,
        "\n[Service]\n\
         Type=oneshot\n\
         ExecStart={}\n\
         # Let the run finish cleanly, and start the application again if a hook stopped it.\n\
         KillMode=mixed\n\
         TimeoutStopSec=15min\n\
         Nice=10\n\
         IOSchedulingClass=best-effort\n\
         IOSchedulingPriority=7\n",
        words.join(" ")
    );
    folders(&mut text, file)?;
    if at.is_application {
        credentials(&mut text, file)?;
    }
    account(&mut text, file)?;
    let shares_tmp = names_tmp(file, at);
    text.push_str("\n# Read the machine, write the repositories\n");
    text.push_str(HARDENING);
    if !shares_tmp {
        text.push_str("PrivateTmp=yes\n");
    }
    line_of_words(&mut text, "ReadWritePaths", &writable(file, repositories, shares_tmp)?);
    Ok(text)
}

fn timer(file: &AppFile, at: &Installation) -> Result<String, ScheduleError> {
    let zone = file.app.time_zone.as_ref().and_then(|zone| zone.iana_name());
    let zone = zone.map(|zone| format!(" {zone}")).unwrap_or_default();
    let (how_often, moment) = match file.schedule.every {
        Every::Hour { minute } => ("Hourly", format!("*-*-* *:{minute:02}:00")),
        Every::Day { at } => ("Daily", format!("*-*-* {:02}:{:02}:00", at.hour(), at.minute())),
    };
    let mut text = heading(at);
    let _ = write!(
        text,
        "[Unit]\n\
         Description={how_often} backup of {}\n\
         \n\
         [Timer]\n\
         OnCalendar={moment}{zone}\n\
         # Catch up on a run missed while the machine was off.\n\
         Persistent=true\n\
         {}\
         AccuracySec=1s\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        file.app.name,
        spread(file.schedule.spread),
    );
    Ok(text)
}

fn heading(at: &Installation) -> String {
    format!("# Made by {}\n\n", at.made_by)
}

fn spread(spread: Duration) -> String {
    format!("RandomizedDelaySec={}s\nFixedRandomDelay=true\n", spread.as_secs())
}

/// The files that hold secrets, provided by systemd: the user of the run need not be able to read
/// them.
fn credentials(text: &mut String, file: &AppFile) -> Result<(), ScheduleError> {
    let secrets = file.secret_files();
    if !secrets.is_empty() {
        text.push_str("\n# Secrets are provided by systemd, for a run as any user\n");
    }
    for secret in secrets {
        let path = absolute(&secret.path)?.replace('%', "%%");
        let _ = writeln!(text, "LoadCredential={}:{path}", secret.name);
    }
    Ok(())
}

/// Folders of the service itself. systemd makes its user their owner, so two users must not share
/// them; root's are the same as for a manual run, which the lock depends on.
fn folders(text: &mut String, file: &AppFile) -> Result<(), ScheduleError> {
    let name = match user(file)? {
        "root" => "holdfast".to_owned(),
        user => format!("holdfast-{user}"),
    };
    text.push_str("\n# Folders for the cache and the lock\n");
    let _ = write!(
        text,
        "CacheDirectory={name}\n\
         CacheDirectoryMode=0700\n\
         StateDirectory={name}\n\
         StateDirectoryMode=0700\n\
         Environment=HOLDFAST_CACHE_DIR=%C/{name} HOLDFAST_STATE_DIR=%S/{name}\n"
    );
    Ok(())
}

/// Root or not, a run may read all files but has no other privilege. Naming root sets HOME, where
/// password commands keep their settings.
fn account(text: &mut String, file: &AppFile) -> Result<(), ScheduleError> {
    let user = user(file)?;
    text.push_str("\n# Read every file regardless of owner, but write only its own\n");
    let _ = writeln!(text, "User={user}");
    if user != "root" {
        text.push_str("AmbientCapabilities=CAP_DAC_READ_SEARCH\n");
    }
    text.push_str(&bounds(file)?);
    Ok(())
}

/// True if the run must see the shared folders for temporary files.
fn names_tmp(file: &AppFile, at: &Installation) -> bool {
    let repositories = [Some(&file.repository), file.keys_repository.as_ref()];
    let repositories = repositories.into_iter().flatten().filter_map(|it| match &it.url {
        RepositoryUrl::Local(path) => Some(path),
        RepositoryUrl::Elsewhere { .. } => None,
    });
    let textfile = file.notify.prometheus.iter().map(|it| &it.textfile);
    let paths = repositories.chain(textfile).chain(&file.schedule.writable);
    let paths: Vec<_> = paths.chain(&at.paths).chain([&at.program]).collect();
    TMP.iter().map(Path::new).any(|folder| {
        let mut sources = file.sources.iter();
        sources.any(|source| source.kind.needs_folder(folder))
            || paths.iter().any(|path| path.starts_with(folder))
    })
}

fn local_repositories(file: &AppFile) -> Result<Vec<String>, ScheduleError> {
    let repositories = [Some(&file.repository), file.keys_repository.as_ref()];
    let mut paths = Vec::new();
    for repository in repositories.into_iter().flatten() {
        if let RepositoryUrl::Local(path) = &repository.url {
            paths.push(absolute(path)?.to_owned());
        }
    }
    Ok(paths)
}

/// Folders that a run writes to. A missing one is left to the run to report.
fn writable(
    file: &AppFile,
    repositories: Vec<String>,
    shares_tmp: bool,
) -> Result<Vec<String>, ScheduleError> {
    let mut paths = repositories;
    if let Some(folder) = file.notify.prometheus.as_ref().and_then(|it| it.textfile.parent()) {
        paths.push(absolute(folder)?.to_owned());
    }
    for path in &file.schedule.writable {
        paths.push(absolute(path)?.to_owned());
    }
    if shares_tmp {
        paths.extend(TMP.map(str::to_owned));
    }
    Ok(paths.into_iter().map(|path| format!("-{path}")).collect())
}

fn line_of_words(text: &mut String, key: &str, words: &[String]) {
    if !words.is_empty() {
        let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
        let _ = writeln!(text, "{key}={}", words.join(" "));
    }
}

/// A word of a list, quoted for systemd.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./@:=+,".contains(c);
    if word.chars().all(is_plain) && !word.is_empty() {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%"))
}

/// A word of a command, in which dollar signs are escaped too.
fn exec_word(word: &str) -> String {
    quoted(word).replace('$', "$$")
}
