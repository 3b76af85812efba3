//! Rows with hashes of files, on a real PostgreSQL that computes them.

use std::fs;
use std::sync::LazyLock;

use holdfast_tests::cluster::Cluster;
use holdfast_tests::shared;

use crate::world::World;

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| shared::cluster(""));

const TABLE: &str = "create table document(path text primary key, md5 text, sha256 text); \
    insert into document select path, md5(content), encode(sha256(content::bytea), 'base64') \
    from (values ('one.txt', 'first'), ('two.txt', 'second'), ('empty.txt', '')) it(path, content)";

fn check(columns: &str, objects_in: &str) -> String {
    format!(
        "[[check]]\nname = \"contents\"\nsource = \"database\"\n\
         sql = \"select path as key, {columns} from document\"\nobjects-in = \"{objects_in}\"\n"
    )
}

fn sections(database: &str, check: &str) -> String {
    let socket = CLUSTER.folder().display();
    format!(
        "[[source]]\nname = \"database\"\ntype = \"postgres\"\n\
         url = \"postgres://demo@/{database}?host={socket}\"\n\
         [[source]]\nname = \"vault\"\ntype = \"files\"\npaths = [\"data\"]\n{check}"
    )
}

fn world(database: &str, check: &str) -> World {
    CLUSTER.create(database);
    CLUSTER.sql(database, TABLE);
    let world = World::new(&sections(database, check));
    world.sandbox.write("data/empty.txt", "");
    world
}

/// The number of contents that the last check compared, as printed.
const ALL_RIGHT: &str = "3 referenced, 0 missing, 3 compared by ETag or hash";

#[test]
fn contents_are_compared_with_the_hashes_of_their_rows() {
    let world = world("hashes", &check("md5, sha256", "vault"));
    world.sandbox.ok("run --init-missing").prints(ALL_RIGHT);
    // Nothing has changed: comparisons are remembered, and can be forgotten.
    world.sandbox.ok("run").prints(ALL_RIGHT);
    fs::remove_dir_all(world.sandbox.path("cache")).unwrap();
    world.sandbox.ok("run").prints(ALL_RIGHT);

    // Content of the same size, and a row that changed while its file did not.
    world.sandbox.write("data/one.txt", "thirs");
    world.fails(3).prints("one.txt\" has sha256 ").prints("1 of 3 referenced are missing or wrong");
    world.sandbox.write("data/one.txt", "first");
    CLUSTER.sql("hashes", "update document set md5 = md5('other') where path = 'two.txt'");
    let outcome = world.fails(3);
    outcome.prints("two.txt\" has md5 a9f0e61a137d86aa9db53465e0801612, not ");
    // A mismatch is reported every time.
    world.fails(3).prints("two.txt\" has md5 ");
    CLUSTER.sql("hashes", "update document set md5 = null where path = 'two.txt'");
    world.sandbox.ok("run").prints(ALL_RIGHT);
}

#[test]
fn a_check_that_comes_later_reads_what_the_snapshot_has() {
    let world = world("later", "");
    world.runs();
    world.configure(&sections("later", &check("encode(sha256(''), 'hex') as sha256", "vault")));
    let outcome = world.fails(3);
    outcome
        .prints("2 of 3 referenced are missing or wrong")
        .prints("one.txt\" has sha256 a7937b64");
    world.configure(&sections("later", &check("sha256", "vault")));
    world.sandbox.ok("run").prints(ALL_RIGHT);
    // A file counts as unchanged only as far as the capture considers it so: by its times.
    let path = world.sandbox.path("data/two.txt");
    fs::write(path, "sedond").unwrap();
    world.fails(3).prints("two.txt\" has sha256 ");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let world = world("senseless", &check("'unknown' as sha256", "vault"));
    world.fails(3).prints("one.txt\" has a malformed sha256, \"unknown\"");
    world.configure(&sections("senseless", &check("'abc' as etag", "vault")));
    let outcome = world.fails(1);
    outcome.says("source vault holds files, which have no ETag; use md5 or sha256");
    // Unknown columns are ignored.
    world.configure(&sections("senseless", &check("1 as sha512, md5", "vault")));
    world.sandbox.ok("run").prints(ALL_RIGHT);
}

#[test]
fn a_check_of_keys_compares_their_contents() {
    let columns = "md5('not really a key') as md5";
    let of_keys = check(columns, "certificate").replace("path as key", "'app.pem' as key");
    let world = world("keys", &of_keys.replace("from document", "from document limit 1"));
    world.sandbox.ok("run --init-missing").prints("1 compared by ETag or hash");
    world.sandbox.write("certificate/app.pem", "really not a key");
    world.fails(3).prints("app.pem\" has md5 ");
}
