//! What a chosen snapshot lacks: reported before it is used, and in the exit code of commands that
//! restore from it.

use holdfast_engine::completeness::{Lack, lacks, lacks_within, last_sound};
use holdfast_repo::SnapshotInfo;

use crate::cmd::shared::SourceArgs;
use crate::context::Context;
use crate::environment;
use crate::exit::{CommandError, ExitKind};
use crate::output::text;
use crate::select::Chosen;

/// Warns of what a snapshot, or one of its sources, lacks, for commands that only read it.
pub fn warn(context: &Context, chosen: &Chosen, part: &SourceArgs) {
    let source = part.source.as_deref();
    let found = lacks(&chosen.info.snapshot, source);
    if !found.is_empty() {
        let instead = last_sound(&chosen.all, &chosen.info, source);
        context.output.caution(&sentence(&chosen.info, &found, instead));
    }
}

/// Like [`warn`], for commands that restore what `is_wanted` selects from the chosen folder; it
/// also decides their exit code. `with` is the command to suggest for another snapshot.
pub fn fall_short(
    context: &Context,
    chosen: &Chosen,
    part: &SourceArgs,
    is_wanted: &dyn Fn(&[u8]) -> bool,
    with: &str,
) {
    let source = part.source.as_deref();
    let concerns = |path: &[u8]| match below(&chosen.subfolder, path) {
        Some(path) => is_wanted(path),
        // Above the folder: an unreadable folder there may have contained it.
        None => below(path, &chosen.subfolder).is_some(),
    };
    let found = lacks_within(&chosen.info.snapshot, source, &concerns);
    if found.is_empty() {
        return;
    }
    let instead = last_sound(&chosen.all, &chosen.info, source);
    context.output.caution(&sentence(&chosen.info, &found, instead));
    if let Some(error) = error(&chosen.info, &found, instead, with) {
        context.ends_with(error);
    }
}

/// Warns of the number of incomplete snapshots, for commands that read many.
pub fn count<'s>(
    context: &Context,
    snapshots: impl IntoIterator<Item = &'s SnapshotInfo>,
    source: Option<&str>,
) {
    let snapshots: Vec<_> = snapshots.into_iter().collect();
    let incomplete = snapshots.iter().filter(|info| !mark(info, source).is_empty()).count();
    if incomplete > 0 {
        let all = text::count(snapshots.len() as u64, "snapshot", "snapshots");
        let are = if incomplete == 1 { "is" } else { "are" };
        context.output.caution(&format!(
            "{incomplete} of {all} {are} incomplete; holdfast snapshots shows which"
        ));
    }
}

/// A mark after the id of an incomplete snapshot.
pub fn mark(info: &SnapshotInfo, source: Option<&str>) -> &'static str {
    match lacks(&info.snapshot, source).iter().any(Lack::is_incomplete) {
        true => " (incomplete)",
        false => "",
    }
}

/// The result of a command that restored from an incomplete snapshot.
pub fn error(
    info: &SnapshotInfo,
    found: &[Lack],
    instead: Option<&SnapshotInfo>,
    with: &str,
) -> Option<CommandError> {
    let parts: Vec<_> = found.iter().filter(|it| it.is_incomplete()).map(Lack::to_string).collect();
    if parts.is_empty() {
        return None;
    }
    let (id, parts) = (info.id.short(), parts.join("; "));
    let message = format!("snapshot {id} is incomplete, and so is this output: {parts}");
    let hint = instead.map(|it| format!("{with} {}: {}", it.id.short(), described(it)));
    let error = CommandError::new(ExitKind::Partial, message);
    Some(hint.into_iter().fold(error, CommandError::hint))
}

/// What a snapshot lacks, and the snapshot to use instead.
pub fn sentence(info: &SnapshotInfo, found: &[Lack], instead: Option<&SnapshotInfo>) -> String {
    let id = info.id.short();
    let incomplete = match found.iter().any(Lack::is_incomplete) {
        true => " is incomplete",
        false => "",
    };
    let parts: Vec<_> = found.iter().map(Lack::to_string).collect();
    let instead = match instead {
        Some(it) => format!("; {} is {}", it.id.short(), described(it)),
        None => String::new(),
    };
    format!("snapshot {id}{incomplete}: {}{instead}", parts.join("; "))
}

/// The rest of a path below `folder`.
fn below<'p>(folder: &[u8], path: &'p [u8]) -> Option<&'p [u8]> {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    path.strip_prefix(folder).filter(|rest| rest.starts_with(b"/"))
}

fn described(info: &SnapshotInfo) -> String {
    let time = text::time(info.snapshot.time, &environment::time_zone());
    format!("the last complete snapshot, of {time}")
}
