//! Objects of a database that cannot be created.

use crate::world::World;

#[test]
fn an_object_that_cannot_be_made_is_named_and_the_rest_is_restored() {
    let world = World::new();
    world.cluster.sql(
        "app",
        "set app.once = 'x';
         create function once(int) returns int language plpgsql immutable as
           'begin perform current_setting(''app.once''); return $1; end';
         create index document_once on document (once(id));",
    );
    world.capture();
    world.destroy();
    let outcome = world.restore(3, "--confirm");
    outcome.prints("INDEX public.document_once in database app").prints("app.once");
    assert_eq!(world.count("app", "document"), 20);
    let names = world.databases();
    assert!(!names.contains("_hf_"), "{names}");
}
