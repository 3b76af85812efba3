//! The config: what a repository is (`docs/format.md`, sections 2 and 4).
//!
//! ```text
//! magic "HFCONFIG" 8, version u16, body length u32, body (JSON), mac 32, checksum 16
//! mac = kh(K_config, all before it); checksum = blake3(all before it)[0..16]
//! ```

use serde::{Deserialize, Serialize};

use crate::limits::{self, FORMAT_VERSION, FRAME_RAW_BYTES_MAX, PACK_BYTES_MAX};
use crate::wire::WireReader;
use crate::{FormatError, RepositoryId};

const MAGIC: &[u8; 8] = b"HFCONFIG";
const WHAT: &str = "config";
const CHECKSUM_BYTES: usize = 16;

/// Features that this program understands.
pub const KNOWN_FEATURES: &[&str] = &[];

/// Chunk sizes of one profile, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkSizes {
    /// Minimum, except for the last chunk of a stream.
    pub bytes_min: u32,
    /// Target size; a power of two.
    pub bytes_average: u32,
    /// Maximum.
    pub bytes_max: u32,
}

/// Which chunk sizes a source uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChunkProfile {
    /// Database dumps: small, so that changed rows share a chunk with few unchanged ones.
    Dump,
    /// Files.
    File,
    /// Large media that is always replaced as a whole.
    Media,
}

/// The chunk sizes of all profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkProfiles {
    /// See [`ChunkProfile::Dump`].
    pub dump: ChunkSizes,
    /// See [`ChunkProfile::File`].
    pub file: ChunkSizes,
    /// See [`ChunkProfile::Media`].
    pub media: ChunkSizes,
}

impl ChunkProfiles {
    /// The sizes of one profile.
    pub fn sizes(&self, profile: ChunkProfile) -> ChunkSizes {
        match profile {
            ChunkProfile::Dump => self.dump,
            ChunkProfile::File => self.file,
            ChunkProfile::Media => self.media,
        }
    }
}

impl Default for ChunkProfiles {
    /// Measured in docs/benchmarks.md.
    fn default() -> Self {
        let sizes = |bytes_min, bytes_average, bytes_max| ChunkSizes {
            bytes_min,
            bytes_average,
            bytes_max,
        };
        Self {
            dump: sizes(2 << 10, 8 << 10, 32 << 10),
            file: sizes(64 << 10, 256 << 10, 1 << 20),
            media: sizes(1 << 20, 4 << 20, 8 << 20),
        }
    }
}

/// Identity and parameters of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Public name, derived from the master key.
    pub repository_id: RepositoryId,
    /// Features that a reader must understand beyond this version of the format.
    #[serde(default)]
    pub features: Vec<String>,
    /// Chunk sizes.
    pub chunks: ChunkProfiles,
    /// Plaintext size at which a frame of several blobs is closed.
    pub frame_bytes: u32,
    /// Size at which a pack is closed.
    pub pack_bytes: u32,
}

impl Config {
    /// A config with the default parameters.
    pub fn new(repository_id: RepositoryId) -> Self {
        Self {
            repository_id,
            features: Vec::new(),
            chunks: ChunkProfiles::default(),
            frame_bytes: 2 << 20,
            pack_bytes: 16 << 20,
        }
    }

    /// The bytes before the MAC.
    pub fn encode_body(&self) -> Vec<u8> {
        let body = serde_json::to_vec(self).unwrap_or_default();
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&(body.len() as u32).to_le_bytes());
        out.extend_from_slice(&body);
        out
    }

    fn validate(&self) -> Result<(), FormatError> {
        let invalid = |why| FormatError::Invalid { what: WHAT, why };
        if let Some(feature) = self.features.iter().find(|f| !KNOWN_FEATURES.contains(&f.as_str()))
        {
            return Err(FormatError::Feature { feature: feature.clone() });
        }
        for sizes in [self.chunks.dump, self.chunks.file, self.chunks.media] {
            if !sizes.is_valid() {
                return Err(invalid("its chunk sizes are out of bounds"));
            }
        }
        let frame_limit = FRAME_RAW_BYTES_MAX as u32 / 2;
        if !(4096..=frame_limit).contains(&self.frame_bytes) {
            return Err(invalid("its frame size is out of bounds"));
        }
        if !(1 << 16..=(PACK_BYTES_MAX / 2) as u32).contains(&self.pack_bytes) {
            return Err(invalid("its pack size is out of bounds"));
        }
        Ok(())
    }
}

impl ChunkSizes {
    /// True if a cutter can work with these sizes: even, 64 B <= min <= average <= max <= 8 MiB,
    /// average a power of two.
    pub fn is_valid(&self) -> bool {
        self.bytes_min >= 64
            && self.bytes_min <= self.bytes_average
            && self.bytes_average >= 256
            && self.bytes_average.is_power_of_two()
            && self.bytes_average <= 4 << 20
            && self.bytes_average <= self.bytes_max
            && self.bytes_min.is_multiple_of(2)
            && self.bytes_max.is_multiple_of(2)
            && self.bytes_max >= 1024
            && self.bytes_max as usize <= FRAME_RAW_BYTES_MAX / 2
    }
}

/// A config as it is stored: readable, but not to be trusted before its MAC is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredConfig {
    /// Its contents.
    pub config: Config,
    /// The bytes covered by the MAC.
    pub authenticated: Vec<u8>,
    /// `kh(K_config, authenticated)`.
    pub mac: [u8; 32],
}

impl StoredConfig {
    /// The object's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.authenticated.clone();
        out.extend_from_slice(&self.mac);
        let checksum = checksum(&out);
        out.extend_from_slice(&checksum);
        out
    }

    /// True if an object starts like a config, intact or damaged.
    pub fn begins_as_one(object: &[u8]) -> bool {
        object.starts_with(MAGIC)
    }

    /// Reads a config.
    ///
    /// # Errors
    /// [`FormatError::Version`] and [`FormatError::Feature`] if it needs a newer program,
    /// [`FormatError::Checksum`] if it is damaged, others if it is not a config.
    pub fn decode(object: &[u8]) -> Result<Self, FormatError> {
        let body = checked(object, WHAT)?;
        let mut reader = WireReader::new(body, WHAT);
        reader.magic_and_version(MAGIC)?;
        let length = reader.u32()? as usize;
        let json = reader.take(length)?;
        let mac = reader.array()?;
        reader.finish()?;
        let config: Config = serde_json::from_slice(json)
            .map_err(|_| FormatError::Invalid { what: WHAT, why: "its fields cannot be read" })?;
        config.validate()?;
        let authenticated = body[..body.len() - 32].to_vec();
        Ok(Self { config, authenticated, mac })
    }
}

/// First 16 bytes of the plain hash: distinguishes damage from anything else.
pub(crate) fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut out = [0; CHECKSUM_BYTES];
    out.copy_from_slice(&blake3::hash(bytes).as_bytes()[..CHECKSUM_BYTES]);
    out
}

/// The bytes before the trailing checksum of a small object, if it matches. Configs and key slots
/// of every version end with this checksum, so that a newer version can be distinguished from
/// damage.
pub(crate) fn checked<'a>(object: &'a [u8], what: &'static str) -> Result<&'a [u8], FormatError> {
    limits::SMALL_OBJECT.check(object.len() as u64)?;
    let (body, found) =
        object.split_last_chunk::<CHECKSUM_BYTES>().ok_or(FormatError::Truncated { what })?;
    if checksum(body) != *found {
        return Err(FormatError::Checksum { what });
    }
    Ok(body)
}
