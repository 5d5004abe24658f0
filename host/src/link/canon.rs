//! Asks the rule for canonical forms and holds it to its promises. Owns the checks, not the use.

use super::links::{Canon, LinkError};
use crate::limits::FIELD_BYTES;
use crate::model::{Sym, Symbols};

/// For each symbol the symbol that it compares as: its canonical form if it is among `keys`, else itself. Empty when each is
/// compared as itself.
pub(super) fn canonical<E>(
    symbols: &mut Symbols,
    kind: u8,
    mut keys: Vec<Sym>,
    canon: Option<&mut Canon<'_, E>>,
) -> Result<Vec<Sym>, LinkError<E>> {
    let Some(canon) = canon else { return Ok(Vec::new()) };
    keys.sort_by(|&a, &b| symbols.text(a).cmp(symbols.text(b)));
    let answers = ask(symbols, kind, &keys, canon)?;
    let answers: Vec<Sym> = answers.iter().map(|text| symbols.intern(text)).collect();
    let mut map: Vec<Sym> = symbols.iter().map(|(sym, _)| sym).collect();
    for (key, answer) in keys.iter().zip(&answers) {
        if let Some(slot) = map.get_mut(key.0 as usize) {
            *slot = *answer;
        }
    }
    stable(symbols, kind, &keys, &answers, &map, canon)?;
    Ok(if keys == answers { Vec::new() } else { map })
}

/// The canonical form of a canonical form is itself: else what compares equal would depend on who is asked first.
fn stable<E>(
    symbols: &Symbols,
    kind: u8,
    keys: &[Sym],
    answers: &[Sym],
    map: &[Sym],
    canon: &mut Canon<'_, E>,
) -> Result<(), LinkError<E>> {
    let unstable = |once: Sym, twice: &str| LinkError::Unstable {
        key: keys.iter().zip(answers).find(|(_, answer)| **answer == once).map_or("", |(key, _)| symbols.text(*key)).to_owned(),
        once: symbols.text(once).to_owned(),
        twice: twice.to_owned(),
    };
    let mut asked = vec![false; symbols.len()];
    keys.iter().filter_map(|key| asked.get_mut(key.0 as usize).map(|slot| *slot = true)).for_each(drop);
    let mut fresh = Vec::new();
    for &answer in answers {
        match asked.get_mut(answer.0 as usize) {
            Some(known) if !*known => {
                *known = true;
                fresh.push(answer);
            }
            _ => match map.get(answer.0 as usize) {
                Some(&twice) if twice != answer => return Err(unstable(answer, symbols.text(twice))),
                _ => {}
            },
        }
    }
    if fresh.is_empty() {
        return Ok(());
    }
    fresh.sort_by(|&a, &b| symbols.text(a).cmp(symbols.text(b)));
    for (once, twice) in fresh.iter().zip(ask(symbols, kind, &fresh, canon)?) {
        if symbols.text(*once) != twice {
            return Err(unstable(*once, &twice));
        }
    }
    Ok(())
}

/// One call, with one usable answer for each key.
fn ask<E>(symbols: &Symbols, kind: u8, keys: &[Sym], canon: &mut Canon<'_, E>) -> Result<Vec<String>, LinkError<E>> {
    let texts: Vec<&str> = keys.iter().map(|key| symbols.text(*key)).collect();
    let answers = canon(kind, &texts).map_err(LinkError::Canon)?;
    if answers.len() != texts.len() {
        return Err(LinkError::Count { asked: texts.len(), got: answers.len() });
    }
    match texts.iter().zip(&answers).find(|(_, answer)| answer.is_empty() || answer.len() > FIELD_BYTES) {
        Some((key, answer)) => Err(LinkError::Length { key: (*key).to_owned(), bytes: answer.len() }),
        None => Ok(answers),
    }
}
