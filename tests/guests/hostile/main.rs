//! A rule with many ways to misbehave. What happens when it starts or describes itself is picked by a name that a test writes into
//! the built component, where `FORM` says; what happens for a batch with the identity `poison` by the setting `form`; what happens
//! for canonical keys by the keys. Otherwise it keeps everything.
#![cfg(target_arch = "wasm32")]

use std::hint::black_box;
use std::mem::ManuallyDrop;

use trueup_test_guests::trueup::rules::log::write;
use trueup_test_guests::{
    Batch, Context, Guest, Reason, RuleError, RuleInfo, SettingValue, Verdicts, all, export_rule, form, info, poisoned,
};

/// Where a test writes the name, behind the colon: 20 bytes, filled up with blanks.
#[used]
static FORM: [u8; 36] = *b"trueup-test-may:                    ";

/// As many empty texts as are more than a host takes at once.
const TEXTS: usize = 800_000;
/// As many items as make a list huge though each is tiny.
const ITEMS: usize = 1_500_000;
/// Lines that a fast guest can write in two seconds.
const LINES: usize = 8_000_000;
const MIB: usize = 1 << 20;

/// Whether this name was written into it.
fn is(name: &str) -> bool {
    // Read where it stands: what the compiler sees there is not what runs.
    let form = unsafe { std::ptr::read_volatile(&raw const FORM) };
    form[16..].trim_ascii_end() == name.as_bytes()
}

/// Runs before any other function.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    if is("start-loop") {
        endless();
    }
    if is("start-pages") {
        while pages(1) {}
        endless();
    }
    if is("start-trap") {
        core::arch::wasm32::unreachable();
    }
}

fn endless() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Grows memory; false: it does not get more.
fn pages(count: usize) -> bool {
    core::arch::wasm32::memory_grow(0, count) != usize::MAX
}

/// Takes a stack frame of a whole MiB, again and again.
fn frames(depth: u64) -> u64 {
    let mut frame = [black_box(depth); MIB / 8];
    black_box(&mut frame);
    if depth == u64::MAX { 0 } else { frames(depth + 1) + frame[depth as usize % frame.len()] }
}

fn texts(count: usize, text: &str) -> Vec<String> {
    vec![text.to_owned(); count]
}

struct Module;

impl Guest for Module {
    fn describe() -> RuleInfo {
        let mut told = info("hostile");
        let reason = |code: &str| Reason { code: code.into(), text: String::new() };
        if is("describe-trap") {
            core::arch::wasm32::unreachable();
        }
        if is("describe-loop") {
            endless();
        }
        if is("describe-flood") {
            (0..LINES).for_each(|_| write(2, "flood"));
        }
        if is("describe-columns") {
            told.columns = texts(TEXTS, "");
        }
        if is("describe-reasons") {
            told.reasons = (0..65_536).map(|_| reason("r")).collect();
        }
        if is("describe-items") {
            told.reasons = (0..70_000).map(|_| reason("r")).collect();
        }
        if is("describe-texts") {
            told.columns = texts(ITEMS, "t");
        }
        if is("describe-most") {
            // What a host of the usual limits just takes.
            told.columns = texts(600_000, "t");
        }
        if is("describe-name") {
            told.name = "n".repeat(10 * MIB);
        }
        if is("describe-forged") {
            told.name = "hostile\n\u{1b}[2J[info] all is well".into();
        }
        if is("describe-twins") {
            told.reasons = vec![reason("twin"), reason("twin")];
        }
        if is("describe-default") {
            told.settings[0].default = Some(SettingValue::Boolean(true));
        }
        if is("describe-prose") {
            told.reasons[0].text = "t".repeat(2_000);
        }
        RuleInfo { canonical: true, ..told }
    }

    fn judge(context: Context, batch: Batch) -> Result<Verdicts, RuleError> {
        let answer = all(&batch, 0);
        if poisoned(&batch) { misjudge(form(&context), answer) } else { Ok(answer) }
    }

    fn canon(_: u8, keys: Vec<String>) -> Vec<String> {
        match keys.first().map(String::as_str) {
            Some("trap") => core::arch::wasm32::unreachable(),
            Some("items") => texts(TEXTS, ""),
            _ => keys,
        }
    }
}

fn misjudge(form: &str, mut answer: Verdicts) -> Result<Verdicts, RuleError> {
    let error = |message: String| Err(RuleError { code: "hostile".into(), message, case: None });
    match form {
        "frames" => drop(black_box(frames(0))),
        // Goes on with what it gets.
        "pages" => while pages(1) {},
        "pages-loop" => loop {
            pages(1);
        },
        "items" => answer.case = (0..ITEMS as u32).collect(),
        "all-columns" => {
            answer.case = vec![0; ITEMS];
            (answer.effect, answer.tier, answer.flags) = (vec![0; ITEMS], vec![0; ITEMS], vec![0; ITEMS]);
            (answer.reason, answer.rank, answer.mask) = (vec![0; ITEMS], vec![0; ITEMS], vec![0; ITEMS]);
            (answer.after, answer.until) = (vec![0; ITEMS], vec![0; ITEMS]);
        }
        // A list that lies outside of all memory.
        "wild-list" => {
            return Ok(Verdicts { case: unsafe { Vec::from_raw_parts(0xffff_0000_usize as *mut u32, 9_999, 9_999) }, ..answer });
        }
        // More bytes than an address can tell.
        "endless-list" => {
            let list = ManuallyDrop::new(vec![0_i64; 1]);
            return Ok(Verdicts { until: unsafe { Vec::from_raw_parts(list.as_ptr().cast_mut(), 1 << 29, 1 << 29) }, ..answer });
        }
        "odd-list" => {
            let list = ManuallyDrop::new(vec![0_u8; 64]);
            let odd = unsafe { list.as_ptr().cast_mut().add(1) };
            return Ok(Verdicts { case: unsafe { Vec::from_raw_parts(odd.cast::<u32>(), 1, 1) }, ..answer });
        }
        "bad-text" => return error(unsafe { String::from_utf8_unchecked(vec![b'a', 0xff, 0xfe]) }),
        "long-error" => return error("\u{1b}".repeat(10 * MIB)),
        "longer-error" => return error("e".repeat(20 * MIB)),
        "empty-lines" => (0..LINES).for_each(|_| write(2, "")),
        "long-line" => write(2, &"\u{202e}".repeat(5 * MIB)),
        "longer-line" => write(2, &"l".repeat(20 * MIB)),
        _ => {}
    }
    Ok(answer)
}

export_rule!(Module with_types_in trueup_test_guests);
