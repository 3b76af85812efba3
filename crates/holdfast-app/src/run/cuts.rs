//! The moments at which the databases of an application are captured.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use holdfast_connect::postgres::{
    Cut, DatabaseSelection, GlobalsSelection, PostgresOptions, PostgresServer,
};

use super::{ReadPassword, RunContext, RunError};
use crate::config::{self, AppFile, Postgres, Source, SourceKind, SourceName};

/// How long to wait for table locks if the file does not say.
const LOCK_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// An open cut for each database source.
#[derive(Default)]
pub(super) struct Cuts {
    cuts: BTreeMap<SourceName, Arc<Cut>>,
}

impl Cuts {
    /// Fixes the moment of every database, in quick succession.
    pub fn open(file: &AppFile, context: &RunContext<'_>) -> Result<Self, RunError> {
        let mut cuts = Self::default();
        file.sources.iter().try_for_each(|source| cuts.open_one(source, context))?;
        Ok(cuts)
    }

    /// Fixes a new moment for a source.
    pub fn open_one(&mut self, source: &Source, context: &RunContext<'_>) -> Result<(), RunError> {
        let SourceKind::Postgres(postgres) = &source.kind else { return Ok(()) };
        let options = postgres_options(source, postgres, context)?;
        let name = source.name.to_string();
        let cut = Cut::open(options).map_err(|error| RunError::Postgres { name, error })?;
        self.cuts.insert(source.name.clone(), Arc::new(cut));
        Ok(())
    }

    /// True if the moment of a source was lost.
    pub fn has_lost(&self, source: &Source) -> bool {
        self.get(&source.name).is_some_and(|cut| cut.check().is_err())
    }

    /// The cut of a database source.
    pub fn get(&self, source: &SourceName) -> Option<&Arc<Cut>> {
        self.cuts.get(source)
    }

    /// The sources whose globals are stored with the keys.
    pub fn with_globals_apart<'f>(
        &self,
        file: &'f AppFile,
    ) -> impl Iterator<Item = (&'f Source, Arc<Cut>)> {
        let sources = file.sources.iter().filter(|source| source.kind.has_globals_apart());
        sources.filter_map(|source| Some((source, Arc::clone(self.get(&source.name)?))))
    }

    /// Makes sure that all cuts are still held.
    pub fn check(&self) -> Result<(), RunError> {
        self.cuts.iter().try_for_each(|(name, cut)| {
            let failed = |error| RunError::Postgres { name: name.to_string(), error };
            cut.check().map_err(failed)
        })
    }
}

/// How to reach a server and what to capture from it, from the app file.
pub(super) fn postgres_options(
    source: &Source,
    postgres: &Postgres,
    context: &RunContext<'_>,
) -> Result<PostgresOptions, RunError> {
    let file = context.password_file.as_deref();
    let server = server(postgres, (context.password, file), &context.stop)
        .map_err(|why| RunError::Settings { name: source.name.to_string(), why })?;
    let globals = match (postgres.globals, postgres.role_passwords) {
        (config::Globals::Nowhere, _) => GlobalsSelection::None,
        (_, true) => GlobalsSelection::WithPasswords,
        (_, false) => GlobalsSelection::WithoutPasswords,
    };
    let databases = match &postgres.databases {
        config::Databases::Named(names) => DatabaseSelection::Named(names.clone()),
        config::Databases::All => DatabaseSelection::All,
    };
    Ok(PostgresOptions {
        databases,
        globals,
        globals_apart: source.kind.has_globals_apart(),
        restore_point: Some(format!("holdfast {}", context.run)),
        lock_timeout: postgres.lock_timeout.unwrap_or(LOCK_TIMEOUT_DEFAULT),
        ..PostgresOptions::new(server)
    })
}

/// How to reach a server, from the app file. The error is one sentence.
pub(crate) fn server(
    postgres: &Postgres,
    (password, password_file): (&ReadPassword<'_>, Option<&Path>),
    stop: &Arc<AtomicBool>,
) -> Result<PostgresServer, String> {
    let mut server = PostgresServer::new(postgres.url.as_str());
    server.stop = Arc::clone(stop);
    if let Some(exec) = &postgres.exec {
        server.exec = exec.os_words();
    }
    server.statement_timeout = postgres.statement_timeout;
    server.password_file = password_file.map(Path::to_owned);
    server.password = postgres.password.as_ref().map(password).transpose()?;
    Ok(server)
}
