//! Access to environment variables, clock, terminal, host and user. Nothing else in the program
//! accesses these.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use holdfast_connect::web::{Proxies, ProxyVariables};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::fs::FileType;
use rustix::process::{DumpableBehavior, Resource, Rlimit};

use zeroize::Zeroizing;

use crate::exit::{CommandError, CommandResult};
use crate::output::progress::Surroundings;

type Lookup = Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Reads the environment. An empty variable counts as unset.
pub struct Environment {
    lookup: Lookup,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Environment {
        #[allow(clippy::disallowed_methods, reason = "this is the one place that may")]
        Environment { lookup: Box::new(|name| std::env::var_os(name)) }
    }

    /// An environment with just these variables.
    #[cfg(test)]
    pub fn with(variables: &[(&str, &str)]) -> Environment {
        let owned: Vec<(String, OsString)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let find = move |name: &str| {
            owned.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        Environment { lookup: Box::new(find) }
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<OsString> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// The value of a variable that must be UTF-8.
    ///
    /// # Errors
    /// A usage error if it is not.
    pub fn text(&self, name: &str) -> CommandResult<Option<String>> {
        let invalid = |_| CommandError::usage(format!("the value of {name} is not valid UTF-8"));
        self.variable(name).map(|value| value.into_string().map_err(invalid)).transpose()
    }

    /// `HOLDFAST_PROGRESS_FPS`: updates per second, above 0 and up to 60.
    ///
    /// # Errors
    /// A usage error if it is anything else.
    pub fn progress_rate(&self) -> CommandResult<Option<f64>> {
        let Some(text) = self.text("HOLDFAST_PROGRESS_FPS")? else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(rate) if rate > 0.0 && rate <= 60.0 => Ok(Some(rate)),
            _ => Err(CommandError::usage(format!(
                "HOLDFAST_PROGRESS_FPS is {text}; expected a number above 0 and up to 60, as in 0.5"
            ))),
        }
    }

    /// Whether progress may be shown.
    ///
    /// # Errors
    /// As [`Environment::progress_rate`].
    pub fn surroundings(&self) -> CommandResult<Surroundings> {
        let updates_per_second = self.progress_rate()?;
        Ok(Surroundings { stderr_is_terminal: io::stderr().is_terminal(), updates_per_second })
    }

    /// The password file of libpq: `PGPASSFILE`, else `.pgpass` in the home folder.
    pub fn postgres_password_file(&self) -> Option<PathBuf> {
        if let Some(named) = self.variable("PGPASSFILE") {
            return Some(named.into());
        }
        // System services have no HOME.
        let listed = || {
            let users = std::fs::read_to_string("/etc/passwd").ok()?;
            home_of_user(&users, user_id()).map(OsString::from)
        };
        Some(PathBuf::from(self.variable("HOME").or_else(listed)?).join(".pgpass"))
    }

    /// The folder for caches: `HOLDFAST_CACHE_DIR`, else the user's usual folder. `None` if the
    /// environment gives neither a cache folder nor a home folder.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let below = |name: &str, path: &str| {
            let folder = self.variable(name).map(PathBuf::from)?;
            folder.is_absolute().then(|| folder.join(path))
        };
        self.variable("HOLDFAST_CACHE_DIR")
            .map(PathBuf::from)
            .or_else(|| below("XDG_CACHE_HOME", "holdfast"))
            .or_else(|| below("HOME", ".cache/holdfast"))
    }

    /// The folder for locks: `HOLDFAST_STATE_DIR`, else the one that systemd provides to a service,
    /// else `/var/lib/holdfast` for root and the usual folder for other users. `None` if the
    /// environment gives neither a folder nor a home folder.
    pub fn state_folder(&self) -> Option<PathBuf> {
        let absolute = |name: &str| {
            self.variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute())
        };
        let of_root = (user_id() == 0).then(|| PathBuf::from("/var/lib/holdfast"));
        self.variable("HOLDFAST_STATE_DIR")
            .map(PathBuf::from)
            .or_else(|| absolute("STATE_DIRECTORY"))
            .or(of_root)
            .or_else(|| Some(absolute("XDG_STATE_HOME")?.join("holdfast")))
            .or_else(|| Some(absolute("HOME")?.join(".local/state/holdfast")))
    }

    /// The file of Amazon's profiles: `AWS_SHARED_CREDENTIALS_FILE`, else the usual path.
    pub fn amazon_profiles(&self) -> PathBuf {
        let named = self.variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
        let home = || Some(PathBuf::from(self.variable("HOME")?).join(".aws/credentials"));
        named.or_else(home).unwrap_or_default()
    }

    /// The proxy variables, in upper or lower case.
    pub fn proxies(&self) -> Proxies {
        let either = |name: &str| {
            let value = self.variable(name).or_else(|| self.variable(&name.to_ascii_lowercase()));
            value.map_or_else(String::new, |value| value.to_string_lossy().into_owned())
        };
        Proxies::new(&ProxyVariables {
            http: either("HTTP_PROXY"),
            https: either("HTTPS_PROXY"),
            all: either("ALL_PROXY"),
            no: either("NO_PROXY"),
        })
    }

    /// The value of `TZ` if it is invalid: neither the name of a zone or its file, nor a rule.
    pub fn unknown_time_zone(&self) -> Option<String> {
        let name = self.variable("TZ")?;
        TimeZone::try_system().is_err().then(|| name.to_string_lossy().into_owned())
    }

    /// True if a shell would run this as a command: a plain name in a folder of `PATH`.
    pub fn has_program(&self, name: &Path) -> bool {
        let is_plain = name.components().count() == 1;
        let folders = self.variable("PATH").filter(|_| is_plain).unwrap_or_default();
        std::env::split_paths(&folders).any(|folder| folder.join(name).is_file())
    }

    /// The name of the user: from the user database, else `USER` or `LOGNAME`, else the number.
    pub fn user_name(&self) -> String {
        let id = user_id();
        let listed = std::fs::read_to_string("/etc/passwd").ok();
        listed
            .and_then(|users| name_of_user(&users, id))
            .or_else(|| self.text("USER").ok().flatten())
            .or_else(|| self.text("LOGNAME").ok().flatten())
            .unwrap_or_else(|| id.to_string())
    }

    /// True if standard input and error are a terminal, so that questions can be answered.
    pub fn can_answer(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// True if standard input comes from another program or a file.
    pub fn is_stdin_piped(&self) -> bool {
        let status = rustix::fs::fstat(io::stdin());
        status.is_ok_and(|status| {
            matches!(
                FileType::from_raw_mode(status.st_mode),
                FileType::Fifo | FileType::Socket | FileType::RegularFile
            )
        })
    }

    /// True if there is a terminal to ask on.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() || io::stderr().is_terminal()
    }
}

/// The arguments of the process, starting with its name.
pub fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// Prefixes of these variables.
const CLOUDS: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];

/// All variables from which the tools of Amazon, Google and Microsoft take credentials, except
/// those that are not UTF-8.
#[allow(clippy::disallowed_methods, reason = "this is the one place that may")]
pub fn variables_of_clouds() -> Vec<(String, Zeroizing<String>)> {
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let is_known = |name: &String| CLOUDS.iter().any(|prefix| name.starts_with(prefix));
        let name = name.into_string().ok().filter(is_known)?;
        Some((name, Zeroizing::new(value.into_string().ok()?)))
    });
    variables.collect()
}

/// The executable of this program.
///
/// # Errors
/// The system does not provide it.
pub fn program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// The name of this machine.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The user's number.
pub fn user_id() -> u32 {
    rustix::process::getuid().as_raw()
}

/// The group's number.
pub fn group_id() -> u32 {
    rustix::process::getgid().as_raw()
}

/// The present moment.
#[allow(clippy::disallowed_methods, reason = "this is the one place that may")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The time zone for displaying times and for parsing times without a zone.
pub fn time_zone() -> TimeZone {
    TimeZone::system()
}

/// A path as it is recorded in a snapshot: absolute, without `.` and without following links.
///
/// # Errors
/// The working directory no longer exists.
pub fn absolute(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}

/// Keeps keys out of core files, of dumps by crash handlers, and away from debuggers of the same
/// user. Refusals by the system are ignored.
pub fn keep_memory_private() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _refused = rustix::process::setrlimit(Resource::Core, none);
    let _refused = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// A command whose flags ignore empty variables, which an empty line in a compose file or unit
/// sets.
pub fn ignore_empty_variables(command: clap::Command, environment: &Environment) -> clap::Command {
    let set_to_nothing = |name: &OsStr| {
        let value = name.to_str().and_then(|name| (environment.lookup)(name));
        value.is_some_and(|value| value.is_empty())
    };
    command
        .mut_args(|argument| match argument.get_env().is_some_and(set_to_nothing) {
            true => argument.env(None::<&'static str>),
            false => argument,
        })
        .mut_subcommands(|subcommand| ignore_empty_variables(subcommand, environment))
}

fn name_of_user(users: &str, id: u32) -> Option<String> {
    let id = id.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id && !name.is_empty()).then(|| name.to_owned())
    })
}

fn home_of_user(users: &str, id: u32) -> Option<String> {
    let id = id.to_string();
    let mut users = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let fields = users.find(|fields| fields.get(2) == Some(&id.as_str()))?;
    fields.get(5).filter(|home| !home.is_empty()).map(|home| (*home).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_where_libpq_looks_for_them() {
        let file = |variables: &[(&str, &str)]| {
            let file = Environment::with(variables).postgres_password_file();
            file.map(|it| it.display().to_string()).unwrap_or_default()
        };
        assert_eq!(file(&[("PGPASSFILE", "/a/pass"), ("HOME", "/home/a")]), "/a/pass");
        assert_eq!(file(&[("HOME", "/home/a")]), "/home/a/.pgpass");
        let users = "root:x:0:0:root:/root:/bin/sh\nb:x:7:7::/home/b:/bin/sh\n";
        assert_eq!(home_of_user(users, 7).as_deref(), Some("/home/b"));
        assert_eq!(home_of_user(users, 8), None);
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let environment = Environment::with(&[("A", ""), ("B", "x")]);
        assert_eq!(environment.variable("A"), None);
        assert_eq!(environment.variable("B"), Some("x".into()));
        assert_eq!(environment.variable("C"), None);
    }

    #[test]
    fn cache_folders() {
        let folder = |variables: &[(&str, &str)]| Environment::with(variables).cache_folder();
        let home = ("HOME", "/home/a");
        assert_eq!(folder(&[]), None);
        assert_eq!(folder(&[home]), Some("/home/a/.cache/holdfast".into()));
        let xdg = ("XDG_CACHE_HOME", "/c");
        assert_eq!(folder(&[home, xdg]), Some("/c/holdfast".into()));
        assert_eq!(folder(&[home, ("XDG_CACHE_HOME", "c")]), folder(&[home]));
        assert_eq!(folder(&[home, xdg, ("HOLDFAST_CACHE_DIR", "d")]), Some("d".into()));
    }

    #[test]
    fn progress_rates() {
        let rate = |text| Environment::with(&[("HOLDFAST_PROGRESS_FPS", text)]).progress_rate();
        assert_eq!(rate(""), Ok(None));
        assert_eq!(rate("0.0166"), Ok(Some(0.0166)));
        for bad in ["0", "-1", "61", "NaN", "fast"] {
            let error = rate(bad).unwrap_err();
            assert!(error.message.contains("above 0 and up to 60"), "{}", error.message);
        }
    }

    #[test]
    fn users_are_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:1000:1000::/home/ann:/bin/sh\n";
        assert_eq!(name_of_user(users, 0), Some("root".to_owned()));
        assert_eq!(name_of_user(users, 1000), Some("ann".to_owned()));
        assert_eq!(name_of_user(users, 7), None);
    }
}
