//! Compiled code on disk, so that a module is compiled once. Loading machine code means trusting it, so each file carries a
//! code of authentication under a key that lies in the same folder and that only its owner may read: what was not written by a
//! holder of that key is never loaded. Owns the files; what is compiled, and how, is for others.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::limits::COMPILED_BYTES;
use crate::model::{Digest, Encoder};

/// The file of the key.
const KEY: &str = "key";
/// How files of code end, and those that were found to be something else.
const CODE: &str = "code";
const BAD: &str = "bad";
/// Bytes of a key: a block of SHA-256. And of a code of authentication.
const KEY_BYTES: usize = 64;
const TAG_BYTES: usize = 32;
/// What is larger than code and its tag can be is not ours.
const CODE_BYTES: u64 = COMPILED_BYTES + TAG_BYTES as u64;

/// Why there is no cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The folder or its key cannot be made or read.
    #[error("cannot use `{}` for compiled code", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others may write there, or read the key.
    #[error("`{}` is open to other users; compiled code is trusted, so make it yours alone: chmod go= on it", path.display())]
    Open {
        /// The folder or file.
        path: PathBuf,
    },
    /// The key is not one.
    #[error("`{}` is no key; remove the folder, and code is compiled anew", path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
}

/// A folder of compiled code.
#[derive(Clone, Debug)]
pub struct CodeCache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
    /// What all files together may take.
    bytes: u64,
}

/// What was found under a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Code that was written by a holder of the key.
    Code(Vec<u8>),
    /// Nothing.
    Nothing,
    /// Something else: it was put aside.
    Foreign,
}

impl CodeCache {
    /// The cache in this folder, which is made where it does not exist, of at most so many bytes. Several hosts may share it.
    ///
    /// # Errors
    /// When the folder cannot be used, or others than its owner can.
    pub fn open(folder: &Path, bytes: u64) -> Result<Self, CacheError> {
        let error = |path: &Path| {
            let path = path.to_owned();
            move |source| CacheError::Io { path, source }
        };
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent).map_err(error(parent))?;
        }
        match private_folder(folder) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => return Err(error(folder)(source)),
            _ => {}
        }
        check_private(folder, true)?;
        let path = folder.join(KEY);
        let key = read_key(folder, &path)?;
        Ok(CodeCache { folder: folder.to_owned(), key, bytes })
    }

    /// Names code: of a component, for an engine (its version, its settings, this processor), under a profile.
    pub(super) fn name(component: &Digest, engine: &Digest, profile: &Digest) -> Digest {
        let mut encoder = Encoder::new("trueup.code");
        encoder.bytes(&component.0).bytes(&engine.0).bytes(&profile.0);
        encoder.finish()
    }

    /// The code of this name. Whatever else is there is put aside, so that it is compiled anew.
    pub(super) fn get(&self, name: &Digest) -> io::Result<Found> {
        let path = self.path(name);
        let Some(mut bytes) = read_plain(&path)? else {
            return self.put_aside(&path).map(|aside| aside.unwrap_or(Found::Nothing));
        };
        let Some((code, tag)) = bytes.split_last_chunk::<TAG_BYTES>() else { return self.foreign(&path) };
        let mut mac = self.mac(name);
        mac.update(code);
        if mac.verify_slice(tag).is_err() {
            return self.foreign(&path);
        }
        // What was authenticated is what is loaded: the same bytes in memory, never the file again.
        let length = code.len();
        bytes.truncate(length);
        Ok(Found::Code(bytes))
    }

    /// Keeps code, and drops what was compiled first if there is too much: it is compiled again when it is needed.
    pub(super) fn put(&self, name: &Digest, code: &[u8]) -> io::Result<()> {
        let (path, beside) = (self.path(name), beside(&self.folder));
        let mut mac = self.mac(name);
        mac.update(code);
        let mut file = private_file(&beside)?;
        let written = file.write_all(code).and_then(|()| file.write_all(&mac.finalize().into_bytes()));
        if let Err(error) = written.and_then(|()| fs::rename(&beside, &path)) {
            // What stays of it is removed with the oldest.
            drop(fs::remove_file(&beside));
            return Err(error);
        }
        self.trim(&path)
    }

    fn path(&self, name: &Digest) -> PathBuf {
        self.folder.join(format!("{name}.{CODE}"))
    }

    /// The name is a part of what is authenticated: code of one module is no code of another.
    fn mac(&self, name: &Digest) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        mac.update(&name.0);
        mac
    }

    fn foreign(&self, path: &Path) -> io::Result<Found> {
        Ok(self.put_aside(path)?.unwrap_or(Found::Foreign))
    }

    /// Puts aside what is no code. None: nothing is there.
    fn put_aside(&self, path: &Path) -> io::Result<Option<Found>> {
        match fs::rename(path, path.with_extension(BAD)) {
            Ok(()) => Ok(Some(Found::Foreign)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes the oldest files until the rest fits, but never `kept`.
    fn trim(&self, kept: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            // Another host may be removing it.
            let Ok(about) = fs::symlink_metadata(&path) else { continue };
            if path != self.folder.join(KEY) {
                files.push((about.modified()?, about.len(), path));
            }
        }
        files.sort_unstable();
        let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, size, path) in files {
            if bytes <= self.bytes {
                break;
            }
            if path != kept {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => bytes -= size,
                }
            }
        }
        Ok(())
    }
}

/// Threads and processes write beside the place first, each under a name of its own.
fn beside(folder: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    folder.join(format!("{}-{}.new", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// The content of a plain file. None: there is no plain file. Links are not followed, because what they lead to may be without
/// end; what is opened is looked at again, because it may have taken the place of what was looked at.
fn read_plain(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        about if !about.as_ref().is_ok_and(|about| about.is_file() && about.len() <= CODE_BYTES) => return about.map(|_| None),
        _ => {}
    }
    let file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() || about.len() > CODE_BYTES {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
    file.take(CODE_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// The key of a folder: whoever comes first makes it, all others read it.
fn read_key(folder: &Path, path: &Path) -> Result<[u8; KEY_BYTES], CacheError> {
    let error = |source| CacheError::Io { path: path.to_owned(), source };
    if !path.exists() {
        let beside = beside(folder);
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).map_err(|refused| error(io::Error::other(refused.to_string())))?;
        private_file(&beside).and_then(|mut file| file.write_all(&key).and_then(|()| file.sync_all())).map_err(error)?;
        // A link is made only where there is none: of two hosts that begin together, one is first.
        let made = fs::hard_link(&beside, path);
        fs::remove_file(&beside).map_err(error)?;
        match made {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => return Err(error(source)),
            _ => {}
        }
    }
    check_private(path, false)?;
    let bytes = read_plain(path).map_err(error)?;
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| CacheError::Key { path: path.to_owned() })
}

#[cfg(unix)]
fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// A new file that only its owner may read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whether nobody but its owner may write or read it. Other systems than Unix are asked for no more than its kind.
fn check_private(path: &Path, folder: bool) -> Result<(), CacheError> {
    let about = fs::symlink_metadata(path).map_err(|source| CacheError::Io { path: path.to_owned(), source })?;
    let right = if folder { about.is_dir() } else { about.is_file() };
    #[cfg(unix)]
    let right = right && std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 == 0;
    if right { Ok(()) } else { Err(CacheError::Open { path: path.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(folder: &Path) -> CodeCache {
        CodeCache::open(&folder.join("code"), 10_000).unwrap()
    }

    fn name(number: u8) -> Digest {
        Digest([number; 32])
    }

    fn files(cache: &CodeCache) -> Vec<String> {
        let names = fs::read_dir(&cache.folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != KEY).collect();
        names.sort();
        names
    }

    #[test]
    fn code_comes_back_to_every_host_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (cache(folder.path()), cache(folder.path()));
        assert_eq!(one.get(&name(1)).unwrap(), Found::Nothing);
        one.put(&name(1), b"code").unwrap();
        assert_eq!(other.get(&name(1)).unwrap(), Found::Code(b"code".to_vec()));
        assert_eq!(other.get(&name(2)).unwrap(), Found::Nothing);
    }

    #[test]
    fn what_nobody_with_the_key_wrote_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        cache.put(&name(1), &[7; 100]).unwrap();
        let path = cache.path(&name(1));
        let whole = fs::read(&path).unwrap();
        let stranger = CodeCache { key: [9; KEY_BYTES], ..cache.clone() };
        let mut tried = 0;
        let mut check = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            assert_eq!(cache.get(&name(1)).unwrap(), Found::Foreign);
            assert_eq!(cache.get(&name(1)).unwrap(), Found::Nothing);
            tried += 1;
        };
        (0..whole.len()).for_each(|cut| check(&whole[..cut]));
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            check(&bytes);
        }
        check(&[&whole[..], b"more"].concat());
        // Code of another module, and code of somebody else.
        cache.put(&name(2), &[8; 100]).unwrap();
        check(&fs::read(cache.path(&name(2))).unwrap());
        stranger.put(&name(3), &[7; 100]).unwrap();
        assert_eq!(cache.get(&name(3)).unwrap(), Found::Foreign);
        assert!(tried > 260, "{tried}");
    }

    #[test]
    fn what_was_compiled_first_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        let old = |number: u64| {
            let file = File::options().append(true).open(cache.path(&name(number as u8))).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(number)).unwrap();
        };
        for number in 1..=3 {
            cache.put(&name(number), &[number; 3_000]).unwrap();
            old(u64::from(number));
        }
        cache.put(&name(4), &[4; 3_000]).unwrap();
        assert_eq!(files(&cache), [2, 3, 4].map(|number| format!("{}.{CODE}", name(number))));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed_and_a_folder_that_is_open_to_others_is_refused() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        let victim = folder.path().join("victim");
        fs::write(&victim, b"as it was").unwrap();
        symlink(&victim, cache.path(&name(1))).unwrap();
        assert_eq!(cache.get(&name(1)).unwrap(), Found::Foreign);
        symlink("/dev/zero", cache.path(&name(1))).unwrap();
        assert_eq!(cache.get(&name(1)).unwrap(), Found::Foreign);
        symlink(&victim, cache.path(&name(1))).unwrap();
        cache.put(&name(1), b"code").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"as it was");
        assert_eq!(cache.get(&name(1)).unwrap(), Found::Code(b"code".to_vec()));

        for (path, mode) in [(cache.folder.join(KEY), 0o640), (cache.folder.clone(), 0o750)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = CodeCache::open(&cache.folder, 1).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{}` is open to other users", path.display())), "{error}");
        }
    }

    #[test]
    fn hosts_that_begin_together_agree_on_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys: Vec<[u8; KEY_BYTES]> = std::thread::scope(|scope| {
            let begin = || cache(folder.path()).key;
            let hosts: Vec<_> = (0..4).map(|_| scope.spawn(begin)).collect();
            hosts.into_iter().map(|host| host.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }
}
