//! A session over a connection of this process. Everything asynchronous is here.

use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, CopyInSink};
use tokio_postgres_rustls::MakeRustlsConnect;
use zeroize::Zeroizing;

use super::error::{ErrorKind, PostgresError, PostgresRefusal};
use super::passfile::{self, Login};
use super::rows::OnBytes;
use super::tls::Tls;
use super::tool::{Tools, stopped};

/// How long the first response of a server may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// After this much silence the connection is probed, so that no router in between forgets it.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long a request to stop may go unnoticed.
const STOP_INTERVAL: Duration = Duration::from_millis(100);

/// A session over a connection of this process.
pub(super) struct Direct {
    /// Server and database, for messages.
    subject: String,
    /// Where rows go after a `COPY ... FROM STDIN`.
    rows: Option<Pin<Box<CopyInSink<Bytes>>>>,
    // The client is dropped before the runtime that drives it.
    client: Client,
    runtime: Runtime,
    stop: Arc<AtomicBool>,
}

impl Direct {
    pub fn open(tools: &Tools, database: &str) -> Result<Self, PostgresError> {
        let subject = format!("database {database:?} on {}", tools.address.label());
        let tls = Tls::of(&tools.address)?;
        let mut config = config(tools, database, &tls)?;
        let unused = match password(tools, database)? {
            Ok(found) => {
                if let Some(password) = found {
                    config.password(password.as_str());
                }
                None
            }
            Err(why) => Some(why),
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| PostgresError::io("start the runtime of a connection", &error))?;
        let opened = runtime.block_on(async {
            let connecting = config.connect(MakeRustlsConnect::new(tls.config));
            let (client, connection) = unless_stopped(&tools.stop, connecting)
                .await?
                .map_err(|error| explain(&subject, &error))
                .map_err(|error| match (&unused, error.kind) {
                    (Some(why), ErrorKind::Login) => error.reworded(format!("{error}; {why}")),
                    _ => error,
                })?;
            // The user of the client learns why a connection ended.
            tokio::spawn(async move { drop(connection.await) });
            Ok::<_, PostgresError>(client)
        });
        let stop = Arc::clone(&tools.stop);
        Ok(Self { subject, rows: None, client: opened?, runtime, stop })
    }

    pub fn run(&mut self, sql: &str) -> Result<(), PostgresError> {
        let done =
            self.runtime.block_on(unless_stopped(&self.stop, self.client.batch_execute(sql)))?;
        done.map_err(|error| explain(&self.subject, &error))
    }

    pub fn copy(
        &mut self,
        statement: &str,
        on_bytes: &mut OnBytes<'_>,
    ) -> Result<(), PostgresError> {
        let explained = |error| explain(&self.subject, &error);
        self.runtime.block_on(async {
            let copying = unless_stopped(&self.stop, self.client.copy_out(statement)).await?;
            let mut rows = pin!(copying.map_err(explained)?);
            while let Some(bytes) =
                unless_stopped(&self.stop, rows.try_next()).await?.map_err(explained)?
            {
                on_bytes(&bytes)?;
            }
            Ok(())
        })
    }
}

/// Rows on their way into a table.
impl Direct {
    /// Runs `COPY ... FROM STDIN`; rows follow.
    pub fn begin_rows(&mut self, statement: &str) -> Result<(), PostgresError> {
        let begun = unless_stopped(&self.stop, self.client.copy_in(statement));
        let rows = self.runtime.block_on(begun)?;
        self.rows = Some(Box::pin(rows.map_err(|error| explain(&self.subject, &error))?));
        Ok(())
    }

    /// Sends rows, in pieces of any size.
    pub fn send_rows(&mut self, bytes: &[u8]) -> Result<(), PostgresError> {
        let Some(rows) = &mut self.rows else { return Err(no_rows()) };
        let sent = unless_stopped(&self.stop, rows.send(Bytes::copy_from_slice(bytes)));
        self.runtime.block_on(sent)?.map_err(|error| explain(&self.subject, &error))
    }

    /// Ends the rows.
    pub fn end_rows(&mut self) -> Result<(), PostgresError> {
        let Some(mut rows) = self.rows.take() else { return Err(no_rows()) };
        let ended = unless_stopped(&self.stop, rows.as_mut().finish());
        let ended = self.runtime.block_on(ended)?;
        ended.map(drop).map_err(|error| explain(&self.subject, &error))
    }
}

fn no_rows() -> PostgresError {
    PostgresError::new(ErrorKind::Statement, "rows without a COPY")
}

/// Waits for a response, but no longer than until a request to stop.
async fn unless_stopped<F: Future>(
    stop: &AtomicBool,
    future: F,
) -> Result<F::Output, PostgresError> {
    let mut future = pin!(future);
    loop {
        match tokio::time::timeout(STOP_INTERVAL, future.as_mut()).await {
            Ok(output) => return Ok(output),
            Err(_) if stop.load(Ordering::SeqCst) => return Err(stopped()),
            Err(_) => {}
        }
    }
}

/// The password for a database; the inner error says why the password file is ignored.
fn password(
    tools: &Tools,
    database: &str,
) -> Result<Result<Option<Zeroizing<String>>, String>, PostgresError> {
    if tools.password.is_some() {
        return Ok(Ok(tools.password.clone()));
    }
    let address = &tools.address;
    let named = address.parameter("passfile").map(Path::new);
    let file = named.or(tools.password_file.as_deref());
    let endpoint = address.endpoints()?.into_iter().next();
    let Some(((path, (host, port)), user)) = file.zip(endpoint).zip(address.user.as_deref()) else {
        return Ok(Ok(None));
    };
    Ok(passfile::look_up(path, &Login { host: &host, port, database, user }))
}

fn config(tools: &Tools, database: &str, tls: &Tls) -> Result<Config, PostgresError> {
    let address = &tools.address;
    let mut config = Config::new();
    config.dbname(database).application_name("holdfast").ssl_mode(tls.mode);
    config.connect_timeout(CONNECT_TIMEOUT);
    config.keepalives_idle(KEEPALIVE_INTERVAL).keepalives_interval(KEEPALIVE_INTERVAL);
    for (host, port) in address.endpoints()? {
        match Path::new(&host).is_absolute() {
            true => config.host_path(host),
            false => config.host(host),
        };
        config.port(port);
    }
    if let Some(place) = address.parameter("hostaddr") {
        let wrong = |_| PostgresError::new(ErrorKind::Options, "hostaddr is not an IP address");
        config.hostaddr(place.parse().map_err(wrong)?);
    }
    if let Some(user) = &address.user {
        config.user(user);
    }
    config.options(address.session_options());
    Ok(config)
}

/// Why the server refused, with what to do.
fn explain(subject: &str, error: &tokio_postgres::Error) -> PostgresError {
    let from_server = error.as_db_error();
    let mut message = match from_server {
        Some(refused) => refused.message().to_owned(),
        None => error.to_string(),
    };
    let mut cause = std::error::Error::source(error).filter(|_| from_server.is_none());
    while let Some(inner) = cause {
        message = format!("{message}: {inner}");
        cause = inner.source();
    }
    if let Some(hint) = from_server.and_then(|refused| refused.hint()) {
        message = format!("{message} ({hint})");
    }
    let code = error.code().map(|code| code.code());
    let explained = PostgresRefusal { subject, code, message: &message }.explain();
    match error.is_closed() {
        true => PostgresError::new(ErrorKind::CutLost, explained.to_string()),
        false => explained,
    }
}
