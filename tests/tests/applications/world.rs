//! An application with real servers, hour by hour: its database, buckets, files, keys and web
//! server.
//!
//! The app file is the one in docs/applications with only its locations replaced, so that what is
//! tested is what users copy.

use std::collections::BTreeMap;
use std::fs;
use std::marker::PhantomData;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_tests::picture::{self, EntryShape};
use holdfast_tests::sandbox::{Outcome, Sandbox, search_path};
use holdfast_tests::{binary, clock, project};
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

use crate::objects::{self, ServerObject};
use crate::places::CONTAINERS;
use crate::servers;
use crate::tools;
use crate::web::WebServer;

/// The parts of an application, and what its users do.
pub trait TestApplication: Sized {
    /// Its name, as in its page and app file.
    const NAME: &'static str;
    /// Its service, which is stopped and started.
    const SERVICE: &'static str;
    /// The databases by their names in the app file, and SQL that creates their tables.
    const DATABASES: &'static [(&'static str, &'static str)];
    /// holdfast's role, then the roles that are restored.
    const ROLES: &'static [&'static str];
    /// Buckets by their names in the app file.
    const BUCKETS: &'static [&'static str];
    /// Files and folders that are lost and restored, as named in the app file.
    const FILES: &'static [&'static str];
    /// Its repository, as named in the app file.
    const REPOSITORY: &'static str;
    /// Its key repository.
    const KEYS_REPOSITORY: &'static str;
    /// Hours between runs: retention is counted in hours or in days.
    const RUN_EVERY_HOURS: u32;
    /// Replacements in the app file other than databases, buckets and paths. `ENDPOINT` and `WEB`
    /// stand for the addresses of the S3 server and of the application.
    const PLACES: &'static [(&'static str, &'static str)];
    /// A query whose value the application's address shows while it works.
    const SAYS: &'static str;

    /// Creates the initial data: keys, certificates, users.
    fn prepare(world: &World<Self>);

    /// What happens in an hour in addition to new documents.
    fn live(world: &World<Self>, hour: u32);

    /// Adds a document, or whatever the application stores.
    fn put_document(world: &World<Self>, number: u32);

    /// Checks the current data against the list of the guide.
    fn verify(world: &World<Self>);
}

/// All visible data of an application at the end of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
struct WorldState {
    rows: BTreeMap<String, String>,
    objects: BTreeMap<String, BTreeMap<String, ServerObject>>,
    files: BTreeMap<String, Vec<(PathBuf, EntryShape)>>,
}

/// One application under test.
pub struct World<A> {
    /// The locations of its files, repositories and programs.
    pub sandbox: Sandbox,
    pub(crate) number: usize,
    first_hour: Timestamp,
    states: Vec<WorldState>,
    documents: u32,
    pub(crate) web: WebServer,
    application: PhantomData<A>,
}

impl<A: TestApplication> World<A> {
    /// Creates an application that was never backed up.
    pub fn start() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let sandbox = Sandbox::empty();
        let state = sandbox.path("state");
        fs::create_dir(&state).expect("a folder");
        let path = format!("{}:{}", sandbox.path("bin").display(), search_path());
        let config = sandbox.path("etc/holdfast").join(format!("{}.toml", A::NAME));
        let sandbox = sandbox
            .with("PATH", path)
            .with("STATE", &state)
            .with("HOLDFAST_CONFIG", config)
            .with("HOLDFAST_STATE_DIR", &state);
        for program in ["docker", "kubectl"] {
            let path = sandbox.write(format!("bin/{program}"), CONTAINERS);
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        symlink(binary::holdfast(), sandbox.path("bin/holdfast")).expect("a link");
        let stopped = state.join(format!("{}.stopped", A::SERVICE));
        let database = format!("{}_{number}", A::DATABASES[0].0);
        let web = WebServer::start(Box::new(move || {
            let output = servers::cluster().try_sql(&database, A::SAYS);
            let works = output.status.success() && !stopped.exists();
            works.then(|| String::from_utf8_lossy(&output.stdout).into_owned())
        }));
        let world = Self {
            sandbox,
            number,
            first_hour: first_hour(A::RUN_EVERY_HOURS),
            states: Vec::new(),
            documents: 0,
            web,
            application: PhantomData,
        };
        world.make();
        world
    }

    fn make(&self) {
        let cluster = servers::cluster();
        for role in A::ROLES {
            let role = self.own(role);
            cluster.sql("postgres", &format!("create role {role} superuser login"));
        }
        let owner = self.own(A::ROLES[0]);
        for (name, schema) in A::DATABASES {
            let database = self.own(name);
            cluster.sql("postgres", &format!("create database {database} owner {owner}"));
            let mut schema = (*schema).to_owned();
            for role in A::ROLES {
                for end in [';', '\n', '\''] {
                    let to = format!(" to {}{end}", self.own(role));
                    schema = schema.replace(&format!(" to {role}{end}"), &to);
                }
            }
            cluster.sql(&database, &format!("set role {owner};\n{schema}"));
        }
        A::BUCKETS.iter().for_each(|bucket| objects::make_bucket(&self.bucket(bucket)));
        for secret in ["database.password", "s3.id", "s3.secret"] {
            let name = A::NAME.strip_prefix("proof-").unwrap_or(A::NAME);
            self.sandbox.write(format!("etc/holdfast/{name}-{secret}"), "nobody-asks-for-it\n");
        }
        self.write_app_file("");
        A::prepare(self);
    }

    /// A new key, which no output of holdfast may contain.
    pub fn secret(&self) -> String {
        let key = tools::random_key();
        let name = format!("secrets/{}", &key[..8]);
        self.sandbox.add_secret(&name, &key);
        key
    }

    /// Runs SQL in the first database.
    #[track_caller]
    pub fn sql(&self, sql: &str) -> String {
        servers::cluster().sql(&self.own(A::DATABASES[0].0), sql)
    }

    /// Adds a document.
    pub fn put_document(&mut self) {
        self.documents += 1;
        A::put_document(self, self.documents);
    }

    /// Lets an hour pass: the application is used, then holdfast runs and must succeed.
    #[track_caller]
    pub fn advance_hour(&mut self) {
        let outcome = self.advance_hour_whatever();
        assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    }

    /// Lets an hour pass in which the run may fail.
    pub fn advance_hour_whatever(&mut self) -> Outcome {
        let hour = self.hour();
        A::live(self, hour);
        (0..3).for_each(|_| self.put_document());
        let outcome = match hour {
            0 => self.first_run(),
            _ => self.holdfast(hour, &["run", A::NAME]),
        };
        self.states.push(self.state());
        outcome
    }

    /// The number of runs so far: the current hour, or day if runs are daily.
    pub fn hour(&self) -> u32 {
        u32::try_from(self.states.len()).expect("few hours")
    }

    /// Creates keys, repositories and a schedule as described on the page.
    fn first_run(&self) -> Outcome {
        let outcome = self.console("First run");
        for kind in ["", "-keys"] {
            let name = format!("etc/holdfast/{}{kind}.key", A::NAME);
            let key = String::from_utf8(self.sandbox.read(&name)).expect("a key is text");
            self.sandbox.add_secret(&name, key.trim());
        }
        if outcome.code == Some(0) { self.console("Schedule") } else { outcome }
    }

    /// Runs the console block of a section of the page.
    fn console(&self, section: &str) -> Outcome {
        let page = project::read(&format!("docs/applications/{}.md", A::NAME));
        let (_, rest) = page.split_once(&format!("## {section}\n")).expect("the section");
        let (_, rest) = rest.split_once("```console\n").expect("a console block");
        let (block, _) = rest.split_once("```").expect("the end of the block");
        let lines = block.lines().map(|line| line.strip_prefix("$ ").expect("a command"));
        // Nothing is installed on the testing machine.
        let script: Vec<_> = lines.map(|line| self.here(line).replace(" --install", "")).collect();
        let mut command = self.sandbox.program("sh");
        command.args(["-e", "-c", &script.join("\n")]);
        self.finish(&mut command, self.hour())
    }

    /// Runs holdfast in some hour.
    pub fn holdfast(&self, hour: u32, words: &[&str]) -> Outcome {
        self.finish(&mut self.sandbox.command(words), hour)
    }

    fn finish(&self, command: &mut Command, hour: u32) -> Outcome {
        command.env_remove("HOLDFAST_REPOSITORY").env_remove("HOLDFAST_PASSWORD_FILE");
        clock::set(command, &self.at(hour, 17));
        self.sandbox.finish(command.output().expect("it runs"))
    }

    /// A minute of an hour, as people write it.
    pub fn at(&self, hour: u32, minute: i64) -> String {
        let hours = i64::from(hour * A::RUN_EVERY_HOURS);
        let time = self.first_hour + hours.hours().minutes(minute);
        time.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// Loses everything: databases, roles, objects, files.
    pub fn destroy(&self) {
        let cluster = servers::cluster();
        for (name, _) in A::DATABASES {
            let name = self.own(name);
            cluster.sql("postgres", &format!("drop database {name} with (force)"));
        }
        for role in &A::ROLES[1..] {
            cluster.sql("postgres", &format!("drop role {}", self.own(role)));
        }
        for bucket in A::BUCKETS {
            let bucket = self.bucket(bucket);
            objects::keys(&bucket).iter().for_each(|key| objects::delete(&bucket, key));
        }
        for file in A::FILES {
            let path = self.path(file);
            match path.is_dir() {
                true => fs::remove_dir_all(path),
                false => fs::remove_file(path),
            }
            .expect("it was there");
        }
    }

    /// Restores what the run of an hour captured.
    pub fn restore(&self, hour: u32, more: &[&str]) -> Outcome {
        let at = self.at(hour, 30);
        let words = [&["restore-app", A::NAME, "--at", &at, "--confirm"], more].concat();
        self.holdfast(self.hour(), &words)
    }

    /// The data equals that at the end of an hour, and passes the list of the guide.
    #[track_caller]
    pub fn verify(&self, hour: u32) {
        let (wanted, found) = (&self.states[hour as usize], self.state());
        assert_eq!(wanted.rows, found.rows);
        assert_eq!(wanted.objects, found.objects);
        assert_eq!(wanted.files, found.files);
        A::verify(self);
    }

    /// The snapshots in the data repository.
    #[track_caller]
    pub fn snapshots(&self) -> Vec<Value> {
        let repository = self.path(A::REPOSITORY);
        let key = self.path("/etc/holdfast").join(format!("{}.key", A::NAME));
        let mut command = self.sandbox.command(["snapshots", "--json"]);
        command.arg("--repo").arg(repository).arg("--password-file").arg(key);
        let outcome = self.sandbox.finish(command.output().expect("it runs"));
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        outcome.json().as_array().cloned().expect("an array")
    }

    fn state(&self) -> WorldState {
        let rows = A::DATABASES.iter().flat_map(|(name, _)| {
            let tables = rows(&self.own(name)).into_iter();
            tables.map(move |(table, rows)| (format!("{name}.{table}"), rows))
        });
        let objects = A::BUCKETS
            .iter()
            .map(|name| ((*name).to_owned(), objects::picture(&self.bucket(name))));
        let files = A::FILES.iter().map(|file| {
            let picture = picture::picture(&self.path(file)).into_iter();
            ((*file).to_owned(), picture.map(|(path, look)| (path, look.kind)).collect())
        });
        WorldState { rows: rows.collect(), objects: objects.collect(), files: files.collect() }
    }
}

/// Row count and hash of each table.
fn rows(database: &str) -> BTreeMap<String, String> {
    let cluster = servers::cluster();
    let questions = cluster.sql(
        database,
        "select format('select %L || '' '' || count(*) || '' '' || \
         coalesce(md5(string_agg(t::text, E''\\n'' order by t::text)), '''') from %s t;', \
         oid::regclass, oid::regclass) from pg_class \
         where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
    );
    let lines = cluster.sql(database, &questions);
    let split = |line: &str| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()));
    lines.lines().filter_map(split).collect()
}

/// All hours are in the past: nothing is dated in the future, and everything is recent.
fn first_hour(run_every_hours: u32) -> Timestamp {
    let now = Timestamp::now().as_second();
    let ago = 10 * i64::from(run_every_hours) * 3600;
    Timestamp::from_second(now - now % 3600 - ago).expect("a time")
}
