//! File modes as Go writes them, because restic's JSON has them so.

/// Type and permissions in the letters and bits of Go's `os.FileMode`, from the `st_mode` of Unix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoMode(pub u32);

/// Bits of Go's mode, and what they are in `st_mode`: (mask, value).
const FLAGS: [(u32, u32, u32); 9] = [
    (1 << 31, 0o170_000, 0o040_000),
    (1 << 27, 0o170_000, 0o120_000),
    (1 << 26, 0o170_000, 0o060_000),
    (1 << 26 | 1 << 21, 0o170_000, 0o020_000),
    (1 << 25, 0o170_000, 0o010_000),
    (1 << 24, 0o170_000, 0o140_000),
    (1 << 23, 0o4000, 0o4000),
    (1 << 22, 0o2000, 0o2000),
    (1 << 20, 0o1000, 0o1000),
];
/// Go's letters, in its order.
const LETTERS: [(u32, char); 9] = [
    (1 << 31, 'd'),
    (1 << 27, 'L'),
    (1 << 26, 'D'),
    (1 << 25, 'p'),
    (1 << 24, 'S'),
    (1 << 23, 'u'),
    (1 << 22, 'g'),
    (1 << 21, 'c'),
    (1 << 20, 't'),
];

impl GoMode {
    /// From `st_mode`, type bits included.
    pub fn from_unix(st_mode: u32) -> GoMode {
        let set = FLAGS.iter().filter(|(_, mask, value)| st_mode & mask == *value);
        GoMode(set.fold(st_mode & 0o777, |mode, (bit, ..)| mode | bit))
    }
}

impl std::fmt::Display for GoMode {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text: String =
            LETTERS.iter().filter(|(bit, _)| self.0 & bit != 0).map(|(_, c)| *c).collect();
        if text.is_empty() {
            text.push('-');
        }
        for (index, letter) in "rwxrwxrwx".chars().enumerate() {
            text.push(if self.0 & (0o400 >> index) != 0 { letter } else { '-' });
        }
        out.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_go_writes_them() {
        let cases = [
            (0o100_644, "-rw-r--r--", 0o644),
            (0o040_755, "drwxr-xr-x", 1 << 31 | 0o755),
            (0o041_777, "dtrwxrwxrwx", 1 << 31 | 1 << 20 | 0o777),
            (0o104_755, "urwxr-xr-x", 1 << 23 | 0o755),
            (0o120_777, "Lrwxrwxrwx", 1 << 27 | 0o777),
            (0o060_660, "Drw-rw----", 1 << 26 | 0o660),
            (0o020_600, "Dcrw-------", 1 << 26 | 1 << 21 | 0o600),
            (0o010_600, "prw-------", 1 << 25 | 0o600),
            (0o140_600, "Srw-------", 1 << 24 | 0o600),
        ];
        for (unix, letters, go) in cases {
            let mode = GoMode::from_unix(unix);
            assert_eq!((mode.to_string().as_str(), mode.0), (letters, go), "{unix:o}");
        }
    }
}
