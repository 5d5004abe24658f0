//! How a rule says that it cannot judge.

use crate::wire;

/// A rule's own error: the batch keeps what it has, and the host shows this.
/// Mistakes of the rule itself are for `panic!`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) case: Option<u32>,
}

impl Fault {
    /// A stable code, lower case with hyphens, and a message for people.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Fault { code: code.into(), message: message.into(), case: None }
    }

    /// Names the case that the trouble was found at.
    pub fn at(mut self, case: crate::Case<'_>) -> Self {
        self.case = Some(case.index());
        self
    }
}

impl From<Fault> for wire::RuleError {
    fn from(fault: Fault) -> Self {
        wire::RuleError { code: fault.code, message: fault.message, case: fault.case }
    }
}
