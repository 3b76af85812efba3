//! An application of files, created for each test.

use holdfast_tests::sandbox::{Outcome, Sandbox};
use serde_json::Value;

/// A sandbox with an app file that has two repositories, a folder of data and a folder of keys.
pub struct World {
    pub sandbox: Sandbox,
}

const HEAD: &str = r#"
[app]
name = "notes"
[repository]
url = "repository"
password-file = "key"
[repository.keys]
url = "vault"
password-file = "vault-key"
[[source]]
name = "files"
type = "files"
paths = ["data"]
[[source]]
name = "certificate"
type = "files"
paths = ["certificate"]
class = "keys"
"#;

impl World {
    /// With these sections appended to the common ones.
    pub fn new(sections: &str) -> Self {
        let sandbox = Sandbox::empty();
        sandbox.make_key("key");
        sandbox.make_key("vault-key");
        sandbox.write("data/one.txt", "first");
        sandbox.write("data/two.txt", "second");
        sandbox.write("certificate/app.pem", "not really a key");
        let world = Self { sandbox };
        world.configure(sections);
        world
    }

    /// Replaces the sections.
    pub fn configure(&self, sections: &str) {
        self.sandbox.write("holdfast.toml", format!("{HEAD}{sections}"));
    }

    /// Runs successfully; returns the summary.
    #[track_caller]
    pub fn runs(&self) -> Value {
        self.sandbox.ok("run --init-missing --json").message("run_summary")
    }

    /// Runs with this exit code.
    #[track_caller]
    pub fn fails(&self, code: i32) -> Outcome {
        self.sandbox.fails(code, "run --init-missing")
    }

    /// The data snapshots, oldest first; none without a repository.
    pub fn snapshots(&self) -> Vec<Value> {
        match self.sandbox.exists("repository/config") {
            true => self.sandbox.snapshots(),
            false => Vec::new(),
        }
    }

    /// The key snapshots, oldest first.
    pub fn key_snapshots(&self) -> Vec<Value> {
        let line = "-r @vault -p @vault-key snapshots --json";
        self.sandbox.ok(line).json().as_array().cloned().unwrap()
    }
}
