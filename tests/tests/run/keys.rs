//! Keys: separate from the data, and never missing.

use crate::world::World;

#[test]
fn without_its_keys_there_is_no_snapshot() {
    let world = World::new("");
    std::fs::remove_dir_all(world.sandbox.path("certificate")).unwrap();
    let outcome = world.fails(1);
    outcome.says("of the keys could not be read").says("data without its keys");
    assert_eq!((world.snapshots().len(), world.key_snapshots().len()), (0, 0));
}

#[test]
fn keys_beside_their_data_are_refused_unless_that_is_said() {
    let world = World::new("");
    world.sandbox.write("data/keys/app.pem", "not really a key");
    let beside = |sections: &str| {
        world.configure(sections);
        let text = String::from_utf8(world.sandbox.read("holdfast.toml")).unwrap();
        let text = text.replace("[\"certificate\"]", "[\"data/keys\"]");
        world.sandbox.write("holdfast.toml", text);
    };
    beside("");
    world.fails(2).says("would store the keys of \"certificate\" together with the data they open");
    assert!(!world.sandbox.exists("repository"));
    beside("[secrets]\nallow-keys-with-data = true\n");
    world.runs();
    assert!(world.sandbox.ok("ls latest").stdout.contains("keys/app.pem"));
}

/// Sets the data repository.
fn data_go_to(world: &World, folder: &str) {
    let text = String::from_utf8(world.sandbox.read("holdfast.toml")).unwrap();
    let start = text.find("url = \"").unwrap();
    let end = start + text[start..].find('\n').unwrap();
    let text = format!("{}url = \"{folder}\"{}", &text[..start], &text[end..]);
    world.sandbox.write("holdfast.toml", text);
}

fn run_with_key(world: &World, number: u32) {
    world.sandbox.write("data/one.txt", format!("content {number}"));
    world.sandbox.write("certificate/app.pem", format!("key {number}"));
    world.runs();
}

#[test]
fn keys_of_data_in_another_repository_stay() {
    let world = World::new("[retention]\nlast = 1\n");
    run_with_key(&world, 1);
    data_go_to(&world, "second");
    (2..5).for_each(|number| run_with_key(&world, number));
    // Those of the first repository, and those of the newest run of the second.
    assert_eq!(world.key_snapshots().len(), 2);
    data_go_to(&world, "repository");
    world.sandbox.ok("restore-app --confirm");
    assert_eq!(world.sandbox.read("certificate/app.pem"), b"key 1");
}

#[test]
fn keys_of_a_run_that_stored_no_data_stay() {
    let retention = "[retention]\nlast = 1\n";
    let failing =
        "[[source]]\nname = \"list\"\ntype = \"command\"\ncommand = [\"false\"]\nfile = \"list\"\n";
    let world = World::new(retention);
    run_with_key(&world, 1);
    world.configure(&format!("{failing}{retention}"));
    world.sandbox.write("certificate/app.pem", "key 2");
    world.fails(1);
    assert_eq!((world.snapshots().len(), world.key_snapshots().len()), (1, 2));
    world.configure(retention);
    (3..5).for_each(|number| run_with_key(&world, number));
    // No record says that its data were forgotten.
    assert_eq!(world.key_snapshots().len(), 2);
}

#[test]
fn keys_stay_while_a_record_of_the_data_cannot_be_read() {
    let world = World::new("[retention]\nlast = 1\n");
    run_with_key(&world, 1);
    world.sandbox.ok("tag --hold latest");
    run_with_key(&world, 2);
    assert_eq!(world.key_snapshots().len(), 2);
    let record = world.sandbox.objects("w").remove(0);
    let record = world.sandbox.path("repository").join(record);
    let whole = std::fs::read(&record).unwrap();
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    std::fs::write(&record, damaged).unwrap();
    std::fs::remove_dir_all(world.sandbox.path("cache")).ok();
    for number in 3..5 {
        world.sandbox.write("certificate/app.pem", format!("key {number}"));
        world.sandbox.run("run");
    }
    assert_eq!(world.key_snapshots().len(), 4, "none of them is known to be useless");
    std::fs::write(&record, whole).unwrap();
    run_with_key(&world, 5);
    // The held snapshot is back, and so are its keys.
    assert_eq!(world.snapshots().len(), 2);
    assert_eq!(world.key_snapshots().len(), 2);
}
