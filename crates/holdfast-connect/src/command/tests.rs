//! Tests of streams and commands.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use holdfast_format::entry::{FileTime, Metadata};

use super::{CommandSource, StoppableInput, StreamEntry, StreamSource};
use crate::conformance::{check_source, drain};
use crate::{ContentPiece, ContentReader, Leaf, LeafKind, Source, SourceItem};

fn entry(file_name: &[u8]) -> StreamEntry {
    let time = FileTime { seconds: 1_700_000_000, nanoseconds: 7 };
    let (user, group) = (b"postgres".to_vec(), b"wheel".to_vec());
    StreamEntry { file_name: file_name.to_vec(), time, uid: 5, gid: 6, user, group }
}

fn leaf(source: &mut dyn Source) -> Leaf {
    let items = drain(source).unwrap();
    check_source(&items).unwrap();
    let mut leaves = items.into_iter().filter_map(|item| match item {
        SourceItem::Leaf(leaf) => Some(leaf),
        _ => None,
    });
    leaves.next().unwrap()
}

fn content(leaf: &Leaf) -> Box<dyn ContentReader> {
    assert!(leaf.opener.xattrs().unwrap().is_empty());
    leaf.opener.open().unwrap()
}

fn read_all(content: &mut dyn ContentReader) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), [0; 1000]);
    while let ContentPiece::Data(length) = content.read(&mut buffer).unwrap() {
        all.extend_from_slice(&buffer[..length]);
    }
    all
}

fn command(program: &[&str]) -> CommandSource {
    stoppable(program, &Arc::default())
}

fn stoppable(program: &[&str], stop: &Arc<AtomicBool>) -> CommandSource {
    let program = program.iter().map(Into::into).collect();
    CommandSource::new(program, entry(b"dump.sql"), Arc::clone(stop)).unwrap()
}

fn shell(script: &str) -> Leaf {
    leaf(&mut command(&["sh", "-c", script]))
}

/// Yields one byte at a time, with interruptions in between.
struct Slow(usize);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_sub(1);
        buffer[0] = b'x';
        match self.0 {
            0 => Ok(0),
            left if left % 2 == 0 => Err(io::ErrorKind::Interrupted.into()),
            _ => Ok(1),
        }
    }
}

#[test]
fn a_stream_is_one_file() {
    let mut source = StreamSource::stdin(Box::new(&b"abc"[..]), &entry(b"stdin")).unwrap();
    let leaf = leaf(&mut source);
    assert_eq!((leaf.name.as_slice(), &leaf.kind), (&b"stdin"[..], &LeafKind::File { size: 0 }));
    let Metadata { mode, uid, gid, mtime, links, .. } = leaf.metadata;
    assert_eq!((mode, uid, gid, mtime.nanoseconds, links), (0o644, 5, 6, 7, 1));
    let mut content = content(&leaf);
    assert_eq!(read_all(&mut *content), b"abc");
    assert_eq!(content.changed().unwrap(), None);
    assert!(leaf.opener.open().is_err(), "it can be read only once");
}

#[test]
fn buffers_are_filled_from_slow_streams() {
    let leaf = leaf(&mut StreamSource::stdin(Box::new(Slow(42)), &entry(b"x")).unwrap());
    let (mut content, mut buffer) = (content(&leaf), [0; 15]);
    assert_eq!(content.read(&mut buffer).unwrap(), ContentPiece::Data(15));
    assert_eq!(content.read(&mut buffer).unwrap(), ContentPiece::Data(6));
    assert_eq!(content.read(&mut buffer).unwrap(), ContentPiece::End);
}

#[test]
fn slashes_make_directories() {
    let mut source = StreamSource::stdin(Box::new(io::empty()), &entry(b"/db/a\xff/dump")).unwrap();
    let items = drain(&mut source).unwrap();
    check_source(&items).unwrap();
    let names: Vec<&[u8]> = items
        .iter()
        .map(|item| match item {
            SourceItem::Enter { name, metadata, .. } if metadata.mode == 0o755 => name.as_slice(),
            SourceItem::Leaf(leaf) => leaf.name.as_slice(),
            _ => b"",
        })
        .collect();
    assert_eq!(names, [&b"db"[..], b"a\xff", b"dump", b"", b""]);
}

#[test]
fn names_that_no_file_can_have_are_refused() {
    for name in [&b""[..], b"/", b"a//b", b"../x", b"a/", b"a/./b", b"nul\0"] {
        assert!(StreamSource::stdin(Box::new(io::empty()), &entry(name)).is_err(), "{name:?}");
        let program = vec!["true".into()];
        assert!(CommandSource::new(program, entry(name), Arc::default()).is_err());
    }
    assert!(CommandSource::new(vec![], entry(b"x"), Arc::default()).is_err());
}

#[test]
fn a_command_runs_without_a_shell() {
    let leaf = leaf(&mut command(&["printf", "%s|", "a b", "$HOME", "*"]));
    let mut content = content(&leaf);
    assert_eq!(read_all(&mut *content), b"a b|$HOME|*|");
    assert_eq!(content.changed().unwrap(), None);
}

#[test]
fn a_command_gets_no_input() {
    assert_eq!(read_all(&mut *content(&shell("cat; echo done"))), b"done\n");
}

#[test]
fn much_output_comes_whole() {
    let mut content = content(&shell("head -c 3000000 /dev/zero"));
    assert_eq!(read_all(&mut *content).len(), 3_000_000);
    assert_eq!(content.changed().unwrap(), None);
}

#[test]
fn failure_after_output_is_an_error_without_arguments() {
    let mut failed = content(&shell("echo half; exit 3 # password=hunter2"));
    assert_eq!(read_all(&mut *failed), b"half\n");
    let text = failed.changed().unwrap_err().to_string();
    assert_eq!(text, r#"the command "sh" ended with exit code 3"#);

    let mut killed = content(&shell("echo half; kill -9 $$"));
    read_all(&mut *killed);
    let text = killed.changed().unwrap_err().to_string();
    assert_eq!(text, r#"the command "sh" was killed by signal 9"#);
    assert!(killed.changed().is_err(), "the error persists");
}

#[test]
fn a_command_that_ends_late_is_waited_for() {
    let mut content = content(&shell("exec >&-; sleep 0.2; exit 4"));
    assert!(read_all(&mut *content).is_empty());
    assert!(content.changed().unwrap_err().to_string().ends_with("exit code 4"));
}

#[test]
fn a_program_that_is_missing_spoils_the_source() {
    let error = command(&["/nonexistent/pg_dump", "secret"]).next().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let text = error.to_string();
    assert!(text.contains("/nonexistent/pg_dump") && !text.contains("secret"), "{text}");
}

fn is_running(pid: &str) -> bool {
    // A dead process that has not been waited for has no command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

#[test]
fn dropping_a_running_command_kills_its_group() {
    let leaf = shell("sleep 1000 & echo $! $$; wait");
    let mut content = content(&leaf);
    let mut buffer = [0; 100];
    let mut text = String::new();
    while !text.ends_with('\n') {
        // One byte at a time: the command will not end.
        let ContentPiece::Data(_) = content.read(&mut buffer[..1]).unwrap() else {
            panic!("it ended")
        };
        text.push(char::from(buffer[0]));
    }
    let begin = Instant::now();
    drop(content);
    assert!(begin.elapsed() < Duration::from_secs(10));
    let pids: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(pids.len(), 2);
    assert!(!is_running(pids[1]), "the command itself is reaped");
    let deadline = Instant::now() + Duration::from_secs(5);
    while is_running(pids[0]) {
        assert!(Instant::now() < deadline, "its child is still running");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_command_with_unread_output_is_killed() {
    let begin = Instant::now();
    drop(shell("sleep 1000"));
    assert!(begin.elapsed() < Duration::from_secs(10));
}

/// Sets the flag while the other end is waited for. If that were missed, the test would not end.
fn stop_soon(stop: &Arc<AtomicBool>) {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        stop.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_silent_command_can_be_stopped() {
    for script in ["echo $$; sleep 1000", "echo $$; exec >&-; sleep 1000"] {
        let stop = Arc::default();
        let mut content = content(&leaf(&mut stoppable(&["sh", "-c", script], &stop)));
        let mut pid = String::new();
        while !pid.ends_with('\n') {
            let mut byte = [0];
            content.read(&mut byte).unwrap();
            pid.push(char::from(byte[0]));
        }
        stop_soon(&stop);
        let ended = content.read(&mut [0; 10]);
        assert!(ended.is_err() || content.changed().is_err(), "{script}");
        drop(content);
        assert!(!is_running(pid.trim()), "{script}");
    }
}

#[test]
fn a_silent_stream_can_be_stopped() {
    let (output, input) = io::pipe().unwrap();
    let stop = Arc::default();
    let reader = StoppableInput::new(output.into(), Arc::clone(&stop));
    let source = StreamSource::stdin(Box::new(reader), &entry(b"stdin"));
    let mut content = content(&leaf(&mut source.unwrap()));
    (&input).write_all(b"begun").unwrap();
    assert_eq!(content.read(&mut [0; 5]).unwrap(), ContentPiece::Data(5));
    stop_soon(&stop);
    assert!(content.read(&mut [0; 5]).is_err());
}
