//! A rule whose answers are made of sums and roots of floating-point numbers, and of the bits of those that are none.
#![cfg(target_arch = "wasm32")]

use std::hint::black_box;

use trueup_test_guests::{Batch, Context, RuleError, Verdicts, all, module};

fn judge(context: &Context, batch: &Batch) -> Result<Verdicts, RuleError> {
    let mut answer = all(batch, 0);
    let (mut sum, mut bits) = (context.as_of as f64 / 3.0, 0_u64);
    for case in 0..answer.case.len() {
        let zero = black_box(0.0_f64);
        let none = [zero / zero, -(zero / zero), (-1.0 - zero).sqrt(), f64::INFINITY - black_box(f64::INFINITY)];
        let small = [black_box(f32::NAN), -black_box(f32::NAN), f32::from_bits(black_box(0x7fa0_0001)) + 1.0];
        sum = (sum * 1.000_001 + f64::from(batch.holder[case]).sqrt()) / 0.999 + f64::MIN_POSITIVE;
        for number in none.iter().chain(&small.map(f64::from)).chain(&[sum, f64::from(sum as f32), zero.min(none[0])]) {
            bits = bits.rotate_left(7).wrapping_add(number.to_bits());
        }
        let small = small.iter().fold(0_u32, |all, number| all.rotate_left(5) ^ number.to_bits());
        answer.rank.push((bits >> 13) as i16 ^ small as i16);
        answer.tier.push((bits >> 61) as u8 & 3);
    }
    Ok(answer)
}

module!("floats", judge);
