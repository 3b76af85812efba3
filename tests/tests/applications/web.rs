//! The application's web server, which answers only while the application and its database are
//! running.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// The application's answer; `None` while it does not work.
pub type Say = dyn Fn() -> Option<String> + Send + Sync;

/// A server on a free port of 127.0.0.1, stopped when dropped.
pub struct WebServer {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl WebServer {
    /// Starts one.
    pub fn start(say: Box<Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let ended = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&ended);
        let serving = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // A client may disconnect, which does not matter to the server.
                let _ = stream.and_then(|stream| answer(stream, &*say));
            }
        });
        Self { address, ended, serving: Some(serving) }
    }

    /// Its address, as in `127.0.0.1:8080`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // It checks the flag when a client connects.
        let _ = TcpStream::connect(self.address);
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}

fn answer(mut stream: TcpStream, say: &Say) -> std::io::Result<()> {
    for line in BufReader::new(stream.try_clone()?).lines() {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = match say() {
        Some(body) => ("200 OK", body),
        None => ("503 Service Unavailable", String::new()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
