//! A monitor compatible with healthchecks.io: it is pinged at the start and end of a run, and
//! raises the alarm when pings stop.

use url::Url;

use super::address;
use super::http::{HttpClient, NoticeError, NoticeRequest};
use crate::config::Healthchecks;

/// How much of the end of a text is sent if the monitor does not state its limit.
const BODY_BYTES_MAX: usize = 10_000;
/// At the start, an unreachable monitor must not delay a backup for long.
const RETRIES_AT_START: u32 = 1;

/// A monitor that watches one run.
pub struct Monitor {
    http: HttpClient,
    url: Url,
    rid: String,
    body_bytes_max: usize,
}

impl Monitor {
    /// The monitor in the app file. All pings of a run carry the same ID, derived from `run_id`.
    ///
    /// # Errors
    /// [`NoticeError`] if the file that holds its URL cannot be used.
    pub fn new(http: &HttpClient, rules: &Healthchecks, run_id: &str) -> Result<Self, NoticeError> {
        let url = address::resolve(&rules.address)?.into_url();
        let (http, rid) = (http.clone(), uuid(run_id));
        Ok(Self { http, url, rid, body_bytes_max: BODY_BYTES_MAX })
    }

    /// Reports the start of the run.
    ///
    /// # Errors
    /// [`NoticeError`]; the run continues anyway.
    pub fn start(&mut self) -> Result<(), NoticeError> {
        self.ping("start", "", RETRIES_AT_START)
    }

    /// Reports the end of the run with this exit code; the monitor counts anything but 0 as
    /// failure.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub fn exit(mut self, exit_code: u8, text: &str) -> Result<(), NoticeError> {
        self.ping(&exit_code.to_string(), text, u32::MAX)
    }

    /// Reports success.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub fn success(mut self, text: &str) -> Result<(), NoticeError> {
        self.ping("", text, u32::MAX)
    }

    /// Reports failure.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub fn fail(mut self, text: &str) -> Result<(), NoticeError> {
        self.ping("fail", text, u32::MAX)
    }

    /// Sends a text to the monitor without reporting success or failure.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub fn log(&mut self, text: &str) -> Result<(), NoticeError> {
        self.ping("log", text, u32::MAX)
    }

    fn ping(&mut self, word: &str, text: &str, retries_max: u32) -> Result<(), NoticeError> {
        let letter = NoticeRequest {
            to: "the monitor",
            url: self.url_of(word),
            content_type: "text/plain; charset=utf-8",
            authorization: None,
            body: tail(text, self.body_bytes_max),
            retries_max,
        };
        let headers = self.http.post(&letter)?;
        let limit =
            headers.get("ping-body-limit").and_then(|value| value.to_str().ok()?.parse().ok());
        self.body_bytes_max = limit.unwrap_or(self.body_bytes_max).min(BODY_BYTES_MAX);
        Ok(())
    }

    /// The URL with a word appended to its path; its query is kept.
    fn url_of(&self, word: &str) -> Url {
        let mut url = self.url.clone();
        if !word.is_empty() {
            let path = format!("{}/{word}", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        url.query_pairs_mut().append_pair("rid", &self.rid);
        url
    }
}

/// The end of a text, at most this many bytes, in whole characters.
fn tail(text: &str, bytes_max: usize) -> &str {
    let start = text.len().saturating_sub(bytes_max);
    &text[text.ceil_char_boundary(start)..]
}

/// A UUID for a run, which monitors require: its ID if that is a UUID, otherwise one derived from
/// it.
fn uuid(run_id: &str) -> String {
    let groups: Vec<_> = run_id.split('-').map(str::len).collect();
    let digits = |c: char| c == '-' || c.is_ascii_hexdigit();
    if groups == [8, 4, 4, 4, 12] && run_id.chars().all(digits) {
        return run_id.to_ascii_lowercase();
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&blake3::hash(run_id.as_bytes()).as_bytes()[..16]);
    // Version 8 (custom), variant 1.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_has_whole_characters() {
        for (text, max, end) in [
            ("abc", 5, "abc"),
            ("abc", 2, "bc"),
            ("a\u{e4}b", 2, "b"),
            ("a\u{e4}b", 3, "\u{e4}b"),
            ("abc", 0, ""),
        ] {
            assert_eq!(tail(text, max), end);
        }
    }

    #[test]
    fn a_run_has_one_uuid() {
        let given = "0190A1B2-0000-7000-8000-0123456789ab";
        assert_eq!(uuid(given), given.to_lowercase());
        let made = uuid("run 7");
        assert_eq!(made, uuid("run 7"));
        assert_ne!(made, uuid("run 8"));
        assert_eq!(uuid(&made), made);
        assert_eq!(&made[14..15], "8");
        for odd in ["", "zzzzzzzz-0000-0000-0000-000000000000", "0-0-0-0-0"] {
            assert_eq!(uuid(&uuid(odd)).len(), 36);
        }
    }
}
