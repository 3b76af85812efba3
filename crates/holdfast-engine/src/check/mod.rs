//! Checks that everything exists and is intact.
//!
//! A check works from the outside in: copies of config and keys ([`copies`]), chains ([`chains`]),
//! index objects ([`index`]), packs by size ([`packs`]) and, if requested, by every byte
//! ([`data`]). What is known to be unreadable by then is matched against the trees of all snapshots
//! ([`trees`]), so that each damage names the files that it affects.
//!
//! A prune may run at the same time. Anything that is no longer where it was is looked up again,
//! after reading newer records: a check never reports as damage what was moved or deleted
//! legitimately.

mod broken;
mod chains;
mod choose;
mod content;
mod copies;
mod data;
mod finding;
mod index;
mod items;
mod listing;
mod options;
mod pack;
mod packs;
mod report;
mod run;
mod trees;
mod verified;
mod walk;

use holdfast_repo::Repository;

use crate::{EngineError, Observer};
pub(crate) use broken::UnreadableParts;
pub(crate) use copies::{Copy, survey};
pub(crate) use data::{get as get_pack, read_all};
pub use finding::{DamageFinding, FindingKind, Remedy};
pub(crate) use index::{
    ExpectedPack, digest, entries_of, is_replaced_now, read as read_index, wanted,
};
pub(crate) use listing::ObjectListing;
pub use options::{CheckOptions, ReadData, Subset};
pub(crate) use pack::PackVerifier;
pub use report::CheckReport;
use run::CheckRun;
pub(crate) use walk::{Hurt, TreeChecker};

/// Checks a repository. Damage is in the report and not an error; nothing is changed.
///
/// # Errors
/// Failures of the storage other than unreadable packs; [`EngineError::Interrupted`].
pub fn check(
    repository: &Repository,
    options: &CheckOptions,
    observer: &dyn Observer,
) -> Result<CheckReport, EngineError> {
    let mut run = CheckRun::new(repository, observer);
    let missing = repository.refresh()?;
    let listing = ObjectListing::take(repository)?;
    copies::check(&mut run, &listing)?;
    let mut history = chains::check(&mut run, &listing)?;
    let expected = index::check(&mut run, &mut history, &listing)?;
    let packs = packs::check(&mut run, &history, &listing, &expected)?;
    packs::report_unreadable(&mut run, &missing.packs);
    data::check(&mut run, options, &history, &listing, &expected, &packs)?;
    trees::check(&mut run, &history)?;
    run.note_strangers(&listing);
    Ok(run.finish())
}
