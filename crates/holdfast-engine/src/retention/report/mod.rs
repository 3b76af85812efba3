//! How long data stays: which snapshots hold what there was on a day, which rules keep them, until
//! when, and when the last copy of what was deleted on that day is gone.
//!
//! The future is played through, one run after the other, with the same rules that remove
//! snapshots. It takes for granted that every run succeeds, lacks nothing and happens when it is
//! due, that snapshots are removed after each, and that nobody changes the rules, holds a snapshot
//! or removes one by hand.

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

/// Which data is meant, and what happens to snapshots from now on.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The rules that are applied after every run; none removes nothing.
    pub policy: Option<&'a Policy>,
    /// Rules are applied to each group alone.
    pub group_by: GroupBy,
    /// When runs happen.
    pub rhythm: Rhythm,
    /// Whose calendar day, rules and rhythm go by.
    pub zone: &'a TimeZone,
    /// The present moment.
    pub now: Timestamp,
    /// The day.
    pub day: Date,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When the day begins.
    pub begin: Timestamp,
    /// When the next one begins.
    pub end: Timestamp,
    /// The groups that have snapshots, in the order of their keys.
    pub groups: Vec<GroupReport>,
}

/// What one group holds of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReport {
    /// What its snapshots have in common.
    pub key: GroupKey,
    /// When its newest complete snapshot was made.
    pub newest: Option<Timestamp>,
    /// True if runs are expected to add to it. Rules count snapshots, so that those of a group to
    /// which nothing is added stay for ever.
    pub goes_on: bool,
    /// Snapshots that can hold what there was on the day, newest first: those from before its end.
    pub holdings: Vec<Holding>,
}

/// A snapshot that can hold what there was on the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The snapshot; its id is made up if it is planned.
    pub candidate: Candidate,
    /// True if it is of the day itself; older ones hold what had been there before as well.
    pub of_day: bool,
    /// True if a run has yet to make it, before the day ends.
    pub planned: bool,
    /// The rules that keep it now; none if the next run removes it or has yet to make it.
    pub reasons: Vec<String>,
    /// The rules that keep it longest.
    pub last_reasons: Vec<String>,
    /// When it goes.
    pub end: End,
}

/// When a snapshot goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the run of this moment.
    At(Timestamp),
    /// Later than this; it was not looked further.
    After(Timestamp),
    /// Never.
    Never(Endless),
}

/// Why a snapshot stays for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endless {
    /// It is held.
    Held,
    /// A rule without an end keeps it.
    Rule,
    /// There are no rules.
    NoRules,
    /// Nothing is added to its group any more, so that no rule goes on counting.
    StandsStill,
}

impl End {
    /// Which of two is later.
    fn compare(self, other: End) -> Ordering {
        let rank = |end| match end {
            End::At(moment) => (0, moment),
            End::After(moment) => (1, moment),
            End::Never(_) => (2, Timestamp::MIN),
        };
        rank(self).cmp(&rank(other))
    }
}

impl Report {
    /// All snapshots that can hold what there was on the day.
    pub fn holdings(&self) -> impl Iterator<Item = &Holding> {
        self.groups.iter().flat_map(|group| &group.holdings)
    }

    /// The snapshot that goes last; of several the newest. None if no snapshot holds anything.
    pub fn last(&self) -> Option<&Holding> {
        latest(self.holdings())
    }

    /// The last of those that do go.
    pub fn last_to_go(&self) -> Option<&Holding> {
        latest(self.holdings().filter(|holding| !matches!(holding.end, End::Never(_))))
    }
}

fn latest<'a>(holdings: impl Iterator<Item = &'a Holding>) -> Option<&'a Holding> {
    holdings.max_by(|one, other| {
        let by_time = || one.candidate.time.cmp(&other.candidate.time);
        one.end.compare(other.end).then_with(by_time)
    })
}

/// Looks how long what there was on a day stays in these snapshots.
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
        let asked = forecast::Asked { question, begin, end, goes_on };
        let holdings = asked.holdings(&key, group);
        GroupReport { key, newest: own, goes_on, holdings }
    };
    let groups = question.group_by.split(snapshots).into_iter().map(group_of).collect();
    Ok(Report { begin, end, groups })
}

/// When the newest complete snapshot was made that is not dated in the future.
fn newest_complete(snapshots: &[Candidate], now: Timestamp) -> Option<Timestamp> {
    let complete = snapshots.iter().filter(|it| !it.partial && it.time <= now);
    complete.map(|it| it.time).max()
}

fn midnight(day: Date, zone: &TimeZone) -> Timestamp {
    zone.to_timestamp(day.to_datetime(Time::midnight())).unwrap_or(Timestamp::MAX)
}

/// An id for a snapshot that has yet to be made, for telling it from others.
fn made_up_id(time: Timestamp) -> ObjectId {
    ObjectId::of(&time.as_nanosecond().to_be_bytes())
}

/// Length of a number of hours, as long as there can be.
fn hours(number: u64) -> SignedDuration {
    SignedDuration::from_hours(i64::try_from(number).unwrap_or(i64::MAX).min(1 << 40))
}
