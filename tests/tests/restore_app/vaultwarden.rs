//! Vaultwarden, a password manager, in a realistic setup: PostgreSQL, a folder with attachments and
//! sends, keys, an environment with the administrator's token, and a compose file. Tables, columns
//! and folders match the real ones (1.3x, as far as user data is concerned); the program itself
//! cannot run here, so the test writes rows and files as it would. The machine is lost and
//! everything is restored on a new one, where there is no compose file to stop anything with.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use holdfast_tests::cluster::{Cluster, installations};
use holdfast_tests::picture::{self, EntryShape};
use holdfast_tests::sandbox::{Sandbox, search_path};

const SCHEMA: &str = include_str!("vaultwarden.sql");

/// An operator's app file.
const APP_FILE: &str = r#"
[app]
name = "vaultwarden"
[repository]
url = "@backup/vaultwarden"
password-file = "@etc/vaultwarden.key"
[repository.keys]
url = "@vault/vaultwarden"
password-file = "@etc/vaultwarden-keys.key"

[[source]]
name = "database"
type = "postgres"
url = "postgres://holdfast%AT%/vaultwarden?host=@run"

[[source]]
name = "data"
type = "files"
paths = ["@opt/vaultwarden/data"]
exclude = ["@opt/vaultwarden/data/rsa_key.pem", "@opt/vaultwarden/data/config.json",
    "@opt/vaultwarden/data/icon_cache", "@opt/vaultwarden/data/tmp"]

[[source]]
name = "stack"
type = "files"
paths = ["@opt/vaultwarden/compose.yaml"]

[[source]]
name = "secrets"
class = "keys"
type = "files"
paths = ["@opt/vaultwarden/.env", "@opt/vaultwarden/data/rsa_key.pem",
    "@opt/vaultwarden/data/config.json"]

[[check]]
name = "every attachment has its file"
source = "database"
sql = "select 'attachments/' || cipher_uuid || '/' || id as key, file_size as size from attachments"
objects-in = "data"

[[check]]
name = "every file that was sent is there"
source = "database"
sql = "select 'sends/' || uuid || '/' || (data::jsonb ->> 'id') as key from sends where atype = 1"
objects-in = "data"

[[check]]
name = "there are accounts"
source = "database"
sql = "select count(*) > 0 from users"
expect = "t"

[restore]
stop = ["docker", "compose", "-f", "@opt/vaultwarden/compose.yaml", "stop", "vaultwarden"]
start = ["docker", "compose", "-f", "@opt/vaultwarden/compose.yaml", "up", "-d", "vaultwarden"]
"#;

/// Replaces docker, which cannot run here, and needs its compose file like the real one.
const DOCKER: &str = r#"#!/bin/sh
echo "$*" >>"$STATE/calls"
[ -f "$3" ] || { echo "open $3: no such file or directory"; exit 14; }
case $4 in
  stop) rm -f "$STATE/runs" ;;
  up) touch "$STATE/runs" ;;
esac
"#;

struct World {
    sandbox: Sandbox,
    cluster: Cluster,
}

/// All data that its users would miss.
#[derive(Debug, PartialEq)]
struct VaultState {
    rows: String,
    roles: String,
    files: BTreeMap<std::path::PathBuf, EntryShape>,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::empty();
        let path = format!("{}:{}", sandbox.path("bin").display(), search_path());
        let state = sandbox.path("state");
        fs::create_dir(&state).unwrap();
        let sandbox = sandbox.with("PATH", path).with("STATE", &state);
        let sandbox = sandbox.with("HOLDFAST_STATE_DIR", &state);
        let docker = sandbox.write("bin/docker", DOCKER);
        fs::set_permissions(docker, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(sandbox.path("etc")).unwrap();
        sandbox.make_key("etc/vaultwarden.key");
        sandbox.make_key("etc/vaultwarden-keys.key");
        let folder = format!("{}/", sandbox.path("").display()).replace("//", "/");
        let text = APP_FILE.replace('@', &folder).replace("%AT%", "@");
        sandbox.write("etc/vaultwarden.toml", text);
        let world = Self { cluster: server(&sandbox), sandbox };
        world.cluster.sql("postgres", SCHEMA);
        world.sandbox.write("opt/vaultwarden/compose.yaml", "services: { vaultwarden: {} }\n");
        world.secret(".env", "ADMIN_TOKEN=$argon2id$v=19$m=65540$c2FsdA$aGFzaA\n");
        world.secret("data/rsa_key.pem", "a key that signs sessions\n");
        world.secret("data/config.json", "{\"domain\": \"https://vault.example.com\"}\n");
        world.sandbox.write("opt/vaultwarden/data/icon_cache/example.com.png", "an icon");
        world.sandbox.write("state/runs", "");
        for number in 0..5 {
            world.attach(number, 1000 * (number + 1));
            world.send(number);
        }
        world
    }

    fn secret(&self, name: &str, text: &str) {
        let path = self.sandbox.write(format!("opt/vaultwarden/{name}"), text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Attaches a file to an entry: first the file, encrypted by the client.
    fn attach(&self, number: usize, bytes: usize) {
        let (cipher, id) = (format!("c{number:035}"), format!("{number:020x}"));
        let content: Vec<u8> = (0..bytes).map(|place| (place * 7 + number) as u8).collect();
        self.sandbox.write(format!("opt/vaultwarden/data/attachments/{cipher}/{id}"), content);
        let row = format!("'{id}', '{cipher}', '2.name|iv', {bytes}, '2.key|iv'");
        self.cluster.sql("vaultwarden", &format!("insert into attachments values ({row})"));
    }

    /// Sends a file.
    fn send(&self, number: usize) {
        let (send, id) = (format!("d{number:035}"), format!("{number:032x}"));
        self.sandbox
            .write(format!("opt/vaultwarden/data/sends/{send}/{id}"), format!("sent {number}"));
        let data = format!("{{\"id\": \"{id}\", \"fileName\": \"2.name|iv\"}}");
        let row = format!(
            "'{send}', 'u{number:035}', '2.n|iv', 1, '{data}', '2.k|iv', now(), now(),
             now() + interval '7 days', false"
        );
        self.cluster.sql("vaultwarden", &format!("insert into sends values ({row})"));
    }

    fn state(&self) -> VaultState {
        let sql =
            |database: &str, sql: &str| String::from_utf8(self.cluster.sql(database, sql)).unwrap();
        let tables = "select format('select %L, count(*), md5(string_agg(t::text, '','' order by \
            t::text)) from %I t;', relname, relname) from pg_class where relkind = 'r' and \
            relnamespace = 'public'::regnamespace order by relname";
        let roles = "select rolname, rolcanlogin, rolpassword from pg_authid where rolname = \
            'vaultwarden'";
        let files = picture::picture(&self.sandbox.path("opt")).into_iter();
        let files = files.filter(|(path, _)| !path.to_string_lossy().contains("icon_cache"));
        VaultState {
            rows: sql("vaultwarden", &sql("vaultwarden", tables)),
            roles: sql("postgres", roles),
            files: files.map(|(path, look)| (path, look.kind)).collect(),
        }
    }
}

/// The machine's PostgreSQL, with its socket where the app file says.
fn server(sandbox: &Sandbox) -> Cluster {
    let cluster = Cluster::start(&installations().pop().unwrap());
    cluster.sql("postgres", "create role holdfast superuser login");
    let socket = sandbox.path("run");
    let _ = fs::remove_file(&socket);
    symlink(cluster.folder(), socket).unwrap();
    cluster
}

const AT: &str = "--config @etc/vaultwarden.toml";

#[test]
fn it_comes_back_on_a_new_machine() {
    let mut world = World::new();
    let first = world.sandbox.ok(&format!("run {AT} --init-missing"));
    first.prints("check \"every attachment has its file\" passed: 5 referenced, 0 missing");
    first.prints("check \"every file that was sent is there\" passed: 5 referenced, 0 missing");
    let before = world.state();
    // The repositories and their keys are elsewhere; everything else is lost.
    fs::remove_dir_all(world.sandbox.path("opt")).unwrap();
    fs::remove_file(world.sandbox.path("state/runs")).unwrap();
    world.cluster = server(&world.sandbox);
    let plan = world.sandbox.ok(&format!("restore-app {AT} --dry-run"));
    plan.prints("make     database vaultwarden").prints("compose.yaml does not exist");
    let restored = world.sandbox.ok(&format!("restore-app {AT} --confirm"));
    restored.says("nothing of the application exists here, so the restore continued");
    restored.prints(", 0 failed");
    let after = world.state();
    assert_eq!(before.rows, after.rows);
    assert_eq!(before.roles, after.roles, "with its password");
    assert_eq!(before.files, after.files);
    assert!(world.sandbox.exists("state/runs"), "it runs");
    let calls = String::from_utf8(world.sandbox.read("state/calls")).unwrap();
    assert!(calls.ends_with("compose.yaml up -d vaultwarden\n"), "{calls}");
    // What now exists is stopped before it is touched again.
    let again = world.sandbox.ok(&format!("restore-app {AT} --confirm"));
    again.prints("docker succeeded").prints("keep     database vaultwarden");
    assert_eq!(after, world.state());
}

#[test]
fn an_application_that_cannot_be_stopped_is_left_alone() {
    let world = World::new();
    world.sandbox.ok(&format!("run {AT} --init-missing"));
    // Its compose file is missing, and it may be running.
    fs::remove_file(world.sandbox.path("opt/vaultwarden/compose.yaml")).unwrap();
    let before = world.state();
    let refused = world.sandbox.fails(1, &format!("restore-app {AT} --confirm"));
    refused.says("no such file or directory").says("--already-stopped");
    assert_eq!(before, world.state());
    let restored = world.sandbox.ok(&format!("restore-app {AT} --confirm --already-stopped"));
    restored.prints("start the application: docker succeeded");
}

#[test]
fn an_attachment_that_is_gone_is_told_by_the_run() {
    let world = World::new();
    world.sandbox.ok(&format!("run {AT} --init-missing"));
    let attachments = world.sandbox.path("opt/vaultwarden/data/attachments");
    fs::remove_dir_all(attachments.join(format!("c{:035}", 3))).unwrap();
    let told = world.sandbox.fails(3, &format!("run {AT}"));
    told.prints("check \"every attachment has its file\" FAILED").prints("is missing");
}
