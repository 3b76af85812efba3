//! TLS to servers whose certificates were created with openssl.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

use holdfast_connect::postgres::{ErrorKind, PostgresError, PostgresOptions};

use crate::cluster::{Cluster, Run, installations};
use crate::tree::{PostgresTree, capture, options};

/// A server that accepts no one without TLS.
struct TlsServer {
    cluster: Cluster,
    port: u16,
}

impl TlsServer {
    /// With a certificate that `sign` creates, as `server.crt` and `server.key`.
    fn new(sign: impl FnOnce(&Self)) -> Self {
        let cluster = Cluster::start(installations().last().unwrap());
        cluster.create("app");
        cluster.sql("app", "create table document as select 1 as id;");
        let mut world = Self { cluster, port: 0 };
        sign(&world);
        let (key, owner) = (world.path("server.key"), world.path("data").metadata().unwrap());
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        chown(&key, Some(owner.uid()), Some(owner.gid())).unwrap();
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
        fs::write(world.path("data/pg_hba.conf"), rules).unwrap();
        let (certificate, key) = (world.path("server.crt"), key.display().to_string());
        let certificate = certificate.display();
        world.port = world
            .cluster
            .listen(&format!("-c ssl=on -c ssl_cert_file={certificate} -c ssl_key_file={key}"));
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.cluster.folder().join(name)
    }

    fn openssl(&self, line: &str) {
        let mut command = Command::new("openssl");
        command.current_dir(self.cluster.folder()).args(line.split_whitespace()).succeed();
    }

    /// Creates a self-signed certificate.
    fn self_signed(&self, name: &str, more: &str) {
        self.openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {name}.key -out {name}.crt {more}"
        ));
    }

    fn capture(&self, host: &str, parameters: &str) -> io::Result<PostgresTree> {
        let folder = format!("{}/", self.cluster.folder().display());
        let parameters = parameters.replace('@', &folder);
        let mut wanted: PostgresOptions = options(&self.cluster, "app");
        wanted.server.url = format!("postgres://demo@{host}:{}/app?{parameters}", self.port);
        capture(wanted)
    }

    #[track_caller]
    fn works(&self, host: &str, parameters: &str) {
        let tree = self.capture(host, parameters).unwrap();
        assert_eq!(tree.content("app").members[0].rows, 1);
    }

    /// The message of a refusal.
    #[track_caller]
    fn refuses(&self, host: &str, parameters: &str) -> String {
        let error = self.capture(host, parameters).unwrap_err();
        let inner = error.get_ref().and_then(|it| it.downcast_ref::<PostgresError>()).unwrap();
        assert_eq!(inner.kind, ErrorKind::Tls, "{error}");
        error.to_string()
    }
}

/// Signed by an authority that the system does not know.
fn signed_by_authority(world: &TlsServer) {
    world.self_signed("ca", "-subj /CN=authority");
    world.openssl("req -newkey rsa:2048 -nodes -keyout server.key -out request -subj /CN=server");
    fs::write(world.path("names"), "subjectAltName=DNS:localhost\n").unwrap();
    world.openssl(
        "x509 -req -in request -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names \
         -out server.crt",
    );
}

#[test]
fn an_authority_of_ones_own_is_enough() {
    let world = TlsServer::new(signed_by_authority);
    world.works("localhost", "sslmode=require");
    world.works("localhost", "sslmode=verify-full&sslrootcert=@ca.crt");
    // The certificate is for localhost, under this name only.
    world.works("127.0.0.1", "sslmode=verify-ca&sslrootcert=@ca.crt");
    let text = world.refuses("127.0.0.1", "sslmode=verify-full&sslrootcert=@ca.crt");
    assert!(text.contains("certificate") && text.contains("name"), "{text}");
    let text = world.refuses("localhost", "sslmode=disable");
    assert!(text.contains("the server requires TLS; use sslmode=require"), "{text}");
}

#[test]
fn another_authority_is_refused() {
    let world = TlsServer::new(signed_by_authority);
    world.self_signed("other", "-subj /CN=authority");
    for parameters in [
        "sslmode=verify-full&sslrootcert=@other.crt",
        "sslmode=verify-ca&sslrootcert=@other.crt",
        "sslmode=require&sslrootcert=@other.crt",
        "sslmode=verify-full",
    ] {
        let text = world.refuses("localhost", parameters);
        assert!(text.contains("name the authority with sslrootcert=FILE"), "{text}");
    }
    let text = world.refuses("localhost", "sslmode=verify-full&sslrootcert=@nothing.crt");
    assert!(
        text.contains("cannot read certificate authorities from") && text.contains("nothing.crt"),
        "{text}"
    );
}

#[test]
fn a_certificate_that_signs_itself_is_its_own_authority() {
    // As in PostgreSQL's manual: openssl marks it as an authority.
    let names = "-subj /CN=localhost -addext subjectAltName=DNS:localhost";
    let world = TlsServer::new(|world| world.self_signed("server", names));
    world.works("localhost", "sslmode=require");
    world.works("localhost", "sslmode=verify-full&sslrootcert=@server.crt");
    world.works("127.0.0.1", "sslmode=verify-ca&sslrootcert=@server.crt");
    world.refuses("127.0.0.1", "sslmode=verify-full&sslrootcert=@server.crt");
    world.self_signed("other", names);
    world.refuses("localhost", "sslmode=verify-full&sslrootcert=@other.crt");
}

#[test]
fn a_certificate_of_the_past_is_refused_also_by_its_own_authority() {
    let world = TlsServer::new(|world| {
        let extensions = "subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:TRUE\n";
        fs::write(world.path("extensions"), extensions).unwrap();
        world.openssl(
            "req -newkey rsa:2048 -nodes -keyout server.key -out request -subj /CN=localhost",
        );
        world.openssl(
            "x509 -req -in request -signkey server.key -days -1 -extfile extensions \
             -out server.crt",
        );
    });
    world.works("localhost", "sslmode=require");
    world.refuses("localhost", "sslmode=verify-full&sslrootcert=@server.crt");
}

#[test]
fn a_server_without_tls_is_reported() {
    let mut cluster = Cluster::start(installations().last().unwrap());
    let port = cluster.listen("");
    let world = TlsServer { cluster, port };
    let text = world.refuses("localhost", "sslmode=require");
    assert!(text.contains("turn on ssl in the server"), "{text}");
}
