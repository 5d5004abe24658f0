//! Where a rule spends its fuel: its cases are judged again and again, each time with a little more fuel, and the stack is looked
//! at where it ends. Fuel is counted and no clock is read, so that the same sources give the same profile on any machine. The
//! component is the shipped one, with stops that cost nothing and with the names that shipping leaves out.

mod names;
mod stops;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use trueup_cases::{CaseFile, Columns, find};

use super::build::{encode, unstripped};
use super::{AuthorError, BuildError, BuildOptions};
use crate::limits::{PROFILE_SAMPLES, PROFILE_SAMPLES_OF_A_FILE};
use crate::rule::{Called, Module, RuleLimits, engine_for_stacks};
use names::{Named, Names, is_standard, readable};
use stops::Stopping;

/// Where a rule's fuel goes, over its cases.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Profile {
    /// The rule, as name@version.
    pub rule: String,
    /// Cases that were judged.
    pub cases: u64,
    /// Fuel that judging them takes.
    pub fuel: u64,
    /// Places at which the rule was stopped. With 2,000 of them a share of a tenth is told within 1.4 hundredths, 19 times of 20.
    pub samples: u64,
    /// Functions, those first that spend most by themselves.
    pub functions: Vec<FunctionShare>,
    /// Case files, those first whose cases take most.
    pub files: Vec<FileShare>,
    /// Stacks with the fuel that was spent there, the outermost function first, names joined by semicolons: "folded stacks", which
    /// programs that draw flame graphs read.
    pub stacks: BTreeMap<String, u64>,
}

/// What a function spends.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FunctionShare {
    /// Its name. What the compiler put into other functions is still told by its own name, but for the standard library's.
    pub function: String,
    /// Fuel that it spends by itself.
    pub fuel: u64,
    /// The same in thousandths of all.
    pub permille: u64,
    /// Fuel of it and of all that it calls, in thousandths of all.
    pub whole_permille: u64,
    /// The line where most of its own is spent, as file:line; empty where no line is known.
    pub line: String,
}

/// What a case file takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileShare {
    /// The file.
    pub file: String,
    /// Its cases.
    pub cases: u64,
    /// Fuel of one call over all of them.
    pub fuel: u64,
    /// Fuel per case.
    pub fuel_per_case: u64,
    /// The function that spends most in it, by itself.
    pub function: String,
    /// What that function spends, in thousandths of the file's.
    pub permille: u64,
}

/// Profiles the rule in a folder over its cases.
///
/// # Errors
/// When the rule does not build, is not admitted, or its cases cannot be read.
pub fn profile(dir: &Path, build: &BuildOptions) -> Result<Profile, AuthorError> {
    let (name, module) = unstripped(dir, build)?;
    let encoding = |problem: String| BuildError::Encode { name: name.clone(), problem };
    let stopping = Stopping::of(&module).map_err(|error| encoding(error.to_string()))?;
    let component = encode(&stopping.module).map_err(|unfit| encoding(unfit.to_string()))?;
    let rule = Module::load(&engine_for_stacks(&RuleLimits::default())?, &component)?;
    let files = read(&rule, dir)?;
    let sampler = Sampler { rule: &rule, stopping: &stopping, names: Names::of(&module), dir };
    let fuel: u64 = files.iter().map(|file| file.fuel).sum();
    let mut tally = Tally::default();
    let mut shares = Vec::new();
    for file in &files {
        let before = tally.own.clone();
        sampler.sample(file, fuel, &mut tally);
        shares.push(tally.share(file, &before));
    }
    shares.sort_by_key(|share| std::cmp::Reverse(share.fuel_per_case));
    let cases = files.iter().map(|file| file.cases.cases.len() as u64).sum();
    let label = rule.facts().label();
    Ok(tally.finish(label, cases, fuel, shares))
}

/// A case file, ready to be judged.
struct Judged {
    cases: CaseFile,
    columns: Columns,
    fuel: u64,
}

fn read(rule: &Module, dir: &Path) -> Result<Vec<Judged>, AuthorError> {
    let mut files = Vec::new();
    for path in find(&dir.join("cases"))? {
        let text = std::fs::read_to_string(&path).map_err(|source| AuthorError::Read { path: path.clone(), source })?;
        let cases = CaseFile::parse(&path, &text)?;
        let mut columns = cases.columns.clone();
        columns.keep_only(&rule.column_names());
        let fuel = rule.judge_columns(&cases.context, &columns).fuel;
        files.push(Judged { cases, columns, fuel });
    }
    if files.is_empty() {
        return Err(AuthorError::NoCases(dir.to_owned()));
    }
    Ok(files)
}

struct Sampler<'a> {
    rule: &'a Module,
    stopping: &'a Stopping,
    names: Names<'a>,
    dir: &'a Path,
}

impl Sampler<'_> {
    /// Stops the rule in a file as often as its share of all fuel asks for: in each of so many equal stretches once, somewhere in
    /// it, so that what comes back at even distances is not always met or always missed.
    fn sample(&self, file: &Judged, all: u64, tally: &mut Tally) {
        let share = u128::from(PROFILE_SAMPLES) * u128::from(file.fuel) / u128::from(all.max(1));
        let samples = u64::try_from(share).unwrap_or(PROFILE_SAMPLES).max(PROFILE_SAMPLES_OF_A_FILE).min(file.fuel);
        let mut noise = 0x5eed_u64;
        for sample in 0..samples {
            let at = |sample: u64| u64::try_from(u128::from(file.fuel) * u128::from(sample) / u128::from(samples)).unwrap_or(0);
            let (from, to) = (at(sample), at(sample + 1));
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let fuel = from + 1 + (noise >> 33) % (to - from).max(1);
            let stack = self.rule.stack_at(&file.cases.context, &file.columns, fuel).unwrap_or_default();
            tally.add(&self.told(&stack), to - from);
        }
    }

    /// A stack in names, the innermost first, without what the compiler put in from the standard library.
    fn told(&self, stack: &[Called]) -> Vec<Named> {
        let mut told = Vec::new();
        for called in stack {
            let fallback = called.name.as_deref().map_or_else(|| format!("function {}", called.function), readable);
            let alone = |function: String| vec![Named { function, line: None }];
            let mut frames = match called.own.then(|| self.stopping.place(called.function, called.offset)).flatten() {
                Some(place) => self.names.at(place),
                None => alone("(the way to the host)".to_owned()),
            };
            if frames.is_empty() {
                frames = alone(fallback);
            }
            let last = frames.len() - 1;
            let own = frames.into_iter().enumerate().filter(|(at, frame)| *at == last || !is_standard(frame));
            told.extend(own.map(|(_, Named { function, line })| Named { function, line: line.map(|at| self.short(at)) }));
        }
        // A function and its closure have one name: the inner line is the one that is at work.
        told.dedup_by(|outer, inner| outer.function == inner.function);
        told
    }

    /// A file below the crate as it is called there; one elsewhere by its last folders.
    fn short(&self, (file, line): (String, u32)) -> (String, u32) {
        let dir = std::fs::canonicalize(self.dir).unwrap_or_default();
        if let Ok(below) = Path::new(&file).strip_prefix(&dir) {
            return (below.display().to_string(), line);
        }
        let parts: Vec<&str> = file.split('/').collect();
        (parts.get(parts.len().saturating_sub(3)..).unwrap_or_default().join("/"), line)
    }
}

/// What was found so far.
#[derive(Default)]
struct Tally {
    samples: u64,
    own: BTreeMap<String, u64>,
    whole: BTreeMap<String, u64>,
    lines: BTreeMap<String, BTreeMap<(String, u32), u64>>,
    stacks: BTreeMap<String, u64>,
}

impl Tally {
    fn add(&mut self, stack: &[Named], fuel: u64) {
        self.samples += 1;
        // A call that ended before: what taking its answer out costs is no function's.
        let Some(Named { function, line }) = stack.first() else { return };
        *self.own.entry(function.clone()).or_default() += fuel;
        if let Some(line) = line {
            *self.lines.entry(function.clone()).or_default().entry(line.clone()).or_default() += fuel;
        }
        for function in stack.iter().map(|named| &named.function).collect::<BTreeSet<_>>() {
            *self.whole.entry(function.clone()).or_default() += fuel;
        }
        let folded: Vec<String> = stack.iter().rev().map(|named| named.function.replace(';', ",")).collect();
        *self.stacks.entry(folded.join(";")).or_default() += fuel;
    }

    /// What a file added.
    fn share(&self, file: &Judged, before: &BTreeMap<String, u64>) -> FileShare {
        let added = self.own.iter().map(|(function, fuel)| (fuel - before.get(function).unwrap_or(&0), function));
        let (most, function) = added.max().map_or((0, String::new()), |(fuel, function)| (fuel, function.clone()));
        let cases = (file.cases.cases.len() as u64).max(1);
        FileShare {
            file: file.cases.path.display().to_string(),
            cases,
            fuel: file.fuel,
            fuel_per_case: file.fuel / cases,
            function,
            permille: permille(most, file.fuel),
        }
    }

    fn finish(self, rule: String, cases: u64, fuel: u64, files: Vec<FileShare>) -> Profile {
        let line = |function: &str| {
            let lines = self.lines.get(function).into_iter().flatten();
            lines.max_by_key(|(_, fuel)| **fuel).map_or_else(String::new, |((file, line), _)| format!("{file}:{line}"))
        };
        let function = |(function, whole): (&String, &u64)| {
            let own = self.own.get(function).copied().unwrap_or_default();
            FunctionShare {
                function: function.clone(),
                fuel: own,
                permille: permille(own, fuel),
                whole_permille: permille(*whole, fuel),
                line: line(function),
            }
        };
        let mut functions: Vec<FunctionShare> = self.whole.iter().map(function).collect();
        functions.sort_by_key(|share| std::cmp::Reverse((share.fuel, share.whole_permille)));
        Profile { rule, cases, fuel, samples: self.samples, functions, files, stacks: self.stacks }
    }
}

fn permille(part: u64, whole: u64) -> u64 {
    part.saturating_mul(1_000) / whole.max(1)
}
