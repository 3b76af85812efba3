//! The result of the rules of `forget`, as text and as JSON.

use std::collections::HashMap;

use holdfast_engine::forget::Doubt;
use holdfast_engine::retention::{Candidate, GroupBy, GroupOutcome};
use holdfast_format::ObjectId;
use holdfast_repo::SnapshotInfo;
use jiff::tz::TimeZone;

use crate::context::Context;
use crate::environment;
use crate::exit::CommandResult;
use crate::output::json::snapshot::{ForgetGroup, KeepReason, Removed};
use crate::output::table::{Align, Table};
use crate::output::{convert, escape, text};

/// The number of warnings about dates that are printed one by one.
const DOUBTS_MAX: usize = 8;

/// One array of groups, as restic prints it.
pub fn json(
    context: &Context,
    outcomes: &[GroupOutcome],
    infos: &HashMap<ObjectId, &SnapshotInfo>,
    group_by: GroupBy,
) -> CommandResult {
    let snapshot = |candidate: &Candidate| {
        infos.get(&candidate.id).map(|info| convert::snapshot(info)).unwrap_or_default()
    };
    let groups: Vec<ForgetGroup> = outcomes
        .iter()
        .map(|outcome| ForgetGroup {
            tags: group_by.tags.then(|| outcome.key.tags.clone()),
            host: outcome.key.host.clone(),
            paths: group_by.paths.then(|| outcome.key.paths.iter().map(convert::lossy).collect()),
            keep: outcome.keep.iter().map(|kept| snapshot(&kept.candidate)).collect(),
            remove: outcome.remove.iter().map(snapshot).collect(),
            reasons: outcome
                .keep
                .iter()
                .map(|kept| KeepReason {
                    snapshot: snapshot(&kept.candidate),
                    matches: kept.reasons.clone(),
                })
                .collect(),
        })
        .collect();
    Ok(context.output.json(&groups)?)
}

/// The named snapshots that were or would be removed. restic prints nothing in this case.
pub fn removed(context: &Context, ids: &[ObjectId], dry_run: bool) -> CommandResult {
    if context.output.style().json {
        let snapshots = ids.iter().map(|id| id.to_hex()).collect();
        context.output.json(&Removed { message_type: "summary", dry_run, removed: snapshots })?;
    }
    Ok(())
}

/// Two tables per group: what is kept and why, and what is removed.
pub fn text(
    context: &Context,
    outcomes: &[GroupOutcome],
    group_by: GroupBy,
    compact: bool,
) -> CommandResult {
    for outcome in outcomes {
        context.output.note(0, &format!("snapshots of {}:", describe(outcome, group_by)))?;
        let mut kept = table(true);
        for it in &outcome.keep {
            kept.row(row(&it.candidate, Some(&it.reasons), compact));
        }
        kept.footer(format!(
            "keep {}",
            text::count(outcome.keep.len() as u64, "snapshot", "snapshots")
        ));
        context.output.note(0, &kept.render())?;
        if !outcome.remove.is_empty() {
            let mut removed = table(false);
            for it in &outcome.remove {
                removed.row(row(it, None, compact));
            }
            let count = outcome.remove.len() as u64;
            removed.footer(format!("remove {}", text::count(count, "snapshot", "snapshots")));
            context.output.note(0, &removed.render())?;
        }
        context.output.note(0, "")?;
    }
    Ok(())
}

/// Warns of implausible dates.
pub fn doubts(context: &Context, doubts: &[Doubt]) {
    let zone = environment::time_zone();
    for doubt in doubts.iter().take(DOUBTS_MAX) {
        context.output.caution(&sentence(doubt, &zone));
    }
    let more = doubts.len().saturating_sub(DOUBTS_MAX) as u64;
    if more > 0 {
        let more = text::count(more, "more snapshot has", "more snapshots have");
        context.output.caution(&format!("{more} such a date"));
    }
}

fn sentence(doubt: &Doubt, zone: &TimeZone) -> String {
    match doubt {
        Doubt::Future { snapshot, time } => format!(
            "snapshot {} is dated {}, in the future: until then, time-based rules neither count \
             nor remove it",
            snapshot.short(),
            text::time(*time, zone)
        ),
        Doubt::BackDated { snapshot, time, after, after_time } => format!(
            "snapshot {} is dated {} but was stored after {} of {}: it is kept by its date, \
             perhaps in place of a genuine one",
            snapshot.short(),
            text::time(*time, zone),
            after.short(),
            text::time(*after_time, zone)
        ),
    }
}

fn describe(outcome: &GroupOutcome, group_by: GroupBy) -> String {
    let key = &outcome.key;
    let paths = || key.paths.iter().map(|path| escape::name(&path.0).into_owned());
    let mut parts = Vec::new();
    if group_by.host {
        parts.push(format!("host {}", escape::text(&key.host)));
    }
    if group_by.paths {
        parts.push(format!("paths {}", paths().collect::<Vec<_>>().join(", ")));
    }
    if group_by.tags {
        parts.push(format!("tags [{}]", escape::text(&key.tags.join(", "))));
    }
    if parts.is_empty() { "the repository".to_owned() } else { parts.join(", ") }
}

fn table(with_reasons: bool) -> Table {
    let mut columns = vec![
        ("ID", Align::Left),
        ("Time", Align::Left),
        ("Host", Align::Left),
        ("Tags", Align::Left),
    ];
    if with_reasons {
        columns.push(("Reasons", Align::Left));
    }
    Table::new(&columns).breaking(&["Tags", "Reasons"])
}

fn row(candidate: &Candidate, reasons: Option<&[String]>, compact: bool) -> Vec<String> {
    let separator = if compact { ", " } else { "\n" };
    let tags = candidate.tags.iter().map(|tag| escape::text(tag).into_owned());
    let mut cells = vec![
        candidate.id.short(),
        text::time(candidate.time, &environment::time_zone()),
        escape::text(&candidate.host).into_owned(),
        tags.collect::<Vec<_>>().join(","),
    ];
    cells.extend(reasons.map(|reasons| reasons.join(separator)));
    cells
}
