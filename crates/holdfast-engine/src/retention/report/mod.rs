//! How long data is kept: which snapshots hold the data of a day, which rules keep them, until
//! when, and when the last copy of data deleted on that day is gone.
//!
//! The future is simulated, one run after the other, with the same rules that remove snapshots. It
//! assumes that every run succeeds, is complete and happens when it is due, that snapshots are
//! removed after each, and that no one changes the rules, holds a snapshot or removes one by hand.

mod forecast;
mod horizon;
mod rhythm;

use std::cmp::Ordering;

use holdfast_format::ObjectId;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use rhythm::Rhythm;

use super::candidate::Candidate;
use super::group::{GroupBy, GroupKey};
use super::policy::{Policy, PolicyError};
use super::verdict;

/// Which data is meant, and what will happen to snapshots.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The rules that are applied after every run; `None` removes nothing.
    pub policy: Option<&'a Policy>,
    /// Rules are applied to each group separately.
    pub group_by: GroupBy,
    /// When runs happen.
    pub rhythm: Rhythm,
    /// The time zone of the day, the rules and the rhythm.
    pub zone: &'a TimeZone,
    /// The current time.
    pub now: Timestamp,
    /// The day.
    pub day: Date,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When the day starts.
    pub begin: Timestamp,
    /// When the next one starts.
    pub end: Timestamp,
    /// The groups that have snapshots, ordered by their keys.
    pub groups: Vec<GroupReport>,
}

/// What one group holds of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReport {
    /// What its snapshots have in common.
    pub key: GroupKey,
    /// When its newest complete snapshot was made.
    pub newest: Option<Timestamp>,
    /// True if runs are expected to add to it. Rules count snapshots, so a group to which nothing
    /// is added keeps its snapshots forever.
    pub goes_on: bool,
    /// Snapshots that can hold the data of the day, newest first: those made before its end.
    pub holdings: Vec<DataHolder>,
}

/// A snapshot that can hold the data of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataHolder {
    /// The snapshot; its id is made up if it is planned.
    pub candidate: Candidate,
    /// True if it is of the day itself; older ones hold only data that existed before.
    pub of_day: bool,
    /// True if a run has yet to make it, before the day ends.
    pub planned: bool,
    /// The rules that keep it now; empty if the next run removes it or has yet to make it.
    pub reasons: Vec<String>,
    /// The rules that keep it longest.
    pub last_reasons: Vec<String>,
    /// When it is removed.
    pub end: RemovalTime,
}

/// When a snapshot is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalTime {
    /// By the run at this time.
    At(Timestamp),
    /// Later than this; the search ended here.
    After(Timestamp),
    /// Never.
    Never(Endless),
}

/// Why a snapshot is kept forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endless {
    /// It is held.
    Held,
    /// A rule without an end keeps it.
    Rule,
    /// There are no rules.
    NoRules,
    /// Nothing is added to its group any more, so no rule continues counting.
    StandsStill,
}

impl RemovalTime {
    /// The later of two.
    fn compare(self, other: RemovalTime) -> Ordering {
        let rank = |end| match end {
            RemovalTime::At(moment) => (0, moment),
            RemovalTime::After(moment) => (1, moment),
            RemovalTime::Never(_) => (2, Timestamp::MIN),
        };
        rank(self).cmp(&rank(other))
    }
}

impl Report {
    /// All snapshots that can hold the data of the day.
    pub fn holdings(&self) -> impl Iterator<Item = &DataHolder> {
        self.groups.iter().flat_map(|group| &group.holdings)
    }

    /// The snapshot that is removed last; of several the newest. `None` if no snapshot holds
    /// anything.
    pub fn last(&self) -> Option<&DataHolder> {
        latest(self.holdings())
    }

    /// The last of those that are removed at all.
    pub fn last_to_go(&self) -> Option<&DataHolder> {
        latest(self.holdings().filter(|holding| !matches!(holding.end, RemovalTime::Never(_))))
    }
}

fn latest<'a>(holdings: impl Iterator<Item = &'a DataHolder>) -> Option<&'a DataHolder> {
    holdings.max_by(|one, other| {
        let by_time = || one.candidate.time.cmp(&other.candidate.time);
        one.end.compare(other.end).then_with(by_time)
    })
}

/// Computes how long the data of a day is kept in these snapshots.
///
/// # Errors
/// [`PolicyError::Empty`] if there are rules and none of them keeps anything.
pub fn report(question: &Question<'_>, snapshots: Vec<Candidate>) -> Result<Report, PolicyError> {
    if question.policy.is_some_and(|policy| policy.is_empty() && !policy.allow_empty) {
        return Err(PolicyError::Empty);
    }
    let begin = midnight(question.day, question.zone);
    let end = question.day.tomorrow().map_or(Timestamp::MAX, |day| midnight(day, question.zone));
    let newest = newest_complete(&snapshots, question.now);
    let group_of = |(key, group): (GroupKey, Vec<Candidate>)| {
        let own = newest_complete(&group, question.now);
        let goes_on = own.zip(newest).is_some_and(|(own, newest)| {
            newest.duration_since(own) <= question.rhythm.standstill()
        });
        let asked = forecast::ForecastQuery { question, begin, end, goes_on };
        let holdings = asked.holdings(&key, group);
        GroupReport { key, newest: own, goes_on, holdings }
    };
    let groups = question.group_by.split(snapshots).into_iter().map(group_of).collect();
    Ok(Report { begin, end, groups })
}

/// When the newest complete snapshot was made, ignoring those dated in the future.
fn newest_complete(snapshots: &[Candidate], now: Timestamp) -> Option<Timestamp> {
    let complete = snapshots.iter().filter(|it| !it.partial && it.time <= now);
    complete.map(|it| it.time).max()
}

fn midnight(day: Date, zone: &TimeZone) -> Timestamp {
    zone.to_timestamp(day.to_datetime(Time::midnight())).unwrap_or(Timestamp::MAX)
}

/// An id for a snapshot that has yet to be made, to distinguish it from others.
fn made_up_id(time: Timestamp) -> ObjectId {
    ObjectId::of(&time.as_nanosecond().to_be_bytes())
}

/// A duration of this many hours, or the longest possible one.
fn hours(number: u64) -> SignedDuration {
    SignedDuration::from_hours(i64::try_from(number).unwrap_or(i64::MAX).min(1 << 40))
}
