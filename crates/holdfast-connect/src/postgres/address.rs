//! Addresses of servers, in libpq's syntax.

use std::fmt::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use super::error::{ErrorKind, PostgresError};

/// Where Debian, Red Hat and the container images put the socket.
pub(super) const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];
/// The default port.
const PORT: &str = "5432";
/// Settings of every session: no timeouts, and the same representation of times, bytes and texts
/// everywhere, also in dumps.
const SESSION_OPTIONS: &str = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 \
     -c TimeZone=UTC -c bytea_output=hex -c standard_conforming_strings=on";

/// Why a text is not the address of a server. It does not contain the address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It does not begin with a known scheme.
    #[error("the server address must look like postgres://role@host/database")]
    Scheme,
    /// A percent sign is not followed by the code of a character.
    #[error("the server address has a percent sign without a valid code")]
    PercentSign,
    /// A port is not a number.
    #[error("a port in the server address is not a number")]
    Port,
    /// This parameter hides what is backed up, or a secret.
    #[error(
        "the server address cannot have {0}: give host, port, database and role in the address, \
         so that the app file states everything that is backed up"
    )]
    Parameter(String),
}

impl From<AddressError> for PostgresError {
    fn from(error: AddressError) -> Self {
        Self::new(ErrorKind::Options, error.to_string())
    }
}

/// A parsed address. All parts are decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresAddress {
    pub(super) user: Option<String>,
    pub(super) password: Option<Zeroizing<String>>,
    /// Names and ports as written; there may be several, separated by commas.
    hosts: String,
    database: Option<String>,
    /// The other parameters, without those above.
    parameters: Vec<(String, String)>,
}

impl fmt::Debug for PostgresAddress {
    /// Without the password, and without the parameters, any of which may be one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("PostgresAddress");
        debug.field("hosts", &self.hosts).field("database", &self.database).finish_non_exhaustive()
    }
}

impl PostgresAddress {
    /// Reads `postgres://role:password@host:port/database?name=value`.
    ///
    /// # Errors
    /// The text is not such an address.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let rest = ["postgresql://", "postgres://"].iter().find_map(|it| url.strip_prefix(it));
        let rest = rest.ok_or(AddressError::Scheme)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let mut address = Self {
            user: some(decode(user)?),
            password: some(decode(password)?).map(Zeroizing::new),
            hosts: hosts.to_owned(),
            database: some(decode(database)?),
            parameters: Vec::new(),
        };
        for parameter in query.split('&').filter(|text| !text.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            address.take_parameter(decode(name)?, decode(value)?)?;
        }
        address.endpoints()?;
        Ok(address)
    }

    fn take_parameter(&mut self, name: String, value: String) -> Result<(), AddressError> {
        match name.as_str() {
            "password" => self.password = Some(Zeroizing::new(value)),
            "user" => self.user = Some(value),
            "dbname" => self.database = Some(value),
            "sslpassword" | "service" => return Err(AddressError::Parameter(name)),
            _ => self.parameters.push((name, value)),
        }
        Ok(())
    }

    /// The database that the address names itself.
    pub fn named_database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Absolute paths in the address: folders of sockets, certificates, password files.
    pub fn paths(&self) -> Vec<PathBuf> {
        let hosts = self.endpoints().unwrap_or_default().into_iter().map(|(host, _)| host);
        let values = self.parameters.iter().map(|(_, value)| value.clone());
        hosts.chain(values).map(PathBuf::from).filter(|path| path.is_absolute()).collect()
    }

    /// True if both addresses may lead to one server, as far as they show: they have an endpoint in
    /// common. Different names may still lead to one server.
    pub fn shares_server(&self, other: &Self) -> bool {
        let (Ok(ours), Ok(theirs)) = (self.places(), other.places()) else { return true };
        ours.iter().any(|(host, port)| {
            theirs.iter().any(|(name, number)| number == port && name.eq_ignore_ascii_case(host))
        })
    }

    /// Every name and IP address of a server, with its port. An address without a host means
    /// any that the tools may choose.
    fn places(&self) -> Result<Vec<(String, u16)>, AddressError> {
        let mut places = self.endpoints()?;
        let ports: Vec<u16> = places.iter().map(|(_, port)| *port).collect();
        let numbers = self.parameter("hostaddr").into_iter().flat_map(|it| it.split(','));
        let mut more: Vec<String> = numbers.map(str::to_owned).collect();
        if self.hosts.is_empty() && self.parameter("host").is_none_or(str::is_empty) {
            more.extend(SOCKET_FOLDERS.map(str::to_owned));
        }
        for name in more {
            places.extend(ports.iter().map(|port| (name.clone(), *port)));
        }
        Ok(places)
    }

    /// Adds what libpq would take from the system, so that every program uses the same.
    pub(super) fn fill_in(&mut self) {
        if self.hosts.is_empty() && self.parameter("host").is_none() {
            let there = SOCKET_FOLDERS.iter().find(|it| Path::new(it).is_dir());
            let folder = there.unwrap_or(&SOCKET_FOLDERS[0]);
            self.parameters.push(("host".to_owned(), (*folder).to_owned()));
        }
        if self.user.is_none() {
            let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
            self.user = user.map(|user| user.name);
        }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Names and ports of the hosts; a name that begins with a slash is the folder of a socket.
    pub(super) fn endpoints(&self) -> Result<Vec<(String, u16)>, AddressError> {
        if !self.hosts.is_empty() {
            let port = self.parameter("port").unwrap_or(PORT);
            return self.hosts.split(',').map(|host| endpoint(host, port)).collect();
        }
        let hosts = self.parameter("host").unwrap_or_default().split(',');
        let ports: Vec<&str> = self.parameter("port").unwrap_or(PORT).split(',').collect();
        let port = |place: usize| ports.get(place).or(ports.last()).copied().unwrap_or(PORT);
        hosts.enumerate().map(|(place, host)| named(host.to_owned(), port(place))).collect()
    }

    /// The same address for only one of its hosts, and for one IP address of that host.
    pub(super) fn at(&self, host: &str, port: u16, address: Option<IpAddr>) -> Self {
        const CHOICE: [&str; 5] =
            ["host", "port", "hostaddr", "target_session_attrs", "load_balance_hosts"];
        let mut one = Self { hosts: String::new(), ..self.clone() };
        one.parameters.retain(|(name, _)| !CHOICE.contains(&name.as_str()));
        let address = address.map(|it| ("hostaddr".to_owned(), it.to_string()));
        let named = [("host".to_owned(), host.to_owned()), ("port".to_owned(), port.to_string())];
        one.parameters.extend(named.into_iter().chain(address));
        one
    }

    /// Settings of a session; the last one of each name applies.
    pub(super) fn session_options(&self) -> String {
        match self.parameter("options") {
            Some(options) => format!("{options} {SESSION_OPTIONS}"),
            None => SESSION_OPTIONS.to_owned(),
        }
    }

    /// The address of one database for a tool, without the password.
    pub(super) fn uri(&self, database: &str) -> String {
        self.uri_of(database, "holdfast")
    }

    /// The same for a tool whose session gets a name of its own.
    pub(super) fn uri_of(&self, database: &str, application_name: &str) -> String {
        let user = self.user.as_deref().map(|user| format!("{}@", encode(user)));
        let options = self.session_options();
        let (user, hosts) = (user.unwrap_or_default(), &self.hosts);
        let mut uri = format!("postgresql://{user}{hosts}/{}?", encode(database));
        let given = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let given = given.filter(|(name, _)| !matches!(*name, "options" | "application_name"));
        let ours = [("options", options.as_str()), ("application_name", application_name)];
        for (name, value) in given.chain(ours) {
            uri.push_str(&format!("{}={}&", encode(name), encode(value)));
        }
        uri.pop();
        uri
    }

    /// The database in the address; the role's name if there is none, as with libpq.
    pub(super) fn database(&self) -> Option<&str> {
        self.database.as_deref().or(self.user.as_deref())
    }

    /// The server, for messages.
    pub(super) fn label(&self) -> String {
        match (self.hosts.as_str(), self.parameter("host")) {
            ("", Some(host)) => host.to_owned(),
            ("", None) => "the local server".to_owned(),
            (hosts, _) => hosts.to_owned(),
        }
    }
}

/// A host in an address: a port follows the name, which may be encoded.
fn endpoint(host: &str, fallback: &str) -> Result<(String, u16), AddressError> {
    let bracketed = host.strip_prefix('[').and_then(|it| it.split_once(']'));
    let (name, port) = match (bracketed, host.rsplit_once(':')) {
        (Some((name, rest)), _) => (name, rest.strip_prefix(':').unwrap_or(fallback)),
        (None, Some((name, port))) => (name, port),
        (None, None) => (host, fallback),
    };
    named(decode(name)?, if port.is_empty() { fallback } else { port })
}

fn named(name: String, port: &str) -> Result<(String, u16), AddressError> {
    let port = if port.is_empty() { PORT } else { port };
    let port = port.parse().map_err(|_| AddressError::Port)?;
    Ok((if name.is_empty() { "localhost".to_owned() } else { name }, port))
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn decode(text: &str) -> Result<String, AddressError> {
    let mistake = || AddressError::PercentSign;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, others) = rest.split_at_checked(2).ok_or_else(mistake)?;
        match hex::decode(digits).as_deref() {
            Ok([byte]) if *byte != 0 => bytes.push(*byte),
            _ => return Err(mistake()),
        }
        rest = others;
    }
    String::from_utf8(bytes).map_err(|_| mistake())
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{AddressError, PostgresAddress};

    #[test]
    fn an_address_for_a_tool_has_no_password() {
        let url = "postgres://me%40home:s%2Fcret@db.example:6000/a%20b?sslmode=require&password=x";
        let address = PostgresAddress::parse(url).unwrap();
        let uri = address.uri("other db");
        assert!(uri.starts_with("postgresql://me%40home@db.example:6000/other%20db?sslmode="));
        assert!(!uri.contains("cret") && !uri.contains("password"), "{uri}");
        assert_eq!(address.database(), Some("a b"));
        assert_eq!(address.endpoints().unwrap(), [("db.example".to_owned(), 6000)]);
    }

    #[test]
    fn sockets_and_several_hosts_are_understood() {
        let endpoints = |url: &str| PostgresAddress::parse(url).unwrap().endpoints().unwrap();
        let socket = [("/run/pg".to_owned(), 77)];
        assert_eq!(endpoints("postgres:///db?host=/run/pg&port=77"), socket);
        assert_eq!(endpoints("postgres://%2Frun%2Fpg/db?port=77"), socket);
        assert_eq!(endpoints("postgres://me@%2Frun%2Fpg:77/db"), socket);
        let lists = [("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 2)];
        assert_eq!(endpoints("postgres:///db?host=a,b,c&port=1,2"), lists);
        let two = [("::1".to_owned(), 5432), ("b".to_owned(), 2)];
        assert_eq!(endpoints("postgresql://[::1],b:2/db"), two);
    }

    #[test]
    fn one_of_several_hosts_is_the_only_one() {
        let url = "postgres://me@a:1,b:2/db?target_session_attrs=read-write&sslmode=require";
        let one = PostgresAddress::parse(url).unwrap().at("b", 2, Some([127, 0, 0, 1].into()));
        assert_eq!(one.endpoints().unwrap(), [("b".to_owned(), 2)]);
        let uri = one.uri("db");
        assert!(
            uri.starts_with(
                "postgresql://me@/db?sslmode=require&host=b&port=2&hostaddr=127.0.0.1&"
            )
        );
    }

    #[test]
    fn mistakes_do_not_show_the_password() {
        for url in ["mysql://u:secret@h/d", "postgres://u:secret%@h", "postgres://u:secret%00@h"] {
            let error = PostgresAddress::parse(url).err().unwrap().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert_eq!(PostgresAddress::parse("postgres://h:x/d"), Err(AddressError::Port));
        let shown = format!("{:?}", PostgresAddress::parse("postgres://u:secret@h/d").unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }

    fn shares(one: &str, other: &str) -> bool {
        let [one, other] = [one, other].map(|url| PostgresAddress::parse(url).unwrap());
        assert_eq!(one.shares_server(&other), other.shares_server(&one));
        one.shares_server(&other)
    }

    #[test]
    fn one_server_is_recognized_however_it_is_written() {
        for (one, other) in [
            ("postgres://a@db/x", "postgresql://b@DB:5432/y?sslmode=require"),
            ("postgres://db/x", "postgres:///x?host=db&port=5432"),
            ("postgres://%2Frun%2Fpg/x", "postgres:///x?host=/run/pg"),
            ("postgres://a:1,b:2/x", "postgres://b:2/x"),
            ("postgres:///x", "postgres:///x?host=/var/run/postgresql"),
            ("postgres:///x", "postgres://localhost/x"),
            ("postgres://one/x?hostaddr=10.0.0.1", "postgres://two/x?hostaddr=10.0.0.1"),
            ("postgres://10.0.0.1/x", "postgres://two/x?hostaddr=10.0.0.1"),
            ("postgres://[::1]/x", "postgres:///x?host=::1"),
        ] {
            assert!(shares(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("postgres://db/x", "postgres://db:5433/x"),
            ("postgres://db/x", "postgres://db2/x"),
            ("postgres:///x?host=/run/pg", "postgres:///x?host=/run/pg2"),
            ("postgres:///x?port=6000", "postgres:///x"),
        ] {
            assert!(!shares(one, other), "{one} {other}");
        }
    }

    #[test]
    fn paths_in_an_address_are_found() {
        let paths = |url: &str| PostgresAddress::parse(url).unwrap().paths();
        assert_eq!(
            paths("postgres://%2Ftmp/d?sslrootcert=/etc/ca&x=y"),
            [std::path::Path::new("/tmp"), std::path::Path::new("/etc/ca"),]
        );
        assert!(paths("postgres://tmp/tmp").is_empty());
    }
}
