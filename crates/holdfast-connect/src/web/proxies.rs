//! Which proxy a request goes through.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// The values of the variables by which other programs learn of proxies; empty if not set.
#[derive(Clone, Default)]
pub struct ProxyVariables {
    /// `HTTP_PROXY`: for addresses that begin with `http://`.
    pub http: String,
    /// `HTTPS_PROXY`: for addresses that begin with `https://`.
    pub https: String,
    /// `ALL_PROXY`: for both, where the other two are not set.
    pub all: String,
    /// `NO_PROXY`: hosts, domains and networks that are reached without a proxy.
    pub no: String,
}

/// A proxy that cannot be used. The address is not shown: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} is not the address of an HTTP or SOCKS5 proxy")]
pub struct ProxyError {
    /// The variable.
    pub variable: &'static str,
}

/// The proxies of this machine.
#[derive(Clone, Default)]
pub struct Proxies(Rule);

#[derive(Clone, Default)]
enum Rule {
    #[default]
    None,
    Some(Arc<Matcher>),
    /// Connecting without the proxy that was asked for could give away what it should hide.
    Unusable(ProxyError),
}

impl Proxies {
    /// The proxies that the variables name. If one of them cannot be used, only what needs no
    /// proxy is reached.
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
                return Self(Rule::Unusable(ProxyError { variable }));
            }
        }
        if named.iter().all(|(_, address)| address.is_empty()) {
            return Self::default();
        }
        let ProxyVariables { http, https, all, no } = variables.clone();
        let matcher = Matcher::builder().http(http).https(https).all(all).no(no).build();
        Self(Rule::Some(Arc::new(matcher)))
    }

    /// The proxy through which this address is reached. This machine itself and servers of the
    /// local link, such as those that give a cloud's machines their credentials, are reached
    /// without one.
    ///
    /// # Errors
    /// [`ProxyError`].
    pub(super) fn of(&self, address: &Uri) -> Result<Option<Intercept>, ProxyError> {
        match &self.0 {
            _ if address.host().is_none_or(is_near) => Ok(None),
            Rule::None => Ok(None),
            Rule::Some(matcher) => Ok(matcher.intercept(address)),
            Rule::Unusable(error) => Err(error.clone()),
        }
    }
}

fn is_usable(proxy: &Intercept) -> bool {
    matches!(proxy.uri().scheme_str(), Some("http" | "https" | "socks5" | "socks5h"))
}

fn is_near(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match address {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unicast_link_local(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Without passwords.
impl fmt::Debug for Proxies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match &self.0 {
            Rule::None => "Proxies(none)",
            Rule::Some(_) => "Proxies(some)",
            Rule::Unusable(_) => "Proxies(unusable)",
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
