//! `version`: print the version.

use std::env::consts::{ARCH, OS};

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::json::maintenance::Version;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast version
  holdfast version --json";

/// The version of this program, as recorded in snapshots.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Print the version
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// If standard output cannot be written.
pub fn run(_args: &Args, context: &Context) -> CommandResult {
    let (go_os, go_arch) = (OS, go_architecture(ARCH));
    match context.output.style().json {
        true => {
            let message_type = "version";
            context.output.json(&Version { message_type, version: VERSION, go_os, go_arch })?;
        }
        false => context.output.line(&format!("holdfast {VERSION} on {go_os}/{go_arch}"))?,
    }
    Ok(())
}

/// Scripts written for restic expect Go's processor names.
fn go_architecture(ours: &'static str) -> &'static str {
    match ours {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}
