//! Files that are whole or not there, and files that are nobody else's. Owns how they are written; knows no content.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use super::{NotaryError, io_error};

/// Replaces a file as a whole, durably. Its owner alone may read it where it is `private`.
pub(crate) fn replace(path: &Path, bytes: &[u8], private: bool) -> Result<(), NotaryError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let write = || {
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if private { 0o600 } else { 0o644 });
        let mut file = options.open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        sync_folder(path)
    };
    write().map_err(io_error(path))
}

/// Makes the name of a file durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Reads a file of at most so many bytes; none when there is none.
pub(crate) fn read(path: &Path, most: usize) -> Result<Option<Vec<u8>>, NotaryError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(io_error(path))?,
    };
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(io_error(path))?;
    if bytes.len() > most {
        return Err(NotaryError::Damaged { path: path.to_owned(), problem: format!("it has more than {most} bytes") });
    }
    Ok(Some(bytes))
}

/// The same of a text.
pub(crate) fn read_text(path: &Path, most: usize) -> Result<Option<String>, NotaryError> {
    let Some(bytes) = read(path, most)? else { return Ok(None) };
    let no_text = |_| NotaryError::Damaged { path: path.to_owned(), problem: "it is no text".to_owned() };
    String::from_utf8(bytes).map(Some).map_err(no_text)
}

/// Makes a folder for its owner alone.
pub(super) fn make_private(path: &Path) -> Result<(), NotaryError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(io_error(path))
}

/// Refuses what others may read or write, and links. Other systems than Unix are asked for no more than its kind.
pub(super) fn check_private(path: &Path, folder: bool) -> Result<(), NotaryError> {
    let about = fs::symlink_metadata(path).map_err(io_error(path))?;
    let right = if folder { about.is_dir() } else { about.is_file() };
    #[cfg(unix)]
    let right = right && std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 == 0;
    if right { Ok(()) } else { Err(NotaryError::Open { path: path.to_owned() }) }
}
