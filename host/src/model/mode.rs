//! Managed scopes: where the host may write, and how far. Owns the match, not the enforcement.

use serde::{Deserialize, Serialize};

/// What the host may do within a scope, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Look, never write.
    Observe,
    /// Add and keep up what sources desire; remove only what trueup itself added.
    Additive,
    /// Also remove what no source desires.
    Authoritative,
}

/// A predicate over keys, and a mode.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The target's name.
    pub target: String,
    /// The objects, as a text that may end in `*`. Accounts have the empty object, so `*` holds them too.
    #[serde(default = "everything")]
    pub objects: String,
    /// What may be done.
    pub mode: Mode,
}

fn everything() -> String {
    "*".to_owned()
}

impl Scope {
    /// Whether a key lies in this scope.
    #[must_use]
    pub fn holds(&self, target: &str, object: &str) -> bool {
        self.target == target
            && match self.objects.strip_suffix('*') {
                Some(prefix) => object.starts_with(prefix),
                None => object == self.objects,
            }
    }

    /// Names the scope, without its mode.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.target, self.objects)
    }
}

/// Scopes in order: the first that holds a key decides; none means [`Mode::Observe`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(pub Vec<Scope>);

impl Scopes {
    /// Index of the scope that decides over a key.
    #[must_use]
    pub fn find(&self, target: &str, object: &str) -> Option<usize> {
        self.0.iter().position(|scope| scope.holds(target, object))
    }

    /// The mode that a key has.
    #[must_use]
    pub fn mode(&self, target: &str, object: &str) -> Mode {
        self.find(target, object).and_then(|i| self.0.get(i)).map_or(Mode::Observe, |scope| scope.mode)
    }
}
