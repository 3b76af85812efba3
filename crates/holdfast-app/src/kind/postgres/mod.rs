//! Databases of a PostgreSQL server.

mod cut;
mod restore;
mod server;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use holdfast_connect::postgres::{self as connect, Cut};
use holdfast_connect::words::count;
use holdfast_format::record::SourceRecord;

pub(crate) use restore::into_steps;
pub(super) use restore::server as target_server;
pub use restore::{DatabaseMove, EmitTo, RolesMove, emit_database};
pub(super) use restore::{DumpOrigin, SCRIPT, overlap, refuse_live, target_name};
pub use settings::{DatabaseNames, GlobalsPlace, PostgresSettings};

use super::step::{Origin, RestoreError, RestorePart, StepScene};
use super::{
    AppSource, CaptureError, CaptureScene, Kind, Move, Probe, RestoreRank, SharedCut,
    SourceCapture, SourceKind,
};
use crate::check::Queries;
use crate::connections::Connections;
use crate::settings::Argv;
use cut::{PostgresCut, RestoredDatabases};

impl PostgresSettings {
    pub(super) const WORD: &str = "postgres";
    pub(super) const ABOUT: &str = "Databases of a PostgreSQL server.";
}

impl Kind for PostgresSettings {
    fn word(&self) -> &'static str {
        Self::WORD
    }

    /// Roles, which include password verifiers, are stored with the keys if there is a repository
    /// of keys and the file does not say otherwise.
    fn settle(&mut self, has_keys_repository: bool, has_key: &dyn Fn(&str) -> bool) {
        if has_keys_repository && !has_key("globals") {
            self.globals = GlobalsPlace::WithKeys;
        }
    }

    fn secret_files(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        self.password.as_mut().and_then(|password| password.secret_file()).into_iter().collect()
    }

    fn commands(&self) -> Vec<(&'static str, &Argv)> {
        self.exec.iter().map(|exec| ("exec", exec)).collect()
    }

    /// Programs that `exec` runs are not on this machine.
    fn programs(&self) -> Vec<String> {
        let password = self.password.as_ref().and_then(|password| password.program());
        let mut programs: Vec<&str> = password.into_iter().collect();
        match &self.exec {
            Some(argv) => programs.push(argv.program()),
            None => {
                programs.push("pg_dump");
                if self.globals != GlobalsPlace::Nowhere {
                    programs.push("pg_dumpall");
                }
            }
        }
        programs.into_iter().map(str::to_owned).collect()
    }

    /// The server may have its socket there.
    fn needs_folder(&self, folder: &Path) -> bool {
        self.url.address().paths().iter().any(|path| Path::new(path).starts_with(folder))
    }

    fn database(&self) -> Option<&PostgresSettings> {
        Some(self)
    }

    fn queried(&self) -> Option<&DatabaseNames> {
        Some(&self.databases)
    }

    fn has_globals_apart(&self) -> bool {
        self.globals == GlobalsPlace::WithKeys
    }

    /// Secrets in a dump are in rows, which cannot be moved elsewhere.
    fn is_scanned(&self) -> bool {
        false
    }

    fn probe(&self, scene: &CaptureScene<'_>) -> Result<Probe, CaptureError> {
        let options = self.options(&scene.connections, scene.run);
        let server = connect::preflight(&options.map_err(CaptureError::Unusable)?)?;
        let version = server.server_version_number;
        let found = format!(
            "PostgreSQL {}.{}, {}; {} at once",
            version / 10_000,
            version % 10_000,
            server.databases.join(", "),
            count(server.connections as u64, "connection", "connections")
        );
        Ok(Probe { found, warnings: server.warnings })
    }

    fn cut(&self, scene: &CaptureScene<'_>) -> Result<Option<SharedCut>, CaptureError> {
        let options = self.options(&scene.connections, scene.run);
        let cut = Cut::open(options.map_err(CaptureError::Unusable)?)?;
        Ok(Some(Arc::new(PostgresCut(Arc::new(cut)))))
    }

    /// Only its cut can be captured.
    fn capture<'a>(
        &'a self,
        _scene: &'a CaptureScene<'a>,
        _previous: Option<&SourceRecord>,
    ) -> Result<Box<dyn SourceCapture + 'a>, CaptureError> {
        Err(CaptureError::Unusable("its database was not opened".to_owned()))
    }

    fn restore_rank(&self) -> RestoreRank {
        RestoreRank::Databases
    }

    fn overlap(&self, live: &SourceKind) -> Option<String> {
        overlap(self, live.database()?)
    }

    fn refuse_live(
        &self,
        part: &RestorePart<'_>,
        live: &AppSource,
        origin: Origin<'_>,
        connections: &Connections<'_>,
    ) -> Result<(), RestoreError> {
        match live.kind.database() {
            Some(database) => refuse_live(part, self, (live, database), origin, connections),
            None => Ok(()),
        }
    }

    fn moves<'a>(
        &'a self,
        part: &RestorePart<'a>,
        origin: Origin<'a>,
        scene: &StepScene<'a>,
    ) -> Result<Vec<Move<'a>>, RestoreError> {
        let connections = &scene.context.connections;
        let mut moves = Vec::new();
        let script = restore::globals_script(part, scene)?;
        if let Some(script) = script.filter(|_| self.globals != GlobalsPlace::Nowhere) {
            let (source, server) =
                (part.name().to_owned(), target_server(part, self, connections)?);
            moves.push(Move::Roles(RolesMove { source, server, script }));
        }
        let databases = restore::moves(part, self, origin, connections)?;
        moves.extend(databases.into_iter().map(|it| Move::Database(Box::new(it))));
        Ok(moves)
    }

    fn restored_queries(
        &self,
        part: &RestorePart<'_>,
        origin: Origin<'_>,
        scene: &StepScene<'_>,
    ) -> Result<Option<Box<dyn Queries>>, RestoreError> {
        let moves = restore::moves(part, self, origin, &scene.context.connections)?;
        let names: Vec<_> = moves.into_iter().map(|it| (it.from, it.to)).collect();
        let databases = RestoredDatabases::open(self, names, part.name(), scene)?;
        Ok(Some(Box::new(databases)))
    }
}
