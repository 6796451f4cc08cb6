//! Output: what a run prints. A reader that goes away, or a device that is full, ends no command:
//! the command runs to its answer, and what could not be printed is reported at the end.

use std::cell::Cell;
use std::cell::RefCell;
use std::io;
use std::io::Write;
use std::rc::Rc;

use revshare_core::vocab::Code;
use revshare_core::vocab::Problem;

use crate::error::Answer;
use crate::error::Failure;

/// Printed output of one run: the error that broke it, and what stands whatever became of it.
#[derive(Clone, Default)]
pub struct Output(Rc<Inner>);

#[derive(Default)]
struct Inner {
    error: RefCell<Option<io::Error>>,
    durable: RefCell<Vec<String>>,
}

/// Writer that never fails: after its first error it drops what it is given.
pub struct Sink<W> {
    inner: W,
    output: Output,
    is_broken: Cell<bool>,
}

impl Output {
    /// A writer whose first error is kept here.
    pub fn sink<W: Write>(&self, inner: W) -> Sink<W> {
        Sink { inner, output: self.clone(), is_broken: Cell::new(false) }
    }

    /// Notes something that is durable, whether or not it can be printed: a clause with its verb.
    pub fn stands(&self, what: impl Into<String>) {
        self.0.durable.borrow_mut().push(what.into());
    }

    /// Keeps an error. A closed pipe gives way to any other error: nobody asked for those.
    fn keep(&self, error: io::Error) {
        let mut kept = self.0.error.borrow_mut();
        if kept.as_ref().is_none_or(|kept| kept.kind() == io::ErrorKind::BrokenPipe) {
            *kept = Some(error);
        }
    }

    /// The end of a run whose output is flushed. A reader that went away changes no answer; any
    /// other error means that the answer did not arrive. Errors: [`Code::OutputFailed`].
    pub fn end(&self, answer: Result<Answer, Failure>) -> Result<Answer, Failure> {
        let (answer, error) = match (answer, self.0.error.take()) {
            (Ok(answer), Some(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
                (answer, error)
            }
            (answer, _) => return answer,
        };
        let durable = self.0.durable.borrow();
        let rest = match (durable.as_slice(), answer) {
            ([], Answer::Yes) => String::new(),
            ([], Answer::No) => "; the answer is no".to_owned(),
            ([], Answer::Unreadable) => "; the ledger could not be read".to_owned(),
            (durable, _) => format!("; {}", durable.join(", ")),
        };
        let problem = failed(&error, &rest);
        Err(match durable.is_empty() {
            true => problem.hint(hint_of(&error)),
            false => problem.hint(format!("do not repeat the command; {}", hint_of(&error))),
        }
        .into())
    }
}

/// Output that cannot be written.
pub fn failed(error: &io::Error, rest: &str) -> Problem {
    Problem::new(Code::OutputFailed, format!("the output cannot be written: {error}{rest}"))
        .at_field("standard output")
}

fn hint_of(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge => {
            "make room for the output, or send it elsewhere"
        }
        _ => "send the output elsewhere",
    }
}

/// What clap prints instead of running a command: help and version. Errors:
/// [`Code::OutputFailed`].
pub fn print_help(error: &clap::Error) -> Result<Answer, Failure> {
    let output = Output::default();
    if let Err(error) = error.print().and_then(|()| io::stdout().flush()) {
        output.keep(error);
    }
    output.end(Ok(Answer::Yes))
}

impl<W: Write> Sink<W> {
    fn unless_broken<T>(&mut self, dropped: T, write: impl Fn(&mut W) -> io::Result<T>) -> T {
        if self.is_broken.get() {
            return dropped;
        }
        loop {
            match write(&mut self.inner) {
                Ok(done) => return done,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.is_broken.set(true);
                    self.output.keep(error);
                    return dropped;
                }
            }
        }
    }
}

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.unless_broken(bytes.len(), |inner| inner.write(bytes)))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_broken((), W::flush);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device that takes a few bytes and then fails.
    struct Full(usize, io::ErrorKind);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = bytes.len().min(self.0);
            self.0 -= len;
            match len {
                0 => Err(self.1.into()),
                len => Ok(len),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn end(kind: io::ErrorKind, answer: Answer) -> Result<Answer, Failure> {
        let output = Output::default();
        let mut sink = output.sink(Full(3, kind));
        sink.write_all(b"more than three bytes").expect("dropped");
        sink.flush().expect("dropped");
        output.end(Ok(answer))
    }

    #[test]
    fn a_reader_that_went_away_changes_no_answer() {
        for answer in [Answer::Yes, Answer::No, Answer::Unreadable] {
            assert_eq!(end(io::ErrorKind::BrokenPipe, answer).ok(), Some(answer));
        }
    }

    #[test]
    fn an_answer_that_did_not_arrive_is_a_failure() {
        for answer in [Answer::Yes, Answer::No, Answer::Unreadable] {
            let failure = end(io::ErrorKind::StorageFull, answer).expect_err("it is lost");
            assert_eq!(failure.exit_code(), 5);
        }
    }

    #[test]
    fn a_full_device_counts_more_than_a_closed_pipe() {
        let output = Output::default();
        output.sink(Full(0, io::ErrorKind::BrokenPipe)).write_all(b"x").expect("dropped");
        output.sink(Full(0, io::ErrorKind::StorageFull)).write_all(b"x").expect("dropped");
        output.sink(Full(0, io::ErrorKind::BrokenPipe)).write_all(b"x").expect("dropped");
        output.stands("record 7 is recorded");
        let Err(Failure::Problem(problem)) = output.end(Ok(Answer::Yes)) else {
            panic!("the output was lost");
        };
        assert_eq!(problem.code, Code::OutputFailed);
        assert!(problem.message.ends_with("; record 7 is recorded"), "{problem}");
    }
}
