//! Hooks as real processes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::settings::Argv;

fn shell(script: &str) -> Argv {
    Argv::new(["sh", "-c", script].map(str::to_owned).to_vec()).unwrap()
}

fn hook(moment: HookMoment, around: Around, script: &str) -> Hook {
    let timeout = Duration::from_secs(60);
    Hook { moment, around, source: None, command: shell(script), timeout }
}

/// Runs hooks and collects their reports.
struct World {
    app: AppName,
    reports: RefCell<Vec<HookReport>>,
}

impl World {
    fn new() -> Self {
        Self { app: AppName::new("documenso").unwrap(), reports: RefCell::default() }
    }

    fn around<T, E>(
        &self,
        hooks: &[Hook],
        stage: Stage<'_>,
        work: impl FnOnce() -> Result<T, E>,
    ) -> (Result<T, StageError<E>>, u32) {
        let observer = |report: &HookReport| self.reports.borrow_mut().push(report.clone());
        let never = || false;
        let hooks = Hooks::new(hooks, &self.app, "run-1", &never, &observer);
        let outcome = |result: &Result<T, E>| WorkOutcome {
            state: if result.is_ok() { EndState::Ok } else { EndState::Failed },
            snapshot: result.as_ref().ok().map(|_| "c0ffee".to_owned()),
            error: result.as_ref().err().map(|_| "disk\0full".to_owned()),
        };
        let result = hooks.around(stage, work, outcome);
        (result, hooks.failures())
    }

    fn names(&self) -> Vec<String> {
        self.reports.borrow().iter().map(|report| report.name.clone()).collect()
    }

    fn output(&self) -> String {
        let reports = self.reports.borrow();
        reports.iter().map(|report| String::from_utf8_lossy(&report.output).into_owned()).collect()
    }
}

const MOMENTS: [HookMoment; 4] =
    [HookMoment::Finally, HookMoment::Failed, HookMoment::After, HookMoment::Before];

fn one_of_each(script: &str) -> Vec<Hook> {
    MOMENTS.into_iter().map(|moment| hook(moment, Around::Run, script)).collect()
}

#[test]
fn hooks_run_in_their_order() {
    let world = World::new();
    let (result, failures) =
        world.around(&one_of_each("true"), Stage::Run, || Ok::<_, String>(world.names()));
    assert_eq!(result.unwrap(), ["before-run"]);
    assert_eq!(
        (world.names(), failures),
        (["before-run", "after-run", "finally-run"].map(String::from).to_vec(), 0)
    );

    let world = World::new();
    let (result, failures) = world.around(&one_of_each("true"), Stage::Run, || Err::<(), _>("x"));
    assert!(matches!(result, Err(StageError::Work("x"))));
    assert_eq!(
        (world.names(), failures),
        (["before-run", "failed-run", "finally-run"].map(String::from).to_vec(), 0)
    );
}

#[test]
fn a_hook_that_fails_before_the_work_stops_it() {
    let world = World::new();
    let mut hooks = one_of_each("true");
    hooks.insert(0, hook(HookMoment::Before, Around::Run, "echo no room; exit 7"));
    let work = || -> Result<(), String> { panic!("the work was begun") };
    let (result, failures) = world.around(&hooks, Stage::Run, work);
    let Err(StageError::Hook(report)) = result else { panic!("{result:?}") };
    assert_eq!(report.ending, Ending::Failed(7));
    assert_eq!(report.output, b"no room\n");
    assert_eq!(report.to_string(), "the hook before-run (sh) ended with exit code 7");
    assert_eq!(
        (world.names(), failures),
        (["before-run", "failed-run", "finally-run"].map(String::from).to_vec(), 1)
    );
}

#[test]
fn hooks_behind_the_work_do_not_keep_each_other_from_running() {
    let world = World::new();
    let mut hooks = vec![hook(HookMoment::After, Around::Run, "exit 1")];
    hooks.push(hook(HookMoment::After, Around::Run, "kill -9 $$"));
    hooks.push(Hook { command: Argv::new(vec!["/no/such".into()]).unwrap(), ..hooks[0].clone() });
    hooks.push(hook(HookMoment::Finally, Around::Run, "true"));
    let (result, failures) = world.around(&hooks, Stage::Run, || Ok::<_, String>(5));
    assert_eq!((result.unwrap(), failures), (5, 3));
    let endings: Vec<_> = world.reports.borrow().iter().map(|it| it.ending.clone()).collect();
    assert_eq!(endings[..2], [Ending::Failed(1), Ending::Killed(9)]);
    assert!(matches!(&endings[2], Ending::NotStarted(reason) if reason.contains("No such file")));
    assert_eq!(endings[3], Ending::Succeeded);
}

#[test]
fn the_last_hooks_run_even_if_the_work_panics() {
    let world = World::new();
    let work = || -> Result<(), String> { panic!("on purpose") };
    let run = std::panic::AssertUnwindSafe(|| world.around(&one_of_each("true"), Stage::Run, work));
    assert!(std::panic::catch_unwind(run).is_err());
    assert_eq!(world.names(), ["before-run", "failed-run", "finally-run"]);
}

#[test]
fn hooks_run_around_what_they_are_for() {
    let database = SourceName::new("database").unwrap();
    let files = SourceName::new("files").unwrap();
    let of = |source: &SourceName, script: &str| Hook {
        source: Some(source.clone()),
        ..hook(HookMoment::Before, Around::Source, script)
    };
    let hooks = [
        hook(HookMoment::Before, Around::Run, "echo run"),
        hook(HookMoment::Before, Around::Restore, "echo restore"),
        hook(HookMoment::Before, Around::Source, "echo any $HOLDFAST_SOURCE"),
        of(&database, "echo database"),
        of(&files, "echo files"),
    ];
    let said = |stage: Stage<'_>| {
        let world = World::new();
        world.around(&hooks, stage, || Ok::<_, String>(())).0.unwrap();
        world.output()
    };
    assert_eq!(said(Stage::Run), "run\n");
    assert_eq!(said(Stage::Restore), "restore\n");
    assert_eq!(said(Stage::Source(&database)), "any database\ndatabase\n");
    assert_eq!(said(Stage::Source(&files)), "any files\nfiles\n");
}

/// The variables of holdfast that a hook sees.
fn variables(
    stage: Stage<'_>,
    moment: HookMoment,
    work: Result<(), ()>,
) -> BTreeMap<String, String> {
    let world = World::new();
    let around = if matches!(stage, Stage::Source(_)) { Around::Source } else { Around::Run };
    let hooks = [hook(moment, around, "env | grep ^HOLDFAST_")];
    let _ = world.around(&hooks, stage, || work);
    let output = world.output();
    let pairs = output.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn hooks_are_told_what_is_going_on() {
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let all = [("HOLDFAST_APP", "documenso"), ("HOLDFAST_RUN_ID", "run-1")];
        all.iter().chain(pairs).map(|(name, value)| ((*name).into(), (*value).into())).collect()
    };
    let source = SourceName::new("database").unwrap();
    assert_eq!(
        variables(Stage::Source(&source), HookMoment::Before, Ok(())),
        pairs(&[
            ("HOLDFAST_HOOK", "before-source"),
            ("HOLDFAST_STATE", "starting"),
            ("HOLDFAST_SOURCE", "database"),
        ])
    );
    assert_eq!(
        variables(Stage::Run, HookMoment::After, Ok(())),
        pairs(&[
            ("HOLDFAST_HOOK", "after-run"),
            ("HOLDFAST_STATE", "ok"),
            ("HOLDFAST_SNAPSHOT", "c0ffee"),
        ])
    );
    assert_eq!(
        variables(Stage::Run, HookMoment::Finally, Err(())),
        pairs(&[
            ("HOLDFAST_HOOK", "finally-run"),
            ("HOLDFAST_STATE", "failed"),
            ("HOLDFAST_ERROR", "disk full"),
        ])
    );
}

#[test]
fn variables_are_taken_away() {
    let ended = process::run(
        &shell("echo ${HOME:-none} ${HOLDFAST_X:-none}"),
        &[("HOLDFAST_X", "y".to_owned())],
        &["HOME"],
        Duration::from_secs(60),
        &|| false,
    );
    assert_eq!(ended.output, b"none y\n");
}

fn run_alone(script: &str, timeout: Duration) -> process::Ended {
    process::run(&shell(script), &[], &[], timeout, &|| false)
}

/// True while a process with this in its command line exists in /proc.
fn is_there(marker: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let command = |path: &Path| std::fs::read(path.join("cmdline")).unwrap_or_default();
    let holds = |line: Vec<u8>| String::from_utf8_lossy(&line).contains(marker);
    processes.map(|entry| entry.path()).any(|path| holds(command(&path)))
}

#[test]
fn a_hook_that_takes_too_long_is_ended_with_all_its_processes() {
    let marker = "600.25317";
    let ended = run_alone(
        &format!("echo begun; sleep {marker} & sleep {marker}"),
        Duration::from_millis(500),
    );
    assert_eq!((ended.ending, ended.output), (Ending::TimedOut, b"begun\n".to_vec()));
    // The whole group was signalled; the system may take a moment to end those in the background.
    let is_gone = |_| {
        std::thread::sleep(Duration::from_millis(20));
        !is_there(marker)
    };
    assert!((0..500).any(is_gone));
}

#[test]
fn a_hook_that_does_not_want_to_end_is_killed() {
    let ended = run_alone("trap '' TERM; while :; do sleep 1; done", Duration::from_millis(100));
    assert_eq!(ended.ending, Ending::TimedOut);
}

#[test]
fn a_wish_to_stop_ends_a_hook() {
    let began = RefCell::new(0);
    let later = || {
        *began.borrow_mut() += 1;
        *began.borrow() > 2
    };
    let ended = process::run(&shell("sleep 600"), &[], &[], Duration::from_secs(600), &later);
    assert_eq!(ended.ending, Ending::Interrupted);
}

#[test]
fn the_last_hooks_are_not_interrupted() {
    let app = AppName::new("a").unwrap();
    let (names, always) = (RefCell::new(Vec::new()), || true);
    let observer = |report: &HookReport| {
        names.borrow_mut().push((report.name.clone(), report.ending.clone()));
    };
    let hooks = [
        hook(HookMoment::Finally, Around::Run, "sleep 0.3"),
        hook(HookMoment::After, Around::Run, "sleep 600"),
    ];
    let hooks = Hooks::new(&hooks, &app, "r", &always, &observer);
    hooks.around(Stage::Run, || Ok::<_, ()>(()), |_| WorkOutcome::default()).unwrap();
    let expected = [("after-run", Ending::Interrupted), ("finally-run", Ending::Succeeded)];
    assert_eq!(*names.borrow(), expected.map(|(name, ending)| (name.to_owned(), ending)));
}

#[test]
fn only_the_end_of_much_output_is_kept() {
    let ended = run_alone("head -c 1000000 /dev/zero; echo the end >&2", Duration::from_secs(60));
    assert_eq!(ended.ending, Ending::Succeeded);
    assert_eq!((ended.output_bytes, ended.output.len()), (1_000_008, process::OUTPUT_BYTES_MAX));
    assert!(ended.output.ends_with(b"\0the end\n"));
}

#[test]
fn what_a_hook_leaves_running_is_not_waited_for() {
    let ended = run_alone("sleep 5 & echo started", Duration::from_secs(600));
    assert_eq!((ended.ending, ended.output), (Ending::Succeeded, b"started\n".to_vec()));
}

#[test]
fn a_hook_has_nothing_to_read() {
    assert_eq!(run_alone("cat; echo end", Duration::from_secs(60)).output, b"end\n");
}
