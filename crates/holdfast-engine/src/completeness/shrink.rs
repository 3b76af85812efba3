//! When a source counts as shrunk.

use std::fmt;
use std::str::FromStr;

use holdfast_format::record::SourceExtent;

/// Sources with fewer entries than this are not compared by number of entries: one file more or
/// less is a large share.
const ENTRIES_MIN: u64 = 10;
/// The same for bytes.
const BYTES_MIN: u64 = 1 << 20;

/// The share of its entries and bytes that a source must still have, in percent. Zero allows any
/// shrinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShrinkLimit(u8);

/// Text that is not a valid share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a percentage from 0% to 100%, such as 50%")]
pub struct ShrinkLimitError {
    text: String,
}

impl Default for ShrinkLimit {
    /// 50 percent.
    fn default() -> Self {
        Self(50)
    }
}

impl ShrinkLimit {
    /// No source counts as shrunk.
    pub const NONE: Self = Self(0);

    /// True if `now` is far less than `before`.
    pub fn is_shrunk(self, before: SourceExtent, now: SourceExtent) -> bool {
        let less = |before: u64, now: u64, least: u64| {
            before >= least && u128::from(now) * 100 < u128::from(before) * u128::from(self.0)
        };
        less(before.entries, now.entries, ENTRIES_MIN) || less(before.bytes, now.bytes, BYTES_MIN)
    }
}

impl FromStr for ShrinkLimit {
    type Err = ShrinkLimitError;

    fn from_str(text: &str) -> Result<Self, ShrinkLimitError> {
        let number = text.strip_suffix('%').filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
        let percent = number.and_then(|it| it.parse().ok()).filter(|percent| *percent <= 100);
        percent.map(Self).ok_or_else(|| ShrinkLimitError { text: text.to_owned() })
    }
}

impl fmt::Display for ShrinkLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}
