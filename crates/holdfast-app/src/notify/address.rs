//! URLs and headers kept in files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use holdfast_connect::words::without_byte_order_mark;
use http::HeaderValue;

use super::http::NoticeError;
use crate::config::Address;
use crate::settings::WebUrl;

/// How much of such a file is read.
const BYTES_MAX: u64 = 64 * 1024;

/// The URL itself.
pub(super) fn resolve(address: &Address) -> Result<WebUrl, NoticeError> {
    match address {
        Address::Url(url) => Ok(url.clone()),
        Address::File(path) => {
            let text = read(path, "should contain a URL")?;
            WebUrl::new(text.trim()).ok_or_else(|| NoticeError::NotAnAddress { path: path.clone() })
        }
    }
}

/// The value of a header, which is not printed.
pub(super) fn header(path: &Path) -> Result<HeaderValue, NoticeError> {
    let text = read(path, "should contain the Authorization header")?;
    let value = HeaderValue::from_str(text.trim()).ok().filter(|value| !value.is_empty());
    let mut value = value.ok_or_else(|| NoticeError::NotAHeader { path: path.to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}

fn read(path: &Path, what: &'static str) -> Result<String, NoticeError> {
    let open = || -> io::Result<String> {
        let mut content = Vec::new();
        File::open(path)?.take(BYTES_MAX).read_to_end(&mut content)?;
        let text = without_byte_order_mark(&content).into_owned();
        String::from_utf8(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    };
    open().map_err(|error| NoticeError::File { path: path.to_owned(), what, error })
}
