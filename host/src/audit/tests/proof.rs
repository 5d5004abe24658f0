//! Proofs hold for every pair of sizes, and nothing but the true ones: whatever is changed, they refuse.

use super::note::key;
use crate::audit::{
    Checkpoint, Frontier, GrowthProof, LogHead, ProofError, ProofFileError, RecordProof, check_consistency, check_inclusion,
    leaf_hash, node_hash, prove_consistency, prove_inclusion, root_of,
};
use crate::limits::PROOF_HASHES;
use crate::model::Digest;

pub(super) fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

pub(super) fn head(leaves: &[Digest]) -> LogHead {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.append(*leaf));
    frontier.head()
}

fn inclusion(leaves: &[Digest], index: u64) -> Option<Vec<Digest>> {
    let Ok(proof) = prove_inclusion(leaves, leaves.len() as u64, index);
    proof
}

fn consistency(leaves: &[Digest], old: u64) -> Option<Vec<Digest>> {
    let Ok(proof) = prove_consistency(leaves, old, leaves.len() as u64);
    proof
}

/// PATH(m, D[n]) of RFC 6962, section 2.1.1, word for word.
fn path(m: usize, leaves: &[Digest]) -> Vec<Digest> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (mut path, last) = match m < k {
        true => (path(m, &leaves[..k]), head(&leaves[k..]).root),
        false => (path(m - k, &leaves[k..]), head(&leaves[..k]).root),
    };
    path.push(last);
    path
}

/// SUBPROOF(m, D[n], b) of RFC 6962, section 2.1.2, word for word.
fn subproof(m: usize, leaves: &[Digest], b: bool) -> Vec<Digest> {
    let n = leaves.len();
    if m == n {
        return if b { Vec::new() } else { vec![head(leaves).root] };
    }
    let k = n.next_power_of_two() / 2;
    let (mut proof, last) = match m <= k {
        true => (subproof(m, &leaves[..k], b), head(&leaves[k..]).root),
        false => (subproof(m - k, &leaves[k..], false), head(&leaves[..k]).root),
    };
    proof.push(last);
    proof
}

#[test]
fn proofs_are_those_of_the_definition_and_hold_for_every_size() {
    let all = leaves(70);
    for size in 0..=all.len() {
        let (tree, now) = (&all[..size], head(&all[..size]));
        let Ok(root) = root_of(&all[..], size as u64);
        assert_eq!(root, now.root);
        for index in 0..size {
            let proof = inclusion(tree, index as u64).expect("it is there");
            assert_eq!(proof, path(index, tree), "leaf {index} of {size}");
            assert_eq!(check_inclusion(now, index as u64, tree[index], &proof), Ok(()), "leaf {index} of {size}");
        }
        assert_eq!(inclusion(tree, size as u64), None);
        for old in 0..=size {
            let proof = consistency(tree, old as u64).expect("it grew");
            assert!(old == 0 || proof == subproof(old, tree, true), "{old} to {size}");
            assert_eq!(check_consistency(head(&all[..old]), now, &proof), Ok(()), "{old} to {size}");
        }
        assert_eq!(consistency(tree, size as u64 + 1), None);
    }
}

/// All that one mistake makes of a proof.
fn mistakes(proof: &[Digest]) -> Vec<Vec<Digest>> {
    let mut all = vec![[proof, &[Digest([0; 32])]].concat(), [&[Digest([0; 32])], proof].concat()];
    for at in 0..proof.len() {
        let mut flipped = proof.to_vec();
        flipped[at].0[at % 32] ^= 1;
        let mut without = proof.to_vec();
        without.remove(at);
        let mut swapped = proof.to_vec();
        swapped.rotate_left(1);
        all.extend([flipped, without, [&proof[..at], &proof[at..=at], &proof[at..]].concat()]);
        all.extend((swapped != proof).then_some(swapped));
    }
    all
}

#[test]
fn a_proof_of_something_else_is_refused() {
    let all = leaves(40);
    for size in 1..=all.len() {
        let (tree, now) = (&all[..size], head(&all[..size]));
        for index in 0..size as u64 {
            let proof = inclusion(tree, index).expect("it is there");
            let leaf = tree[index as usize];
            let shown = |now, index, leaf, proof: &[Digest]| check_inclusion(now, index, leaf, proof).is_ok();
            assert!(mistakes(&proof).iter().all(|proof| !shown(now, index, leaf, proof)), "leaf {index} of {size}");
            // Another leaf there, this leaf elsewhere, another root.
            assert!(!shown(now, index, leaf_hash(b"other"), &proof));
            assert!((0..64).all(|other| other == index || !shown(now, other, leaf, &proof)), "leaf {index} of {size}");
            assert!(!shown(LogHead { root: Digest::of(b"x"), ..now }, index, leaf, &proof));
        }
        for old in 1..size {
            let (before, proof) = (head(&all[..old]), consistency(tree, old as u64).expect("it grew"));
            let shown = |before, now, proof: &[Digest]| check_consistency(before, now, proof).is_ok();
            assert!(mistakes(&proof).iter().all(|proof| !shown(before, now, proof)), "{old} to {size}");
            assert!(!shown(LogHead { root: Digest::of(b"x"), ..before }, now, &proof));
            assert!(!shown(before, LogHead { root: Digest::of(b"x"), ..now }, &proof));
            assert!(!shown(now, before, &proof), "a log does not shrink");
            assert!((1..64).all(|other| other == old as u64 || !shown(LogHead { size: other, ..before }, now, &proof)));
        }
        assert_eq!(check_consistency(now, LogHead { root: Digest::of(b"x"), ..now }, &[]), Err(ProofError::Refuted));
    }
    // Of no leaves there is one tree.
    let (none, other) = (LogHead::default(), LogHead { size: 0, root: Digest::of(b"x") });
    assert!(check_consistency(other, head(&all), &[]).is_err() && check_consistency(none, other, &[]).is_err());
    assert_eq!(check_consistency(none, none, &[]), Ok(()));
}

#[test]
fn proofs_from_outside_are_bounded_and_never_panic() {
    let hashes = vec![Digest([1; 32]); 100];
    let sizes = [0, 1, 2, 3, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX - 1, u64::MAX];
    for size in sizes {
        for other in sizes {
            for length in [0, 1, 62, 63, 64, 100] {
                let tree = LogHead { size, root: Digest([2; 32]) };
                assert!(check_inclusion(tree, other, Digest([3; 32]), &hashes[..length]).is_err());
                let before = LogHead { size: other, root: Digest([4; 32]) };
                assert!(check_consistency(before, tree, &hashes[..length]).is_err());
            }
        }
    }
    // The highest tree that a proof reaches.
    let (mut root, proof) = (Digest([3; 32]), &hashes[..PROOF_HASHES]);
    proof.iter().for_each(|hash| root = node_hash(root, *hash));
    assert_eq!(check_inclusion(LogHead { size: 1 << 63, root }, 0, Digest([3; 32]), proof), Ok(()));
}

fn proof_file(record: &[u8]) -> (RecordProof, Checkpoint) {
    let mut tree = leaves(11);
    tree[6] = leaf_hash(record);
    let checkpoint = Checkpoint::new("example.com/log", head(&tree)).expect("it is an origin");
    let note = checkpoint.sign([&key("example.com/log", 1)]).expect("it is signed");
    let hashes = inclusion(&tree, 6).expect("it is there");
    (RecordProof { extra: record.to_vec(), index: 6, hashes, checkpoint: note }, checkpoint)
}

#[test]
fn every_altered_byte_of_a_proof_file_is_refused() {
    let record = b"{\"kind\":\"intent\"}";
    let (proof, checkpoint) = proof_file(record);
    let keys = [key("example.com/log", 1).verifier().clone()];
    let text = proof.to_text().expect("it is short");
    let check = |file: &[u8]| RecordProof::parse(file)?.verify(record, "example.com/log", &keys);
    assert_eq!(RecordProof::parse(text.as_bytes()), Ok(proof));
    assert_eq!(check(text.as_bytes()), Ok(checkpoint));
    // What is sent along is not a part of the proof: it may be anything that is base 64.
    let extra = text.find("extra ").expect("it has extra data")..text.find("\nindex").expect("it has an index");
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut altered = text.clone().into_bytes();
            altered[at] ^= 1 << bit;
            let believed = check(&altered);
            assert!(believed.is_err() || extra.contains(&at), "byte {at}, bit {bit}: {believed:?}");
        }
        assert!(check(&text.as_bytes()[..at]).is_err(), "{at} bytes of it");
    }
    assert_eq!(check(text.replace('\n', "\r\n").as_bytes()), Err(ProofFileError::Malformed { problem: "it has no empty line" }));
    let other = RecordProof::parse(text.as_bytes()).and_then(|proof| proof.verify(b"{}", "example.com/log", &keys));
    assert_eq!(other, Err(ProofFileError::Proof(ProofError::Refuted)));
}

#[test]
fn a_proof_file_has_one_spelling() {
    let (proof, _) = proof_file(b"x");
    let text = proof.to_text().expect("it is short");
    let hash = text.lines().nth(3).expect("a hash").to_owned();
    let bare = RecordProof { extra: Vec::new(), ..proof.clone() }.to_text().expect("it is short");
    assert!(RecordProof::parse(bare.as_bytes()).is_ok() && !bare.contains("extra"));
    let wrong = [
        text.replace("@v1", "@v2"),
        text.replace("index 6", "index 06"),
        text.replace("index 6", "index  6"),
        text.replace("index 6", "index -6"),
        text.replace("index 6\n", ""),
        text.replace("extra eA==", "extra eA"),
        text.replace("extra eA==", "extra"),
        text.replace(&hash, &hash[1..]),
        text.replace(&hash, &format!("{hash} ")),
        text.replace(&format!("{hash}\n"), &format!("{hash}\n").repeat(PROOF_HASHES + 1)),
        text.replace("\n\n", "\n"),
        format!("\n{text}"),
    ];
    for text in wrong {
        assert!(matches!(RecordProof::parse(text.as_bytes()), Err(ProofFileError::Malformed { .. })), "{text}");
    }
    let long = RecordProof { extra: vec![0; 65_536], ..proof };
    assert!(long.to_text().is_err() && RecordProof::parse(&vec![b'a'; 1 << 20]).is_err());
}

#[test]
fn growth_is_shown_in_the_form_that_witnesses_ask_for() {
    let (all, key) = (leaves(23), key("example.com/log", 1));
    let at = |size: usize| Checkpoint::new("example.com/log", head(&all[..size])).expect("it is an origin");
    let checkpoint = at(23).sign([&key]).expect("it is signed");
    let proof = GrowthProof { old: 9, hashes: consistency(&all, 9).expect("it grew"), checkpoint };
    let (text, keys) = (proof.to_text(), [key.verifier().clone()]);
    assert!(text.starts_with("old 9\n"));
    assert_eq!(GrowthProof::parse(text.as_bytes()), Ok(proof.clone()));
    assert_eq!(proof.verify(&at(9), &keys), Ok(at(23)));
    for other in [8, 10, 23] {
        assert!(proof.verify(&at(other), &keys).is_err());
    }
    for at_byte in 0..text.len() {
        let mut altered = text.clone().into_bytes();
        altered[at_byte] ^= 1;
        let believed = GrowthProof::parse(&altered).and_then(|proof| proof.verify(&at(9), &keys));
        assert!(believed.is_err(), "byte {at_byte}");
    }
}
