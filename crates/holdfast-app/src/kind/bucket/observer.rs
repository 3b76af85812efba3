//! Events about a bucket, with keys instead of the names under which objects are stored.

use holdfast_engine::look::shown_path;
use holdfast_engine::{EngineEvent, Observer};

/// Forwards events about a bucket, with keys instead of the names under which objects are stored.
pub(super) struct WithKeys<'a>(pub &'a dyn Observer);

impl Observer for WithKeys<'_> {
    fn event(&self, event: EngineEvent<'_>) {
        let path = match event {
            EngineEvent::Entry { path, .. }
            | EngineEvent::Started { path }
            | EngineEvent::Trouble { path, .. }
            | EngineEvent::Excluded { path }
            | EngineEvent::Spared { path, .. } => shown_path(path),
            EngineEvent::Total { .. }
            | EngineEvent::Processed { .. }
            | EngineEvent::Note { .. } => Vec::new(),
        };
        let path = path.as_slice();
        self.0.event(match event {
            EngineEvent::Entry { action, is_directory, is_file, bytes, added, .. } => {
                EngineEvent::Entry { path, action, is_directory, is_file, bytes, added }
            }
            EngineEvent::Started { .. } => EngineEvent::Started { path },
            EngineEvent::Trouble { during, message, .. } => {
                EngineEvent::Trouble { path, during, message }
            }
            EngineEvent::Excluded { .. } => EngineEvent::Excluded { path },
            EngineEvent::Spared { why, .. } => EngineEvent::Spared { path, why },
            other => other,
        });
    }

    fn is_interrupted(&self) -> bool {
        self.0.is_interrupted()
    }

    fn wants_checkpoint(&self) -> bool {
        self.0.wants_checkpoint()
    }
}
