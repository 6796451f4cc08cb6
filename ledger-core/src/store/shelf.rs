//! Where this machine keeps what it knows of a log: a file that is replaced, and files that never
//! change, are named by what they hold, and may be shared.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::state::ArchiveFile;
use crate::store::files::Files;
use crate::store::files::How;
use crate::store::files::ReadFile;
use crate::store::files::make_folders;
use crate::store::files::read_exact_at;
use crate::store::files::read_whole;
use crate::store::files::write_all;
use crate::vocab::Digest;

/// A file, and the files that it names.
#[derive(Clone, Debug)]
pub struct Shelf {
    files: Arc<dyn Files>,
    path: PathBuf,
    /// What the paths of the files that never change begin with.
    unchanging: PathBuf,
    /// Another file that names such files, too.
    other: Option<PathBuf>,
    /// What the name of a draft ends with.
    draft: String,
}

impl Shelf {
    /// A shelf with a file of this path, and the others beside it; nothing needs to be there. The
    /// names of drafts end with `draft`.
    pub fn new(files: Arc<dyn Files>, path: PathBuf, draft: &str) -> Shelf {
        let (unchanging, draft) = (path.clone(), draft.to_owned());
        Shelf { files, path, unchanging, other: None, draft }
    }

    /// Two shelves with files of these paths, which share the files that never change.
    pub fn pair(
        files: &Arc<dyn Files>,
        paths: [PathBuf; 2],
        unchanging: &Path,
        draft: &str,
    ) -> [Shelf; 2] {
        let [first, second] = &paths;
        [(first, second), (second, first)].map(|(path, other)| Shelf {
            files: files.clone(),
            path: path.clone(),
            unchanging: unchanging.to_owned(),
            other: Some(other.clone()),
            draft: draft.to_owned(),
        })
    }

    /// The shelf that shares its files with this one.
    pub fn other(&self) -> Option<Shelf> {
        let (path, other) = (self.other.clone()?, Some(self.path.clone()));
        Some(Shelf { path, other, ..self.clone() })
    }

    /// The bytes of the file; none if it cannot be read.
    pub fn read(&self) -> Option<Vec<u8>> {
        read_whole(&*self.files, &self.path).ok()
    }

    /// So many bytes of it from an offset; none if there are not so many.
    pub fn part(&self, from: u64, len: usize) -> Option<Vec<u8>> {
        let file = self.files.open(&self.path, How::Read).ok()?;
        let all = file.len().ok()?;
        all.checked_sub(from).filter(|left| *left >= len as u64)?;
        let mut bytes = vec![0; len];
        read_exact_at(&*file, &mut bytes, from).ok()?;
        Some(bytes)
    }

    /// Writes the file, of so many parts: whole, or not at all.
    pub fn replace(&self, parts: &[&[u8]]) -> io::Result<()> {
        let draft = self.draft_of(&self.path);
        let write = || {
            self.write(&draft, parts, false)?;
            self.files.rename(&draft, &self.path)
        };
        write().inspect_err(|_| drop(self.files.remove(&draft)))
    }

    /// Removes the file, if it is there.
    pub fn forget(&self) {
        let _ = self.files.remove(&self.path);
    }

    /// Writes a file that never changes, durably: it is not read again to see whether it is whole.
    /// Where there is one that is whole, it stays. The digest is computed meanwhile.
    pub fn put(
        &self,
        parts: &[&[u8]],
        digest: impl FnOnce() -> Digest + Send,
    ) -> io::Result<ArchiveFile> {
        let draft = self.draft_of(&self.unchanging);
        let write = || self.write(&draft, parts, true);
        let (written, digest) = rayon::join(write, digest);
        let path = self.named(&digest);
        let place = || {
            written?;
            match self.has(&path, parts) {
                true => self.files.remove(&draft),
                false => self.files.rename(&draft, &path),
            }
        };
        place().inspect_err(|_| drop(self.files.remove(&draft)))?;
        // Without a stamp it is read again as a whole.
        let stamp = self.files.known(&path).map(|known| known.stamp).unwrap_or_default();
        let len = parts.iter().map(|part| part.len() as u64).sum();
        Ok(ArchiveFile { digest, len, stamp })
    }

    /// Opens such a file, and says whether it was not touched since it was written, as the file
    /// system says; none if it is not there, or has another length.
    pub fn open(&self, named: &ArchiveFile) -> Option<(Box<dyn ReadFile>, bool)> {
        let path = self.named(&named.digest);
        let file = self.files.open(&path, How::Read).ok()?;
        let known = self.files.known(&path).ok()?;
        let is_untouched = !named.stamp.is_empty() && known.stamp == named.stamp;
        let is_as_long = known.len == named.len && file.len().ok()? == named.len;
        is_as_long.then_some((file, is_untouched))
    }

    /// Removes such a file, if it is there.
    pub fn remove(&self, digest: &Digest) {
        let _ = self.files.remove(&self.named(digest));
    }

    /// Whether there is a file with these bytes.
    fn has(&self, path: &Path, parts: &[&[u8]]) -> bool {
        read_whole(&*self.files, path).is_ok_and(|there| {
            let mut rest = &*there;
            let mut is_next = |part: &&[u8]| {
                let after = rest.strip_prefix(*part);
                after.map(|after| rest = after).is_some()
            };
            parts.iter().all(&mut is_next) && rest.is_empty()
        })
    }

    fn named(&self, digest: &Digest) -> PathBuf {
        let mut name = self.unchanging.clone().into_os_string();
        name.push(".");
        name.push(digest.to_string());
        PathBuf::from(name)
    }

    fn draft_of(&self, path: &Path) -> PathBuf {
        let mut draft = path.to_owned().into_os_string();
        draft.push(".");
        draft.push(&self.draft);
        PathBuf::from(draft)
    }

    fn write(&self, path: &Path, parts: &[&[u8]], durably: bool) -> io::Result<()> {
        make_folders(&*self.files, path.parent().unwrap_or(path))?;
        let file = self.files.open(path, How::Create)?;
        parts.iter().try_for_each(|part| write_all(&*file, part))?;
        if durably { file.sync_data() } else { Ok(()) }
    }
}
