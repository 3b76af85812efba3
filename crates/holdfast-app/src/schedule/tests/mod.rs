//! Schedules, checked by the programs that read them or by the rules of their formats.

mod cron_jobs;
mod crontabs;
mod units;
mod yaml_texts;

use std::path::Path;

use super::*;
use crate::config::{AppFile, parse};

/// A file with everything that a schedule uses.
const FULL: &str = r#"
[app]
name = "documenso"
host = "documenso.example.com"
time-zone = "Europe/Berlin"
[repository]
url = "/srv/backup/documenso"
password-file = "documenso.key"
[repository.keys]
url = "/mnt/key vault/50%/$keys"
password-file = "/etc/holdfast/keys of 100%.key"
[[source]]
name = "database"
type = "postgres"
url = "postgres://documenso@db/documenso"
password-file = "/etc/holdfast/db.password"
[[source]]
name = "uploads"
type = "files"
paths = ["/opt/documenso/uploads"]
[notify]
healthchecks = { url-file = "/etc/holdfast/ping" }
prometheus = { textfile = "/var/lib/node-exporter/documenso.prom" }
[schedule]
every = "day"
at = "02:30"
spread = "10min"
user = "backup"
writable = ["/var/lib/documenso"]
"#;

const SMALL: &str = r#"
[app]
name = "app"
[repository]
url = "s3:https://h/x"
password-command = ["pass", "show", "x"]
[[source]]
name = "database"
type = "postgres"
url = "postgres://documenso@db/documenso"
"#;

fn file(text: &str) -> AppFile {
    let same = |path: &Path| path.to_owned();
    match parse(text, Path::new("app.toml"), Path::new("/etc/holdfast"), &same) {
        Ok(loaded) => loaded.file,
        Err(error) => panic!("{error}"),
    }
}

fn at(program: &str, app_file: &str) -> Installation {
    of_program(Path::new(program), &["run", "--config", app_file])
}

fn of_program(program: &Path, arguments: &[&str]) -> Installation {
    Installation {
        program: program.to_owned(),
        arguments: arguments.iter().map(|it| (*it).to_owned()).collect(),
        made_by: "a test.".to_owned(),
        paths: arguments.last().map(PathBuf::from).into_iter().collect(),
        is_application: true,
    }
}

#[test]
fn paths_that_no_schedule_can_hold_are_refused() {
    use std::os::unix::ffi::OsStrExt;
    let odd = Path::new(std::ffi::OsStr::from_bytes(b"/x\xff"));
    let file = file(SMALL);
    for (program, is_relative) in
        [(Path::new("holdfast"), true), (Path::new("/a\nb"), false), (odd, false)]
    {
        let at = of_program(program, &["run"]);
        for error in [
            super::units(&file, &at).unwrap_err(),
            crontab(&file, &at, CronStyle::User).unwrap_err(),
        ] {
            assert_eq!(matches!(error, ScheduleError::Relative { .. }), is_relative, "{error}");
        }
    }
}

#[test]
fn a_user_that_would_break_the_text_is_refused() {
    for user in ["a b", "root\\nExecStartPre=/bin/x", "-a", "a:b", "%i"] {
        let file = file(&FULL.replace("user = \"backup\"", &format!("user = \"{user}\"")));
        let at = at("/bin/true", "/x.toml");
        let told = super::units(&file, &at).unwrap_err().to_string();
        assert!(told.contains("is not a user name"), "{told}");
        assert!(crontab(&file, &at, CronStyle::System).is_err(), "{user}");
    }
}
