//! Made-up cases, of which nearly all agree, as in a tenant on an ordinary day. The same in every run.

use trueup_guest::wire::{Batch, Context, Setting, SettingValue};

const AS_OF: i64 = 1_772_323_200;
const DAY: i64 = 86_400;
/// Cases of an identity.
const CASES_EACH: usize = 12;
/// Of so many cases one does not agree.
const ODD_ONE_IN: u64 = 50;
/// Texts of a batch, besides those of its identities.
const TEXTS: u32 = 40;

/// The settings of the rule as it comes.
#[must_use]
pub fn context() -> Context {
    let setting = |name: &str, value| Setting { name: name.to_owned(), value };
    Context {
        as_of: AS_OF,
        settings: vec![
            setting("unused-days", SettingValue::Integer(90)),
            setting("justify-from-tier", SettingValue::Integer(2)),
            setting("require-record", SettingValue::Boolean(true)),
            setting("disable-orphans-from-tier", SettingValue::Integer(2)),
        ],
        flags: 0,
    }
}

/// So many cases in batches of a size.
#[must_use]
pub fn batches(cases: usize, size: usize) -> Vec<Batch> {
    let mut numbers = Numbers(7);
    (0..cases / size.max(1)).map(|_| batch(size, &mut numbers)).collect()
}

/// Numbers that are the same everywhere: 64-bit linear congruential, upper bits.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }

    /// A text of the batch.
    fn text(&mut self) -> u32 {
        1 + self.below(u64::from(TEXTS)) as u32
    }

    /// None, or an instant of the next year: most ends are not recorded.
    fn end(&mut self) -> i64 {
        if self.below(4) == 0 { AS_OF + (1 + self.below(365) as i64) * DAY } else { 0 }
    }
}

fn batch(cases: usize, numbers: &mut Numbers) -> Batch {
    let mut batch = empty(cases);
    for number in 0..TEXTS {
        text(&mut batch, &format!("text {number} of a batch"));
    }
    for first in (0..cases).step_by(CASES_EACH) {
        let name = text(&mut batch, &format!("identity-{first}"));
        batch.identity.push(name);
        batch.identity_ends.push((first + CASES_EACH).min(cases) as u32);
        batch.identity_kind.push(1 + (numbers.below(10) == 0) as u8);
        batch.identity_status.push(1);
        batch.identity_moved_at.push(AS_OF - 400 * DAY);
        batch.identity_ends_at.push(0);
        batch.identity_owner.push(numbers.text());
        for case in first..(first + CASES_EACH).min(cases) {
            push(&mut batch, if case == first { 0 } else { 1 }, name, numbers);
        }
    }
    batch
}

fn push(batch: &mut Batch, subject: u8, holder: u32, numbers: &mut Numbers) {
    let odd = numbers.below(ODD_ONE_IN) == 0;
    let (desired, observed) = if odd { (numbers.below(4) as u8, numbers.below(4) as u8) } else { (1, 1) };
    let why = u8::from(desired == 3) | u8::from(observed == 3) << 4;
    batch.subject.push(subject);
    batch.target.push(numbers.text());
    batch.holder.push(holder);
    batch.object.push(if subject == 0 { 0 } else { numbers.text() });
    batch.desired.push(desired);
    batch.observed.push(observed);
    batch.recorded.push(1);
    batch.unknown_why.push(why);
    batch.differs.push(if odd && desired == 1 && observed == 1 { numbers.below(32) as u32 } else { 0 });
    batch.traits.push(if odd { numbers.below(256) as u32 } else { 1 << 3 });
    batch.desired_expires_at.push(numbers.end());
    batch.observed_expires_at.push(0);
    batch.not_before.push(AS_OF - 300 * DAY);
    batch.last_used.push(AS_OF - numbers.below(80) as i64 * DAY);
    batch.purpose.push(numbers.text());
    batch.record.push(numbers.text());
    batch.approver.push(numbers.text());
    batch.via.push(0);
    batch.tier.push(numbers.below(4) as u8);
}

fn text(batch: &mut Batch, text: &str) -> u32 {
    batch.heap.push_str(text);
    batch.text_ends.push(batch.heap.len() as u32);
    batch.text_ends.len() as u32 - 1
}

/// Room for so many cases; the empty text is there.
fn empty(cases: usize) -> Batch {
    Batch {
        heap: String::new(),
        text_ends: vec![0],
        identity: Vec::new(),
        identity_ends: Vec::new(),
        identity_kind: Vec::new(),
        identity_status: Vec::new(),
        identity_moved_at: Vec::new(),
        identity_ends_at: Vec::new(),
        identity_owner: Vec::new(),
        identity_unit: Vec::new(),
        subject: Vec::with_capacity(cases),
        target: Vec::with_capacity(cases),
        holder: Vec::with_capacity(cases),
        object: Vec::with_capacity(cases),
        desired: Vec::with_capacity(cases),
        observed: Vec::with_capacity(cases),
        recorded: Vec::with_capacity(cases),
        unknown_why: Vec::with_capacity(cases),
        differs: Vec::with_capacity(cases),
        traits: Vec::with_capacity(cases),
        desired_expires_at: Vec::with_capacity(cases),
        observed_expires_at: Vec::with_capacity(cases),
        not_before: Vec::with_capacity(cases),
        last_used: Vec::with_capacity(cases),
        undesired_since: Vec::new(),
        disabled_since: Vec::new(),
        desired_level: Vec::new(),
        observed_level: Vec::new(),
        owner: Vec::new(),
        purpose: Vec::with_capacity(cases),
        observed_purpose: Vec::new(),
        record: Vec::with_capacity(cases),
        approver: Vec::with_capacity(cases),
        via: Vec::with_capacity(cases),
        replaces: Vec::new(),
        tier: Vec::with_capacity(cases),
        exclusion: Vec::new(),
        vendor: Vec::new(),
    }
}
