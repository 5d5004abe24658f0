//! From a component's bytes to code that can run: taken from the cache, made by a worker, or compiled here. Owns the one place
//! where machine code is loaded.

use wasmtime::component::Component;

use super::cache::{CodeCache, Found};
use super::engine::RuleEngine;
use super::module::detail;
use super::{AdmitError, profile_digest};
use crate::model::Digest;

/// The code of a component of this digest that was inspected. A cache that cannot be read or written costs time alone.
pub(super) fn component(engine: &RuleEngine, bytes: &[u8], digest: &Digest) -> Result<Component, AdmitError> {
    let fingerprint = engine.fingerprint();
    let name = CodeCache::name(digest, &fingerprint, &profile_digest());
    if let Some(cache) = &engine.cache
        && let Ok(Found::Code(code)) = cache.get(&name)
        && let Ok(component) = load(engine, &code)
    {
        return Ok(component);
    }
    let (component, code) = match &engine.worker {
        Some(worker) => {
            let code = worker.compile(bytes, &fingerprint)?;
            let loaded = load(engine, &code).map_err(|error| AdmitError::Worker { problem: detail(&error) })?;
            (loaded, Some(code))
        }
        None => {
            let invalid = |error: wasmtime::Error| AdmitError::Invalid { detail: detail(&error) };
            let component = Component::from_binary(&engine.engine, bytes).map_err(invalid)?;
            let code = engine.cache.as_ref().and_then(|_| component.serialize().ok());
            (component, code)
        }
    };
    if let (Some(cache), Some(code)) = (&engine.cache, code) {
        // What could not be kept is compiled again.
        drop(cache.put(&name, &code));
    }
    Ok(component)
}

/// Makes machine code runnable.
#[expect(unsafe_code, reason = "machine code can only be trusted: see below for why this may be")]
fn load(engine: &RuleEngine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes must be what this engine's compiler wrote. They come from a child of this process that runs a program
    // which the embedder named, or from a file that carries a code of authentication over these bytes and the name of the
    // component, under a key that only the owner of the cache's folder can read. That they are for this engine, its version and
    // this processor is checked by the engine when it loads them.
    unsafe { Component::deserialize(&engine.engine, code) }
}
