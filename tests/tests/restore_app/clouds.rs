//! A Google bucket and an Azure container: captured, lost, restored, and restored elsewhere.

use crate::scene::Scene;

/// The well-known account key of Azurite.
const AZURE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// A key file for emulators.
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

/// The objects of the bucket are captured, lost and restored; then they are restored elsewhere.
fn a_bucket_comes_back(scene: &Scene, name: &str) {
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
    restored.prints("0 failed");
    assert_eq!(scene.show("letters"), shown);
    scene.write_file("drill.toml", "drill", "unused");
    let line = "restore-app --config @holdfast.toml --to @drill.toml --confirm";
    if name == "google" {
        // It belongs to a project, which holdfast cannot know.
        scene.sandbox.fails(1, line).says("there is no bucket \"drill\"");
        scene.client(&["make", "drill"]);
    }
    scene.sandbox.ok(line);
    assert_eq!(scene.show("drill").as_object().unwrap().len(), 4);
    scene.write_file("drill.toml", "letters", "unused");
    scene.sandbox.fails(1, line).says("the application's own");
}

#[test]
fn a_container_of_azure_comes_back() {
    let scene = Scene::start("azure-server", "/devstoreaccount1", AZURE, AZURE_KEY);
    a_bucket_comes_back(&scene, "azure");
    scene.sandbox.write("secret", "aHVudGVyMg==");
    let refused = scene.sandbox.fails(1, "run --config @holdfast.toml");
    refused.says("letters").says("the server rejected the access key");
    scene.write_file("holdfast.toml", "nothing-here", "data");
    scene.sandbox.write("secret", AZURE_KEY);
    let refused = scene.sandbox.fails(1, "run --config @holdfast.toml");
    refused.says("there is no bucket \"nothing-here\"");
}

#[test]
fn a_bucket_of_google_comes_back() {
    let scene = Scene::start("google-server", "", GOOGLE, GOOGLE_KEY);
    a_bucket_comes_back(&scene, "google");
    scene.sandbox.write("secret", "hunter2");
    let refused = scene.sandbox.fails(1, "run --config @holdfast.toml");
    refused.says("letters").says("is not a Google key file: it is not JSON");
}
