//! Paths and names of an application's parts in its sandbox.
//!
//! Tests run concurrently on the same servers, so every world has its own databases, roles and
//! buckets: their names in the app file plus a number.

use std::path::PathBuf;

use holdfast_tests::project;

use crate::servers;
use crate::world::{TestApplication, World};

/// Replaces docker and kubectl, which cannot run here: it runs commands meant for a container, and
/// records stopped services in files.
pub const CONTAINERS: &str = r#"#!/bin/sh
echo "$*" >>"$STATE/calls"
while [ $# -gt 0 ]; do
  case $1 in
    compose) shift ;;
    -p | -n | --project-directory) shift 2 ;;
    exec)
      [ "$2" = -T ] || exit 64
      shift 3
      exec "$@"
      ;;
    stop)
      shift
      for service; do touch "$STATE/$service.stopped"; done
      exit 0
      ;;
    start)
      shift
      for service; do rm -f "$STATE/$service.stopped"; done
      exit 0
      ;;
    scale)
      service=${2#deployment/}
      case $3 in
        --replicas=0) touch "$STATE/$service.stopped" ;;
        *) rm -f "$STATE/$service.stopped" ;;
      esac
      exit 0
      ;;
    *) exit 65 ;;
  esac
done
exit 66
"#;

impl<A: TestApplication> World<A> {
    /// Writes the app file with an addition.
    pub fn write_app_file(&self, more: &str) {
        let mut text = project::read(&format!("docs/applications/{}.toml", A::NAME));
        let endpoint = format!("http://127.0.0.1:{}", servers::object_server().port);
        for (from, to) in A::PLACES {
            assert!(text.contains(from), "{from} is not in the app file");
            let to = to.replace("ENDPOINT", &endpoint).replace("WEB", &self.web.address());
            text = text.replace(from, &to);
        }
        let name = format!("etc/holdfast/{}.toml", A::NAME);
        self.sandbox.write(name, self.here(&text) + &self.here(more));
    }

    /// Replaces names and paths in a text by those of this world and its sandbox.
    pub fn here(&self, text: &str) -> String {
        let folder = self.sandbox.path("").display().to_string();
        let folder = folder.trim_end_matches('/');
        let mut text = text.to_owned();
        for top in ["/opt/", "/srv/", "/mnt/", "/var/", "/etc/holdfast", "/backup"] {
            for before in ['"', '\'', ' ', ':'] {
                let (from, to) = (format!("{before}{top}"), format!("{before}{folder}{top}"));
                text = text.replace(&from, &to);
            }
        }
        for bucket in A::BUCKETS {
            let to = format!("s3://{}\"", self.bucket(bucket));
            text = text.replace(&format!("s3://{bucket}\""), &to);
        }
        text.split_inclusive('\n').map(|line| self.here_in_line(line)).collect()
    }

    fn here_in_line(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (name, _) in A::DATABASES {
            if line.starts_with("database") {
                line = line.replace(&format!("\"{name}\""), &format!("\"{}\"", self.own(name)));
            }
            if line.starts_with("url = \"postgres://") {
                let socket = servers::cluster().folder().display().to_string().replace('/', "%2F");
                let (role, name) = (self.own(A::ROLES[0]), self.own(name));
                line = format!("url = \"postgres://{role}@/{name}?host={socket}\"\n");
            }
        }
        line
    }

    /// The name of a database or role of the app file in this world.
    pub fn own(&self, name: &str) -> String {
        format!("{name}_{}", self.number)
    }

    /// The name of a bucket of the app file in this world.
    pub fn bucket(&self, name: &str) -> String {
        format!("{name}-{}", self.number)
    }

    /// The path of a file of the app file in this world.
    pub fn path(&self, path: &str) -> PathBuf {
        self.sandbox.path(path.trim_start_matches('/'))
    }
}
