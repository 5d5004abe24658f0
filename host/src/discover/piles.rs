//! Bytes that are dealt out into numbered piles before each is sorted or met on its own, so that no more than one pile is in
//! memory. Owns buffers and files; what the bytes mean is for the caller. Like [`super::Spill`], the files serve one run that is
//! at work.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::DiscoverError;
use crate::limits::PILE_BUFFER_BYTES;

/// Numbered piles of bytes.
pub struct Piles {
    /// Where the files lie and how their names begin; none: everything stays in memory.
    place: Option<(PathBuf, &'static str)>,
    buffers: Vec<Vec<u8>>,
}

impl Piles {
    /// Empty piles in files of this name, in a folder that exists.
    #[must_use]
    pub fn on_disk(folder: &Path, name: &'static str) -> Self {
        Piles { place: Some((folder.to_owned(), name)), buffers: Vec::new() }
    }

    /// Empty piles without files, for what is in memory anyway.
    #[must_use]
    pub fn in_memory() -> Self {
        Piles { place: None, buffers: Vec::new() }
    }

    /// Adds bytes to a pile.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn push(&mut self, pile: usize, bytes: &[u8]) -> Result<(), DiscoverError> {
        if self.buffers.len() <= pile {
            self.buffers.resize_with(pile + 1, Vec::new);
        }
        let Some(buffer) = self.buffers.get_mut(pile) else { return Ok(()) };
        buffer.extend_from_slice(bytes);
        let Some((folder, name)) = self.place.as_ref().filter(|_| buffer.len() >= PILE_BUFFER_BYTES) else { return Ok(()) };
        let path = path(folder, name, pile);
        // Not held open: there may be more piles than a process may have files.
        let written = File::options().create(true).append(true).open(&path).and_then(|mut file| file.write_all(buffer));
        buffer.clear();
        written.map_err(|source| DiscoverError::Spool { path, source })
    }

    /// What a pile holds, in the order in which it was added.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn read(&self, pile: usize) -> Result<Vec<u8>, DiscoverError> {
        let rest = self.buffers.get(pile).map_or(&[][..], Vec::as_slice);
        let Some((folder, name)) = &self.place else { return Ok(rest.to_vec()) };
        let path = path(folder, name, pile);
        let mut bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            bytes => bytes.map_err(|source| DiscoverError::Spool { path, source })?,
        };
        bytes.extend_from_slice(rest);
        Ok(bytes)
    }

    /// What a pile holds; it is empty afterwards.
    ///
    /// # Errors
    /// When its file cannot be read or removed.
    pub fn take(&mut self, pile: usize) -> Result<Vec<u8>, DiscoverError> {
        let Some((folder, name)) = &self.place else {
            return Ok(self.buffers.get_mut(pile).map(std::mem::take).unwrap_or_default());
        };
        let bytes = self.read(pile)?;
        let path = path(folder, name, pile);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(DiscoverError::Spool { path, source }),
            _ => {}
        }
        if let Some(buffer) = self.buffers.get_mut(pile) {
            *buffer = Vec::new();
        }
        Ok(bytes)
    }
}

fn path(folder: &Path, name: &str, pile: usize) -> PathBuf {
    folder.join(format!("{name}-{pile}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pile_comes_back_whole_and_in_order_and_is_gone_when_taken() {
        let folder = tempfile::tempdir().unwrap();
        for mut piles in [Piles::on_disk(folder.path(), "pile"), Piles::in_memory()] {
            let mut expected = vec![Vec::new(); 3];
            for number in 0..20_000_u32 {
                let pile = (number % 5 % 3) as usize;
                piles.push(pile, &number.to_le_bytes()).unwrap();
                expected[pile].extend_from_slice(&number.to_le_bytes());
            }
            for (pile, expected) in expected.iter().enumerate() {
                assert!(piles.read(pile).unwrap() == *expected && piles.take(pile).unwrap() == *expected, "{pile}");
                assert!(piles.take(pile).unwrap().is_empty());
            }
            assert!(piles.read(7).unwrap().is_empty());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error_that_names_the_file() {
        let mut piles = Piles::on_disk(Path::new("/dev/null/nowhere"), "keys");
        let error = piles.push(3, &[0; PILE_BUFFER_BYTES]).err().unwrap();
        assert_eq!(error.to_string(), "cannot store pages in `/dev/null/nowhere/keys-3`");
    }
}
