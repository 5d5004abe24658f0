//! Writes core modules at random, each from a seed of its own: `smith FIRST COUNT`, with the module whose imports and exports all
//! shall have at standard input. Each is written to standard output behind its length in four bytes, lowest first; length 0:
//! none came of this seed. Knows nothing of rules.

use std::error::Error;
use std::io::{self, Read as _, Write as _};

use arbitrary::{Arbitrary as _, Unstructured};
use wasm_smith::{Config, Module};

/// Random bytes of which one module is made; what it is made of ends with them.
const LEAST_BYTES: u64 = 256;
const MOST_BYTES: u64 = 6_144;
/// One module of so many may use whatever WebAssembly has; the others what a rule may use.
const ANYTHING: u64 = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<u64>());
    let (Some(first), Some(count)) = (numbers.next().transpose()?, numbers.next().transpose()?) else {
        return Err("say which seed is the first, and how many there are".into());
    };
    let mut shape = Vec::new();
    io::stdin().lock().read_to_end(&mut shape)?;
    let mut out = io::stdout().lock();
    for seed in first..first.saturating_add(count) {
        let bytes = module(seed, &shape).map(|module| module.to_bytes()).unwrap_or_default();
        out.write_all(&u32::try_from(bytes.len())?.to_le_bytes())?;
        out.write_all(&bytes)?;
    }
    Ok(out.flush()?)
}

fn module(seed: u64, shape: &[u8]) -> arbitrary::Result<Module> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let length = LEAST_BYTES + next() % (MOST_BYTES - LEAST_BYTES);
    let bytes: Vec<u8> = (0..length).map(|_| (next() >> 32) as u8).collect();
    let mut bytes = Unstructured::new(&bytes);
    let mut config = Config::arbitrary(&mut bytes)?;
    config.module_shape = Some(shape.to_vec());
    // What the shape itself needs.
    (config.bulk_memory_enabled, config.multi_value_enabled) = (true, true);
    (config.sign_extension_ops_enabled, config.saturating_float_to_int_enabled) = (true, true);
    (config.simd_enabled, config.extended_const_enabled) = (true, true);
    if !seed.is_multiple_of(ANYTHING) {
        (config.relaxed_simd_enabled, config.exceptions_enabled, config.threads_enabled) = (false, false, false);
        (config.tail_call_enabled, config.gc_enabled, config.memory64_enabled) = (false, false, false);
        (config.compact_imports_enabled, config.max_memories, config.max_tags) = (false, 1, 0);
        // With them come references to things of the host, of which a rule has none.
        config.reference_types_enabled = false;
    }
    Module::new(config, &mut bytes)
}
