//! The textfile for Prometheus, read by the node exporter.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use holdfast_tests::cluster::{Cluster, installations};

use crate::world::World;

/// A node exporter that only reads textfiles, stopped when this is dropped.
struct Exporter {
    child: Child,
    port: u16,
}

impl Exporter {
    fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("prometheus-node-exporter")
            .args(["--collector.disable-defaults", "--collector.textfile"])
            .arg(format!("--collector.textfile.directory={}", folder.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus-node-exporter is missing: `./dev test` installs it");
        Self { child, port }
    }

    /// What Prometheus would scrape, once the exporter answers.
    fn scrape(&self) -> String {
        for _ in 0..200 {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                return answer;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the node exporter does not answer");
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The value of a series.
fn value(page: &str, series: &str) -> Option<f64> {
    let line = page.lines().find_map(|line| line.strip_prefix(series));
    line.and_then(|value| value.trim().parse().ok())
}

/// The roles of the database are saved with the keys: it is still one source.
#[test]
fn a_database_with_roles_is_one_source_for_everybody() {
    let cluster = Cluster::start(&installations().pop().unwrap());
    cluster.create("app");
    cluster.sql("app", "create table notes as select n from generate_series(1, 1000) n");
    let socket = cluster.folder().display();
    let world = World::new(&format!(
        "[[source]]\nname = \"database\"\ntype = \"postgres\"\n\
         url = \"postgres://demo@/app?host={socket}\"\n\
         [notify.prometheus]\ntextfile = \"metrics/notes.prom\"\n"
    ));
    std::fs::create_dir(world.sandbox.path("metrics")).unwrap();
    let told = world.runs();
    let sources: Vec<_> = told["sources"].as_array().unwrap().iter().collect();
    let names: Vec<_> = sources.iter().map(|source| source["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["certificate", "files", "database"]);
    let roles = world.sandbox.ok("-r @vault -p @vault-key ls latest --recursive --long");
    assert!(roles.stdout.contains("globals.sql"), "{roles:?}");
    let database = &sources[2];
    let exporter = Exporter::start(&world.sandbox.path("metrics"));
    let page = exporter.scrape();
    assert_eq!(value(&page, "node_textfile_scrape_error"), Some(0.0), "{page}");
    let of_database = "{app=\"notes\",source=\"database\"}";
    for (metric, field) in [
        ("holdfast_source_total_bytes", "total_bytes"),
        ("holdfast_source_added_bytes", "added_bytes"),
        ("holdfast_source_errors", "errors"),
    ] {
        let found = value(&page, &format!("{metric}{of_database}"));
        assert_eq!(found, database[field].as_f64(), "{metric}: {page}");
    }
    let series: Vec<_> = page.lines().filter(|line| line.starts_with("holdfast_")).collect();
    let all = sources.iter().map(|source| source["total_bytes"].as_f64().unwrap()).sum::<f64>();
    assert_eq!(value(&page, "holdfast_last_run_total_bytes{app=\"notes\"}"), Some(all));
    assert!(series.len() > 20, "{page}");
    let text = world.sandbox.ok("run");
    let lines = text.stdout.lines().filter(|line| line.starts_with("source database:"));
    assert_eq!(lines.count(), 1, "{}", text.stdout);
}
