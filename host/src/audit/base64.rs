//! Base 64 (RFC 4648, section 4) as the formats of transparency logs use it. Owns one strict form: padded, no line ends,
//! no bits that stand for nothing, so that every value has one spelling.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What fills the last group.
const PAD: u8 = b'=';

/// The text of these bytes.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().zip([16, 8, 0]).fold(0u32, |bits, (byte, shift)| bits | u32::from(*byte) << shift);
        for (place, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let letter = ALPHABET.get((bits >> shift & 63) as usize).filter(|_| place <= group.len());
            text.push(char::from(*letter.unwrap_or(&PAD)));
        }
    }
    text
}

/// The bytes of a text; none when it is not exactly what [`encode`] writes.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    let mut bytes = Vec::with_capacity(groups.len() * 3);
    for group in groups {
        let letters = group.iter().filter(|letter| **letter != PAD).count();
        let mut bits = 0;
        for (letter, shift) in group.iter().take(letters).zip([18, 12, 6, 0]) {
            bits |= u32::from(value(*letter)?) << shift;
        }
        let [_, first, second, third] = bits.to_be_bytes();
        bytes.extend([first, second, third].into_iter().take(letters.checked_sub(1)?));
    }
    // One spelling per value: padding only at the end, no stray bits, nothing left over.
    (rest.is_empty() && encode(&bytes) == text).then_some(bytes)
}

const fn value(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn reads_back_and_has_one_spelling() {
        // RFC 4648, section 10.
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!((encode(bytes.as_bytes()), decode(text).as_deref()), (text.to_owned(), Some(bytes.as_bytes())));
        }
        let all: Vec<u8> = (0..=255).collect();
        for length in 0..=all.len() {
            assert_eq!(decode(&encode(&all[..length])).as_deref(), Some(&all[..length]));
        }
        for other in ["Zg", "Zg=", "Zh==", "Zm9=", "Zg==\n", " Zg==", "Zg==Zg==", "====", "A===", "Z=g=", "Zm9v=", "Zm-v", "ä==="]
        {
            assert_eq!(decode(other), None, "{other}");
        }
    }
}
