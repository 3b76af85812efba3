//! The moment at which databases are captured, and the queries of checks at that moment.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use holdfast_connect::Source as Connector;
use holdfast_connect::postgres::{
    Cut, DatabaseSelection, GlobalsSelection, GlobalsSource, PostgresSource,
};

use super::PostgresSettings;
use crate::check::{Queries, TakeRow};
use crate::kind::step::{RestoreError, StepScene};
use crate::kind::{CaptureError, Manner, SourceCapture, SourceCut};

/// A cut of the databases of a server.
pub(super) struct PostgresCut(pub Arc<Cut>);

impl SourceCut for PostgresCut {
    fn check(&self) -> Result<(), CaptureError> {
        Ok(self.0.check()?)
    }

    fn capture(&self) -> Box<dyn SourceCapture> {
        Box::new(PostgresCapture { cut: Arc::clone(&self.0), what: CutPart::Databases })
    }

    fn capture_apart(&self) -> Box<dyn SourceCapture> {
        Box::new(PostgresCapture { cut: Arc::clone(&self.0), what: CutPart::Globals })
    }

    fn queries(&self) -> &dyn Queries {
        self
    }
}

impl Queries for PostgresCut {
    fn databases(&self) -> Vec<String> {
        self.0.record().databases.iter().map(|it| it.name.clone()).collect()
    }

    fn query(&self, database: &str, sql: &str, on_row: &mut TakeRow<'_>) -> Result<(), String> {
        query(&self.0, database, sql, on_row)
    }
}

fn query(cut: &Cut, database: &str, sql: &str, on_row: &mut TakeRow<'_>) -> Result<(), String> {
    let outcome = cut.query(database, sql, &mut |row| {
        on_row(row);
        Ok(())
    });
    outcome.map_err(|error| error.to_string())
}

enum CutPart {
    Databases,
    Globals,
}

struct PostgresCapture {
    cut: Arc<Cut>,
    what: CutPart,
}

impl SourceCapture for PostgresCapture {
    fn source(&self) -> io::Result<Box<dyn Connector>> {
        let cut = Arc::clone(&self.cut);
        Ok(match self.what {
            CutPart::Databases => Box::new(PostgresSource::new(cut)),
            CutPart::Globals => Box::new(GlobalsSource::new(cut)),
        })
    }

    fn manner(&self) -> Manner {
        Manner::of_stream()
    }

    fn token(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("cut".to_owned(), self.cut.token())])
    }

    fn remarks(&self) -> Vec<String> {
        self.cut.said()
    }
}

/// Restored databases, queried under the names that they had when they were captured.
pub(super) struct RestoredDatabases {
    cut: Cut,
    /// The name at the capture, and the restored one.
    names: Vec<(String, String)>,
}

impl RestoredDatabases {
    pub fn open(
        postgres: &PostgresSettings,
        names: Vec<(String, String)>,
        source: &str,
        scene: &StepScene<'_>,
    ) -> Result<Self, RestoreError> {
        let options = postgres.options(&scene.context.connections, scene.context.run);
        let mut options =
            options.map_err(|why| RestoreError::refused(format!("source {source:?}: {why}")))?;
        options.databases =
            DatabaseSelection::Named(names.iter().map(|(_, to)| to.clone()).collect());
        // Checks query only rows.
        (options.globals, options.globals_apart) = (GlobalsSelection::None, false);
        let failed = |error| RestoreError::Postgres { source_name: source.to_owned(), error };
        Ok(Self { cut: Cut::open(options).map_err(failed)?, names })
    }
}

impl Queries for RestoredDatabases {
    fn databases(&self) -> Vec<String> {
        self.names.iter().map(|(from, _)| from.clone()).collect()
    }

    fn query(&self, database: &str, sql: &str, on_row: &mut TakeRow<'_>) -> Result<(), String> {
        let to = self.names.iter().find(|(from, _)| from == database);
        query(&self.cut, to.map_or(database, |(_, to)| to.as_str()), sql, on_row)
    }
}
