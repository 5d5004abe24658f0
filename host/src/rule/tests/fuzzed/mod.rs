//! Bytes, answers and texts that are almost right, made at random in the form that each check reads: none makes a check panic, each
//! is judged as a second, simpler reading of the same words judges it, and each test prints how many got past which check. The
//! same inputs come every time; a variable asks for more of them.

mod answers;
mod files;
mod told;

use std::collections::BTreeMap;

use arbitrary::Unstructured;

/// Inputs of each kind, unless this variable says how many.
const ROUNDS: &str = "TRUEUP_FUZZ_ROUNDS";
const USUALLY: u64 = 20_000;
/// Random bytes of which one input is made, at most.
const MOST_BYTES: u64 = 1_024;

/// How many inputs ended in which way.
type Ends = BTreeMap<&'static str, u64>;

/// Makes inputs and tries each; `attempt` tells how it ended.
fn each(what: &str, mut attempt: impl FnMut(&mut Unstructured<'_>) -> arbitrary::Result<&'static str>) -> Ends {
    let rounds = std::env::var(ROUNDS).map_or(USUALLY, |rounds| rounds.parse().expect("a number"));
    let mut ends = Ends::new();
    for seed in 0..rounds {
        let mut state = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let length = next() % MOST_BYTES;
        let bytes: Vec<u8> = (0..length).map(|_| (next() >> 32) as u8).collect();
        let end = attempt(&mut Unstructured::new(&bytes)).unwrap_or_else(|error| panic!("{what}, seed {seed}: {error}"));
        *ends.entry(end).or_default() += 1;
    }
    println!("{rounds} {what}: {ends:?}");
    ends
}

/// Each of these ends was reached, and often enough that it is no accident.
fn reached(ends: &Ends, names: &[&str]) {
    for name in names {
        assert!(ends.get(name).is_some_and(|count| *count >= 20), "{name} is among {ends:?}");
    }
    assert_eq!(ends.len(), names.len(), "{ends:?}");
}

/// One of these.
fn one<T: Clone>(u: &mut Unstructured<'_>, of: &[T]) -> arbitrary::Result<T> {
    u.choose(of).cloned()
}

/// Texts that try to be more than text, put together.
fn text(u: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    const PIECES: [&str; 18] = [
        "a",
        "level",
        "-",
        "9",
        "A",
        " ",
        "ü",
        "\n",
        "\r\n",
        "\t",
        "\0",
        "\u{1b}[2J",
        "\u{202e}",
        "\u{feff}",
        "\u{e0041}",
        "panic at ",
        ": no",
        " while judging case 7: no",
    ];
    let mut text = String::new();
    for _ in 0..u.int_in_range(0..=6)? {
        text.push_str(&one(u, &PIECES)?.repeat(*u.choose(&[1, 1, 1, 2, 130, 1_100])?));
    }
    Ok(text)
}

/// A text of one of these, or any.
fn name(u: &mut Unstructured<'_>, of: &[&str]) -> arbitrary::Result<String> {
    if u.ratio(19, 20)? { Ok(one(u, of)?.to_owned()) } else { text(u) }
}
