//! Where a rule is broken.

use std::fmt;

/// A place and the rule that does not hold there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// From the top of the tree.
    pub path: String,
    /// From 1; 0 for the file as a whole.
    pub line: usize,
    /// What should be.
    pub rule: String,
}

impl Finding {
    /// Breaks a rule in a line.
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
