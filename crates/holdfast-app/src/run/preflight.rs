//! Reports what would make a run fail, before anything is stored.

use std::os::unix::fs::MetadataExt;

use holdfast_connect::bucket::BucketError;
use holdfast_connect::postgres;
use holdfast_connect::words::count;
use jiff::{SignedDuration, Timestamp};

use super::cuts::postgres_options;
use super::{RunContext, RunError};
use crate::bucket;
use crate::config::{AppFile, Dump, SourceKind};

/// What is known before a run.
#[derive(Debug, Default)]
pub struct Preflight {
    /// Problems that do not prevent the run.
    pub warnings: Vec<String>,
    /// Each source with a description of what was found, in the order of the file.
    pub found: Vec<(String, String)>,
}

/// Probes every server for whether a capture would succeed, and checks that files exist.
///
/// # Errors
/// The first thing that would prevent it.
pub fn preflight(file: &AppFile, context: &RunContext<'_>) -> Result<Preflight, RunError> {
    let mut ready = Preflight::default();
    for source in &file.sources {
        let name = source.name.to_string();
        let found = match &source.kind {
            SourceKind::Postgres(settings) => {
                let options = postgres_options(source, settings, context)?;
                let failed = |error| RunError::Postgres { name: name.clone(), error };
                let server = postgres::preflight(&options).map_err(failed)?;
                let warnings = server.warnings.iter().map(|it| format!("{name}: {it}"));
                ready.warnings.extend(warnings);
                let version = server.server_version_number;
                format!(
                    "PostgreSQL {}.{}, {}; {} at once",
                    version / 10_000,
                    version % 10_000,
                    server.databases.join(", "),
                    count(server.connections as u64, "connection", "connections")
                )
            }
            SourceKind::Files(files) => {
                let missing = files.paths.iter().filter(|path| !path.exists());
                ready.warnings.extend(missing.map(|path| {
                    format!("{name}: {} does not exist or cannot be accessed", path.display())
                }));
                files.paths.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(", ")
            }
            SourceKind::Command(output) => output.command.program().to_owned(),
            SourceKind::Dump(dump) => {
                let why = |why| RunError::Settings { name: name.clone(), why };
                look_at_dump(dump, (context.now)()).map_err(why)?
            }
            SourceKind::Bucket(bucket) => {
                let why = |error: BucketError| RunError::Settings {
                    name: name.clone(),
                    why: error.to_string(),
                };
                let open = bucket::open(bucket, &context.buckets).map_err(why)?;
                open.look().map_err(why)?;
                bucket.url.to_string()
            }
        };
        ready.found.push((source.name.to_string(), found));
    }
    Ok(ready)
}

/// A dump that another program makes must exist and be recent: otherwise it would go unnoticed that
/// it is no longer made.
fn look_at_dump(dump: &Dump, now: Timestamp) -> Result<String, String> {
    let shown = dump.file.display();
    let found = dump.file.metadata().map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if found.is_dir() {
        return Err(format!(
            "{shown} is a folder, as written by pg_dump -Fd; use a single-file dump (-Fc)"
        ));
    }
    let changed = Timestamp::new(found.mtime(), 0).unwrap_or_default();
    let age = now.duration_since(changed);
    match dump.max_age.and_then(|max_age| SignedDuration::try_from(max_age).ok()) {
        Some(max_age) if age > max_age => Err(format!(
            "{shown} was written at {changed}, {age:#} ago, but may be at most {max_age:#} old; \
             check the program that makes it"
        )),
        _ => Ok(format!("{shown}, written at {changed}")),
    }
}
