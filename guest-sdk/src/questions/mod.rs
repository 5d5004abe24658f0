//! The questions that rules ask again and again, each a word on a case or an
//! identity. Whatever depends on the plan's instant takes the context and goes
//! through its comparisons alone, so that the answer's end is remembered. Knows
//! no settings, reasons or verdicts.

mod facts;
mod identity;
mod spans;

#[cfg(test)]
mod tests;
