//! The steps of a restore.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use holdfast_connect::bucket::SettingMoment;
use holdfast_connect::postgres::DatabaseRestoreOptions;
use holdfast_connect::words::count;
use holdfast_engine::restore::RestoreReport as EngineReport;
use holdfast_format::record::KeyFingerprint;

use super::across::{self, Unfinished};
use super::agreed::{BucketEffect, changed};
use super::checks;
use super::command;
use super::database::{self, DatabaseEffect, DatabaseMove};
use super::files::{Move, adjusted, system_path};
use super::health::{self, Health};
use super::keys::{OnMachine, on_machine};
use super::objects::ObjectsMove;
use super::part::Part;
use super::report::Verified;
use super::step::Step;
use super::tree::{Origin, SourceTree};
use super::work::{Done, Work};
use super::{Prepared, RestoreError};
use crate::config::{Argv, Class, CommandRestore, FilesRestore, SourceKind, WebUrl};
use crate::hooks::Ending;

/// Time limit for stopping or starting the application.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(600);

/// Exit codes of service managers such as systemctl for services not installed or not running.
const NOT_RUNNING: [i32; 2] = [5, 7];

/// Why the application is not started.
const HELD: &str = "the application was not started, because a check with on-failure = \"fail\" \
                    failed; --start-anyway starts it";

impl<'p> Work<'_, 'p> {
    pub(super) fn act(&mut self, step: &'p Step<'p>) -> Result<Done, RestoreError> {
        match step {
            Step::Stop(argv) => self.stop(argv),
            Step::Start(argv) => self.start(argv),
            Step::KeysHere => Ok(self.keys_here()),
            Step::Files(part, origin) => self.files(part, *origin),
            Step::Command(part, origin) => self.output(part, *origin),
            Step::Objects(part, origin) => self.objects(part, *origin),
            Step::Dump(part, origin) => {
                let why = database::why_not(part, *origin)?;
                self.report.warnings.push(format!("source {:?}: {why}", part.name()));
                Ok(Done::new(why))
            }
            Step::Globals(part, script) => {
                self.tidy(part)?;
                let of_all = (self.prepared.context, self.prepared.wishes);
                let report = database::restore_roles(part, script, of_all)?;
                self.report.warnings.extend(report.warnings.iter().cloned());
                Ok(Done::new(database::sentence_of_roles(&report)))
            }
            Step::Database(database) => self.database(database),
            Step::Across => self.across(),
            Step::Checks => self.checks(),
            Step::Health(url, timeout) => self.health(url, *timeout),
        }
    }

    fn health(&mut self, url: &WebUrl, timeout: Duration) -> Result<Done, RestoreError> {
        let (is_right, message, found) = match health::wait(url, timeout, self.prepared.context) {
            Health::Interrupted => return Err(RestoreError::Interrupted),
            Health::Works(status) => {
                (true, "the application answers".to_owned(), format!("it returned status {status}"))
            }
            Health::Silent(last) => {
                let seconds = timeout.as_secs();
                let message = format!(
                    "the application did not return a 2xx status within {seconds} seconds: {last}"
                );
                let next = "check the logs of the application, or set a longer health-timeout in \
                            [restore]";
                self.report.next.push(next.to_owned());
                (false, message.clone(), message)
            }
        };
        Ok(Done { message, verified: vec![Verified::new("health", is_right, found)] })
    }

    /// If nothing of the application is left, it need not be stopped, and the command that stops it
    /// may itself still have to be restored.
    fn stop(&mut self, argv: &Argv) -> Result<Done, RestoreError> {
        match self.command("stop", argv) {
            Err(RestoreError::Refused { message, .. }) if !self.agreed.is_in_use() => {
                self.report.warnings.push(format!(
                    "{message}; nothing of the application exists here, so the restore continued"
                ));
                Ok(Done::new("nothing was stopped"))
            }
            outcome => outcome,
        }
    }

    /// A failure to start the application does not fail the restore.
    fn start(&mut self, argv: &Argv) -> Result<Done, RestoreError> {
        match self.command("start", argv) {
            Err(RestoreError::Refused { message, next }) => {
                self.report.next.extend(next);
                let verified = Verified::new("start", false, message.clone());
                Ok(Done { message, verified: vec![verified] })
            }
            outcome => outcome,
        }
    }

    fn command(&self, name: &str, argv: &Argv) -> Result<Done, RestoreError> {
        // A stopped application is started again even if the user interrupts the restore.
        let despite_interrupt = name == "start";
        let report = self.hooks.command(name, argv, COMMAND_TIMEOUT, despite_interrupt);
        match report.ending {
            Ending::Succeeded => Ok(Done::new(format!("{} succeeded", report.program))),
            Ending::Interrupted => Err(RestoreError::Interrupted),
            Ending::Failed(code) if name == "stop" && NOT_RUNNING.contains(&code) => {
                let program = &report.program;
                Ok(Done::new(format!(
                    "{program} ended with exit code {code}: the application is not running"
                )))
            }
            _ => {
                let said = String::from_utf8_lossy(&report.output);
                let last = said.lines().rev().find(|line| !line.trim().is_empty());
                let last = last.map(|line| format!(": {}", line.trim())).unwrap_or_default();
                let next = match name {
                    "stop" => "--already-stopped, if the application is not running".to_owned(),
                    _ => format!("correct {name} = [...] in [restore]"),
                };
                Err(RestoreError::refused(format!("{report}{last}")).or(next))
            }
        }
    }

    /// Cleans up what interrupted restores have left of the databases of a source: until then its
    /// server may refuse connections.
    fn tidy(&mut self, part: &Part<'_>) -> Result<(), RestoreError> {
        for step in &self.prepared.steps {
            if let Step::Database(database) = step
                && database.source == part.name()
            {
                let told = database.tidy()?;
                self.report.warnings.extend(told);
            }
        }
        Ok(())
    }

    fn database(&mut self, database: &'p DatabaseMove<'p>) -> Result<Done, RestoreError> {
        let wishes = self.prepared.wishes;
        if wishes.only_missing
            && let DatabaseEffect::Leave(holding) =
                database.effect(&database.leftovers()?, wishes)?
        {
            let message = format!("already exists ({holding}); kept without comparing");
            return Ok(Done::new(message));
        }
        let may_replace = wishes.overwrite.contains(&database.to);
        let letters = self.prepared.context.run.chars().filter(char::is_ascii_alphanumeric);
        let run: String = letters.take(12).collect();
        let mut options = DatabaseRestoreOptions::new(database.server.clone(), &database.to, run);
        options.keep_owners = !wishes.no_owner;
        options.keep_tablespaces = !wishes.no_tablespaces;
        options.has_peers = self.prepared.has_peers();
        options.jobs = wishes.jobs.map(|jobs| (jobs, self.prepared.context.scratch.to_owned()));
        let outcome = database.restore(self.agreed, may_replace, options.clone())?;
        self.report.warnings.extend(outcome.warnings);
        if let Some(sentence) = outcome.script {
            return Ok(Done::new(sentence));
        }
        let sentence = database::sentence(&outcome.tables);
        let name = format!("content of database {}", database.to);
        let mut verified = vec![Verified::new(name, true, sentence.clone())];
        match outcome.is_unfinished {
            true => self.unfinished.push(Unfinished::new(database, options, outcome.unmade)),
            false => verified.extend(across::unmade(database, outcome.unmade)),
        }
        Ok(Done { message: sentence, verified })
    }

    fn files(&mut self, part: &Part<'_>, origin: Origin<'_>) -> Result<Done, RestoreError> {
        let Some((from, to)) = part.files() else { return Ok(Done::default()) };
        let tree = origin.tree(part.name())?;
        let (mut files, mut written, mut verified) = (0, 0, 0);
        for (from, path) in from.paths.iter().zip(&to.paths) {
            let prepared = self.prepared;
            let moved = prepared.file_move(&tree, from, path, to.restore);
            if let Some(lacking) = moved.lacking()? {
                self.report.incomplete.push(lacking);
                continue;
            }
            let report = self.moved(&moved)?;
            files += report.total_files;
            written += report.files_restored;
            verified += report.files_verified;
        }
        let others = match self.prepared.wishes.only_missing {
            true => "the others were kept without comparing",
            false => "the others were already correct",
        };
        let message = format!("wrote {written} of {}; {others}", count(files, "file", "files"));
        let read_back =
            format!("{} read back, identical to the snapshot", count(verified, "file", "files"));
        let name = format!("content of {}", part.name());
        let mut checked = vec![Verified::new(name, true, read_back)];
        if part.from.class == Class::Keys {
            checked.extend(self.keys(part, origin)?);
        }
        Ok(Done { message, verified: checked })
    }

    fn moved(&mut self, moved: &Move<'_>) -> Result<EngineReport, RestoreError> {
        let is_made = self.made.iter().any(|made| moved.to.starts_with(made));
        if !moved.only_missing && !is_made {
            self.agreed.check_path(moved.to)?;
        }
        self.made.push(moved.to.to_owned());
        let report = moved.restore(false, self.observer)?;
        match report.errors {
            0 => Ok(report),
            errors => Err(RestoreError::refused(format!(
                "{errors} entries of {} could not be restored",
                moved.to.display()
            ))
            .or("fix the errors above, then run the same command again")),
        }
    }

    /// Whether the keys of this machine, which are not restored, are those the data needs.
    fn keys_here(&self) -> Done {
        let needed = self.prepared.keys.plan.iter().flat_map(|plan| &plan.needed);
        let known = needed.filter(|key| key.on_machine != OnMachine::Unknown);
        let verified = known.map(|key| {
            let is_same = key.on_machine == OnMachine::Same;
            Verified::new(format!("key {}", key.path), is_same, of_key(is_same))
        });
        Done { message: "no keys were restored".to_owned(), verified: verified.collect() }
    }

    /// Whether restored keys are those the data needs, with the right owner and mode.
    fn keys(&self, part: &Part<'_>, origin: Origin<'_>) -> Result<Vec<Verified>, RestoreError> {
        let application = self.prepared.data.snapshot.application.as_ref();
        let recorded = application.map(|it| it.keys.as_slice()).unwrap_or_default();
        let tree = origin.tree(part.name())?;
        let rules = part.files().map(|(_, to)| to.restore).unwrap_or_default();
        let mut verified = Vec::new();
        for key in recorded.iter().filter(|key| key.source == part.name()) {
            let path = String::from_utf8_lossy(&key.path.0).into_owned();
            let state = on_machine(self.prepared.context, key, &self.prepared.parts);
            let is_same = state == OnMachine::Same;
            if state == OnMachine::Unknown {
                // It is below none of the paths that the file names now.
                continue;
            }
            verified.push(Verified::new(format!("key {path}"), is_same, of_key(is_same)));
            verified.extend(self.ownership(part, key, &tree, rules)?);
        }
        Ok(verified)
    }

    /// Whether a key has the right owner and mode.
    fn ownership(
        &self,
        part: &Part<'_>,
        key: &KeyFingerprint,
        tree: &SourceTree<'_>,
        rules: FilesRestore,
    ) -> Result<Option<Verified>, RestoreError> {
        let path = part.destination(system_path(&key.path.0));
        let Some((path, (entry, _))) = path.zip(tree.open(&key.path.0)?) else { return Ok(None) };
        let Ok(found) = path.symlink_metadata() else { return Ok(None) };
        let wanted = adjusted(rules, &entry.metadata, true);
        let found = (found.uid(), found.gid(), found.mode() & 0o7777);
        let shown = |(uid, gid, mode): (u32, u32, u32)| format!("{uid}:{gid} {mode:04o}");
        let wanted = (wanted.uid, wanted.gid, wanted.mode & 0o7777);
        let is_right = wanted == found;
        let message = match is_right {
            true => shown(found),
            false => format!(
                "{}, not {}; run as root, or set owner and mode in [source.restore]",
                shown(found),
                shown(wanted)
            ),
        };
        let name = format!("owner and mode of {}", path.display());
        Ok(Some(Verified::new(name, is_right, message)))
    }

    fn objects(&self, part: &Part<'_>, origin: Origin<'_>) -> Result<Done, RestoreError> {
        let Prepared { context, wishes, .. } = self.prepared;
        let Some(moved) = ObjectsMove::new(part, origin, context, wishes.only_missing)? else {
            return Ok(Done::default());
        };
        let is_there = moved.is_there()?;
        self.check_bucket(&moved, is_there)?;
        if !is_there {
            moved.make()?;
        }
        let mut configuration = moved.configuration();
        if let Some(configuration) = &mut configuration {
            configuration.give(SettingMoment::BeforeObjects);
        }
        let report = moved.restore(false, self.observer)?;
        let place = moved.place();
        if report.errors > 0 {
            let objects = count(report.errors, "object", "objects");
            let message = format!("{objects} of {place} could not be restored");
            let next = "fix the errors above, then run the same command again";
            return Err(RestoreError::refused(message).or(next));
        }
        if let Some(configuration) = &mut configuration {
            configuration.give(SettingMoment::AfterObjects);
        }
        let (all, written) = (report.total_files, report.files_restored);
        let all = count(all, "object", "objects");
        let made = if is_there { "" } else { ", which was created" };
        let message = format!("wrote {written} of {all} to {place}{made}");
        let judged =
            if wishes.only_missing { "not compared" } else { "the same by size and checksum" };
        let read_back = format!(
            "{} read back; {} already existed, {judged}",
            count(report.files_verified, "object", "objects"),
            report.files_skipped
        );
        let mut verified = vec![Verified::new(format!("objects {}", part.name()), true, read_back)];
        verified.extend(configuration.map(|it| it.verified(&place)));
        Ok(Done { message, verified })
    }

    /// Refuses to change a bucket that has changed since the plan was made.
    fn check_bucket(&self, moved: &ObjectsMove<'_>, is_there: bool) -> Result<(), RestoreError> {
        let place = moved.place();
        let before = match (self.agreed.of_bucket(&place), is_there) {
            (Some(BucketEffect::Make), true) => "did not exist",
            (Some(BucketEffect::Keep), true) if moved.is_complete(self.observer)? => return Ok(()),
            (Some(BucketEffect::Keep), _) => "had all objects",
            (Some(BucketEffect::Make | BucketEffect::Change), _) => return Ok(()),
            (None, _) => "was not examined",
        };
        Err(changed(format!(
            "{place} {before} when the plan was made and has changed since; it was left unchanged"
        )))
    }

    fn output(&mut self, part: &Part<'_>, origin: Origin<'_>) -> Result<Done, RestoreError> {
        let SourceKind::Command(output) = &part.to.kind else { return Ok(Done::default()) };
        let tree = origin.tree(part.name())?;
        let from = command::path(part);
        match &output.restore {
            None => {
                let name = part.name();
                self.report.warnings.push(format!(
                    "source {name:?} was not restored: no target is set; add file or command to \
                     [source.restore], or run holdfast dump {} --source {name} {from}",
                    origin.snapshot.id.short()
                ));
                Ok(Done::new("no target is set"))
            }
            Some(CommandRestore::Command(argv)) if self.prepared.wishes.only_missing => {
                Ok(Done::new(command::not_asked(argv)))
            }
            Some(CommandRestore::Command(argv)) => {
                let bytes = command::feed(&tree, &from, argv, self.observer)?;
                Ok(Done::new(format!("{} read {bytes} bytes", argv.program())))
            }
            Some(CommandRestore::File(to)) => {
                let (from, rules) = (Path::new(&from), FilesRestore::default());
                let prepared = self.prepared;
                let report = self.moved(&prepared.file_move(&tree, from, to, rules))?;
                let message = format!("{} bytes in {}", report.total_bytes, to.display());
                let name = format!("content of {}", part.name());
                let verified =
                    vec![Verified::new(name, true, "read back, identical to the snapshot")];
                Ok(Done { message, verified })
            }
        }
    }

    fn checks(&mut self) -> Result<Done, RestoreError> {
        let found = checks::recheck(self.prepared, self.observer)?;
        let failed = found.verified.iter().filter(|it| !it.passed).count();
        let all = found.verified.len();
        let message = match failed {
            0 => format!("{all} passed"),
            _ => format!("{failed} of {all} failed"),
        };
        if found.must_hold {
            self.hold = Some(HELD);
        }
        Ok(Done { message, verified: found.verified })
    }
}

fn of_key(is_same: bool) -> &'static str {
    match is_same {
        true => "it is the key that the data needs",
        false => "it is NOT the key that the data needs",
    }
}
