//! Reading the chains, past records that are damaged or missing.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_backend::Backend;
use holdfast_format::name::Chain;
use holdfast_format::record::{GenerationBody, WriterBody};
use holdfast_format::{ObjectId, WriterId};
use holdfast_seal::Keys;
use serde::de::DeserializeOwned;

use super::{History, kept};
use crate::RepoError;
use crate::chain::{self, DamagedRecord, Head, Records};
use crate::index::Index;

/// The slots of each chain that a listing shows.
type Listed = BTreeMap<Chain, BTreeSet<u64>>;

impl History {
    /// Reads all chains, with the help of the records that earlier runs left with the cache.
    ///
    /// # Errors
    /// Storage and cache failures. Damaged records are in [`History::damaged`] instead.
    pub fn read(backend: &dyn Backend, keys: &Keys, index: &Index) -> Result<Self, RepoError> {
        let mut history = Self::default();
        history.refresh_with(backend, keys, Some(index))?;
        // A record that was damaged was given up by the hash of what is left of it. Here it may be
        // kept whole, but what it refers to need not be there any more.
        let is_unknown = |id| !history.snapshots.contains_key(id);
        if history.forgotten.iter().any(is_unknown) {
            history = Self::default();
            history.refresh(backend, keys)?;
        }
        Ok(history)
    }

    /// Reads whatever was added to the chains since the last call.
    ///
    /// # Errors
    /// Storage failures. Damaged records are in [`History::damaged`] instead.
    pub fn refresh(&mut self, backend: &dyn Backend, keys: &Keys) -> Result<(), RepoError> {
        self.refresh_with(backend, keys, None)
    }

    fn refresh_with(
        &mut self,
        backend: &dyn Backend,
        keys: &Keys,
        index: Option<&Index>,
    ) -> Result<(), RepoError> {
        let mut lacking = None;
        loop {
            self.refresh_once(backend, keys, index)?;
            // A fence that was put while this read the chains names a generation that was not there
            // yet when those were read. Whoever begins behind the fence must know what it condemns.
            let newest = self.fences.keys().map(|(_, generation)| *generation).max();
            match newest.filter(|generation| *generation >= self.next_generation()) {
                None => return Ok(()),
                Some(generation) if lacking == Some(generation) => {
                    let object = Chain::Generations.record(generation);
                    return Err(RepoError::ChainBroken { object });
                }
                found => lacking = found,
            }
        }
    }

    fn refresh_once(
        &mut self,
        backend: &dyn Backend,
        keys: &Keys,
        index: Option<&Index>,
    ) -> Result<(), RepoError> {
        // What is missing can only be seen in a listing, taken before anything is read; once per
        // run is enough.
        let listed = match self.generation_head {
            None => chain::listed_slots(backend)?,
            Some(_) => Listed::new(),
        };
        let none = BTreeSet::new();
        let mut head = self.generation_head.unwrap_or(Head::EMPTY);
        let chain = Chain::Generations;
        let slots = listed.get(&chain).unwrap_or(&none);
        let records = read(backend, keys, index, &chain, &mut head, slots)?;
        self.generation_head = Some(head);
        for record in records.whole {
            self.apply_generation(record);
        }
        self.damaged.extend(records.damaged);
        self.adopt_unannounced(backend, keys, &listed)?;
        let writers: Vec<WriterId> = self.heads.keys().copied().collect();
        for writer in writers {
            let slots = listed.get(&Chain::Writer(writer)).unwrap_or(&none);
            self.refresh_writer(backend, keys, index, writer, slots)?;
        }
        Ok(())
    }

    /// Reads chains that nothing announces, if their records are authentic or the announcement may
    /// be in a damaged record. Whoever creates a chain announces it first, so that cannot merely be
    /// late.
    fn adopt_unannounced(
        &mut self,
        backend: &dyn Backend,
        keys: &Keys,
        listed: &Listed,
    ) -> Result<(), RepoError> {
        for (chain, slots) in listed {
            let Chain::Writer(writer) = chain else { continue };
            if self.heads.contains_key(writer) {
                continue;
            }
            let slots = slots.iter().copied();
            let first = chain::first_record::<WriterBody>(backend, keys, chain, slots)?;
            if first.is_some() {
                self.unannounced.insert(*writer);
                if self.damaged.is_empty() {
                    self.damaged.push(DamagedRecord {
                        object: Chain::Generations.record(self.next_generation()),
                        found: None,
                        reason: format!("it is missing: nothing announces {}", chain.folder()),
                    });
                }
            }
            if !self.damaged.is_empty() {
                self.heads.insert(*writer, Head::EMPTY);
            }
        }
        Ok(())
    }

    fn refresh_writer(
        &mut self,
        backend: &dyn Backend,
        keys: &Keys,
        index: Option<&Index>,
        writer: WriterId,
        listed: &BTreeSet<u64>,
    ) -> Result<(), RepoError> {
        let mut head = self.heads.get(&writer).copied().unwrap_or(Head::EMPTY);
        let records = read(backend, keys, index, &Chain::Writer(writer), &mut head, listed)?;
        self.heads.insert(writer, head);
        for record in records.whole {
            self.apply_writer(writer, record);
        }
        self.damaged.extend(records.damaged);
        Ok(())
    }

    /// Records that cannot be read, but for those that were forgotten by the hash of what is left
    /// of them. While there is one, it is not known what snapshots need, so nothing is deleted.
    pub fn damaged(&self) -> impl Iterator<Item = &DamagedRecord> {
        let is_forgotten = |id: &ObjectId| self.forgotten.contains(id);
        self.damaged.iter().filter(move |record| !record.found.as_ref().is_some_and(is_forgotten))
    }

    /// Chains with records that no generation record announces, because that one is lost.
    pub fn unannounced(&self) -> &BTreeSet<WriterId> {
        &self.unannounced
    }

    /// What a damaged record refers to is not known, so that nothing can be said to be unused.
    pub(super) fn refuse_deletion(&self, body: &GenerationBody) -> Result<(), RepoError> {
        let (GenerationBody::Condemn { packs, .. } | GenerationBody::Sweep { packs, .. }) = body
        else {
            return Ok(());
        };
        match self.damaged().next() {
            Some(record) if !packs.is_empty() => {
                Err(RepoError::damaged(record.object.clone(), record.reason.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// Reads a chain from `head` on. At its beginning, what is kept with the cache is taken first; what
/// is read besides is kept.
fn read<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    index: Option<&Index>,
    chain: &Chain,
    head: &mut Head,
    listed: &BTreeSet<u64>,
) -> Result<Records<Body>, RepoError> {
    let mut whole = match index.filter(|_| *head == Head::EMPTY) {
        Some(index) => kept::read(backend, keys, index, chain, head, listed)?,
        None => Vec::new(),
    };
    let mut records = chain::read_from(backend, keys, chain, head, listed)?;
    if let Some(index) = index {
        index.keep_records(chain, &records.sealed)?;
    }
    whole.append(&mut records.whole);
    Ok(Records { whole, ..records })
}
