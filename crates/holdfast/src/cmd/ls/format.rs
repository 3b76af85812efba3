//! An entry as a line of text.

use holdfast_format::entry::{Entry, EntryKind};
use jiff::tz::TimeZone;

use crate::output::json::entry::EntryView;
use crate::output::{escape, text};

/// How entries are written.
#[derive(Debug, Clone)]
pub struct Format {
    /// Show permissions, owner, size and time.
    pub long: bool,
    /// Sizes in KiB, MiB, GiB.
    pub human_readable: bool,
    /// Where times are shown.
    pub zone: TimeZone,
}

impl Format {
    /// One line: the path alone, or restic's long form.
    pub fn line(&self, path: &[u8], entry: &Entry) -> String {
        let path = escape::name(path);
        if !self.long {
            return path.into_owned();
        }
        let view = EntryView::new(b"", entry);
        let bytes = view.size.unwrap_or(0);
        let size = match self.human_readable {
            true => format!("{:>12}", text::size(bytes)),
            false => format!("{bytes:>6}"),
        };
        let time = text::time(view.mtime, &self.zone);
        let target = match &entry.kind {
            EntryKind::Symlink(target) => format!(" -> {}", escape::name(target)),
            _ => String::new(),
        };
        let (permissions, uid, gid) = (view.permissions, view.uid, view.gid);
        format!("{permissions} {uid:>5} {gid:>5} {size} {time} {path}{target}")
    }
}

#[cfg(test)]
mod tests {
    use holdfast_format::entry::{Content, FileTime, Metadata};
    use insta::assert_snapshot;

    use super::*;

    fn entry(mode: u32, kind: EntryKind) -> Entry {
        let mtime = FileTime { seconds: 1_788_264_000, nanoseconds: 5 };
        let metadata = Metadata { mode, uid: 1000, gid: 33, mtime, ..Metadata::default() };
        Entry { name: b"x".to_vec(), metadata, kind }
    }

    #[test]
    fn lines_are_restics() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let long = Format { long: true, human_readable: false, zone };
        let human = Format { human_readable: true, ..long.clone() };
        let short = Format { long: false, ..long.clone() };
        let content = Content::Inline(Vec::new());
        let file = EntryKind::File { size: 1_293_943, codec: 0, main: content, second: None };
        let file = entry(0o640, file);
        let link = entry(0o777, EntryKind::Symlink(b"to\x1b[2J".to_vec()));
        let lines = [
            short.line(b"/a\nb", &file),
            long.line(b"/a\nb", &file),
            human.line(b"/a", &file),
            long.line(b"/link", &link),
        ];
        assert_snapshot!(lines.join("\n"), @r"
        /a\x0ab
        -rw-r-----  1000    33 1293943 2026-09-01 14:00:00 /a\x0ab
        -rw-r-----  1000    33    1.234 MiB 2026-09-01 14:00:00 /a
        Lrwxrwxrwx  1000    33      0 2026-09-01 14:00:00 /link -> to\x1b[2J
        ");
    }
}
