//! Whether a run would succeed, found out before anything is stopped or captured.

use super::RunError;
use crate::config::AppFile;
use crate::kind::CaptureScene;

/// What was found.
#[derive(Debug, Default)]
pub struct Preflight {
    /// Warnings, one sentence each.
    pub warnings: Vec<String>,
    /// For each source in the order of the file, its name and what a run will read from it.
    pub found: Vec<(String, String)>,
}

/// Probes every server for whether a capture would succeed, and checks that files exist.
///
/// # Errors
/// The first thing that would prevent it.
pub fn preflight(file: &AppFile, scene: &CaptureScene<'_>) -> Result<Preflight, RunError> {
    let mut ready = Preflight::default();
    for source in &file.sources {
        let name = &source.name;
        let probe = source.kind.probe(scene).map_err(|error| RunError::of(name, error))?;
        let warnings = probe.warnings.iter().map(|it| format!("{name}: {it}"));
        ready.warnings.extend(warnings);
        ready.found.push((name.to_string(), probe.found));
    }
    Ok(ready)
}
