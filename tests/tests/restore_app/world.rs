//! A small application with real servers: a database, a vault of files that its rows refer to, keys
//! in their own repository, the output of a command, and a web server for its health.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread::JoinHandle;

use holdfast_tests::cluster::{Cluster, installations};
use holdfast_tests::sandbox::{Outcome, Sandbox};

const SCHEMA: &str = "
create role app login;
create role reader;
create database app owner app;
\\connect app
create table document (id int primary key, path text not null, bytes int not null);
create table audit (id int primary key, hash text, previous text);
alter table document owner to app;
grant select on document to reader;
insert into audit select i, md5(i::text), case when i > 1 then md5((i - 1)::text) end
  from generate_series(1, 50) i;
";

const APP_FILE: &str = r#"
[app]
name = "app"
[repository]
url = "@data"
password-file = "@key"
[repository.keys]
url = "@keys"
password-file = "@keys-key"
[[source]]
name = "database"
type = "postgres"
url = "postgres://demo@/app?host=SOCKET&port=5432"
[[source]]
name = "vault"
type = "files"
paths = ["@opt/vault"]
[[source]]
name = "certificate"
class = "keys"
type = "files"
paths = ["@opt/cert.p12", "@opt/.env"]
restore = { mode = "0600" }
[[source]]
name = "settings"
type = "command"
command = ["cat", "@opt/settings"]
file = "settings"
restore = { command = ["cp", "/dev/stdin", "@opt/settings"] }
[[check]]
name = "every document is in the vault"
source = "database"
sql = "select path as key, bytes as size from document"
objects-in = "vault"
[[check]]
name = "the audit log is whole"
source = "database"
chain = { table = "audit", order = "id", hash = "hash", previous = "previous" }
[restore]
stop = ["rm", "-f", "@started"]
start = ["touch", "@started"]
health = "http://HEALTH/api/health"
health-timeout = "1s"
"#;

/// The application, and holdfast.
pub struct World {
    pub sandbox: Sandbox,
    pub cluster: Cluster,
    pub web: Web,
}

impl World {
    /// An application with some documents, never captured.
    pub fn new() -> Self {
        let sandbox = Sandbox::empty();
        let state = sandbox.path("state");
        let sandbox = sandbox.with("HOLDFAST_STATE_DIR", state);
        sandbox.make_key("key");
        sandbox.make_key("keys-key");
        let programs = installations().pop().unwrap();
        let world = Self { sandbox, cluster: Cluster::start(&programs), web: Web::start() };
        world.cluster.sql("postgres", SCHEMA);
        world.write_file("holdfast.toml", APP_FILE);
        world.sandbox.write("opt/settings", "theme = dark\n");
        world.sandbox.write("started", "");
        world.issue_keys("first");
        (1..=20).for_each(|number| world.put_document(number));
        world
    }

    /// Writes an app file with this world's paths.
    pub fn write_file(&self, name: &str, text: &str) {
        let folder = format!("{}/", self.sandbox.path("").display());
        let folder = folder.replace("//", "/");
        let socket = self.cluster.folder().display().to_string();
        // The address of a database contains an @ of its own.
        let text = text.replace("demo@", "demo%AT%").replace('@', &folder).replace("%AT%", "@");
        let text = text.replace("SOCKET", &socket).replace("HEALTH", &self.web.address.to_string());
        self.sandbox.write(name, text);
    }

    /// The app file with replacements.
    pub fn app_file_with(&self, changes: &[(&str, &str)]) -> String {
        changes.iter().fold(APP_FILE.to_owned(), |text, (old, new)| {
            assert!(text.contains(old), "{old}");
            text.replace(old, new)
        })
    }

    /// Gives the application new keys: another era.
    pub fn issue_keys(&self, era: &str) {
        let certificate = self.sandbox.write("opt/cert.p12", format!("certificate of {era}"));
        fs::set_permissions(certificate, fs::Permissions::from_mode(0o644)).unwrap();
        self.sandbox.write("opt/.env", format!("SECRET={era}\n"));
    }

    /// Adds a document: first its file, then its row.
    pub fn put_document(&self, number: u32) {
        let content = format!("document {number}\n").repeat(number as usize);
        self.sandbox.write(format!("opt/vault/{number}"), &content);
        let bytes = content.len();
        let sql = format!("insert into document values ({number}, '{number}', {bytes});");
        self.cluster.sql("app", &sql);
    }

    /// Captures it.
    #[track_caller]
    pub fn capture(&self) {
        self.sandbox.ok("run --config @holdfast.toml --init-missing");
    }

    /// Runs `restore-app`, which must end with this code.
    #[track_caller]
    pub fn restore(&self, code: i32, more: &str) -> Outcome {
        self.sandbox.fails(code, &format!("restore-app --config @holdfast.toml {more}"))
    }

    /// The full content of a database, as written by `pg_dump`.
    pub fn picture(&self, database: &str) -> String {
        let text = String::from_utf8(self.cluster.dump(database, &[])).unwrap();
        // Newer versions protect their scripts with a random word.
        text.lines().filter(|line| !line.contains("restrict ")).collect::<Vec<_>>().join("\n")
    }

    /// Loses everything.
    pub fn destroy(&self) {
        self.cluster.sql("postgres", "drop database app; drop role app; drop role reader;");
        fs::remove_dir_all(self.sandbox.path("opt")).unwrap();
        fs::remove_file(self.sandbox.path("started")).unwrap();
    }

    /// The number of rows of a table.
    pub fn count(&self, database: &str, table: &str) -> u32 {
        let count = self.cluster.sql(database, &format!("select count(*) from {table};"));
        String::from_utf8(count).unwrap().trim().parse().unwrap()
    }

    /// All databases of the server.
    pub fn databases(&self) -> String {
        let names = "select string_agg(datname, ' ' order by datname) from pg_database;";
        String::from_utf8(self.cluster.sql("postgres", names)).unwrap()
    }
}

/// A web server with one answer.
pub struct Web {
    pub address: SocketAddr,
    status: Arc<AtomicU16>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Web {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (status, stop) = (Arc::new(AtomicU16::new(200)), Arc::<AtomicBool>::default());
        let (says, ends) = (Arc::clone(&status), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().take_while(|_| !ends.load(Ordering::SeqCst)) {
                // A client may disconnect at any moment.
                let _ = stream.and_then(|stream| answer(stream, says.load(Ordering::SeqCst)));
            }
        });
        Self { address, status, stop, thread: Some(thread) }
    }

    /// Sets its answer from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

fn answer(mut stream: TcpStream, status: u16) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let end = "content-length: 2\r\nconnection: close\r\n\r\nOK";
    write!(stream, "HTTP/1.1 {status} X\r\n{end}")
}

impl Drop for Web {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread up.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
