//! The applications' use of keys: openssl, and random bytes.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// Random bytes, which look like encrypted files.
pub fn random(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let mut source = File::open("/dev/urandom").expect("a source of random bytes");
    source.read_exact(&mut bytes).expect("it never ends");
    bytes
}

/// A random key as text.
pub fn random_key() -> String {
    data_encoding::HEXLOWER.encode(&random(24))
}

/// Runs openssl, which must succeed, with the given standard input.
#[track_caller]
pub fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    try_openssl(arguments, input).unwrap_or_else(|errors| panic!("{arguments:?}: {errors}"))
}

/// Like the above, but may fail.
pub fn try_openssl(arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    let mut command = Command::new("openssl");
    command.args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("openssl is installed");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that fails does not read all of its input.
    let _unread = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().expect("openssl ends");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(output.stdout) } else { Err(errors) }
}

/// Encrypts a text for a column with AES-256 and a textual key.
pub fn encrypt(key: &str, plain: &[u8]) -> String {
    let pass = format!("pass:{key}");
    let sealed = openssl(
        &["enc", "-aes-256-cbc", "-pbkdf2", "-iter", "10", "-a", "-A", "-pass", &pass],
        plain,
    );
    String::from_utf8(sealed).expect("base64 is text")
}

/// Reverses [`encrypt`].
pub fn decrypt(key: &str, sealed: &str) -> Result<Vec<u8>, String> {
    let pass = format!("pass:{key}");
    try_openssl(
        &["enc", "-d", "-aes-256-cbc", "-pbkdf2", "-iter", "10", "-a", "-A", "-pass", &pass],
        sealed.as_bytes(),
    )
}

/// The value of a variable in the text of an environment file.
pub fn variable(text: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}
