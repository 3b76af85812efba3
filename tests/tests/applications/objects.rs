//! Buckets as used by the applications: plain requests to the S3 server, which does not check
//! signatures.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::servers;

/// The server requires credentials, and accepts any.
pub const LOGIN: &str = "Authorization: AWS4-HMAC-SHA256 \
    Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// The visible properties of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerObject {
    /// Hash of its content.
    pub hash: String,
    /// Its type and metadata from the application.
    pub headers: BTreeMap<String, String>,
    /// Its tags, as the server returns them.
    pub tags: String,
}

/// An answer of the server.
struct ServerAnswer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// Creates a bucket.
pub fn make_bucket(bucket: &str) {
    request("PUT", &format!("/{bucket}"), &[], b"").expect_success();
}

/// Stores an object with a type, metadata and tags.
pub fn put(bucket: &str, key: &str, content_type: &str, content: &[u8]) {
    let headers = [
        ("Content-Type", content_type),
        ("x-amz-meta-by", "the application"),
        ("x-amz-tagging", "kept=yes"),
    ];
    request("PUT", &format!("/{bucket}/{key}"), &headers, content).expect_success();
}

/// The content of an object; `None` if it does not exist.
pub fn get(bucket: &str, key: &str) -> Option<Vec<u8>> {
    let answer = request("GET", &format!("/{bucket}/{key}"), &[], b"");
    (answer.status == 200).then_some(answer.body)
}

/// Removes an object.
pub fn delete(bucket: &str, key: &str) {
    request("DELETE", &format!("/{bucket}/{key}"), &[], b"").expect_success();
}

/// The keys of a bucket; none if it does not exist.
pub fn keys(bucket: &str) -> Vec<String> {
    let answer = request("GET", &format!("/{bucket}?list-type=2"), &[], b"");
    let text = String::from_utf8(answer.body).expect("XML is UTF-8");
    assert!(!text.contains("<IsTruncated>true"), "more objects than one page has");
    let parts = text.split("<Key>").skip(1);
    parts.map(|part| part.split('<').next().unwrap_or_default().to_owned()).collect()
}

/// All visible properties of a bucket.
pub fn picture(bucket: &str) -> BTreeMap<String, ServerObject> {
    keys(bucket).into_iter().map(|key| (key.clone(), look(bucket, &key))).collect()
}

fn look(bucket: &str, key: &str) -> ServerObject {
    let mut answer = request("GET", &format!("/{bucket}/{key}"), &[], b"");
    answer.expect_success();
    answer.headers.retain(|name, _| name == "content-type" || name.starts_with("x-amz-meta-"));
    let tags = request("GET", &format!("/{bucket}/{key}?tagging"), &[], b"");
    ServerObject {
        hash: blake3::hash(&answer.body).to_hex().to_string(),
        headers: answer.headers,
        tags: String::from_utf8(tags.body).expect("XML is UTF-8"),
    }
}

impl ServerAnswer {
    #[track_caller]
    fn expect_success(&self) {
        let text = String::from_utf8_lossy(&self.body);
        assert!((200..300).contains(&self.status), "{}: {text}", self.status);
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> ServerAnswer {
    let port = servers::object_server().port;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the S3 server answers");
    // An answer to HTTP/1.0 ends with the connection.
    let mut head = format!("{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{LOGIN}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(&[head.as_bytes(), body].concat()).expect("a request can be sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer can be read");
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> ServerAnswer {
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
    let headers = lines.filter_map(|line| line.split_once(": "));
    ServerAnswer {
        status: status.parse().expect("a status is a number"),
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        body: bytes[end + 4..].to_vec(),
    }
}
