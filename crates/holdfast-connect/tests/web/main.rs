//! Requests through real proxies. Each wants a password, so that what does not pass through it
//! does not pass for having done so.

// The lints that spare test functions do not know that all of this crate is one test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use holdfast_connect::web::{BlockingClient, Proxies, ProxyVariables};
use http::{HeaderMap, Method};
use tempfile::TempDir;
use url::Url;

/// Not the address of the loopback, which is never reached through a proxy, and yet this machine.
const HOST: &str = "0.0.0.0";

/// A program that ends with the test.
struct ProgramGuard {
    child: Child,
    port: u16,
}

impl ProgramGuard {
    /// Starts a program that listens on this port, and waits until it does.
    fn start(command: &mut Command, port: u16) -> Self {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let server = Self { child, port };
        for _ in 0..600 {
            if TcpStream::connect((HOST, port)).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{command:?} does not listen");
    }
}

impl Drop for ProgramGuard {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn free_port() -> u16 {
    TcpListener::bind((HOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A web server without encryption that answers two hundred and four.
fn plain_server() -> u16 {
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while stream.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        }
    });
    port
}

/// A web server with a certificate of its own, in `folder`.
fn encrypted_server(folder: &Path) -> ProgramGuard {
    let port = free_port();
    let make = format!(
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout key.pem -out cert.pem \
         -addext subjectAltName=IP:{HOST} -addext basicConstraints=critical,CA:FALSE"
    );
    let made = Command::new("openssl").current_dir(folder).args(make.split(' ')).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let serve = format!("s_server -www -accept {HOST}:{port} -key key.pem -cert cert.pem");
    ProgramGuard::start(Command::new("openssl").current_dir(folder).args(serve.split(' ')), port)
}

/// An HTTP proxy that wants a password.
fn http_proxy(folder: &Path, encrypted: u16) -> ProgramGuard {
    let port = free_port();
    let rules = format!(
        "Port {port}\nListen 127.0.0.1\nTimeout 20\nMaxClients 20\nBasicAuth user hunter2\n\
         ConnectPort {encrypted}\n"
    );
    fs::write(folder.join("proxy.conf"), rules).unwrap();
    ProgramGuard::start(
        Command::new("tinyproxy").current_dir(folder).args(["-d", "-c", "proxy.conf"]),
        port,
    )
}

/// A SOCKS proxy that wants a password.
fn socks_proxy() -> ProgramGuard {
    let port = free_port();
    let arguments = format!("-i 127.0.0.1 -p {port} -u user -P hunter2");
    ProgramGuard::start(Command::new("microsocks").args(arguments.split(' ')), port)
}

struct WebServers {
    folder: TempDir,
    plain: u16,
    encrypted: ProgramGuard,
}

impl WebServers {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let (plain, encrypted) = (plain_server(), encrypted_server(folder.path()));
        Self { folder, plain, encrypted }
    }

    /// The status, or why there is none, of both servers, asked through this proxy.
    fn ask(&self, proxy: &str) -> [Result<u16, String>; 2] {
        let variables = ProxyVariables { all: proxy.to_owned(), ..ProxyVariables::default() };
        let proxies = Proxies::new(&variables);
        let certificate = fs::read(self.folder.path().join("cert.pem")).unwrap();
        let client = BlockingClient::new(Duration::from_secs(30), &certificate, proxies).unwrap();
        let addresses = [
            format!("http://{HOST}:{}/", self.plain),
            format!("https://{HOST}:{}/", self.encrypted.port),
        ];
        addresses.map(|address| {
            let url = Url::parse(&address).unwrap();
            let answer = client.send(&Method::GET, &url, &HeaderMap::new(), "");
            answer.map(|answer| answer.status().as_u16()).map_err(|refusal| refusal.to_string())
        })
    }
}

#[test]
fn requests_pass_through_an_http_proxy() {
    let world = WebServers::new();
    let proxy = http_proxy(world.folder.path(), world.encrypted.port);
    let address = |secret: &str| format!("http://user:{secret}@127.0.0.1:{}", proxy.port);
    assert_eq!(world.ask(&address("hunter2")), [Ok(204), Ok(200)]);
    let [plain, encrypted] = world.ask(&address("wrong"));
    assert!(matches!(plain, Ok(401 | 407)), "{plain:?}");
    assert!(!encrypted.unwrap_err().contains("wrong"));
}

#[test]
fn requests_pass_through_a_socks_proxy() {
    let world = WebServers::new();
    let proxy = socks_proxy();
    for scheme in ["socks5", "socks5h"] {
        let address = |secret: &str| format!("{scheme}://user:{secret}@127.0.0.1:{}", proxy.port);
        assert_eq!(world.ask(&address("hunter2")), [Ok(204), Ok(200)]);
        for refused in world.ask(&address("wrong")) {
            assert!(!refused.unwrap_err().contains("wrong"));
        }
    }
}

#[test]
fn nothing_goes_past_a_proxy_that_cannot_be_used() {
    let world = WebServers::new();
    for refused in world.ask("ftp://user:hunter2@127.0.0.1:1") {
        let error = refused.unwrap_err();
        assert_eq!(error, "ALL_PROXY is not the address of an HTTP or SOCKS5 proxy");
    }
    let unused = free_port();
    for refused in world.ask(&format!("http://127.0.0.1:{unused}")) {
        refused.unwrap_err();
    }
    assert_eq!(world.ask(""), [Ok(204), Ok(200)]);
}
