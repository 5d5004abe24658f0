//! A rule's table of reasons, one index per variant.

use crate::wire;

/// A set of reasons, derived on an enum without fields:
///
/// ```
/// use trueup_guest::prelude::*;
///
/// #[derive(Reasons, Clone, Copy, Debug, PartialEq)]
/// pub enum Why {
///     /// The access has run out.
///     Expired,
///     /// Nobody has used it for too long.
///     NotUsed, // its code is `not-used`
/// }
/// ```
///
/// A composed rule merges the tables of its parts: a variant that holds another
/// set, marked `#[reasons(nested)]`, stands for all of that set's reasons, and
/// each of them converts into the composed one ([`Verdict::lift`](crate::Verdict::lift)).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of reasons",
    note = "write the reasons as an enum with `#[derive(Reasons, Clone, Copy)]`"
)]
pub trait Reasons: Copy {
    /// How many reasons there are.
    const COUNT: u16;

    /// This reason's place in the table.
    fn index(self) -> u16;

    /// Appends the table.
    fn table(out: &mut Vec<wire::Reason>);
}

/// Appends reasons by their codes and texts.
pub fn table(out: &mut Vec<wire::Reason>, rows: &[(&str, &str)]) {
    out.extend(rows.iter().map(|(code, text)| wire::Reason { code: (*code).to_string(), text: (*text).to_string() }));
}
