//! The steps of a backup.

use super::state::{Bug, Change, Packs, Record, Run, Session, Setup, State};

impl State {
    /// What backup number `number` may do next.
    pub fn session_steps(&self, setup: &Setup, bug: Bug, number: usize, next: &mut Vec<Self>) {
        let mut go = |session: Session, change: &dyn Fn(&mut Self)| {
            let mut state = self.clone();
            change(&mut state);
            state.sessions[number] = session;
            next.push(state);
        };
        match self.sessions[number] {
            Session::Start => {
                for run in self.starts(&self.chains[setup.chains[number]]) {
                    go(Session::Choose(run), &|_| {});
                }
            }
            Session::Choose(run) => {
                if !setup.stages[number][run.stage] || run.pack.is_some() {
                    return go(Session::Commit(run), &|_| {});
                }
                let unusable = match bug {
                    Bug::RescuedAreTrusted => run.hidden,
                    _ => run.hidden | run.hidden_at_start,
                };
                for pack in members((setup.old_packs() | self.index) & !unusable) {
                    go(Session::Commit(Run { pack: Some(pack), ..run }), &|_| {});
                }
                if run.attempts < setup.attempts {
                    let pack = setup.packs as usize + number * 2 + usize::from(run.attempts);
                    let run = Run { pack: Some(pack as u8), attempts: run.attempts + 1, ..run };
                    go(Session::Upload(run), &|_| {});
                }
            }
            Session::Upload(run) => {
                go(Session::List(run), &|state| state.packs |= bit(run.pack));
            }
            Session::List(run) => {
                go(Session::Commit(run), &|state| state.index |= bit(run.pack));
            }
            Session::Commit(run) => self.commit(setup, bug, number, run, &mut go),
            Session::Done => {}
        }
    }

    /// Reads of a chain when a backup starts: any part of it, and at least the generations that its
    /// fences name.
    fn starts(&self, chain: &[Record]) -> Vec<Run> {
        let mut runs = Vec::new();
        for slot in 0..=chain.len() {
            let fences = chain[..slot].iter().filter_map(|record| match record {
                Record::Fence(generation) => Some(generation + 1),
                Record::Snapshot { .. } => None,
            });
            let least = fences.max().unwrap_or(0);
            for synced in least..=self.generations.len() {
                let hidden = self.hidden(synced);
                let (stage, hidden_at_start, pack, attempts) = (0, hidden, None, 0);
                runs.push(Run { stage, slot, synced, hidden, hidden_at_start, pack, attempts });
            }
        }
        runs
    }

    fn commit(
        &self,
        setup: &Setup,
        bug: Bug,
        number: usize,
        run: Run,
        go: &mut dyn FnMut(Session, Change<'_>),
    ) {
        let (chain, stages) = (setup.chains[number], setup.stages[number]);
        let behind = Run { slot: run.slot + 1, ..run };
        match self.chains[chain].get(run.slot) {
            None => {
                let record = Record::Snapshot { needs: stages[run.stage] };
                let put = |state: &mut Self| state.chains[chain].push(record);
                if run.stage + 1 == stages.len() {
                    return go(Session::Done, &put);
                }
                // At a checkpoint it may learn what has happened since.
                for synced in run.synced..=self.generations.len() {
                    let hidden = self.hidden(synced);
                    let hidden_at_start = match bug {
                        Bug::CheckpointsProve => hidden,
                        _ => run.hidden_at_start,
                    };
                    let stage = run.stage + 1;
                    let run = Run { stage, synced, hidden, hidden_at_start, ..behind };
                    go(Session::Choose(run), &put);
                }
            }
            Some(Record::Snapshot { .. }) if bug == Bug::SiblingsProve => {
                let run = Run { slot: self.chains[chain].len(), ..run };
                go(Session::Commit(run), &|_| {});
            }
            Some(Record::Snapshot { .. }) => go(Session::Commit(behind), &|_| {}),
            Some(Record::Fence(generation)) => {
                for synced in (generation + 1).max(run.synced)..=self.generations.len() {
                    let hidden = self.hidden(synced);
                    let run = Run { synced, hidden, ..behind };
                    match is_lost(bug, &run) {
                        // It starts again.
                        true => {
                            let run = Run { pack: None, hidden_at_start: hidden, ..run };
                            go(Session::Choose(run), &|_| {});
                        }
                        false => go(Session::Commit(run), &|_| {}),
                    }
                }
            }
        }
    }
}

/// True if a pack that the backup could rely on when it started is condemned or gone.
fn is_lost(bug: Bug, run: &Run) -> bool {
    bug != Bug::FencesAreIgnored && run.hidden & !run.hidden_at_start != 0
}

fn bit(pack: Option<u8>) -> Packs {
    pack.map_or(0, |pack| 1 << pack)
}

/// The packs of a set.
pub fn members(packs: Packs) -> impl Iterator<Item = u8> {
    (0..16).filter(move |pack| packs >> pack & 1 == 1)
}
