//! Lists of objects: a recording names lists, and lists name objects, so that a recording of ten million grants is as small as
//! any, and a list in which nothing changed is not written again. Owns their form, and where a list ends: where a name says so.

use serde::{Deserialize, Serialize};

use super::kept::Recording;
use super::objects::{Named, Objects, Pack, Unread};
use crate::engine::EngineError;
use crate::limits::{OBJECT_CUT, OBJECT_ROWS};

/// A block of facts, and when each of them was last used, where that was told.
pub(super) type FactNames = (Named, Option<Named>);

/// Names on their way into lists.
pub(super) struct Listing<T> {
    open: Vec<T>,
    ended: Vec<Named>,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Listing { open: Vec::new(), ended: Vec::new() }
    }
}

impl<T: Serialize> Listing<T> {
    /// Takes an entry; its list ends behind it where the name of the object says so.
    pub(super) fn add(&mut self, pack: &mut Pack, entry: T, object: &Named) -> Result<(), EngineError> {
        self.open.push(entry);
        let [.., last] = object.0.0;
        let ends = u64::from(last) & OBJECT_CUT == 0 || self.open.len() >= OBJECT_ROWS;
        if ends { self.flush(pack) } else { Ok(()) }
    }

    /// The lists of all entries.
    pub(super) fn end(mut self, pack: &mut Pack) -> Result<Vec<Named>, EngineError> {
        if !self.open.is_empty() {
            self.flush(pack)?;
        }
        Ok(self.ended)
    }

    fn flush(&mut self, pack: &mut Pack) -> Result<(), EngineError> {
        let raw = serde_json::to_vec(&self.open).map_err(|error| pack.failed(error.into()))?;
        self.ended.push(pack.put_new(&raw)?);
        self.open.clear();
        Ok(())
    }
}

/// The lists of these objects.
pub(super) fn listed(pack: &mut Pack, objects: Vec<Named>) -> Result<Vec<Named>, EngineError> {
    let mut listing = Listing::default();
    objects.iter().try_for_each(|object| listing.add(pack, *object, object))?;
    listing.end(pack)
}

impl Objects {
    /// What lists name, one after another.
    pub(super) fn listed<T: for<'de> Deserialize<'de>>(&mut self, lists: &[Named]) -> Result<Vec<T>, Unread> {
        let mut all = Vec::new();
        for list in lists {
            all.append(&mut self.value::<Vec<T>>(list)?);
        }
        Ok(all)
    }

    /// Every object of a recording, its lists among them.
    pub(super) fn of(&mut self, recording: &Recording) -> Result<Vec<Named>, Unread> {
        let Recording { facts, people, catalogue, forms, met, answers, .. } = recording;
        let mut all = facts.clone();
        all.extend(self.listed::<FactNames>(facts)?.into_iter().flat_map(|(rows, used)| [Some(rows), used]).flatten());
        for lists in [people, catalogue, forms, met, answers] {
            all.extend(lists);
            all.append(&mut self.listed(lists)?);
        }
        Ok(all)
    }
}
