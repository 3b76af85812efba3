//! Whether an SQL script of pg_dump or pg_dumpall is complete.
//!
//! Such a script ends with a comment that says so. The same text may occur in the data, so it
//! counts only as the very last lines. Since the minor versions of August 2025 a script is also
//! framed by `\restrict` and `\unrestrict` with a random word for each dump; the second must follow
//! if the first is there.

/// The program that wrote a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainKind {
    /// `pg_dump`: one database.
    Database,
    /// `pg_dumpall`: roles and tablespaces, and all databases unless they were left out.
    Cluster,
}

/// Why a script is not accepted as a complete dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlainError {
    /// It has no bytes.
    #[error("the dump is empty, so the command wrote nothing")]
    Empty,
    /// It begins differently.
    #[error("this is not an SQL script made by pg_dump or pg_dumpall")]
    NotPlain,
    /// Every line feed became two bytes.
    #[error(
        "the script went through a terminal, which changed bytes in it: run the command without a \
         terminal (docker compose exec -T; docker exec, kubectl exec and ssh without -t)"
    )]
    Terminal,
    /// The end is missing.
    #[error(
        "the script lacks the end that pg_dump writes: the dump is incomplete; find out why \
         pg_dump or its connection stopped, and create it again"
    )]
    CutShort,
}

/// Checks a script while it passes, in pieces of any size.
#[derive(Debug, Clone)]
pub struct PlainCheck {
    /// The current line, as far as it matters.
    line: Vec<u8>,
    lines: u64,
    kind: Option<PlainKind>,
    error: Option<PlainError>,
    /// The word of the first `\restrict`, before any other command.
    word: Option<Vec<u8>>,
    /// True until the first line that is not a comment.
    is_head: bool,
    /// True between `\restrict` and `\unrestrict`.
    is_restricted: bool,
    end: PlainEnd,
}

/// How much of the end has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlainEnd {
    /// Anything may follow.
    None,
    /// `--`
    Dashes,
    /// The sentence.
    Sentence,
    /// `--` again.
    Closed,
    /// The empty line: a cluster ends here, and a database without `\restrict`.
    Complete,
    /// `\unrestrict` with the word of this dump.
    Released,
    /// The empty line after it: a database ends here.
    ReleasedComplete,
}

/// Longer lines do not matter: pg_dump's random word has 63 characters.
const LINE_BYTES_MAX: usize = 1024;

impl Default for PlainCheck {
    fn default() -> Self {
        Self::new()
    }
}

impl PlainCheck {
    /// The state before the first byte.
    pub fn new() -> Self {
        Self {
            line: Vec::new(),
            lines: 0,
            kind: None,
            error: None,
            word: None,
            is_head: true,
            is_restricted: false,
            end: PlainEnd::None,
        }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, is_whole) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            let room = (LINE_BYTES_MAX + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if is_whole {
                let mut line = std::mem::take(&mut self.line);
                self.end_line(&line);
                line.clear();
                self.line = line;
            }
        }
    }

    /// The kind of script, once all of it has passed.
    ///
    /// # Errors
    /// [`PlainError`]: it is not a script of pg_dump, or incomplete.
    pub fn finish(self) -> Result<PlainKind, PlainError> {
        if self.lines == 0 && self.line.is_empty() {
            return Err(PlainError::Empty);
        }
        if let Some(error) = self.error {
            return Err(error);
        }
        let kind = self.kind.ok_or(PlainError::NotPlain)?;
        let wanted = match (kind, &self.word) {
            (PlainKind::Database, Some(_)) => PlainEnd::ReleasedComplete,
            _ => PlainEnd::Complete,
        };
        match self.end == wanted && !self.is_restricted && self.line.is_empty() {
            true => Ok(kind),
            false => Err(PlainError::CutShort),
        }
    }

    fn end_line(&mut self, line: &[u8]) {
        self.lines += 1;
        match self.lines {
            1 if line == b"--\r" => self.error = Some(PlainError::Terminal),
            1 if line != b"--" => self.error = Some(PlainError::NotPlain),
            2 => self.take_title(line),
            _ => {}
        }
        self.follow_word(line);
        self.end = self.next_end(line);
    }

    fn take_title(&mut self, line: &[u8]) {
        self.kind = match line {
            b"-- PostgreSQL database dump" => Some(PlainKind::Database),
            b"-- PostgreSQL database cluster dump" => Some(PlainKind::Cluster),
            _ => None,
        };
        if self.kind.is_none() {
            self.error.get_or_insert(PlainError::NotPlain);
        }
    }

    /// Notes where the script enters and leaves psql's restricted mode.
    fn follow_word(&mut self, line: &[u8]) {
        if let Some(word) = line.strip_prefix(b"\\restrict ") {
            if self.is_head {
                self.word = Some(word.to_vec());
            }
            // With a different word the line is data.
            self.is_restricted |= self.word.as_deref() == Some(word);
        }
        if self.releases(line) {
            self.is_restricted = false;
        }
        self.is_head &= line.is_empty() || line.starts_with(b"--");
    }

    fn releases(&self, line: &[u8]) -> bool {
        let word = line.strip_prefix(b"\\unrestrict ");
        word.is_some() && word == self.word.as_deref()
    }

    /// The state of the end after one more line.
    fn next_end(&self, line: &[u8]) -> PlainEnd {
        let sentence: &[u8] = match self.kind {
            Some(PlainKind::Cluster) => b"-- PostgreSQL database cluster dump complete",
            _ => b"-- PostgreSQL database dump complete",
        };
        match self.end {
            PlainEnd::Dashes if line == sentence => PlainEnd::Sentence,
            PlainEnd::Sentence if line == b"--" => PlainEnd::Closed,
            PlainEnd::Closed if line.is_empty() => PlainEnd::Complete,
            PlainEnd::Complete if self.releases(line) => PlainEnd::Released,
            PlainEnd::Released if line.is_empty() => PlainEnd::ReleasedComplete,
            _ if line == b"--" => PlainEnd::Dashes,
            _ => PlainEnd::None,
        }
    }
}
