//! A web server with scripted responses.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// How the server treats a request; the last one applies to all further requests.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Responds with a status and additional headers.
    Status(u16, &'static str),
    /// Reads the request and sends nothing.
    Silence,
    /// Closes the connection at once.
    Close,
}

/// A received request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// `POST /path?query`.
    pub(super) line: String,
    /// In lower case, as `name: value`.
    pub(super) headers: Vec<String>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A server on a free loopback port. It ends with the test.
pub(super) struct NoticeServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NoticeServer {
    pub(super) fn start(replies: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, stop) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let work = ServerWork {
            replies: replies.iter().cloned().collect(),
            requests: Arc::clone(&requests),
            stop: Arc::clone(&stop),
            silent: Vec::new(),
        };
        let thread = Some(std::thread::spawn(move || work.run(&listener)));
        Self { address, requests, stop, thread }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }
}

impl Drop for NoticeServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct ServerWork {
    replies: VecDeque<Reply>,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    /// Connections to keep open.
    silent: Vec<TcpStream>,
}

impl ServerWork {
    fn run(mut self, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            // A client may disconnect at any time.
            let _ = stream.and_then(|stream| self.serve(stream));
        }
    }

    fn serve(&mut self, mut stream: TcpStream) -> std::io::Result<()> {
        let reply = match self.replies.len() {
            1 => self.replies[0].clone(),
            _ => self.replies.pop_front().unwrap(),
        };
        let request = read_request(&stream)?;
        self.requests.lock().unwrap().push(request);
        match reply {
            Reply::Status(status, headers) => write!(
                stream,
                "HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n{headers}\r\nOK"
            ),
            Reply::Silence => {
                self.silent.push(stream);
                Ok(())
            }
            Reply::Close => Ok(()),
        }
    }
}

fn read_request(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = || -> std::io::Result<String> {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        match line()? {
            empty if empty.is_empty() => break,
            header => {
                let (name, value) = header.split_once(": ").unwrap_or((&header, ""));
                headers.push(format!("{}: {value}", name.to_lowercase()));
            }
        }
    }
    let mut request = Request {
        line: first.trim_end_matches(" HTTP/1.1").to_owned(),
        headers,
        body: String::new(),
    };
    let length = request.header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_string(&mut request.body)?;
    Ok(request)
}
