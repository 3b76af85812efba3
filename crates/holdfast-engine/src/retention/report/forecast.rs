//! The future of one group, run by run.

use std::collections::BTreeMap;

use holdfast_format::ObjectId;
use jiff::Timestamp;

use super::{DataHolder, Endless, Question, RemovalTime, horizon, made_up_id, verdict};
use crate::retention::candidate::Candidate;
use crate::retention::group::GroupKey;
use crate::retention::policy::Policy;
use crate::retention::protect::Protected;
use crate::retention::{GroupOutcome, KeptSnapshot};

/// Maximum number of judgements on a snapshot before the search ends: takes some seconds.
const JUDGEMENTS_MAX: usize = 20_000_000;

/// The query about a group.
pub(super) struct ForecastQuery<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) begin: Timestamp,
    pub(super) end: Timestamp,
    pub(super) goes_on: bool,
}

impl ForecastQuery<'_> {
    /// The snapshots of a group that can hold the data of the day, newest first, with their ends.
    pub(super) fn holdings(&self, key: &GroupKey, group: Vec<Candidate>) -> Vec<DataHolder> {
        let mut holdings = match self.question.policy {
            None => self.for_ever(group),
            Some(policy) => SimulatedGroup::new(self, policy, key, group).play(),
        };
        holdings.sort_by(|one, other| one.candidate.newest_first(&other.candidate));
        holdings
    }

    fn for_ever(&self, group: Vec<Candidate>) -> Vec<DataHolder> {
        let holding =
            |candidate| self.holding(candidate, false, RemovalTime::Never(Endless::NoRules));
        group.into_iter().filter(|it| self.holds(it)).map(holding).collect()
    }

    fn holding(&self, candidate: Candidate, planned: bool, end: RemovalTime) -> DataHolder {
        let of_day = (self.begin..self.end).contains(&candidate.time);
        let (reasons, last_reasons) = (Vec::new(), Vec::new());
        DataHolder { candidate, of_day, planned, reasons, last_reasons, end }
    }

    /// True if an existing snapshot can hold the data of the day. One dated in the future was made
    /// before now, whatever its clock said.
    fn holds(&self, candidate: &Candidate) -> bool {
        candidate.time < self.end || candidate.time > self.question.now
    }
}

/// A group while runs add to it and rules remove from it.
struct SimulatedGroup<'a> {
    asked: &'a ForecastQuery<'a>,
    policy: &'a Policy,
    key: GroupKey,
    /// What the next run adds, except for its time.
    model: Option<Candidate>,
    /// Existing snapshots.
    there: Vec<Candidate>,
    /// Those whose end is to be found.
    open: BTreeMap<ObjectId, DataHolder>,
    closed: Vec<DataHolder>,
}

impl<'a> SimulatedGroup<'a> {
    fn new(
        asked: &'a ForecastQuery<'a>,
        policy: &'a Policy,
        key: &GroupKey,
        group: Vec<Candidate>,
    ) -> Self {
        let newest = |group: &[Candidate]| group.iter().max_by_key(|it| it.time).cloned();
        let complete: Vec<_> = group.iter().filter(|it| !it.partial).cloned().collect();
        let model = newest(&complete).or_else(|| newest(&group));
        let mut future = Self {
            asked,
            policy,
            key: key.clone(),
            model,
            there: Vec::new(),
            open: BTreeMap::new(),
            closed: Vec::new(),
        };
        let now = asked.question.now;
        let unknown = RemovalTime::After(now);
        for candidate in group.iter().filter(|it| asked.holds(it)) {
            let holding = asked.holding(candidate.clone(), false, unknown);
            future.open.insert(candidate.id, holding);
        }
        let outcome = future.judge(group, now);
        for KeptSnapshot { candidate, reasons, .. } in outcome.keep {
            if let Some(holding) = future.open.get_mut(&candidate.id) {
                holding.last_reasons.clone_from(&reasons);
                holding.reasons = reasons;
            }
            future.there.push(candidate);
        }
        future.there.extend(outcome.remove);
        future
    }

    fn judge(&self, group: Vec<Candidate>, now: Timestamp) -> GroupOutcome {
        let (key, zone) = (self.key.clone(), self.asked.question.zone);
        let protected = match self.policy.allow_empty {
            true => Protected::default(),
            false => Protected::of(&group, now),
        };
        verdict::judge(self.policy, key, group, &protected, zone, now)
    }

    fn play(mut self) -> Vec<DataHolder> {
        let question = self.asked.question;
        self.close_what_never_ends();
        let latest = self.there.iter().map(|it| it.time).max().unwrap_or(question.now);
        let length = super::hours(horizon::hours(self.policy, question.rhythm));
        let from = latest.max(question.now).max(self.asked.end);
        let horizon = from.checked_add(length).unwrap_or(Timestamp::MAX);
        let (mut moment, mut judgements) = (question.now, 0);
        // Until the end of the day, runs also make snapshots that may hold its data.
        while !self.open.is_empty() || moment < self.asked.end {
            let Some(next) = question.rhythm.next(moment, question.zone) else {
                return self.end(RemovalTime::After(moment));
            };
            moment = next;
            judgements += self.there.len() + 1;
            if judgements > JUDGEMENTS_MAX {
                return self.end(RemovalTime::After(moment));
            }
            self.run(moment);
            if !self.asked.goes_on {
                return self.end(RemovalTime::Never(Endless::StandsStill));
            }
            if moment > horizon {
                return self.end(RemovalTime::Never(Endless::Rule));
            }
        }
        self.end(RemovalTime::After(moment))
    }

    /// Holds and tags keep a snapshot whatever happens.
    fn close_what_never_ends(&mut self) {
        let ends = |candidate: &Candidate| {
            let has_tags = self.policy.tags.iter().any(|list| list.matches(&candidate.tags));
            match (candidate.hold, has_tags && !candidate.partial) {
                (true, _) => Some(RemovalTime::Never(Endless::Held)),
                (false, true) => Some(RemovalTime::Never(Endless::Rule)),
                (false, false) => None,
            }
        };
        let (closed, open) = std::mem::take(&mut self.open)
            .into_iter()
            .partition::<BTreeMap<_, _>, _>(|(_, it)| ends(&it.candidate).is_some());
        self.open = open;
        for mut holding in closed.into_values() {
            holding.end = ends(&holding.candidate).unwrap_or(holding.end);
            self.closed.push(holding);
        }
    }

    /// One run: adds a snapshot, and removes those that no rule keeps.
    fn run(&mut self, moment: Timestamp) {
        if let Some(candidate) = self.made(moment) {
            if moment < self.asked.end {
                let holding =
                    self.asked.holding(candidate.clone(), true, RemovalTime::After(moment));
                self.open.insert(candidate.id, holding);
            }
            self.there.push(candidate);
        }
        let there = std::mem::take(&mut self.there);
        let outcome = self.judge(there, moment);
        for candidate in outcome.remove {
            if let Some(holding) = self.open.remove(&candidate.id) {
                self.closed.push(DataHolder { end: RemovalTime::At(moment), ..holding });
            }
        }
        for KeptSnapshot { candidate, reasons, .. } in outcome.keep {
            if let Some(holding) = self.open.get_mut(&candidate.id) {
                holding.last_reasons = reasons;
            }
            self.there.push(candidate);
        }
    }

    /// What a run makes, if runs continue.
    fn made(&self, time: Timestamp) -> Option<Candidate> {
        let model = self.model.clone().filter(|_| self.asked.goes_on)?;
        let quality = model.quality.without_faults();
        let id = made_up_id(time);
        Some(Candidate { id, time, hold: false, partial: false, quality, ..model })
    }

    /// Gives the remaining ones this end.
    fn end(mut self, end: RemovalTime) -> Vec<DataHolder> {
        let open = std::mem::take(&mut self.open).into_values();
        self.closed.extend(open.map(|holding| DataHolder { end, ..holding }));
        self.closed
    }
}
