//! Which accounts belong to one identity, and in which form keys are compared. Chooses between spellings that a source
//! or target used; never writes a canonical form to a target.

mod canon;
mod links;
mod local;
mod spelling;
#[cfg(test)]
mod tests;

pub use links::{Canon, LinkError, Links, link, link_names};
pub use local::Numbers;
pub use spelling::Spellings;
