//! A case: given, when, and the refusal that must follow.

use std::any::Any;

use revshare_core::vocab::Code;
use revshare_core::vocab::problem::Class;
use serde_json::Value;

use crate::bench::Bench;
use crate::bench::Disk;
use crate::bench::Given;
use crate::bench::Ran;
use crate::bench::with_keys;
use crate::bench::words;

/// One way to go wrong.
pub struct Case {
    pub code: Code,
    about: &'static str,
    given: Given,
    steps: Vec<Step>,
    when: String,
    place: String,
    says: Vec<&'static str>,
    shows: Shows,
    disk: Disk,
}

/// What is done before the command; what it returns is kept until the case is over.
type Step = Box<dyn Fn(&Bench) -> Box<dyn Any>>;

/// Where the code is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// The command fails with it.
    Failure,
    /// `verify` finds it.
    Finding,
    /// The command succeeds and warns of it.
    Warning,
}

/// The mark of a place in a file: `¦` stands before what is wrong.
const MARK: char = '¦';

/// A case of a code: what goes wrong, in words.
pub fn case(code: Code, about: &'static str) -> Case {
    Case {
        code,
        about,
        given: Given::Paid,
        steps: vec![],
        when: String::new(),
        place: String::new(),
        says: vec![],
        shows: if code.class() == Class::Warning { Shows::Warning } else { Shows::Failure },
        disk: Disk::Sound,
    }
}

impl Case {
    /// What there is before.
    pub fn given(mut self, given: Given) -> Case {
        self.given = given;
        self
    }

    /// And a file with a text in which `¦` marks the place that the refusal names.
    pub fn file(mut self, name: &'static str, text: &str) -> Case {
        let text = with_keys(text);
        if let Some((before, _)) = text.split_once(MARK) {
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            self.place = format!("{name}:{line}:{column}");
        }
        self.bytes(name, text.replace(MARK, "").into_bytes())
    }

    /// And a file with these bytes.
    pub fn bytes(self, name: &'static str, bytes: Vec<u8>) -> Case {
        self.after(move |bench| bench.write(name, &bytes))
    }

    /// And a command that succeeded.
    pub fn ran(self, line: &'static str) -> Case {
        self.after(move |bench| bench.ok(line))
    }

    /// And something else happened.
    pub fn after<T: Any>(mut self, step: impl Fn(&Bench) -> T + 'static) -> Case {
        self.steps.push(Box::new(move |bench| Box::new(step(bench))));
        self
    }

    /// When this is tried.
    pub fn when(mut self, line: &str) -> Case {
        self.when = line.to_owned();
        self
    }

    /// With files that can only grow to so many blocks.
    pub fn with_file_limit(mut self, blocks: u32) -> Case {
        self.disk = Disk::Limited(blocks);
        self
    }

    /// On a disk that does not confirm what is written.
    pub fn with_failing_sync(mut self) -> Case {
        self.disk = Disk::Unsynced;
        self
    }

    /// With an output that cannot be written.
    pub fn with_full_output(mut self) -> Case {
        self.disk = Disk::FullOutput;
        self
    }

    /// On a system that gives no random bytes.
    pub fn without_randomness(mut self) -> Case {
        self.disk = Disk::NoRandomness;
        self
    }

    /// For a user without a home.
    pub fn without_folders(mut self) -> Case {
        self.disk = Disk::NoFolders;
        self
    }

    /// With a state folder that depends on where the command is run.
    pub fn with_relative_folder(mut self) -> Case {
        self.disk = Disk::RelativeFolder;
        self
    }

    /// Then the refusal names this place.
    pub fn at(mut self, place: &str) -> Case {
        self.place = place.to_owned();
        self
    }

    /// And says this.
    pub fn saying(mut self, text: &'static str) -> Case {
        self.says.push(text);
        self
    }

    /// When the log in a folder is verified, it is found there.
    pub fn found_in(mut self, folder: &str, place: &str) -> Case {
        self.shows = Shows::Finding;
        if self.when.is_empty() {
            self.when = format!("verify {folder}");
        }
        self.at(place)
    }

    fn holds(&self) -> Result<(), String> {
        let bench = Bench::new(self.given);
        let kept: Vec<Box<dyn Any>> = self.steps.iter().map(|step| step(&bench)).collect();
        let before = bench.logs();
        let mut args = words(&self.when);
        let told = bench.run(&args, self.disk);
        args.push("--json".to_owned());
        let ran = bench.run(&args, self.disk);
        let after = bench.logs();
        drop(kept);
        self.check_json(&ran)?;
        self.check_text(&told)?;
        // What the disk did not confirm is not taken back.
        match before == after || self.disk == Disk::Unsynced {
            true => Ok(()),
            false => Err("the ledger is not as it was".to_owned()),
        }
    }

    fn exit(&self) -> i32 {
        match (self.shows, self.code.class()) {
            (Shows::Finding, _) => 1,
            (Shows::Warning, _) | (_, Class::Warning) => 0,
            (_, Class::Usage) => 2,
            (_, Class::Refused) => 3,
            (_, Class::Damaged) => 4,
            (_, Class::Outside) => 5,
            (_, Class::Internal) => 6,
        }
    }

    /// Exit code, code, place and hint, as scripts see them.
    fn check_json(&self, ran: &Ran) -> Result<(), String> {
        let shown = match self.shows {
            Shows::Failure => &ran.err,
            Shows::Finding | Shows::Warning => &ran.out,
        };
        let document: Value = serde_json::from_str(shown)
            .map_err(|error| format!("exit {}, {error}: {}{}", ran.code, ran.out, ran.err))?;
        if ran.code != self.exit() {
            return Err(format!("exit {} instead of {}: {document}", ran.code, self.exit()));
        }
        let list = |name: &str| document[name].as_array().cloned().unwrap_or_default();
        let candidates = match self.shows {
            Shows::Failure if list("errors").is_empty() => vec![document.clone()],
            Shows::Failure => list("errors"),
            Shows::Finding => list("findings"),
            Shows::Warning => list("warnings"),
        };
        let of_code = candidates.iter().filter(|one| one["code"] == self.code.as_str());
        let found = of_code.clone().find(|one| place(one) == self.place);
        let Some(one) = found else {
            let places: Vec<String> = of_code.map(place).collect();
            return Err(match places.is_empty() {
                true => format!("other codes: {document:#}"),
                false => format!("place {places:?} instead of {:?}", self.place),
            });
        };
        for field in ["message", "hint"] {
            if one[field].as_str().unwrap_or_default().is_empty() {
                return Err(format!("no {field}: {one}"));
            }
        }
        if place(one).is_empty() {
            return Err(format!("no place: {one}"));
        }
        let message = one["message"].as_str().unwrap_or_default();
        match self.says.iter().find(|text| !message.contains(**text)) {
            Some(text) => Err(format!("{message:?} does not say {text:?}")),
            None => Ok(()),
        }
    }

    /// Code, rule and hint, as people see them; and no control character.
    fn check_text(&self, ran: &Ran) -> Result<(), String> {
        let text = format!("{}{}", ran.out, ran.err);
        if ran.code != self.exit() {
            return Err(format!("without --json: exit {}: {text}", ran.code));
        }
        if let Some(raw) = text.chars().find(|c| c.is_control() && *c != '\n') {
            return Err(format!("the output holds {raw:?}: {text:?}"));
        }
        let code = format!("[{}]", self.code.as_str());
        let rule = format!(" rule: {}", self.code.rule());
        // For what clap refuses, clap's own text stands in the place of rule and hint.
        let is_clap = self.code == Code::CommandLine && text.contains("For more information");
        let wanted: &[&str] = if is_clap { &[&code] } else { &[&code, &rule, " help: "] };
        match wanted.iter().find(|wanted| !text.contains(**wanted)) {
            Some(wanted) => Err(format!("{wanted:?} is not shown: {text}")),
            None => Ok(()),
        }
    }
}

/// A place, as messages write it.
fn place(problem: &Value) -> String {
    let place = &problem["place"];
    let path = place["path"].as_str().unwrap_or_default();
    if let (Some(line), Some(column)) = (place["line"].as_u64(), place["column"].as_u64()) {
        return format!("{path}:{line}:{column}");
    }
    if let Some(offset) = place["offset"].as_u64() {
        return format!("{path}, byte {offset}");
    }
    if let Some(seq) = place["record"].as_u64().or(problem["seq"].as_u64()) {
        return format!("record {seq}");
    }
    place["field"].as_str().unwrap_or(path).to_owned()
}

/// Every case holds; all that do not are told.
#[track_caller]
pub fn hold(cases: Vec<Case>) {
    let broken: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let why = case.holds().err()?;
            let Case { code, about, when, .. } = case;
            Some(format!("{}, {about}\n  revshare {when}\n  {why}\n", code.as_str()))
        })
        .collect();
    assert!(broken.is_empty(), "{} cases:\n\n{}", broken.len(), broken.join("\n"));
}
