//! Hostile and special rule modules of `tests/guests`, built from source.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;

use crate::cli;

/// The component of one guest, built once per process.
///
/// # Errors
/// When it does not build.
pub fn component(name: &str) -> Result<Vec<u8>> {
    static BUILT: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(bytes) = built.get(name) {
        return Ok(bytes.clone());
    }
    let options = trueup::author::BuildOptions { example: Some(name.to_owned()), ..Default::default() };
    let bytes = trueup::author::build_component(&cli::root().join("tests/guests"), &options)?.component;
    built.insert(name.to_owned(), bytes.clone());
    Ok(bytes)
}
