//! How long it takes to prove something of a large log: that a record is in it, and that it only grew; over the ledger, and over
//! exported tiles.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use trueup::audit::{Checkpoint, LogHead, check_consistency};
use trueup::notary::{Keyring, LedgerNodes, Notary, TileFolder};

use super::super::Sizes;
use super::super::machine::timed;
use super::super::summary::{Figure, Summary, number};
use super::{Log, TENANT};

const ORIGIN: &str = "example.com/audit/bench";

/// Signs the log, and proves at places that are spread over it.
pub(super) fn measure(sizes: &Sizes, log: &Log, work: &Path, summary: &mut Summary<'_>) -> Result<()> {
    summary.say("proving …")?;
    let notary = Notary::new(Keyring::create(&work.join("keys"), ORIGIN, [1; 32])?, &work.join("checkpoints"));
    let (signing, note) = timed(|| Ok(notary.sign(&log.ledger, TENANT)?))?;
    ensure!(note.is_some(), "nothing was signed");
    let folder = TileFolder::new(&work.join("tiles"));
    let (exporting, exported) = timed(|| Ok(notary.export(&log.ledger, TENANT, &folder)?))?;
    let size = log.head.size;
    let signed = |figure: Figure| {
        figure.with("first signing, s", number(signing.as_secs_f64())).with("exporting tiles, s", number(exporting.as_secs_f64()))
    };

    let nodes = LedgerNodes::new(&log.ledger, TENANT);
    let record = samples(sizes.proved, size, |at| notary.prove(&log.ledger, TENANT, at).map(drop).map_err(Into::into))?;
    tell("proof of a record, over the ledger", &record, size, summary, signed)?;
    let grown = samples(sizes.proved, size, |at| notary.prove_growth(&nodes, at + 1).map(drop).map_err(Into::into))?;
    tell("proof of growth, over the ledger", &grown, size, summary, signed)?;

    let tiles = folder.nodes(size);
    let often = sizes.proved * 25;
    let record = samples(often, size, |at| notary.prove_over(&tiles, &log.ledger, TENANT, at).map(drop).map_err(Into::into))?;
    tell("proof of a record, over tiles", &record, size, summary, |figure| figure.with("tiles and bundles", exported.files))?;
    let grown = samples(often, size, |at| notary.prove_growth(&tiles, at + 1).map(drop).map_err(Into::into))?;
    tell("proof of growth, over tiles", &grown, size, summary, |figure| figure.with("tiles and bundles", exported.files))?;
    sound(&notary, &tiles, log.head)
}

/// Times of so many calls, in milliseconds and in order, each at another place.
fn samples(count: u64, size: u64, mut prove: impl FnMut(u64) -> Result<()>) -> Result<Vec<f64>> {
    // An odd stride that shares nothing with most sizes: near the golden ratio, so that places are spread evenly.
    let stride = (size as f64 * 0.618) as u64 | 1;
    let time = |n: u64| timed(|| prove(n * stride % size)).map(|(time, ()): (Duration, ())| time.as_secs_f64() * 1e3);
    let mut times = (1..=count).map(time).collect::<Result<Vec<f64>>>()?;
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn tell(name: &str, times: &[f64], size: u64, summary: &mut Summary<'_>, more: impl Fn(Figure) -> Figure) -> Result<()> {
    for percent in [50, 99] {
        let at = (times.len() * percent / 100).min(times.len() - 1);
        let figure = Figure::new(&format!("{name}, p{percent}"), times.get(at).copied().unwrap_or(f64::NAN), "ms");
        summary.add(more(figure).with("leaves", size).with("samples", times.len()).with("threads", 1))?;
    }
    Ok(())
}

/// One of the proofs of growth, as whoever is shown it checks it: proofs that prove nothing would be measured in vain.
fn sound<N>(notary: &Notary, nodes: &N, head: LogHead) -> Result<()>
where
    N: trueup::audit::Nodes,
    trueup::notary::NotaryError: From<N::Error>,
{
    let old = LogHead {
        size: head.size / 2,
        root: trueup::audit::root_of(nodes, head.size / 2).map_err(trueup::notary::NotaryError::from)?,
    };
    let growth = notary.prove_growth(nodes, old.size)?;
    let now = Checkpoint::open(growth.checkpoint.as_bytes(), ORIGIN, &notary.verifiers())?;
    ensure!(now.head == head, "another head was signed");
    Ok(check_consistency(old, now.head, &growth.hashes)?)
}
