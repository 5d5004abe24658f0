//! Batches of a size that no run would cut: to compare over equal ones, or over small ones.

use trueup::correlate::{Batch, Cases, Identity};

/// Cuts the first `total` cases into batches of exactly this size, so that engines are compared over equal batches. A run
/// never cuts an identity; here one that lies across a border is cut there.
pub(super) fn cut(cases: &mut Cases, whole: &[Identity], total: u32, size: u32) {
    cases.identities.clear();
    cases.batches.clear();
    let mut from = 0;
    while from < total {
        let (to, first) = ((from + size).min(total), cases.identities.len() as u32);
        let begin = whole.partition_point(|identity| identity.cases.end <= from);
        let inside = whole.iter().skip(begin).take_while(|identity| identity.cases.start < to);
        cases.identities.extend(
            inside.map(|identity| Identity {
                cases: identity.cases.start.max(from)..identity.cases.end.min(to),
                ..identity.clone()
            }),
        );
        let identities = first..cases.identities.len() as u32;
        cases.batches.push(Batch { identities, cases: from..to, too_large: false });
        from = to;
    }
}
