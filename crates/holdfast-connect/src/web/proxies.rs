//! The proxy for each request.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// The values of the usual proxy variables; empty if not set.
#[derive(Clone, Default)]
pub struct ProxyVariables {
    /// `HTTP_PROXY`: for `http://` URLs.
    pub http: String,
    /// `HTTPS_PROXY`: for `https://` URLs.
    pub https: String,
    /// `ALL_PROXY`: for both, unless the other two are set.
    pub all: String,
    /// `NO_PROXY`: hosts, domains and networks to reach without a proxy.
    pub no: String,
}

/// A proxy that cannot be used. Its address is not shown: it may contain a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is not the address of an HTTP or SOCKS5 proxy")]
pub struct ProxyError {
    /// The variable.
    pub variable: &'static str,
}

/// The proxies of this machine.
#[derive(Clone, Default)]
pub struct Proxies(NoProxyRule);

#[derive(Clone, Default)]
enum NoProxyRule {
    #[default]
    None,
    Some(Arc<Matcher>),
    /// Connecting directly could reveal what the requested proxy should hide.
    Unusable(ProxyError),
}

impl Proxies {
    /// The proxies that the variables name. If one is unusable, only hosts that need no proxy are
    /// reached.
    pub fn new(variables: &ProxyVariables) -> Self {
        let named = [
            ("HTTP_PROXY", &variables.http),
            ("HTTPS_PROXY", &variables.https),
            ("ALL_PROXY", &variables.all),
        ];
        for (variable, address) in named {
            let alone = Matcher::builder().all(address.as_str()).build();
            let proxy = alone.intercept(&Uri::from_static("http://example.com/"));
            if !address.is_empty() && !proxy.is_some_and(|proxy| is_usable(&proxy)) {
                return Self(NoProxyRule::Unusable(ProxyError { variable }));
            }
        }
        if named.iter().all(|(_, address)| address.is_empty()) {
            return Self::default();
        }
        let ProxyVariables { http, https, all, no } = variables.clone();
        let matcher = Matcher::builder().http(http).https(https).all(all).no(no).build();
        Self(NoProxyRule::Some(Arc::new(matcher)))
    }

    /// The proxy for this address. Loopback and link-local addresses, such as those of a cloud's
    /// metadata services, never have one.
    ///
    /// # Errors
    /// [`ProxyError`].
    pub(super) fn of(&self, address: &Uri) -> Result<Option<Intercept>, ProxyError> {
        match &self.0 {
            _ if address.host().is_none_or(is_near) => Ok(None),
            NoProxyRule::None => Ok(None),
            NoProxyRule::Some(matcher) => Ok(matcher.intercept(address)),
            NoProxyRule::Unusable(error) => Err(error.clone()),
        }
    }

    /// The header that authenticates to a proxy which forwards this request. Other proxies are
    /// authenticated to while the connection is made.
    pub(super) fn authorization(&self, address: &Uri) -> Option<HeaderValue> {
        let proxy = self.of(address).ok().flatten()?;
        let is_forwarded = address.scheme_str() == Some("http") && !is_socks(&proxy);
        proxy.basic_auth().filter(|_| is_forwarded).cloned()
    }
}

/// True if this is the host of a loopback address.
pub fn is_loopback(host: &str) -> bool {
    let is_named = host == "localhost" || host.ends_with(".localhost");
    is_named || ip_address(host).is_some_and(|address| address.is_loopback())
}

fn ip_address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

pub(super) fn is_socks(proxy: &Intercept) -> bool {
    proxy.uri().scheme_str().is_some_and(|scheme| scheme.starts_with("socks"))
}

fn is_usable(proxy: &Intercept) -> bool {
    matches!(proxy.uri().scheme_str(), Some("http" | "https" | "socks5" | "socks5h"))
}

fn is_near(host: &str) -> bool {
    let is_link_local = match ip_address(host) {
        Some(IpAddr::V4(address)) => address.is_link_local(),
        Some(IpAddr::V6(address)) => address.is_unicast_link_local(),
        None => false,
    };
    is_link_local || is_loopback(host)
}

/// Without passwords.
impl fmt::Debug for Proxies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match &self.0 {
            NoProxyRule::None => "Proxies(none)",
            NoProxyRule::Some(_) => "Proxies(some)",
            NoProxyRule::Unusable(_) => "Proxies(unusable)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(https: &str, all: &str, no: &str) -> Proxies {
        let variables = ProxyVariables {
            https: https.to_owned(),
            all: all.to_owned(),
            no: no.to_owned(),
            ..ProxyVariables::default()
        };
        Proxies::new(&variables)
    }

    fn of(proxies: &Proxies, address: &str) -> Option<String> {
        Some(proxies.of(&address.parse().unwrap()).unwrap()?.uri().to_string())
    }

    #[test]
    fn each_address_has_its_proxy() {
        let proxies = proxies("http://a:1", "http://u:secret@b:2", "c.example, 10.0.0.0/8");
        assert_eq!(of(&proxies, "https://x.example/"), Some("http://a:1/".to_owned()));
        assert_eq!(of(&proxies, "http://x.example/"), Some("http://b:2/".to_owned()));
        for direct in [
            "https://c.example/",
            "https://d.c.example:8443/",
            "https://10.1.2.3/",
            "http://localhost:9000/",
            "http://127.0.0.1/",
            "http://[::1]:9000/",
            "http://169.254.169.254/latest/api/token",
        ] {
            assert_eq!(of(&proxies, direct), None, "{direct}");
        }
        assert!(!format!("{proxies:?}").contains("secret"));
        assert_eq!(of(&Proxies::default(), "https://x.example/"), None);
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_its_text() {
        for wrong in ["ftp://u:secret@a:1", "socks4://a:1", "http://", "a b"] {
            let variables = ProxyVariables { https: wrong.to_owned(), ..Default::default() };
            let proxies = Proxies::new(&variables);
            let error = proxies.of(&Uri::from_static("http://x.example/")).unwrap_err();
            assert_eq!(error.variable, "HTTPS_PROXY", "{wrong}");
            assert!(!format!("{proxies:?} {error}").contains("secret"));
            assert!(proxies.of(&Uri::from_static("http://localhost/")).unwrap().is_none());
        }
        for right in ["a:3128", "http://a:1/", "https://u:p@a:1", "socks5://a:1", "socks5h://a:1"] {
            let variables = ProxyVariables { all: right.to_owned(), ..Default::default() };
            let proxy = Proxies::new(&variables).of(&Uri::from_static("http://x.example/"));
            assert!(proxy.unwrap().is_some(), "{right}");
        }
    }
}
