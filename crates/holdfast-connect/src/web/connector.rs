//! Connections: straight, or through a proxy.

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
use hyper_util::client::proxy::matcher::Intercept;
use rustls::ClientConfig;
use tower_service::Service;

use super::Proxies;

type AnyError = Box<dyn Error + Send + Sync>;

/// Makes connections.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    straight: HttpsConnector<HttpConnector>,
    config: ClientConfig,
    proxies: Proxies,
}

impl Connector {
    pub(super) fn new(http: HttpConnector, config: ClientConfig, proxies: Proxies) -> Self {
        Self { straight: over(http, config.clone()), config, proxies }
    }

    /// The header with which a proxy is told who asks for an address that begins with `http://`;
    /// with others it goes to the proxy alone.
    pub(super) fn proxy_authorization(&self, address: &Uri) -> Option<http::HeaderValue> {
        let proxy = self.proxies.of(address).ok().flatten();
        let proxy = proxy.filter(|_| address.scheme_str() == Some("http"));
        proxy.filter(|proxy| !is_socks(proxy)).and_then(|proxy| proxy.basic_auth().cloned())
    }

    async fn connect(mut self, address: Uri) -> Result<Stream, AnyError> {
        let Some(proxy) = self.proxies.of(&address)? else {
            return Ok(Stream::new(self.straight.call(address).await?, false));
        };
        let to = proxy.uri().clone();
        if is_socks(&proxy) {
            // The way to the proxy itself is a plain connection.
            let mut parts = to.into_parts();
            parts.scheme = Some(Scheme::HTTP);
            let looks_names_up = proxy.uri().scheme_str() == Some("socks5h");
            let mut socks =
                SocksV5::new(Uri::from_parts(parts)?, self.straight).local_dns(!looks_names_up);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            return Ok(Stream::new(over(socks, self.config).call(address).await?, false));
        }
        if address.scheme_str() == Some("http") {
            return Ok(Stream::new(self.straight.call(to).await?, true));
        }
        let mut tunnel = Tunnel::new(to, self.straight);
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        Ok(Stream::new(over(tunnel, self.config).call(address).await?, false))
    }
}

fn is_socks(proxy: &Intercept) -> bool {
    proxy.uri().scheme_str().is_some_and(|scheme| scheme.starts_with("socks"))
}

/// TLS, where an address asks for it, over connections of another kind.
fn over<C>(connector: C, config: ClientConfig) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector)
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = AnyError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, AnyError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), AnyError>> {
        self.straight.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        Box::pin(self.clone().connect(address))
    }
}

/// What all kinds of connections can do.
trait Duplex: Read + Write + Connection + Send + Unpin {}
impl<T: Read + Write + Connection + Send + Unpin> Duplex for T {}

/// A connection of any kind.
pub(super) struct Stream {
    inner: Box<dyn Duplex>,
    /// True if a proxy reads the requests, and so needs whole addresses in them.
    is_proxied: bool,
}

impl Stream {
    fn new(inner: impl Duplex + 'static, is_proxied: bool) -> Self {
        Self { inner: Box::new(inner), is_proxied }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.inner.connected().proxy(self.is_proxied)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl Write for Stream {
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
