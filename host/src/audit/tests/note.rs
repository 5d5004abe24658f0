//! Notes, keys and checkpoints: the published examples verify, every altered byte is refused, and nothing from outside
//! ever panics.

use crate::audit::{Checkpoint, CheckpointError, KeyError, LogHead, Note, NoteError, SigningKey, VerifierKey, base64};
use crate::limits::{KEY_NAME_BYTES, NOTE_BYTES, NOTE_SIGNATURES};
use crate::model::Digest;

pub(super) fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, [seed; 32]).expect("it can name a key")
}

/// The example of the specification.
const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n— example.com/foo \
                    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

#[test]
fn the_published_example_verifies() {
    let key = VerifierKey::parse(VKEY).expect("it is a key");
    assert_eq!((key.to_string().as_str(), key.name(), key.id()), (VKEY, "example.com/foo", 0x530d_903a));
    let note = Note::open(NOTE.as_bytes(), &[key]).expect("it verifies");
    assert_eq!(note.text, "This is an example message.\n");
}

#[test]
fn a_note_opens_under_any_of_its_keys_and_passes_over_others() {
    let (old, new, other) = (key("example.com/log", 1), key("example.com/log", 2), key("example.org/w", 3));
    let note = Note::sign("a\n\nb — c\n", [&old, &new, &other]).expect("it is signed");
    for keys in [vec![&old], vec![&new], vec![&other, &old]] {
        let keys: Vec<_> = keys.into_iter().map(|key| key.verifier().clone()).collect();
        let opened = Note::open(note.as_bytes(), &keys).expect("it verifies");
        assert_eq!((opened.text.as_str(), opened.signers.len()), ("a\n\nb — c\n", keys.len()));
    }
    assert_eq!(Note::open(note.as_bytes(), &[]), Err(NoteError::Unsigned));
    // A signature of an unknown key may hold anything; one of a known key must verify, even if another does.
    let id = base64::encode(&[0, 0, 0, 7, 1]);
    let unknown = format!("{note}— example.com/log {id}\n");
    assert!(Note::open(unknown.as_bytes(), &[old.verifier().clone()]).is_ok());
    let forged = note.replace("a\n\nb", "a\n\nB");
    assert!(matches!(Note::open(forged.as_bytes(), &[new.verifier().clone()]), Err(NoteError::Forged { .. })));
}

#[test]
fn every_altered_byte_of_a_checkpoint_is_refused() {
    let (key, second) = (key("example.com/log", 1), key("example.com/log", 2));
    let head = LogHead { size: 20_852_163, root: Digest::of(b"x") };
    let checkpoint = Checkpoint::new("example.com/log", head).expect("it is an origin");
    let note = checkpoint.sign([&key]).expect("it is signed");
    let keys = [key.verifier().clone(), second.verifier().clone()];
    assert_eq!(Checkpoint::open(note.as_bytes(), "example.com/log", &keys), Ok(checkpoint));
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut altered = note.clone().into_bytes();
            altered[at] ^= 1 << bit;
            assert!(Checkpoint::open(&altered, "example.com/log", &keys).is_err(), "byte {at}, bit {bit}");
        }
        assert!(Checkpoint::open(&note.as_bytes()[..at], "example.com/log", &keys).is_err(), "{at} bytes of it");
        let doubled = [&note.as_bytes()[..at], &note.as_bytes()[at.saturating_sub(1)..]].concat();
        assert!(at == 0 || Checkpoint::open(&doubled, "example.com/log", &keys).is_err(), "byte {at} doubled");
    }
    let other = Checkpoint::open(note.as_bytes(), "example.com/other", &keys);
    assert!(matches!(other, Err(CheckpointError::Origin { .. })), "{other:?}");
}

#[test]
fn a_checkpoint_has_one_spelling() {
    let root = base64::encode(&[9; 32]);
    let good = [format!("o\n0\n{root}\n"), format!("a b+c\n18446744073709551615\n{root}\next 1\next 2\n")];
    for text in &good {
        assert_eq!(Checkpoint::parse(text).expect(text).text(), *text);
    }
    let bad = [
        String::new(),
        "\n".to_owned(),
        format!("\n1\n{root}\n"),
        format!("o\n01\n{root}\n"),
        format!("o\n+1\n{root}\n"),
        format!("o\n-1\n{root}\n"),
        format!("o\n18446744073709551616\n{root}\n"),
        format!("o\n1\n{root}"),
        format!("o\n1\n{root}\n\n"),
        format!("o\n1\n{root}\n\next\n"),
        format!("o\n1\n{}\n", base64::encode(&[9; 31])),
        "o\n1\n".to_owned(),
    ];
    for text in bad {
        assert!(matches!(Checkpoint::parse(&text), Err(CheckpointError::Malformed { .. })), "{text:?}");
    }
}

#[test]
fn keys_have_one_spelling_and_secrets_are_not_printed() {
    let key = key("example.com/log", 7);
    let (public, secret) = (key.verifier().to_string(), key.to_secret());
    assert_eq!(VerifierKey::parse(&public).as_ref(), Ok(key.verifier()));
    assert_eq!(SigningKey::parse_secret(&secret).expect("it reads back").verifier(), key.verifier());
    let shown = format!("{key:?}");
    assert!(!shown.contains(secret.rsplit('+').next().expect("the secret part")), "{shown}");
    for at in 0..public.len() {
        for bit in 0..8 {
            let mut altered = public.clone().into_bytes();
            altered[at] ^= 1 << bit;
            assert!(str::from_utf8(&altered).map_or(true, |text| VerifierKey::parse(text).is_err()), "byte {at}, bit {bit}");
        }
    }
    for at in 0..secret.len() {
        let mut altered = secret.clone().into_bytes();
        altered[at] ^= 1;
        assert!(str::from_utf8(&altered).map_or(true, |text| SigningKey::parse_secret(text).is_err()), "byte {at}");
    }
    let upper = public.replacen(&format!("{:08x}", key.verifier().id()), &format!("{:08X}", key.verifier().id()), 1);
    assert!(upper == public || VerifierKey::parse(&upper).is_err());
    let long = "x".repeat(KEY_NAME_BYTES + 1);
    for name in ["", "a b", "a+b", "a\u{a0}b", "a\u{2003}b", "a\nb", "a\u{7f}b", long.as_str()] {
        assert_eq!(SigningKey::from_seed(name, [1; 32]).err(), Some(KeyError::Name), "{name:?}");
    }
    // A key whose signatures anybody can make is none.
    assert_eq!(SigningKey::from_seed("a", [0; 32]).err(), Some(KeyError::Weak));
    assert!(VerifierKey::parse(&zero_key()).is_err());
}

/// The text of a key whose point has small order, with a right identifier.
fn zero_key() -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha256::new().chain_update("a\n\u{1}").chain_update([0; 32]).finalize();
    let bytes: Vec<u8> = [1].into_iter().chain([0; 32]).collect();
    format!("a+{}+{}", hash[..4].iter().map(|byte| format!("{byte:02x}")).collect::<String>(), base64::encode(&bytes))
}

#[test]
fn what_is_too_much_or_malformed_is_refused_and_never_panics() {
    let signer = key("example.com/log", 1);
    let known = [signer.verifier().clone()];
    let note = Note::sign("text\n", [&signer]).expect("it is signed");
    let line = note.lines().last().expect("a signature").to_owned();
    let lines = |count: usize| format!("text\n\n{}", format!("{line}\n").repeat(count));
    assert!(Note::open(lines(NOTE_SIGNATURES).as_bytes(), &known).is_ok());
    assert_eq!(Note::open(lines(NOTE_SIGNATURES + 1).as_bytes(), &known), Err(NoteError::TooManySignatures));
    let long = format!("{}{note}", "x".repeat(NOTE_BYTES));
    assert!(matches!(Note::open(long.as_bytes(), &known), Err(NoteError::TooLong { .. })));
    assert_eq!(Note::sign("text\n", []), Err(NoteError::Unsigned));
    for text in ["", "text", "te\txt\n", "te\rxt\n", "te\0xt\n"] {
        assert!(matches!(Note::sign(text, [&signer]), Err(NoteError::Malformed { .. })), "{text:?}");
    }
    let broken = [
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n\n\n",
        "text\n\n— example.com/log\n",
        "text\n\n— example.com/log \n",
        "text\n\n— example.com/log AAAA\n",
        "text\n\n— example.com/log AAAAAA==\n",
        "text\n\n- example.com/log AAAAAAA=\n",
        "text\n\n—  AAAAAAA=\n",
        "text\n\n— a+b AAAAAAA=\n",
        "\n— example.com/log AAAAAAA=\n",
    ];
    for text in broken {
        assert!(matches!(Note::open(text.as_bytes(), &known), Err(NoteError::Malformed { .. })), "{text:?}");
    }
    assert!(Note::open(b"t\xff\n\n\xe2\x80\x94 a AAAAAAA=\n", &known).is_err());
    // Pieces of notes in every order, and noise.
    let pieces = ["text", "\n", "\n\n", line.as_str(), "— ", "\u{2014}", " ", "+", "=", "A", "0", "\u{0}", "é"];
    let mut state = 1u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..state % 9 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if let Ok(opened) = Note::open(text.as_bytes(), &known) {
            assert_eq!(opened.text, "text\n");
        }
        drop((Checkpoint::parse(&text), VerifierKey::parse(&text), SigningKey::parse_secret(&text)));
    }
}
