//! HTTP for everything that speaks it: buckets, notices, health checks. One kind of connection,
//! one rule for certificates ([`crate::trust`]), one for proxies.

mod blocking;
mod connector;
mod proxies;
mod transport;

pub use blocking::{BlockingClient, Refusal};
pub use proxies::{Proxies, ProxyError, ProxyVariables};
pub use transport::{Answer, Broken, Transport};
