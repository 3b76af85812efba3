//! What checks found.

use holdfast_connect::words::count;
use holdfast_format::record::CheckRecord;

use super::references::{Fault, Findings};
use super::settings::OnFailure;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    /// Its name.
    pub name: String,
    /// True if it found nothing wrong.
    pub passed: bool,
    /// What happens if it fails.
    pub on_failure: OnFailure,
    /// The source that must contain what rows refer to; empty for checks of other kinds.
    pub objects_in: String,
    /// What was found.
    pub judgement: Judgement,
}

/// What a check found, by its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Rows and the objects or files they refer to.
    References(Findings),
    /// A value, and the one that was expected.
    Value {
        /// What the query returned.
        found: String,
        /// What it should return.
        expected: String,
    },
    /// Rows, and those that do not follow their predecessor.
    Rows {
        /// All of them.
        rows: u64,
        /// Those preceded by a gap or a wrong link.
        broken: u64,
        /// How many more the previous snapshot has: rows cut off at the end cause no break.
        fewer: u64,
    },
}

impl CheckOutcome {
    /// Compares the rows of a sequence or chain, which only grow, with the previous snapshot.
    pub(crate) fn compare(&mut self, before: &[CheckRecord]) {
        let before = before.iter().find(|before| before.name == self.name);
        if let (Judgement::Rows { rows, fewer, .. }, Some(before)) = (&mut self.judgement, before) {
            *fewer = before.checked.saturating_sub(*rows);
            self.passed &= *fewer == 0;
        }
    }

    /// True if no snapshot may be made. Fewer rows are no reason, or no snapshot could ever be made
    /// again.
    pub(crate) fn is_refusal(&self) -> bool {
        let is_only_shorter = matches!(self.judgement, Judgement::Rows { broken: 0, .. });
        self.on_failure == OnFailure::Fail && !self.passed && !is_only_shorter
    }

    /// What the snapshot records.
    pub(crate) fn record(&self) -> CheckRecord {
        let (checked, failed, orphans) = match &self.judgement {
            Judgement::References(it) => (it.wanted, it.failed, it.orphans),
            Judgement::Value { .. } => (1, u64::from(!self.passed), 0),
            Judgement::Rows { rows, broken, fewer } => (*rows, *broken + *fewer, 0),
        };
        CheckRecord { name: self.name.clone(), passed: self.passed, checked, failed, orphans }
    }

    /// What was found, in one sentence.
    pub fn sentence(&self) -> String {
        match &self.judgement {
            Judgement::References(it) if it.failed == 0 => {
                let compared = match it.compared {
                    0 => String::new(),
                    count => format!(", {count} compared by ETag or hash"),
                };
                let (wanted, orphans) = (it.wanted, it.orphans);
                format!("{wanted} referenced, 0 missing{compared}, {orphans} unreferenced")
            }
            Judgement::References(it) => {
                let (failed, wanted, orphans) = (it.failed, it.wanted, it.orphans);
                let named = named(it);
                format!(
                    "{failed} of {wanted} referenced are missing or wrong: {named}; {orphans} \
                     unreferenced"
                )
            }
            Judgement::Value { found, expected } => {
                format!("returned {found}, expected {expected}")
            }
            Judgement::Rows { rows, broken, fewer: 0 } => match broken {
                0 => format!("{}, no breaks", count(*rows, "row", "rows")),
                _ => breaks(*broken, *rows),
            },
            Judgement::Rows { rows, broken, fewer } => format!(
                "{}, {fewer} fewer than in the previous snapshot: rows were deleted, or an older \
                 state was restored",
                breaks(*broken, *rows)
            ),
        }
    }
}

fn breaks(broken: u64, rows: u64) -> String {
    format!("{} in {}", count(broken, "break", "breaks"), count(rows, "row", "rows"))
}

/// The first few faults.
fn named(findings: &Findings) -> String {
    const SHOWN: usize = 5;
    let one = |(key, fault): &(Vec<u8>, Fault)| {
        let key = String::from_utf8_lossy(key);
        match fault {
            Fault::Missing => format!("{key:?} is missing"),
            Fault::Unreadable => format!("{key:?} could not be read"),
            Fault::Size { wanted, found } => format!("{key:?} has {found} bytes, not {wanted}"),
            Fault::Hash { column, wanted, found } if found.is_empty() => {
                format!("{key:?} has no {}, but the row says {wanted}", column.name())
            }
            Fault::Hash { column, wanted, found } => {
                format!("{key:?} has {} {found}, not {wanted}", column.name())
            }
            Fault::Senseless { column, wanted } => {
                let column = column.name();
                format!("the row of {key:?} has a malformed {column}, {wanted:?}")
            }
            Fault::NotCompared => format!("{key:?} could not be compared with its hash"),
        }
    };
    let mut words: Vec<String> = findings.named.iter().take(SHOWN).map(one).collect();
    if findings.failed > words.len() as u64 {
        words.push(format!("and {} more", findings.failed - words.len() as u64));
    }
    words.join(", ")
}
