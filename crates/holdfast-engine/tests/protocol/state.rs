//! The state of the repository and the processes at a moment.

/// A set of packs, a bit for each. Every pack holds the one chunk that there is.
pub type PackSet = u16;

/// Effects on the state in the same step.
pub type ProtocolStep<'a> = &'a dyn Fn(&mut ProtocolState);

/// Deliberate bugs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    None,
    /// The last chain gets no fence.
    OneChainIsNotFenced,
    /// What is needed is determined before the fences.
    LiveBeforeFences,
    /// A backup that meets a fence continues.
    FencesAreIgnored,
    /// Packs that are needed after the fences are deleted anyway.
    NothingIsRescued,
    /// After a sibling's snapshot nothing is checked.
    SiblingsProve,
    /// Packs are deleted before the record exists.
    DeleteBeforeSweep,
    /// A backup relies on packs that were condemned when it started and have been rescued since.
    RescuedAreTrusted,
    /// A checkpoint counts as a new start, including everything found before it.
    CheckpointsProve,
}

/// A world at its start, and how much may happen in it.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// The chain of each backup.
    pub chains: &'static [usize],
    /// For each backup, whether its checkpoints and finally its snapshot need the chunk.
    pub stages: &'static [&'static [bool]],
    /// For each chain, whether it has a snapshot that needs the chunk.
    pub snapshots: &'static [bool],
    /// Existing packs.
    pub packs: u32,
    pub pruners: usize,
    /// Condemnations in all.
    pub rounds: usize,
    /// Packs that each backup may store.
    pub attempts: u8,
    /// Snapshots that are forgotten.
    pub forgets: usize,
}

impl Setup {
    /// Initial packs.
    pub fn old_packs(&self) -> PackSet {
        (1 << self.packs) - 1
    }
}

/// A record of the generation chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generation {
    Condemn(PackSet),
    Sweep { condemn: usize, swept: PackSet, rescued: PackSet },
    Forget { chain: usize, slot: usize },
}

/// A record of a writer's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProtocolRecord {
    Snapshot { needs: bool },
    Fence(usize),
}

/// A backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProtocolSession {
    Start,
    Choose(SessionState),
    Upload(SessionState),
    List(SessionState),
    Commit(SessionState),
    Done,
}

/// A backup in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionState {
    pub stage: usize,
    /// The slot that it wants.
    pub slot: usize,
    /// Generations that it has read at least.
    pub synced: usize,
    /// Packs that it must not rely on, as far as it knows.
    pub hidden: PackSet,
    /// Packs that it could not rely on when it started: it never does.
    pub hidden_at_start: PackSet,
    /// The pack that it relies on.
    pub pack: Option<u8>,
    pub attempts: u8,
}

/// A prune.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pruner {
    Look,
    Condemn { generation: usize, packs: PackSet, is_live: bool },
    Fence { condemn: usize, chain: usize, slots: Vec<usize>, was_live: Option<bool> },
    Judge { condemn: usize, slots: Vec<usize>, was_live: Option<bool> },
    Sweep { condemn: usize, swept: PackSet, rescued: PackSet },
    Delete(PackSet),
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProtocolState {
    pub generations: Vec<Generation>,
    pub chains: Vec<Vec<ProtocolRecord>>,
    pub packs: PackSet,
    pub index: PackSet,
    pub sessions: Vec<ProtocolSession>,
    pub pruners: Vec<Pruner>,
}

impl ProtocolState {
    pub fn new(setup: &Setup) -> Self {
        let snapshot = |needs: &bool| match needs {
            true => vec![ProtocolRecord::Snapshot { needs: true }],
            false => Vec::new(),
        };
        Self {
            generations: Vec::new(),
            chains: setup.snapshots.iter().map(snapshot).collect(),
            packs: setup.old_packs(),
            index: setup.old_packs(),
            sessions: vec![ProtocolSession::Start; setup.chains.len()],
            pruners: vec![Pruner::Look; setup.pruners],
        }
    }

    /// Packs that sweeps delete.
    pub fn swept(&self) -> PackSet {
        self.generations.iter().fold(0, |all, generation| match generation {
            Generation::Sweep { swept, .. } => all | swept,
            _ => all,
        })
    }

    /// Packs that are condemned or swept as of the first generations, up to this number.
    pub fn hidden(&self, generations: usize) -> PackSet {
        self.generations[..generations].iter().fold(0, |hidden, generation| match generation {
            Generation::Condemn(packs) => hidden | packs,
            Generation::Sweep { swept, rescued, .. } => (hidden & !rescued) | swept,
            Generation::Forget { .. } => hidden,
        })
    }

    fn is_forgotten(&self, chain: usize, slot: usize) -> bool {
        self.generations.contains(&Generation::Forget { chain, slot })
    }

    /// True if a snapshot before these slots needs the chunk.
    pub fn is_live_before(&self, slots: Option<&[usize]>) -> bool {
        self.chains.iter().enumerate().any(|(chain, records)| {
            let end = slots.map_or(records.len(), |slots| slots[chain]);
            let needs = |slot: usize| records[slot] == ProtocolRecord::Snapshot { needs: true };
            (0..end).any(|slot| needs(slot) && !self.is_forgotten(chain, slot))
        })
    }

    /// The chunk is needed, and every pack that holds it is gone or about to be deleted.
    pub fn is_lost(&self) -> bool {
        self.is_live_before(None) && self.packs & self.index & !self.swept() == 0
    }

    /// What a forget may do.
    pub fn forgets(&self, setup: &Setup, next: &mut Vec<Self>) {
        let is_forget = |generation: &&Generation| matches!(generation, Generation::Forget { .. });
        if self.generations.iter().filter(is_forget).count() >= setup.forgets {
            return;
        }
        for (chain, records) in self.chains.iter().enumerate() {
            for (slot, record) in records.iter().enumerate() {
                let needs = *record == ProtocolRecord::Snapshot { needs: true };
                if needs && !self.is_forgotten(chain, slot) {
                    let mut state = self.clone();
                    state.generations.push(Generation::Forget { chain, slot });
                    next.push(state);
                }
            }
        }
    }
}
