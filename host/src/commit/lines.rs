//! Who goes first where writes must not overlap: one line per namespace, in plan order. Owns no time and no target.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::item::Slot;
use crate::model::Namespace;

/// One namespace: who waits for it, and whose effect on it is not known.
#[derive(Debug, Default)]
struct Line {
    waiting: BTreeSet<Slot>,
    holders: BTreeSet<Slot>,
}

impl Line {
    /// Those who may go on when somebody else has left.
    fn firsts(&self) -> impl Iterator<Item = Slot> + '_ {
        self.waiting.first().into_iter().chain(self.holders.first()).copied()
    }
}

/// The lines of all namespaces that somebody in hand wants. Never gone through as a whole, so that their order is nowhere
/// seen.
#[derive(Debug, Default)]
pub(super) struct Lines(HashMap<Namespace, Line>);

impl Lines {
    /// Lines up.
    pub(super) fn enter(&mut self, slot: Slot, spaces: &[Namespace]) {
        for space in spaces {
            self.0.entry(space.clone()).or_default().waiting.insert(slot);
        }
    }

    /// From now on its effect is not known.
    pub(super) fn hold(&mut self, slot: Slot, spaces: &[Namespace]) {
        for space in spaces {
            self.0.entry(space.clone()).or_default().holders.insert(slot);
        }
    }

    /// Its effect is known, or it was never sent; it keeps its place.
    pub(super) fn unhold(&mut self, slot: Slot, spaces: &[Namespace]) {
        for space in spaces {
            if let Some(line) = self.0.get_mut(space) {
                line.holders.remove(&slot);
            }
        }
    }

    /// Leaves all its lines; gives those who are first there now.
    pub(super) fn leave(&mut self, slot: Slot, spaces: &[Namespace]) -> Vec<Slot> {
        let mut first = Vec::new();
        for space in spaces {
            let Some(line) = self.0.get_mut(space) else { continue };
            line.waiting.remove(&slot);
            line.holders.remove(&slot);
            first.extend(line.firsts());
            if line.waiting.is_empty() && line.holders.is_empty() {
                self.0.remove(space);
            }
        }
        first
    }

    /// Those who are first in these lines.
    pub(super) fn firsts(&self, spaces: &[Namespace]) -> Vec<Slot> {
        spaces.iter().filter_map(|space| self.0.get(space)).flat_map(Line::firsts).collect()
    }

    /// Whether it may be sent: all its namespaces at once (V12), each free of another's unknown effect (V10) and with nobody
    /// before it (V14). Several are unknown in one line only after a crash: then the first of them goes first.
    pub(super) fn is_free(&self, slot: Slot, spaces: &[Namespace]) -> bool {
        spaces.iter().all(|space| {
            self.0.get(space).is_some_and(|line| {
                line.waiting.first() == Some(&slot) && line.holders.first().is_none_or(|first| *first == slot)
            })
        })
    }

    /// Whether nobody is before it.
    pub(super) fn is_first(&self, slot: Slot, spaces: &[Namespace]) -> bool {
        spaces.iter().all(|space| self.0.get(space).is_some_and(|line| line.waiting.first() == Some(&slot)))
    }

    /// Whether no effect of others is unknown there: all that an emergency revoke of a list waits for.
    pub(super) fn is_settled(&self, slot: Slot, spaces: &[Namespace]) -> bool {
        spaces.iter().all(|space| self.0.get(space).is_none_or(|line| line.holders.iter().all(|holder| *holder == slot)))
    }
}
