//! A bucket of Google and a container of Azure: captured, lost, brought back, and drilled.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use holdfast_tests::project;
use holdfast_tests::sandbox::Sandbox;
use serde_json::Value;

/// What every Azurite knows.
const AZURE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// A key file as emulators want it.
const GOOGLE_KEY: &str = r#"{"type": "service_account", "private_key": "", "private_key_id": "",
    "client_email": "", "disable_oauth": true}"#;

const AZURE: &str = r#"
url = "azure://BUCKET"
account = "devstoreaccount1"
endpoint = "ENDPOINT"
credentials = { account-key-file = "secret" }
"#;
const GOOGLE: &str = r#"
url = "gs://BUCKET"
endpoint = "ENDPOINT"
credentials = { key-file = "secret" }
"#;

/// A server, an application with one bucket in it, and holdfast beside it.
struct Scene {
    sandbox: Sandbox,
    server: Child,
    script: PathBuf,
    endpoint: String,
    source: &'static str,
}

impl Scene {
    fn start(script: &str, path: &str, source: &'static str, secret: &str) -> Self {
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
        let scene = Self { sandbox, server, script, endpoint, source };
        scene.write_file("holdfast.toml", "letters", "data");
        scene
    }

    /// An app file with this bucket in it.
    fn write_file(&self, name: &str, bucket: &str, repository: &str) {
        let source = self.source.replace("ENDPOINT", &self.endpoint).replace("BUCKET", bucket);
        let text = format!(
            "[app]\nname = \"app\"\n[repository]\nurl = \"{repository}\"\n\
             password-file = \"key\"\n[[source]]\nname = \"letters\"\ntype = \"bucket\"{source}"
        );
        self.sandbox.write(name, text);
    }

    /// Lets the service's own client do something.
    fn client(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.script)
            .args(["--client", &self.endpoint])
            .args(arguments)
            .output()
            .expect("the script runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn show(&self, bucket: &str) -> Value {
        serde_json::from_str(&self.client(&["show", bucket])).unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

/// What is in the bucket is captured, lost, and comes back; then it is brought elsewhere.
fn a_bucket_comes_back(scene: &Scene) {
    let attributes =
        r#"{"headers": {"blobContentType": "text/letter"}, "metadata": {"from": "me"}}"#;
    scene.client(&["make", "letters"]);
    for key in ["2026/1", "2026/2", "z"] {
        scene.client(&["put", "letters", key, key, attributes]);
    }
    let shown = scene.show("letters");
    scene.sandbox.ok("config check --config @holdfast.toml");
    scene.sandbox.ok("run --config @holdfast.toml --init-missing");
    scene.client(&["put", "letters", "3", "new"]);
    let again = scene.sandbox.ok("run --config @holdfast.toml --json").message("run_summary");
    assert_eq!(again["sources"][0]["files"], 5, "the objects and bucket.json: {again}");
    for key in ["2026/1", "2026/2", "3"] {
        scene.client(&["delete", "letters", key]);
    }
    scene.client(&["put", "letters", "z", "not what it was"]);
    let line = "restore-app --config @holdfast.toml --snapshot latest~1 --confirm";
    let restored = scene.sandbox.ok(line);
    restored.prints("0 wrong");
    assert_eq!(scene.show("letters"), shown);
    scene.client(&["make", "drill"]);
    scene.write_file("drill.toml", "drill", "unused");
    let line = "restore-app --config @holdfast.toml --to @drill.toml --confirm";
    scene.sandbox.ok(line);
    assert_eq!(scene.show("drill").as_object().unwrap().len(), 4);
    scene.write_file("drill.toml", "letters", "unused");
    scene.sandbox.fails(1, line).says("the application's own");
}

#[test]
fn a_container_of_azure_comes_back() {
    let scene = Scene::start("azure-server", "/devstoreaccount1", AZURE, AZURE_KEY);
    a_bucket_comes_back(&scene);
    scene.sandbox.write("secret", "aHVudGVyMg==");
    let refused = scene.sandbox.fails(1, "run --config @holdfast.toml");
    refused.says("letters").says("the server refuses the access key");
    scene.write_file("holdfast.toml", "nothing-here", "data");
    scene.sandbox.write("secret", AZURE_KEY);
    let refused = scene.sandbox.fails(1, "run --config @holdfast.toml");
    refused.says("there is no bucket \"nothing-here\"");
}

#[test]
fn a_bucket_of_google_comes_back() {
    let scene = Scene::start("google-server", "", GOOGLE, GOOGLE_KEY);
    a_bucket_comes_back(&scene);
    scene.sandbox.write("secret", "hunter2");
    let refused = scene.sandbox.fails(1, "run --config @holdfast.toml");
    refused.says("letters").says("is no key file of Google's: it is not JSON");
}
