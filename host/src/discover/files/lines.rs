//! Reads a file line by line from any offset, in constant memory. Owns counting; knows nothing of what a line holds.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};

use crate::limits::LINE_BYTES;

/// Read-ahead of one file.
const READ_BYTES: usize = 1 << 18;

/// What is wrong with a line before it is looked into.
#[derive(Debug)]
pub(super) enum LineError {
    Io(std::io::Error),
    TooLong,
    OpenQuote,
}

/// The lines of a file, from an offset.
pub(super) struct Lines {
    reader: BufReader<File>,
    line: Vec<u8>,
    /// Where the text of the line lies in it.
    text: std::ops::Range<usize>,
    /// Offset behind the line that was read last.
    pub(super) offset: u64,
    /// Number of the line that was read last, from one; where a row spans lines, of its first.
    pub(super) number: u64,
    /// Number of the next line.
    pub(super) next: u64,
}

impl Lines {
    /// From `offset`, where the line `next` begins.
    pub(super) fn new(mut file: File, offset: u64, next: u64) -> std::io::Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        Ok(Lines { reader: BufReader::with_capacity(READ_BYTES, file), line: Vec::new(), text: 0..0, offset, number: next, next })
    }

    /// The line that was read last, without its end.
    pub(super) fn text(&self) -> &[u8] {
        self.line.get(self.text.clone()).unwrap_or(&[])
    }

    /// Reads the next line that is not empty; false at the end of the file. With `quoted`, a line goes on while a quote
    /// is open.
    pub(super) fn read(&mut self, quoted: bool) -> Result<bool, LineError> {
        loop {
            self.line.clear();
            self.number = self.next;
            let mut quotes = 0;
            loop {
                let from = self.line.len();
                if !self.append()? {
                    self.text = 0..0;
                    return if from == 0 { Ok(false) } else { Err(LineError::OpenQuote) };
                }
                let added = self.line.get(from..).unwrap_or(&[]);
                if quoted && added.contains(&b'"') {
                    quotes += added.iter().filter(|byte| **byte == b'"').count();
                }
                if quotes % 2 == 0 {
                    break;
                }
            }
            let first = self.offset == self.line.len() as u64;
            let length = trimmed(&self.line).len();
            let start = if first && self.line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            if length > start {
                self.text = start..length;
                return Ok(true);
            }
        }
    }

    /// Appends one line with its end; false at the end of the file.
    fn append(&mut self) -> Result<bool, LineError> {
        let room = (LINE_BYTES + 2).saturating_sub(self.line.len()) as u64;
        let read = (&mut self.reader).take(room).read_until(b'\n', &mut self.line).map_err(LineError::Io)?;
        self.offset += read as u64;
        self.next += u64::from(read > 0);
        if trimmed(&self.line).len() > LINE_BYTES {
            return Err(LineError::TooLong);
        }
        Ok(read > 0)
    }
}

/// Without the end of the line.
fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
