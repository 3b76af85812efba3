//! What must hold between the sections of a file.

mod names;
mod places;
mod terminals;

use std::path::{Path, PathBuf};

use super::file::{AppFileDraft, AppFileTree};
use crate::settings::reader::SettingReader;

/// Notes every mistake that concerns several sections.
pub(super) fn check(
    draft: &AppFileDraft,
    tree: &AppFileTree<'_, '_>,
    real: &dyn Fn(&Path) -> PathBuf,
    reader: &mut SettingReader<'_>,
) {
    names::check(draft, tree, reader);
    places::check(draft, tree, real, reader);
    terminals::check(draft, tree, reader);
}
