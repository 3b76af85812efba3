//! Durations and sizes, written as `90s`, `10m`, `2h`, `30d` and `500M`.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::value::{SettingField, SettingValue};

/// A number of bytes; the suffixes K, M, G and T are powers of 1024.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl SettingValue for Duration {
    const EXPECTED: &'static str = "a duration in quotes";
    const EXAMPLE: &'static str = "\"10m\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[0-9]+[smhd]$" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        let length = number_and_unit(&text, |unit| match unit {
            "s" => Some(1),
            "m" => Some(60),
            "h" => Some(3600),
            "d" => Some(24 * 3600),
            _ => None,
        });
        if length.is_none_or(|seconds| seconds == 0) {
            field.not_a::<Self>("must be a number followed by s, m (minutes), h or d, as in 90s");
        }
        length.filter(|seconds| *seconds > 0).map(Self::from_secs)
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
