//! HTTP for buckets, notices and health checks: the same connections, certificates
//! ([`crate::trust`]) and proxies for all.

mod blocking;
mod connector;
mod proxies;
mod transport;

pub use blocking::{BlockingClient, RequestError};
pub use proxies::{Proxies, ProxyError, ProxyVariables, is_loopback};
pub use transport::{BrokenTransfer, ResponseBody, Transport};
