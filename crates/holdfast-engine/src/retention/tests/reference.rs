//! The rules by their definitions: each snapshot is judged individually, by examining all others.

use super::*;

type RuleName = Box<dyn Fn(&Candidate) -> String>;

/// Why each snapshot is kept.
pub(super) fn expected(
    policy: &Policy,
    all: &[Candidate],
    zone: &TimeZone,
    now: Timestamp,
) -> BTreeMap<ObjectId, Vec<String>> {
    let reasons = all.iter().map(|candidate| {
        let group: Vec<_> = all.iter().filter(|other| other.host == candidate.host).collect();
        let group = ReferenceGroup { policy, group, zone, now };
        let (mut reasons, protection) = (group.reasons(candidate), group.protection(candidate));
        // This reason is given for the newest of all only if nothing else keeps it.
        if reasons.is_empty() || group.series(candidate).any(|other| is_newer(other, candidate)) {
            reasons.extend(protection);
        }
        (candidate.id, reasons)
    });
    reasons.collect()
}

/// What a snapshot can be good for, and the reason given for the last one that is.
type Good<'a> = (&'a dyn Fn(&Candidate) -> bool, String);

struct ReferenceGroup<'a> {
    policy: &'a Policy,
    group: Vec<&'a Candidate>,
    zone: &'a TimeZone,
    now: Timestamp,
}

/// True if `one` comes before `other` in the group.
fn is_newer(one: &Candidate, other: &Candidate) -> bool {
    let of = |it: &Candidate| (it.time, it.sequence, std::cmp::Reverse(it.id));
    of(one) > of(other)
}

impl ReferenceGroup<'_> {
    fn reasons(&self, candidate: &Candidate) -> Vec<String> {
        let mut reasons = Vec::new();
        if candidate.hold {
            reasons.push("held".to_owned());
        }
        if candidate.partial {
            if !self.counted().any(|other| other.time >= candidate.time) {
                reasons.push("unfinished, may be resumed".to_owned());
            }
            return reasons;
        }
        for list in &self.policy.tags {
            let has_all = list.0.iter().all(|tag| candidate.tags.contains(tag));
            if has_all && (!list.0.is_empty() || candidate.tags.is_empty()) {
                reasons.push(format!("has tags [{}]", list.0.join(", ")));
            }
        }
        if candidate.time <= self.now {
            reasons.extend(self.reasons_of_time(candidate));
        } else if self.policy != &(Policy { tags: self.policy.tags.clone(), ..Policy::default() }) {
            reasons.push("dated in the future".to_owned());
        }
        reasons
    }

    /// The snapshots that can replace this one: of its host and paths, and in the future if it is.
    fn series(&self, c: &Candidate) -> impl Iterator<Item = &Candidate> {
        let (is_future, paths) = (c.time > self.now, c.paths.clone());
        let all = self.group.iter().copied().filter(|other| !other.partial);
        all.filter(move |it| (it.time > self.now) == is_future && it.paths == paths)
    }

    /// Why no rule may remove it.
    fn protection(&self, c: &Candidate) -> Vec<String> {
        let newest =
            self.series(c).reduce(|one, other| if is_newer(other, one) { other } else { one });
        let (false, Some(newest)) = (c.partial, newest) else { return Vec::new() };
        let is_last = |is_good: &dyn Fn(&Candidate) -> bool| {
            is_good(c) && !self.series(c).any(|other| is_newer(other, c) && is_good(other))
        };
        let names: Vec<&str> = newest.quality.sources.iter().map(|it| &*it.name).collect();
        let of = |it: &Candidate, name: &str, grade: Grade| {
            let mut sources = it.quality.sources.iter().filter(|source| source.name == name);
            sources.any(|source| source.grade <= grade && !source.is_shrunk)
        };
        let sound = |it: &Candidate| {
            let all = it.quality.sources.iter();
            let has_all = names.iter().all(|name| of(it, name, Grade::Complete));
            has_all
                && all.clone().all(|it| it.grade == Grade::Complete && !it.is_shrunk)
                && it.quality.checks != Some(false)
        };
        if is_last(&sound) {
            return vec!["last complete snapshot".to_owned()];
        }
        let mut reasons = Vec::new();
        for name in &names {
            let suffix = if names.len() == 1 { String::new() } else { format!(" of {name}") };
            let complete = |it: &Candidate| of(it, name, Grade::Complete);
            let whole = |it: &Candidate| of(it, name, Grade::Changed);
            let full = |it: &Candidate| of(it, name, Grade::Holed);
            let goods: [Good<'_>; 3] = [
                (&complete, format!("last complete capture{suffix}")),
                (&whole, format!("last capture{suffix} with nothing missing")),
                (&full, format!("last full-size capture{suffix}")),
            ];
            reasons.extend(goods.into_iter().find(|(good, _)| is_last(*good)).map(|(_, why)| why));
        }
        let passed = |it: &Candidate| it.quality.checks == Some(true);
        if newest.quality.checks.is_some() && is_last(&passed) {
            reasons.push("last whose checks passed".to_owned());
        }
        reasons
    }

    fn counted(&self) -> impl Iterator<Item = &Candidate> {
        self.group.iter().copied().filter(|other| !other.partial && other.time <= self.now)
    }

    fn reasons_of_time(&self, candidate: &Candidate) -> Vec<String> {
        let policy = self.policy;
        let id: RuleName = Box::new(|candidate| candidate.id.to_hex());
        let periods = [
            ("hourly", "%Y-%m-%d %H", policy.hourly, policy.within_hourly),
            ("daily", "%Y-%m-%d", policy.daily, policy.within_daily),
            ("weekly", "%G-W%V", policy.weekly, policy.within_weekly),
            ("monthly", "%Y-%m", policy.monthly, policy.within_monthly),
            ("yearly", "%Y", policy.yearly, policy.within_yearly),
        ];
        let mut reasons = vec![
            policy.within.and_then(|span| self.within(candidate, &id, span, "within")),
            policy.last.and_then(|count| self.counting(candidate, &id, count, "last snapshot")),
        ];
        for (adjective, format, count, _) in periods {
            let reason = format!("{adjective} snapshot");
            let name = self.name(format);
            reasons.push(count.and_then(|count| self.counting(candidate, &name, count, &reason)));
        }
        for (adjective, format, _, span) in periods {
            let reason = format!("{adjective} within");
            let name = self.name(format);
            reasons.push(span.and_then(|span| self.within(candidate, &name, span, &reason)));
        }
        reasons.into_iter().flatten().collect()
    }

    fn name(&self, format: &'static str) -> RuleName {
        let zone = self.zone.clone();
        Box::new(move |c| c.time.to_zoned(zone.clone()).strftime(format).to_string())
    }

    /// Kept if it is the newest of its period and fewer than the count of other such ones are
    /// newer.
    fn counting(
        &self,
        c: &Candidate,
        name: &RuleName,
        count: Count,
        reason: &str,
    ) -> Option<String> {
        let heads: Vec<_> = self.counted().filter(|one| self.is_head(one, name)).collect();
        let count = match count {
            Count::Number(number) => number as usize,
            Count::Unlimited => usize::MAX,
        };
        if self.is_head(c, name) {
            let newer = heads.iter().filter(|head| is_newer(head, c)).count();
            return (newer < count).then(|| reason.to_owned());
        }
        (self.is_oldest(c) && heads.len() < count).then(|| format!("oldest {reason}"))
    }

    /// Kept if it is within the duration and is the newest of its period.
    fn within(&self, c: &Candidate, name: &RuleName, span: Span, reason: &str) -> Option<String> {
        let newest = self.counted().map(|other| other.time).max()?;
        if c.time <= before(newest, span, self.zone) {
            None
        } else if self.is_head(c, name) {
            Some(format!("{reason} {span}"))
        } else {
            self.is_oldest(c).then(|| format!("oldest {reason} {span}"))
        }
    }

    fn is_head(&self, c: &Candidate, name: &RuleName) -> bool {
        let own = name(c);
        !self.counted().any(|other| is_newer(other, c) && name(other) == own)
    }

    fn is_oldest(&self, c: &Candidate) -> bool {
        !self.counted().any(|other| is_newer(c, other))
    }
}

/// Goes back in the calendar with day numbers instead of dates.
fn before(time: Timestamp, span: Span, zone: &TimeZone) -> Timestamp {
    let mut time = time;
    if span.years + span.months + span.days > 0 {
        let local = zone.to_datetime(time);
        let mut year = i64::from(local.year()) - i64::from(span.years);
        let mut month = i64::from(local.month());
        for _ in 0..span.months {
            month -= 1;
            if month == 0 {
                (year, month) = (year - 1, 12);
            }
        }
        let day = day_number(year, month) + i64::from(local.day()) - 1 - i64::from(span.days);
        let date = jiff::civil::date(1970, 1, 1) + jiff::SignedDuration::from_hours(24 * day);
        time = zone.to_timestamp(date.to_datetime(local.time())).unwrap();
    }
    let clock = [(span.hours, 3600), (span.minutes, 60), (span.seconds, 1)];
    let clock = clock.map(|(number, unit)| i64::from(number) * unit);
    time - jiff::SignedDuration::from_secs(clock.iter().sum())
}

/// Days from 1 January 1970 to the first day of a month.
fn day_number(year: i64, month: i64) -> i64 {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let years: i64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    years + lengths[..month as usize - 1].iter().sum::<i64>()
}
