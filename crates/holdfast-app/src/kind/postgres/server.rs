//! How a server is reached, and what is captured from it.

use std::sync::Arc;
use std::time::Duration;

use holdfast_connect::postgres::{
    DatabaseSelection, GlobalsSelection, PostgresOptions, PostgresServer,
};

use super::{DatabaseNames, GlobalsPlace, PostgresSettings};
use crate::connections::Connections;

/// How long to wait for table locks if the file does not say.
const LOCK_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

impl PostgresSettings {
    /// How to reach the server. The error is one sentence.
    pub(super) fn server(&self, connections: &Connections<'_>) -> Result<PostgresServer, String> {
        let mut server = PostgresServer::new(self.url.as_str());
        server.stop = Arc::clone(&connections.stop);
        if let Some(exec) = &self.exec {
            server.exec = exec.os_words();
        }
        server.statement_timeout = self.statement_timeout;
        server.password_file = connections.password_file.clone();
        server.password = self.password.as_ref().map(connections.password).transpose()?;
        Ok(server)
    }

    /// How to reach the server and what to capture from it. The error is one sentence.
    pub(super) fn options(
        &self,
        connections: &Connections<'_>,
        run: &str,
    ) -> Result<PostgresOptions, String> {
        let server = self.server(connections)?;
        let globals = match (self.globals, self.role_passwords) {
            (GlobalsPlace::Nowhere, _) => GlobalsSelection::None,
            (_, true) => GlobalsSelection::WithPasswords,
            (_, false) => GlobalsSelection::WithoutPasswords,
        };
        let databases = match &self.databases {
            DatabaseNames::Named(names) => DatabaseSelection::Named(names.clone()),
            DatabaseNames::All => DatabaseSelection::All,
        };
        Ok(PostgresOptions {
            databases,
            globals,
            globals_apart: self.globals == GlobalsPlace::WithKeys,
            restore_point: Some(format!("holdfast {run}")),
            lock_timeout: self.lock_timeout.unwrap_or(LOCK_TIMEOUT_DEFAULT),
            ..PostgresOptions::new(server)
        })
    }
}
