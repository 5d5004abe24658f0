//! Tiles: their names, which ones a growing log adds, and that proofs over them are those over the leaves.

use std::collections::BTreeMap;

use super::proof::{head, leaves};
use crate::audit::{
    Tile, TileNodes, decode_bundle, decode_hashes, encode_bundle, encode_hashes, prove_consistency, prove_inclusion, root_of,
    subtree_root,
};
use crate::model::Digest;

#[test]
fn paths_are_those_of_the_specification() {
    let tile = |level, index, width| Tile { level, index, width }.path();
    assert_eq!(tile(Some(0), 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(tile(Some(3), 0, 1), "tile/3/000.p/1");
    assert_eq!(tile(None, 5, 255), "tile/entries/005.p/255");
    assert_eq!(tile(None, 1_000, 256), "tile/entries/x001/000");
}

#[test]
fn a_tree_has_the_tiles_that_the_specification_counts() {
    let mut count = BTreeMap::new();
    for tile in Tile::added(0, 70_000) {
        *count.entry((tile.level, tile.width)).or_insert(0) += 1;
    }
    let expected = [
        ((None, 112), 1),
        ((None, 256), 273),
        ((Some(0), 112), 1),
        ((Some(0), 256), 273),
        ((Some(1), 17), 1),
        ((Some(1), 256), 1),
        ((Some(2), 1), 1),
    ];
    assert_eq!(count, BTreeMap::from(expected));
    let of_256: Vec<_> = Tile::added(0, 256).map(|tile| tile.path()).collect();
    assert_eq!(of_256, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(Tile::added(256, 256).count(), 0);
    assert_eq!(Tile::added(0, 0).count(), 0);
    let grown: Vec<_> = Tile::added(255, 257).map(|tile| tile.path()).collect();
    let expected = ["tile/entries/000", "tile/entries/001.p/1", "tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"];
    assert_eq!(grown, expected);
}

#[test]
fn proofs_over_tiles_are_those_over_leaves_and_read_few_of_them() {
    let all = leaves(70_000);
    let mut files = BTreeMap::new();
    for size in [1, 255, 256, 257, 512, 65_535, 65_536, 65_537, 70_000] {
        // What was there stays: tiles are added, size by size.
        for tile in Tile::added(0, size as u64) {
            let Some(level) = tile.level else { continue };
            let from = (tile.index * 256) << (8 * level);
            let hashes = (0..tile.width).map(|at| from + (at << (8 * level)));
            let hashes = hashes.map(|at| subtree_root(&all[at as usize..(at + (1 << (8 * level))) as usize]).expect("complete"));
            files.insert(tile.path(), encode_hashes(&hashes.collect::<Vec<_>>()));
        }
        let read = std::cell::Cell::new(0);
        let tiles = || {
            read.set(0);
            TileNodes::new(size as u64, |tile: Tile| {
                read.set(read.get() + 1);
                files.get(&tile.path()).and_then(|bytes| decode_hashes(tile, bytes)).ok_or(tile)
            })
        };
        let tree = &all[..size];
        assert_eq!(root_of(&tiles(), size as u64), Ok(head(tree).root));
        for at in [0, 1, 254, 255, 256, 257, 1_000, 65_535, 65_536, size as u64 / 2, size as u64 - 1] {
            let expected = prove_inclusion(tree, size as u64, at).map_err(|never| match never {});
            assert_eq!(prove_inclusion(&tiles(), size as u64, at), expected, "leaf {at} of {size}");
            assert!(read.get() <= 6, "{} tiles for leaf {at} of {size}", read.get());
            let expected = prove_consistency(tree, at, size as u64).map_err(|never| match never {});
            assert_eq!(prove_consistency(&tiles(), at, size as u64), expected, "{at} to {size}");
            assert!(read.get() <= 6, "{} tiles for {at} to {size}", read.get());
        }
    }
}

#[test]
fn bundles_read_back_and_those_that_are_cut_do_not() {
    let long = vec![7; 65_535];
    let records: [&[u8]; 4] = [b"a", b"", b"bc", &long];
    let bytes = encode_bundle(records).expect("they are short enough");
    assert_eq!(decode_bundle(&bytes).as_deref(), Some(&records.map(<[u8]>::to_vec)[..]));
    for cut in [1, 2, 4, 6, 10, bytes.len() - 1] {
        assert_eq!(decode_bundle(&bytes[..cut]), None, "{cut}");
    }
    assert_eq!(encode_bundle([&vec![7; 65_536][..]]), None);
    let tile = Tile { level: Some(0), index: 0, width: 2 };
    assert_eq!(decode_hashes(tile, &[0; 63]), None);
    assert_eq!(decode_hashes(tile, &[0; 96]), None);
    assert_eq!(decode_hashes(tile, &[0; 64]), Some(vec![Digest([0; 32]); 2]));
}
