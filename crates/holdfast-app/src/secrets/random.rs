//! How random a text looks.

/// Words in placeholders for secrets.
const PLACEHOLDERS: [&str; 18] = [
    "change",
    "example",
    "sample",
    "placeholder",
    "your",
    "insert",
    "replace",
    "dummy",
    "todo",
    "fixme",
    "xxxx",
    "****",
    "....",
    "redacted",
    "foobar",
    "1234567",
    "abcdef",
    "not-set",
];

/// Bits of information per character, from the frequencies of characters in the text itself.
pub(super) fn bits_per_char(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let length = text.len().max(1) as f64;
    let share = |count: &u32| f64::from(*count) / length;
    let used = counts.iter().filter(|count| **count > 0).map(share);
    -used.map(|share| share * share.log2()).sum::<f64>()
}

/// True if a text is as random as a generated one.
pub(super) fn is_mixed(text: &[u8], bits_per_char_min: f64) -> bool {
    bits_per_char(text) >= bits_per_char_min && !is_placeholder(text)
}

/// True if the text is a placeholder for a secret.
pub(super) fn is_placeholder(text: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(text).to_lowercase();
    PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_shannon() {
        for (text, bits) in
            [("", 0.0), ("aaaa", 0.0), ("abab", 1.0), ("abcd", 2.0), ("0123456789abcdef", 4.0)]
        {
            assert!((bits_per_char(text.as_bytes()) - bits).abs() < 1e-9, "{text}");
        }
    }

    #[test]
    fn placeholders_are_known() {
        for text in
            ["CHANGEME-please", "your_token_here", "xxxxxxxxxxxx", "AKIAEXAMPLE", "<insert>"]
        {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
        assert!(!is_placeholder(b"q9fK2mVx7Lr3"));
    }
}
