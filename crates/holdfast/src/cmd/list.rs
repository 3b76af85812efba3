//! `list`: ids of the objects in a repository, one per line.

use clap::ValueEnum;
use holdfast_format::name;
use holdfast_repo::Repository;

use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast list snapshots
  holdfast list packs | wc -l
  holdfast list locks
      prints nothing: no command locks a repository

holdfast cat shows the objects themselves. Even with --json, each line is one plain id, as in
restic: scripts count the lines.";

/// List the ids of snapshots, packs, index objects or keys
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to list
    #[arg(value_name = "KIND")]
    pub kind: ListKind,
}

/// What to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListKind {
    /// Snapshots, oldest first
    Snapshots,
    /// Pack files
    Packs,
    /// Index objects
    Index,
    /// Key slots
    Keys,
    /// Nothing: there are no locks
    Locks,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let repository = context.open()?;
    for id in ids(args.kind, context, &repository)? {
        context.output.line(&id)?;
    }
    Ok(())
}

fn ids(kind: ListKind, context: &Context, repository: &Repository) -> CommandResult<Vec<String>> {
    Ok(match kind {
        ListKind::Snapshots => {
            context.go_by_all();
            let mut snapshots = repository.history().snapshots();
            snapshots.sort_by_key(|info| (info.snapshot.time, info.sequence, info.id));
            snapshots.iter().map(|info| info.id.to_hex()).collect()
        }
        ListKind::Packs => objects(repository, name::PACKS)?,
        ListKind::Index => objects(repository, name::INDEX)?,
        ListKind::Keys => {
            let slots = repository.slots()?;
            let slots = slots.iter().filter_map(|found| found.slot.as_ref().ok());
            slots.map(|slot| slot.header.id.to_hex()).collect()
        }
        ListKind::Locks => Vec::new(),
    })
}

/// Ids of the objects in a folder of the repository; files without an id are not holdfast's.
fn objects(repository: &Repository, folder: &str) -> CommandResult<Vec<String>> {
    let listed = repository.list(folder)?;
    let ids = listed.iter().filter_map(|object| name::object_id(object.name.as_str()));
    Ok(ids.map(|id| id.to_hex()).collect())
}
