//! Patterns for whole paths: components, `**`, the root, negation.

use super::glob::Glob;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    is_negated: bool,
    /// Begins at the root; otherwise it matches at any depth.
    is_rooted: bool,
    parts: Vec<PatternPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PatternPart {
    /// `**`: any number of components.
    Components,
    /// A component without wildcards.
    Literal(Vec<u8>),
    /// A component with wildcards.
    Glob(Glob),
}

impl Pattern {
    /// Compiles `text`, which is not empty; `None` if it is malformed.
    pub(super) fn new(text: &[u8], any_case: bool) -> Option<Self> {
        let (is_negated, text) = match text.strip_prefix(b"!") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let is_rooted = text.first() == Some(&b'/');
        let parts = clean(text, is_rooted);
        let parts = parts.into_iter().map(|part| PatternPart::new(part, any_case));
        Some(Self { is_negated, is_rooted, parts: parts.collect::<Option<_>>()? })
    }

    /// True if the pattern undoes matches of earlier ones.
    pub(super) fn is_negated(&self) -> bool {
        self.is_negated
    }

    /// True if the pattern matches `path` or a directory above it.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        if self.is_rooted && path.first() != Some(&b'/') {
            return false;
        }
        let mut parts = &self.parts[..];
        let mut rest = components(path);
        // Where to resume if the parts fail: `**` takes one more component. A pattern that is not
        // rooted may begin at any component.
        let mut retry = (!self.is_rooted).then_some((parts, rest));
        loop {
            match parts.split_first() {
                None => return true,
                Some((PatternPart::Components, after)) => {
                    parts = after;
                    retry = Some((parts, rest));
                    continue;
                }
                Some((part, after)) => {
                    let (component, behind) = split(rest);
                    if component.is_some_and(|component| part.matches(component)) {
                        (parts, rest) = (after, behind);
                        continue;
                    }
                }
            }
            match &mut retry {
                Some((from, start)) if !start.is_empty() => {
                    *start = split(start).1;
                    (parts, rest) = (*from, *start);
                }
                _ => return false,
            }
        }
    }

    /// True if the pattern may match something below the directory at `path`.
    pub(super) fn may_match_below(&self, path: &[u8]) -> bool {
        if !self.is_rooted {
            return true;
        }
        if path.first() != Some(&b'/') {
            return false;
        }
        let mut rest = components(path);
        for part in &self.parts {
            let (component, behind) = split(rest);
            match (part, component) {
                (PatternPart::Components, _) | (_, None) => return true,
                (part, Some(component)) if part.matches(component) => rest = behind,
                _ => return false,
            }
        }
        true
    }
}

impl PatternPart {
    fn new(text: &[u8], any_case: bool) -> Option<Self> {
        let is_simple = !any_case && !text.iter().any(|byte| br"\[]*?".contains(byte));
        Some(match text {
            b"**" => Self::Components,
            _ if is_simple => Self::Literal(text.to_vec()),
            _ => Self::Glob(Glob::new(text, any_case)?),
        })
    }

    fn matches(&self, component: &[u8]) -> bool {
        match self {
            Self::Components => true,
            Self::Literal(literal) => literal == component,
            Self::Glob(glob) => glob.matches(component),
        }
    }
}

/// The components of a pattern, without empty ones and `.`, and with each `..` cancelling the
/// directory before it; a pattern with nothing left is `.`, which is no entry's name.
fn clean(text: &[u8], is_rooted: bool) -> Vec<&[u8]> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in text.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if is_rooted => {}
            _ => parts.push(part),
        }
    }
    if parts.is_empty() && !is_rooted {
        parts.push(b".");
    }
    parts
}

/// The components of `path` as [`split`] takes them.
fn components(path: &[u8]) -> &[u8] {
    path.strip_prefix(b"/").unwrap_or(path)
}

/// The first component and the rest; `None` at the end.
fn split(path: &[u8]) -> (Option<&[u8]>, &[u8]) {
    if path.is_empty() {
        return (None, path);
    }
    match path.iter().position(|byte| *byte == b'/') {
        Some(slash) => (Some(&path[..slash]), &path[slash + 1..]),
        None => (Some(path), &[]),
    }
}
