//! `snapshots`: list snapshots.

use std::collections::{BTreeMap, HashMap, HashSet};

use holdfast_engine::completeness::{self, Lack};
use holdfast_engine::forget::candidate;
use holdfast_engine::retention::{GroupBy, GroupKey};
use holdfast_repo::SnapshotInfo;
use jiff::tz::TimeZone;

use crate::cmd::shared::{GROUP_BY_HELP, SnapshotFilterArgs};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::json::snapshot::{GroupKeyDocument as JsonKey, SnapshotDocument, SnapshotGroup};
use crate::output::table::{Align, Table};
use crate::output::{convert, escape, text};
use crate::{environment, parse, select};

const EXAMPLES: &str = "\
EXAMPLES:
  holdfast snapshots
  holdfast snapshots --latest 1 --host web
      the newest of each group of host and paths
  holdfast snapshots --tag daily,db --json
  holdfast snapshots 1a2b3c4d latest~2";

/// List snapshots
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only these snapshots: ids or prefixes, latest, latest~N
    #[arg(value_name = "SNAPSHOT")]
    pub snapshots: Vec<String>,

    /// Only the N newest of each group of host and paths
    #[arg(long, value_name = "N", value_parser = parse::number::<1, { u32::MAX }>)]
    pub latest: Option<u32>,

    /// Print one short line per snapshot
    #[arg(short, long)]
    pub compact: bool,

    #[arg(short, long, value_name = "GROUP", help = GROUP_BY_HELP)]
    pub group_by: Option<GroupBy>,

    /// Which snapshots.
    #[command(flatten)]
    pub filter: SnapshotFilterArgs,
}

/// Runs the command.
///
/// # Errors
/// See [`crate::exit::ExitKind`].
pub fn run(args: &Args, context: &Context) -> CommandResult {
    let filter = select::filter(&args.filter)?;
    // restic's JSON differs when snapshots are grouped.
    let group_by = args.group_by.filter(|group_by| *group_by != ONE_GROUP);
    let repository = context.open()?;
    let mut snapshots = select::choose_any(context, &repository, &args.snapshots, &filter)?;
    drop(repository);
    sort_and_dedup(&mut snapshots);
    let groups = group(snapshots, group_by.unwrap_or(ONE_GROUP), args.latest);
    match context.output.style().json {
        true => print_json(context, &groups, group_by),
        false if groups.is_empty() && !filter.is_empty() => Ok(context
            .output
            .note(0, &format!("no snapshot matches {}", select::options_of(&filter)))?),
        false => print_text(context, &groups, group_by.unwrap_or(ONE_GROUP), args.compact),
    }
}

const ONE_GROUP: GroupBy = GroupBy { host: false, paths: false, tags: false };

/// Groups in the order of their keys, each with the oldest snapshot first.
type Groups = BTreeMap<GroupKey, Vec<SnapshotInfo>>;

/// Oldest first; a snapshot that was named twice is listed once.
fn sort_and_dedup(snapshots: &mut Vec<SnapshotInfo>) {
    let mut seen = HashSet::new();
    snapshots.retain(|info| seen.insert(info.id));
    snapshots.sort_by_key(|info| (info.snapshot.time, info.sequence, info.id));
}

fn group(snapshots: Vec<SnapshotInfo>, group_by: GroupBy, latest: Option<u32>) -> Groups {
    let mut groups = Groups::new();
    for info in snapshots {
        groups.entry(group_by.key(&candidate(&info))).or_default().push(info);
    }
    if let Some(latest) = latest {
        groups.values_mut().for_each(|group| keep_latest(group, latest));
    }
    groups
}

/// Keeps the newest `latest` of each host and set of paths.
fn keep_latest(snapshots: &mut Vec<SnapshotInfo>, latest: u32) {
    let mut counts = HashMap::<GroupKey, u32>::new();
    snapshots.reverse();
    snapshots.retain(|info| {
        let count = counts.entry(GroupBy::default().key(&candidate(info))).or_default();
        *count += 1;
        *count <= latest
    });
    snapshots.reverse();
}

fn print_json(context: &Context, groups: &Groups, group_by: Option<GroupBy>) -> CommandResult {
    let of = |group: &[SnapshotInfo]| {
        group.iter().map(convert::snapshot).collect::<Vec<SnapshotDocument>>()
    };
    let Some(group_by) = group_by else {
        let all: Vec<SnapshotDocument> = groups.values().flat_map(|group| of(group)).collect();
        return Ok(context.output.json(&all)?);
    };
    let groups: Vec<SnapshotGroup> = groups
        .iter()
        .map(|(key, group)| SnapshotGroup {
            group_key: JsonKey {
                hostname: key.host.clone(),
                paths: group_by.paths.then(|| key.paths.iter().map(convert::lossy).collect()),
                tags: group_by.tags.then(|| key.tags.clone()),
            },
            snapshots: of(group),
        })
        .collect();
    Ok(context.output.json(&groups)?)
}

fn print_text(
    context: &Context,
    groups: &Groups,
    group_by: GroupBy,
    compact: bool,
) -> CommandResult {
    if groups.is_empty() {
        return Ok(context.output.note(0, "no snapshots")?);
    }
    let zone = environment::time_zone();
    for (key, group) in groups {
        if group_by != ONE_GROUP {
            context.output.line(&heading(key, group_by))?;
        }
        context.output.line(&table(group, compact, &zone))?;
    }
    Ok(())
}

/// As in `snapshots for (host [web], paths [/srv]):`.
fn heading(key: &GroupKey, group_by: GroupBy) -> String {
    let paths = || key.paths.iter().map(|path| escape::name(&path.0)).collect::<Vec<_>>();
    let mut parts = Vec::new();
    if group_by.host {
        parts.push(format!("host [{}]", escape::text(&key.host)));
    }
    if group_by.tags {
        parts.push(format!("tags [{}]", escape::text(&key.tags.join(", "))));
    }
    if group_by.paths {
        parts.push(format!("paths [{}]", paths().join(", ")));
    }
    format!("snapshots for ({}):", parts.join(", "))
}

fn table(snapshots: &[SnapshotInfo], compact: bool, zone: &TimeZone) -> String {
    let has_marks = snapshots.iter().any(|info| !marks(info).is_empty());
    let mut columns = vec![
        ("ID", Align::Left),
        ("Time", Align::Left),
        ("Host", Align::Left),
        ("Tags", Align::Left),
    ];
    if has_marks {
        columns.push(("State", Align::Left));
    }
    if !compact {
        columns.push(("Paths", Align::Left));
    }
    columns.push(("Size", Align::Right));
    let mut table = Table::new(&columns).breaking(&["Tags", "State"]);
    for info in snapshots {
        table.row(row(info, has_marks, compact, zone));
    }
    table.footer(text::count(snapshots.len() as u64, "snapshot", "snapshots"));
    table.render()
}

fn row(info: &SnapshotInfo, has_marks: bool, compact: bool, zone: &TimeZone) -> Vec<String> {
    let it = &info.snapshot;
    let mut cells = vec![
        info.id.short(),
        text::time(it.time, zone),
        escape::text(&it.host).into_owned(),
        escape::text(&it.tags.join(",")).into_owned(),
    ];
    if has_marks {
        cells.push(marks(info));
    }
    if !compact {
        let paths: Vec<_> = it.paths.iter().map(|path| escape::name(&path.0)).collect();
        cells.push(paths.join("\n"));
    }
    cells.push(text::size(it.summary.total_bytes_processed));
    cells
}

/// What is special about a snapshot: no rule removes it, or it lacks something.
fn marks(info: &SnapshotInfo) -> String {
    let lacks = completeness::lacks(&info.snapshot, None);
    let has = |is_kind: fn(&Lack) -> bool| lacks.iter().any(is_kind);
    let marks = [
        (info.hold, "held"),
        (info.snapshot.partial, "(partial)"),
        (has(|lack| matches!(lack, Lack::Entries { .. })), "incomplete"),
        (has(|lack| matches!(lack, Lack::Shrunk { .. })), "shrunk"),
        (has(|lack| matches!(lack, Lack::Check { .. })), "check failed"),
    ];
    let marks: Vec<_> = marks.iter().filter(|(is_set, _)| *is_set).map(|(_, mark)| *mark).collect();
    marks.join(", ")
}
