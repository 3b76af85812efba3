//! Objects of a bucket.

mod capture;
mod connection;
mod objects;
mod observer;
mod settings;
mod step;

use std::io;
use std::path::PathBuf;

use holdfast_format::record::SourceRecord;

pub use connection::{key_of_path, path_of_key};
pub use settings::{
    BucketChecksums, BucketCredentials, BucketRestore, BucketSettings, StorageClass,
};

use super::step::{Origin, RestoreError, RestorePart, StepScene};
use super::{
    CaptureError, CaptureScene, Kind, Move, NamedSource, Probe, RestoreRank, SourceCapture,
    SourceKind,
};
use crate::check::RowNames;
use crate::connections::Connections;
use capture::BucketCapture;
use step::ObjectsStep;

impl BucketSettings {
    pub(super) const WORD: &str = "bucket";
    pub(super) const ABOUT: &str =
        "Objects of a bucket: S3, Google Cloud Storage or Azure Blob Storage.";
}

impl Kind for BucketSettings {
    fn word(&self) -> &'static str {
        Self::WORD
    }

    fn secret_files(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        match &mut self.credentials {
            None => Vec::new(),
            Some(BucketCredentials::Amazon(credentials)) => credentials.secret_files(),
            Some(BucketCredentials::KeyFile(path)) => vec![("key", path)],
            Some(BucketCredentials::AccountKey(path)) => vec![("account-key", path)],
            Some(BucketCredentials::Signature(path)) => vec![("shared-access-signature", path)],
            Some(BucketCredentials::Client { secret_file, .. }) => {
                vec![("client-secret", secret_file)]
            }
        }
    }

    fn row_names(&self) -> Option<RowNames> {
        Some(RowNames::of_keys(
            |path| key_of_path(path).map(String::into_bytes),
            |key| path_of_key(std::str::from_utf8(key).ok()?),
        ))
    }

    fn probe(&self, scene: &CaptureScene<'_>) -> Result<Probe, CaptureError> {
        connection::open(self, &scene.connections.buckets)?.look()?;
        Ok(Probe { found: self.url.to_string(), warnings: Vec::new() })
    }

    fn capture<'a>(
        &'a self,
        scene: &'a CaptureScene<'a>,
        previous: Option<&SourceRecord>,
    ) -> Result<Box<dyn SourceCapture + 'a>, CaptureError> {
        Ok(Box::new(BucketCapture::new(self, scene, previous)?))
    }

    fn restore_rank(&self) -> RestoreRank {
        RestoreRank::Objects
    }

    fn overlap(&self, live: &SourceKind) -> Option<String> {
        let SourceKind::Bucket(live) = live else { return None };
        let is_same = self.endpoint == live.endpoint
            && self.url.service == live.url.service
            && self.account == live.account
            && self.url.bucket == live.url.bucket;
        let (one, other) = (&self.url.prefix, &live.url.prefix);
        let overlaps = one.starts_with(other.as_str()) || other.starts_with(one.as_str());
        (is_same && overlaps).then(|| format!("bucket {}", live.url.bucket))
    }

    fn moves<'a>(
        &'a self,
        part: &RestorePart<'a>,
        origin: Origin<'a>,
        _scene: &StepScene<'a>,
    ) -> Result<Vec<Move<'a>>, RestoreError> {
        let SourceKind::Bucket(from) = &part.from.kind else { return Ok(Vec::new()) };
        Ok(vec![Move::Step(Box::new(ObjectsStep::new(*part, from, self, origin)))])
    }

    fn restored(
        &self,
        from: &SourceKind,
        connections: &Connections<'_>,
    ) -> io::Result<Vec<NamedSource>> {
        let SourceKind::Bucket(from) = from else { return Ok(Vec::new()) };
        let source = connection::source(self, &connections.buckets, None);
        let source = source.map_err(|error| io::Error::other(error.to_string()))?;
        let (before, now) = (from.url.prefix.clone(), self.url.prefix.clone());
        let name_of = move |path: &[u8]| {
            let key = key_of_path(path)?;
            Some(format!("{before}{}", key.strip_prefix(&now)?).into_bytes())
        };
        Ok(vec![(Box::new(source), Box::new(name_of))])
    }
}
