//! What a snapshot lacks, in words.

use std::fmt;

use holdfast_connect::words::count;
use holdfast_format::bucket::CONNECTOR;
use holdfast_format::record::{Captured, Snapshot, SourceExtent, Text};

use super::captured;
use crate::look::shown_path;

/// Maximum number of paths in a sentence.
const NAMED_MAX: usize = 3;

/// One thing that is wrong with a snapshot. Its text is a clause such as `3 entries of source docs
/// could not be read (/a, /b, /c)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// Its backup did not finish.
    Unfinished,
    /// Entries could not be read, changed while being read, or were left out by a repair.
    Entries {
        /// The source, if the snapshot has several.
        source: Option<String>,
        /// What is missing.
        captured: Captured,
    },
    /// A source has far less than before.
    Shrunk {
        /// The source, if the snapshot has several.
        source: Option<String>,
        /// What it had.
        from: SourceExtent,
        /// What it has.
        to: SourceExtent,
    },
    /// A check of the application failed.
    Check {
        /// Its name.
        name: String,
    },
}

impl Lack {
    /// The source that it concerns, if it concerns one of several.
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Entries { source, .. } | Self::Shrunk { source, .. } => source.as_deref(),
            Self::Unfinished | Self::Check { .. } => None,
        }
    }

    /// True if something that was in the source is not in the snapshot.
    pub fn is_incomplete(&self) -> bool {
        matches!(self, Self::Unfinished | Self::Entries { .. })
    }
}

/// Everything that is wrong with a snapshot, or with one source of it.
pub fn lacks(snapshot: &Snapshot, only: Option<&str>) -> Vec<Lack> {
    let mut found = Vec::new();
    found.extend(snapshot.partial.then_some(Lack::Unfinished));
    let is_early = snapshot.sources.iter().all(|source| source.captured.is_none());
    if is_early && snapshot.summary.errors > 0 {
        let captured = Captured { unread: snapshot.summary.errors, ..Captured::default() };
        found.push(Lack::Entries { source: None, captured });
    }
    let has_several = snapshot.sources.len() > 1 || snapshot.application.is_some();
    let is_wanted = |name: &str| only.is_none_or(|only| name == only);
    for source in snapshot.sources.iter().filter(|it| !is_early && is_wanted(&it.name)) {
        let name = has_several.then(|| source.name.clone());
        let mut captured = captured(snapshot, source);
        if source.connector == CONNECTOR {
            captured.missed.iter_mut().for_each(|path| path.0 = shown_path(&path.0));
        }
        if let Some(from) = captured.shrunk_from {
            let to = captured.extent;
            found.push(Lack::Shrunk { source: name.clone(), from, to });
        }
        if !captured.is_complete() {
            found.push(Lack::Entries { source: name, captured });
        }
    }
    let checks = snapshot.application.iter().flat_map(|it| &it.checks);
    let failed = checks.filter(|check| !check.passed);
    found.extend(failed.map(|check| Lack::Check { name: check.name.clone() }));
    found
}

/// What is wrong with a part of a snapshot: like [`lacks`], but without entries known to be outside
/// that part.
pub fn lacks_within(
    snapshot: &Snapshot,
    only: Option<&str>,
    is_wanted: &dyn Fn(&[u8]) -> bool,
) -> Vec<Lack> {
    let mut sources = snapshot.sources.iter().filter(|it| only.is_none_or(|only| it.name == only));
    // For other connectors, paths differ from those of the displayed tree.
    let has_paths =
        matches!((sources.next(), sources.next()), (Some(it), None) if it.connector == "files");
    let may_want = |lack: &Lack| match lack {
        Lack::Entries { captured, .. } => {
            let all_are_named = captured.missed.len() as u64 == captured.incomplete();
            !all_are_named || captured.missed.iter().any(|path| is_wanted(&path.0))
        }
        Lack::Unfinished | Lack::Shrunk { .. } | Lack::Check { .. } => true,
    };
    let found = lacks(snapshot, only).into_iter();
    found.filter(|lack| !has_paths || may_want(lack)).collect()
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished => f.write_str("its backup did not finish"),
            Self::Entries { source, captured } => {
                let of = source.as_ref().map(|name| format!(" of source {name}"));
                let of = of.unwrap_or_default();
                let counts = [
                    (captured.unread, "could not be read"),
                    (captured.changed, "changed while being read"),
                    (captured.lost, "lost to damage"),
                ];
                let counts = counts.into_iter().filter(|(number, _)| *number > 0);
                let parts: Vec<_> = counts
                    .map(|(number, what)| {
                        format!("{}{of} {what}", count(number, "entry", "entries"))
                    })
                    .collect();
                write!(f, "{}{}", parts.join(", "), named(&captured.missed, captured.incomplete()))
            }
            Self::Shrunk { source, from, to } => {
                let source = source.as_ref().map(|name| format!("source {name} has "));
                let source = source.unwrap_or_else(|| "it has ".to_owned());
                let size = |it: &SourceExtent| {
                    let entries = count(it.entries, "entry", "entries");
                    format!("{entries} of {}", count(it.bytes, "byte", "bytes"))
                };
                write!(f, "{source}{}, down from {}", size(to), size(from))
            }
            Self::Check { name } => write!(f, "check {name:?} failed"),
        }
    }
}

/// The first paths in parentheses.
fn named(paths: &[Text], all: u64) -> String {
    let shown = paths.iter().take(NAMED_MAX);
    let mut shown: Vec<_> =
        shown.map(|path| String::from_utf8_lossy(&path.0).into_owned()).collect();
    if shown.is_empty() {
        return String::new();
    }
    let more = all.saturating_sub(shown.len() as u64);
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    format!(" ({})", shown.join(", "))
}
