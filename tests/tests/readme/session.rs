//! A shell that runs the commands one after the other, as a reader would type them.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use holdfast_tests::cluster::{Cluster, installations};
use holdfast_tests::picture::picture;
use holdfast_tests::sandbox::Sandbox;
use holdfast_tests::{binary, project};

use super::blocks::{Shown, missing};

/// Commands that cannot run in a test as written, and their replacements.
const STAND_INS: [(&str, &str); 4] = [
    // This command builds the binary under test, which the demo uses too.
    ("cargo build --release --locked -p holdfast", "test -x target/release/holdfast"),
    ("./dev demo", "\"$PROJECT/dev\" demo"),
    // This test is one of them.
    ("./dev test", "\"$PROJECT/dev\" help"),
    // It would change the machine; a separate test runs it with another root.
    ("holdfast schedule systemd --install", "holdfast schedule systemd"),
];

/// Runs all blocks in one shell; it stops at the first command that fails.
#[track_caller]
pub fn run(blocks: &[Vec<Shown>], app_file: &str) {
    let commands: Vec<&Shown> = blocks.iter().flatten().collect();
    let surroundings = SessionSurroundings::new();
    surroundings.describe(app_file);
    let mut script = String::from("set -eu -o pipefail\n");
    for (number, shown) in commands.iter().enumerate() {
        let stand_in = STAND_INS.iter().find(|(written, _)| *written == shown.command);
        let command = stand_in.map_or(shown.command.as_str(), |(_, command)| command);
        let is_placeholder = |word: &str| word == "PATH" || word.starts_with('<');
        let has_placeholder = command.split_whitespace().any(is_placeholder);
        assert!(!has_placeholder, "{command}: a stand-in is missing");
        script.push_str(&format!("printf '\\n%s\\n' '{}'\n{command}\n", mark(number)));
    }
    let printed = surroundings.shell(&script);
    let mut rest = printed.as_str();
    for (number, shown) in commands.iter().enumerate() {
        let begin = format!("\n{}\n", mark(number));
        let Some((_, behind)) = rest.split_once(&begin) else {
            panic!("{} failed:\n{rest}", commands[number.saturating_sub(1)].command)
        };
        let own = behind.split_once(&format!("\n{}\n", mark(number + 1)));
        let own = own.map_or(behind, |(own, _)| own);
        let lacking = missing(&shown.shown, own);
        assert_eq!(lacking, None, "{} does not print this:\n{own}", shown.command);
        rest = &behind[own.len()..];
    }
    assert!(rest.is_empty() && printed.ends_with("\nall done\n"), "it ended early:\n{printed}");
    surroundings.look();
}

/// The demo with the user's own folder.
#[track_caller]
pub fn demo_of_a_folder() {
    let surroundings = SessionSurroundings::new();
    let before = picture(&surroundings.sandbox.path("home"));
    let printed = surroundings.shell("set -eu\n\"$PROJECT/dev\" demo \"$HOME/documents\"");
    assert!(printed.contains("everything was restored byte for byte"), "{printed}");
    assert!(printed.ends_with("\nall done\n"), "{printed}");
    assert_eq!(picture(&surroundings.sandbox.path("home")).keys().count(), before.len());
}

fn mark(number: usize) -> String {
    format!("---- command {number} ----")
}

/// What a reader has: a home folder with documents, a checkout, a database named `app`.
struct SessionSurroundings {
    sandbox: Sandbox,
    cluster: Cluster,
}

impl SessionSurroundings {
    fn new() -> Self {
        let newest = installations().pop().expect("an installation of PostgreSQL");
        let (sandbox, cluster) = (Sandbox::empty(), Cluster::start(&newest));
        // The demo's PostgreSQL does not run as root, and its socket is in a subfolder.
        for folder in ["", "home"] {
            let mode = Permissions::from_mode(0o711);
            set_permissions(sandbox.path(folder), mode).expect("permissions can be set");
        }
        sandbox.write("home/documents/letter.txt", "Dear reader,\n".repeat(1000));
        sandbox.write("checkout/target/release/.keep", "");
        let built = sandbox.path("checkout/target/release/holdfast");
        symlink(binary::holdfast(), built).expect("a link can be created");
        cluster.create("app");
        cluster.sql("app", "CREATE TABLE notes AS SELECT 'kept' AS text, 'plan.pdf' AS attachment");
        sandbox.write("checkout/attachments/plan.pdf", "a plan");
        sandbox.write("checkout/certificate.pem", "a certificate");
        Self { sandbox, cluster }
    }

    /// Writes the app file of the text, with its database on the test's server.
    fn describe(&self, app_file: &str) {
        let socket = self.cluster.folder().display();
        let here = format!("postgres://demo@/app?host={socket}");
        assert!(app_file.contains("postgres:///app"), "the database of the text");
        let app_file = app_file.replace("postgres:///app", &here);
        self.sandbox.write("checkout/holdfast.toml", app_file);
    }

    fn shell(&self, script: &str) -> String {
        let path = format!(
            "{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            self.cluster.programs().display()
        );
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("exec 2>&1\n{script}\nprintf '\\n%s\\n' 'all done'")]);
        shell.current_dir(self.sandbox.path("checkout")).env_clear();
        shell.env("PATH", path).env("HOME", self.sandbox.path("home")).env("LC_ALL", "C.UTF-8");
        shell.env("TMPDIR", self.sandbox.path("home")).env("PROJECT", project::root());
        shell.env("HOLDFAST_BIN", binary::holdfast());
        shell.env("HOLDFAST_STATE_DIR", self.sandbox.path("state"));
        shell.env("PGHOST", self.cluster.folder()).env("PGUSER", "demo");
        for name in ["CARGO_HOME", "RUSTUP_HOME"] {
            shell.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        let cargo = std::env::var_os("CARGO").expect("cargo runs this test");
        shell.env("CARGO", cargo);
        let output = shell.stdin(Stdio::null()).output().expect("bash runs");
        String::from_utf8(output.stdout).expect("all output is UTF-8")
    }

    /// Checks that the commands left what the text says.
    fn look(&self) {
        let home = self.sandbox.path("home");
        let original = home.join("documents/letter.txt");
        let inner = original.strip_prefix("/").expect("an absolute path");
        let restored = std::fs::read(home.join("restored").join(inner)).expect("it is restored");
        assert_eq!(restored, std::fs::read(&original).expect("it is there"));
        let dump = std::fs::read_to_string(home.join("app.sql")).expect("the dump is there");
        assert!(dump.contains("CREATE TABLE public.notes") && dump.contains("kept"), "{dump}");
        let key = home.join("holdfast.key").metadata().expect("there is a key");
        let mode = key.permissions().mode();
        assert_eq!(mode & 0o077, 0, "only the owner may read the key");
        let left = std::fs::read_dir(&home).expect("a folder").flatten();
        let names: Vec<_> = left.map(|it| it.file_name()).filter(|it| it != ".cache").collect();
        let is_scratch = |name: &&std::ffi::OsString| name.to_string_lossy().contains("demo");
        assert_eq!(names.iter().find(is_scratch), None, "the demo removes its folder");
    }
}
