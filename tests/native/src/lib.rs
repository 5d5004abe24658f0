//! The native rule `least-access` beside the same decision as a loop over plain structs: what the guest kit's views cost.
//! Owns the two forms of the same cases, and the proof that both get the same answers. Needs no sandbox.

pub mod made;
mod rows;
mod twins;

pub use rows::rows;
pub use twins::{Ratio, Twins};
