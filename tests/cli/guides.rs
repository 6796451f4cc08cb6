//! What readers type, word for word: the README's tutorial and every page in `docs/guides`.
//!
//! Of a document, the blocks that begin with ```` ```LANGUAGE file=NAME ```` are files, those that
//! begin with ```` ```sh tutorial ```` are scripts. They are written and run one after another by
//! one shell in an empty folder; what a script prints is the `text` block behind it (hashes, ids
//! and keys aside). `REPO` is the project's folder. With `REVSHARE_UPDATE=1` the `text` blocks of a
//! document that prints something else are written anew. Beside it: links between documents hold.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use crate::run::Bench;
use crate::run::root;
use crate::run::steady;
use crate::run::updates;

const SCRIPT: &str = "```sh tutorial";
const OUTPUT: &str = "```text";
const FENCE: &str = "```";
/// Printed behind every script, so that outputs are told apart.
const MARK: &str = "== end of script";

/// A file that a document shows, or a script with its output.
enum Step {
    File { name: String, text: String },
    Script { text: String, shown: String, first: usize, last: usize },
}

/// A document, and what it has its reader do.
struct Guide {
    path: PathBuf,
    lines: Vec<String>,
    steps: Vec<Step>,
}

impl Guide {
    fn read(path: PathBuf) -> Guide {
        let text = fs::read_to_string(&path).expect("a document");
        let lines = text.lines().map(str::to_owned).collect::<Vec<_>>();
        let place = |index: usize| format!("{}:{}", path.display(), index + 1);
        let close = |open: usize| {
            let ends = |line: &String| line == FENCE;
            let length = lines[open + 1..].iter().position(ends);
            open + 1 + length.unwrap_or_else(|| panic!("{}: the block has no end", place(open)))
        };
        let body = |open: usize, end: usize| {
            lines[open + 1..end].iter().map(|line| format!("{line}\n")).collect::<String>()
        };
        let mut steps = vec![];
        let mut index = 0;
        while index < lines.len() {
            let line = &lines[index];
            if !line.starts_with(FENCE) {
                index += 1;
                continue;
            }
            let end = close(index);
            if let Some((_, name)) = line.split_once(" file=") {
                steps.push(Step::File { name: name.to_owned(), text: body(index, end) });
            }
            let mut next = end + 1;
            if line == SCRIPT {
                let open = (next..lines.len()).find(|at| !lines[*at].is_empty());
                let open = open.filter(|at| lines[*at] == OUTPUT);
                let open = open.unwrap_or_else(|| panic!("{}: no output behind it", place(index)));
                let last = close(open);
                next = last + 1;
                let (text, shown) = (body(index, end), body(open, last));
                steps.push(Step::Script { text, shown, first: open + 1, last });
            }
            index = next;
        }
        Guide { path, lines, steps }
    }

    /// All that its reader does, as one script.
    fn script(&self) -> String {
        let mut script = "exec 2>&1\n".to_owned();
        for step in &self.steps {
            match step {
                Step::File { name, text } => {
                    script.push_str(&format!("cat > {name} <<'END OF FILE'\n{text}END OF FILE\n"));
                }
                Step::Script { text, .. } => script.push_str(&format!("{text}echo '{MARK}'\n")),
            }
        }
        script
    }

    /// Runs it; what each script printed.
    fn run(&self, bench: &Bench) -> Result<Vec<String>, String> {
        let binary = Path::new(env!("CARGO_BIN_EXE_revshare"));
        let folder = binary.parent().expect("the folder of the binary").display();
        let path = std::env::var("PATH").unwrap_or_default();
        let home = bench.path("home");
        let work = bench.path("work");
        fs::create_dir_all(&work).expect("a scratch folder");
        let output = Command::new("sh")
            .args(["-euc", &self.script()])
            .current_dir(work)
            .env_clear()
            .env("PATH", format!("{folder}:{path}"))
            .env("HOME", &home)
            .env("REVSHARE_STATE_DIR", home.join("state"))
            .env("REVSHARE_CACHE_DIR", home.join("cache"))
            .env("REPO", root())
            .output()
            .expect("a shell");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        if !output.status.success() {
            let place = self.path.display();
            return Err(format!("{place} ends with {}:\n{printed}", output.status));
        }
        let end = format!("{MARK}\n");
        Ok(printed.split_terminator(&end).map(str::to_owned).collect())
    }

    /// Compares what was printed with what is shown, or shows it.
    fn hold(&self, printed: &[String]) -> Result<(), String> {
        let scripts = self.steps.iter().filter_map(|step| match step {
            Step::Script { text, shown, first, last } => Some((text, shown, *first, *last)),
            Step::File { .. } => None,
        });
        let scripts = scripts.collect::<Vec<_>>();
        assert_eq!(scripts.len(), printed.len(), "{}", self.path.display());
        let differing = scripts
            .iter()
            .zip(printed)
            .find(|((_, shown, ..), printed)| steady(shown) != steady(printed));
        let Some(((text, shown, first, _), other)) = differing else { return Ok(()) };
        if !updates() {
            let place = format!("{}:{first}", self.path.display());
            return Err(format!("{place}: after\n{text}\nshown:\n{shown}\nprinted:\n{other}"));
        }
        let mut written = String::new();
        let mut from = 0;
        for ((_, _, first, last), printed) in scripts.iter().zip(printed) {
            written.extend(self.lines[from..*first].iter().map(|line| format!("{line}\n")));
            written.push_str(printed);
            from = *last;
        }
        written.extend(self.lines[from..].iter().map(|line| format!("{line}\n")));
        fs::write(&self.path, written).expect("a document that can be written");
        Ok(())
    }
}

/// The README and the guides.
fn documents() -> Vec<PathBuf> {
    let mut documents = vec![root().join("README.md")];
    for entry in fs::read_dir(root().join("docs/guides")).expect("the guides") {
        let path = entry.expect("a guide").path();
        if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
    documents.sort();
    documents
}

#[test]
fn documents_print_what_they_show() {
    let problems = std::thread::scope(|scope| {
        let play = |path: PathBuf| {
            let guide = Guide::read(path);
            let has_command = guide.steps.iter().any(|step| matches!(step, Step::Script { .. }));
            assert!(has_command, "{} has no command", guide.path.display());
            guide.hold(&guide.run(&Bench::new())?)
        };
        let running = documents().into_iter().map(|path| scope.spawn(move || play(path)));
        let running = running.collect::<Vec<_>>();
        let ended = running.into_iter().map(|guide| guide.join().expect("a guide that runs"));
        ended.filter_map(Result::err).collect::<Vec<_>>()
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Every guide stands in the list of guides.
#[test]
fn every_guide_is_listed() {
    let guides = root().join("docs/guides");
    let index = fs::read_to_string(guides.join("README.md")).expect("the list of guides");
    for path in documents().into_iter().filter(|path| path.starts_with(&guides)) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(name == "README.md" || index.contains(&format!("]({name})")), "{name}");
    }
}

/// Files and folders that a document links to.
fn links(text: &str) -> Vec<&str> {
    let mut links = vec![];
    for after in text.split("](").skip(1) {
        let target = after.split([')', '#']).next().unwrap_or_default();
        if !target.is_empty() && !target.contains("://") && !target.contains(char::is_whitespace) {
            links.push(target);
        }
    }
    links
}

#[test]
fn links_lead_somewhere() {
    let mut found = vec![];
    let mut waiting = vec![root().join("docs"), root().join("schemas"), root().join("tests")];
    let mut documents = vec![root().join("README.md")];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                documents.push(path);
            }
        }
    }
    for path in documents {
        let text = fs::read_to_string(&path).expect("a document");
        let folder = path.parent().expect("a folder");
        for link in links(&text).into_iter().filter(|link| !folder.join(link).exists()) {
            found.push(format!("{}: {link}", path.display()));
        }
    }
    assert!(found.is_empty(), "nothing is there:\n{}", found.join("\n"));
}
