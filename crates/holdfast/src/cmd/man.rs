//! `man`: write the manual pages.

mod page;
mod surroundings;

use std::fs;
use std::path::PathBuf;

use clap::{CommandFactory, ValueHint};

use crate::cli::Cli;
use crate::context::Context;
use crate::exit::{CommandError, CommandResult};
use crate::output::escape;
use crate::output::json::maintenance::Written;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast man --out ~/.local/share/man/man1
  man holdfast-backup";

/// Write the manual pages
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder to write to; created if it does not exist
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// If the pages cannot be written.
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let refused = |error| CommandError::path("write manual pages into", &args.out, &error);
    fs::create_dir_all(&args.out).map_err(refused)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    page::write_all(&command, &args.out).map_err(refused)?;
    if context.output.style().json {
        return Ok(context.output.json(&Written::new(&args.out, None, None))?);
    }
    let folder = escape::path(&args.out);
    Ok(context.output.note(1, &format!("wrote the manual pages into {folder}"))?)
}
