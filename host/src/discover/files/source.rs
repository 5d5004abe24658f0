//! A file as a source. Owns what makes it complete and when it was true.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use sha2::Digest as _;
use tokio::task::spawn_blocking;

use super::alias::Aliases;
use super::reader::{End, Reader};
use super::{CompleteBy, FileConfig};
use crate::discover::run::stopped;
use crate::discover::{Cursor, DiscoverError, Page, Source, Subjects};
use crate::model::{Digest, Time, canonical_json};

/// What stands beside a file and vouches for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    rows: u64,
    #[serde(default)]
    sha256: Option<Digest>,
    #[serde(default)]
    read_at: Time,
}

/// A file of desired access, identities or catalogue rows.
pub struct FileSource {
    inner: Arc<Inner>,
    covers: Vec<String>,
}

struct Inner {
    reader: Reader,
    path: PathBuf,
    /// Read once, so that all pages are held against the same; or why it cannot be read.
    manifest: Option<Result<Manifest, String>>,
    /// Changes whenever the same bytes would be read differently.
    basis: Digest,
}

impl FileSource {
    /// A file whose path is relative to `base`. Reads the manifest, if the configuration asks for one.
    ///
    /// # Errors
    /// When the configuration cannot be meant.
    pub fn open(config: FileConfig, base: &Path) -> Result<Self, DiscoverError> {
        config.check()?;
        let path = base.join(&config.path);
        let covers = config.coverage()?;
        let manifest = (config.complete == CompleteBy::Manifest).then(|| read_manifest(&path));
        let form = canonical_json(&config).map_err(|error| config.error(error.to_string()))?;
        let basis = Digest::of(format!("{form}{manifest:?}").as_bytes());
        let (format, keys, aliases) = (config.written_as()?, Reader::keys(&config), Aliases::new(&config.aliases));
        let place = config.path.display().to_string();
        let reader = Reader { config, format, aliases, keys, place };
        Ok(FileSource { inner: Arc::new(Inner { reader, path, manifest, basis }), covers })
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, String> {
    let mut name = path.as_os_str().to_owned();
    name.push(".manifest.json");
    let text = std::fs::read(&name).map_err(|error| format!("its manifest cannot be read: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("its manifest is malformed: {error}"))
}

impl Inner {
    fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        let (mut page, end) = self.reader.page(&self.path, after)?;
        if let Some(end) = end {
            match self.vouched(&end)? {
                Ok(total) => page.total = total,
                Err(why) => page.incomplete = Some(why),
            }
        }
        Ok(page)
    }

    /// How many rows there should be, if anybody says; or why the file is known not to be whole.
    fn vouched(&self, end: &End) -> Result<Result<Option<u64>, String>, DiscoverError> {
        let total = match (self.reader.config.complete, &self.manifest, end.trailer) {
            (CompleteBy::Manifest, Some(Ok(manifest)), _) => {
                if let Some(digest) = manifest.sha256
                    && digest != self.hash()?
                {
                    return Ok(Err("its content is not what the manifest says; write both anew".to_owned()));
                }
                Some(manifest.rows)
            }
            (CompleteBy::Manifest, Some(Err(why)), _) => return Ok(Err(why.clone())),
            (_, _, Some(rows)) => Some(rows),
            (CompleteBy::Trailer, ..) => return Ok(Err("its trailer is missing, so it may be cut short".to_owned())),
            (CompleteBy::Always, ..) => Some(end.rows),
            (CompleteBy::Gate | CompleteBy::Manifest, ..) => None,
        };
        Ok(Ok(total))
    }

    fn hash(&self) -> Result<Digest, DiscoverError> {
        let mut hasher = sha2::Sha256::new();
        let hash = std::fs::File::open(&self.path).and_then(|mut file| copy(&mut file, &mut hasher));
        hash.map_err(|error| self.reader.unreadable(error.to_string()))?;
        Ok(Digest(hasher.finalize().into()))
    }
}

fn copy(from: &mut impl std::io::Read, to: &mut sha2::Sha256) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        to.update(buffer.get(..read).unwrap_or(&[]));
    }
}

#[async_trait]
impl Source for FileSource {
    fn name(&self) -> &str {
        &self.inner.reader.config.name
    }

    fn covers(&self) -> &[String] {
        &self.covers
    }

    fn subjects(&self) -> Subjects {
        self.inner.reader.config.kind.subjects()
    }

    fn place(&self) -> &str {
        &self.inner.reader.place
    }

    async fn version(&self) -> Result<String, DiscoverError> {
        let state = self.inner.reader.state(&self.inner.path)?;
        Ok(format!("{state}-{}", self.inner.basis))
    }

    async fn page(&self, after: Option<&Cursor>) -> Result<Page, DiscoverError> {
        let (inner, after) = (Arc::clone(&self.inner), after.cloned());
        let page = spawn_blocking(move || inner.page(after.as_ref())).await;
        page.map_err(|error| stopped(self.name(), error))?
    }

    fn read_at(&self) -> Option<Time> {
        let stated = self.inner.reader.config.read_at;
        let manifest = self.inner.manifest.as_ref().and_then(|m| m.as_ref().ok()).map(|m| m.read_at);
        Some(stated).filter(|time| time.is_some()).or(manifest).filter(|time| time.is_some())
    }
}
