//! Panics as an author's rule would, with the guest kit's report of place and case.
#![cfg(target_arch = "wasm32")]
