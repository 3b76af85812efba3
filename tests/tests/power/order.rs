//! The rules of docs/format.md for the order of writes, applied to a list of calls.

use std::collections::HashMap;

use crate::calls::{Action, Call};

/// An object that was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub name: String,
    /// The position in the log where its name appeared.
    pub appeared: usize,
    /// The position in the log where it became durable.
    pub durable: usize,
}

/// The objects of a run, if every call was in order.
///
/// # Errors
/// The first violated rule, and the violation.
pub fn judge(calls: &[Call]) -> Result<Vec<Object>, String> {
    only_temporary_files_are_written(calls)?;
    let mut objects = Vec::new();
    for call in calls {
        match &call.action {
            Action::Link(from, to) => objects.push(object(calls, call, from, to)?),
            Action::Rename(_, to) if !to.starts_with("quarantine/") => {
                return Err(format!("{to} was renamed: that may replace another object"));
            }
            _ => {}
        }
    }
    objects.sort_by_key(|object| object.appeared);
    what_refers_comes_last(calls, &objects)?;
    what_is_removed_is_listed(calls, &objects)?;
    Ok(objects)
}

fn is_temporary(path: &str) -> bool {
    path.starts_with("tmp/")
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A final name never refers to a file that is still being written.
fn only_temporary_files_are_written(calls: &[Call]) -> Result<(), String> {
    for call in calls {
        match &call.action {
            Action::Create(path) if !is_temporary(path) => {
                return Err(format!("{path} was created under its final name"));
            }
            Action::Write(path) if !is_temporary(path) => {
                return Err(format!("{path} was written under its final name"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Checks the calls that created one object: create, write, sync, link, sync of the folder.
fn object(calls: &[Call], link: &Call, from: &str, to: &str) -> Result<Object, String> {
    let on = |wanted: &Action| -> Vec<&Call> {
        calls.iter().filter(|call| call.action == *wanted).collect()
    };
    if !is_temporary(from) || on(&Action::Create(from.to_owned())).is_empty() {
        return Err(format!("{to} does not come from a temporary file of this run"));
    }
    let writes = on(&Action::Write(from.to_owned()));
    let (Some(first), Some(last)) =
        (writes.iter().map(|call| call.begin).min(), writes.iter().map(|call| call.end).max())
    else {
        return Err(format!("{to} was never written"));
    };
    if on(&Action::Create(from.to_owned())).iter().any(|create| create.end > first) {
        return Err(format!("{to} was written before its temporary file was made"));
    }
    let is_synced = |sync: &&Call| last < sync.begin && sync.end < link.begin;
    if !on(&Action::Sync(from.to_owned())).iter().any(is_synced) {
        return Err(format!("{to} got its name before its whole content was synced"));
    }
    let durable = name_is_durable(calls, link, to)?;
    Ok(Object { name: to.to_owned(), appeared: link.begin, durable })
}

/// The position in the log from which the name is durable: its folder and all parents are synced.
fn name_is_durable(calls: &[Call], link: &Call, name: &str) -> Result<usize, String> {
    let first_sync = |path: &str, after: usize| {
        let is_sync = |call: &&Call| call.action == Action::Sync(path.to_owned());
        calls.iter().filter(is_sync).filter(|sync| sync.begin > after).map(|sync| sync.end).min()
    };
    let folder = folder_of(name);
    let Some(mut durable) = first_sync(folder, link.end) else {
        return Err(format!("{name}: its folder was not synced after it got its name"));
    };
    let mut made = folder;
    while !made.is_empty() {
        let is_made = |call: &&Call| call.action == Action::MakeFolder(made.to_owned());
        if let Some(make) = calls.iter().find(is_made) {
            match first_sync(folder_of(made), make.end) {
                Some(synced) => durable = durable.max(synced),
                None => return Err(format!("{name}: the folder above {made} was not synced")),
            }
        }
        made = folder_of(made);
    }
    Ok(durable)
}

/// Packs, then index objects, then records: each is durable before what may refer to it appears.
fn what_refers_comes_last(calls: &[Call], objects: &[Object]) -> Result<(), String> {
    for object in objects {
        for earlier in objects.iter().filter(|other| rank(&other.name) < rank(&object.name)) {
            let was_begun = earlier.appeared < object.appeared;
            if was_begun && object.appeared < earlier.durable {
                return Err(format!(
                    "{} appeared before {} was durable",
                    object.name, earlier.name
                ));
            }
        }
    }
    // A file belongs to the step in which it is linked: nothing may be incomplete when a snapshot's
    // record appears.
    let temporaries: HashMap<&str, usize> = calls
        .iter()
        .filter_map(|call| match &call.action {
            Action::Link(from, to) if rank(to) < 2 => Some((from.as_str(), call.begin)),
            _ => None,
        })
        .collect();
    for record in objects.iter().filter(|object| object.name.starts_with("w/")) {
        for call in calls.iter().filter(|call| call.begin < record.appeared) {
            if let Action::Create(path) = &call.action
                && temporaries.get(path.as_str()).is_some_and(|linked| *linked > record.appeared)
            {
                return Err(format!("{} appeared while {path} was under way", record.name));
            }
        }
    }
    Ok(())
}

/// The step of docs/format.md, section 11, in which an object is created.
fn rank(name: &str) -> u32 {
    match name.split('/').next() {
        Some("packs") => 0,
        Some("index") => 1,
        _ => 2,
    }
}

/// Packs and index objects are deleted only after a record of this run that may list them is
/// durable.
fn what_is_removed_is_listed(calls: &[Call], objects: &[Object]) -> Result<(), String> {
    let is_record = |object: &&Object| object.name.starts_with("gen/");
    let last_record = objects.iter().filter(is_record).map(|object| object.durable).max();
    for call in calls {
        let Action::Remove(path) = &call.action else { continue };
        let is_listed = last_record.is_some_and(|durable| durable < call.begin);
        if rank(path) < 2 && !is_listed {
            return Err(format!("{path} went away before the record that says so was durable"));
        }
    }
    Ok(())
}
