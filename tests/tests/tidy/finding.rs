//! Violations of rules.

use std::fmt;

/// A position and the rule that it violates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The path from the root of the tree.
    pub path: String,
    /// The line, from 1; 0 for the whole file.
    pub line: usize,
    /// The rule.
    pub rule: String,
}

impl Finding {
    /// A violation in a line.
    pub fn new(path: &str, line: usize, rule: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule: rule.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.rule),
            line => write!(f, "{}:{line}: {}", self.path, self.rule),
        }
    }
}
