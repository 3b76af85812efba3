//! Why stored bytes were refused.

/// Bytes that do not conform to `docs/format.md`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The input ends before the structure does.
    #[error("the {what} is cut short")]
    Truncated {
        /// The structure that was being read.
        what: &'static str,
    },
    /// The first bytes are not the magic of this kind of object.
    #[error("this is not a {what}")]
    Magic {
        /// The structure that was expected.
        what: &'static str,
    },
    /// Written by a newer version of the format.
    #[error("the {what} has format version {found}, this program reads up to {known}")]
    Version {
        /// The structure that was being read.
        what: &'static str,
        /// Version found.
        found: u16,
        /// Newest version this program knows.
        known: u16,
    },
    /// A checksum or the stored length does not match.
    #[error("the {what} is damaged: its checksum does not match")]
    Checksum {
        /// The structure that was being read.
        what: &'static str,
    },
    /// A value is not allowed at its position.
    #[error("the {what} is not valid: {why}")]
    Invalid {
        /// The structure that was being read.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A length or a count above its limit.
    #[error("the {what} is above its limit: {found}, at most {limit}")]
    Limit {
        /// The structure that was being read.
        what: &'static str,
        /// Value found.
        found: u64,
        /// Largest value allowed.
        limit: u64,
    },
    /// The repository needs a feature that this program does not have.
    #[error("the repository uses the feature \"{feature}\", which this program does not know")]
    Feature {
        /// Name of the feature.
        feature: String,
    },
}
