//! A byte changed anywhere in a store is found, or changes nothing. `flip` tries every byte; this tries some of each file.

use trueup_tests::flip::{flip, images};

/// One byte in so many.
const STRIDE: u64 = 251;

#[test]
fn v35_a_changed_byte_is_found_and_named_or_changes_nothing_that_is_read() {
    for image in images().unwrap() {
        let found = flip(&image, STRIDE, 2).unwrap();
        let slipped: Vec<&String> = found.values().flat_map(|tally| &tally.slipped).collect();
        assert!(slipped.is_empty(), "`{}`: {slipped:#?}", image.name);
        let detected: u64 = found.values().map(|tally| tally.detected).sum();
        assert!(detected > 100, "`{}`: {detected}", image.name);
    }
}
