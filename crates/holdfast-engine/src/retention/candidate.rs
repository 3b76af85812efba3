//! What retention and selection know about a snapshot.

use std::cmp::Ordering;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use holdfast_format::ObjectId;
use holdfast_format::record::Text;
use jiff::Timestamp;

use crate::completeness::Quality;

/// A snapshot that may be kept, removed or selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: ObjectId,
    /// The time that rules and selections use.
    pub time: Timestamp,
    /// Its slot in the chain of its host, which shows the order of storing.
    pub sequence: u64,
    /// Host that it belongs to.
    pub host: String,
    /// What was backed up.
    pub paths: Vec<Text>,
    /// Its current tags.
    pub tags: Vec<String>,
    /// True if no rule may remove it.
    pub hold: bool,
    /// True if its backup did not finish.
    pub partial: bool,
    /// How good it is as a backup.
    pub quality: Quality,
}

impl Candidate {
    /// The order in which snapshots are judged and selected.
    ///
    /// Among those with equal times, the one stored last is the newest. Ids break ties between
    /// hosts, so that the result never depends on the order of listing.
    pub fn newest_first(&self, other: &Self) -> Ordering {
        let key = |it: &Self| (it.time, it.sequence);
        key(other).cmp(&key(self)).then_with(|| self.id.cmp(&other.id))
    }
}

/// Tags that a snapshot must all have; the empty list matches snapshots without tags.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagList(pub Vec<String>);

impl TagList {
    /// True if a snapshot with these tags matches.
    pub fn matches(&self, tags: &[String]) -> bool {
        if self.0.is_empty() {
            return tags.is_empty();
        }
        self.0.iter().all(|tag| tags.contains(tag))
    }
}

impl FromStr for TagList {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let tags = text.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        Ok(Self(tags.map(str::to_owned).collect()))
    }
}

impl fmt::Display for TagList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.0.join(", "))
    }
}
