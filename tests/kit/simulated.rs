//! A disk in memory: what processes see of it, what of that a power cut would leave, and
//! operations that fail when they are told to.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs::TryLockError;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;

use ledger_core::store::files::Files;
use ledger_core::store::files::How;
use ledger_core::store::files::Known;
use ledger_core::store::files::OpenFile;
use ledger_core::store::files::ReadFile;

pub use crate::faults::Dice;
pub use crate::faults::Fault;
pub use crate::faults::Meanwhile;
pub use crate::faults::Operation;
pub use crate::faults::Put;
use crate::inodes::Change;
use crate::inodes::Inode;
use crate::inodes::Name;
use crate::inodes::Naming;

/// What a disk writes at once.
const SECTOR_LEN: usize = 512;

#[derive(Clone, Debug, Default)]
struct Disk {
    inodes: Vec<Inode>,
    seen: BTreeMap<PathBuf, Name>,
    durable: BTreeMap<PathBuf, Name>,
    pending: Vec<Naming>,
    operations: usize,
    /// The number of the operation that fails, from 1, and how.
    plan: Option<(usize, Fault)>,
    /// Only operations of this kind count for the plan.
    kind: Option<Operation>,
    met: Option<(Operation, PathBuf)>,
    gone: bool,
    meanwhile: Vec<Meanwhile>,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimulatedDisk(Arc<Mutex<Disk>>);

impl Default for SimulatedDisk {
    fn default() -> SimulatedDisk {
        let mut disk = Disk::default();
        for names in [&mut disk.seen, &mut disk.durable] {
            names.insert(PathBuf::from("/"), Name::Folder);
        }
        SimulatedDisk(Arc::new(Mutex::new(disk)))
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl SimulatedDisk {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().expect("no test has panicked with it")
    }

    /// As the ledger takes it.
    pub fn files(&self) -> Arc<dyn Files> {
        Arc::new(self.clone())
    }

    /// Another disk in the same state, that nobody has open.
    pub fn fork(&self) -> SimulatedDisk {
        let mut disk = self.disk().clone();
        disk.inodes.iter_mut().for_each(|inode| inode.locked = false);
        disk.begin(None);
        SimulatedDisk(Arc::new(Mutex::new(disk)))
    }

    /// Another disk with the same content, all of it durable, that nobody has open.
    pub fn copy(&self) -> SimulatedDisk {
        let mut disk = self.disk().clone();
        for inode in &mut disk.inodes {
            inode.durable.clone_from(&inode.seen);
            inode.pending.clear();
            inode.locked = false;
        }
        disk.durable.clone_from(&disk.seen);
        disk.pending.clear();
        disk.begin(None);
        SimulatedDisk(Arc::new(Mutex::new(disk)))
    }

    /// Puts a file and its folders on the disk, durably.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        self.disk().put((path.to_owned(), Some(bytes.to_vec())));
    }

    /// Every file with its bytes, as processes see it.
    pub fn seen(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let disk = self.disk();
        let files = disk.seen.iter().filter_map(|(path, name)| match name {
            Name::File(inode) => Some((path.clone(), disk.inodes[*inode].seen.clone())),
            Name::Folder => None,
        });
        files.collect()
    }

    /// Lets an operation fail, counted from 1 from now on; with none, everything works again.
    pub fn plan(&self, plan: Option<(usize, Fault)>) {
        let mut disk = self.disk();
        disk.begin(plan);
        disk.inodes.iter_mut().for_each(|inode| inode.longest = inode.seen.len());
    }

    /// Lets another process change files; nothing fails.
    pub fn meanwhile(&self, meanwhile: Vec<Meanwhile>) {
        self.plan(None);
        self.disk().meanwhile = meanwhile;
    }

    /// How much of that it has not come to.
    pub fn to_come(&self) -> usize {
        self.disk().meanwhile.len()
    }

    /// The bytes of a file, as processes see it.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let disk = self.disk();
        match disk.seen.get(path)? {
            Name::File(inode) => Some(disk.inodes[*inode].seen.clone()),
            Name::Folder => None,
        }
    }

    /// The greatest length that a file had since the last plan.
    pub fn longest(&self, path: &Path) -> usize {
        let disk = self.disk();
        match disk.seen.get(path) {
            Some(Name::File(inode)) => disk.inodes[*inode].longest,
            _ => 0,
        }
    }

    /// Likewise; only operations of one kind are counted.
    pub fn plan_of(&self, kind: Operation, plan: (usize, Fault)) {
        self.plan(Some(plan));
        self.disk().kind = Some(kind);
    }

    /// Whether there is anything that a power cut could change.
    pub fn is_synced(&self) -> bool {
        let disk = self.disk();
        disk.pending.is_empty() && disk.inodes.iter().all(|inode| inode.pending.is_empty())
    }

    /// A number for everything that is on it, seen or durable: to tell that two are the same.
    pub fn fingerprint(&self) -> u64 {
        let disk = self.disk();
        let mut hasher = DefaultHasher::new();
        (&disk.seen, &disk.durable, &disk.pending).hash(&mut hasher);
        for inode in &disk.inodes {
            (&inode.seen, &inode.durable, &inode.pending).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// How many operations there were since the last plan.
    pub fn operations(&self) -> usize {
        self.disk().operations
    }

    /// The operation that failed.
    pub fn met(&self) -> Option<(Operation, PathBuf)> {
        self.disk().met.clone()
    }

    /// The power fails: of what was not synced, anything may be left, sector by sector.
    pub fn lose_power(&self, dice: &mut Dice) {
        let mut disk = self.disk();
        let mut names = disk.durable.clone();
        let kept = dice.below(5);
        for naming in std::mem::take(&mut disk.pending) {
            if dice.below(4) < kept {
                naming.apply(&mut names);
            }
        }
        // What lies in a folder that was lost is lost.
        let folders: BTreeSet<PathBuf> = names
            .iter()
            .filter(|(_, name)| **name == Name::Folder)
            .map(|(p, _)| p.clone())
            .collect();
        names.retain(|path, _| path.ancestors().skip(1).all(|above| folders.contains(above)));
        (disk.seen, disk.durable) = (names.clone(), names);
        for inode in &mut disk.inodes {
            let left = inode.left(dice);
            inode.durable.clone_from(&left);
            inode.seen = left;
            inode.pending.clear();
            inode.locked = false;
        }
        disk.begin(None);
    }

    /// Counts an operation; how it fails, if it does.
    fn count(&self, operation: Operation, path: &Path) -> io::Result<(MutexGuard<'_, Disk>, bool)> {
        let mut disk = self.disk();
        if disk.gone {
            return Err(io::Error::from_raw_os_error(5));
        }
        if disk.kind.is_some_and(|kind| kind != operation) {
            return Ok((disk, false));
        }
        disk.operations += 1;
        let due: Vec<_> = disk.meanwhile.extract_if(.., |one| one.is_due(path)).collect();
        due.into_iter().flat_map(|one| one.puts).for_each(|put| disk.put(put));
        let Some((_, fault)) = disk.plan.filter(|(number, _)| *number == disk.operations) else {
            return Ok((disk, false));
        };
        use Operation::*;
        let needs_room = matches!(operation, OpenToWrite | Write | SetLen | Sync | Folder | Rename);
        let syncs = matches!(operation, Sync | SyncFolder);
        let applies = match fault {
            Fault::Broken | Fault::Gone => true,
            Fault::Full => needs_room,
            Fault::Short => operation == Write,
            Fault::Unsynced => syncs,
        };
        if !applies {
            return Ok((disk, false));
        }
        disk.met = Some((operation, path.to_owned()));
        disk.gone = fault == Fault::Gone;
        match fault {
            Fault::Short => Ok((disk, true)),
            // The caller writes half of it first.
            Fault::Full if operation == Write => Ok((disk, true)),
            Fault::Full => Err(io::Error::from_raw_os_error(28)),
            Fault::Unsynced => {
                // The pages count as clean, and are not on the disk.
                if let Some(Name::File(inode)) = disk.seen.get(path).copied() {
                    disk.inodes[inode].pending.clear();
                }
                Err(io::Error::from_raw_os_error(5))
            }
            Fault::Broken | Fault::Gone => Err(io::Error::from_raw_os_error(5)),
        }
    }
}

impl Inode {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.longest = self.longest.max(self.seen.len());
        self.pending.push(change);
    }

    fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            change.apply(&mut self.durable);
        }
    }

    /// What a power cut leaves: any length there was since the last sync, and every sector as it
    /// was at any time since then.
    fn left(&self, dice: &mut Dice) -> Vec<u8> {
        let mut versions = vec![self.durable.clone()];
        for change in &self.pending {
            let mut next = versions[versions.len() - 1].clone();
            change.apply(&mut next);
            versions.push(next);
        }
        let len = versions[dice.below(versions.len())].len();
        let late = dice.below(5);
        let mut left = vec![0; len];
        for (number, sector) in left.chunks_mut(SECTOR_LEN).enumerate() {
            let version = match dice.below(4) < late {
                true => versions.len() - 1,
                false => dice.below(versions.len()),
            };
            let from = number * SECTOR_LEN;
            let known = versions[version].get(from..).unwrap_or_default();
            let end = known.len().min(sector.len());
            sector[..end].copy_from_slice(&known[..end]);
        }
        left
    }
}

impl Files for SimulatedDisk {
    fn inside(&self, _: &Path) -> Arc<dyn Files> {
        // It has no links, and nothing but files and folders.
        self.files()
    }

    fn private(&self) -> Arc<dyn Files> {
        self.files()
    }

    fn is_own(&self, _: &Path) -> bool {
        true
    }

    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn OpenFile>> {
        let operation = match how {
            How::Read => Operation::Open,
            _ => Operation::OpenToWrite,
        };
        let (mut disk, _) = self.count(operation, path)?;
        let inode = match disk.seen.get(path).copied() {
            Some(Name::Folder) => return Err(io::ErrorKind::IsADirectory.into()),
            Some(Name::File(inode)) => inode,
            None if matches!(how, How::AppendOrCreate | How::Create | How::Lock) => {
                let above = path.parent().unwrap_or(path);
                if disk.seen.get(above) != Some(&Name::Folder) {
                    return Err(not_found());
                }
                disk.inodes.push(Inode::default());
                let name = Name::File(disk.inodes.len() - 1);
                disk.name(Naming::Set(path.to_owned(), name));
                disk.inodes.len() - 1
            }
            None => return Err(not_found()),
        };
        if how == How::Create && !disk.inodes[inode].seen.is_empty() {
            disk.inodes[inode].change(Change::SetLen(0));
        }
        let holds_lock = Mutex::new(false);
        let (disk, path) = (self.clone(), path.to_owned());
        Ok(Box::new(Handle { disk, path, inode, at: Mutex::new(0), how, holds_lock }))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let (disk, _) = self.count(Operation::Look, folder)?;
        if disk.seen.get(folder) != Some(&Name::Folder) {
            return Err(not_found());
        }
        let inside = disk.seen.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.map(|path| path.file_name().expect("a name").to_string_lossy().into()).collect())
    }

    fn known(&self, path: &Path) -> io::Result<Known> {
        let (disk, _) = self.count(Operation::Look, path)?;
        match disk.seen.get(path) {
            Some(Name::File(inode)) => Ok(disk.inodes[*inode].known(*inode)),
            _ => Err(not_found()),
        }
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.disk().seen.get(path) == Some(&Name::Folder)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let (mut disk, _) = self.count(Operation::Folder, path)?;
        if disk.seen.get(path) != Some(&Name::Folder) {
            disk.name(Naming::Set(path.to_owned(), Name::Folder));
        }
        Ok(())
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let (mut disk, _) = self.count(Operation::Folder, path)?;
        disk.name(Naming::Remove(path.to_owned()));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut disk, _) = self.count(Operation::Rename, to)?;
        if !disk.seen.contains_key(from) {
            return Err(not_found());
        }
        disk.name(Naming::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (mut disk, _) = self.count(Operation::Remove, path)?;
        if !disk.seen.contains_key(path) {
            return Err(not_found());
        }
        disk.name(Naming::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let (mut disk, _) = self.count(Operation::SyncFolder, path)?;
        let pending = std::mem::take(&mut disk.pending);
        for naming in pending {
            match naming.folder() == Some(path) {
                true => naming.apply(&mut disk.durable),
                false => disk.pending.push(naming),
            }
        }
        Ok(())
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }
}

impl Disk {
    /// Counts from now on.
    fn begin(&mut self, plan: Option<(usize, Fault)>) {
        (self.operations, self.plan, self.kind, self.met, self.gone) = (0, plan, None, None, false);
        self.meanwhile.clear();
    }

    /// A file, durably, in the place of what was there; or its removal.
    fn put(&mut self, (path, bytes): Put) {
        let Some(bytes) = bytes else {
            self.seen.remove(&path);
            self.durable.remove(&path);
            return;
        };
        let (seen, durable) = (bytes.clone(), bytes);
        self.inodes.push(Inode { seen, durable, ..Inode::default() });
        let name = Name::File(self.inodes.len() - 1);
        let above = path.ancestors().skip(1).map(|folder| (folder.to_owned(), Name::Folder));
        let names: Vec<(PathBuf, Name)> = above.chain([(path.clone(), name)]).collect();
        self.seen.extend(names.clone());
        self.durable.extend(names);
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.seen);
        self.pending.push(naming);
    }
}

#[derive(Debug)]
struct Handle {
    disk: SimulatedDisk,
    path: PathBuf,
    inode: usize,
    /// Where the next write goes, unless it goes to the end.
    at: Mutex<usize>,
    how: How,
    holds_lock: Mutex<bool>,
}

impl Handle {
    fn put(&self, bytes: &[u8], at: Option<usize>) -> io::Result<usize> {
        let (mut disk, falls_short) = self.disk.count(Operation::Write, &self.path)?;
        let is_full = disk.plan.is_some_and(|(_, fault)| fault == Fault::Full);
        let inode = &mut disk.inodes[self.inode];
        let len = if falls_short { bytes.len() / 2 } else { bytes.len() };
        let at = at.unwrap_or(inode.seen.len());
        if len > 0 {
            inode.change(Change::Write(at, bytes[..len].to_vec()));
        }
        match falls_short && is_full {
            true => Err(io::Error::from_raw_os_error(28)),
            // A call that writes nothing would be an error.
            false if len == 0 && !bytes.is_empty() => {
                inode.change(Change::Write(at, bytes[..1].to_vec()));
                Ok(1)
            }
            false => Ok(len),
        }
    }
}

impl ReadFile for Handle {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let (disk, _) = self.disk.count(Operation::Read, &self.path)?;
        let bytes = disk.inodes[self.inode].seen.get(offset as usize..).unwrap_or_default();
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn len(&self) -> io::Result<u64> {
        let (disk, _) = self.disk.count(Operation::Look, &self.path)?;
        Ok(disk.inodes[self.inode].seen.len() as u64)
    }
}

impl OpenFile for Handle {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        if matches!(self.how, How::Append | How::AppendOrCreate) {
            return self.put(bytes, None);
        }
        let mut at = self.at.lock().expect("no test has panicked with it");
        let written = self.put(bytes, Some(*at))?;
        *at += written;
        Ok(written)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.put(bytes, Some(offset as usize))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let (mut disk, _) = self.disk.count(Operation::SetLen, &self.path)?;
        disk.inodes[self.inode].change(Change::SetLen(len as usize));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let (mut disk, _) = self.disk.count(Operation::Sync, &self.path)?;
        disk.inodes[self.inode].sync();
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        let (mut disk, _) =
            self.disk.count(Operation::Lock, &self.path).map_err(TryLockError::Error)?;
        if disk.inodes[self.inode].locked {
            return Err(TryLockError::WouldBlock);
        }
        disk.inodes[self.inode].locked = true;
        *self.holds_lock.lock().expect("no test has panicked with it") = true;
        Ok(())
    }

    fn lock(&self) -> io::Result<()> {
        // One thread uses this disk: nobody would ever give the lock back.
        self.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
        })
    }

    fn unlock(&self) -> io::Result<()> {
        // Closing does it: nobody inherits these files.
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let holds_lock = self.holds_lock.lock().is_ok_and(|holds| *holds);
        if let Ok(mut disk) = self.disk.0.lock().map_err(|_| ())
            && holds_lock
        {
            disk.inodes[self.inode].locked = false;
        }
    }
}
