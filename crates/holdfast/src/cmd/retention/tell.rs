//! The answer of `retention report`, as text and as JSON.

use holdfast_engine::retention::report::{DataHolder, Endless, GroupReport, RemovalTime, Report};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::json::application::{RetentionGroup, RetentionReport, RetentionSnapshot};
use crate::output::table::{Align, Table};
use crate::output::{convert, escape, text};

/// Maximum number of snapshots listed in one sentence.
const NAMED_MAX: usize = 8;

/// What to report.
pub struct Told<'a> {
    /// The answer.
    pub report: &'a Report,
    /// As in `documenso in /srv/backup`.
    pub subject: &'a str,
    /// The day in question.
    pub day: Date,
    /// The present moment.
    pub now: Timestamp,
    /// The time zone in which times are shown.
    pub zone: &'a TimeZone,
    /// The assumptions behind the answer.
    pub assumptions: Vec<String>,
}

/// One document.
pub fn document(told: &Told<'_>) -> RetentionReport {
    let report = told.report;
    RetentionReport {
        day: told.day.to_string(),
        begin: report.begin,
        end: report.end,
        now: told.now,
        assumptions: told.assumptions.clone(),
        groups: report.groups.iter().map(group).collect(),
        last: report.last().map(snapshot),
        last_to_go: report.last_to_go().map(snapshot),
    }
}

fn group(group: &GroupReport) -> RetentionGroup {
    RetentionGroup {
        host: group.key.host.clone(),
        paths: group.key.paths.iter().map(convert::lossy).collect(),
        goes_on: group.goes_on,
        snapshots: group.holdings.iter().map(snapshot).collect(),
    }
}

fn snapshot(holding: &DataHolder) -> RetentionSnapshot {
    let id = (!holding.planned).then_some(holding.candidate.id);
    let (ends, until) = match holding.end {
        RemovalTime::At(moment) => ("goes", Some(moment)),
        RemovalTime::After(moment) => ("later", Some(moment)),
        RemovalTime::Never(Endless::Held) => ("held", None),
        RemovalTime::Never(Endless::Rule) => ("endless-rule", None),
        RemovalTime::Never(Endless::NoRules) => ("no-rules", None),
        RemovalTime::Never(Endless::StandsStill) => ("stands-still", None),
    };
    RetentionSnapshot {
        id: id.map(|id| id.to_hex()),
        short_id: id.map(|id| id.short()),
        time: holding.candidate.time,
        of_day: holding.of_day,
        planned: holding.planned,
        hold: holding.candidate.hold,
        incomplete: is_incomplete(holding),
        reasons: holding.reasons.clone(),
        last_reasons: holding.last_reasons.clone(),
        ends,
        until,
    }
}

/// A table for each group, the answer in a sentence, and its assumptions.
pub fn text(context: &Context, told: &Told<'_>) -> CommandResult {
    let output = &context.output;
    let heading = format!("{}: data of {}", escape::text(told.subject), told.day);
    output.note(0, &heading)?;
    for group in &told.report.groups {
        output.note(0, "")?;
        if told.report.groups.len() > 1 || !group.goes_on {
            output.note(0, &describe(group, told))?;
        }
        output.note(0, &table(group, told))?;
    }
    output.note(0, "")?;
    for sentence in conclusion(told) {
        output.line(&sentence)?;
    }
    output.note(0, "")?;
    output.note(0, "Assumptions:")?;
    for assumption in &told.assumptions {
        output.note(0, &format!("  - {}", escape::text(assumption)))?;
    }
    Ok(())
}

fn describe(group: &GroupReport, told: &Told<'_>) -> String {
    let paths: Vec<_> =
        group.key.paths.iter().map(|path| escape::name(&path.0).into_owned()).collect();
    let name = format!("host {}, paths {}", escape::text(&group.key.host), paths.join(", "));
    match (group.goes_on, group.newest) {
        (true, _) => format!("{name}:"),
        (false, Some(newest)) => {
            let newest = text::time(newest, told.zone);
            format!("{name} (no backup since {newest}; its snapshots are kept):")
        }
        (false, None) => format!("{name} (no finished backup):"),
    }
}

fn table(group: &GroupReport, told: &Told<'_>) -> String {
    let mut table = Table::new(&[
        ("ID", Align::Left),
        ("Time", Align::Left),
        ("Day", Align::Left),
        ("Kept by", Align::Left),
        ("Longest by", Align::Left),
        ("Removed", Align::Left),
    ])
    .breaking(&["Kept by", "Longest by", "Removed"]);
    let there: Vec<_> = group.holdings.iter().filter(|it| !it.planned).collect();
    for holding in &there {
        let reasons = match holding.reasons.is_empty() {
            true => "nothing".to_owned(),
            false => escape::text(&holding.reasons.join(", ")).into_owned(),
        };
        table.row([
            name_of(holding),
            text::time(holding.candidate.time, told.zone),
            if holding.of_day { "same" } else { "before" }.to_owned(),
            reasons,
            escape::text(&holding.last_reasons.join(", ")).into_owned(),
            goes(holding.end, told.zone),
        ]);
    }
    let planned = group.holdings.len() - there.len();
    let mut footer = text::count(there.len() as u64, "snapshot", "snapshots");
    if planned > 0 {
        footer.push_str(&format!(", and {planned} that runs will still make that day"));
    }
    let incomplete = there.iter().filter(|it| is_incomplete(it)).count();
    if incomplete > 0 {
        footer.push_str(&format!("; {incomplete} incomplete"));
    }
    table.footer(footer);
    table.render()
}

fn is_incomplete(holding: &DataHolder) -> bool {
    holding.candidate.partial || holding.candidate.quality.is_incomplete()
}

/// Its short id, with a mark if it is incomplete.
fn name_of(holding: &DataHolder) -> String {
    let mark = if is_incomplete(holding) { " (incomplete)" } else { "" };
    format!("{}{mark}", holding.candidate.id.short())
}

fn goes(end: RemovalTime, zone: &TimeZone) -> String {
    match end {
        RemovalTime::At(moment) => text::time(moment, zone),
        RemovalTime::After(moment) => format!("after {}", text::time(moment, zone)),
        RemovalTime::Never(Endless::Held) => "never: held".to_owned(),
        RemovalTime::Never(Endless::Rule) => "never: a rule without a limit".to_owned(),
        RemovalTime::Never(Endless::NoRules) => "never: no rules".to_owned(),
        RemovalTime::Never(Endless::StandsStill) => "never: nothing is added".to_owned(),
    }
}

/// When the last copy of deleted data is gone.
fn conclusion(told: &Told<'_>) -> Vec<String> {
    let (report, day) = (told.report, told.day);
    let Some(last) = report.last() else {
        return vec![format!("No snapshot can hold data deleted on {day}.")];
    };
    let mut sentences = Vec::new();
    if !report.holdings().any(|it| it.of_day) {
        sentences
            .push(format!("There is no snapshot of {day} itself; older ones hold earlier data."));
    }
    let endless: Vec<_> = report.holdings().filter(|it| is_endless(it)).collect();
    if endless.is_empty() {
        sentences.push(gone(told, last, ""));
        return sentences;
    }
    sentences.push(format!(
        "Data deleted on {day} is kept forever, by {} ({}).",
        if endless.len() == 1 { "this snapshot" } else { "these snapshots" },
        named(&endless)
    ));
    if let Some(last) = report.last_to_go() {
        sentences.push(gone(told, last, " from all other snapshots"));
    }
    sentences
}

fn is_endless(holding: &DataHolder) -> bool {
    matches!(holding.end, RemovalTime::Never(_))
}

fn gone(told: &Told<'_>, last: &DataHolder, from: &str) -> String {
    let time = text::time(last.candidate.time, told.zone);
    let snapshot = match last.planned {
        true => format!("to be made by the run of {time}"),
        false => format!("{} of {time}", name_of(last)),
    };
    let day = told.day;
    match last.end {
        RemovalTime::At(moment) => format!(
            "Data deleted on {day} is gone{from} after the run of {}, which removes the last \
             snapshot that can hold it, {snapshot}.",
            text::time(moment, told.zone)
        ),
        RemovalTime::After(moment) => format!(
            "Data deleted on {day} is not yet gone{from} by {}, where the simulation ends.",
            text::time(moment, told.zone)
        ),
        RemovalTime::Never(_) => format!("Data deleted on {day} is never gone{from}."),
    }
}

fn named(holdings: &[&DataHolder]) -> String {
    let name = |it: &&DataHolder| match it.end {
        RemovalTime::Never(Endless::Held) => format!("{}, held", name_of(it)),
        _ => name_of(it),
    };
    let mut names: Vec<_> =
        holdings.iter().filter(|it| !it.planned).take(NAMED_MAX).map(name).collect();
    let more = holdings.len() - names.len();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join("; ")
}
