//! A small proxy between the client and the server: it sees every request, and fails on demand.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A request that passed through.
#[derive(Debug, Clone)]
pub struct ProxiedRequest {
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    pub headers: Vec<(String, String)>,
    /// How many requests with this method and target came earlier.
    pub earlier: usize,
}

/// The request, its head for the server, and its body.
type ParsedRequest = (ProxiedRequest, Vec<u8>, Vec<u8>);

impl ProxiedRequest {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// What to do with a request.
pub enum Act {
    Forward,
    /// Answer without the server: status, one header line (or nothing), body.
    Answer(u16, &'static str, &'static str),
    /// Answer without the server: a document.
    Document(String),
    /// Pass on only this many bytes of the response.
    Cut(usize),
    /// Let the server carry it out, but lose the response.
    Lose,
}

type ProxyRule = Box<dyn FnMut(&ProxiedRequest) -> Act + Send>;

pub struct Proxy {
    pub port: u16,
    shared: Arc<ProxyState>,
    acceptor: Option<JoinHandle<()>>,
}

struct ProxyState {
    server: u16,
    rule: Mutex<ProxyRule>,
    log: Mutex<Vec<ProxiedRequest>>,
    is_over: AtomicBool,
}

impl Proxy {
    pub fn start(server: u16, rule: impl FnMut(&ProxiedRequest) -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (rule, log, is_over) =
            (Mutex::new(Box::new(rule) as ProxyRule), Mutex::default(), AtomicBool::new(false));
        let shared = Arc::new(ProxyState { server, rule, log, is_over });
        let for_acceptor = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if for_acceptor.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, stream) = (Arc::clone(&for_acceptor), stream.unwrap());
                // A client that hangs up is none of our concern.
                std::thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Self { port, shared, acceptor: Some(acceptor) }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests since the last call.
    pub fn seen(&self) -> Vec<ProxiedRequest> {
        std::mem::take(&mut self.shared.log.lock().unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl ProxyState {
    /// One request, then the connection ends.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let Some((seen, head, body)) = self.read_request(&mut reader)? else { return Ok(()) };
        let act = (self.rule.lock().unwrap())(&seen);
        let forward = || -> io::Result<Vec<u8>> {
            let mut server = TcpStream::connect(("127.0.0.1", self.server))?;
            server.write_all(&head)?;
            server.write_all(&body)?;
            let mut answer = Vec::new();
            server.read_to_end(&mut answer)?;
            Ok(answer)
        };
        match act {
            Act::Forward => client.write_all(&forward()?)?,
            Act::Document(text) => {
                let head = "HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: ";
                client.write_all(format!("{head}{}\r\n\r\n{text}", text.len()).as_bytes())?;
            }
            Act::Cut(bytes) => client.write_all(&forward()?[..bytes])?,
            Act::Lose => drop(forward()?),
            Act::Answer(status, header, text) => {
                let length = text.len();
                let header =
                    if header.is_empty() { String::new() } else { format!("{header}\r\n") };
                let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{header}");
                let answer = format!("{head}Content-Length: {length}\r\n\r\n{text}");
                client.write_all(answer.as_bytes())?;
            }
        }
        client.shutdown(Shutdown::Both)
    }

    /// The request, its head for the server, and its body.
    fn read_request(&self, reader: &mut impl BufRead) -> io::Result<Option<ParsedRequest>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut words = lines[0].split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
        let headers: Vec<_> =
            headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut log = self.log.lock().unwrap();
        let earlier = log.iter().filter(|it| it.method == method && it.target == target).count();
        let seen = ProxiedRequest { method, target, headers, earlier };
        log.push(seen.clone());
        drop(log);
        let length = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let head = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
        Ok(Some((seen, head.into_bytes(), body)))
    }
}
