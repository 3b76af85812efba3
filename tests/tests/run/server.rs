//! Servers that several tests share.

use std::process::{Command, Stdio};

use holdfast_tests::cluster::{Cluster, installations};

/// A PostgreSQL for a static, which is never dropped: it stops when the process that runs the tests
/// ends, however that ends.
pub fn cluster() -> Cluster {
    const KEEPER: &str = "read -r _; kill -QUIT \"$(head -n 1 \"$0/data/postmaster.pid\")\"; \
                          sleep 1; rm -rf \"$0\"";
    let cluster = Cluster::start(installations().last().expect("an installation of PostgreSQL"));
    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER]).arg(cluster.folder()).stdin(Stdio::piped());
    let keeper = keeper.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The pipe stays open as long as this process lives.
    std::mem::forget(keeper);
    cluster
}
