//! The CronJob, parsed as YAML and checked against the fields of Kubernetes objects.

use serde_json::{Value as Json, json};

use super::*;

const ROOT: [(&str, &str, bool); 4] = [
    ("backup", "/srv/backup", false),
    ("vault", "/mnt/key vault", false),
    ("uploads", "/opt/documenso", true),
    ("metrics", "/var/lib/node-exporter", false),
];

fn claims() -> Vec<Claim> {
    let claim = |(name, path, read_only): (&str, &str, bool)| Claim {
        name: name.to_owned(),
        path: path.into(),
        read_only,
    };
    ROOT.map(claim).to_vec()
}

const ARGUMENTS: [String; 0] = [];

fn options<'a>(text: &'a str, claims: &'a [Claim]) -> KubernetesOptions<'a> {
    KubernetesOptions {
        image: "registry.example.com/holdfast:0.1.0",
        arguments: &ARGUMENTS,
        made_by: "a test",
        app_file_text: text,
        namespace: Some("documenso"),
        claims,
        cache_claim: Some("holdfast-cache"),
    }
}

fn documents(text: &str) -> Vec<Json> {
    serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn the_manifest_of_a_full_file() {
    let claims = claims();
    insta::assert_snapshot!(cron_job(&file(FULL), &options(FULL, &claims)).unwrap());
}

/// Fields of each object in the API of Kubernetes 1.32, as far as they are used here.
fn fields(object: &str) -> &'static [&'static str] {
    match object {
        "ConfigMap" => &["apiVersion", "kind", "metadata", "data"],
        "CronJob" => &["apiVersion", "kind", "metadata", "spec"],
        "ObjectMeta" => &["name", "namespace", "labels"],
        "CronJobSpec" => &[
            "schedule",
            "timeZone",
            "concurrencyPolicy",
            "startingDeadlineSeconds",
            "suspend",
            "successfulJobsHistoryLimit",
            "failedJobsHistoryLimit",
            "jobTemplate",
        ],
        "JobTemplateSpec" | "PodTemplateSpec" => &["metadata", "spec"],
        "JobSpec" => &["backoffLimit", "template", "activeDeadlineSeconds"],
        "PodSpec" => &[
            "restartPolicy",
            "automountServiceAccountToken",
            "terminationGracePeriodSeconds",
            "securityContext",
            "containers",
            "volumes",
        ],
        "PodSecurityContext" => &[
            "runAsNonRoot",
            "runAsUser",
            "runAsGroup",
            "fsGroup",
            "fsGroupChangePolicy",
            "seccompProfile",
        ],
        "Container" => {
            &["name", "image", "args", "env", "resources", "securityContext", "volumeMounts"]
        }
        "SecurityContext" => {
            &["allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities"]
        }
        "VolumeMount" => &["name", "mountPath", "readOnly"],
        "Volume" => &["name", "configMap", "secret", "emptyDir", "persistentVolumeClaim"],
        other => panic!("{other}"),
    }
}

fn check_fields(value: &Json, object: &str) {
    for key in value.as_object().unwrap_or_else(|| panic!("{object} is {value}")).keys() {
        assert!(fields(object).contains(&key.as_str()), "{object} has no {key}");
    }
}

fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 63
        && text.starts_with(inner)
        && text.ends_with(inner)
        && text.chars().all(|c| inner(c) || c == '-')
}

/// Checks a manifest by the rules of the API; returns the ConfigMap and the CronJob.
fn checked(text: &str) -> (Json, Json) {
    let [config_map, cron_job]: [Json; 2] = documents(text).try_into().unwrap();
    check_fields(&config_map, "ConfigMap");
    check_fields(&cron_job, "CronJob");
    for (object, kind, version) in
        [(&config_map, "ConfigMap", "v1"), (&cron_job, "CronJob", "batch/v1")]
    {
        assert_eq!((&object["kind"], &object["apiVersion"]), (&json!(kind), &json!(version)));
        check_fields(&object["metadata"], "ObjectMeta");
        let name = object["metadata"]["name"].as_str().unwrap();
        // The name of a job adds eleven characters, and is limited to 63.
        assert!(is_name(name) && name.len() <= 52);
        let labels = object["metadata"]["labels"].as_object().unwrap();
        assert!(labels.values().all(|value| value.as_str().is_some_and(is_name)));
    }
    let spec = &cron_job["spec"];
    check_fields(spec, "CronJobSpec");
    assert_eq!(spec["schedule"].as_str().unwrap().split(' ').count(), 5);
    check_fields(&spec["jobTemplate"], "JobTemplateSpec");
    let job = &spec["jobTemplate"]["spec"];
    check_fields(job, "JobSpec");
    check_fields(&job["template"], "PodTemplateSpec");
    check_pod(&job["template"]["spec"]);
    (config_map, cron_job)
}

fn check_pod(pod: &Json) {
    check_fields(pod, "PodSpec");
    assert_eq!(pod["restartPolicy"], "Never");
    check_fields(&pod["securityContext"], "PodSecurityContext");
    let [container] = &pod["containers"].as_array().unwrap()[..] else { panic!("{pod}") };
    check_fields(container, "Container");
    check_fields(&container["securityContext"], "SecurityContext");
    assert!(container["args"].as_array().unwrap().iter().all(Json::is_string));
    for variable in container["env"].as_array().unwrap() {
        assert!(variable["name"].is_string() && variable["value"].is_string());
    }
    for quantity in
        ["/resources/requests/cpu", "/resources/requests/memory", "/resources/limits/memory"]
    {
        let quantity = container.pointer(quantity).and_then(Json::as_str).unwrap();
        let digits = quantity.trim_end_matches("Mi").trim_end_matches("Gi").trim_end_matches('m');
        assert!(digits.parse::<u32>().is_ok(), "{quantity}");
    }
    let mut volumes = Vec::new();
    for volume in pod["volumes"].as_array().unwrap() {
        check_fields(volume, "Volume");
        assert_eq!(volume.as_object().unwrap().len(), 2, "{volume}");
        volumes.push(volume["name"].as_str().unwrap());
    }
    let mut mounted = Vec::new();
    let mut paths = Vec::new();
    for mount in container["volumeMounts"].as_array().unwrap() {
        check_fields(mount, "VolumeMount");
        mounted.push(mount["name"].as_str().unwrap());
        paths.push(mount["mountPath"].as_str().unwrap());
    }
    assert!(volumes.iter().all(|name| is_name(name)));
    assert_eq!(mounted, volumes);
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), mounted.len());
}

#[test]
fn the_manifest_follows_the_rules_of_kubernetes() {
    let claims = claims();
    let (config_map, cron_job) =
        checked(&super::cron_job(&file(FULL), &options(FULL, &claims)).unwrap());
    assert_eq!(config_map["data"][APP_FILE], FULL);
    let spec = &cron_job["spec"];
    assert_eq!(spec["schedule"], "30 2 * * *");
    assert_eq!(spec["timeZone"], "Europe/Berlin");
    assert_eq!(spec["concurrencyPolicy"], "Forbid");
    let pod = &spec["jobTemplate"]["spec"]["template"]["spec"];
    let capabilities = &pod["containers"][0]["securityContext"]["capabilities"];
    assert_eq!(capabilities, &json!({ "drop": ["ALL"], "add": ["DAC_READ_SEARCH"] }));
    assert_eq!(pod["volumes"][1]["secret"]["defaultMode"], 0o440);
    assert_eq!(pod["volumes"][2]["persistentVolumeClaim"]["claimName"], "holdfast-cache");
}

#[test]
fn a_run_that_reads_no_files_is_nobody() {
    let text = format!(
        "{}\n[[hook]]\nbefore = \"run\"\ncommand = [\"true\"]\n",
        SMALL.replace("[app]", "[app]\nhost = \"h\"")
    );
    let options = KubernetesOptions { cache_claim: None, namespace: None, ..options(&text, &[]) };
    let (config_map, cron_job) = checked(&super::cron_job(&file(&text), &options).unwrap());
    assert_eq!(config_map["data"][APP_FILE], text);
    assert_eq!(config_map["metadata"]["namespace"], Json::Null);
    let pod = &cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let capabilities = &pod["containers"][0]["securityContext"]["capabilities"];
    assert_eq!(capabilities, &json!({ "drop": ["ALL"] }));
    assert_eq!(cron_job["spec"]["timeZone"], Json::Null);
}

#[test]
fn the_secret_is_described_and_not_contained() {
    let claims = claims();
    let text = super::cron_job(&file(FULL), &options(FULL, &claims)).unwrap();
    for secret in file(FULL).secret_files() {
        assert!(text.contains(&format!("#     --from-file={}=FILE", secret.name)), "{text}");
    }
    assert!(text.contains("#   kubectl -n documenso create secret generic holdfast-documenso"));
    assert!(!text.contains("kind: Secret"));
}

#[test]
fn what_a_pod_could_not_do_is_refused() {
    let refused = |text: &str, claims: &[Claim]| {
        super::cron_job(&file(text), &options(text, claims)).unwrap_err().to_string()
    };
    let without_host = FULL.replace("host = \"documenso.example.com\"\n", "");
    assert!(refused(&without_host, &claims()).contains("host = \"...\" in [app]"));
    for (index, part) in [
        (0, "no volume contains /srv/backup/documenso, which is the repository"),
        (1, "which is the repository of keys"),
        (2, "no volume contains /opt/documenso/uploads, which \"uploads\" backs up"),
        (3, "which is the Prometheus textfile"),
    ] {
        let mut claims = claims();
        claims.remove(index);
        let told = refused(FULL, &claims);
        assert!(told.contains(part), "{told}");
    }
    let mut read_only = claims();
    read_only[0].read_only = true;
    assert!(refused(FULL, &read_only).contains("which is the repository"));
    for name in ["", "My", "a_b", "-a", "a.", &"x".repeat(64)] {
        let mut claims = claims();
        claims[3].name = name.to_owned();
        assert!(refused(FULL, &claims).contains("is not a Kubernetes name"), "{name}");
    }
}
