//! Durations and sizes, written as `90s`, `10min`, `2h`, `30d` and `500M`.

use std::time::Duration;

use holdfast_engine::retention::{SPAN_PATTERN, Span};
use serde_json::{Value as Json, json};

use super::value::{SettingField, SettingValue};

/// A number of bytes; the suffixes K, M, G and T are powers of 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl SettingValue for Duration {
    const EXPECTED: &'static str = "a duration in quotes";
    const EXAMPLE: &'static str = "\"10min\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": SPAN_PATTERN })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        let length = text.parse().ok().and_then(|span: Span| span.length());
        let length = length.filter(|length| !length.is_zero());
        if length.is_none() {
            field
                .not_a::<Self>("must be a duration such as 90s, 10min, 2h or 30d (m means months)");
        }
        length
    }
}

impl SettingValue for Bytes {
    const EXPECTED: &'static str = "a size in quotes";
    const EXAMPLE: &'static str = "\"500M\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+[KMGTkmgt]?$" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        let bytes = number_and_unit(&text, |unit| match unit {
            "" => Some(1),
            "k" | "K" => Some(1 << 10),
            "m" | "M" => Some(1 << 20),
            "g" | "G" => Some(1 << 30),
            "t" | "T" => Some(1 << 40),
            _ => None,
        });
        if bytes.is_none() {
            field.not_a::<Self>("must be a number of bytes, optionally followed by K, M, G or T");
        }
        bytes.map(Self)
    }
}

fn number_and_unit(text: &str, factor: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    number.checked_mul(factor(&text[end..])?)
}
