//! moto as a separate process, and ways to reach it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use holdfast_connect::bucket::{Bucket, BucketOptions, CredentialSource, Retries, Service};
use jiff::Timestamp;
use zeroize::Zeroizing;

/// The script that installs and starts servers.
pub fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/s3-server")
}

/// A server, which stops when this is dropped.
pub struct S3TestServer {
    child: Child,
    pub port: u16,
}

impl S3TestServer {
    /// Starts one.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(script())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tests/s3-server runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("tests/s3-server installs moto and prints its port");
        Self { child, port }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for S3TestServer {
    fn drop(&mut self) {
        // It exits at the end of its input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The server that most tests share, each with its own buckets. It exits with this process, from
/// whose pipe it reads.
pub fn shared() -> &'static S3TestServer {
    static SERVER: OnceLock<S3TestServer> = OnceLock::new();
    SERVER.get_or_init(|| S3TestServer::start(&[]))
}

/// A name that no other test has.
pub fn bucket_name(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

pub fn clock() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a test is at the place of the binary")]
    Timestamp::now()
}

/// A few attempts in quick succession.
pub fn short_waits() -> Retries {
    Retries {
        attempts: 4,
        patience: Duration::ZERO,
        first_wait: Duration::from_millis(1),
        wait_max: Duration::from_millis(10),
    }
}

/// Options for a bucket at an endpoint, with short waits.
pub fn options(endpoint: &str, bucket: &str) -> BucketOptions {
    let credentials = CredentialSource::Static {
        key_id: "AKIATEST".to_owned(),
        secret_key: Zeroizing::new("hunter2-secret".to_owned()),
        session_token: None,
    };
    BucketOptions {
        endpoint: Some(endpoint.to_owned()),
        retries: short_waits(),
        ..BucketOptions::new(Service::S3, bucket, credentials, clock)
    }
}

/// A bucket of the shared server.
pub fn open(bucket: &str) -> Bucket {
    Bucket::open(options(&shared().endpoint(), bucket)).unwrap()
}
