//! A repository with a history, and its acknowledged snapshots.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use holdfast_tests::picture::{Picture, assert_same, entries};
use holdfast_tests::sandbox::Sandbox;

/// A source that was backed up three times and then changed, and the repository. Both are no longer
/// modified.
pub struct World {
    sandbox: Sandbox,
    /// The snapshots, oldest first, with their contents.
    pub snapshots: Vec<Promise>,
    /// The current content of the source.
    pub now: Picture,
}

/// A snapshot that was acknowledged.
#[derive(Clone)]
pub struct Promise {
    pub id: String,
    pub holds: Picture,
}

impl World {
    /// The world, which all tests that run at the same time share.
    pub fn get() -> Arc<World> {
        static SHARED: Mutex<Weak<World>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let world = Arc::new(World::new());
            *shared = Arc::downgrade(&world);
            world
        })
    }

    fn new() -> World {
        let sandbox = Sandbox::new();
        let mut snapshots = Vec::new();
        for state in 0..3 {
            fill(&sandbox, state);
            let summary = sandbox.backup("@source --pack-size 4");
            let id = summary["snapshot_id"].as_str().unwrap().to_owned();
            snapshots.push(Promise { id, holds: entries(&sandbox.path("source")) });
        }
        fill(&sandbox, 3);
        let now = entries(&sandbox.path("source"));
        World { sandbox, snapshots, now }
    }

    /// A sandbox with a copy of the repository.
    pub fn fork(&self) -> Sandbox {
        let sandbox = Sandbox::empty();
        sandbox.adopt(&self.sandbox);
        sandbox
    }

    /// The source; it is not copied into forks, because its path is recorded.
    pub fn source(&self) -> PathBuf {
        self.sandbox.path("source")
    }

    /// Checks what a fork must contain, whatever happened to it, and that a check finds nothing.
    #[track_caller]
    pub fn verify(&self, sandbox: &Sandbox, promised: &[Promise]) {
        self.verify_snapshots(sandbox, promised);
        sandbox.ok("check --read-data --no-cache");
    }

    /// Each of these snapshots is restored byte for byte on a machine without local state.
    #[track_caller]
    pub fn verify_snapshots(&self, sandbox: &Sandbox, promised: &[Promise]) {
        for (number, promise) in promised.iter().enumerate() {
            let target = format!("verified-{number}");
            self.restore(sandbox, &promise.id, &target);
            assert_same(&promise.holds, &entries(&sandbox.path(&target)));
            fs::remove_dir_all(sandbox.path(&target)).unwrap();
        }
    }

    /// Fails unless the newest snapshot matches the source.
    #[track_caller]
    pub fn verify_newest(&self, sandbox: &Sandbox) {
        self.restore(sandbox, "latest", "newest");
        assert_same(&self.now, &entries(&sandbox.path("newest")));
        fs::remove_dir_all(sandbox.path("newest")).unwrap();
    }

    #[track_caller]
    fn restore(&self, sandbox: &Sandbox, snapshot: &str, target: &str) {
        let source = self.source();
        let line = format!("restore {snapshot}:{} -t @{target} --no-cache", source.display());
        sandbox.ok(&line);
    }
}

/// Puts the source into a state. Each one has some unchanged files of the previous one.
fn fill(sandbox: &Sandbox, state: u64) {
    let at = |name: &str| PathBuf::from("source").join(name);
    sandbox.write(at("always the same"), noise(1, 200_000));
    sandbox.write(at("text"), format!("state {state}\n").repeat(20_000));
    sandbox.write(at("folder/deep/down"), noise(100 + state, 3_000));
    for number in 0..6 {
        sandbox.write(
            at(&format!("folder/{}", state * 3 + number)),
            noise(state * 3 + number, 90_000),
        );
    }
    let gone = sandbox.path(at(&format!("folder/{}", state.saturating_sub(1) * 3)));
    if state > 0 {
        fs::remove_file(gone).unwrap();
    }
    if state == 3 {
        for number in 0..20 {
            sandbox.write(at(&format!("many/{number}")), noise(1000 + number, 400_000));
        }
        sandbox.write(at("single"), noise(2000, 6 << 20));
    }
}

/// Incompressible bytes.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}
