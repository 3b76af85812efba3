//! How rows refer to what a source holds.

use super::references::SourceOrder;

/// How rows refer to the objects or files of a source.
#[derive(Debug, Clone)]
pub struct RowNames {
    order: SourceOrder,
    name_of: fn(&[u8]) -> Option<Vec<u8>>,
    path_of: fn(&[u8]) -> Option<Vec<u8>>,
    /// The folder that relative names are in.
    base: Option<Vec<u8>>,
}

impl RowNames {
    /// By the paths of files. Relative ones are in `base`.
    pub fn of_paths(base: Vec<u8>) -> Self {
        let same = |path: &[u8]| Some(path.to_vec());
        Self { order: SourceOrder::Paths, name_of: same, path_of: same, base: Some(base) }
    }

    /// By the keys of objects, which `name_of` finds for a path of the tree, and `path_of` the
    /// other way round.
    pub fn of_keys(
        name_of: fn(&[u8]) -> Option<Vec<u8>>,
        path_of: fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Self {
        Self { order: SourceOrder::Keys, name_of, path_of, base: None }
    }

    /// The order in which the source yields what rows can refer to.
    pub fn order(&self) -> SourceOrder {
        self.order
    }

    /// The name in rows for a path of the source's tree; `None` for what no row can refer to.
    pub fn name_of(&self, path: &[u8]) -> Option<Vec<u8>> {
        (self.name_of)(path)
    }

    /// The path in the source's tree for a name; `None` for a name that nothing can have.
    pub fn path_of(&self, name: &[u8]) -> Option<Vec<u8>> {
        (self.path_of)(name)
    }

    /// The name as the source yields it, for one as a row has it.
    pub fn of_row(&self, name: Vec<u8>) -> Vec<u8> {
        match &self.base {
            Some(base) if !name.starts_with(b"/") => [base, &b"/"[..], &name].concat(),
            _ => name,
        }
    }

    /// True if what it holds has ETags.
    pub fn has_etags(&self) -> bool {
        self.order == SourceOrder::Keys
    }
}
