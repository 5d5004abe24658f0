//! Beginnings of texts, so that sorting a dictionary seldom touches the texts themselves. Owns an order equal to that of
//! the texts.

use std::cmp::Ordering;

const BYTES: usize = 32;

/// The first bytes of a text, and its length.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    words: [u64; BYTES / 8],
    length: u32,
}

impl Head {
    pub(crate) fn new(text: &str) -> Self {
        let mut bytes = [0; BYTES];
        bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        let (chunks, _) = bytes.as_chunks::<8>();
        let mut words = [0; BYTES / 8];
        words.iter_mut().zip(chunks).for_each(|(to, chunk)| *to = u64::from_be_bytes(*chunk));
        Head { words, length: u32::try_from(text.len()).unwrap_or(u32::MAX) }
    }

    /// The order of the texts, which are asked for only when both are longer than their heads.
    pub(crate) fn compare<'a>(&self, other: &Self, texts: impl FnOnce() -> (&'a str, &'a str)) -> Ordering {
        self.words.cmp(&other.words).then_with(|| {
            if self.length.min(other.length) as usize <= BYTES {
                return self.length.cmp(&other.length);
            }
            let (a, b) = texts();
            a.cmp(b)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn heads_order_as_texts_do() {
        let long = "a text of more than thirty-two bytes";
        let all = ["", "\0", "a", "a\0", "ab", "é", long, &long[..32], &long[..31], "a text of more than thirty-two bytes, ends"];
        for a in all {
            for b in all {
                assert_eq!(Head::new(a).compare(&Head::new(b), || (a, b)), a.cmp(b), "{a:?} {b:?}");
            }
        }
    }
}
