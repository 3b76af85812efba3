//! `key`: manage passphrases and keys.

use clap::Subcommand;
use holdfast_format::slot::{KdfCost, KeySlot, SlotKind};
use holdfast_repo::{Repository, slots};
use holdfast_seal::{MasterKey, Secret};

use crate::cmd::shared::NewPasswordArgs;
use crate::context::Context;
use crate::environment;
use crate::exit::{CommandError, CommandResult};
use crate::output::json::maintenance::{KeyChanged, KeyEntry};
use crate::output::table::{Align, Table};
use crate::output::{escape, text};
use crate::secret::SecretSource;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast key generate > ~/holdfast.key
  holdfast key list
  holdfast key add --new-password-file ~/holdfast.key --label 'hourly job'
  holdfast key remove 1a2b3c4d5e6f7a8b

A repository opens with any of its passphrases and keys. A generated key opens it in milliseconds;
a passphrase is deliberately slow to check, to make guessing expensive.";

/// Manage passphrases and keys
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The subcommand.
    #[command(subcommand)]
    pub action: KeyAction,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum KeyAction {
    /// Print a new random key; needs no repository
    ///
    /// The key can be used wherever a passphrase can.
    #[command(after_help = GENERATE_EXAMPLES)]
    Generate,
    /// List passphrases and keys
    #[command(after_help = LIST_EXAMPLES)]
    List,
    /// Add a passphrase or key
    #[command(after_help = ADD_EXAMPLES)]
    Add(AddArgs),
    /// Remove a passphrase or key, but not the one in use
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove {
        /// The id shown by `key list`
        #[arg(value_name = "KEY")]
        id: String,
    },
    /// Replace the passphrase or key in use
    #[command(after_help = PASSWD_EXAMPLES)]
    Passwd {
        /// Where the new passphrase or key comes from.
        #[command(flatten)]
        new: NewPasswordArgs,
    },
}

/// Arguments of `key add`.
#[derive(Debug, Clone, clap::Args)]
pub struct AddArgs {
    /// A description for `key list`
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,

    /// Generate a random key, add it, and print it
    #[arg(long, conflicts_with_all = ["new_password_file", "new_password_command"])]
    pub generate: bool,

    /// Where the new passphrase or key comes from.
    #[command(flatten)]
    pub new: NewPasswordArgs,
}

const GENERATE_EXAMPLES: &str = "\
EXAMPLES:
  holdfast key generate > ~/holdfast.key
  holdfast init -r /mnt/backup -p ~/holdfast.key";

const LIST_EXAMPLES: &str = "\
EXAMPLES:
  holdfast key list
  holdfast key list --json";

const ADD_EXAMPLES: &str = "\
EXAMPLES:
  holdfast key add
      asks for the current and the new passphrase
  holdfast key add --generate --label 'hourly job' > ~/holdfast.key
  holdfast key add --new-password-command 'pass show backup'";

const REMOVE_EXAMPLES: &str = "\
EXAMPLES:
  holdfast key list
  holdfast key remove 1a2b3c4d5e6f7a8b

A removed key still opens copies of the repository that were made before.";

const PASSWD_EXAMPLES: &str = "\
EXAMPLES:
  holdfast key passwd
  holdfast key passwd --new-password-file ~/new-passphrase";

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    match &args.action {
        KeyAction::Generate => generate(context),
        KeyAction::List => list(context),
        KeyAction::Add(args) => add(args, context),
        KeyAction::Remove { id } => remove(id, context),
        KeyAction::Passwd { new } => replace(new, context),
    }
}

/// Prints only the key, so that it can be redirected to a file.
fn generate(context: &Context) -> CommandResult {
    let (_, key) = Secret::generate_key()?;
    match context.output.style().json {
        true => tell(context, &KeyChanged { message_type: "generated", key: &key, ..none() }),
        false => Ok(context.output.line(&key)?),
    }
}

fn tell(context: &Context, message: &KeyChanged<'_>) -> CommandResult {
    Ok(context.output.json(message)?)
}

fn none() -> KeyChanged<'static> {
    KeyChanged::default()
}

fn list(context: &Context) -> CommandResult {
    let repository = context.open()?;
    let mut entries = Vec::new();
    for found in repository.slots()? {
        match &found.slot {
            Ok(slot) => entries.push(entry(&repository, slot)),
            Err(error) => context.output.warn(&format!("{}: {error}", found.name)),
        }
        if found.is_half && found.slot.is_ok() {
            context.output.warn(&format!(
                "{} has only one good copy; try: holdfast repair index",
                found.name
            ));
        }
    }
    if context.output.style().json {
        return Ok(context.output.json(&entries)?);
    }
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("Kind", Align::Left),
        ("User", Align::Left),
        ("Host", Align::Left),
        ("Created", Align::Left),
        ("Label", Align::Left),
    ])
    .breaking(&["Label"]);
    for entry in &entries {
        let mark = if entry.current { "*" } else { " " };
        let created = entry.created.map(|time| text::time(time, &environment::time_zone()));
        table.row([
            format!("{mark}{}", entry.id),
            entry.kind.to_owned(),
            escape::text(&entry.user_name).into_owned(),
            escape::text(&entry.host_name).into_owned(),
            created.unwrap_or_default(),
            escape::text(&entry.label).into_owned(),
        ]);
    }
    Ok(context.output.line(&table.render())?)
}

fn entry(repository: &Repository, slot: &KeySlot) -> KeyEntry {
    let label = slots::label(repository.keys(), slot);
    let (user_name, host_name, text, created) = match label {
        Some(it) => (it.user, it.host, it.label, Some(it.created)),
        None => (String::new(), String::new(), "not created by this repository".to_owned(), None),
    };
    KeyEntry {
        current: slot.header.id == repository.slot().header.id,
        id: slot.header.id.to_hex(),
        user_name,
        host_name,
        created,
        label: text,
        kind: match slot.header.kind {
            SlotKind::Passphrase(_) => "passphrase",
            SlotKind::GeneratedKey => "generated",
        },
    }
}

fn add(args: &AddArgs, context: &Context) -> CommandResult {
    let (repository, master) = open_with_master_key(context)?;
    let (secret, printed) = match args.generate {
        true => {
            let (secret, text) = Secret::generate_key()?;
            (secret, Some(text))
        }
        false => (new_secret(&args.new, context)?, None),
    };
    let label = context.slot_label(args.label.as_deref().unwrap_or_default());
    let slot = repository.add_key(&master, &secret, KdfCost::DEFAULT, &label)?;
    if context.output.style().json {
        let (id, key) = (slot.header.id.to_hex(), printed.as_deref().map_or("", |it| it));
        return tell(context, &KeyChanged { message_type: "added", id, key, ..none() });
    }
    match printed {
        // Only the key, so that it can be redirected to a file.
        Some(text) => Ok(context.output.line(&text)?),
        None => Ok(context.output.note(0, &format!("added key {}", slot.header.id))?),
    }
}

fn open_with_master_key(context: &Context) -> CommandResult<(Repository, MasterKey)> {
    let storage = context.limited(context.storage()?);
    let secret = context.passphrase()?.secret()?;
    Ok(Repository::open_with_master_key(storage, &secret, &context.open_options())?)
}

fn new_secret(new: &NewPasswordArgs, context: &Context) -> CommandResult<Secret> {
    let source = SecretSource::of_flags(
        new.new_password_file.as_deref(),
        new.new_password_command.as_deref(),
    );
    context.new_passphrase(source.as_ref())?.secret()
}

fn remove(id: &str, context: &Context) -> CommandResult {
    let repository = context.open_with_reserve()?;
    let found: Vec<KeySlot> = repository
        .slots()?
        .into_iter()
        .filter_map(|found| found.slot.ok())
        .filter(|slot| slot.header.id.to_hex().starts_with(id))
        .collect();
    let [slot] = found.as_slice() else {
        let message = match found.is_empty() {
            true => format!("no key id begins with \"{}\"", escape::text(id)),
            false => format!("several key ids begin with \"{}\"", escape::text(id)),
        };
        return Err(CommandError::failed(message).hint("holdfast key list"));
    };
    if slot.header.id == repository.slot().header.id {
        return Err(CommandError::failed("the key in use cannot be removed")
            .hint("open the repository with another key to remove this one"));
    }
    repository.remove_key(slot.header.id, repository.slot().header.id)?;
    context.fill_reserve();
    if context.output.style().json {
        let id = slot.header.id.to_hex();
        return tell(context, &KeyChanged { message_type: "removed", id, ..none() });
    }
    Ok(context.output.note(0, &format!("removed key {}", slot.header.id))?)
}

/// Adds the new slot before removing the old one, so that there is always one.
fn replace(new: &NewPasswordArgs, context: &Context) -> CommandResult {
    let (repository, master) = open_with_master_key(context)?;
    let secret = new_secret(new, context)?;
    let old = repository.slot().clone();
    let label = slots::label(repository.keys(), &old).map(|label| label.label).unwrap_or_default();
    let label = context.slot_label(&label);
    let slot = repository.add_key(&master, &secret, KdfCost::DEFAULT, &label)?;
    repository.remove_key(old.header.id, slot.header.id)?;
    if context.output.style().json {
        let (id, old_id) = (slot.header.id.to_hex(), old.header.id.to_hex());
        return tell(context, &KeyChanged { message_type: "replaced", id, old_id, ..none() });
    }
    let note = format!("replaced key {} with {}", old.header.id, slot.header.id);
    Ok(context.output.note(0, &note)?)
}
