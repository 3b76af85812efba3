//! A bucket server, an application with one bucket on it, and holdfast.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use holdfast_tests::project;
use holdfast_tests::sandbox::Sandbox;
use serde_json::Value;

/// The prologue of scripts for Amazon's client.
const BEGIN: &str = r#"
import json, sys, boto3
from botocore.config import Config
config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", config=config,
    aws_access_key_id="AKIATEST", aws_secret_access_key="hunter2-secret")
"#;

/// A server, an application with one bucket, and holdfast.
pub struct Scene {
    pub sandbox: Sandbox,
    server: Child,
    script: PathBuf,
    endpoint: String,
    source: String,
}

impl Scene {
    /// Starts a server by its script in `tests/`; `path` follows the port in its endpoint.
    pub fn start(script: &str, path: &str, source: &str, secret: &str) -> Self {
        let script = project::root().join("tests").join(script);
        let mut server = Command::new(&script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script runs");
        let mut port = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let endpoint = format!("http://127.0.0.1:{}{path}", port.trim());
        let sandbox = Sandbox::empty();
        let state = sandbox.path("state");
        let sandbox = sandbox.with("HOLDFAST_STATE_DIR", state);
        sandbox.make_key("key");
        sandbox.add_secret("secret", secret);
        let source = source.to_owned();
        let scene = Self { sandbox, server, script, endpoint, source };
        scene.write_file("holdfast.toml", "letters", "data");
        scene
    }

    /// Rewrites the app file with a replacement.
    pub fn change(&mut self, old: &str, new: &str) {
        assert!(self.source.contains(old), "{old}");
        self.source = self.source.replace(old, new);
        self.write_file("holdfast.toml", "letters", "data");
    }

    /// An app file with this bucket.
    pub fn write_file(&self, name: &str, bucket: &str, repository: &str) {
        let source = self.source.replace("ENDPOINT", &self.endpoint).replace("BUCKET", bucket);
        let text = format!(
            "[app]\nname = \"app\"\n[repository]\nurl = \"{repository}\"\n\
             password-file = \"key\"\n[[source]]\nname = \"letters\"\ntype = \"bucket\"{source}"
        );
        self.sandbox.write(name, text);
    }

    /// Runs a command of the service's own client.
    pub fn client(&self, arguments: &[&str]) -> String {
        self.output(&[&["--client", &self.endpoint], arguments].concat())
    }

    /// Runs a script with Amazon's own client, `s3`, and returns its output.
    pub fn amazon(&self, script: &str) -> String {
        self.output(&["--python", "-c", &format!("{BEGIN}{script}"), &self.endpoint])
    }

    fn output(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.script).args(arguments).output().expect("the script runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The full content of a bucket, as shown by that client.
    pub fn show(&self, bucket: &str) -> Value {
        serde_json::from_str(&self.client(&["show", bucket])).unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // Closing its input ends it.
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}
