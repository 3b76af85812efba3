//! Finds the binary under test.
//!
//! It belongs to another package, so cargo neither provides its path nor builds it for `cargo
//! test`. The first test of each process that needs it therefore has cargo build it, with the
//! profile and target folder of the test itself. If nothing changed, this takes a fraction of a
//! second, and the binary is never outdated. `HOLDFAST_BIN` overrides its path.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::project;

/// The binary under test, built if necessary.
pub fn holdfast() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| env::var_os("HOLDFAST_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // All packages and a test, so that features, and therefore all libraries, are the same as for
    // `cargo test --workspace` and nothing is compiled twice.
    command.args(["build", "--workspace", "--bin", "holdfast", "--test", "tidy"]);
    command.args(["--locked", "--quiet"]);
    command.arg("--message-format=json-render-diagnostics");
    command.current_dir(project::root()).args(like_this_test()).stderr(Stdio::inherit());
    let output = command.output().expect("cargo can be run");
    assert!(output.status.success(), "cargo cannot build holdfast");
    let messages = String::from_utf8(output.stdout).expect("cargo speaks UTF-8");
    messages.lines().find_map(executable).expect("cargo reports the path of the binary")
}

/// Profile and target folder of the running test: `<target folder>/<profile>/deps/<test>`.
fn like_this_test() -> Vec<String> {
    let test = env::current_exe().expect("a test knows its path");
    let mut arguments = Vec::new();
    match test.ancestors().nth(2).and_then(Path::file_name).and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(profile) => arguments.push(format!("--profile={profile}")),
    }
    if let Some(folder) = test.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists()) {
        arguments.push(format!("--target-dir={}", folder.display()));
    }
    arguments
}

/// The path in cargo's message about the binary.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_binary =
        message["target"]["name"] == "holdfast" && message["reason"] == "compiler-artifact";
    is_binary.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
}
