//! Objects of a bucket on the command line: listed, found, dumped and restored by their keys.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use holdfast_tests::project;
use holdfast_tests::sandbox::{Outcome, Sandbox};

/// The server requires credentials, and accepts any.
const LOGIN: &str = "Authorization: AWS4-HMAC-SHA256 \
    Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// An S3 server; it ends when its pipe is closed.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(project::root().join("tests/s3-server"));
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, port: port.trim().parse().expect("it prints its port") }
    }

    /// Puts an object; other clients would normalize the path.
    fn put(&self, path: &str, body: &str) {
        let mut server = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let encoded: String = path
            .bytes()
            .map(|byte| match byte {
                b'/' | b'?' | b'=' | b'-' | b'0'..=b'9' | b'a'..=b'z' => char::from(byte).into(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        let bytes = body.len();
        write!(
            server,
            "PUT /{encoded} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {bytes}\r\n\
             Content-Type: text/plain\r\nConnection: close\r\n{LOGIN}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        server.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A run over a bucket with these objects, whose content is their key, and a folder.
fn captured(keys: &[&str]) -> (Sandbox, Server) {
    let server = Server::start();
    server.put("documents", "");
    let versioning = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                      <Status>Enabled</Status></VersioningConfiguration>";
    server.put("documents?versioning", versioning);
    server.put(&format!("documents/{}", keys[0]), "an older version");
    for key in keys {
        server.put(&format!("documents/{key}"), key);
    }
    server.put("documents/marker/", "");
    let sandbox = Sandbox::empty();
    sandbox.make_key("key");
    sandbox.write("id", "somebody");
    sandbox.write("secret", "believed");
    sandbox.write(Path::new("data").join(std::ffi::OsStr::from_bytes(b"a.\xffb")), "a file");
    let port = server.port;
    sandbox.write(
        "holdfast.toml",
        format!(
            "[app]\nname = \"app\"\n[repository]\nurl = \"repository\"\npassword-file = \"key\"\n\
             [[source]]\nname = \"documents\"\ntype = \"bucket\"\nurl = \"s3://documents\"\n\
             endpoint = \"http://127.0.0.1:{port}\"\nregion = \"us-east-1\"\nversions = true\n\
             [source.credentials]\naccess-key-id-file = \"id\"\n\
             secret-access-key-file = \"secret\"\n\
             [[source]]\nname = \"files\"\ntype = \"files\"\npaths = [\"data\"]\n"
        ),
    );
    sandbox.ok("run --init-missing");
    (sandbox, server)
}

/// The lines of a listing, which with `--quiet` has only paths.
fn lines(outcome: &Outcome) -> Vec<&str> {
    outcome.stdout.lines().filter(|line| line.starts_with('/')).collect()
}

#[test]
fn objects_are_called_by_their_keys() {
    let (sandbox, server) = captured(&["2024/a.pdf", "2024/01/b.txt", "2025.txt"]);
    let all = sandbox.ok("ls latest --source documents");
    let version = lines(&all).pop().unwrap().to_owned();
    let expected = "/bucket.json /objects /objects/2024 /objects/2024/01 /objects/2024/01/b.txt \
                    /objects/2024/a.pdf /objects/2025.txt /objects/marker /objects/marker/ \
                    /versions /versions/2024 /versions/2024/a.pdf";
    assert_eq!(lines(&all)[..12].join(" "), expected);
    assert!(version.starts_with("/versions/2024/a.pdf/2"), "{version}");
    assert_eq!(lines(&all).len(), 13);
    // The folder of files also has such a name, but it is not a key.
    sandbox.ok("ls latest").prints("/documents/objects/2024/a.pdf").prints("/data/a.\\xffb");
    let prefix = sandbox.ok("ls latest --source documents /objects/2024");
    let expected = ["/objects/2024", "/objects/2024/01", "/objects/2024/a.pdf"];
    assert_eq!(lines(&prefix), expected);
    let below = sandbox.ok("ls latest:/documents/objects/2024 --sort extension");
    assert_eq!(lines(&below), ["/01", "/a.pdf", "/01/b.txt"]);
    let node = sandbox.ok("ls --json latest --source documents /objects/2024/a.pdf").messages();
    assert_eq!(
        (&node[1]["path"], &node[1]["name"]),
        (&"/objects/2024/a.pdf".into(), &"a.pdf".into())
    );
    sandbox
        .ok("ls -l latest --source documents /objects/2024/a.pdf")
        .prints(" /objects/2024/a.pdf");
    let ncdu = sandbox.ok("ls --ncdu latest --source documents").json().to_string();
    assert!(ncdu.contains("\"name\":\"a.pdf\"") && ncdu.contains("\"name\":\"2024\""), "{ncdu}");

    let found = sandbox.ok("find --quiet --source documents 2024/*.pdf");
    assert_eq!(lines(&found)[0], "/objects/2024/a.pdf");
    let found = sandbox.ok("find --quiet b.txt");
    assert_eq!(lines(&found), ["/documents/objects/2024/01/b.txt"]);

    let dump = "dump latest --source documents";
    assert_eq!(sandbox.ok(&format!("{dump} /objects/2024/a.pdf")).stdout, "2024/a.pdf");
    assert_eq!(sandbox.ok(&format!("{dump} {version}")).stdout, "an older version");
    let mut words = sandbox.words(dump);
    words.push(std::ffi::OsStr::from_bytes(b"/objects/2024.\xffa.pdf").to_owned());
    assert_eq!(sandbox.run_words(words).stdout, "2024/a.pdf", "the stored name");
    sandbox.fails(1, &format!("{dump} /objects/2023")).says("has no /objects/2023");
    sandbox.ok(&format!("{dump} /objects -t @objects.tar"));
    let mut list = sandbox.program("tar");
    let listed = list.arg("-tf").arg(sandbox.path("objects.tar")).output().unwrap().stdout;
    let listed = String::from_utf8(listed).unwrap();
    let names = "objects/ objects/2024/ objects/2024/01/ objects/2024/01/b.txt objects/2024/a.pdf \
                 objects/2025.txt objects/marker/";
    assert_eq!(listed.split_whitespace().collect::<Vec<_>>().join(" "), names);

    server.put("documents/2026/new", "new");
    sandbox.ok("run");
    let compared = sandbox.ok("diff latest~1 latest --source documents");
    compared.prints("+    /objects/2026/new\n");
    assert_eq!(compared.stdout.matches("/objects").count(), 1, "{compared:?}");
}

#[test]
fn objects_become_files_in_folders() {
    let (sandbox, _server) = captured(&["2024/a.pdf", "2024/01/b.txt", "2025.txt"]);
    let restore = "restore latest --source documents -t @target";
    sandbox.ok(&format!("{restore} --dry-run")).prints("only restore-app restores");
    assert!(!sandbox.exists("target"));
    sandbox.ok(&format!("{restore} --include /objects/2024/01 --verify"));
    assert_eq!(sandbox.read("target/objects/2024/01/b.txt"), b"2024/01/b.txt");
    assert!(!sandbox.exists("target/objects/2024/a.pdf"));
    sandbox.write("target/objects/2024/extra", "not in the bucket");
    sandbox.write("target/objects/2025.txt", "changed");
    sandbox.ok(&format!("{restore} --delete --verify"));
    assert_eq!(sandbox.read("target/objects/2024/a.pdf"), b"2024/a.pdf");
    assert_eq!(sandbox.read("target/objects/2025.txt"), b"2025.txt");
    assert!(!sandbox.exists("target/objects/2024/extra"));
    assert!(sandbox.path("target/objects/marker").is_dir());
    assert_eq!(fs::read_dir(sandbox.path("target/versions/2024/a.pdf")).unwrap().count(), 1);
    let again = sandbox.ok(&format!("{restore} --overwrite if-changed --json")).message("summary");
    assert_eq!(again["files_skipped"], 5, "{again}");
}

/// No key escapes the target or overwrites another one, and none is skipped.
#[test]
fn keys_that_no_file_can_have_are_kept_apart() {
    let long = format!("{}/x", "l".repeat(300));
    let odd = ["../escape", "../../etc/x", "/top", "a//b", "a/./c", "n", "n/below", "..", &long];
    let plain = ["a/b", "n-x", "z"];
    let keys: Vec<&str> = odd.into_iter().chain(plain).collect();
    let (sandbox, _server) = captured(&keys);
    let expected: BTreeSet<String> = keys.iter().map(|key| key.to_string()).collect();
    // All but "n/below", which is renamed in favour of "n".
    let renamed = odd.len() - 1;
    let restored =
        sandbox.fails(3, "restore latest --source documents -t @inner/target -i /objects");
    restored.says(&format!("{renamed} objects have a key that cannot be a file name"));
    restored.says("/objects/../escape: this key cannot be a file name");
    restored.says("is restored as /objects/..\\xff/escape");
    assert_eq!(fs::read_dir(sandbox.path("inner")).unwrap().count(), 1);
    assert!(!sandbox.exists("escape") && !sandbox.exists("inner/escape"));
    assert_eq!(sandbox.read("inner/target/objects/n/below"), b"n/below");
    assert_eq!(contents(&sandbox.path("inner/target/objects")), expected);

    let dumped = sandbox.fails(3, "dump latest --source documents /objects -t @odd.tar");
    dumped.says("objects/a//b: this key cannot be a file name");
    fs::create_dir(sandbox.path("unpacked")).unwrap();
    let mut tar = sandbox.program("tar");
    tar.args(["-xf"]).arg(sandbox.path("odd.tar")).arg("-C").arg(sandbox.path("unpacked"));
    let unpacked = tar.output().unwrap();
    assert!(unpacked.status.success(), "{unpacked:?}");
    assert_eq!(contents(&sandbox.path("unpacked/objects")), expected);
    sandbox.fails(3, "dump latest --source documents /objects -a zip -t @odd.zip");

    for key in keys.iter().filter(|key| !key.ends_with('/')) {
        let dumped = sandbox.ok(&format!("dump latest --source documents /objects/{key}"));
        assert_eq!(&dumped.stdout, key);
    }
}

/// The contents of all files below a folder that are not empty.
fn contents(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(contents(&entry.path())),
            false => drop(found.insert(fs::read_to_string(entry.path()).unwrap())),
        }
    }
    found
}
