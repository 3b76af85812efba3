//! Where statements end, byte by byte, as `psql` and the server see it.
//!
//! The text is read with `standard_conforming_strings` on, in an encoding whose later bytes are
//! never ASCII. Whatever two versions of PostgreSQL read differently is [`Unclear`] here: pg_dump
//! writes none of it.

use std::mem;

/// How much of a word shows whether it matters.
const WORD_BYTES: usize = 10;
/// How many words of a statement show whether it creates a function.
const WORDS_MAX: usize = 4;
/// The words that these may be.
const FUNCTION_WORDS: [&[u8]; 5] = [b"create", b"or", b"replace", b"function", b"procedure"];

/// Why a script cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unclear {
    /// Only `psql` has commands that begin with a backslash.
    #[error("a backslash outside quotes, which psql runs as a command")]
    Backslash,
    /// Text ends there.
    #[error("a zero byte")]
    Zero,
    /// Whether backslashes count in the second part depends on the version.
    #[error("a string with escapes that continues after a space")]
    Continued,
    /// Versions before and since 16 read it differently.
    #[error("a number with letters before a quote")]
    Number,
}

/// The effect of a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanStep {
    /// It is between statements, or in a comment.
    Nothing,
    /// It belongs to a statement.
    Inside,
    /// It ends one.
    End,
}

/// Where in the text the scanner is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ScannerState {
    Plain,
    LineComment,
    BlockComment {
        depth: u32,
    },
    /// `'...'`, in which a backslash may escape the next byte.
    Text {
        has_escapes: bool,
    },
    /// After a backslash in such a text.
    Escaped,
    /// After a text with escapes; perhaps also after spaces.
    AfterEscapes {
        is_near: bool,
    },
    Name,
    /// `$tag`, whose end is still to come.
    Tag(Vec<u8>),
    /// In a text that begins and ends with `$tag$`; what followed the last dollar sign.
    Dollar {
        tag: Vec<u8>,
        since: Option<Vec<u8>>,
    },
}

/// The letters and digits before the next byte.
#[derive(Debug, Clone, PartialEq, Eq)]
enum WordRun {
    None,
    /// A word, as far as it matters, in lower case.
    Word(Vec<u8>),
    Number {
        has_letters: bool,
    },
}

/// Follows a script.
#[derive(Debug, Clone)]
pub(crate) struct ScriptScanner {
    state: ScannerState,
    run: WordRun,
    previous: u8,
    parentheses: u32,
    /// Open `BEGIN` and `CASE` in the body of a function.
    blocks: u32,
    /// First letters of the first words, if these create a function.
    words: Vec<u8>,
    has_begun: bool,
    /// The same before the last byte, which may turn out to begin a comment.
    had_begun: bool,
    /// True right after a text with escapes and a minus sign.
    is_behind_escapes: bool,
}

impl Default for ScriptScanner {
    fn default() -> Self {
        Self {
            state: ScannerState::Plain,
            run: WordRun::None,
            previous: 0,
            parentheses: 0,
            blocks: 0,
            words: Vec::new(),
            has_begun: false,
            had_begun: false,
            is_behind_escapes: false,
        }
    }
}

impl ScriptScanner {
    /// True between two statements and outside of comments: a line there may be one for `psql`.
    pub fn is_between(&self) -> bool {
        !self.has_begun && self.state == ScannerState::Plain
    }

    /// True in a statement.
    pub fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// True if nothing is open except a comment on a line.
    pub fn is_done(&self) -> bool {
        !self.has_begun && matches!(self.state, ScannerState::Plain | ScannerState::LineComment)
    }

    /// Adds the next byte.
    pub fn step(&mut self, byte: u8) -> Result<ScanStep, Unclear> {
        if byte == 0 {
            return Err(Unclear::Zero);
        }
        let step = match mem::replace(&mut self.state, ScannerState::Plain) {
            ScannerState::Plain => self.plain(byte)?,
            ScannerState::LineComment => {
                // psql also ends a comment at a carriage return.
                if !matches!(byte, b'\n' | b'\r') {
                    self.state = ScannerState::LineComment;
                }
                self.inside()
            }
            ScannerState::BlockComment { depth } => self.block_comment(byte, depth),
            ScannerState::Text { has_escapes } => {
                self.state = match (byte, has_escapes) {
                    (b'\\', true) => ScannerState::Escaped,
                    (b'\'', true) => ScannerState::AfterEscapes { is_near: true },
                    (b'\'', false) => ScannerState::Plain,
                    _ => ScannerState::Text { has_escapes },
                };
                ScanStep::Inside
            }
            ScannerState::Escaped => {
                self.state = ScannerState::Text { has_escapes: true };
                ScanStep::Inside
            }
            ScannerState::AfterEscapes { is_near } => self.after_escapes(byte, is_near)?,
            ScannerState::Name => {
                if byte != b'"' {
                    self.state = ScannerState::Name;
                }
                ScanStep::Inside
            }
            ScannerState::Tag(tag) => self.tag(byte, tag)?,
            ScannerState::Dollar { tag, since } => {
                self.dollar(byte, tag, since);
                ScanStep::Inside
            }
        };
        Ok(step)
    }

    fn inside(&self) -> ScanStep {
        if self.has_begun { ScanStep::Inside } else { ScanStep::Nothing }
    }

    fn plain(&mut self, byte: u8) -> Result<ScanStep, Unclear> {
        let previous = mem::replace(&mut self.previous, byte);
        let is_behind_escapes = mem::take(&mut self.is_behind_escapes);
        let had_begun = mem::replace(&mut self.had_begun, self.has_begun);
        if self.in_run(byte) {
            self.has_begun = true;
            return Ok(ScanStep::Inside);
        }
        let run = mem::replace(&mut self.run, WordRun::None);
        self.end_word(&run);
        if matches!(byte, b'\'' | b'$') && run == (WordRun::Number { has_letters: true }) {
            return Err(Unclear::Number);
        }
        match (previous, byte) {
            (_, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) => return Ok(self.inside()),
            (_, b'\\') => return Err(Unclear::Backslash),
            (b'-', b'-') if is_behind_escapes => return Err(Unclear::Continued),
            (b'-', b'-') => {
                self.enter(ScannerState::LineComment);
                self.has_begun = had_begun;
                return Ok(self.inside());
            }
            (b'/', b'*') => {
                self.enter(ScannerState::BlockComment { depth: 1 });
                self.has_begun = had_begun;
                return Ok(self.inside());
            }
            (_, b'\'') => {
                let has_escapes = run == WordRun::Word(b"e".to_vec());
                self.enter(ScannerState::Text { has_escapes });
            }
            (_, b'"') => self.enter(ScannerState::Name),
            (_, b'$') => self.enter(ScannerState::Tag(Vec::new())),
            (_, b'(') => self.parentheses += 1,
            (_, b')') => self.parentheses = self.parentheses.saturating_sub(1),
            (_, b';') if self.parentheses == 0 && self.blocks == 0 => {
                let has_begun = self.has_begun;
                *self = Self::default();
                return Ok(if has_begun { ScanStep::End } else { ScanStep::Nothing });
            }
            _ => {}
        }
        self.has_begun = true;
        Ok(ScanStep::Inside)
    }

    fn enter(&mut self, state: ScannerState) {
        (self.state, self.previous) = (state, 0);
    }

    /// Adds a byte to a word or a number; false if it does not belong to one.
    fn in_run(&mut self, byte: u8) -> bool {
        let (is_letter, is_digit) = (is_letter(byte), byte.is_ascii_digit());
        match &mut self.run {
            WordRun::None if is_letter => self.run = WordRun::Word(vec![byte.to_ascii_lowercase()]),
            WordRun::None if is_digit => self.run = WordRun::Number { has_letters: false },
            WordRun::Word(word) if is_letter || is_digit || byte == b'$' => {
                if word.len() < WORD_BYTES {
                    word.push(byte.to_ascii_lowercase());
                }
            }
            WordRun::Number { has_letters } if is_letter || is_digit => *has_letters |= is_letter,
            _ => return false,
        }
        true
    }

    /// Statements within the body of a function do not end it.
    fn end_word(&mut self, run: &WordRun) {
        let WordRun::Word(word) = run else { return };
        if self.words.len() < WORDS_MAX {
            let is_known = FUNCTION_WORDS.contains(&&**word);
            self.words.push(if is_known { word[0] } else { 0 });
        }
        let is_function =
            matches!(*self.words, [b'c', b'f' | b'p', ..] | [b'c', b'o', b'r', b'f' | b'p']);
        match &**word {
            b"begin" if is_function && self.parentheses == 0 => self.blocks += 1,
            b"case" if is_function && self.blocks > 0 && self.parentheses == 0 => self.blocks += 1,
            b"end" if is_function && self.parentheses == 0 => {
                self.blocks = self.blocks.saturating_sub(1);
            }
            _ => {}
        }
    }

    fn block_comment(&mut self, byte: u8, mut depth: u32) -> ScanStep {
        match (self.previous, byte) {
            (b'*', b'/') => (depth, self.previous) = (depth - 1, 0),
            (b'/', b'*') => (depth, self.previous) = (depth + 1, 0),
            _ => self.previous = byte,
        }
        if depth > 0 {
            self.state = ScannerState::BlockComment { depth };
        }
        self.inside()
    }

    fn after_escapes(&mut self, byte: u8, is_near: bool) -> Result<ScanStep, Unclear> {
        match byte {
            b'\'' if is_near => self.state = ScannerState::Text { has_escapes: true },
            b'\'' => return Err(Unclear::Continued),
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => {
                self.state = ScannerState::AfterEscapes { is_near: false };
            }
            _ => {
                // A comment may stand between the parts of a text.
                let step = self.plain(byte);
                self.is_behind_escapes = byte == b'-';
                return step;
            }
        }
        Ok(ScanStep::Inside)
    }

    fn tag(&mut self, byte: u8, mut tag: Vec<u8>) -> Result<ScanStep, Unclear> {
        let continues = is_letter(byte) || (byte.is_ascii_digit() && !tag.is_empty());
        match byte {
            b'$' => self.state = ScannerState::Dollar { tag, since: None },
            _ if continues => {
                tag.push(byte);
                self.state = ScannerState::Tag(tag);
            }
            _ => {
                // A parameter, or a dollar sign and a word.
                if !tag.is_empty() {
                    self.run = WordRun::Word(tag);
                }
                return self.plain(byte);
            }
        }
        Ok(ScanStep::Inside)
    }

    fn dollar(&mut self, byte: u8, tag: Vec<u8>, since: Option<Vec<u8>>) {
        let since = match (byte, since) {
            (b'$', Some(since)) if since == tag => return,
            (b'$', _) => Some(Vec::new()),
            (byte, Some(mut since)) if since.len() < tag.len() => {
                since.push(byte);
                Some(since)
            }
            _ => None,
        };
        self.state = ScannerState::Dollar { tag, since };
    }
}

/// True for a byte that can begin a word.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}
