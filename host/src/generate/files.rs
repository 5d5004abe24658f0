//! Writes the sources of a day as files, one identity after the other, in memory that does not grow with the estate.
//! Owns the file formats and manifests; what is meant comes from `estate`, what goes wrong from `mess`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::calendar::instant;
use super::estate::Estate;
use super::mess::{Distortion, Fate};
use super::rows::GrantRow;
use super::sources::{FileKind, SourceFile, System};
use crate::model::Time;

/// The columns of a file of grants.
const COLUMNS: &str = "target\tholder\tobject\tlevel\tidentity\towner\tpurpose\trecord\tapprover\tnot_before\texpires_at\n";

/// Where the rows of `grants.tsv` go when files are moved.
const MOVED: &str = "moved/grants.tsv";

/// The row of `grants.tsv` that is malformed when one is, counted from zero without the header.
const MALFORMED: u64 = 99;

/// Why sources could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{path}`; check that the directory exists and has room", path = path.display())]
pub struct GenerateError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// One file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its name in the directory.
    pub file: String,
    /// Its rows, a header not counted.
    pub rows: u64,
}

struct Out<W> {
    file: W,
    rows: u64,
}

type Outs<W> = BTreeMap<&'static str, Out<W>>;

impl Estate {
    /// Writes the sources of a day into a directory, in the place of those of another day: the files that
    /// [`Estate::sources`] names, each with its manifest.
    ///
    /// # Errors
    /// When a file cannot be written; the directory may then hold files of two days.
    pub fn write_sources(&self, day: u16, directory: &Path) -> Result<Vec<Written>, GenerateError> {
        let error = |name: &str| {
            let path = directory.join(name);
            move |source| GenerateError { path, source }
        };
        let open = |name: &str| -> Result<BufWriter<File>, GenerateError> {
            let path = directory.join(name);
            let made = path.parent().map_or(Ok(()), fs::create_dir_all);
            let file = made.and_then(|()| File::create(&path)).map_err(error(name))?;
            Ok(BufWriter::with_capacity(1 << 16, file))
        };
        let mut outs = Outs::new();
        for name in self.names_on(day) {
            outs.insert(name, Out { file: open(name)?, rows: 0 });
        }
        self.write_rows(day, &mut outs).map_err(|(name, e)| error(name)(e))?;
        for file in self.sources() {
            let name = format!("{}.manifest.json", file.file);
            match outs.get(file.file) {
                Some(out) if file.manifest => {
                    fs::write(directory.join(&name), manifest(out.rows, day)).map_err(error(&name))?;
                }
                Some(_) => {}
                None => [file.file, &name].into_iter().try_for_each(|name| remove(&directory.join(name)).map_err(error(name)))?,
            }
        }
        outs.into_iter()
            .map(|(name, mut out)| match out.file.flush() {
                Ok(()) => Ok(Written { file: name.to_owned(), rows: out.rows }),
                Err(e) => Err(error(name)(e)),
            })
            .collect()
    }

    /// The sources of a day as bytes by file name, without manifests: for small estates.
    ///
    /// # Errors
    /// When a row cannot be written, which memory does not refuse.
    pub fn source_bytes(&self, day: u16) -> Result<BTreeMap<&'static str, Vec<u8>>, GenerateError> {
        let mut outs: Outs<Vec<u8>> = self.names_on(day).map(|name| (name, Out { file: Vec::new(), rows: 0 })).collect();
        self.write_rows(day, &mut outs).map_err(|(name, source)| GenerateError { path: name.into(), source })?;
        Ok(outs.into_iter().map(|(name, out)| (name, out.file)).collect())
    }

    fn names_on(&self, day: u16) -> impl Iterator<Item = &'static str> {
        let moved = self.mess_on(day).moved.then_some(MOVED);
        self.sources().into_iter().filter(move |file| file.from_day <= day).map(|file| file.file).chain(moved)
    }

    fn write_rows<W: Write>(&self, day: u16, outs: &mut Outs<W>) -> Result<(), (&'static str, io::Error)> {
        let files = self.sources();
        let named = |kind| files.iter().find(|f| f.kind == kind).map_or("", |f| f.file);
        for name in outs.keys().copied().collect::<Vec<_>>() {
            if name.ends_with(".tsv") {
                put(outs, name, |out| out.file.write_all(COLUMNS.as_bytes()))?;
            }
        }
        for row in self.entitlements() {
            json(outs, named(FileKind::Entitlements), &row)?;
        }
        let systems = self.systems(&files);
        for who in self.all() {
            let listed = self.listed(who, day);
            let distortion = self.distortion(who, day);
            listed.person.iter().try_for_each(|row| json(outs, named(FileKind::People), row))?;
            listed.accounts.iter().try_for_each(|row| json(outs, named(FileKind::Accounts), row))?;
            listed.keys.iter().try_for_each(|row| json(outs, named(FileKind::Credentials), row))?;
            for (number, mut row) in (0..).zip(listed.grants) {
                let Some(&system) = systems.get(row.target.as_str()) else { continue };
                let name = match distortion.apply(system, number, &mut row) {
                    Fate::Lost => continue,
                    Fate::Moved => MOVED,
                    Fate::Written => system.file(),
                };
                let malformed = name == System::Requests.file() && self.mess_on(day).malformed;
                put(outs, name, |out| {
                    out.rows += 1;
                    grant(&mut out.file, &row, malformed && out.rows == MALFORMED + 1)
                })?;
            }
        }
        Ok(())
    }

    /// Which system decides over each target.
    fn systems<'a>(&self, files: &'a [SourceFile]) -> BTreeMap<&'a str, System> {
        let all = System::ALL.into_iter();
        all.flat_map(|system| {
            let of = files.iter().filter(move |f| f.file == system.file());
            of.flat_map(move |f| f.covers.iter().map(move |target| (target.as_str(), system)))
        })
        .collect()
    }

    fn distortion(&self, who: u32, day: u16) -> Distortion {
        let mess = self.mess_on(day);
        let member = self.cast(who).map(|m| m.name.as_str());
        Distortion::new(mess, self.population.dice(who), member.unwrap_or(""), member.is_some())
    }
}

/// Removes what another day left behind, if it did.
fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path).or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
}

/// The manifest of a file: how many rows a reader must find, and when they were true.
fn manifest(rows: u64, day: u16) -> String {
    format!("{{\"rows\":{rows},\"read_at\":\"{}\"}}\n", instant(day))
}

fn put<W>(
    outs: &mut Outs<W>,
    name: &'static str,
    write: impl FnOnce(&mut Out<W>) -> io::Result<()>,
) -> Result<(), (&'static str, io::Error)> {
    // A file that does not exist on this day takes no rows.
    outs.get_mut(name).map_or(Ok(()), write).map_err(|e| (name, e))
}

fn json<W: Write>(outs: &mut Outs<W>, name: &'static str, row: &impl Serialize) -> Result<(), (&'static str, io::Error)> {
    put(outs, name, |out| {
        out.rows += 1;
        serde_json::to_writer(&mut out.file, row)?;
        out.file.write_all(b"\n")
    })
}

/// No text that is generated holds a tab, a quote or a line's end, so that none is quoted.
fn grant(out: &mut impl Write, row: &GrantRow, malformed: bool) -> io::Result<()> {
    let texts = [&row.target, &row.holder, &row.object, &row.level, &row.identity, &row.owner, &row.purpose, &row.record];
    for text in texts {
        out.write_all(text.as_bytes())?;
        out.write_all(b"\t")?;
    }
    out.write_all(row.approver.as_bytes())?;
    for (time, wrong) in [(row.not_before, false), (row.expires_at, malformed)] {
        out.write_all(b"\t")?;
        match time {
            _ if wrong => out.write_all(b"next tuesday")?,
            Time::NONE => {}
            time => write!(out, "{time}")?,
        }
    }
    out.write_all(b"\n")
}
