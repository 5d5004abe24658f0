//! A rule of thousands of functions, each in the table and called through it.
#![cfg(target_arch = "wasm32")]

use std::hint::black_box;

use trueup_test_guests::{Batch, Context, RuleError, Verdicts, all, module};

/// A function of its own for each number.
macro_rules! ten {
    ($n:expr) => {
        [
            f::<{ $n * 10 }>,
            f::<{ $n * 10 + 1 }>,
            f::<{ $n * 10 + 2 }>,
            f::<{ $n * 10 + 3 }>,
            f::<{ $n * 10 + 4 }>,
            f::<{ $n * 10 + 5 }>,
            f::<{ $n * 10 + 6 }>,
            f::<{ $n * 10 + 7 }>,
            f::<{ $n * 10 + 8 }>,
            f::<{ $n * 10 + 9 }>,
        ]
    };
}

macro_rules! hundreds {
    ($($n:literal)*) => {
        [$([
            ten!($n * 10), ten!($n * 10 + 1), ten!($n * 10 + 2), ten!($n * 10 + 3), ten!($n * 10 + 4), ten!($n * 10 + 5),
            ten!($n * 10 + 6), ten!($n * 10 + 7), ten!($n * 10 + 8), ten!($n * 10 + 9),
        ]),*]
    };
}

fn f<const N: u32>(value: u32) -> u32 {
    value.rotate_left(N % 31) ^ N
}

static FUNCTIONS: [[[fn(u32) -> u32; 10]; 10]; 20] = hundreds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);

fn judge(context: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    let all_of_them = FUNCTIONS.iter().flatten().flatten();
    let sum = all_of_them.fold(context.as_of as u32, |sum, function| function(black_box(sum)));
    let answer = all(batch, 0);
    Ok(Verdicts { rank: vec![sum as i16; answer.case.len()], ..answer })
}

module!("many-functions", judge);
