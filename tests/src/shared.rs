//! A PostgreSQL that the tests of one process share.

use std::process::{Command, Stdio};

use crate::cluster::{Cluster, installations};

/// Reads a pipe of the process that started it: when that ends, however it ends, the pipe does, and
/// the server is stopped and its folder removed.
const KEEPER: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
kill -QUIT "$(head -n 1 "$0/data/postmaster.pid")"
sleep 1
rm -rf "$0"
"#;

/// A server of the newest version for a static, which is never dropped, with these settings.
pub fn cluster(settings: &str) -> Cluster {
    let cluster = Cluster::start(installations().last().expect("an installation of PostgreSQL"));
    cluster.restart(settings);
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER]).arg(cluster.folder()).stdin(Stdio::piped());
    let keeper = keeper.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The pipe stays open as long as this process lives.
    std::mem::forget(keeper);
    cluster
}
