//! Names of objects (`docs/format.md`, section 2).

use crate::{ObjectId, SlotId, WriterId};

/// The two copies of the config.
pub const CONFIG_NAMES: [&str; 2] = ["config", "config.b"];
/// Suffix of the name of a second copy.
const SECOND: &str = ".b";
/// Folder of key slots.
pub const KEYS: &str = "keys";
/// Folder of packs.
pub const PACKS: &str = "packs";
/// Folder of index objects.
pub const INDEX: &str = "index";
/// Folder of writers' chains.
pub const WRITERS: &str = "w";
/// Folder of the generation chain.
pub const GENERATIONS: &str = "gen";

/// The two copies of a key slot.
pub fn key_slot(id: &SlotId) -> [String; 2] {
    let first = format!("{KEYS}/{id}");
    let copy = second(&first);
    [first, copy]
}

/// The slot that an object is a copy of, by its name.
pub fn slot_id(name: &str) -> Option<SlotId> {
    let id = name.strip_suffix(".b").unwrap_or(name).strip_prefix(KEYS)?.strip_prefix('/')?;
    let id: SlotId = id.parse().ok()?;
    key_slot(&id).iter().any(|copy| copy == name).then_some(id)
}

/// A pack.
pub fn pack(id: &ObjectId) -> String {
    let hex = id.to_hex();
    format!("{PACKS}/{}/{hex}", &hex[..2])
}

/// An index object.
pub fn index(id: &ObjectId) -> String {
    format!("{INDEX}/{id}")
}

/// A chain of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chain {
    /// The repository's generations.
    Generations,
    /// One writer's snapshots and fences.
    Writer(WriterId),
}

impl Chain {
    /// The chain's folder, also used as its name in the additional data of its records.
    pub fn folder(&self) -> String {
        match self {
            Self::Generations => GENERATIONS.to_owned(),
            Self::Writer(writer) => format!("{WRITERS}/{writer}"),
        }
    }

    /// The name of record number `sequence`.
    pub fn record(&self, sequence: u64) -> String {
        format!("{}/{sequence:010}", self.folder())
    }

    /// The name of the second copy of that record, in a chain whose records have one.
    pub fn second(&self, sequence: u64) -> Option<String> {
        match self {
            Self::Generations => Some(second(&self.record(sequence))),
            Self::Writer(_) => None,
        }
    }
}

/// The name of the second copy of an object that is stored twice.
pub fn second(first: &str) -> String {
    format!("{first}{SECOND}")
}

/// The name of the first copy of an object, whichever copy `name` refers to.
pub fn first(name: &str) -> &str {
    name.strip_suffix(SECOND).unwrap_or(name)
}

/// The id at the end of an object's name, if it has one.
pub fn object_id(name: &str) -> Option<ObjectId> {
    name.rsplit('/').next()?.parse().ok()
}
