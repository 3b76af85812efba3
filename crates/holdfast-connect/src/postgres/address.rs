//! Addresses of servers, in libpq's syntax.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;

use zeroize::Zeroizing;

use super::error::{ErrorKind, PostgresError};

/// Where Debian, Red Hat and the container images put the socket.
pub(super) const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];
/// The default port.
const PORT: &str = "5432";
/// Settings of every session: no timeouts, and the same representation of times everywhere.
const SESSION_OPTIONS: &str = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 \
     -c TimeZone=UTC -c bytea_output=hex";

/// A parsed address. All parts are decoded.
#[derive(Clone)]
pub(super) struct Address {
    pub user: Option<String>,
    pub password: Option<Zeroizing<String>>,
    /// Names and ports as written; there may be several, separated by commas.
    pub hosts: String,
    pub database: Option<String>,
    /// The other parameters, without those above.
    pub parameters: Vec<(String, String)>,
}

impl Address {
    /// Reads `postgres://role:password@host:port/database?name=value`.
    pub fn parse(url: &str) -> Result<Self, PostgresError> {
        let rest = ["postgresql://", "postgres://"].iter().find_map(|it| url.strip_prefix(it));
        let rest = rest.ok_or_else(|| {
            wrong("the server address must look like postgres://role@host/database")
        })?;
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
        Ok(address)
    }

    fn take_parameter(&mut self, name: String, value: String) -> Result<(), PostgresError> {
        match name.as_str() {
            "password" => self.password = Some(Zeroizing::new(value)),
            "user" => self.user = Some(value),
            "dbname" => self.database = Some(value),
            "sslpassword" | "service" => {
                return Err(wrong(&format!(
                    "the server address cannot have {name}: give host, port, database and role in \
                     the address, so that the app file states everything that is backed up"
                )));
            }
            _ => self.parameters.push((name, value)),
        }
        Ok(())
    }

    /// Adds what libpq would take from the system, so that every program uses the same.
    pub fn fill_in(&mut self) {
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

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Names and ports of the hosts; a name that begins with a slash is the folder of a socket.
    pub fn endpoints(&self) -> Result<Vec<(String, u16)>, PostgresError> {
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
    pub fn at(&self, host: &str, port: u16, address: Option<IpAddr>) -> Self {
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
    pub fn session_options(&self) -> String {
        match self.parameter("options") {
            Some(options) => format!("{options} {SESSION_OPTIONS}"),
            None => SESSION_OPTIONS.to_owned(),
        }
    }

    /// The address of one database for a tool, without the password.
    pub fn uri(&self, database: &str) -> String {
        self.uri_of(database, "holdfast")
    }

    /// The same for a tool whose session gets a name of its own.
    pub fn uri_of(&self, database: &str, application_name: &str) -> String {
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
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref().or(self.user.as_deref())
    }

    /// The server, for messages.
    pub fn label(&self) -> String {
        match (self.hosts.as_str(), self.parameter("host")) {
            ("", Some(host)) => host.to_owned(),
            ("", None) => "the local server".to_owned(),
            (hosts, _) => hosts.to_owned(),
        }
    }
}

/// A host in an address: a port follows the name, which may be encoded.
fn endpoint(host: &str, fallback: &str) -> Result<(String, u16), PostgresError> {
    let bracketed = host.strip_prefix('[').and_then(|it| it.split_once(']'));
    let (name, port) = match (bracketed, host.rsplit_once(':')) {
        (Some((name, rest)), _) => (name, rest.strip_prefix(':').unwrap_or(fallback)),
        (None, Some((name, port))) => (name, port),
        (None, None) => (host, fallback),
    };
    named(decode(name)?, if port.is_empty() { fallback } else { port })
}

fn named(name: String, port: &str) -> Result<(String, u16), PostgresError> {
    let port = if port.is_empty() { PORT } else { port };
    let port = port.parse().map_err(|_| wrong("a port in the server address is not a number"))?;
    Ok((if name.is_empty() { "localhost".to_owned() } else { name }, port))
}

fn wrong(text: &str) -> PostgresError {
    PostgresError::new(ErrorKind::Options, text)
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn decode(text: &str) -> Result<String, PostgresError> {
    let mistake = || wrong("the server address has a percent sign without a valid code");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.filter(|byte| *byte != 0).ok_or_else(mistake)?);
        rest = &rest[2..];
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
    use super::Address;

    #[test]
    fn an_address_for_a_tool_has_no_password() {
        let url = "postgres://me%40home:s%2Fcret@db.example:6000/a%20b?sslmode=require&password=x";
        let address = Address::parse(url).unwrap();
        let uri = address.uri("other db");
        assert!(uri.starts_with("postgresql://me%40home@db.example:6000/other%20db?sslmode="));
        assert!(!uri.contains("cret") && !uri.contains("password"), "{uri}");
        assert_eq!(address.database(), Some("a b"));
        assert_eq!(address.endpoints().unwrap(), [("db.example".to_owned(), 6000)]);
    }

    #[test]
    fn sockets_and_several_hosts_are_understood() {
        let endpoints = |url: &str| Address::parse(url).unwrap().endpoints().unwrap();
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
        let one = Address::parse(url).unwrap().at("b", 2, Some([127, 0, 0, 1].into()));
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
            let error = Address::parse(url).err().unwrap().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(Address::parse("postgres://h:x/d").unwrap().endpoints().is_err());
    }
}
