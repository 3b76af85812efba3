//! Connections, direct or through a proxy.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use rustls::ClientConfig;
use tower_service::Service;

use super::Proxies;
use super::proxies::is_socks;

type AnyError = Box<dyn Error + Send + Sync>;

/// Makes connections.
#[derive(Debug, Clone)]
pub(super) struct WebConnector {
    direct: HttpsConnector<HttpConnector>,
    config: ClientConfig,
    proxies: Proxies,
}

impl WebConnector {
    pub(super) fn new(http: HttpConnector, config: ClientConfig, proxies: Proxies) -> Self {
        Self { direct: over(http, config.clone()), config, proxies }
    }

    async fn connect(mut self, address: Uri) -> Result<WebStream, AnyError> {
        let Some(proxy) = self.proxies.of(&address)? else {
            return Ok(WebStream::new(self.direct.call(address).await?, false));
        };
        let to = proxy.uri().clone();
        if is_socks(&proxy) {
            // The connection to the proxy itself is plain TCP.
            let mut parts = to.into_parts();
            parts.scheme = Some(Scheme::HTTP);
            let resolves_names = proxy.uri().scheme_str() == Some("socks5h");
            let mut socks =
                SocksV5::new(Uri::from_parts(parts)?, self.direct).local_dns(!resolves_names);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            return Ok(WebStream::new(over(socks, self.config).call(address).await?, false));
        }
        if address.scheme_str() == Some("http") {
            return Ok(WebStream::new(self.direct.call(to).await?, true));
        }
        let mut tunnel = Tunnel::new(to, self.direct);
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        Ok(WebStream::new(over(tunnel, self.config).call(address).await?, false))
    }
}

/// Adds TLS for `https` addresses to another connector.
fn over<C>(connector: C, config: ClientConfig) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector)
}

impl Service<Uri> for WebConnector {
    type Response = WebStream;
    type Error = AnyError;
    type Future = Pin<Box<dyn Future<Output = Result<WebStream, AnyError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), AnyError>> {
        self.direct.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        Box::pin(self.clone().connect(address))
    }
}

/// What every kind of connection can do.
trait Duplex: Read + Write + Connection + Send + Unpin {}
impl<T: Read + Write + Connection + Send + Unpin> Duplex for T {}

/// A connection of any kind.
pub(super) struct WebStream {
    inner: Box<dyn Duplex>,
    /// True if a proxy forwards the requests, which must then contain full URLs.
    is_proxied: bool,
}

impl WebStream {
    fn new(inner: impl Duplex + 'static, is_proxied: bool) -> Self {
        Self { inner: Box::new(inner), is_proxied }
    }
}

impl Connection for WebStream {
    fn connected(&self) -> Connected {
        self.inner.connected().proxy(self.is_proxied)
    }
}

impl Read for WebStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl Write for WebStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, parts)
    }
}
