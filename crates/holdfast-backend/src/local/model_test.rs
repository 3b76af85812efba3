//! Random sequences of operations, compared with a plain map.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::Local;
use crate::{Backend, BackendError, ListedObject, ObjectName};

type ObjectModel = BTreeMap<ObjectName, Vec<u8>>;

#[derive(Debug, Clone)]
enum ModelStep {
    Put(ObjectName, Vec<Vec<u8>>),
    Get(ObjectName),
    Range(ObjectName, u64, usize),
    List(&'static str),
    Delete(ObjectName),
    Quarantine(ObjectName),
    /// The stored data must not depend on what an instance remembers.
    Reopen,
}

fn object() -> impl Strategy<Value = ObjectName> {
    // Few names, so that operations collide; none is the folder of another.
    let names = ["config", "a/1", "a/2", "a/deep/er", "b/1", "quarantine/a/1"];
    prop::sample::select(names.to_vec()).prop_map(|text| ObjectName::new(text).unwrap())
}

fn step() -> impl Strategy<Value = ModelStep> {
    let parts = vec(vec(any::<u8>(), 0..20), 0..5);
    let prefixes = vec!["", "a", "a/deep", "b", "c", "quarantine", "a/"];
    prop_oneof![
        4 => (object(), parts).prop_map(|(name, parts)| ModelStep::Put(name, parts)),
        2 => object().prop_map(ModelStep::Get),
        4 => (object(), 0..60u64, 0..60usize)
            .prop_map(|(name, at, n)| ModelStep::Range(name, at, n)),
        2 => prop::sample::select(prefixes).prop_map(ModelStep::List),
        2 => object().prop_map(ModelStep::Delete),
        1 => object().prop_map(ModelStep::Quarantine),
        1 => Just(ModelStep::Reopen),
    ]
}

fn listed(model: &ObjectModel, prefix: &str) -> Vec<ListedObject> {
    let folder = format!("{prefix}/");
    let wanted = |name: &ObjectName| prefix.is_empty() || name.as_str().starts_with(&folder);
    let wanted = model.iter().filter(|(name, _)| wanted(name));
    wanted.map(|(name, v)| ListedObject { name: name.clone(), bytes: v.len() as u64 }).collect()
}

fn quarantine(model: &mut ObjectModel, name: &ObjectName) -> bool {
    if name.as_str().starts_with("quarantine/") || !model.contains_key(name) {
        return model.contains_key(name);
    }
    let plain = ObjectName::new(format!("quarantine/{name}")).unwrap();
    let numbered = (1..).map(|n| ObjectName::new(format!("{plain}.{n}")).unwrap());
    let free = std::iter::once(plain.clone()).chain(numbered).find(|n| !model.contains_key(n));
    let bytes = model.remove(name).unwrap();
    model.insert(free.unwrap(), bytes);
    true
}

fn apply(local: &Local, model: &mut ObjectModel, step: ModelStep) {
    match step {
        ModelStep::Put(name, parts) => {
            let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            match local.put(&name, &slices) {
                Ok(()) => assert!(model.insert(name, parts.concat()).is_none()),
                Err(BackendError::AlreadyExists { .. }) => assert!(model.contains_key(&name)),
                Err(error) => panic!("{error:?}"),
            }
        }
        ModelStep::Get(name) => {
            assert_eq!(
                local.get(&name, u64::MAX).ok().as_deref(),
                model.get(&name).map(Vec::as_slice)
            );
            let size = model.get(&name).map(|bytes| bytes.len() as u64);
            assert_eq!(local.size(&name).ok(), size);
        }
        ModelStep::Range(name, at, length) => {
            let start = usize::try_from(at).unwrap();
            let range = model.get(&name).and_then(|bytes| bytes.get(start..start + length));
            assert_eq!(local.get_range(&name, at, length).ok().as_deref(), range);
        }
        ModelStep::List(prefix) => assert_eq!(local.list(prefix).unwrap(), listed(model, prefix)),
        ModelStep::Delete(name) => {
            local.delete(&name).unwrap();
            model.remove(&name);
        }
        ModelStep::Quarantine(name) => {
            assert_eq!(local.quarantine(&name).is_ok(), quarantine(model, &name));
        }
        ModelStep::Reopen => unreachable!("handled by the caller"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn local_equals_a_map(steps in vec(step(), 1..60)) {
        let folder = TempDir::new().unwrap();
        let mut local = Local::create(folder.path()).unwrap();
        let mut model = ObjectModel::new();
        for step in steps {
            match step {
                ModelStep::Reopen => local = Local::open(folder.path()).unwrap(),
                step => apply(&local, &mut model, step),
            }
        }
        prop_assert_eq!(local.list("").unwrap(), listed(&model, ""));
    }
}
