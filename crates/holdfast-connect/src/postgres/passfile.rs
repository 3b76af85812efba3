//! The password file of libpq, with one line for each server, database and role.
//!
//! The tools read it themselves. The session of this process must find the same password.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::address::SOCKET_FOLDERS;

/// Maximum number of bytes read from the file.
const BYTES_MAX: u64 = 1 << 20;
/// Permissions of everyone but the owner.
const OTHERS: u32 = 0o077;

/// A login, as described by the fields of a line.
pub(super) struct Login<'a> {
    /// Host name, or the folder of a socket.
    pub host: &'a str,
    pub port: u16,
    pub database: &'a str,
    pub user: &'a str,
}

/// The password for a login; none if the file is missing or has no line for it. The error says why
/// the file is ignored.
pub(super) fn look_up(path: &Path, login: &Login<'_>) -> Result<Option<Zeroizing<String>>, String> {
    let Ok(found) = fs::metadata(path) else { return Ok(None) };
    let shown = path.display();
    if !found.is_file() {
        return Err(format!("the password file {shown} is ignored: it is not a plain file"));
    }
    if found.permissions().mode() & OTHERS != 0 {
        return Err(format!(
            "the password file {shown} is ignored because others can read it: chmod 600 {shown}"
        ));
    }
    let mut text = Zeroizing::new(Vec::new());
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_end(&mut text));
    read.map_err(|error| format!("the password file {shown} cannot be read: {error}"))?;
    Ok(login.find(&text))
}

impl Login<'_> {
    /// The password of the first line that matches this login.
    fn find(&self, text: &[u8]) -> Option<Zeroizing<String>> {
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut lines = lines.filter(|line| !line.starts_with(b"#"));
        let password = lines.find_map(|line| self.rest(line))?;
        let mut plain = Zeroizing::new(Vec::with_capacity(password.len()));
        let mut bytes = password.iter();
        while let Some(byte) = bytes.next().filter(|byte| **byte != b':') {
            let escaped = (*byte == b'\\').then(|| bytes.next()).flatten();
            plain.push(*escaped.unwrap_or(byte));
        }
        String::from_utf8(plain.to_vec()).ok().map(Zeroizing::new)
    }

    /// The rest of a line whose four fields match this login.
    fn rest<'l>(&self, line: &'l [u8]) -> Option<&'l [u8]> {
        let port = self.port.to_string();
        // Which folder libpq calls `localhost` depends on how it was built.
        let is_usual = SOCKET_FOLDERS.contains(&self.host);
        let usual = is_usual.then(|| after(line, "localhost")).flatten();
        let line = after(line, self.host).or(usual)?;
        after(after(after(line, &port)?, self.database)?, self.user)
    }
}

/// The rest of a line whose first field is a star or this value.
fn after<'l>(line: &'l [u8], value: &str) -> Option<&'l [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let (mut rest, mut value) = (line, value.as_bytes());
    loop {
        let (byte, more) = rest.split_first()?;
        let Some((wanted, others)) = value.split_first() else {
            return (*byte == b':').then_some(more);
        };
        let (byte, more) = if *byte == b'\\' { more.split_first()? } else { (byte, more) };
        if byte != wanted {
            return None;
        }
        (rest, value) = (more, others);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: Login<'_> = Login { host: "db", port: 5432, database: "a:b", user: "me" };

    fn found(text: &str, login: &Login<'_>) -> Option<String> {
        login.find(text.as_bytes()).map(|it| it.to_string())
    }

    #[test]
    fn the_first_line_that_matches_a_login_counts() {
        for (text, expected) in [
            ("db:5432:a\\:b:me:one\n*:*:*:*:two", Some("one")),
            ("# db:5432:a\\:b:me:no\r\n\r\nDB:*:*:*:no\ndb:*:*:*:two\r\n", Some("two")),
            ("*:*:*:you:no\n*:5432:*:me:th\\\\r\\:ee:rest", Some("th\\r:ee")),
            // As libpq: a colon needs its backslash only where the field could end.
            ("db:5432:a:b:me:one", Some("one")),
            ("db:5433:*:*:no\nd*:*:*:*:no\ndbx:*:*:*:no\nd:*:*:*:no", None),
            ("db:5432:a\\:b:me", None),
            ("db:5432:a\\:b:me:", Some("")),
            ("\\d\\b:*:*:*:four", Some("four")),
            ("db\\", None),
            ("", None),
        ] {
            assert_eq!(found(text, &LOGIN).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_socket_in_a_default_folder_is_called_localhost() {
        let text = "/tmp/own:*:*:*:own\nlocalhost:*:*:*:usual";
        let at = |host| found(text, &Login { host, ..LOGIN });
        assert_eq!(at("/var/run/postgresql").as_deref(), Some("usual"));
        assert_eq!(at("localhost").as_deref(), Some("usual"));
        assert_eq!(at("/tmp/own").as_deref(), Some("own"));
        assert_eq!(at("/run/other"), None);
    }

    #[test]
    fn a_file_that_others_can_read_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pass");
        assert_eq!(look_up(&path, &LOGIN), Ok(None));
        fs::write(&path, "*:*:*:*:x").unwrap();
        for (mode, is_used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(look_up(&path, &LOGIN).is_ok(), is_used, "{mode:o}");
        }
        assert!(look_up(folder.path(), &LOGIN).unwrap_err().contains("not a plain file"));
    }
}
