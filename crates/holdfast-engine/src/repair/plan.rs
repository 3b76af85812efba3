//! Which index objects to replace, so that no entry of a healthy pack is lost and none is written
//! twice.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_format::ObjectId;

/// Index objects with the packs that each lists; `None` for one that cannot be used.
pub(super) type IndexLists = BTreeMap<ObjectId, Option<Vec<ObjectId>>>;

/// What to do with the index objects.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct IndexPlan {
    /// Those that no longer count.
    pub replaced: BTreeSet<ObjectId>,
    /// Packs whose entries move from a replaced index object to a new one.
    pub moved: BTreeMap<ObjectId, BTreeSet<ObjectId>>,
}

/// Replaces index objects that cannot be used, or that list a pack which is `gone`, or whose entry
/// is `reread` from its pack.
pub(super) fn plan(
    lists: &IndexLists,
    gone: &BTreeSet<ObjectId>,
    reread: &BTreeSet<ObjectId>,
) -> IndexPlan {
    let is_stale = |pack: &ObjectId| gone.contains(pack) || reread.contains(pack);
    let mut plan = IndexPlan::default();
    let mut listed: BTreeSet<ObjectId> = reread.clone();
    for (object, packs) in lists {
        match packs {
            Some(packs) if !packs.iter().any(is_stale) => listed.extend(packs),
            _ => drop(plan.replaced.insert(*object)),
        }
    }
    for object in &plan.replaced {
        let packs = lists.get(object).and_then(Option::as_ref).into_iter().flatten();
        let moved: BTreeSet<ObjectId> =
            packs.filter(|pack| !gone.contains(pack) && listed.insert(**pack)).copied().collect();
        if !moved.is_empty() {
            plan.moved.insert(*object, moved);
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::prelude::*;

    use super::*;

    fn id(number: u8) -> ObjectId {
        ObjectId::from_bytes([number; 32])
    }

    /// The packs that are listed.
    fn merge(lists: &IndexLists) -> BTreeSet<ObjectId> {
        lists.values().flatten().flatten().copied().collect()
    }

    /// The objects after the plan was carried out, new ones of two packs each.
    fn carry_out(lists: &IndexLists, plan: &IndexPlan, reread: &BTreeSet<ObjectId>) -> IndexLists {
        let kept = lists.iter().filter(|(object, _)| !plan.replaced.contains(*object));
        let mut after: IndexLists = kept.map(|(object, packs)| (*object, packs.clone())).collect();
        let moved: Vec<ObjectId> = plan.moved.values().flatten().chain(reread).copied().collect();
        for (number, packs) in moved.chunks(2).enumerate() {
            after.insert(ObjectId::of(&[number as u8]), Some(packs.to_vec()));
        }
        after
    }

    fn ids(most: usize) -> impl Strategy<Value = BTreeSet<ObjectId>> {
        btree_set((0u8..30).prop_map(id), 0..most)
    }

    proptest! {
        /// No entry of a healthy pack is lost, none is invented, and a second run has nothing to
        /// do.
        #[test]
        fn rewriting_keeps_what_is_healthy(
            lists in btree_map(
                (100u8..130).prop_map(id),
                proptest::option::weighted(0.8, vec((0u8..30).prop_map(id), 0..6)),
                0..12,
            ),
            gone in ids(8),
            others in ids(8),
        ) {
            let reread: BTreeSet<ObjectId> = others.difference(&gone).copied().collect();
            let plan = plan(&lists, &gone, &reread);
            let after = carry_out(&lists, &plan, &reread);
            let healthy: BTreeSet<ObjectId> =
                merge(&lists).union(&reread).filter(|it| !gone.contains(*it)).copied().collect();
            prop_assert_eq!(merge(&after), healthy);
            prop_assert_eq!(super::plan(&after, &gone, &BTreeSet::new()), IndexPlan::default());
        }

        /// A healthy index is left as it is.
        #[test]
        fn nothing_is_done_without_a_reason(
            lists in btree_map((100u8..130).prop_map(id), vec((0u8..30).prop_map(id), 0..6), 0..12),
        ) {
            let known = |(object, packs)| (object, Some(packs));
            let lists: IndexLists = lists.into_iter().map(known).collect();
            prop_assert_eq!(plan(&lists, &BTreeSet::new(), &BTreeSet::new()), IndexPlan::default());
        }
    }
}
