//! A separate folder for each test, with a repository, key and cache, and commands that use nothing
//! else.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use serde_json::Value;
use tempfile::TempDir;

use crate::binary;
use crate::cluster::installations;

/// A temporary folder and the commands that run in it.
///
/// Commands are written as one line; `@name` stands for the path of `name` in the sandbox. Every
/// command's output is checked to contain no secret of the sandbox.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
    secrets: Mutex<Vec<String>>,
    variables: Vec<(String, OsString)>,
}

/// The result of a command.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// A sandbox with a repository at `@repository`, opened by the generated key in `@key`.
    pub fn new() -> Self {
        let sandbox = Self::empty();
        sandbox.make_key("key");
        sandbox.ok("init");
        sandbox
    }

    /// A sandbox without key and repository.
    pub fn empty() -> Self {
        let folder =
            tempfile::Builder::new().prefix("holdfast-").tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("home")).expect("a home");
        Self { folder, secrets: Mutex::default(), variables: Vec::new() }
    }

    /// Sets an environment variable for all commands.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Sets a variable to a path in the sandbox.
    #[must_use]
    pub fn with_path(self, name: &str, path: &str) -> Self {
        let path = self.path(path);
        self.with(name, path)
    }

    /// A path in the sandbox.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and the folders above it.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders can be created");
        fs::write(&path, content).expect("files can be written");
        path
    }

    /// The content of a file.
    #[track_caller]
    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// True if the path exists; links are not followed.
    pub fn exists(&self, name: impl AsRef<Path>) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// The path of `@name` below `@target` after a restore of a whole snapshot.
    pub fn within(&self, target: &str, name: &str) -> PathBuf {
        let inner = self.path(name);
        self.path(target).join(inner.strip_prefix("/").expect("an absolute path"))
    }

    /// Writes a new generated key to `@name`.
    pub fn make_key(&self, name: &str) {
        let output = self.command(["key", "generate"]).output().expect("the binary runs");
        assert!(output.status.success(), "{output:?}");
        self.add_secret(name, String::from_utf8(output.stdout).expect("a key is text").trim());
    }

    /// Writes a secret to `@name`, which no output may contain from now on.
    pub fn add_secret(&self, name: &str, secret: &str) {
        self.write(name, secret);
        self.secrets.lock().expect("no test panics here").push(secret.to_owned());
    }

    /// The secrets used so far.
    pub fn secrets(&self) -> Vec<String> {
        self.secrets.lock().expect("no test panics here").clone()
    }

    /// Splits a line at white space and inserts paths.
    pub fn words(&self, line: &str) -> Vec<OsString> {
        let folder = format!("{}/", self.folder.path().display());
        line.split_whitespace().map(|word| word.replace('@', &folder).into()).collect()
    }

    /// A command that knows only the sandbox.
    pub fn command(&self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = self.program(binary::holdfast());
        command.args(words);
        command
    }

    /// Any program, in the same environment.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_clear();
        command.env("PATH", search_path());
        command.env("HOME", self.path("home")).env("TZ", "UTC").env("LC_ALL", "C.UTF-8");
        command.env("HOLDFAST_REPOSITORY", self.path("repository"));
        command.env("HOLDFAST_PASSWORD_FILE", self.path("key"));
        command.env("HOLDFAST_CACHE_DIR", self.path("cache"));
        command.env("HOLDFAST_STATE_DIR", self.path("state"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to completion.
    pub fn run_words(&self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        self.finish(self.command(words).output().expect("the binary runs"))
    }

    /// Runs a line to completion.
    pub fn run(&self, line: &str) -> Outcome {
        self.run_words(self.words(line))
    }

    /// Runs a line with the given standard input.
    pub fn run_with_input(&self, line: &str, input: &[u8]) -> Outcome {
        let mut command = self.command(self.words(line));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().expect("standard input is a pipe");
        // A command that does not read its input ends early; the outcome shows that.
        let _unread = stdin.write_all(input);
        drop(stdin);
        self.finish(child.wait_with_output().expect("the binary ends"))
    }

    /// The output of a command, checked to contain no secret.
    #[track_caller]
    pub fn finish(&self, output: Output) -> Outcome {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("all output is UTF-8");
        let code = output.status.code();
        let outcome = Outcome { code, stdout: text(output.stdout), stderr: text(output.stderr) };
        for secret in self.secrets.lock().expect("no test panics here").iter() {
            let is_told = outcome.stdout.contains(secret) || outcome.stderr.contains(secret);
            assert!(!is_told, "an output contains a secret");
        }
        assert!(!outcome.stderr.contains("panicked"), "{outcome:?}");
        outcome
    }

    /// Fills the sandbox's repository and cache from another sandbox, and adds its key.
    ///
    /// Objects are hard-linked: nothing ever changes an object.
    pub fn adopt(&self, other: &Self) {
        let key = String::from_utf8(other.read("key")).expect("a key is text");
        self.add_secret("key", &key);
        let link = |from: &Path, to: &Path| fs::hard_link(from, to);
        mirror(&other.path("repository"), &self.path("repository"), &link);
        let copy = |from: &Path, to: &Path| fs::copy(from, to).map(drop);
        mirror(&other.path("cache"), &self.path("cache"), &copy);
    }

    /// Runs a line that must succeed.
    #[track_caller]
    pub fn ok(&self, line: &str) -> Outcome {
        self.fails(0, line)
    }

    /// Runs a line that must fail with this exit code.
    #[track_caller]
    pub fn fails(&self, code: i32, line: &str) -> Outcome {
        let outcome = self.run(line);
        assert_eq!(outcome.code, Some(code), "{line}\n{}{}", outcome.stdout, outcome.stderr);
        outcome
    }

    /// Runs a backup and returns its summary.
    #[track_caller]
    pub fn backup(&self, line: &str) -> Value {
        self.ok(&format!("backup --json {line}")).message("summary")
    }

    /// The snapshots as printed by `snapshots --json`, oldest first.
    #[track_caller]
    pub fn snapshots(&self) -> Vec<Value> {
        let document = self.ok("snapshots --json").json();
        document.as_array().cloned().expect("an array of snapshots")
    }

    /// Paths, relative to `@repository`, of all objects below a folder, in order.
    pub fn objects(&self, folder: &str) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.path("repository").join(folder), &mut found);
        found.sort();
        let base = self.path("repository");
        let name = |path: PathBuf| path.strip_prefix(&base).map(|path| path.display().to_string());
        found.into_iter().map(|path| name(path).expect("below the repository")).collect()
    }

    /// Total bytes of all objects below a folder of the repository.
    pub fn object_bytes(&self, folder: &str) -> u64 {
        let size =
            |name: &String| self.path("repository").join(name).metadata().map_or(0, |m| m.len());
        self.objects(folder).iter().map(size).sum()
    }
}

impl Outcome {
    /// The one JSON document that was printed.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON messages on standard output, one per line.
    #[track_caller]
    pub fn messages(&self) -> Vec<Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The JSON messages on standard error, one per line.
    #[track_caller]
    pub fn errors(&self) -> Vec<Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stderr.lines().map(parse).collect()
    }

    /// The message of this type, which must exist.
    #[track_caller]
    pub fn message(&self, message_type: &str) -> Value {
        let mut found: Vec<Value> =
            self.messages().into_iter().filter(|it| it["message_type"] == message_type).collect();
        assert_eq!(found.len(), 1, "messages of type {message_type}: {self:?}");
        found.remove(0)
    }

    /// Fails unless standard error contains this text.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "{text:?} is not said: {}", self.stderr);
        self
    }

    /// Fails unless standard output contains this text.
    #[track_caller]
    pub fn prints(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "{text:?} is not printed: {}", self.stdout);
        self
    }

    /// Fails if standard output contains this text.
    #[track_caller]
    pub fn prints_nothing_of(&self, text: &str) -> &Self {
        assert!(!self.stdout.contains(text), "{text:?} is printed:\n{self:?}");
        self
    }
}

/// The search path for programs: the folder of the PostgreSQL version under test, unless it is the
/// system's, then the system's folders.
pub fn search_path() -> String {
    let system = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
    match std::env::var_os("HOLDFAST_TEST_POSTGRES").and_then(|_| installations().pop()) {
        Some(programs) => format!("{}:{system}", programs.display()),
        None => system.to_owned(),
    }
}

type MakeFile = dyn Fn(&Path, &Path) -> std::io::Result<()>;

fn mirror(from: &Path, to: &Path, make_file: &MakeFile) {
    fs::create_dir(to).expect("folders can be created");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => mirror(&from, &to, make_file),
            false => make_file(&from, &to).expect("files can be linked or copied"),
        }
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            true => collect(&entry.path(), found),
            false => found.push(entry.path()),
        }
    }
}
