//! Every source of a passphrase, and the errors when it fails.

use std::io::Write;

use super::*;

fn obtained(source: &SecretSource) -> Result<String, String> {
    let environment = Environment::with(&[]);
    obtain(Some(source), OPEN, &environment, &Interrupt::default())
        .map(|passphrase| passphrase.expose().to_owned())
        .map_err(|error| error.message)
}

fn command(line: &str) -> Result<String, String> {
    obtained(&SecretSource::Command(line.to_owned()))
}

fn file(content: &[u8]) -> Result<String, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    obtained(&SecretSource::File(file.path().to_owned()))
}

#[test]
fn a_file() {
    assert_eq!(file(b"correct horse\n"), Ok("correct horse".to_owned()));
    assert_eq!(file("  gr\u{fc}n\r\n\n".as_bytes()), Ok("gr\u{fc}n".to_owned()));
    assert_eq!(file(b"\n"), Err("the passphrase is empty".to_owned()));
    assert_eq!(file(b"\xff"), Err("the password file is not valid UTF-8".to_owned()));
    assert!(file(&vec![b'x'; 1 << 20]).unwrap_err().contains("longer than 1 MiB"));
    let missing = obtained(&SecretSource::File("/nonexistent/x".into())).unwrap_err();
    assert!(missing.starts_with("cannot read the password file /nonexistent/x: "), "{missing}");
}

#[test]
fn a_command() {
    assert_eq!(command("echo 'a  b' c"), Ok("a  b c".to_owned()));
    assert_eq!(command("echo $HOME"), Ok("$HOME".to_owned()), "no shell is involved");
    assert!(command("false").unwrap_err().contains("`false` failed: exit status: 1"));
    assert!(command("/nonexistent/x y").unwrap_err().contains("cannot be run"));
    assert!(command("echo 'x").unwrap_err().contains("an unclosed quote"));
    assert!(command("true").unwrap_err().contains("is empty"));
}

#[test]
fn flags_win_over_variables_and_a_command_over_a_file() {
    let all = [
        ("HOLDFAST_PASSWORD", "value"),
        ("HOLDFAST_PASSWORD_FILE", "/file"),
        ("HOLDFAST_PASSWORD_COMMAND", "command"),
    ];
    let choose = |file: Option<&str>, command, variables: &[(&str, &str)]| {
        SecretSource::choose(file.map(Path::new), command, &Environment::with(variables)).unwrap()
    };
    let named = |path: &str| Some(SecretSource::File(path.into()));
    assert!(choose(Some("/flag"), None, &all) == named("/flag"));
    assert!(choose(None, Some("flag"), &all) == Some(SecretSource::Command("flag".to_owned())));
    assert!(choose(None, None, &all) == Some(SecretSource::Command("command".to_owned())));
    assert!(choose(None, None, &all[..2]) == named("/file"));
    assert!(matches!(choose(None, None, &all[..1]), Some(SecretSource::Value(_))));
    assert!(choose(None, None, &[]).is_none());
}

#[test]
fn a_key_with_a_typing_error_is_told_from_a_passphrase() {
    let (_, key) = Secret::generate_key().unwrap();
    let parsed = |text: &str| format!("{:?}", Passphrase::new(text).secret());
    assert_eq!(parsed(&key), "Ok(Secret(generated key))");
    assert_eq!(parsed("hush"), "Ok(Secret(passphrase))");
    assert!(parsed(&key[..key.len() - 1]).contains("typing error"));
}

#[test]
fn a_passphrase_is_not_shown() {
    let passphrase = Passphrase::new(" hush ");
    assert_eq!(format!("{passphrase:?}"), "Passphrase(..)");
    assert_eq!(passphrase.expose(), "hush");
}
