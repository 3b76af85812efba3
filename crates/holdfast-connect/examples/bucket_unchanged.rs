//! Measures what it takes to go through a bucket in which little changed, compared with listing it.
//!
//! `cargo run --release -p holdfast-connect --example bucket_unchanged -- OBJECTS DELAY_MS PROGRAM`
//! serves a bucket of this many objects, whose responses each take this many milliseconds longer
//! than usual; lists it page by page and concurrently, changes a hundred objects, and goes through
//! it as a backup does. If `holdfast` is given as the program, it also captures the bucket with
//! `holdfast run`.

#[allow(clippy::unwrap_used, reason = "a part of the tests")]
#[path = "../tests/bucket/many.rs"]
mod many;
#[allow(clippy::unwrap_used, reason = "a part of the tests")]
#[path = "../tests/bucket/serving.rs"]
mod serving;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant};
use std::{fs, io, iter, thread};

use holdfast_connect::bucket::{
    Bucket, BucketOptions, BucketSourceOptions, CredentialSource, Requests, Service,
};
use holdfast_connect::{ContentPiece, ContentReader, Leaf, LeafKind, Opener, Source, SourceItem};
use holdfast_format::entry::FileTime;
use jiff::Timestamp;
use zeroize::Zeroizing;

use many::Many;
use serving::Serving;

const ROUNDS: usize = 3;
const CHANGED: usize = 100;
const READERS: usize = 8;

type MeasureResult<T> = Result<T, Box<dyn std::error::Error>>;
/// How an entry is recognized.
type ObjectIdentities = HashMap<Vec<u8>, (u64, FileTime, u64)>;

fn main() -> MeasureResult<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(Ok(default), |text| text.parse::<usize>());
    let (count, delay_ms) = (number(100_000)?, number(20)?);
    let many = Many::new(count, Duration::from_millis(delay_ms as u64));
    let server = Serving::start(many.clone(), ("measure", "measure"));
    let endpoint = server.endpoint();
    let mut seen = ObjectIdentities::new();
    measure("listed page by page", &endpoint, 1, |bucket| expect(0, go_through(bucket, None)?))?;
    measure("listed concurrently", &endpoint, 8, |bucket| expect(0, go_through(bucket, None)?))?;
    go_through(&open(&endpoint, 8)?, Some(&mut seen))?;
    measure("nothing changed", &endpoint, 8, |bucket| {
        expect(0, go_through(bucket, Some(&mut seen))?)
    })?;
    measure("a hundred changed", &endpoint, 8, |bucket| {
        many.change(CHANGED);
        expect(CHANGED, go_through(bucket, Some(&mut seen))?)
    })?;
    match arguments.next() {
        Some(program) => run_application(Path::new(&program), &endpoint, &many),
        None => Ok(()),
    }
}

/// Captures the bucket with the program itself: everything, then with nothing changed, then with a
/// hundred changes.
fn run_application(program: &Path, endpoint: &str, many: &Many) -> MeasureResult<()> {
    let folder = tempfile::tempdir()?;
    let key = Command::new(program).args(["key", "generate"]).output()?.stdout;
    fs::write(folder.path().join("key"), key)?;
    let source = format!(
        "type = \"bucket\"\nurl = \"s3://many\"\nendpoint = \"{endpoint}\"\nregion = \"any\"\n"
    );
    let repository = "[repository]\nurl = \"repository\"\npassword-file = \"key\"\n";
    let file =
        format!("[app]\nname = \"many\"\n{repository}[[source]]\nname = \"objects\"\n{source}");
    fs::write(folder.path().join("holdfast.toml"), file)?;
    let run = |what: &str| -> MeasureResult<()> {
        let mut command = Command::new(program);
        command.args(["run", "--init-missing", "--quiet"]).current_dir(folder.path());
        command.env("HOLDFAST_CACHE_DIR", folder.path().join("cache"));
        command.env("AWS_ACCESS_KEY_ID", "measure").env("AWS_SECRET_ACCESS_KEY", "measure");
        let begin = Instant::now();
        let status = command.status()?;
        say(&format!("holdfast run, {what}: {:.3} s", begin.elapsed().as_secs_f64()));
        if status.success() { Ok(()) } else { Err(format!("{what}: {status}").into()) }
    };
    run("everything new")?;
    for _ in 0..ROUNDS {
        run("nothing changed")?;
    }
    for _ in 0..ROUNDS {
        many.change(CHANGED);
        run("a hundred changed")?;
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a measurement that is run by hand")]
fn say(line: &str) {
    println!("{line}");
}

fn expect(wanted: usize, read: usize) -> MeasureResult<()> {
    if read == wanted { Ok(()) } else { Err(format!("{read} objects read, not {wanted}").into()) }
}

/// Repeats a measurement a few times, each with new connections.
fn measure(
    what: &str,
    endpoint: &str,
    concurrency: usize,
    mut work: impl FnMut(&Bucket) -> MeasureResult<()>,
) -> MeasureResult<()> {
    for _ in 0..ROUNDS {
        let bucket = open(endpoint, concurrency)?;
        let begin = Instant::now();
        work(&bucket)?;
        let (took, requests) = (begin.elapsed().as_secs_f64(), bucket.requests());
        let (pages, read) = (requests.list, requests.get);
        say(&format!("{what}: {took:.3} s, {pages} pages, {read} read, {}", peak()));
        let others = Requests { list: 0, get: 0, ..requests };
        assert_eq!(others, Requests::default(), "no other requests");
    }
    Ok(())
}

/// The peak memory of this process so far.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("VmHWM: unknown");
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[expect(clippy::disallowed_methods, reason = "a measurement is at the place of the binary")]
fn clock() -> Timestamp {
    Timestamp::now()
}

fn open(endpoint: &str, concurrency: usize) -> MeasureResult<Bucket> {
    let credentials = CredentialSource::Static {
        key_id: "measure".to_owned(),
        secret_key: Zeroizing::new("measure".to_owned()),
        session_token: None,
    };
    Ok(Bucket::open(BucketOptions {
        endpoint: Some(endpoint.to_owned()),
        concurrency: NonZeroUsize::new(concurrency).ok_or("no concurrency")?,
        ..BucketOptions::new(Service::S3, "many", credentials, clock)
    })?)
}

/// Goes through a bucket; reads what differs from before on threads of their own, as the engine
/// does, and remembers it. Returns the number of objects read.
fn go_through(bucket: &Bucket, seen: Option<&mut ObjectIdentities>) -> MeasureResult<usize> {
    let options =
        BucketSourceOptions { with_configuration: false, ..BucketSourceOptions::default() };
    let mut source = bucket.source(options)?;
    let (send, receive) = mpsc::sync_channel::<Box<dyn Opener>>(READERS);
    let receive = Mutex::new(receive);
    let read_one = || -> Option<io::Result<()>> {
        let opener = receive.lock().ok()?.recv().ok()?;
        Some(opener.open().and_then(|mut content| read_all(&mut *content)).and_then(|()| {
            opener.xattrs()?;
            Ok(())
        }))
    };
    thread::scope(|scope| {
        let reader = || scope.spawn(|| iter::from_fn(read_one).collect::<io::Result<Vec<()>>>());
        let readers: Vec<_> = (0..READERS).map(|_| reader()).collect();
        let found = find_changed(&mut source, seen, &send);
        drop(send);
        let mut count = 0;
        for reader in readers {
            count += reader.join().map_err(|_| "a reader died")??.len();
        }
        found?;
        Ok(count)
    })
}

/// Passes on whatever differs from before.
fn find_changed(
    source: &mut dyn Source,
    mut seen: Option<&mut ObjectIdentities>,
    changed: &SyncSender<Box<dyn Opener>>,
) -> io::Result<()> {
    while let Some(item) = source.next()? {
        let SourceItem::Leaf(Leaf { name, metadata, kind: LeafKind::File { size }, opener }) = item
        else {
            continue;
        };
        let Some(seen) = &mut seen else { continue };
        let identity = (size, metadata.mtime, metadata.inode);
        match seen.insert(name, identity) {
            Some(before) if before != identity => drop(changed.send(opener)),
            _ => {}
        }
    }
    Ok(())
}

fn read_all(content: &mut dyn ContentReader) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    while content.read(&mut buffer)? != ContentPiece::End {}
    Ok(())
}
