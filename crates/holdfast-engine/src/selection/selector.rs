//! How a command names a snapshot: `latest~2:etc`, `4f1c`.

use std::str::FromStr;

use holdfast_format::ObjectId;
use holdfast_format::record::Text;

/// Which snapshot is meant, and which folder in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotSelector {
    /// The snapshot.
    pub base: Base,
    /// The folder in it; `None` for all of it.
    pub subfolder: Option<Text>,
}

/// Which snapshot is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// The newest complete one, after skipping some.
    Latest {
        /// Number of newer ones to skip.
        back: usize,
    },
    /// The only one whose id starts with these lower-case digits.
    Prefix(String),
}

impl Default for Base {
    fn default() -> Self {
        Self::Latest { back: 0 }
    }
}

/// Text that does not name a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" does not name a snapshot; write latest, latest~2 or the first digits of an id")]
pub struct ParseSelectorError {
    text: String,
}

impl FromStr for SnapshotSelector {
    type Err = ParseSelectorError;

    fn from_str(text: &str) -> Result<Self, ParseSelectorError> {
        let (base, subfolder) = text.split_once(':').unwrap_or((text, ""));
        let base = parse_base(base).ok_or_else(|| ParseSelectorError { text: text.to_owned() })?;
        let subfolder = Some(subfolder).filter(|folder| !folder.is_empty()).map(Text::from);
        Ok(Self { base, subfolder })
    }
}

fn parse_base(text: &str) -> Option<Base> {
    if let Some(rest) = text.strip_prefix("latest") {
        let back = match rest.strip_prefix('~') {
            // Digits only, because the number parser would accept a sign too.
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            None if rest.is_empty() => 0,
            _ => return None,
        };
        return Some(Base::Latest { back });
    }
    let digits = 1..=2 * ObjectId::BYTES;
    let is_prefix = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_prefix.then(|| Base::Prefix(text.to_ascii_lowercase()))
}
