//! Evidence of a tenant's log for others: when the engine signs, and what it proves and exports. How that is done is for
//! `notary`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Engine, EngineError};
use crate::audit::{GrowthProof, ProofFileError, RecordProof, VerifierKey};
use crate::ledger::{Batch, Leaf};
use crate::model::RunId;
use crate::notary::{Exported, Keyring, Lag, LedgerNodes, Notary, NotaryError, Pusher, TileFolder, Witness};
use crate::telemetry::stage;

impl Engine {
    /// Signs the log's checkpoints with these keys: before each call that writes, and after it. A log that does not go on
    /// from what was signed is not written any more, but for emergency calls.
    #[must_use]
    pub fn signed_by(mut self, keys: Keyring) -> Self {
        self.notary = Some(Notary::new(keys, &self.store.checkpoints()));
        self
    }

    /// Pushes each checkpoint to these witnesses, beside everything else: none of them holds up a commit.
    ///
    /// # Errors
    /// When nothing signs, or a witness has a name that cannot name a file.
    pub fn witnessed_by(mut self, witnesses: Vec<Arc<dyn Witness>>) -> Result<Self, EngineError> {
        let pusher = Pusher::start(self.notary()?.history(), witnesses)?;
        self.pusher = Some(pusher);
        Ok(self)
    }

    /// The notary; an error when nothing signs.
    ///
    /// # Errors
    /// When nothing signs.
    pub fn notary(&self) -> Result<&Notary, EngineError> {
        self.notary.as_ref().ok_or(EngineError::NotFound { what: "key that signs the log of", name: self.parts.tenant.clone() })
    }

    /// Signs what is committed, unless it is signed already, and gives the newest checkpoint. None: nothing signs, or the log
    /// is empty.
    ///
    /// # Errors
    /// When the log does not go on from what was signed, or files or the ledger cannot be used.
    pub fn checkpoint(&self) -> Result<Option<String>, EngineError> {
        self.ring_sinks();
        let Some(notary) = &self.notary else { return Ok(None) };
        let signed = {
            let _span = stage!("sign").entered();
            notary.sign(&*self.ledger, &self.parts.tenant)?
        };
        self.pusher.iter().for_each(Pusher::ring);
        Ok(signed)
    }

    /// How far each witness is behind, after waiting for them at most so long.
    #[must_use]
    pub fn settle_witnesses(&self, patience: Duration) -> Vec<Lag> {
        self.pusher.as_ref().map(|pusher| pusher.settle(patience)).unwrap_or_default()
    }

    /// Proves that a leaf is in the log, in a form that needs nothing else but the verifier key. Over a folder of tiles it reads
    /// a few files; else the hashes of all leaves.
    ///
    /// # Errors
    /// When nothing signs, the newest checkpoint does not cover the leaf, or the log is not what was signed.
    pub fn prove(&self, index: u64, tiles: Option<&Path>) -> Result<RecordProof, EngineError> {
        let (notary, tenant) = (self.notary()?, &self.parts.tenant);
        let Some(folder) = tiles.map(TileFolder::new) else { return Ok(notary.prove(&*self.ledger, tenant, index)?) };
        let (_, newest) = notary.newest()?;
        Ok(notary.prove_over(&folder.nodes(newest.head.size), &*self.ledger, tenant, index)?)
    }

    /// Proves that the log grew from an earlier size to the newest checkpoint without a change to what was there.
    ///
    /// # Errors
    /// As for [`Engine::prove`].
    pub fn prove_growth(&self, old: u64) -> Result<GrowthProof, EngineError> {
        Ok(self.notary()?.prove_growth(&LedgerNodes::new(&*self.ledger, &self.parts.tenant), old)?)
    }

    /// Brings a folder of static tiles to the newest checkpoint: what a server of files serves to auditors.
    ///
    /// # Errors
    /// When nothing signs or was signed, the folder is of another log, or files cannot be used.
    pub fn export_tiles(&self, folder: &Path) -> Result<Exported, EngineError> {
        Ok(self.notary()?.export(&*self.ledger, &self.parts.tenant, &TileFolder::new(folder))?)
    }

    /// Lets a further key sign from now on, beside those that do. The newest one names it in a leaf of the log, and both sign
    /// until [`Notary::retire`]. Without a name it has the log's.
    ///
    /// # Errors
    /// When nothing signs, there are too many keys, or the ledger cannot be written.
    pub fn rotate_key(&self, name: Option<&str>) -> Result<VerifierKey, EngineError> {
        let notary = self.notary()?;
        let turn = self.acquire()?;
        let (key, note) = notary.successor(name.unwrap_or(&notary.origin()), self.randomness()?)?;
        let verifier = key.verifier().clone();
        let run = self.runs(1)?.first().map_or(RunId(0), |run| run.run);
        let leaves = vec![Leaf::key_rotation(run, self.clock.now(), note)];
        self.submit(&turn, Batch { entries: Vec::new(), leaves })?;
        notary.add(key)?;
        self.checkpoint()?;
        Ok(verifier)
    }
}

impl From<NotaryError> for EngineError {
    fn from(error: NotaryError) -> Self {
        match error {
            NotaryError::Ledger(error) => error.into(),
            error => Self::Notary(error),
        }
    }
}

impl From<ProofFileError> for EngineError {
    fn from(error: ProofFileError) -> Self {
        Self::Notary(error.into())
    }
}
