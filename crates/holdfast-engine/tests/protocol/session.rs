//! The steps of a backup.

use super::state::{
    Bug, PackSet, ProtocolRecord, ProtocolSession, ProtocolState, ProtocolStep, SessionState, Setup,
};

impl ProtocolState {
    /// What backup number `number` may do next.
    pub fn session_steps(&self, setup: &Setup, bug: Bug, number: usize, next: &mut Vec<Self>) {
        let mut go = |session: ProtocolSession, change: &dyn Fn(&mut Self)| {
            let mut state = self.clone();
            change(&mut state);
            state.sessions[number] = session;
            next.push(state);
        };
        match self.sessions[number] {
            ProtocolSession::Start => {
                for run in self.starts(&self.chains[setup.chains[number]]) {
                    go(ProtocolSession::Choose(run), &|_| {});
                }
            }
            ProtocolSession::Choose(run) => {
                if !setup.stages[number][run.stage] || run.pack.is_some() {
                    return go(ProtocolSession::Commit(run), &|_| {});
                }
                let unusable = match bug {
                    Bug::RescuedAreTrusted => run.hidden,
                    _ => run.hidden | run.hidden_at_start,
                };
                for pack in members((setup.old_packs() | self.index) & !unusable) {
                    go(ProtocolSession::Commit(SessionState { pack: Some(pack), ..run }), &|_| {});
                }
                if run.attempts < setup.attempts {
                    let pack = setup.packs as usize + number * 2 + usize::from(run.attempts);
                    let run =
                        SessionState { pack: Some(pack as u8), attempts: run.attempts + 1, ..run };
                    go(ProtocolSession::Upload(run), &|_| {});
                }
            }
            ProtocolSession::Upload(run) => {
                go(ProtocolSession::List(run), &|state| state.packs |= bit(run.pack));
            }
            ProtocolSession::List(run) => {
                go(ProtocolSession::Commit(run), &|state| state.index |= bit(run.pack));
            }
            ProtocolSession::Commit(run) => self.commit(setup, bug, number, run, &mut go),
            ProtocolSession::Done => {}
        }
    }

    /// Reads of a chain when a backup starts: any part of it, and at least the generations that its
    /// fences name.
    fn starts(&self, chain: &[ProtocolRecord]) -> Vec<SessionState> {
        let mut runs = Vec::new();
        for slot in 0..=chain.len() {
            let fences = chain[..slot].iter().filter_map(|record| match record {
                ProtocolRecord::Fence(generation) => Some(generation + 1),
                ProtocolRecord::Snapshot { .. } => None,
            });
            let least = fences.max().unwrap_or(0);
            for synced in least..=self.generations.len() {
                let hidden = self.hidden(synced);
                let (stage, hidden_at_start, pack, attempts) = (0, hidden, None, 0);
                runs.push(SessionState {
                    stage,
                    slot,
                    synced,
                    hidden,
                    hidden_at_start,
                    pack,
                    attempts,
                });
            }
        }
        runs
    }

    fn commit(
        &self,
        setup: &Setup,
        bug: Bug,
        number: usize,
        run: SessionState,
        go: &mut dyn FnMut(ProtocolSession, ProtocolStep<'_>),
    ) {
        let (chain, stages) = (setup.chains[number], setup.stages[number]);
        let after = SessionState { slot: run.slot + 1, ..run };
        match self.chains[chain].get(run.slot) {
            None => {
                let record = ProtocolRecord::Snapshot { needs: stages[run.stage] };
                let put = |state: &mut Self| state.chains[chain].push(record);
                if run.stage + 1 == stages.len() {
                    return go(ProtocolSession::Done, &put);
                }
                // At a checkpoint it may learn what has happened since.
                for synced in run.synced..=self.generations.len() {
                    let hidden = self.hidden(synced);
                    let hidden_at_start = match bug {
                        Bug::CheckpointsProve => hidden,
                        _ => run.hidden_at_start,
                    };
                    let stage = run.stage + 1;
                    let run = SessionState { stage, synced, hidden, hidden_at_start, ..after };
                    go(ProtocolSession::Choose(run), &put);
                }
            }
            Some(ProtocolRecord::Snapshot { .. }) if bug == Bug::SiblingsProve => {
                let run = SessionState { slot: self.chains[chain].len(), ..run };
                go(ProtocolSession::Commit(run), &|_| {});
            }
            Some(ProtocolRecord::Snapshot { .. }) => go(ProtocolSession::Commit(after), &|_| {}),
            Some(ProtocolRecord::Fence(generation)) => {
                for synced in (generation + 1).max(run.synced)..=self.generations.len() {
                    let hidden = self.hidden(synced);
                    let run = SessionState { synced, hidden, ..after };
                    match is_lost(bug, &run) {
                        // It starts again.
                        true => {
                            let run = SessionState { pack: None, hidden_at_start: hidden, ..run };
                            go(ProtocolSession::Choose(run), &|_| {});
                        }
                        false => go(ProtocolSession::Commit(run), &|_| {}),
                    }
                }
            }
        }
    }
}

/// True if a pack that the backup could rely on when it started is condemned or gone.
fn is_lost(bug: Bug, run: &SessionState) -> bool {
    bug != Bug::FencesAreIgnored && run.hidden & !run.hidden_at_start != 0
}

fn bit(pack: Option<u8>) -> PackSet {
    pack.map_or(0, |pack| 1 << pack)
}

/// The packs of a set.
pub fn members(packs: PackSet) -> impl Iterator<Item = u8> {
    (0..16).filter(move |pack| packs >> pack & 1 == 1)
}
