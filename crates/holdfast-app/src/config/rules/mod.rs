//! What must hold between the sections of a file.

mod names;
mod places;
mod terminals;

use std::path::{Path, PathBuf};

use super::file::{Draft, Tree};
use crate::settings::reader::Reader;

/// Notes every mistake that concerns several sections.
pub(super) fn check(
    draft: &Draft,
    tree: &Tree<'_, '_>,
    real: &dyn Fn(&Path) -> PathBuf,
    reader: &mut Reader<'_>,
) {
    names::check(draft, tree, reader);
    places::check(draft, tree, real, reader);
    terminals::check(draft, tree, reader);
}
