//! Which entries the user wants: exclude rules for a backup, include rules for a restore.
//!
//! The rules are those of restic: Go's `filepath.Match` on each component of a path, `**` for any
//! number of components, a leading `/` that ties a pattern to the root, a leading `!` that undoes
//! matches of earlier patterns in the same list. The one difference: with two `**` in a pattern,
//! restic misses some paths that have few components (`/a/**/b/**/c` and `/a/x/b/c`); here any `**`
//! also matches no component, as restic's manual says.

mod glob;
mod pattern;
mod text;

#[cfg(test)]
mod tests;

use pattern::Pattern;

pub use text::read_patterns;

/// A malformed pattern.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the pattern {pattern:?} is malformed")]
pub struct PatternError {
    /// The pattern as given; bytes that are not UTF-8 are replaced.
    pub pattern: String,
}

/// Rules that leave entries out.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    lists: FilterLists,
}

impl Filter {
    /// Compiles two lists of patterns; the second ignores case. A path is excluded if either list
    /// excludes it: `!` acts within its own list.
    ///
    /// # Errors
    /// [`PatternError`] for the first malformed pattern.
    pub fn new<P: AsRef<[u8]>>(exact: &[P], any_case: &[P]) -> Result<Self, PatternError> {
        Ok(Self { lists: FilterLists::new(exact, any_case)? })
    }

    /// True if there are no rules, so that nothing is ever excluded.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// True if the rules exclude the entry at `path`, or a directory above it. The kind of entry
    /// does not matter: a slash at the end of a pattern means nothing.
    pub fn excludes(&self, path: &[u8]) -> bool {
        self.lists.judge(path, false).is_match
    }
}

/// Rules that choose what is restored.
#[derive(Debug, Clone, Default)]
pub struct IncludeFilter {
    lists: FilterLists,
}

impl IncludeFilter {
    /// Compiles two lists of patterns; the second ignores case. A path is chosen if either list
    /// chooses it: `!` acts within its own list.
    ///
    /// # Errors
    /// [`PatternError`] for the first malformed pattern.
    pub fn new<P: AsRef<[u8]>>(exact: &[P], any_case: &[P]) -> Result<Self, PatternError> {
        Ok(Self { lists: FilterLists::new(exact, any_case)? })
    }

    /// True if there are no rules; what that means is up to the caller.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// True if the rules choose the entry at `path`, or a directory above it.
    pub fn matches(&self, path: &[u8]) -> bool {
        self.lists.judge(path, false).is_match
    }

    /// True if the rules may choose something below the directory at `path`: it must be searched,
    /// and created if something in it is restored.
    pub fn may_match_below(&self, path: &[u8]) -> bool {
        self.lists.judge(path, true).may_match_below
    }
}

/// The two lists that make up both kinds of rules.
#[derive(Debug, Clone, Default)]
struct FilterLists {
    exact: Vec<Pattern>,
    any_case: Vec<Pattern>,
}

/// What a list says about a path.
#[derive(Default)]
struct FilterMatch {
    is_match: bool,
    may_match_below: bool,
}

impl FilterLists {
    fn new<P: AsRef<[u8]>>(exact: &[P], any_case: &[P]) -> Result<Self, PatternError> {
        Ok(Self { exact: compile(exact, false)?, any_case: compile(any_case, true)? })
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.any_case.is_empty()
    }

    fn judge(&self, path: &[u8], below: bool) -> FilterMatch {
        let exact = judge(&self.exact, path, below);
        let any_case = judge(&self.any_case, path, below);
        FilterMatch {
            is_match: exact.is_match || any_case.is_match,
            may_match_below: exact.may_match_below || any_case.may_match_below,
        }
    }
}

fn compile<P: AsRef<[u8]>>(patterns: &[P], any_case: bool) -> Result<Vec<Pattern>, PatternError> {
    let texts = patterns.iter().map(P::as_ref).filter(|text| !text.is_empty());
    let invalid = |text| PatternError { pattern: String::from_utf8_lossy(text).into_owned() };
    texts.map(|text| Pattern::new(text, any_case).ok_or_else(|| invalid(text))).collect()
}

/// Applies a list in order; the last pattern that matches decides.
fn judge(patterns: &[Pattern], path: &[u8], below: bool) -> FilterMatch {
    let mut judgement = FilterMatch::default();
    for pattern in patterns {
        if pattern.is_negated() {
            // Only what has been chosen so far can be undone.
            if (judgement.is_match || judgement.may_match_below) && pattern.matches(path) {
                judgement = FilterMatch::default();
            }
        } else {
            judgement.is_match = judgement.is_match || pattern.matches(path);
            judgement.may_match_below =
                judgement.may_match_below || (below && pattern.may_match_below(path));
        }
    }
    judgement
}
