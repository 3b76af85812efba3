//! Runs programs with a different clock.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Gives a program a clock that starts at this time (in UTC, as in `2026-11-20 14:17:00`). File
/// times still come from this machine's clock.
pub fn set(command: &mut Command, time: &str) {
    command.env("LD_PRELOAD", library()).env("FAKETIME", format!("@{time}")).env("TZ", "UTC");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
}

/// The preloaded library.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let libraries = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let mut libraries = libraries.filter(|library| library.exists());
    libraries.next().expect("faketime is missing: `./dev test` installs it")
}
