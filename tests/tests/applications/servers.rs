//! The PostgreSQL cluster and the S3 server shared by all applications of this test.
//!
//! Each is kept by a process of its own, which reads a pipe of this one: when the test ends,
//! however it ends, the pipe does, and the keeper stops the server.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use holdfast_tests::{cluster, project, shared};

/// A PostgreSQL server with the superuser `demo`, who needs no password.
pub struct TestCluster(cluster::Cluster);

/// An S3 server.
#[derive(Debug)]
pub struct ObjectServer {
    /// Keeps the pipe open.
    _server: Child,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

/// The cluster.
pub fn cluster() -> &'static TestCluster {
    static CLUSTER: OnceLock<TestCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| TestCluster(shared::cluster("-c max_connections=200")))
}

/// The S3 server.
pub fn object_server() -> &'static ObjectServer {
    static SERVER: OnceLock<ObjectServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut command = Command::new(project::root().join("tests/s3-server"));
        let (server, line) = start(&mut command);
        let port = line.parse().expect("tests/s3-server prints its port");
        ObjectServer { _server: server, port }
    })
}

fn start(command: &mut Command) -> (Child, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut line = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    BufReader::new(stdout).read_line(&mut line).expect("a pipe can be read");
    (child, line.trim().to_owned())
}

impl TestCluster {
    /// Folder of its socket.
    pub fn folder(&self) -> &Path {
        self.0.folder()
    }

    /// A PostgreSQL client program that connects to this server as its superuser.
    pub fn client(&self, program: &str) -> Command {
        self.0.client(program, [""; 0])
    }

    /// Runs SQL and returns its output, without headers.
    #[track_caller]
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let output = self.try_sql(database, sql);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}\n{sql}");
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    /// Like the above, but may fail.
    pub fn try_sql(&self, database: &str, sql: &str) -> Output {
        let mut command = self.client("psql");
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("psql runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // It prints little before it has read everything.
        let _unread = stdin.write_all(sql.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("psql ends")
    }
}
