//! Records that an earlier run has read, kept so that opening a repository costs a listing and not
//! every record ever written.
//!
//! They are kept sealed, as the repository has them. They are trusted as the beginning of a chain
//! once their last record has been read from the repository again: that one names the hash of the
//! preceding one, and so on back to the first. A chain that has diverged, for example after the
//! repository was restored from a copy, is read from scratch.

use std::collections::BTreeSet;

use holdfast_backend::Backend;
use holdfast_format::name::Chain;
use holdfast_format::record::GenerationBody;
use holdfast_seal::Keys;
use serde::de::DeserializeOwned;

use crate::RepoError;
use crate::chain::{ChainHead, StoredRecord, decode, record_at, record_place};
use crate::index::Index;

/// The kept records of a chain, up to the first that does not continue the preceding one or is not
/// among the `listed` slots. Unusable ones count as not kept.
///
/// # Errors
/// Cache failures.
pub(super) fn collect<Body: DeserializeOwned>(
    keys: &Keys,
    index: &Index,
    chain: &Chain,
    listed: &BTreeSet<u64>,
) -> Result<Vec<StoredRecord<Body>>, RepoError> {
    let mut end = ChainHead::EMPTY;
    let mut found = Vec::new();
    'kept: loop {
        let records = index.kept_records(chain, end.next)?;
        if records.is_empty() {
            break;
        }
        for (sequence, object) in records {
            let name = chain.record(sequence);
            let decoded = decode::<Body>(keys, chain, sequence, &name, &object);
            let Ok((record, id)) = decoded else { break 'kept };
            let continues =
                sequence == end.next && record.previous == end.last && listed.contains(&sequence);
            if !continues {
                break 'kept;
            }
            end = ChainHead { next: sequence + 1, last: id };
            found.push(StoredRecord { sequence, id, body: record.body });
        }
    }
    Ok(found)
}

/// Whether the repository still has the last of these records, which vouches for all of them.
///
/// # Errors
/// Storage failures.
pub(super) fn is_confirmed<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    chain: &Chain,
    records: &[StoredRecord<Body>],
) -> Result<bool, RepoError> {
    let Some(last) = records.last() else { return Ok(true) };
    let there = record_at::<Body>(backend, keys, chain, last.sequence)?;
    Ok(there.is_ok_and(|(record, _)| record.id == last.id))
}

/// The first generation that one of these records writes off.
pub(super) fn first_given_up(generations: &[StoredRecord<GenerationBody>]) -> Option<u64> {
    let given_up = generations.iter().filter_map(|record| match &record.body {
        GenerationBody::GiveUp { records } => Some(records),
        _ => None,
    });
    let places = given_up.flatten().filter_map(|record| record_place(&record.object));
    places.filter(|(chain, _)| *chain == Chain::Generations).map(|(_, sequence)| sequence).min()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use holdfast_backend::MemoryBackend;
    use holdfast_format::ObjectId;
    use holdfast_format::slot::KdfCost;
    use holdfast_seal::{Secret, SlotLabel};
    use jiff::Timestamp;

    use super::*;
    use crate::{OpenOptions, Repository, object_name};

    fn label() -> SlotLabel {
        let text = || "test".to_owned();
        SlotLabel { label: text(), host: text(), user: text(), created: Timestamp::UNIX_EPOCH }
    }

    fn amended(number: u8) -> GenerationBody {
        let snapshot = ObjectId::from_bytes([number; 32]);
        GenerationBody::Amend { snapshot, tags: vec![number.to_string()], hold: false }
    }

    #[test]
    fn what_is_wrong_with_kept_records_costs_time_only() {
        let storage = Arc::new(MemoryBackend::new());
        let (secret, _) = Secret::generate_key().unwrap();
        Repository::init(&*storage, &secret, KdfCost::MIN, &label(), |_| {}).unwrap();
        let cache = tempfile::tempdir().unwrap();
        let options = OpenOptions {
            cache_folder: Some(cache.path().to_owned()),
            threads: 1,
            ..OpenOptions::default()
        };
        let open = || {
            let storage = Arc::clone(&storage) as Arc<dyn Backend>;
            Repository::open(storage, &secret, &options).unwrap()
        };
        let repository = open();
        for number in 0..20 {
            let body = Some(amended(number));
            repository.append(|_| body.clone()).unwrap();
        }
        let truth = repository.history().heads();
        drop(repository);
        let chain = Chain::Generations;
        let record =
            |slot| storage.get(&object_name(chain.record(slot)).unwrap(), u64::MAX).unwrap();
        for slot in [0, 9, 19] {
            let mut flipped = record(slot).to_vec();
            flipped[50] ^= 1;
            for wrong in [Bytes::from(flipped), Bytes::new(), record(7)] {
                let repository = open();
                repository.index().keep_records(&chain, &[(slot, wrong)]).unwrap();
                drop(repository);
                let repository = open();
                assert_eq!(repository.history().heads(), truth, "slot {slot}");
                assert_eq!(repository.history().damaged().count(), 0);
                let kept = repository.index().kept_records(&chain, 0).unwrap();
                assert_eq!(kept.len(), 20, "kept again");
                assert!(kept.iter().all(|(slot, object)| *object == record(*slot)));
            }
        }
    }
}
