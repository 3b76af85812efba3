//! Patterns for one component of a path, as Go's `filepath.Match` understands them.

/// The value that Go gives a byte that is not UTF-8 when comparing it with a range of characters.
const REPLACEMENT: u32 = 0xfffd;

/// A compiled pattern for one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    tokens: Vec<GlobToken>,
    any_case: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum GlobToken {
    /// `*`: any number of bytes.
    Star,
    /// `?`: one character.
    Any,
    /// This byte.
    Byte(u8),
    /// A character whose lower case is this one; only where case is ignored.
    Folded(char),
    /// `[a-z]`: one character within these ranges, or outside all of them.
    Class { is_negated: bool, ranges: Vec<(u32, u32)> },
}

impl Glob {
    /// Compiles `text`; `None` if it is malformed.
    pub(super) fn new(text: &[u8], any_case: bool) -> Option<Self> {
        let folded;
        let mut rest = text;
        if any_case {
            folded = lower(text);
            rest = &folded;
        }
        let mut tokens = Vec::new();
        while let Some((&first, after)) = rest.split_first() {
            rest = after;
            match first {
                b'*' if tokens.last() == Some(&GlobToken::Star) => {}
                b'*' => tokens.push(GlobToken::Star),
                b'?' => tokens.push(GlobToken::Any),
                b'[' => tokens.push(class(&mut rest)?),
                b'\\' => {
                    let (&escaped, after) = rest.split_first()?;
                    rest = after;
                    rest = literal(&mut tokens, escaped, rest, any_case);
                }
                _ => rest = literal(&mut tokens, first, rest, any_case),
            }
        }
        Some(Self { tokens, any_case })
    }

    /// True if the pattern matches all of `name`.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        let (mut token, mut place) = (0, 0);
        // Where to resume if the pattern fails after a star: the star takes one more byte.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            match self.tokens.get(token) {
                Some(GlobToken::Star) => {
                    token += 1;
                    retry = Some((token, place));
                    continue;
                }
                Some(single) => {
                    if let Some(width) = single.width(&name[place..], self.any_case) {
                        (token, place) = (token + 1, place + width);
                        continue;
                    }
                }
                None if place == name.len() => return true,
                None => {}
            }
            match &mut retry {
                Some((after_star, start)) if *start < name.len() => {
                    *start += 1;
                    (token, place) = (*after_star, *start);
                }
                _ => return false,
            }
        }
    }
}

impl GlobToken {
    /// Bytes at the start of `name` that the token matches; `None` if it does not match.
    fn width(&self, name: &[u8], any_case: bool) -> Option<usize> {
        let first = *name.first()?;
        if let Self::Byte(byte) = self {
            return (first == *byte).then_some(1);
        }
        let (character, width) = decode(name);
        let character = if any_case { character.map(lower_character) } else { character };
        let fits = match self {
            Self::Folded(folded) => character == Some(*folded),
            Self::Class { is_negated, ranges } => {
                let code = character.map_or(REPLACEMENT, u32::from);
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&code)) != *is_negated
            }
            _ => true,
        };
        fits.then_some(width)
    }
}

/// Appends the literal that begins with `first`; returns the rest.
fn literal<'a>(tokens: &mut Vec<GlobToken>, first: u8, rest: &'a [u8], any_case: bool) -> &'a [u8] {
    if !any_case {
        tokens.push(GlobToken::Byte(first));
        return rest;
    }
    let mut start = [first, 0, 0, 0];
    let known = rest.len().min(3);
    start[1..=known].copy_from_slice(&rest[..known]);
    let (character, width) = decode(&start[..=known]);
    tokens.push(character.map_or(GlobToken::Byte(first), GlobToken::Folded));
    &rest[width - 1..]
}

/// Reads a class after its opening bracket.
fn class(rest: &mut &[u8]) -> Option<GlobToken> {
    let is_negated = rest.first() == Some(&b'^');
    if is_negated {
        *rest = &rest[1..];
    }
    let mut ranges = Vec::new();
    while ranges.is_empty() || rest.first() != Some(&b']') {
        let low = class_character(rest)?;
        let mut high = low;
        if rest.first() == Some(&b'-') {
            *rest = &rest[1..];
            high = class_character(rest)?;
        }
        ranges.push((low, high));
    }
    *rest = &rest[1..];
    Some(GlobToken::Class { is_negated, ranges })
}

/// Reads one end of a range; something must follow it, if only the closing bracket.
fn class_character(rest: &mut &[u8]) -> Option<u32> {
    match rest.first()? {
        b'-' | b']' => return None,
        b'\\' => *rest = &rest[1..],
        _ => {}
    }
    let (character, width) = decode(rest);
    *rest = rest.get(width..)?;
    if rest.is_empty() { None } else { character.map(u32::from) }
}

/// The character at the start of `bytes` and its width; `None` and 1 for a byte that is not UTF-8.
fn decode(bytes: &[u8]) -> (Option<char>, usize) {
    match bytes.first() {
        Some(first) if first.is_ascii() => return (Some(char::from(*first)), 1),
        Some(_) => {}
        None => return (None, 1),
    }
    let start = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid.chars().next().map_or((None, 1), |first| (Some(first), first.len_utf8()))
}

/// `bytes` in lower case; bytes that are not UTF-8 are kept.
fn lower(bytes: &[u8]) -> Vec<u8> {
    let mut folded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let (character, width) = decode(rest);
        match character.map(lower_character) {
            Some(character) => {
                folded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            None => folded.push(rest[0]),
        }
        rest = &rest[width..];
    }
    folded
}

/// One character in lower case, which is always one character, as in Go.
fn lower_character(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}
