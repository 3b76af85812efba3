//! Buckets with a database: what rows record about objects, and a restore without valid
//! credentials.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use holdfast_tests::sandbox::{Outcome, Sandbox};

use crate::{objects, servers};

/// The ETag of a multipart upload is not an MD5; this server returns plain ones.
const CONTENTS: [(&str, &str); 3] = [("a/one", "first"), ("a/two", "second"), ("b", "third")];

/// An application with a database and a bucket, both called `name`.
struct World {
    sandbox: Sandbox,
    name: &'static str,
}

impl World {
    fn new(name: &'static str) -> Self {
        let sandbox = Sandbox::empty();
        sandbox.make_key("key");
        servers::cluster().sql("postgres", &format!("create database \"{name}\""));
        let world = Self { sandbox, name };
        world.sql("create table document(key text, etag text, md5 text, sha256 text)");
        objects::make_bucket(name);
        for (key, content) in CONTENTS {
            objects::put(name, key, "text/plain", content.as_bytes());
            world.sql(&format!(
                "insert into document select '{key}', '\"' || md5('{content}') || '\"', \
                 md5('{content}'), encode(sha256('{content}'), 'base64')"
            ));
        }
        world.sandbox.write("id", "somebody");
        world.sandbox.write("secret", "believed");
        world.configure("key, etag, md5, sha256");
        world
    }

    fn configure(&self, columns: &str) {
        self.configure_at(servers::object_server().port, columns);
    }

    fn configure_at(&self, port: u16, columns: &str) {
        let socket = servers::cluster().folder().display().to_string().replace('/', "%2F");
        let name = self.name;
        self.sandbox.write(
            "holdfast.toml",
            format!(
                "[app]\nname = \"app\"\n[repository]\nurl = \"repository\"\n\
                 password-file = \"key\"\n[[source]]\nname = \"database\"\ntype = \"postgres\"\n\
                 url = \"postgres://demo@/{name}?host={socket}\"\nglobals = \"no\"\n[[source]]\n\
                 name = \"objects\"\ntype = \"bucket\"\nurl = \"s3://{name}\"\n\
                 endpoint = \"http://127.0.0.1:{port}\"\nregion = \"us-east-1\"\n\
                 [source.credentials]\naccess-key-id-file = \"id\"\n\
                 secret-access-key-file = \"secret\"\n[[check]]\nname = \"contents\"\n\
                 source = \"database\"\nsql = \"select {columns} from document\"\n\
                 objects-in = \"objects\"\n"
            ),
        );
    }

    #[track_caller]
    fn sql(&self, sql: &str) {
        servers::cluster().sql(self.name, sql);
    }

    #[track_caller]
    fn run(&self, code: i32) -> Outcome {
        self.sandbox.fails(code, "run --init-missing")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let drop = format!("drop database if exists \"{}\" (force)", self.name);
        let _ended = servers::cluster().try_sql("postgres", &drop);
    }
}

#[test]
fn objects_are_compared_with_what_their_rows_say() {
    let world = World::new("hashes-of-objects");
    let all_right = "3 referenced, 0 missing, 3 compared by ETag or hash";
    world.run(0).prints(all_right);
    world.run(0).prints(all_right);

    world.sql("update document set etag = 'abc-2' where key = 'b'");
    let outcome = world.run(3);
    outcome.prints("\"b\" has etag dd5c8bf51558ffcbe5007071908e9524, not abc-2");
    world.configure("key, md5");
    world.run(0).prints(all_right);
    world.sql("update document set md5 = md5('other') where key = 'a/one'");
    world.run(3).prints("\"a/one\" has md5 8b04d5e3775d298e78455efc5ca404d5, not ");
    world.configure("key, sha256");
    world.run(0).prints(all_right);
    objects::put(world.name, "a/two", "text/plain", b"sedond");
    world.run(3).prints("\"a/two\" has sha256 ");

    // Lost objects are restored, and compared with the same rows.
    objects::delete(world.name, "a/one");
    let outcome = world.sandbox.fails(3, "restore-app --confirm");
    outcome.prints("check contents: 1 of 3 referenced are missing or wrong: \"a/two\" has sha256 ");
    objects::put(world.name, "a/two", "text/plain", b"second");
    world.run(0).prints(all_right);
    objects::delete(world.name, "a/two");
    world.sandbox.ok("restore-app --confirm").prints(all_right);
}

#[test]
fn a_bucket_without_credentials_is_told_before_anything_is_touched() {
    let world = World::new("no-credentials");
    world.run(0);
    objects::delete(world.name, "b");
    fs::remove_file(world.sandbox.path("secret")).unwrap();
    let outcome = world.sandbox.fails(1, "restore-app --confirm");
    outcome.says("source \"objects\"").says("secret cannot be read");
    assert_eq!(objects::keys(world.name), ["a/one", "a/two"]);
    world.sandbox.write("secret", " \n");
    world.sandbox.fails(1, "restore-app --confirm").says("secret cannot be read: it is empty");
    world.sandbox.write("secret", "believed");
    world.sandbox.ok("restore-app --confirm");
    assert_eq!(objects::keys(world.name), ["a/one", "a/two", "b"]);
}

/// A server that refuses everyone, with S3's answer. It ends with the test.
fn refusing_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = |mut stream: TcpStream| {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        let body = "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>";
        let head = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length:";
        write!(stream, "{head} {}\r\n\r\n{body}", body.len())
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client may disconnect at any moment.
            let _gone = answer(stream);
        }
    });
    port
}

#[test]
fn wrong_credentials_are_told_before_anything_is_touched() {
    let world = World::new("wrong-credentials");
    world.run(0);
    world.sql("delete from document where key = 'b'");
    world.configure_at(refusing_server(), "key");
    let outcome = world.sandbox.fails(1, "restore-app --confirm --yes-overwrite wrong-credentials");
    outcome.says("source \"objects\"").says("rejected the access key (SignatureDoesNotMatch)");
    outcome.says("check the key and its secret");
    let rows = servers::cluster().sql(world.name, "select count(*) from document");
    assert_eq!(rows, "2", "the database is as it was");
}
