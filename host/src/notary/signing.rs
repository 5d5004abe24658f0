//! Signing checkpoints of committed heads, proving over them, and letting keys take over. Owns the order: what is committed
//! is recomputed, what is about to be signed is remembered, and only then is it signed.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::NotaryError;
use super::growing::grown;
use super::guard::Guard;
use super::history::History;
use super::keyring::Keyring;
use super::nodes::LedgerNodes;
use super::tiles::{Exported, TileFolder};
use crate::audit::{
    Checkpoint, CheckpointError, Frontier, GrowthProof, LogHead, Nodes, NoteError, RecordProof, SigningKey, VerifierKey,
    prove_consistency, prove_inclusion,
};
use crate::ledger::{Ledger, Query, Rows};
use crate::model::Digest;

/// Signs the log of one tenant.
pub struct Notary {
    keyring: Mutex<Keyring>,
    history: History,
}

impl Notary {
    /// With these keys. Checkpoints are kept below a folder of the store, apart for each origin; keys are not, and neither
    /// should their folder be copied with it: what was signed last lies there.
    #[must_use]
    pub fn new(keyring: Keyring, checkpoints: &Path) -> Self {
        let log = Digest::of(keyring.origin().as_bytes()).short();
        Notary { keyring: Mutex::new(keyring), history: History::new(&checkpoints.join(log)) }
    }

    /// The log's name in its checkpoints.
    #[must_use]
    pub fn origin(&self) -> String {
        self.keyring().origin().to_owned()
    }

    /// What verifies the checkpoints, the oldest key first.
    #[must_use]
    pub fn verifiers(&self) -> Vec<VerifierKey> {
        self.keyring().verifiers()
    }

    /// The checkpoints.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    fn keyring(&self) -> MutexGuard<'_, Keyring> {
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs the head that is committed now, unless it is signed already, and gives the newest checkpoint; none when the log
    /// is empty. What was signed is never signed otherwise: the leaves since the last checkpoint are hashed again from their
    /// bytes, and must lead from what was signed to the committed head.
    ///
    /// # Errors
    /// [`NotaryError::Shrunk`], [`NotaryError::Forked`] and [`NotaryError::Emptied`] when the log does not go on from what was
    /// signed: nothing may be signed, and nothing should be done on it. Others when files or the ledger cannot be used.
    pub fn sign(&self, ledger: &dyn Ledger, tenant: &str) -> Result<Option<String>, NotaryError> {
        let mut keyring = self.keyring();
        let _alone = keyring.lock()?;
        keyring.reload()?;
        let guard = Guard::new(keyring.folder(), keyring.origin());
        let Rows::LogHead(head) = ledger.read(tenant, &Query::LogHead)? else { return Ok(None) };
        let signed = guard.read()?;
        let tree = match &signed {
            Some(signed) => grown(ledger, tenant, signed.clone(), head, None)?,
            // Without a memory beside the keys, the store's own checkpoint is better than nothing.
            None => grown(ledger, tenant, Frontier::default(), head, self.newest_of(&keyring)?)?,
        };
        if head.size == 0 {
            return Ok(None);
        }
        if signed.is_none_or(|signed| signed.head() != head) {
            guard.write(&tree)?;
        }
        let checkpoint = Checkpoint::new(keyring.origin(), head)?;
        let note = checkpoint.sign(keyring.keys())?;
        // Signatures are deterministic: the same head under the same keys is the same note.
        if self.history.newest()?.as_ref() != Some(&note) {
            self.history.add(&note)?;
        }
        Ok(Some(note))
    }

    /// The head of the newest checkpoint in the store, if these keys signed it.
    fn newest_of(&self, keyring: &Keyring) -> Result<Option<LogHead>, NotaryError> {
        let Some(note) = self.history.newest()? else { return Ok(None) };
        Ok(Some(Checkpoint::open(note.as_bytes(), keyring.origin(), &keyring.known())?.head))
    }

    /// The newest checkpoint, and what it says.
    ///
    /// # Errors
    /// When nothing was signed yet, or the file is not what these keys signed.
    pub fn newest(&self) -> Result<(String, Checkpoint), NotaryError> {
        let keyring = self.keyring();
        let note = self.history.newest()?.ok_or(NotaryError::Unsigned)?;
        let checkpoint = Checkpoint::open(note.as_bytes(), keyring.origin(), &keyring.verifiers())?;
        Ok((note, checkpoint))
    }

    /// The heads that were signed: of all checkpoints of the store, and the one that is remembered beside the keys. A checkpoint
    /// that no known key signed is refused, unless there were so many keys that older ones are not remembered any more: then it
    /// counts by its text, which can ask too much of a log, never too little.
    ///
    /// # Errors
    /// When the history cannot be read, a signature of these keys does not verify, or the newest checkpoint is not the last of
    /// the history.
    pub fn heads(&self) -> Result<Vec<LogHead>, NotaryError> {
        let (origin, keys, forgets, guard) = {
            let keyring = self.keyring();
            let guard = Guard::new(keyring.folder(), keyring.origin());
            (keyring.origin().to_owned(), keyring.known(), keyring.forgets(), guard)
        };
        let (mut place, mut before, mut last) = (0, None, None);
        let mut heads = Vec::from_iter(guard.read()?.map(|tree| tree.head()));
        while let Some((note, next)) = self.history.after(place)? {
            let opened = match Checkpoint::open(note.as_bytes(), &origin, &keys) {
                Err(CheckpointError::Note(NoteError::Unsigned)) if forgets => Checkpoint::unsigned(&note),
                opened => opened,
            };
            let damaged = |error: CheckpointError| {
                let path = self.history.folder().join("history");
                NotaryError::Damaged { path, problem: format!("byte {place}: {error}") }
            };
            heads.push(opened.map_err(damaged)?.head);
            (place, before, last) = (next, last, Some(note));
        }
        // The newest one is written behind the history, so that a crash may have left the one before.
        let newest = self.history.newest()?;
        if newest != last && newest != before {
            let path = self.history.folder().join("newest");
            return Err(NotaryError::Damaged { path, problem: "it is not the last of the history beside it".to_owned() });
        }
        Ok(heads)
    }

    /// Proves that a leaf is in the log, under the newest checkpoint: the proof carries the leaf's bytes as its extra data.
    /// Reads the hashes of all leaves; see [`Notary::prove_over`] for less.
    ///
    /// # Errors
    /// When the newest checkpoint does not cover the leaf, it was pruned, or the log is not what was signed.
    pub fn prove(&self, ledger: &dyn Ledger, tenant: &str, index: u64) -> Result<RecordProof, NotaryError> {
        self.prove_over(&LedgerNodes::new(ledger, tenant), ledger, tenant, index)
    }

    /// The same over other hashes, such as those of tiles.
    ///
    /// # Errors
    /// As for [`Notary::prove`].
    pub fn prove_over<N>(&self, nodes: &N, ledger: &dyn Ledger, tenant: &str, index: u64) -> Result<RecordProof, NotaryError>
    where
        N: Nodes,
        NotaryError: From<N::Error>,
    {
        let (note, checkpoint) = self.newest()?;
        let beyond = NotaryError::Beyond { size: checkpoint.head.size, wanted: index };
        let hashes = prove_inclusion(nodes, checkpoint.head.size, index)?;
        let Rows::Leaves(leaves) = ledger.read(tenant, &Query::Leaves(index, 1))? else { return Err(beyond) };
        let leaf = leaves.into_iter().find(|leaf| leaf.index == index);
        let (Some(hashes), Some(leaf)) = (hashes, leaf) else { return Err(beyond) };
        if leaf.is_pruned() {
            return Err(NotaryError::Pruned { index });
        }
        let proof = RecordProof { extra: leaf.bytes, index, hashes, checkpoint: note };
        // What is given away is what verifies: a log that was altered proves nothing.
        proof.verify(&proof.extra, &checkpoint.origin, &self.verifiers())?;
        Ok(proof)
    }

    /// Proves that the log grew from an earlier size to the newest checkpoint without a change to what was there.
    ///
    /// # Errors
    /// When the newest checkpoint is smaller, or hashes cannot be read.
    pub fn prove_growth<N>(&self, nodes: &N, old: u64) -> Result<GrowthProof, NotaryError>
    where
        N: Nodes,
        NotaryError: From<N::Error>,
    {
        let (checkpoint, now) = self.newest()?;
        let hashes = prove_consistency(nodes, old, now.head.size)?;
        let hashes = hashes.ok_or(NotaryError::Beyond { size: now.head.size, wanted: old })?;
        Ok(GrowthProof { old, hashes, checkpoint })
    }

    /// Brings a folder of static tiles to the newest checkpoint. What the folder lacks is added, nothing is changed.
    ///
    /// # Errors
    /// [`NotaryError::OtherTiles`] when the folder is not of this log; else when files or the ledger cannot be used.
    pub fn export(&self, ledger: &dyn Ledger, tenant: &str, folder: &TileFolder) -> Result<Exported, NotaryError> {
        let (note, now) = self.newest()?;
        let known = self.keyring().known();
        let former = folder.checkpoint(&now.origin, &known)?;
        folder.bring_to(&note, &now, former.as_ref(), ledger, tenant)
    }

    /// A further key and the note for the log by which the newest one names it. The key signs once it is added, which is to
    /// be after the note is committed.
    ///
    /// # Errors
    /// When the name cannot name a key, or too many keys sign.
    pub fn successor(&self, name: &str, seed: [u8; 32]) -> Result<(SigningKey, String), NotaryError> {
        self.keyring().successor(name, seed)
    }

    /// Lets a further key sign from now on, beside those that do.
    ///
    /// # Errors
    /// When the keys cannot be written.
    pub fn add(&self, key: SigningKey) -> Result<(), NotaryError> {
        let mut keyring = self.keyring();
        let _alone = keyring.lock()?;
        keyring.reload()?;
        keyring.add(key)
    }

    /// Ends the overlap of a rotation: the newest key signs alone from now on. Gives the keys that do no longer.
    ///
    /// # Errors
    /// When the keys cannot be written.
    pub fn retire(&self) -> Result<Vec<VerifierKey>, NotaryError> {
        let mut keyring = self.keyring();
        let _alone = keyring.lock()?;
        keyring.reload()?;
        keyring.retire()
    }
}
