//! A CronJob for Kubernetes, with the app file in a ConfigMap.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::cron::moment;
use super::{ScheduleError, absolute, yaml};
use crate::config::AppFile;
use crate::settings::RepositoryUrl;

/// Folder of the app file in a pod, to which its relative paths are relative.
pub const FOLDER: &str = "/etc/holdfast";
/// Name of the app file in a pod.
pub const APP_FILE: &str = "holdfast.toml";
/// Folder of the secrets in a pod, each in a file with its name.
pub const CREDENTIALS_FOLDER: &str = "/run/secrets/holdfast";

/// User and group of a run that reads no files of other users.
const USER: u32 = 10_001;
const CACHE_FOLDER: &str = "/var/cache/holdfast";
const STATE_FOLDER: &str = "/var/lib/holdfast";
/// 0440, in decimal, which all YAML parsers read as the same number.
const SECRET_MODE: u32 = 0o440;
/// A run that could not start for this long is skipped.
const DEADLINE_SECONDS: u32 = 1800;
/// Time to finish a run cleanly, and to restart an application that a hook stopped.
const GRACE_SECONDS: u32 = 900;

/// Options in addition to the app file.
#[derive(Debug, Clone)]
pub struct KubernetesOptions<'a> {
    /// The image, with its tag.
    pub image: &'a str,
    /// What the container starts holdfast with.
    pub arguments: &'a [String],
    /// What the text was made by.
    pub made_by: &'a str,
    /// The text of the app file, which becomes a ConfigMap because it holds no secrets.
    pub app_file_text: &'a str,
    /// The namespace; if absent, the one it is applied in.
    pub namespace: Option<&'a str>,
    /// Volumes with the data and the repositories.
    pub claims: &'a [Claim],
    /// Claim for the cache; if absent, each run starts with an empty cache.
    pub cache_claim: Option<&'a str>,
}

/// A PersistentVolumeClaim and where it is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// Where it is mounted.
    pub path: PathBuf,
    /// True to mount it read-only.
    pub read_only: bool,
}

/// A ConfigMap and a CronJob, as YAML. `file` must have been read as if it were in [`FOLDER`].
///
/// The pod takes its secrets from a Secret called `holdfast-APP`; a comment says how to create it.
///
/// # Errors
/// [`ScheduleError`] if a pod could not run what the file says.
pub fn cron_job(file: &AppFile, options: &KubernetesOptions<'_>) -> Result<String, ScheduleError> {
    let job = CronJob { file, options, name: format!("holdfast-{}", file.app.name) };
    job.check_names()?;
    job.check_mounts()?;
    let (config_map, cron_job) = (job.config_map(), job.cron_job()?);
    Ok([
        format!("# Made by {} from the app file it contains;\n", options.made_by),
        "# regenerate it when that changes.\n".to_owned(),
        job.what_the_image_needs(),
        job.how_to_make_the_secret(),
        "---\n".to_owned(),
        yaml::document(&config_map),
        "---\n".to_owned(),
        yaml::document(&cron_job),
    ]
    .concat())
}

struct CronJob<'a> {
    file: &'a AppFile,
    options: &'a KubernetesOptions<'a>,
    name: String,
}

impl CronJob<'_> {
    fn check_names(&self) -> Result<(), ScheduleError> {
        if self.file.app.host.is_none() {
            return Err(ScheduleError::NoHost);
        }
        let claims = self.options.claims.iter().map(|claim| claim.name.as_str());
        let mut names = claims.chain(self.options.namespace).chain(self.options.cache_claim);
        names.try_for_each(check_name)
    }

    /// Every path that the file names must be on a volume.
    fn check_mounts(&self) -> Result<(), ScheduleError> {
        let file = self.file;
        let repositories = [
            (Some(&file.repository), "is the repository"),
            (file.keys_repository.as_ref(), "is the repository of keys"),
        ];
        for (repository, what) in repositories {
            if let Some(RepositoryUrl::Local(path)) = repository.map(|it| &it.url) {
                self.check_mount(path, true, what.to_owned())?;
            }
        }
        for source in &file.sources {
            for path in source.kind.paths() {
                self.check_mount(path, false, format!("\"{}\" backs up", source.name))?;
            }
        }
        if let Some(prometheus) = &file.notify.prometheus {
            self.check_mount(&prometheus.textfile, true, "is the Prometheus textfile".into())?;
        }
        Ok(())
    }

    fn check_mount(&self, path: &Path, write: bool, what: String) -> Result<(), ScheduleError> {
        let holds = |claim: &Claim| path.starts_with(&claim.path) && !(write && claim.read_only);
        match self.options.claims.iter().any(holds) {
            true => Ok(()),
            false => Err(ScheduleError::NotMounted { path: path.to_owned(), what }),
        }
    }

    /// The Secret itself is not part of the text, so that the text can be committed.
    fn how_to_make_the_secret(&self) -> String {
        let secrets = self.file.secret_files();
        if secrets.is_empty() {
            return String::new();
        }
        let namespace = self.options.namespace.map(|it| format!(" -n {it}")).unwrap_or_default();
        let from =
            secrets.iter().map(|secret| format!(" \\\n#     --from-file={}=FILE", secret.name));
        let from: String = from.collect();
        let command = format!("kubectl{namespace} create secret generic {}{from}", self.name);
        format!(
            "#\n# The pod needs a Secret, created from files that you have:\n\
             #\n#   {command}\n"
        )
    }

    /// Lists the programs that must be in the image.
    fn what_the_image_needs(&self) -> String {
        let mut names: Vec<_> = self.file.programs().into_iter().map(|it| it.name).collect();
        names.sort();
        names.dedup();
        if names.is_empty() {
            return String::new();
        }
        let names = names.join(", ").replace(char::is_control, " ");
        format!("#\n# In addition to holdfast, the image must contain these programs: {names}\n")
    }

    fn config_map(&self) -> Json {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": self.metadata(),
            "data": { APP_FILE: self.options.app_file_text },
        })
    }

    fn metadata(&self) -> Json {
        let mut metadata = json!({ "name": self.name, "labels": self.labels() });
        if let Some(namespace) = self.options.namespace {
            metadata["namespace"] = json!(namespace);
        }
        metadata
    }

    fn labels(&self) -> Json {
        json!({
            "app.kubernetes.io/name": "holdfast",
            "app.kubernetes.io/instance": self.file.app.name.as_str(),
        })
    }

    fn cron_job(&self) -> Result<Json, ScheduleError> {
        let mut spec = json!({
            "schedule": moment(self.file.schedule.every),
            // No run starts while another is in progress.
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": DEADLINE_SECONDS,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": { "spec": {
                // The next run reuses what a failed one stored.
                "backoffLimit": 0,
                "template": { "metadata": { "labels": self.labels() }, "spec": self.pod()? },
            } },
        });
        let zone = self.file.app.time_zone.as_ref().and_then(|zone| zone.iana_name());
        if let Some(zone) = zone {
            spec["timeZone"] = json!(zone);
        }
        Ok(json!({
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": self.metadata(),
            "spec": spec,
        }))
    }

    fn pod(&self) -> Result<Json, ScheduleError> {
        Ok(json!({
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": GRACE_SECONDS,
            "securityContext": self.pod_security(),
            "containers": [self.container()?],
            "volumes": self.volumes(),
        }))
    }

    /// True if the run reads files, which may belong to any user.
    fn reads_files(&self) -> bool {
        self.file.sources.iter().any(|source| !source.kind.paths().is_empty())
    }

    /// To read files it runs as root, with no capability but reading; otherwise as an unprivileged
    /// user.
    fn pod_security(&self) -> Json {
        let seccomp = json!({ "type": "RuntimeDefault" });
        if self.reads_files() {
            return json!({ "runAsUser": 0, "runAsGroup": 0, "seccompProfile": seccomp });
        }
        json!({
            "runAsNonRoot": true,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": seccomp,
        })
    }

    fn container(&self) -> Result<Json, ScheduleError> {
        let mut capabilities = json!({ "drop": ["ALL"] });
        if self.reads_files() {
            capabilities["add"] = json!(["DAC_READ_SEARCH"]);
        }
        Ok(json!({
            "name": "holdfast",
            "image": self.options.image,
            "args": self.options.arguments,
            "env": [
                { "name": "HOLDFAST_CACHE_DIR", "value": CACHE_FOLDER },
                { "name": "HOLDFAST_STATE_DIR", "value": STATE_FOLDER },
                { "name": "CREDENTIALS_DIRECTORY", "value": CREDENTIALS_FOLDER },
            ],
            "resources": {
                "requests": { "cpu": "100m", "memory": "128Mi" },
                "limits": { "memory": "1Gi" },
            },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": capabilities,
            },
            "volumeMounts": self.mounts()?,
        }))
    }

    fn mounts(&self) -> Result<Vec<Json>, ScheduleError> {
        let mut mounts = vec![mount("app-file", FOLDER, true)];
        if self.has_secrets() {
            mounts.push(mount("secrets", CREDENTIALS_FOLDER, true));
        }
        mounts.push(mount("cache", CACHE_FOLDER, false));
        mounts.push(mount("state", STATE_FOLDER, false));
        mounts.push(mount("tmp", "/tmp", false));
        for (number, claim) in self.options.claims.iter().enumerate() {
            let path = absolute(&claim.path)?;
            mounts.push(mount(&format!("claim-{number}"), path, claim.read_only));
        }
        Ok(mounts)
    }

    fn volumes(&self) -> Vec<Json> {
        let of_claim = |name: &str, claim: &str, read_only: bool| {
            let claim = json!({ "claimName": claim, "readOnly": read_only });
            json!({ "name": name, "persistentVolumeClaim": claim })
        };
        let mut volumes = vec![json!({ "name": "app-file", "configMap": { "name": self.name } })];
        if self.has_secrets() {
            let secret = json!({ "secretName": self.name, "defaultMode": SECRET_MODE });
            volumes.push(json!({ "name": "secrets", "secret": secret }));
        }
        volumes.push(match self.options.cache_claim {
            Some(claim) => of_claim("cache", claim, false),
            None => json!({ "name": "cache", "emptyDir": { "sizeLimit": "10Gi" } }),
        });
        volumes.extend(["state", "tmp"].map(|name| json!({ "name": name, "emptyDir": {} })));
        for (number, claim) in self.options.claims.iter().enumerate() {
            volumes.push(of_claim(&format!("claim-{number}"), &claim.name, claim.read_only));
        }
        volumes
    }

    fn has_secrets(&self) -> bool {
        !self.file.secret_files().is_empty()
    }
}

fn mount(name: &str, path: &str, read_only: bool) -> Json {
    json!({ "name": name, "mountPath": path, "readOnly": read_only })
}

/// Checks a Kubernetes name: of a namespace, or of a claim, which may contain dots.
fn check_name(name: &str) -> Result<(), ScheduleError> {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.starts_with(is_inner)
            && label.ends_with(is_inner)
            && label.chars().all(|c| is_inner(c) || c == '-')
    };
    let is_valid = name.len() <= 253 && name.split('.').all(is_label);
    if is_valid { Ok(()) } else { Err(ScheduleError::Name { name: name.to_owned() }) }
}
