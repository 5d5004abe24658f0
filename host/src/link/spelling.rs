//! Where several spellings compare as one: which of them is written, and which are disputed. Owns the second look at the facts
//! that this takes; most estates need none.

use std::collections::HashMap;

use super::Links;
use crate::discover::{Names, ScanSide};
use crate::model::{Fact, Sym, Symbols};

/// By target and canonical form, a spelling.
type Written = HashMap<(Sym, Sym), Sym>;

/// Spellings of what compares as one: for holders and for objects.
pub struct Spellings {
    kinds: [Kind; 2],
}

struct Kind {
    /// For each text, whether several others compare as it.
    shared: Vec<bool>,
    observed: Written,
    /// The byte-smallest.
    desired: Written,
}

impl Spellings {
    /// None when nothing has several spellings.
    pub(super) fn of(links: &Links, names: &Names) -> Option<Self> {
        let holders = Kind::of(names.used_as(Names::HOLDER).map(|native| links.holder(native)));
        let objects = Kind::of(names.used_as(Names::OBJECT).map(|native| links.object(native)));
        let kinds = [holders, objects];
        kinds.iter().any(|kind| kind.shared.contains(&true)).then_some(Spellings { kinds })
    }

    /// Looks at a fact.
    pub fn meet(&mut self, links: &mut Links, symbols: &Symbols, side: ScanSide, fact: &Fact) {
        let forms = [(fact.holder, links.holder(fact.holder)), (fact.object, links.object(fact.object))];
        for (kind, (native, form)) in self.kinds.iter_mut().zip(forms) {
            let key = (fact.target, form);
            if !kind.shared.get(form.0 as usize).copied().unwrap_or_default() {
                continue;
            }
            if side == ScanSide::Desired {
                let slot = kind.desired.entry(key).or_insert(native);
                *slot = if symbols.text(native) < symbols.text(*slot) { native } else { *slot };
            } else if *kind.observed.entry(key).or_insert(native) != native {
                links.disputed.insert(key);
            }
        }
    }

    /// When all facts were looked at: the target's own spelling is written, else the smallest of the sources.
    pub fn settle(self, links: &mut Links) {
        links.spelling = self.kinds.map(|Kind { mut observed, desired, .. }| {
            for (key, native) in desired {
                observed.entry(key).or_insert(native);
            }
            observed
        });
    }
}

impl Kind {
    /// From what each of some distinct texts compares as.
    fn of(forms: impl Iterator<Item = Sym>) -> Self {
        let (mut met, mut shared) = (Vec::new(), Vec::new());
        for form in forms {
            let at = form.0 as usize;
            if met.len() <= at {
                met.resize(at + 1, false);
                shared.resize(at + 1, false);
            }
            if let (Some(met), Some(shared)) = (met.get_mut(at), shared.get_mut(at)) {
                *shared |= std::mem::replace(met, true);
            }
        }
        Kind { shared, observed: Written::new(), desired: Written::new() }
    }
}
