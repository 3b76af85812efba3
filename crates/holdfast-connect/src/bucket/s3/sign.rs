//! Signatures of requests (AWS Signature Version 4), in the `Authorization` header.
//!
//! The signer of `object_store` is not used: it takes the path through a URL parser that removes
//! `.` and `..`, which are ordinary parts of a key (docs/decisions/0009-bucket-client.md).

use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use object_store::aws::AwsCredential;

use crate::bucket::http::encode;

/// Value of `x-amz-content-sha256` for a body that is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "s3";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// The signed parts of a request, apart from its headers.
pub struct Signed<'a> {
    /// Method, as in `GET`.
    pub method: &'a str,
    /// Host and port, as in the `Host` header.
    pub host: &'a str,
    /// Path, percent-encoded.
    pub path: &'a str,
    /// Parts of the query, not encoded.
    pub query: &'a [(&'static str, String)],
    /// SHA-256 of the body in hexadecimal digits, or [`UNSIGNED_PAYLOAD`].
    pub payload: &'a str,
}

/// Adds the headers that authenticate a request. `None` if a credential is not allowed in a header.
pub fn sign(
    signed: &Signed<'_>,
    headers: &mut HeaderMap,
    credential: &AwsCredential,
    region: &str,
    now: Timestamp,
) -> Option<()> {
    let moment = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    headers.insert(DATE, HeaderValue::from_str(&moment).ok()?);
    headers.insert("x-amz-content-sha256", HeaderValue::from_str(signed.payload).ok()?);
    if let Some(token) = &credential.token {
        let mut token = HeaderValue::from_str(token).ok()?;
        token.set_sensitive(true);
        headers.insert(TOKEN, token);
    }
    let (names, canonical) = canonical_request(signed, headers);
    let scope = format!("{}/{region}/{SERVICE}/aws4_request", &moment[..8]);
    let to_sign = format!("{ALGORITHM}\n{moment}\n{scope}\n{}", sha256_hex(&canonical));
    let signature = HEXLOWER.encode(&signature(credential, &moment[..8], region, &to_sign));
    let key = &credential.key_id;
    let value = format!(
        "{ALGORITHM} Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    );
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Some(())
}

/// SHA-256 in hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn signature(credential: &AwsCredential, day: &str, region: &str, to_sign: &str) -> Vec<u8> {
    let mut key = format!("AWS4{}", credential.secret_key).into_bytes();
    for part in [day, region, SERVICE, "aws4_request", to_sign] {
        key =
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
    }
    key
}

/// The names of the signed headers, and the text whose hash is signed.
fn canonical_request(signed: &Signed<'_>, headers: &HeaderMap) -> (String, Vec<u8>) {
    let mut lines: Vec<(&str, Vec<u8>)> = vec![("host", signed.host.as_bytes().to_vec())];
    for name in headers.keys().filter(|name| is_signed(name)) {
        let values: Vec<_> = headers.get_all(name).iter().map(canonical_value).collect();
        lines.push((name.as_str(), values.join(&b","[..])));
    }
    lines.sort();
    let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let query = canonical_query(signed.query);
    let mut text = format!("{}\n{}\n{query}\n", signed.method, signed.path).into_bytes();
    for (name, value) in &lines {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    text.extend_from_slice(format!("\n{names}\n{}", signed.payload).as_bytes());
    (names, text)
}

fn is_signed(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("x-amz-") || name == "content-md5" || name == "content-type"
}

/// A value without surrounding spaces, and with runs of spaces reduced to one.
fn canonical_value(value: &HeaderValue) -> Vec<u8> {
    let words = value.as_bytes().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}

/// The query as it is signed, which is also how it is sent.
pub fn canonical_query(query: &[(&'static str, String)]) -> String {
    let mut parts: Vec<_> =
        query.iter().map(|(name, value)| (encode::query(name), encode::query(value))).collect();
    parts.sort();
    let parts: Vec<_> = parts.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn credential() -> AwsCredential {
        AwsCredential {
            key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            token: None,
        }
    }

    fn signature_of(signed: &Signed<'_>, mut headers: HeaderMap) -> String {
        let now = "2013-05-24T00:00:00Z".parse().unwrap();
        sign(signed, &mut headers, &credential(), "us-east-1", now).unwrap();
        let value = headers[AUTHORIZATION].to_str().unwrap();
        value.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// The examples of Amazon's documentation ("Signature Calculations for the Authorization
    /// Header").
    #[test]
    fn published_examples_agree() {
        let host = "examplebucket.s3.amazonaws.com";
        let lifecycle = [("lifecycle", String::new())];
        let signed = Signed { method: "GET", host, path: "/", query: &lifecycle, payload: EMPTY };
        assert_eq!(
            signature_of(&signed, HeaderMap::new()),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        let listing = [("prefix", "J".to_owned()), ("max-keys", "2".to_owned())];
        let signed = Signed { method: "GET", host, path: "/", query: &listing, payload: EMPTY };
        assert_eq!(
            signature_of(&signed, HeaderMap::new()),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }

    #[test]
    fn values_are_made_canonical() {
        let value = canonical_value(&HeaderValue::from_static("  two   words\t"));
        assert_eq!(value, b"two words");
    }

    #[test]
    fn a_token_is_signed_and_hidden() {
        let signed =
            Signed { method: "GET", host: "h", path: "/a/../b", query: &[], payload: EMPTY };
        let mut headers = HeaderMap::new();
        let credential = AwsCredential { token: Some("secret-token".to_owned()), ..credential() };
        sign(&signed, &mut headers, &credential, "us-east-1", Timestamp::UNIX_EPOCH).unwrap();
        assert!(headers[AUTHORIZATION].to_str().unwrap().contains(";x-amz-security-token,"));
        assert!(!format!("{headers:?}").contains("secret-token"));
    }
}
