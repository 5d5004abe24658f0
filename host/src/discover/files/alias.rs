//! Rewrites names from the file's spelling to the target's. Owns which alias fits.

use super::Alias;

/// Aliases, sorted, so that the longest that fits is found by one search however many there are.
pub(super) struct Aliases {
    sorted: Vec<Alias>,
    /// For each alias, the longest other one that it begins with.
    parents: Vec<Option<usize>>,
}

impl Aliases {
    pub(super) fn new(aliases: &[Alias]) -> Self {
        let mut sorted = aliases.to_vec();
        sorted.sort_by(|a, b| a.from.cmp(&b.from));
        let mut parents = Vec::with_capacity(sorted.len());
        let mut open: Vec<usize> = Vec::new();
        for (i, alias) in sorted.iter().enumerate() {
            while open.last().and_then(|&top| sorted.get(top)).is_some_and(|top| !alias.from.starts_with(&top.from)) {
                open.pop();
            }
            parents.push(open.last().copied());
            open.push(i);
        }
        Aliases { sorted, parents }
    }

    /// The target's spelling, written to `scratch`; none when no alias fits.
    pub(super) fn apply<'a>(&self, text: &str, scratch: &'a mut String) -> Option<&'a str> {
        // Whatever `text` begins with sorts before it, and so does every alias between the two.
        let mut at = self.sorted.partition_point(|alias| alias.from.as_str() <= text).checked_sub(1);
        while let Some(i) = at {
            let alias = self.sorted.get(i)?;
            if let Some(rest) = text.strip_prefix(alias.from.as_str())
                && whole_parts(&alias.from, rest)
            {
                scratch.clear();
                scratch.push_str(&alias.to);
                scratch.push_str(rest);
                return Some(scratch);
            }
            at = self.parents.get(i).copied().flatten();
        }
        None
    }
}

/// Whether a name is cut between two of its parts.
fn whole_parts(head: &str, rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['/', '#', ':', '@']) || head.ends_with(|c: char| !c.is_alphanumeric())
}
