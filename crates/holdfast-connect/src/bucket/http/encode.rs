//! Percent-encoding of paths and queries, as signatures need it, and its inverse.

/// A path with every byte encoded that is neither unreserved (RFC 3986) nor a slash.
pub fn path(text: &str) -> String {
    encoded(text, b"-._~/")
}

/// A part of a query with every byte encoded that is not unreserved.
pub fn query(text: &str) -> String {
    encoded(text, b"-._~")
}

fn encoded(text: &str, plain: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            encoded.push('%');
            encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
            encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    encoded
}

/// Decodes a path, where a plus stands for itself. `None` if it is not UTF-8 or is truncated.
pub fn decoded_path(text: &str) -> Option<String> {
    decoded(&text.replace('+', "%2B"))
}

/// A query of these parts, encoded, without the question mark.
pub fn joined(query: &[(&'static str, String)]) -> String {
    let parts = query.iter().map(|(name, value)| format!("{name}={}", self::query(value)));
    parts.collect::<Vec<_>>().join("&")
}

/// Decodes keys in listings, where a plus stands for a space. `None` if the key is not UTF-8 or is
/// truncated.
pub fn decoded(text: &str) -> Option<String> {
    if !text.contains(['%', '+']) {
        return Some(text.to_owned());
    }
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_a_meaning_is_encoded() {
        assert_eq!(path("/a b/../+%&?#\u{e9}~"), "/a%20b/../%2B%25%26%3F%23%C3%A9~");
        assert_eq!(query("a/b=c"), "a%2Fb%3Dc");
    }

    #[test]
    fn listings_are_decoded() {
        assert_eq!(decoded("a+b%2Bc%2f").unwrap(), "a b+c/");
        for bad in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn encoding_can_be_undone(text in any::<String>()) {
            prop_assert_eq!(decoded(&path(&text)), Some(text.clone()));
            prop_assert_eq!(decoded(&query(&text)), Some(text));
        }
    }
}
