//! How a command ends: an answer, or a failure with its exit code.

use std::io;

use revshare_core::vocab::Code;
use revshare_core::vocab::OutOfBounds;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;
use revshare_core::vocab::problem::Class;

use crate::output::failed;

/// What a command answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Done; all is well.
    Yes,
    /// Done; the answer is no.
    No,
    /// Nothing could be read.
    Unreadable,
}

/// Why a command ended early.
#[derive(Debug)]
pub enum Failure {
    /// Something is wrong.
    Problem(Box<Problem>),
    /// Several things are wrong with one input.
    Many(Box<Many>),
}

/// Several problems of one input.
#[derive(Debug)]
pub struct Many {
    /// What they add up to.
    pub summary: Problem,
    /// The problems, in the order of the input.
    pub problems: Vec<Problem>,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Failure::Problem(Box::new(problem))
    }
}

/// Writing output failed: not in what a [`crate::output::Sink`] takes. (Files of the ledger have
/// their own problems.)
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        failed(&error, "").hint("send the output elsewhere").into()
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        Failure::from(io::Error::from(error))
    }
}

impl Answer {
    /// The exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Answer::Yes => 0,
            Answer::No => 1,
            Answer::Unreadable => 4,
        }
    }
}

impl Failure {
    /// Names the argument that a refusal of one of these codes is about, unless it has a place.
    pub fn about(self, argument: &str, codes: &[Code]) -> Failure {
        match self {
            Failure::Problem(problem) if codes.contains(&problem.code) => {
                problem.at_field(argument).into()
            }
            other => other,
        }
    }

    /// Gives a refusal a place, unless it has one.
    pub fn or_at(self, place: impl FnOnce(Code) -> Place) -> Failure {
        match self {
            Failure::Problem(problem) if problem.place.is_none() => {
                let place = place(problem.code);
                problem.at(place).into()
            }
            other => other,
        }
    }

    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Problem(problem) => exit_code(problem.code),
            Failure::Many(many) => exit_code(many.summary.code),
        }
    }
}

impl From<OutOfBounds> for Failure {
    fn from(error: OutOfBounds) -> Failure {
        Failure::from(Problem::from(error))
    }
}

/// The exit code of a problem.
fn exit_code(code: Code) -> u8 {
    match code.class() {
        Class::Warning => 0,
        Class::Usage => 2,
        Class::Refused => 3,
        Class::Damaged => 4,
        Class::Outside => 5,
        Class::Internal => 6,
    }
}

/// The command line is wrong.
pub fn command_line(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    bad_argument("command line", message, hint)
}

/// An argument is wrong.
pub fn bad_argument(name: &str, message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Problem::new(Code::CommandLine, message).hint(hint).at_field(name).into()
}

/// Refusals that are about the period that a command names.
pub const OF_THE_PERIOD: &[Code] = &[
    Code::PeriodLength,
    Code::PeriodOutside,
    Code::PeriodNotReported,
    Code::NotYetMissing,
    Code::StatementOrder,
    Code::FxMissing,
];
