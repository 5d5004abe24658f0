//! `trueup audit checkpoint`, `prove`, `export`, `key`, and proofs that are verified offline.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::args::{KeyCommand, ProofArgs, ProveArgs};
use super::config::Config;
use super::exit::{Exit, Failure, Outcome};
use super::style::{BOLD, CYAN, DIM, GREEN, YELLOW, count, paint, plural, safe};
use super::{Terminal, open};
use crate::audit::{LogHead, RecordProof, VerifierKey};
use crate::engine::{Engine, EngineError};
use crate::limits::{PROOF_FILE_BYTES, WITNESS_SETTLE_SECONDS};
use crate::notary::{Keyring, witnessed};

/// `trueup audit checkpoint`: signs what is committed and tells how far witnesses are behind.
pub(super) fn checkpoint(terminal: &mut Terminal<'_>) -> Outcome {
    let engine = open::notary(terminal)?;
    engine.notary()?;
    let signed = engine.checkpoint()?;
    let lags = engine.settle_witnesses(Duration::from_secs(WITNESS_SETTLE_SECONDS));
    if terminal.common.json {
        terminal.json(&json!({ "checkpoint": signed, "witnesses": lags }))?;
        return Ok(Exit::Done);
    }
    match signed {
        Some(note) => write!(terminal.out, "{note}")?,
        None => writeln!(terminal.out, "the log is empty")?,
    }
    for lag in lags {
        let behind = match lag.checkpoints {
            0 => paint(GREEN, "has everything"),
            behind => paint(YELLOW, format_args!("is {} behind", plural(behind, "checkpoint"))),
        };
        let problem = lag.problem.map(|problem| format!(": {}", safe(&problem))).unwrap_or_default();
        writeln!(terminal.out, "witness {} {behind}{problem}", paint(BOLD, &lag.witness))?;
    }
    Ok(Exit::Done)
}

/// `trueup audit prove`.
pub(super) fn prove(terminal: &mut Terminal<'_>, args: &ProveArgs) -> Outcome {
    let engine = open::signer(terminal)?;
    let proof = match (args.leaf, args.since) {
        (Some(leaf), _) => engine.prove(leaf, args.tiles.as_deref())?.to_text().map_err(EngineError::from)?,
        (None, old) => engine.prove_growth(old.unwrap_or(0))?.to_text(),
    };
    let Some(path) = &args.out else {
        write!(terminal.out, "{proof}")?;
        return Ok(Exit::Done);
    };
    fs::File::create(path).and_then(|mut file| file.write_all(proof.as_bytes())).map_err(unwritable(path))?;
    if terminal.common.json {
        terminal.json(&json!({ "proof": path }))?;
    } else {
        let keys = engine.notary()?.verifiers();
        let key = keys.last().map(ToString::to_string).unwrap_or_default();
        let command = format!("trueup audit verify --proof {} --key {key}", path.display());
        writeln!(terminal.out, "anybody can check it with {}", paint(CYAN, command))?;
    }
    Ok(Exit::Done)
}

/// `trueup audit export`.
pub(super) fn export(terminal: &mut Terminal<'_>, folder: &Path) -> Outcome {
    let done = open::signer(terminal)?.export_tiles(folder)?;
    if terminal.common.json {
        terminal.json(&done)?;
    } else {
        let new = count(done.size - done.before);
        writeln!(terminal.out, "{} leaves, {new} of them new, in `{}`", count(done.size), folder.display())?;
        if done.pruned > 0 {
            let gone = count(done.pruned);
            writeln!(terminal.out, "records of {gone} were pruned: their hashes are there, and no bundle that one was in")?;
        }
    }
    Ok(Exit::Done)
}

/// `trueup audit key …`.
pub(super) fn key(terminal: &mut Terminal<'_>, command: &KeyCommand) -> Outcome {
    let keys = match command {
        KeyCommand::New { name } => {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(|error| EngineError::Randomness(error.to_string()))?;
            Keyring::create(&folder(terminal)?, name, seed).map_err(EngineError::from)?.verifiers()
        }
        KeyCommand::Rotate { name } => {
            let engine = open::engine(terminal)?;
            engine.rotate_key(name.as_deref())?;
            engine.notary()?.verifiers()
        }
        KeyCommand::Retire => {
            let engine = open::signer(terminal)?;
            engine.notary()?.retire().map_err(EngineError::from)?;
            engine.notary()?.verifiers()
        }
        KeyCommand::Show => Keyring::open(&folder(terminal)?).map_err(EngineError::from)?.verifiers(),
    };
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    if terminal.common.json {
        terminal.json(&json!({ "keys": keys }))?;
    } else {
        keys.iter().try_for_each(|key| writeln!(terminal.out, "{key}"))?;
    }
    Ok(Exit::Done)
}

fn folder(terminal: &Terminal<'_>) -> Outcome<PathBuf> {
    Config::read(&terminal.common.config)?.audit.keys.ok_or_else(|| {
        Failure::new(
            Exit::Config,
            anyhow::anyhow!("no folder of keys is configured"),
            "name one outside of the store, in `[audit]` of the configuration: `keys = \"keys\"`",
        )
    })
}

/// `trueup audit verify --proof`: needs no configuration and no store.
pub(super) fn verify_proof(terminal: &mut Terminal<'_>, args: &ProofArgs, file: &Path) -> Outcome {
    let keys = keys(&args.keys)?;
    let origin = args.origin.as_deref().or(keys.first().map(VerifierKey::name)).unwrap_or_default();
    let bytes = read(file, PROOF_FILE_BYTES)?;
    let proof = RecordProof::parse(&bytes).map_err(refused)?;
    let record = args.record.as_deref().map(|path| read(path, PROOF_FILE_BYTES)).transpose()?;
    let record = record.as_deref().unwrap_or(&proof.extra);
    let checkpoint = proof.verify(record, origin, &keys).map_err(refused)?;
    let text = String::from_utf8_lossy(record);
    if terminal.common.json {
        let LogHead { size, root } = checkpoint.head;
        terminal.json(&json!({
            "verified": true, "origin": checkpoint.origin, "index": proof.index, "size": size, "root": root, "record": text
        }))?;
        return Ok(Exit::Done);
    }
    let place = format!("leaf {} of {} in the log `{}`", proof.index, count(checkpoint.head.size), safe(&checkpoint.origin));
    writeln!(terminal.out, "{}  this record is {place}", paint(GREEN, "the proof verifies"))?;
    writeln!(terminal.out, "{}", paint(DIM, safe(&text)))?;
    Ok(Exit::Done)
}

/// Heads that a witness kept, and which the log must go through.
pub(super) fn kept(engine: &Engine, args: &ProofArgs) -> Outcome<Vec<LogHead>> {
    let mut keys = keys(&args.keys)?;
    let mut origin = args.origin.clone();
    if let Ok(notary) = engine.notary() {
        keys.extend(notary.verifiers());
        origin = origin.or_else(|| Some(notary.origin()));
    }
    let origin = origin.or_else(|| keys.first().map(|key| key.name().to_owned())).unwrap_or_default();
    let mut heads = Vec::new();
    for path in &args.seen {
        let file = fs::File::open(path).map_err(unreadable(path))?;
        let found = witnessed(std::io::BufReader::new(file), &origin, &keys).map_err(unreadable(path))?;
        if found.checkpoints.is_empty() {
            let message = anyhow::anyhow!("`{}` holds no checkpoint of `{origin}` that a known key signed", path.display());
            return Err(Failure::new(Exit::NotFound, message, "name the key that signed them with --key"));
        }
        heads.extend(found.checkpoints.iter().map(|checkpoint| checkpoint.head));
    }
    Ok(heads)
}

fn keys(texts: &[String]) -> Outcome<Vec<VerifierKey>> {
    let wrong = |error| Failure::new(Exit::Usage, error, "a verifier key is a text like `example.com/log+0123abcd+AQ…`");
    texts.iter().map(|text| VerifierKey::parse(text).map_err(wrong)).collect()
}

fn refused(error: crate::audit::ProofFileError) -> Failure {
    Failure::new(Exit::Audit, error, "the record, the proof or the key is another; nothing is shown")
}

fn read(path: &Path, most: usize) -> Outcome<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(unreadable(path))
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let path = path.display().to_string();
    move |error| {
        let message = anyhow::Error::new(error).context(format!("cannot read `{path}`"));
        Failure::new(Exit::NotFound, message, "name a file that is there and may be read")
    }
}

fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let path = path.display().to_string();
    move |error| {
        let message = anyhow::Error::new(error).context(format!("cannot write `{path}`"));
        Failure::new(Exit::Unwritable, message, "choose another place with --out")
    }
}
