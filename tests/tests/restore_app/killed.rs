//! A killed restore leaves databases behind, and the next one cleans up.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use holdfast_tests::process::{Running, wait_until};
use holdfast_tests::sandbox::search_path;
use rustix::process::Signal;

use crate::world::World;

const LINE: &str = "restore-app --config @holdfast.toml --confirm --yes-overwrite app";

/// A moment of a restore: a call of `pg_restore`, counted from 1, before or after its work.
#[derive(Debug, Clone, Copy)]
pub struct KillMoment {
    pub call: u32,
    pub is_filled: bool,
}

/// The command line with a `pg_restore` that counts its calls, and waits at this moment until
/// holdfast has ended.
pub fn waiting(world: &World, line: &str, KillMoment { call, is_filled }: KillMoment) -> Command {
    let pg_restore = world.cluster.programs().join("pg_restore").display().to_string();
    let work = if is_filled { format!("{pg_restore} \"$@\" || exit") } else { ":".to_owned() };
    let [folder, calls, reached] = ["slow", "calls", "reached"].map(|it| world.sandbox.path(it));
    let (calls, reached) = (calls.display(), reached.display());
    let text = format!(
        "#!/bin/sh\nparent=$PPID\n[ \"$1\" != --version ] || exec {pg_restore} --version\n\
         echo >>{calls}\n[ $(wc -l <{calls}) = {call} ] || exec {pg_restore} \"$@\"\n{work}\n\
         touch {reached}; while kill -0 $parent; do sleep 0.1; done 2>/dev/null\n"
    );
    world.sandbox.write("calls", "");
    let program = world.sandbox.write("slow/pg_restore", text);
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = world.sandbox.command(world.sandbox.words(line));
    command.env("PATH", format!("{}:{}", folder.display(), search_path()));
    command
}

/// Restores, and kills it with SIGKILL at this moment.
pub fn kill_at(world: &World, line: &str, moment: KillMoment) {
    let reached = world.sandbox.path("reached");
    let mut running = Running::start(&mut waiting(world, line, moment));
    wait_until("pg_restore runs", || reached.exists() || running.has_ended());
    assert!(!running.has_ended(), "{moment:?}: {:?}", running.end());
    running.signal(Signal::KILL);
    running.end();
    fs::remove_file(reached).unwrap();
}

#[test]
fn the_next_restore_says_what_a_killed_one_left_and_removes_it() {
    let world = World::new();
    world.capture();
    world.put_document(21);
    for is_filled in [false, true] {
        kill_at(&world, LINE, KillMoment { call: 1, is_filled });
        let databases = world.databases();
        // The second one has removed what the first one left.
        assert!(databases.starts_with("app app_hf_"), "{databases}");
        assert_eq!(databases.matches("_hf_").count(), 1, "{databases}");
        assert_eq!(world.count("app", "document"), 21, "the live one is as it was");
    }
    let outcome = world.restore(0, "--dry-run --yes-overwrite app");
    outcome.says("is left over from an interrupted restore; it will be removed");
    assert_eq!(world.databases().matches("_hf_").count(), 1, "a dry run changes nothing");
    let outcome = world.restore(0, "--confirm --yes-overwrite app");
    outcome.says("left over from an interrupted restore");
    assert_eq!(world.databases(), "app postgres template0 template1\n");
    assert_eq!(world.count("app", "document"), 20);
    assert_eq!(world.comment(), "\n", "it is finished");
}

#[test]
fn a_restore_that_runs_is_left_alone() {
    let world = World::new();
    world.capture();
    world.cluster.sql("postgres", UNFINISHED);
    let mut client = world.cluster.client("psql", ["-X", "-q", "-c", "select pg_sleep(600)"]);
    client.env("PGAPPNAME", "holdfast restore abc");
    let other = Running::start(&mut client);
    let alive =
        "select count(*) from pg_stat_activity where application_name = 'holdfast restore abc';";
    wait_until("it runs", || world.cluster.sql("postgres", alive) == b"1\n");
    let outcome = world.restore(1, "--confirm --yes-overwrite app");
    outcome.says("another restore of database \"app\" is filling \"app_hf_abc\"");
    // The server notices that a waiting client ended only when it answers it.
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
        where application_name = 'holdfast restore abc';";
    world.cluster.sql("postgres", end);
    drop(other);
    wait_until("it has ended", || world.cluster.sql("postgres", alive) == b"0\n");
    world.restore(0, "--confirm");
    assert_eq!(world.databases(), "app postgres template0 template1\n");
}

/// What a restore leaves behind if it is killed while filling a database.
const UNFINISHED: &str = "create database app_hf_abc; \
    comment on database app_hf_abc is 'holdfast restore abc of app is not finished';";

#[test]
fn a_database_that_was_about_to_be_replaced_comes_back() {
    for is_renamed in [false, true] {
        let world = World::new();
        world.capture();
        world.put_document(21);
        world.cluster.sql("postgres", UNFINISHED);
        world.cluster.sql("postgres", "alter database app allow_connections false;");
        if is_renamed {
            world.cluster.sql("postgres", "alter database app rename to app_hf_old_abc;");
        }
        let outcome = world.restore(1, "--confirm");
        outcome.says("was about to replace database \"app\"").says("--yes-overwrite app");
        outcome.says("ALTER DATABASE \"app\" ALLOW_CONNECTIONS true undoes it");
        if is_renamed {
            outcome.says("ALTER DATABASE \"app_hf_old_abc\" RENAME TO \"app\";");
        }
        world.restore(0, "--confirm --yes-overwrite app");
        assert_eq!(world.databases(), "app postgres template0 template1\n");
        assert_eq!(world.count("app", "document"), 20);
    }
}

#[test]
fn a_database_that_has_its_name_already_is_finished() {
    let world = World::new();
    world.cluster.sql("app", "comment on database app is 'documents of all';");
    world.capture();
    world.cluster.sql(
        "postgres",
        "create database app_hf_old_abc allow_connections false; \
         comment on database app is 'holdfast restore abc of app is not finished';",
    );
    let outcome = world.restore(0, "--confirm");
    outcome.prints("keep     database app").says("app_hf_old_abc");
    assert_eq!(world.databases(), "app postgres template0 template1\n");
    assert_eq!(world.comment(), "documents of all\n");
}

#[test]
fn a_database_that_nobody_knows_stays() {
    let world = World::new();
    world.capture();
    world.cluster.create("app_hf_mine");
    world.restore(0, "--confirm").says("DROP DATABASE \"app_hf_mine\" removes it");
    assert!(world.databases().contains("app_hf_mine"));
}

impl World {
    fn comment(&self) -> String {
        let query = "select shobj_description(oid, 'pg_database') from pg_database \
            where datname = 'app';";
        String::from_utf8(self.cluster.sql("postgres", query)).unwrap()
    }
}
