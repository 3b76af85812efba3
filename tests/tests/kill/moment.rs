//! The moments at which a run of the binary is killed.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use holdfast_tests::process::Running;
use holdfast_tests::sandbox::Sandbox;
use holdfast_tests::strace;
use rustix::process::Signal;

/// Number of time-based moments for each command.
const RANDOM_MOMENTS: u64 = 5;

/// Calls of one system call.
#[derive(Debug, Clone)]
pub struct Calls {
    pub function: &'static str,
    /// Only calls on this file or folder.
    pub path: Option<PathBuf>,
}

/// A moment of a run.
#[derive(Debug, Clone)]
pub enum Moment {
    /// Before the n-th call of a thread, counted from 1 for each thread.
    Call(Calls, u32),
    /// After this fraction of the time of an undisturbed run.
    Clock(Duration),
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was killed.
    Killed,
    /// It finished first, and reported success.
    Acknowledged,
}

/// Calls `test` with a sandbox in which a run of `line` was killed, for every moment.
///
/// `begin` creates the sandbox before the run. Every change in a folder is such a moment, plus
/// random ones. Which thread writes packs is not known; the main thread writes all other objects,
/// one after the other.
pub fn at_each_moment(
    line: &str,
    begin: impl Fn() -> Sandbox,
    test: impl Fn(&Moment, &Sandbox, End),
) {
    let mut kills = 0;
    let mut at = |moment| {
        let sandbox = begin();
        let end = run(&sandbox, line, &moment);
        kills += u32::from(end == End::Killed);
        test(&moment, &sandbox, end);
        end
    };
    for calls in changes(&begin()) {
        let mut number = 1;
        while at(Moment::Call(calls.clone(), number)) == End::Killed {
            number += 1;
        }
    }
    let undisturbed = {
        let (sandbox, begin) = (begin(), Instant::now());
        sandbox.ok(line);
        begin.elapsed()
    };
    for seed in 0..RANDOM_MOMENTS {
        at(Moment::Clock(undisturbed.mul_f64(random_part(line, seed))));
    }
    assert!(kills > 0, "{line}: nothing was killed");
}

/// Calls that change what other processes see: nothing between two of them could matter.
fn changes(sandbox: &Sandbox) -> Vec<Calls> {
    let any = ["linkat", "unlinkat", "renameat"];
    let mut changes: Vec<Calls> =
        any.into_iter().map(|function| Calls { function, path: None }).collect();
    let mut folders: Vec<PathBuf> =
        ["keys", "index", "gen", "quarantine/index"].into_iter().map(PathBuf::from).collect();
    folders.extend(writers(sandbox));
    if strace::only_at(Path::new("/")).is_some() {
        changes.extend(folders.iter().map(|folder| folder_sync(sandbox, folder)));
    }
    changes
}

/// The moments between the appearance of an object's name in this folder of the repository and its
/// acknowledgement.
pub fn folder_sync(sandbox: &Sandbox, folder: &Path) -> Calls {
    Calls { function: "fsync", path: Some(sandbox.path("repository").join(folder)) }
}

/// The folders of the writers' chains.
pub fn writers(sandbox: &Sandbox) -> Vec<PathBuf> {
    let records = sandbox.objects("w");
    let mut folders: Vec<PathBuf> = records
        .iter()
        .filter_map(|record| Path::new(record).parent())
        .map(Path::to_owned)
        .collect();
    folders.dedup();
    folders
}

/// Runs a line and kills it.
pub fn run(sandbox: &Sandbox, line: &str, moment: &Moment) -> End {
    let output = match moment {
        Moment::Call(calls, number) => signal_at(sandbox, line, "KILL", calls, *number),
        Moment::Clock(time) => {
            let mut running = Running::start(&mut sandbox.command(sandbox.words(line)));
            thread::sleep(*time);
            running.signal(Signal::KILL);
            running.end()
        }
    };
    let outcome = sandbox.finish(output);
    match outcome.code {
        None => End::Killed,
        Some(0) => End::Acknowledged,
        Some(_) => panic!("{line} at {moment:?}: {outcome:?}"),
    }
}

/// Runs a line and sends it a signal before some call.
pub fn signal_at(
    sandbox: &Sandbox,
    line: &str,
    signal: &str,
    calls: &Calls,
    number: u32,
) -> Output {
    let function = calls.function;
    let mut options = vec![
        "--output=/dev/null".to_owned(),
        format!("--inject={function}:signal={signal}:when={number}"),
    ];
    options.extend(calls.path.as_deref().and_then(strace::only_at));
    strace::command(sandbox, function, options, sandbox.words(line)).output().expect("strace runs")
}

/// A number from 0 to slightly above 1, the same for the same arguments.
fn random_part(line: &str, seed: u64) -> f64 {
    let hash = blake3::hash(format!("{line} {seed}").as_bytes());
    let random = u16::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1]]);
    f64::from(random) / f64::from(u16::MAX) * 1.1
}
