//! `init`: create a repository.

use holdfast_format::slot::KdfCost;
use holdfast_repo::Repository;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::opening::{self, NewFolder};
use crate::output::escape;
use crate::output::json::backup::Initialized;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast init -r /mnt/backup
      asks for a passphrase, twice
  holdfast key generate > ~/holdfast.key
  holdfast init -r /mnt/backup -p ~/holdfast.key
      with a key instead, for unattended backups
  holdfast init -r /mnt/backup --password-command 'pass show backup'

Nothing in a repository can be read without its passphrase or one of its keys. Keep a copy of
one of them somewhere else.";

/// Create a repository
///
/// The folder is created if it does not exist. A folder that is not empty is refused and left
/// unchanged.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(_args: &Args, context: &Context) -> CommandResult {
    let location = context.location()?;
    opening::check_new(location.path())?;
    let secret = context.first_passphrase()?.secret()?;
    let (storage, folder) = NewFolder::make(location.path())?;
    let label = context.slot_label("first key");
    let pack_bytes = context.global.pack_size.map(|mib| mib << 20);
    let id = Repository::init(&storage, &secret, KdfCost::DEFAULT, &label, |config| {
        config.pack_bytes = pack_bytes.unwrap_or(config.pack_bytes);
    })?;
    folder.keep();
    context.fill_reserve();
    let place = location.path().to_string_lossy().into_owned();
    if context.output.style().json {
        return Ok(context.output.json(&Initialized::new(id.to_hex(), place))?);
    }
    let place = escape::path(location.path()).into_owned();
    context.output.note(0, &format!("created repository {} at {place}", &id.to_hex()[..10]))?;
    context
        .output
        .note(0, "Keep a second copy of its passphrase or key: nothing can be read without it.")?;
    Ok(())
}
