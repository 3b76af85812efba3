//! Texts survive a round trip through YAML.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::schedule::yaml;

fn check(value: &Json) {
    let text = yaml::document(value);
    let read: Json =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(&read, value, "{text}");
}

#[test]
fn values_of_all_sorts() {
    check(&json!({
        "a": 1, "b": true, "c": "true", "d": "1", "e": "", "f": {}, "g": [], "h": "x: y",
        "i": "- x", "j": { "k": [{ "l": "m", "n": [1, 2] }, [["o"]], "p"] }, "q": "#", "r": "~",
        "s": "No",
        "t.u/v": "w", "x": "0 2 * * *", "y": "*", "z": "10Gi",
    }));
}

#[test]
fn texts_of_several_lines() {
    for text in [
        "a\n",
        "a\nb",
        "a\nb\n",
        "a\n\n\n",
        "a\n\n b\n",
        " a\nb\n",
        "\na\n",
        "\n",
        "\n\n",
        "a\tb\n\tc\n",
        "a\r\nb\r\n",
        "a: |\n  b\n",
        "---\n...\n",
        "a \n b \n",
        "# c\nd = \"e\"\n",
        "\u{feff}a\nb\n",
        "a\u{85}b\n",
        "a\u{2028}b\nc",
        "\u{e4}\n\u{1f980}\n",
        "a\u{0}b\n",
        "a\u{7f}\nb",
    ] {
        check(&json!({ "data": { "x.toml": text }, "list": [text, { "k": text }] }));
    }
}

proptest! {
    #[test]
    fn any_text(text in "(\\PC|[\\n\\t :#-]){0,60}") {
        check(&json!({ "k": { "l": text }, "m": [text] }));
    }
}
