//! Runs the binary under strace, to observe its system calls or to send a signal at one of them.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::binary;
use crate::sandbox::Sandbox;

/// The binary with these arguments, under strace with these options, tracing only the system calls
/// in `functions`.
///
/// The binary forbids other processes of the same user to inspect it. strace answers that call in
/// place of the kernel, so that it can read arguments without being root.
///
/// # Panics
/// If strace is missing.
pub fn command(
    sandbox: &Sandbox,
    functions: &str,
    options: impl IntoIterator<Item = impl AsRef<OsStr>>,
    words: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Command {
    need();
    let mut command = sandbox.program("strace");
    command.args(["--follow-forks", "--quiet=all", "--signal=none", "--inject=prctl:retval=0"]);
    command.arg(format!("--trace=prctl,{functions}"));
    command.args(options).arg("--").arg(binary::holdfast()).args(words);
    command
}

/// The option that limits tracing to calls on a file or folder; `None` if that is not possible.
///
/// strace does not answer calls that are filtered out, so the binary forbids inspection, and only
/// root can trace it.
pub fn only_at(path: &Path) -> Option<String> {
    let is_root = rustix::process::geteuid().is_root();
    is_root.then(|| format!("--trace-path={}", path.display()))
}

fn need() {
    let found = Command::new("strace").arg("--version").output();
    assert!(
        found.is_ok_and(|output| output.status.success()),
        "strace is missing: `./dev test` installs it, as does `apt-get install strace`"
    );
}
