//! The modules that a process holds ready, each once however many tenants use it, in bounded memory. Owns which are held; how one
//! is admitted and compiled is for [`Module`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{AdmitError, Module, RuleEngine};
use crate::model::Digest;

/// Modules by digest. The one that nobody asked for longest goes first when there is too much code; it is loaded again when somebody
/// asks. A tenant that still has one keeps it: what tenants hold themselves is not bounded here.
pub struct Library {
    engine: RuleEngine,
    bytes: u64,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    held: HashMap<Digest, Held>,
    bytes: u64,
    /// Counts what was asked for.
    asked: u64,
}

struct Held {
    /// Empty while it is being loaded: who else asks for it waits, so that it is compiled once.
    place: Arc<Mutex<Option<Module>>>,
    bytes: u64,
    asked: u64,
}

impl Library {
    /// An empty one for this engine, which holds so many bytes of machine code at most, or one module.
    #[must_use]
    pub fn new(engine: RuleEngine, bytes: u64) -> Self {
        Library { engine, bytes, shelf: Mutex::default() }
    }

    /// The module of this digest. Only if it is not held, `component` is asked for its bytes.
    ///
    /// # Errors
    /// That of `component`; or the component is not of this digest, or is not admitted. Nothing is kept of that.
    pub fn module<E: From<AdmitError>>(
        &self,
        digest: Digest,
        component: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Module, E> {
        let place = self.place(digest);
        let mut loaded = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = &*loaded {
            return Ok(module.clone());
        }
        let module = component().and_then(|bytes| self.load(digest, &bytes).map_err(E::from));
        match &module {
            Ok(module) => {
                *loaded = Some(module.clone());
                self.keep(digest, module.code_bytes());
            }
            Err(_) => _ = self.lock().held.remove(&digest),
        }
        module
    }

    /// How many modules are held, and how many bytes of machine code they have.
    #[must_use]
    pub fn holds(&self) -> (usize, u64) {
        let shelf = self.lock();
        (shelf.held.len(), shelf.bytes)
    }

    fn load(&self, digest: Digest, component: &[u8]) -> Result<Module, AdmitError> {
        if Digest::of(component) != digest {
            return Err(AdmitError::Invalid { detail: format!("it is not the component of {}", digest.short()) });
        }
        Module::load_named(&self.engine, component, digest)
    }

    fn place(&self, digest: Digest) -> Arc<Mutex<Option<Module>>> {
        let mut shelf = self.lock();
        shelf.asked += 1;
        let asked = shelf.asked;
        let held = shelf.held.entry(digest).or_insert_with(|| Held { place: Arc::default(), bytes: 0, asked });
        held.asked = asked;
        Arc::clone(&held.place)
    }

    /// Counts a module that was loaded, and lets others go.
    fn keep(&self, digest: Digest, bytes: u64) {
        let mut shelf = self.lock();
        let Some(held) = shelf.held.get_mut(&digest) else { return };
        held.bytes = bytes;
        shelf.bytes += bytes;
        while shelf.bytes > self.bytes {
            // One that is being loaded has no bytes yet.
            let others = shelf.held.iter().filter(|(other, held)| **other != digest && held.bytes > 0);
            let Some(oldest) = others.min_by_key(|(_, held)| held.asked).map(|(digest, _)| *digest) else { break };
            if let Some(held) = shelf.held.remove(&oldest) {
                shelf.bytes -= held.bytes;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
