//! Breadth first through all states.

use std::collections::HashMap;
use std::rc::Rc;

use super::state::{Bug, ProtocolState, Setup};

/// What a search found.
#[derive(Debug)]
pub enum SearchOutcome {
    /// Nothing, in any state.
    Sound { states: usize },
    /// The chunk is lost; the last states on the way there.
    Lost { states: usize, trace: Vec<String> },
    /// More states than allowed.
    TooLarge,
}

/// Number of states shown before a loss.
const TRACE_MAX: usize = 12;

/// Visits all reachable states.
pub fn search(setup: &Setup, bug: Bug, states_max: usize) -> SearchOutcome {
    let start = Rc::new(ProtocolState::new(setup));
    // Each state with the number of the one from which it was first reached.
    let mut seen = HashMap::from([(Rc::clone(&start), 0)]);
    let mut order = vec![start];
    let mut next = Vec::new();
    let mut number = 0;
    while let Some(state) = order.get(number).cloned() {
        if state.is_lost() {
            return SearchOutcome::Lost {
                states: order.len(),
                trace: trace(&seen, &order, number),
            };
        }
        if order.len() > states_max {
            return SearchOutcome::TooLarge;
        }
        for session in 0..state.sessions.len() {
            state.session_steps(setup, bug, session, &mut next);
        }
        for pruner in 0..state.pruners.len() {
            state.pruner_steps(setup, bug, pruner, &mut next);
        }
        state.forgets(setup, &mut next);
        for state in next.drain(..).map(Rc::new) {
            if !seen.contains_key(&state) {
                seen.insert(Rc::clone(&state), number);
                order.push(state);
            }
        }
        number += 1;
    }
    SearchOutcome::Sound { states: order.len() }
}

fn trace(
    seen: &HashMap<Rc<ProtocolState>, usize>,
    order: &[Rc<ProtocolState>],
    last: usize,
) -> Vec<String> {
    let mut states = vec![last];
    while let Some(&number) = states.last().filter(|number| **number > 0) {
        states.push(seen[&order[number]]);
    }
    states.iter().take(TRACE_MAX).rev().map(|number| format!("{:?}", order[*number])).collect()
}
