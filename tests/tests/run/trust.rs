//! Root runs nothing that other users could have changed.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::world::World;

#[test]
fn root_uses_no_file_that_others_can_write() {
    let world = World::new("");
    let tool = world.sandbox.path("tool");
    world.sandbox.write("tool", "#!/bin/sh\nexit 0\n");
    let mode = |name: &str, mode| {
        set_permissions(world.sandbox.path(name), Permissions::from_mode(mode)).unwrap();
    };
    mode("tool", 0o755);
    let hook = format!("[[hook]]\nbefore = \"run\"\ncommand = [\"{}\"]\n", tool.display());
    world.configure(&hook);
    if world.sandbox.path("tool").metadata().unwrap().uid() != 0 {
        println!("not run: only root is protected from other users");
        return;
    }
    world.runs();
    for (name, what) in
        [("holdfast.toml", "app file"), ("tool", "program of"), ("key", "password file")]
    {
        let before = world.sandbox.path(name).metadata().unwrap().mode() & 0o777;
        mode(name, before | 0o022);
        world.fails(1).says(what).says("can be written by other users").says("chmod go-w");
        mode(name, before);
    }
    world.runs();
    assert_eq!(world.snapshots().len(), 2);
}
