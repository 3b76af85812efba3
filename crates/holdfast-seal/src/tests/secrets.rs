//! Passphrases and generated keys.

use proptest::prelude::*;

use super::CountingNonces;
use crate::secret::SecretForm;
use crate::{SealError, Secret};

fn passphrase(text: &str) -> String {
    match Secret::parse(text).unwrap().0 {
        SecretForm::Passphrase(passphrase) => passphrase.to_string(),
        SecretForm::Generated(_) => panic!("a generated key"),
    }
}

fn key(text: &str) -> Result<[u8; 32], SealError> {
    match Secret::parse(text)?.0 {
        SecretForm::Passphrase(_) => panic!("a passphrase"),
        SecretForm::Generated(key) => Ok(*key),
    }
}

#[test]
fn one_line_break_at_the_end_is_no_part_of_a_passphrase() {
    for text in ["correct horse", "correct horse\n", "correct horse\r\n"] {
        assert_eq!(passphrase(text), "correct horse");
    }
    assert_eq!(passphrase(" two  spaces \n\n"), " two  spaces \n");
    for empty in ["", "\n", "\r\n"] {
        assert_eq!(Secret::parse(empty).unwrap_err(), SealError::EmptySecret);
    }
}

/// Catches: a passphrase with an umlaut that opens on one keyboard and not on another.
#[test]
fn passphrases_are_normalized() {
    assert_eq!(passphrase("u\u{308}ber"), "\u{fc}ber");
    assert_eq!(passphrase("\u{212b}"), "\u{c5}");
}

#[test]
fn a_generated_key_is_read_as_it_was_printed() {
    let (secret, text) = Secret::generate_key_from(&mut CountingNonces(0)).unwrap();
    assert_eq!(text.len(), "HOLDFAST-KEY-1-".len() + 56);
    let expected: [u8; 32] = std::array::from_fn(|number| number as u8);
    assert_eq!(key(&text), Ok(expected));
    assert_eq!(key(&format!(" {}\r\n", text.to_lowercase())), Ok(expected));
    let (start, end) = text.split_at(40);
    assert_eq!(key(&format!("{start} {end}")), Ok(expected));
    assert_eq!(format!("{secret:?}"), "Secret(generated key)");
}

/// Catches: a mistyped key that is silently taken for a passphrase, and then for a wrong one.
#[test]
fn every_typing_error_in_a_generated_key_is_noticed() {
    let (_, text) = Secret::generate_key_from(&mut CountingNonces(0)).unwrap();
    for place in "HOLDFAST-KEY-".len()..text.len() {
        for typed in ["A", "7", "!", "", "\u{e4}"] {
            let mistyped = format!("{}{typed}{}", &text[..place], &text[place + 1..]);
            if mistyped != *text && text.as_bytes()[place] != b'-' {
                assert_eq!(key(&mistyped), Err(SealError::MistypedKey), "{mistyped}");
            }
        }
    }
    for text in ["HOLDFAST-KEY-", "holdfast-key-2-AAAA", "HOLDFAST-KEY-1-"] {
        assert_eq!(key(text), Err(SealError::MistypedKey));
    }
    assert_eq!(passphrase("my HOLDFAST-KEY-1-"), "my HOLDFAST-KEY-1-");
}

proptest! {
    #[test]
    fn parsing_never_panics(text: String, rest: String) {
        let _ = Secret::parse(&text);
        let _ = Secret::parse(&format!("HOLDFAST-KEY-1-{rest}"));
    }
}

#[test]
fn debug_output_shows_no_secret() {
    let text = format!(
        "{:?} {:?} {:?} {:?}",
        Secret::parse("tr0ub4dor").unwrap(),
        super::master(),
        super::keys(),
        super::session(&super::keys())
    );
    assert!(!text.contains("tr0ub4dor") && !text.contains("0, 1, 2"), "{text}");
}
