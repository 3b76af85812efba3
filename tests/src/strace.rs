//! The binary under strace: to see its system calls, or to have a signal sent at one of them.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::binary;
use crate::sandbox::Sandbox;

/// The binary with these arguments, under strace with these options. Only `functions` of the system
/// are traced.
///
/// The binary forbids others of the same user to look into it. That call is answered in place of
/// the kernel, so that strace can see arguments without being root.
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

/// The option that leaves only calls that have to do with a file or folder; `None` where that
/// cannot be had.
///
/// A call that is left out is not answered by strace either, so the binary hides, and only root can
/// look into it.
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
