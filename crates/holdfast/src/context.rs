//! What every command gets in addition to its own arguments.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use holdfast_app::connections::BucketAccess;
use holdfast_app::hooks::HookReport;
use holdfast_app::notify::HttpOptions;
use holdfast_connect::bucket::OnWait;
use holdfast_connect::words::without_byte_order_mark;
use holdfast_repo::IndexFrom;
use holdfast_repo::index::Notice;
use tempfile::TempDir;

use crate::cli::GlobalArgs;
use crate::environment::{self, Environment};
use crate::exit::{CommandError, CommandResult};
use crate::interrupt::Interrupt;
use crate::location::Location;
use crate::opening::scratch_folder;
use crate::output::progress::{Activity, Progress};
use crate::output::{Output, text};
use crate::secret::{self, Passphrase, Purpose, SecretSource};

/// The environment of a command.
pub struct Context {
    /// Flags common to all commands.
    pub global: GlobalArgs,
    /// Variables, terminal, user.
    pub environment: Environment,
    /// Where results and messages go.
    pub output: Arc<Output>,
    /// True once the command should stop.
    pub interrupted: Arc<AtomicBool>,
    interrupt: Interrupt,
    shortfall: OnceLock<CommandError>,
    /// Number of unusable records in the repositories that were opened.
    lost_records: AtomicU64,
    /// True if the result depends on all snapshots, rather than on given ones.
    goes_by_all: AtomicBool,
    /// True once it was reported that the cache cannot be used.
    is_cache_missed: Arc<AtomicBool>,
    /// The folder for indexes of repositories that are opened without a cache.
    scratch: Mutex<Vec<TempDir>>,
    /// True if standard input is the input of the command.
    is_stdin_taken: AtomicBool,
}

impl Context {
    /// Puts the parts together.
    pub fn new(
        global: GlobalArgs,
        environment: Environment,
        output: Arc<Output>,
        interrupt: Interrupt,
    ) -> Context {
        let (interrupted, is_cache_missed) = (interrupt.flag(), Arc::default());
        let (lost_records, goes_by_all) = (AtomicU64::new(0), AtomicBool::new(false));
        let (shortfall, scratch) = (OnceLock::new(), Mutex::default());
        Context {
            global,
            environment,
            output,
            interrupted,
            interrupt,
            shortfall,
            lost_records,
            goes_by_all,
            is_cache_missed,
            scratch,
            is_stdin_taken: AtomicBool::new(false),
        }
    }

    /// Notes that standard input holds the input of the command rather than a passphrase.
    pub fn take_stdin(&self) {
        self.is_stdin_taken.store(true, Ordering::Relaxed);
    }

    /// Notes that the result depends on all snapshots: if records are lost, it may differ from what
    /// it would be with them.
    pub fn go_by_all(&self) {
        self.goes_by_all.store(true, Ordering::Relaxed);
    }

    /// Adds to the number of unusable records.
    pub fn miss_records(&self, count: u64) {
        self.lost_records.fetch_add(count, Ordering::Relaxed);
    }

    /// Makes a command that would otherwise succeed end with this error after its work, because its
    /// result is incomplete. The first such error counts.
    pub fn ends_with(&self, error: CommandError) {
        let _kept = self.shortfall.set(error);
    }

    /// The result of a command that succeeded.
    ///
    /// # Errors
    /// See [`Context::ends_with`]; also if the result depends on all snapshots and some may be
    /// lost.
    pub fn end(&self) -> CommandResult {
        if let Some(error) = self.shortfall.get() {
            return Err(error.clone());
        }
        match self.lost_records.load(Ordering::Relaxed) {
            lost if lost > 0 && self.goes_by_all.load(Ordering::Relaxed) => {
                Err(CommandError::lost_records(lost))
            }
            _ => Ok(()),
        }
    }

    /// The location of the repository: `--repo` or `--repository-file`, else their variables.
    ///
    /// # Errors
    /// A usage error if the location is missing or invalid.
    pub fn location(&self) -> CommandResult<Location> {
        let (repo, file) = (&self.global.repo, &self.global.repository_file);
        match (repo, file) {
            (Some(text), _) => Location::parse(text),
            (None, Some(file)) => Location::parse(&content_of(file.clone())?),
            (None, None) => self.location_of_variables(),
        }
    }

    fn location_of_variables(&self) -> CommandResult<Location> {
        let repo = self.environment.variable("HOLDFAST_REPOSITORY");
        let file = self.environment.variable("HOLDFAST_REPOSITORY_FILE");
        match (repo, file) {
            (Some(_), Some(_)) => Err(CommandError::usage(
                "HOLDFAST_REPOSITORY and HOLDFAST_REPOSITORY_FILE are both set; unset one of them",
            )),
            (Some(text), None) => Location::parse(&text),
            (None, Some(file)) => Location::parse(&content_of(file.into())?),
            (None, None) => {
                let is_for_restic = self.environment.variable("RESTIC_REPOSITORY").is_some();
                let variable = match is_for_restic {
                    true => "set HOLDFAST_REPOSITORY; RESTIC_REPOSITORY is not read",
                    false => "set HOLDFAST_REPOSITORY",
                };
                Err(CommandError::usage("no repository given")
                    .hint("-r PATH, as in holdfast -r /mnt/backup snapshots")
                    .hint(variable))
            }
        }
    }

    /// The passphrase of a repository that exists.
    ///
    /// # Errors
    /// See [`secret::obtain`].
    pub fn passphrase(&self) -> CommandResult<Passphrase> {
        self.obtain(secret::OPEN)
    }

    /// The passphrase for a new repository.
    ///
    /// # Errors
    /// See [`secret::obtain`].
    pub fn first_passphrase(&self) -> CommandResult<Passphrase> {
        self.obtain(secret::CREATE)
    }

    /// An additional passphrase, from the sources given by the command's own flags.
    ///
    /// # Errors
    /// See [`secret::obtain`].
    pub fn new_passphrase(&self, source: Option<&SecretSource>) -> CommandResult<Passphrase> {
        self.obtain_from(source, secret::ADD)
    }

    fn obtain(&self, purpose: Purpose) -> CommandResult<Passphrase> {
        let (file, command) = (&self.global.password_file, &self.global.password_command);
        let source = SecretSource::choose(file.as_deref(), command.as_deref(), &self.environment)?;
        self.obtain_from(source.as_ref(), purpose)
    }

    fn obtain_from(
        &self,
        source: Option<&SecretSource>,
        purpose: Purpose,
    ) -> CommandResult<Passphrase> {
        let is_free = !self.is_stdin_taken.load(Ordering::Relaxed);
        if source.is_none() && is_free && self.environment.is_stdin_piped() {
            self.output.warn("reading the passphrase from standard input");
            if let Some(passphrase) = self.interrupt.during_prompt(secret::from_stdin)? {
                return Ok(passphrase);
            }
        }
        secret::obtain(source, purpose, &self.environment, &self.interrupt)
    }

    /// True once the user interrupted the command.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Prints the result of a hook if it failed, or with `--verbose`.
    pub fn tell_hook(&self, report: &HookReport) {
        if report.is_failure() {
            self.output.caution(&report.to_string());
        }
        if report.is_failure() || self.output.style().verbosity >= 1 {
            let output = String::from_utf8_lossy(&report.output);
            output.lines().for_each(|line| self.output.warn(&format!("  {line}")));
        }
    }

    /// Asks a yes-or-no question at the terminal; false if there is none.
    ///
    /// # Errors
    /// The answer cannot be read.
    pub fn agrees(&self, question: &str) -> CommandResult<bool> {
        if !self.environment.can_answer() {
            return Ok(false);
        }
        let answer = self.ask(&format!("{question} [y/N]"))?;
        Ok(matches!(answer.as_str(), "y" | "Y" | "yes" | "Yes"))
    }

    /// Asks for a word at the terminal; whether it was typed, or `None` if there is no terminal.
    ///
    /// # Errors
    /// The answer cannot be read.
    pub fn confirms(&self, question: &str, word: &str) -> CommandResult<Option<bool>> {
        if self.global.json || !self.environment.can_answer() {
            return Ok(None);
        }
        self.output.flush()?;
        Ok(Some(self.ask(question)? == word))
    }

    fn ask(&self, question: &str) -> CommandResult<String> {
        self.output.warn(question);
        let mut answer = String::new();
        self.interrupt
            .during_prompt(|| std::io::stdin().read_line(&mut answer))
            .map_err(|error| CommandError::failed(format!("cannot read the answer: {error}")))?;
        Ok(answer.trim().to_owned())
    }

    /// The folder of the caches; `None` with `--no-cache` or without a home folder.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        match (self.global.no_cache, &self.global.cache_dir) {
            (true, _) => None,
            (false, Some(folder)) => Some(folder.clone()),
            (false, None) => self.environment.cache_folder(),
        }
    }

    /// Where the index of a repository comes from.
    pub fn index_from(&self) -> IndexFrom {
        match self.cache_folder() {
            Some(_) => IndexFrom::Cache,
            None => self.index_of_objects(),
        }
    }

    /// An index built from the objects, in a file that is deleted when the command ends, to bound
    /// memory; in memory only if no file can be created.
    pub fn index_of_objects(&self) -> IndexFrom {
        let Ok(folder) = scratch_folder() else { return IndexFrom::Objects(None) };
        let path = folder.path().join("index/scratch");
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(folder);
        IndexFrom::Objects(Some(path))
    }

    /// Warns that the cache cannot be used, once per command.
    pub fn cache_notice(&self) -> Notice {
        let (output, is_told) = (Arc::clone(&self.output), Arc::clone(&self.is_cache_missed));
        Notice::new(move |trouble| {
            if !is_told.swap(true, Ordering::SeqCst) {
                output.caution(&format!("{trouble}; continuing without it, which takes longer"));
            }
        })
    }

    /// Warns that `TZ` names no time zone, so that times are in UTC.
    pub fn tell_unknown_time_zone(&self) {
        if let Some(name) = self.environment.unknown_time_zone() {
            self.output.caution(&format!(
                "TZ is {name}, which is not a known time zone; times are in UTC"
            ));
        }
    }

    /// Starts to show progress; see [`Progress::start`].
    ///
    /// # Errors
    /// A usage error if `HOLDFAST_PROGRESS_FPS` is invalid.
    pub fn progress(&self, activity: Activity, share: Option<f64>) -> CommandResult<Progress> {
        Ok(Progress::start(&self.output, self.environment.surroundings()?, activity, share))
    }

    /// `HOLDFAST_CHECKPOINT_SECONDS`: how often a backup commits a checkpoint, for tests.
    ///
    /// # Errors
    /// A usage error if it is not a duration.
    pub fn checkpoint_interval(&self) -> CommandResult<Option<Duration>> {
        const NAME: &str = "HOLDFAST_CHECKPOINT_SECONDS";
        let Some(text) = self.environment.text(NAME)? else { return Ok(None) };
        let seconds = text.parse().ok();
        match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
            Some(interval) => Ok(Some(interval)),
            None => Err(CommandError::usage(format!(
                "{NAME} is {text}; expected a number of seconds, as in 0.5 or 600"
            ))),
        }
    }

    /// What connections to buckets get from the environment.
    pub fn bucket_access(&self, patience_max: Option<Duration>) -> BucketAccess {
        let output = Arc::clone(&self.output);
        let on_wait = move |why: &str, most: Duration| {
            let minutes = most.as_secs().div_ceil(60);
            let minutes = text::count(minutes, "minute", "minutes");
            output.warn(&format!("{why}; retrying for up to {minutes}"));
        };
        BucketAccess {
            variables: environment::variables_of_clouds(),
            profiles: self.environment.amazon_profiles(),
            certificates: Vec::new(),
            proxies: self.environment.proxies(),
            patience_max,
            on_wait: Some(OnWait(Arc::new(on_wait))),
            clock: environment::now,
            stop: Arc::clone(&self.interrupted),
        }
    }

    /// Options for sending notices.
    pub fn http_options(&self) -> HttpOptions {
        HttpOptions { proxies: self.environment.proxies(), ..HttpOptions::default() }
    }

    /// The name of this machine, unless `--host` gives another.
    pub fn host_name(&self, flag: Option<&str>) -> String {
        flag.filter(|host| !host.is_empty()).map_or_else(environment::host_name, str::to_owned)
    }
}

/// The content of a repository file, trimmed of white space.
fn content_of(file: PathBuf) -> CommandResult<OsString> {
    let bytes = std::fs::read(&file)
        .map_err(|error| CommandError::path("read the repository file", &file, &error))?;
    Ok(OsString::from_vec(without_byte_order_mark(&bytes).trim_ascii().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::ExitKind;
    use crate::output::Style;

    fn context(global: GlobalArgs, variables: &[(&str, &str)]) -> Context {
        let (output, ..) = crate::output::tests::captured(Style::default());
        let environment = Environment::with(variables);
        Context::new(global, environment, Arc::new(output), Interrupt::default())
    }

    fn local(path: &str) -> CommandResult<Location> {
        Ok(Location::Local(path.into()))
    }

    #[test]
    fn a_flag_wins_over_variables() {
        let global = GlobalArgs { repo: Some("/flag".into()), ..GlobalArgs::default() };
        let variable = [("HOLDFAST_REPOSITORY", "/variable")];
        assert_eq!(context(global, &variable).location(), local("/flag"));
        assert_eq!(context(GlobalArgs::default(), &variable).location(), local("/variable"));
    }

    #[test]
    fn a_repository_file_is_read_without_its_line_break() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "local:/from file\n").unwrap();
        let path = file.path().to_str().unwrap();
        let variables = [("HOLDFAST_REPOSITORY_FILE", path)];
        assert_eq!(context(GlobalArgs::default(), &variables).location(), local("/from file"));
    }

    #[test]
    fn no_repository_is_a_usage_error_with_next_steps() {
        let error = context(GlobalArgs::default(), &[]).location().unwrap_err();
        assert_eq!((error.exit, error.hints.len()), (ExitKind::Usage, 2));
    }

    #[test]
    fn checkpoint_intervals() {
        let interval = |text| {
            let variables = [("HOLDFAST_CHECKPOINT_SECONDS", text)];
            context(GlobalArgs::default(), &variables).checkpoint_interval()
        };
        assert_eq!(interval(""), Ok(None));
        assert_eq!(interval("0.5"), Ok(Some(Duration::from_millis(500))));
        for bad in ["-1", "NaN", "inf", "1e99", "soon"] {
            let error = interval(bad).unwrap_err();
            assert_eq!((error.exit, error.message.contains(bad)), (ExitKind::Usage, true));
        }
    }

    #[test]
    fn no_cache_means_no_folder() {
        let variables = [("HOME", "/home/a")];
        let off = GlobalArgs { no_cache: true, ..GlobalArgs::default() };
        let without = context(off, &variables);
        assert_eq!(without.cache_folder(), None);
        // Each open repository has its own index, in files that are removed at the end.
        let from = || match without.index_from() {
            IndexFrom::Objects(Some(path)) => path,
            other => panic!("{other:?}"),
        };
        let (one, other) = (from(), from());
        assert_ne!(one, other);
        let above = one.ancestors().nth(2).unwrap();
        assert!(above.is_dir());
        drop(without);
        assert!(!above.exists());
        let given = GlobalArgs { cache_dir: Some("/c".into()), ..GlobalArgs::default() };
        assert_eq!(context(given, &variables).cache_folder(), Some("/c".into()));
    }
}
