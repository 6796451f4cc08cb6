//! Long lists go through the reader's pager.

use std::cell::RefCell;
use std::io;
use std::io::Write;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::rc::Rc;

/// A pager that runs. It is waited for when the last handle goes.
#[derive(Clone)]
pub struct Pager(Rc<RefCell<Running>>);

struct Running(Child);

/// The pager's command, word by word: `REVSHARE_PAGER`, else `PAGER`, else `less -FRX` if it is
/// there. An empty one, and `cat`, mean none.
pub fn chosen() -> Option<Vec<String>> {
    let named = ["REVSHARE_PAGER", "PAGER"].into_iter().find_map(|name| std::env::var(name).ok());
    let Some(named) = named else {
        return is_there("less").then(|| vec!["less".to_owned(), "-FRX".to_owned()]);
    };
    let words: Vec<String> = named.split_whitespace().map(str::to_owned).collect();
    let is_none = words.is_empty() || words == ["cat"];
    (!is_none).then_some(words)
}

/// Whether a program lies in one of the folders of `PATH`.
fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

impl Pager {
    /// Starts a pager; `None` if it cannot be started: a list is better shown without it.
    pub fn start(words: &[String]) -> Option<Pager> {
        let (program, arguments) = words.split_first()?;
        let child = Command::new(program).args(arguments).stdin(Stdio::piped()).spawn().ok()?;
        Some(Pager(Rc::new(RefCell::new(Running(child)))))
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0.borrow_mut().0.stdin {
            Some(stdin) => stdin.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0.borrow_mut().0.stdin {
            Some(stdin) => stdin.flush(),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The end of its input tells the pager that this was all.
        drop(self.0.stdin.take());
        // The reader has read, whatever the pager says.
        let _ = self.0.wait();
    }
}
