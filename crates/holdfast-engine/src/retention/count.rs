//! How many snapshots a rule keeps.

use std::fmt;
use std::str::FromStr;

/// How many snapshots a rule keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// This many; zero means no rule.
    Number(u32),
    /// One of each period, however many there are.
    Unlimited,
}

impl Count {
    /// True if nothing is kept.
    pub fn is_zero(self) -> bool {
        self == Self::Number(0)
    }

    /// The rest after one was kept.
    pub(super) fn less_one(self) -> Self {
        match self {
            Self::Number(number) => Self::Number(number.saturating_sub(1)),
            Self::Unlimited => Self::Unlimited,
        }
    }
}

/// Text that is not a count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a count of snapshots; write a whole number such as 7, or unlimited")]
pub struct CountError {
    text: String,
}

impl FromStr for Count {
    type Err = CountError;

    fn from_str(text: &str) -> Result<Self, CountError> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        text.parse().map(Self::Number).map_err(|_| CountError { text: text.to_owned() })
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}
