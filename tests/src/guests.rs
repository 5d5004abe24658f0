//! Hostile and special rule modules of `tests/guests`, built from source.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};

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

/// Where the guest `hostile` is told what to do: behind this, as many bytes as [`FORM_BYTES`].
const FORM: &[u8] = b"trueup-test-may:";
const FORM_BYTES: usize = 20;

/// The guest `hostile`, told to misbehave in this way.
///
/// # Errors
/// When it does not build, or has no place for the name.
pub fn hostile(form: &str) -> Result<Vec<u8>> {
    let mut bytes = component("hostile")?;
    let place = bytes.windows(FORM.len()).position(|window| window == FORM).context("no place for a form")? + FORM.len();
    ensure!(form.len() <= FORM_BYTES, "`{form}` is too long");
    let slot = bytes.get_mut(place..place + FORM_BYTES).context("the place is cut")?;
    slot.fill(b' ');
    slot[..form.len()].copy_from_slice(form.as_bytes());
    Ok(bytes)
}
