//! What would make a run fail, told before anything is stored.

use holdfast_connect::bucket::BucketError;
use holdfast_connect::postgres;

use super::cuts::postgres_options;
use super::{RunContext, RunError};
use crate::bucket;
use crate::config::{AppFile, SourceKind};

/// What is known before a run.
#[derive(Debug, Default)]
pub struct Preflight {
    /// What does not prevent the run but should be known.
    pub warnings: Vec<String>,
    /// Each source with what was found at its place, in the order of the file.
    pub found: Vec<(String, String)>,
}

/// Asks every server whether a capture would succeed, and looks whether files are there.
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
                    "PostgreSQL {}.{}, {}",
                    version / 10_000,
                    version % 10_000,
                    server.databases.join(", ")
                )
            }
            SourceKind::Files(files) => {
                let missing = files.paths.iter().filter(|path| !path.exists());
                ready.warnings.extend(missing.map(|path| {
                    format!("{name}: {} is not there, or cannot be looked at", path.display())
                }));
                files.paths.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(", ")
            }
            SourceKind::Command(output) => output.command.program().to_owned(),
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
