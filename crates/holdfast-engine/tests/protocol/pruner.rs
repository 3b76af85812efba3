//! The steps of a prune. It may condemn anything, needed or not: safety must come from the later
//! steps.

use super::session::members;
use super::state::{
    Bug, Generation, PackSet, ProtocolRecord, ProtocolState, ProtocolStep, Pruner, Setup,
};

impl ProtocolState {
    /// What prune number `number` may do next.
    pub fn pruner_steps(&self, setup: &Setup, bug: Bug, number: usize, next: &mut Vec<Self>) {
        let mut go = |pruner: Pruner, change: &dyn Fn(&mut Self)| {
            let mut state = self.clone();
            change(&mut state);
            state.pruners[number] = pruner;
            next.push(state);
        };
        match self.pruners[number].clone() {
            Pruner::Look => {
                self.looks(setup).into_iter().for_each(|pruner| go(pruner, &|_| {}));
            }
            Pruner::Condemn { generation, packs, is_live } => {
                if generation != self.generations.len() {
                    return go(Pruner::Look, &|_| {});
                }
                let slots = vec![0; self.chains.len()];
                let was_live = (bug == Bug::LiveBeforeFences).then_some(is_live);
                go(Pruner::Fence { condemn: generation, chain: 0, slots, was_live }, &|state| {
                    state.generations.push(Generation::Condemn(packs));
                });
            }
            Pruner::Fence { condemn, chain, slots, was_live } => {
                let unfenced = usize::from(bug == Bug::OneChainIsNotFenced);
                if chain + unfenced >= self.chains.len() {
                    return go(Pruner::Judge { condemn, slots, was_live }, &|_| {});
                }
                let next_chain =
                    Pruner::Fence { condemn, chain: chain + 1, slots: slots.clone(), was_live };
                match self.chains[chain].get(slots[chain]) {
                    None => go(next_chain, &|state| {
                        state.chains[chain].push(ProtocolRecord::Fence(condemn));
                    }),
                    Some(ProtocolRecord::Fence(of)) if *of == condemn => go(next_chain, &|_| {}),
                    Some(_) => {
                        let mut slots = slots;
                        slots[chain] += 1;
                        go(Pruner::Fence { condemn, chain, slots, was_live }, &|_| {});
                    }
                }
            }
            Pruner::Judge { condemn, slots, was_live } => {
                self.judge(bug, condemn, &slots, was_live, &mut go);
            }
            Pruner::Sweep { condemn, swept, rescued } => {
                let decided = self.generations.iter().find_map(|generation| match generation {
                    Generation::Sweep { condemn: of, swept, .. } if *of == condemn => Some(*swept),
                    _ => None,
                });
                match decided {
                    // Another one decided: it is helped.
                    Some(swept) => go(Pruner::Delete(swept), &|_| {}),
                    None => go(Pruner::Delete(swept), &|state| {
                        state.generations.push(Generation::Sweep { condemn, swept, rescued });
                    }),
                }
            }
            Pruner::Delete(swept) => {
                for pack in members(swept & self.index) {
                    go(Pruner::Delete(swept), &|state| state.index &= !(1 << pack));
                }
                for pack in members(swept & self.packs & !self.index) {
                    go(Pruner::Delete(swept), &|state| state.packs &= !(1 << pack));
                }
                go(Pruner::Look, &|_| {});
            }
        }
    }

    /// What a prune may conclude from the generations, of which it may have read too few.
    fn looks(&self, setup: &Setup) -> Vec<Pruner> {
        let mut found = Vec::new();
        for read in 0..=self.generations.len() {
            let (mut open, mut rounds) = (None, 0);
            for (number, generation) in self.generations[..read].iter().enumerate() {
                match generation {
                    Generation::Condemn(_) => (open, rounds) = (Some(number), rounds + 1),
                    Generation::Sweep { .. } => open = None,
                    Generation::Forget { .. } => {}
                }
            }
            if let Some(condemn) = open {
                let slots = vec![0; self.chains.len()];
                found.push(Pruner::Fence { condemn, chain: 0, slots, was_live: Some(false) });
            } else if rounds < setup.rounds {
                let there = self.index & !self.swept();
                let is_live = self.is_live_before(None);
                let subsets = (1..=there).filter(|packs| packs & !there == 0);
                found.extend(subsets.map(|packs| Pruner::Condemn {
                    generation: read,
                    packs,
                    is_live,
                }));
            }
        }
        found
    }

    /// Which packs are deleted: all condemned ones, unless the chunk is needed and in no other.
    fn judge(
        &self,
        bug: Bug,
        condemn: usize,
        slots: &[usize],
        was_live: Option<bool>,
        go: &mut dyn FnMut(Pruner, ProtocolStep<'_>),
    ) {
        let Generation::Condemn(condemned) = self.generations[condemn] else { return };
        let is_live = match bug {
            Bug::LiveBeforeFences => was_live == Some(true),
            _ => self.is_live_before(Some(slots)),
        };
        let there = self.index & self.packs & !self.swept();
        let choices: Vec<PackSet> = match !is_live || there & !condemned != 0 {
            true => vec![condemned],
            false if bug == Bug::NothingIsRescued => vec![condemned],
            false => members(there & condemned).map(|pack| condemned & !(1 << pack)).collect(),
        };
        for swept in choices {
            go(Pruner::Sweep { condemn, swept, rescued: condemned & !swept }, &|_| {});
            if bug == Bug::DeleteBeforeSweep {
                for pack in members(swept & self.packs) {
                    let again = Pruner::Judge { condemn, slots: slots.to_vec(), was_live };
                    go(again, &|state| state.packs &= !(1 << pack));
                }
            }
        }
    }
}
