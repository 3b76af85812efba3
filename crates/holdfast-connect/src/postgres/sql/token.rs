//! The words of one statement.

use std::ops::Range;

/// A part of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SqlToken {
    /// A keyword or a name without quotes, in lower case.
    Word(Vec<u8>),
    /// A quoted name, unquoted.
    Name(Vec<u8>),
    /// A text, whatever its content.
    Text,
    /// A number.
    Number,
    /// Any other single byte.
    Sign(u8),
}

/// Splits one statement into tokens, with or without a semicolon at its end. `None` if it is
/// several statements, or has something that few statements have: a dollar sign, a comment, a
/// backslash outside of a text. Texts are read as with `standard_conforming_strings`.
pub(crate) fn tokens(statement: &[u8]) -> Option<Vec<SqlToken>> {
    Some(placed(statement)?.into_iter().map(|(token, _)| token).collect())
}

/// The tokens at the start of a statement, up to what [`tokens`] does not accept.
pub(crate) fn first_tokens(statement: &[u8]) -> Vec<SqlToken> {
    let (found, _) = scan(statement);
    found.into_iter().map(|(token, _)| token).collect()
}

/// Like [`tokens`], each with its position in the statement.
pub(crate) fn placed(statement: &[u8]) -> Option<Vec<(SqlToken, Range<usize>)>> {
    let (found, is_whole) = scan(statement);
    is_whole.then_some(found)
}

/// The tokens, and whether they cover the whole statement.
fn scan(statement: &[u8]) -> (Vec<(SqlToken, Range<usize>)>, bool) {
    let mut rest = statement.trim_ascii();
    let mut place = statement.len() - statement.trim_ascii_start().len();
    rest = rest.strip_suffix(b";").unwrap_or(rest);
    let mut found = Vec::new();
    while let Some(first) = rest.first() {
        let Some((token, taken)) = first_of(rest) else { return (found, false) };
        found.extend(token.map(|token| (token, place..place + taken)));
        rest = &rest[taken..];
        place += taken;
        // A text or a name directly after a word or a text is a form of its own.
        let is_apart = matches!(first, b' ' | b'\t' | b'\n' | b',' | b'.' | b'(' | b'=');
        if !is_apart && matches!(rest.first(), Some(b'\'' | b'"' | b'&' | b'$')) {
            return (found, false);
        }
    }
    (found, true)
}

/// The token at the start of a text, unless it is a blank, and how many bytes it takes.
fn first_of(rest: &[u8]) -> Option<(Option<SqlToken>, usize)> {
    let first = rest.first()?;
    Some(match first {
        b' ' | b'\t' | b'\n' => (None, 1),
        b'\'' => (Some(SqlToken::Text), quoted_bytes(rest, b'\'', false)?),
        b'e' | b'E' if rest.get(1) == Some(&b'\'') => {
            (Some(SqlToken::Text), 1 + quoted_bytes(&rest[1..], b'\'', true)?)
        }
        b'"' => {
            let taken = quoted_bytes(rest, b'"', false)?;
            (Some(SqlToken::Name(unquoted(&rest[1..taken - 1]))), taken)
        }
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => {
            let taken = rest.iter().take_while(|byte| is_in_word(**byte)).count();
            (Some(SqlToken::Word(rest[..taken].to_ascii_lowercase())), taken)
        }
        b'0'..=b'9' => {
            let is_in_number = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
            (Some(SqlToken::Number), rest.iter().take_while(is_in_number).count())
        }
        b',' | b'.' | b'(' | b')' | b'=' | b'+' => (Some(SqlToken::Sign(*first)), 1),
        // A minus sign, but not two.
        b'-' if rest.get(1) != Some(&b'-') => (Some(SqlToken::Sign(b'-')), 1),
        _ => return None,
    })
}

fn is_in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The length of a quoted part, including its quotes.
fn quoted_bytes(text: &[u8], quote: u8, has_escapes: bool) -> Option<usize> {
    let mut place = 1;
    loop {
        match (text.get(place)?, text.get(place + 1)) {
            (byte, Some(next)) if *byte == quote && *next == quote => place += 2,
            (byte, _) if *byte == quote => return Some(place + 1),
            (b'\\', Some(_)) if has_escapes => place += 2,
            (0, _) => return None,
            _ => place += 1,
        }
    }
}

fn unquoted(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        plain.push(*byte);
        if *byte == b'"' {
            // The second one of a pair.
            bytes.next();
        }
    }
    plain
}

/// A name as written in SQL.
pub(crate) fn quoted(name: &[u8]) -> Vec<u8> {
    let inner = name.iter().flat_map(|byte| match byte {
        b'"' => vec![b'"', b'"'],
        byte => vec![*byte],
    });
    [b'"'].into_iter().chain(inner).chain([b'"']).collect()
}

/// Steps through the tokens of a statement.
pub(crate) struct TokenCursor<'t> {
    rest: &'t [SqlToken],
}

impl<'t> TokenCursor<'t> {
    pub fn new(tokens: &'t [SqlToken]) -> Self {
        Self { rest: tokens }
    }

    /// Consumes these words, if they are next.
    pub fn words(&mut self, words: &str) -> Option<()> {
        let mut rest = self.rest;
        for wanted in words.split(' ') {
            let Some((SqlToken::Word(word), others)) = rest.split_first() else { return None };
            if word != wanted.as_bytes() {
                return None;
            }
            rest = others;
        }
        self.rest = rest;
        Some(())
    }

    /// Consumes a sign, if it is next.
    pub fn sign(&mut self, sign: u8) -> Option<()> {
        match self.rest.split_first() {
            Some((SqlToken::Sign(found), others)) if *found == sign => {
                self.rest = others;
                Some(())
            }
            _ => None,
        }
    }

    /// Consumes a name.
    pub fn name(&mut self) -> Option<&'t [u8]> {
        match self.rest.split_first()? {
            (SqlToken::Word(name) | SqlToken::Name(name), others) => {
                self.rest = others;
                Some(name)
            }
            _ => None,
        }
    }

    /// Consumes a text.
    pub fn text(&mut self) -> Option<()> {
        match self.rest.split_first()? {
            (SqlToken::Text, others) => {
                self.rest = others;
                Some(())
            }
            _ => None,
        }
    }

    /// Consumes everything up to a word.
    pub fn until(&mut self, word: &str) -> Option<&'t [SqlToken]> {
        let is_it = |token: &SqlToken| matches!(token, SqlToken::Word(it) if it == word.as_bytes());
        let place = self.rest.iter().position(is_it)?;
        let (before, others) = self.rest.split_at(place);
        self.rest = &others[1..];
        Some(before)
    }

    /// The remaining tokens.
    pub fn rest(&self) -> &'t [SqlToken] {
        self.rest
    }

    /// True at the end.
    pub fn is_end(&self) -> bool {
        self.rest.is_empty()
    }
}
