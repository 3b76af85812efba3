//! The pages' statements about the guides' own checks, verified: those checks accept broken
//! backups.

use std::fs;
use std::process::Output;

use crate::documenso::Documenso;
use crate::servers;
use crate::world::World;

/// `verify-backup.sh`, except for the server's address and the names of databases.
const VERIFY: &str = r#"
BACKUP_FILE="$1"
TEST_DB="$2"
psql -c "CREATE DATABASE $TEST_DB"
pg_restore -d "$TEST_DB" "$BACKUP_FILE"
USERS=$(psql -d "$TEST_DB" -t -c "SELECT COUNT(*) FROM \"User\"")
DOCUMENTS=$(psql -d "$TEST_DB" -t -c "SELECT COUNT(*) FROM \"Document\"")
echo "Verified backup contains: $USERS users, $DOCUMENTS documents"
psql -c "DROP DATABASE $TEST_DB"
"#;

#[test]
fn a_dump_without_its_second_half_is_valid_and_verified() {
    let mut world = World::<Documenso>::start();
    (0..3).for_each(|_| world.put_document());
    let cluster = servers::cluster();
    let database = world.own("documenso");
    let whole = cluster.client("pg_dump").args(["-F", "c", &database]).output().unwrap().stdout;
    // After the table of contents, and before the last rows.
    let cut = world.sandbox.write("cut.dump", &whole[..whole.len() - 400]);
    let cut = cut.to_str().unwrap();
    let list = cluster.client("pg_restore").args(["--list", cut]).output().unwrap();
    assert!(list.status.success(), "the guide says: Backup is valid");
    let told = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let verified = verify(&world, cut);
    assert!(verified.status.success(), "the script ends with 0");
    assert!(told(&verified).contains("Verified backup contains:"), "{}", told(&verified));

    // Something that is not a dump at all.
    let nothing = world.sandbox.write("nothing.dump", b"");
    let verified = verify(&world, nothing.to_str().unwrap());
    assert!(verified.status.success(), "the script ends with 0");
    assert!(told(&verified).contains("contains:  users,  documents"), "{}", told(&verified));
    fs::remove_file(cut).unwrap();
}

fn verify(world: &World<Documenso>, dump: &str) -> Output {
    let cluster = servers::cluster();
    let mut command = cluster.client("psql");
    let (folder, programs) = (cluster.folder(), command.get_program().to_owned());
    let programs = std::path::Path::new(&programs).parent().unwrap().to_owned();
    command = world.sandbox.program("bash");
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
    command.env("PGHOST", folder).env("PGUSER", "demo").env("PGDATABASE", "postgres");
    command.args(["-c", VERIFY, "verify-backup.sh", dump, &world.own("restore_test")]);
    command.output().unwrap()
}
