//! `cat`: print an object of the repository.

use std::borrow::Cow;
use std::io::{self, IsTerminal};

use clap::Subcommand;
use holdfast_engine::look::{IdPrefix, LookError, ObjectKind, SnapshotRoot, cat};
use holdfast_engine::selection::SnapshotFilter;
use holdfast_format::limits::PACK_BYTES_MAX;
use holdfast_format::{BlobType, ObjectId, name};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{RepoError, Repository};
use serde_json::Value;

use crate::context::Context;
use crate::exit::{CommandError, CommandResult};
use crate::output::escape;
use crate::output::json::cat as document;
use crate::select;

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast cat config
      also tests whether a repository exists: exit code 10 if not
  holdfast cat snapshot latest
  holdfast cat tree latest:/srv/www
  holdfast cat blob 5a1f0e2b > piece";

/// Print an object of the repository
///
/// Blobs and packs are printed as raw bytes, everything else as JSON. The master key is never
/// printed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to print.
    #[command(subcommand)]
    pub object: CatObject,
}

/// What to print.
#[derive(Debug, Subcommand)]
pub enum CatObject {
    /// Print the identity and parameters of the repository
    Config,
    /// Print a pack file as stored
    Pack {
        /// Its id
        id: String,
    },
    /// Print the bytes of a blob
    Blob {
        /// Its id
        id: String,
    },
    /// Print a snapshot
    Snapshot {
        /// An id or prefix, latest, or latest~N
        #[arg(value_name = "SNAPSHOT")]
        id: String,
    },
    /// Print an index object
    Index {
        /// Its id
        id: String,
    },
    /// Print the public part of a key slot
    Key {
        /// Its id
        id: String,
    },
    /// Print the entries of a folder
    Tree {
        /// The snapshot and the folder
        #[arg(value_name = "SNAPSHOT[:FOLDER]")]
        folder: String,
    },
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let repository = context.open()?;
    match &args.object {
        CatObject::Config => print(context, &document::config(&repository)),
        CatObject::Pack { id } => pack(context, &repository, &IdPrefix::new(id)?),
        CatObject::Blob { id } => {
            let (_, bytes) = cat::blob(&repository, &IdPrefix::new(id)?)?;
            Ok(context.output.bytes(&bytes)?)
        }
        CatObject::Snapshot { id } => {
            let chosen =
                select::choose(context, &repository, Some(id), None, &SnapshotFilter::default())?;
            print(context, &document::snapshot(&chosen.info))
        }
        CatObject::Index { id } => {
            let (id, packs) = cat::index(&repository, &IdPrefix::new(id)?)?;
            print(context, &document::index(&id, &packs))
        }
        CatObject::Key { id } => {
            let (header, label) = cat::key(&repository, &IdPrefix::new(id)?)?;
            print(context, &document::key(&header, label.as_ref()))
        }
        CatObject::Tree { folder } => print(context, &tree(context, &repository, folder)?),
    }
}

/// The bytes of a pack, or with `--json` its directory.
fn pack(context: &Context, repository: &Repository, prefix: &IdPrefix) -> CommandResult {
    if context.output.style().json {
        return print(context, &document::pack(&cat::pack(repository, prefix)?));
    }
    if io::stdout().is_terminal() {
        return Err(CommandError::usage("a pack is encrypted data, which a terminal cannot show")
            .hint("redirect it with > FILE")
            .hint("list its contents with --json"));
    }
    let id = cat::pack_id(repository, prefix)?;
    let object = name::pack(&id);
    let bytes = repository.fetch(&object, PACK_BYTES_MAX)?.bytes();
    let bytes = bytes.map_err(|reason| RepoError::damaged(object, reason))?;
    if ObjectId::of(&bytes) != id {
        // Inspecting damaged objects is the purpose of this command.
        context.output.warn(&format!("the bytes of pack {id} do not match its id"));
    }
    Ok(context.output.bytes(&bytes)?)
}

/// A folder of a snapshot, or the tree blob with this id if there is no such snapshot.
fn tree(context: &Context, repository: &Repository, text: &str) -> CommandResult<Value> {
    if let Ok(prefix) = IdPrefix::new(text)
        && !repository.history().snapshots().iter().any(|it| prefix.matches(it.id.as_bytes()))
    {
        let id = cat::blob_id(repository, &prefix, Some(BlobType::Tree))?;
        if repository.index().locate(&id)?.is_none() {
            return Err(LookError::NotFound { what: ObjectKind::Blob, prefix: id.to_hex() }.into());
        }
        let (id, node) = cat::tree(repository, &prefix)?;
        return Ok(document::node(&id, &node));
    }
    let chosen = select::choose(context, repository, Some(text), None, &SnapshotFilter::default())?;
    let mut reader = BlobReader::new(repository);
    let root = SnapshotRoot::below(&mut reader, &chosen.info.snapshot, &chosen.subfolder)?;
    Ok(document::folder(&cat::root(repository, &root)?))
}

/// One line for scripts, an indented document otherwise.
fn print(context: &Context, value: &Value) -> CommandResult {
    match context.output.style().json {
        true => Ok(context.output.json(value)?),
        false => Ok(context.output.line(&harmless(&format!("{value:#}")))?),
    }
}

/// The same JSON, with characters that could harm a terminal written as `\uNNNN`.
fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        let is_safe = matches!(escape::text(c.encode_utf8(&mut [0; 4])), Cow::Borrowed(_));
        match c == '\n' || is_safe {
            true => out.push(c),
            false => {
                let units = c.encode_utf16(&mut [0; 2]).to_vec();
                out.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_for_people_cannot_harm_a_terminal_and_means_the_same() {
        let shown = "\u{65e5}\u{672c}\u{8a9e} \u{1f389}";
        let value = json!({ "name": format!("a\u{1b}[2J\u{202e}b\u{9b}\n{shown} \\") });
        let text = harmless(&format!("{value:#}"));
        let name = format!("a\\u001b[2J\\u202eb\\u009b\\n{shown} \\\\");
        assert_eq!(text, format!("{{\n  \"name\": \"{name}\"\n}}"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
