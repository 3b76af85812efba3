//! Words for people.

/// A number and the word for it, as in `1 table` and `2 tables`.
pub fn count(number: u64, singular: &str, plural: &str) -> String {
    format!("{number} {}", if number == 1 { singular } else { plural })
}
