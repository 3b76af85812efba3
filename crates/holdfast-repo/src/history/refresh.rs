//! Reading the chains: all of them once, and then whatever was added.

use std::ops::RangeInclusive;

use holdfast_backend::Backend;
use holdfast_format::WriterId;
use holdfast_format::name::Chain;
use holdfast_format::record::WriterBody;
use holdfast_seal::Keys;
use serde::de::DeserializeOwned;

use super::{History, kept};
use crate::RepoError;
use crate::chain::{self, ChainHead, ChainRecords, DamagedRecord, ListedSlots, StoredRecord};
use crate::index::Index;

impl History {
    /// Reads all chains, with the help of the records that earlier runs left in the cache.
    ///
    /// # Errors
    /// Storage and cache failures. Damaged records are in [`History::damaged`] instead.
    pub(crate) fn read(
        backend: &dyn Backend,
        keys: &Keys,
        index: &Index,
    ) -> Result<Self, RepoError> {
        let mut history = Self::default();
        history.refresh_with(backend, keys, Some(index))?;
        // A record that was written off counts as it is in the repository, even if the cache has it
        // intact. A generation was applied before the record that writes it off was known.
        let first = history.first_given_up(&Chain::Generations);
        if first.is_some_and(|first| first < history.kept_generations) {
            history = Self::default();
            history.refresh(backend, keys)?;
        }
        Ok(history)
    }

    /// Reads whatever was added to the chains since the last call.
    ///
    /// # Errors
    /// Storage failures. Damaged records are in [`History::damaged`] instead.
    pub(crate) fn refresh(&mut self, backend: &dyn Backend, keys: &Keys) -> Result<(), RepoError> {
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
            // A fence created while this read the chains names a generation that did not exist yet
            // when those were read. A run that starts after the fence must know what it condemns.
            let newest = self.fences.keys().map(|(_, generation)| *generation).max();
            match newest.filter(|generation| *generation >= self.next_generation()) {
                None => break,
                Some(generation) if lacking == Some(generation) => {
                    self.miss_generations(self.next_generation()..=generation);
                    break;
                }
                found => lacking = found,
            }
        }
        self.read_first_at.get_or_insert(self.next_generation());
        Ok(())
    }

    /// The end of the generation chain is lost: new records are appended after it.
    fn miss_generations(&mut self, lost: RangeInclusive<u64>) {
        let (chain, reason) = (Chain::Generations, "it is missing, but a fence names it");
        self.generation_head = Some(ChainHead::after_lost(*lost.end()));
        self.damaged.extend(lost.map(|sequence| DamagedRecord::missing(&chain, sequence, reason)));
    }

    fn refresh_once(
        &mut self,
        backend: &dyn Backend,
        keys: &Keys,
        index: Option<&Index>,
    ) -> Result<(), RepoError> {
        // Missing records only show in a listing taken before anything is read; once per run is
        // enough.
        let listed = match self.generation_head {
            None => chain::listed_slots(backend)?,
            Some(_) => ListedSlots::default(),
        };
        self.single.extend(&listed.single);
        self.refresh_generations(backend, keys, index, &listed)?;
        self.adopt_unannounced(backend, keys, &listed)?;
        let writers: Vec<WriterId> = self.heads.keys().copied().collect();
        for writer in writers {
            self.refresh_writer(backend, keys, index, writer, &listed)?;
        }
        Ok(())
    }

    fn refresh_generations(
        &mut self,
        backend: &dyn Backend,
        keys: &Keys,
        index: Option<&Index>,
        listed: &ListedSlots,
    ) -> Result<(), RepoError> {
        let (chain, head) = (Chain::Generations, self.generation_head);
        let mut kept = Vec::new();
        if let Some(index) = index.filter(|_| head.is_none()) {
            kept = kept::collect(keys, index, &chain, listed.of(&chain))?;
            let given_up = kept::first_given_up(&kept);
            kept.retain(|record| given_up.is_none_or(|first| record.sequence < first));
            self.kept_generations = kept.len() as u64;
        }
        let head = head.unwrap_or(ChainHead::EMPTY);
        let (records, head) = read_on(backend, keys, index, &chain, head, listed, kept)?;
        self.generation_head = Some(head);
        for record in records.whole {
            self.apply_generation(record);
        }
        self.damaged.extend(records.damaged);
        Ok(())
    }

    /// Reads chains that no record announces, if their records are authentic or the announcement
    /// may be in a damaged record. A chain is announced before it is created, so the announcement
    /// cannot merely be late.
    fn adopt_unannounced(
        &mut self,
        backend: &dyn Backend,
        keys: &Keys,
        listed: &ListedSlots,
    ) -> Result<(), RepoError> {
        for (chain, slots) in &listed.slots {
            let Chain::Writer(writer) = chain else { continue };
            if self.heads.contains_key(writer) {
                continue;
            }
            let slots = slots.iter().copied();
            let is_authentic =
                chain::first_record::<WriterBody>(backend, keys, chain, slots)?.is_some();
            if is_authentic {
                self.unannounced.insert(*writer);
            }
            if is_authentic || !self.damaged.is_empty() {
                self.heads.insert(*writer, ChainHead::EMPTY);
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
        listed: &ListedSlots,
    ) -> Result<(), RepoError> {
        let (chain, head) = (Chain::Writer(writer), self.heads.get(&writer));
        let head = head.copied().unwrap_or(ChainHead::EMPTY);
        let mut kept: Vec<StoredRecord<WriterBody>> = Vec::new();
        if let Some(index) = index.filter(|_| head == ChainHead::EMPTY) {
            kept = kept::collect(keys, index, &chain, listed.of(&chain))?;
            let given_up = self.first_given_up(&chain);
            kept.retain(|record| given_up.is_none_or(|first| record.sequence < first));
        }
        let (records, head) = read_on(backend, keys, index, &chain, head, listed, kept)?;
        self.heads.insert(writer, head);
        for record in records.whole {
            self.apply_writer(writer, record);
        }
        self.damaged.extend(records.damaged);
        Ok(())
    }
}

/// Continues reading a chain after `kept`, or from `head` if that is empty, and keeps what is read.
/// The result has all records, with the new head.
fn read_on<Body: DeserializeOwned>(
    backend: &dyn Backend,
    keys: &Keys,
    index: Option<&Index>,
    chain: &Chain,
    mut head: ChainHead,
    listed: &ListedSlots,
    mut kept: Vec<StoredRecord<Body>>,
) -> Result<(ChainRecords<Body>, ChainHead), RepoError> {
    if !kept::is_confirmed(backend, keys, chain, &kept)? {
        kept.clear();
    }
    if let Some(last) = kept.last() {
        head = ChainHead { next: last.sequence + 1, last: last.id };
    }
    let mut records = chain::read_from(backend, keys, chain, &mut head, listed.of(chain))?;
    if let Some(index) = index {
        index.keep_records(chain, &records.sealed)?;
    }
    kept.append(&mut records.whole);
    records.whole = kept;
    Ok((records, head))
}
