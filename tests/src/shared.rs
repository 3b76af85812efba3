//! A PostgreSQL server shared by the tests of one process.

use std::process::{Command, Stdio};

use crate::cluster::{Cluster, installations};

/// Reads a pipe from the process that started it: when that process ends, for whatever reason, the
/// pipe is closed, the server is stopped and its folder is removed.
const KEEPER: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
kill -QUIT "$(head -n 1 "$0/data/postmaster.pid")"
sleep 1
rm -rf "$0"
"#;

/// A server of the newest version with these settings, for a static, which is never dropped.
pub fn cluster(settings: &str) -> Cluster {
    let cluster = Cluster::start(installations().last().expect("an installation of PostgreSQL"));
    cluster.restart(settings);
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER]).arg(cluster.folder()).stdin(Stdio::piped());
    let keeper = keeper.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The pipe stays open for the lifetime of this process.
    std::mem::forget(keeper);
    cluster
}
