//! The protocol of `docs/format.md`, section 11, as a model: every interleaving of the single
//! operations of backups with checkpoints, prunes and forgets is explored, breadth first, with
//! reads that are as outdated as they may be. A crash or a pause of any length is a process that
//! never moves again.
//!
//! Each deliberate bug must be found by one of the same searches that find nothing without it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod pruner;
mod search;
mod session;
mod state;

use search::{SearchOutcome, search};
use state::{Bug, Setup};

/// States that one search may visit: a setup with more is too large for regular test runs.
const STATES_MAX: usize = 400_000;

const SESSION: Setup = Setup {
    chains: &[0],
    stages: &[&[true]],
    snapshots: &[false],
    packs: 1,
    pruners: 1,
    rounds: 1,
    attempts: 1,
    forgets: 0,
};

const SNAPSHOT: Setup =
    Setup { chains: &[], stages: &[], snapshots: &[true], attempts: 0, ..SESSION };

/// Small worlds in which everything can happen that the protocol must survive.
const SETUPS: &[(&str, Setup)] = &[
    (
        "two backups on two chains",
        Setup { chains: &[0, 1], stages: &[&[true], &[true]], snapshots: &[false; 2], ..SESSION },
    ),
    (
        "a sibling that shares nothing",
        Setup { chains: &[0, 0], stages: &[&[true], &[false]], ..SESSION },
    ),
    ("two prunes, two rounds", Setup { pruners: 2, rounds: 2, attempts: 0, ..SESSION }),
    ("two prunes, copies", Setup { packs: 2, pruners: 2, ..SNAPSHOT }),
    (
        "a snapshot that is forgotten",
        Setup { chains: &[0], snapshots: &[false, true], rounds: 2, forgets: 1, ..SESSION },
    ),
    (
        "a checkpoint without it, a snapshot that is forgotten",
        Setup {
            stages: &[&[false, true]],
            snapshots: &[false, true],
            rounds: 2,
            forgets: 1,
            ..SESSION
        },
    ),
    (
        "a checkpoint with it that is forgotten",
        Setup { stages: &[&[true, true]], rounds: 2, forgets: 1, ..SESSION },
    ),
];

/// A world in which each bug shows.
const BUGS: &[(Bug, &str)] = &[
    (Bug::OneChainIsNotFenced, "two backups on two chains"),
    (Bug::LiveBeforeFences, "two backups on two chains"),
    (Bug::FencesAreIgnored, "two backups on two chains"),
    (Bug::NothingIsRescued, "two backups on two chains"),
    (Bug::SiblingsProve, "a sibling that shares nothing"),
    (Bug::DeleteBeforeSweep, "two prunes, copies"),
    (Bug::RescuedAreTrusted, "a checkpoint without it, a snapshot that is forgotten"),
    (Bug::CheckpointsProve, "a checkpoint with it that is forgotten"),
];

#[test]
fn nothing_is_lost_in_any_order() {
    for (name, setup) in SETUPS {
        match search(setup, Bug::None, STATES_MAX) {
            SearchOutcome::Sound { states } => println!("{name}: nothing in {states} states"),
            outcome => panic!("{name}: {outcome:?}"),
        }
    }
}

/// The same with a second, concurrent prune; takes a minute and a gigabyte.
#[test]
#[ignore = "takes long; docs/reliability.md has its figures"]
fn nothing_is_lost_beside_two_prunes() {
    for (name, setup) in SETUPS {
        let setup = Setup { pruners: 2, rounds: setup.rounds.min(1), ..*setup };
        match search(&setup, Bug::None, 20 * STATES_MAX) {
            SearchOutcome::Sound { states } => println!("{name}: nothing in {states} states"),
            outcome => panic!("{name}: {outcome:?}"),
        }
    }
}

#[test]
fn each_bug_is_found() {
    for (bug, name) in BUGS {
        let (_, setup) = SETUPS.iter().find(|setup| setup.0 == *name).unwrap();
        match search(setup, *bug, STATES_MAX) {
            SearchOutcome::Lost { states, trace } => {
                println!("{bug:?}, {name}: found after {states} states");
                println!("{}", trace.join("\n"));
            }
            outcome => panic!("{bug:?}, {name}: {outcome:?}"),
        }
    }
}
