//! Passing a file of a snapshot to a command.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use holdfast_connect::child;
use holdfast_engine::Observer;

use crate::kind::step::{RestoreError, SourceTree};
use crate::settings::Argv;

/// How much of a command's error output is kept: the first messages name the cause.
const MESSAGE_BYTES_MAX: u64 = 4 << 10;

/// Runs a command with a file of the snapshot on its standard input; returns the bytes it read.
pub(super) fn feed(
    tree: &SourceTree<'_>,
    path: &str,
    argv: &Argv,
    observer: &dyn Observer,
) -> Result<u64, RestoreError> {
    let Some((_, mut reader)) = tree.open(path.as_bytes())? else {
        return Err(RestoreError::refused(format!("the snapshot has no {path}")));
    };
    let program = argv.program();
    let failed = |why: String| {
        RestoreError::refused(format!("{program:?}, which receives {path}, {why}"))
            .or("correct the command in [source.restore]")
    };
    let mut child = child::command(program)
        .args(argv.arguments())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {error}")))?;
    let (input, errors) = (child.stdin.take(), child.stderr.take());
    let (copied, said) = std::thread::scope(|scope| {
        let listening = scope.spawn(move || errors.map(listen).unwrap_or_default());
        let copied = input.map_or(Ok(0), |input| copy(&mut reader, input, observer));
        if copied.is_err() {
            // Its input is incomplete; it may have exited already.
            let _ = child.kill();
        }
        (copied, listening.join().unwrap_or_default())
    });
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    match copied {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(RestoreError::Interrupted),
        // The exit status tells why it stopped reading.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(failed(error.to_string())),
        copied if status.success() => Ok(copied.unwrap_or_default()),
        _ => {
            let how = match (status.code(), status.signal()) {
                (Some(code), _) => format!("ended with exit code {code}"),
                (None, signal) => format!("was killed by signal {}", signal.unwrap_or_default()),
            };
            let said = said.lines().next().unwrap_or_default();
            Err(failed(if said.is_empty() { how } else { format!("{how}: {said}") }))
        }
    }
}

fn copy(reader: &mut impl Read, mut input: impl Write, observer: &dyn Observer) -> io::Result<u64> {
    let (mut buffer, mut copied) = (vec![0; 64 << 10], 0);
    loop {
        if observer.is_interrupted() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match reader.read(&mut buffer)? {
            0 => return input.flush().map(|()| copied),
            count => {
                input.write_all(&buffer[..count])?;
                copied += count as u64;
            }
        }
    }
}

/// The first messages; the rest is read and dropped, so that the command does not block.
fn listen(mut errors: impl Read) -> String {
    let mut kept = Vec::new();
    // Failing to read its messages is not an error.
    let _ = errors.by_ref().take(MESSAGE_BYTES_MAX).read_to_end(&mut kept);
    let _ = io::copy(&mut errors, &mut io::sink());
    String::from_utf8_lossy(&kept).trim().to_owned()
}
