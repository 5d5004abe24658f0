//! Reads one page of a file from where the last one ended. Owns cursors, headers and trailers.

use std::fs::File;
use std::path::Path;

use super::alias::Aliases;
use super::cells::{Cell, Cells, Problem};
use super::lines::{LineError, Lines};
use super::rows::Rows;
use super::separated::{Span, split_commas, split_tabs};
use super::{Field, FileConfig, FileFormat, json};
use crate::discover::{Cursor, DiscoverError, Page};
use crate::limits::{LINE_BYTES, PAGE_ROWS};

/// How a CSV or TSV trailer begins.
const TRAILER: &str = "# rows=";

/// Everything about a file that does not change from page to page.
pub(super) struct Reader {
    pub(super) config: FileConfig,
    pub(super) format: FileFormat,
    pub(super) aliases: Aliases,
    /// What the file calls our fields.
    pub(super) keys: Vec<(String, Field)>,
    /// The file, as messages call it.
    pub(super) place: String,
}

/// What the rows of a file amount to, once its end is reached.
pub(super) struct End {
    /// What the trailer says.
    pub(super) trailer: Option<u64>,
    /// How many rows there are.
    pub(super) rows: u64,
}

/// Where a page begins: offset, line, rows so far, and the state of the file, which must not change between pages.
struct Position {
    offset: u64,
    line: u64,
    rows: u64,
}

impl Reader {
    /// What the file calls the fields of its rows.
    pub(super) fn keys(config: &FileConfig) -> Vec<(String, Field)> {
        let fields = config.kind.fields().iter().filter(|field| **field != Field::Target || config.target.is_none());
        fields.map(|field| (config.columns.get(field).map_or(field.name(), String::as_str).to_owned(), *field)).collect()
    }

    /// Names the content of the file: its size and when it was written.
    pub(super) fn state(&self, path: &Path) -> Result<String, DiscoverError> {
        let read = || -> std::io::Result<String> {
            let metadata = std::fs::metadata(path)?;
            let written = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            Ok(format!("{}-{}", metadata.len(), written.as_nanos()))
        };
        read().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => DiscoverError::Missing { name: self.config.name.clone(), file: self.place.clone() },
            _ => self.unreadable(error.to_string()),
        })
    }

    /// Reads a page; with it, at the end of the file, what is known of the whole.
    pub(super) fn page(&self, path: &Path, after: Option<&Cursor>) -> Result<(Page, Option<End>), DiscoverError> {
        let state = self.state(path)?;
        let mut position = match after {
            Some(cursor) => self.resume(cursor, &state)?,
            None => Position { offset: 0, line: 1, rows: 0 },
        };
        let open = |offset, line| {
            let lines = File::open(path).and_then(|file| Lines::new(file, offset, line));
            lines.map_err(|error| self.unreadable(error.to_string()))
        };
        let mut lines = open(0, 1)?;
        let columns = match self.format {
            FileFormat::Jsonl => Columns::default(),
            FileFormat::Csv | FileFormat::Tsv => self.header(&mut lines)?,
        };
        if position.offset > 0 {
            lines = open(position.offset, position.line)?;
        }
        let mut rows = Rows::new(&self.config, &self.aliases);
        let trailer = self.fill(&mut lines, &columns, &mut rows)?;
        let mut page = rows.page;
        position.rows += page.rows();
        if let Some(trailer) = trailer {
            return Ok((page, Some(End { trailer, rows: position.rows })));
        }
        page.next = Some(Cursor(format!("{} {} {} {state}", lines.offset, lines.next, position.rows)));
        Ok((page, None))
    }

    /// Reads rows until the page is full (none) or the file ends (its trailer, if it has one).
    fn fill(&self, lines: &mut Lines, columns: &Columns, rows: &mut Rows<'_>) -> Result<Option<Option<u64>>, DiscoverError> {
        let mut spans = Vec::new();
        let mut trailer = None;
        let quoted = self.format == FileFormat::Csv;
        while rows.page.rows() < u64::from(PAGE_ROWS) {
            if !lines.read(quoted).map_err(|error| self.bad_line(lines.number, error))? {
                return Ok(Some(trailer));
            }
            let line = std::str::from_utf8(lines.text()).map_err(|error| {
                self.row(lines.number, "", format!("byte {} of the line is not UTF-8", error.valid_up_to() + 1))
            })?;
            if trailer.is_some() {
                return Err(self.row(lines.number, "", "a line follows the trailer; remove one of them".to_owned()));
            }
            let parsed = match self.format {
                FileFormat::Jsonl => json::parse(line, &self.keys).map_err(|error| self.bad_json(lines.number, &error))?,
                FileFormat::Csv | FileFormat::Tsv => self.split(line, columns, &mut spans, lines.number)?,
            };
            match parsed {
                json::Line::End(count) => trailer = Some(count),
                json::Line::Row(cells) => {
                    rows.add(&cells, lines.number).map_err(|problem| self.bad_row(lines.number, problem))?
                }
            }
        }
        Ok(None)
    }

    fn header(&self, lines: &mut Lines) -> Result<Columns, DiscoverError> {
        lines.read(self.format == FileFormat::Csv).map_err(|error| self.bad_line(1, error))?;
        let line = std::str::from_utf8(lines.text()).map_err(|_| self.row(1, "", "it is not UTF-8".to_owned()))?;
        let mut spans = Vec::new();
        self.spans(line, &mut spans, 1)?;
        let names: Vec<String> = spans.iter().map(|span| span.of(line).into_owned()).collect();
        let mut columns = Columns { width: names.len(), fields: Vec::new() };
        for (key, field) in &self.keys {
            let found = names.iter().position(|name| name == key);
            if let Some(at) = found {
                columns.fields.push((at, *field));
                if names.iter().skip(at + 1).any(|name| name == key) {
                    return Err(self.row(1, key, "two columns have this name".to_owned()));
                }
            } else if self.config.columns.contains_key(field)
                || self.config.kind.required().contains(field)
                || (*field == Field::Target && !self.config.covers.is_empty())
            {
                let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                let problem = format!("there is no such column for `{}`; the file has {}", field.name(), list.join(", "));
                return Err(self.row(1, key, problem));
            }
        }
        columns.fields.sort_unstable_by_key(|(at, _)| *at);
        Ok(columns)
    }

    fn spans(&self, line: &str, spans: &mut Vec<Span>, number: u64) -> Result<(), DiscoverError> {
        if self.format == FileFormat::Tsv {
            split_tabs(line, spans);
            return Ok(());
        }
        split_commas(line, spans).map_err(|problem| self.row(number, "", problem.to_owned()))
    }

    fn split<'l>(
        &self,
        line: &'l str,
        columns: &Columns,
        spans: &mut Vec<Span>,
        number: u64,
    ) -> Result<json::Line<'l>, DiscoverError> {
        if let Some(count) = line.strip_prefix(TRAILER) {
            let count = count.trim().parse();
            return count.map(json::Line::End).map_err(|_| self.row(number, "", "the trailer needs a number of rows".to_owned()));
        }
        self.spans(line, spans, number)?;
        if spans.len() != columns.width {
            let problem = format!("it has {} fields where the header has {}", spans.len(), columns.width);
            return Err(self.row(number, "", problem));
        }
        let mut cells = Cells::new();
        for (at, field) in &columns.fields {
            if let Some(span) = spans.get(*at) {
                cells.set(*field, Cell::Text(span.of(line)));
            }
        }
        Ok(json::Line::Row(cells))
    }

    fn resume(&self, cursor: &Cursor, state: &str) -> Result<Position, DiscoverError> {
        let mut parts = cursor.0.splitn(4, ' ');
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok());
        let (Some(offset), Some(line), Some(rows)) = (number(), number(), number()) else {
            return Err(self.unreadable(format!("`{}` is no place in it", cursor.0)));
        };
        if parts.next() != Some(state) {
            return Err(self.unreadable("it changed while it was read".to_owned()));
        }
        Ok(Position { offset, line, rows })
    }

    fn bad_line(&self, number: u64, error: LineError) -> DiscoverError {
        match error {
            LineError::Io(error) => self.unreadable(error.to_string()),
            LineError::TooLong => self.row(number, "", format!("it is longer than {LINE_BYTES} bytes")),
            LineError::OpenQuote => self.row(number, "", "a quote is opened but not closed".to_owned()),
        }
    }

    fn bad_json(&self, number: u64, error: &serde_json::Error) -> DiscoverError {
        let (text, column) = (error.to_string(), error.column());
        let problem = text.split(" at line ").next().unwrap_or(&text).to_owned();
        self.row(number, "", format!("{problem} (byte {column} of the line)"))
    }

    fn bad_row(&self, number: u64, problem: Problem) -> DiscoverError {
        let key = self.keys.iter().find(|(_, field)| *field == problem.field).map_or("", |(key, _)| key.as_str());
        self.row(number, key, problem.problem)
    }

    fn row(&self, line: u64, field: &str, problem: String) -> DiscoverError {
        let field = if field.is_empty() { "(the whole line)" } else { field };
        DiscoverError::Row { file: self.place.clone(), line, field: field.to_owned(), problem }
    }

    pub(super) fn unreadable(&self, problem: String) -> DiscoverError {
        DiscoverError::Unreadable { name: self.place.clone(), problem }
    }
}

/// Which columns hold which fields.
#[derive(Default)]
struct Columns {
    width: usize,
    fields: Vec<(usize, Field)>,
}
