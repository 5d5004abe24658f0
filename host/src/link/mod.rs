//! Which accounts belong to one identity, and in which form keys are compared. Owns nothing that is written to a target.

use crate::model::Sym;

/// How every text of a snapshot is compared. Filled once per run: by the rule's `canon`, or the identity.
pub struct Links {
    /// For each symbol used as a holder: the symbol it compares as.
    pub holder: Vec<Sym>,
    /// For each symbol used as an object: the symbol it compares as.
    pub object: Vec<Sym>,
    /// (target, canonical holder) → identity, where a source links them; else the canonical holder is the identity.
    pub identity: std::collections::HashMap<(Sym, Sym), Sym>,
    /// (target, canonical holder) of which the target holds more than one native id: held, never written.
    pub disputed: std::collections::HashSet<(Sym, Sym)>,
}
