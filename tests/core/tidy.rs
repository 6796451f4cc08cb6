//! The project's rules about its own code, held by a test. Each rule names what to do instead.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Longest source file, in lines.
const LINES_MAX: usize = 600;
/// Files that may be longer, with the reason.
const LONG_FILES: [(&str, &str); 2] = [
    ("tests/reference/reference.rs", "one file is the point: it is read beside the documents"),
    ("tests/core/bad_payloads.rs", "a list, one entry after another"),
];
/// Most crates in `Cargo.lock`. Raise it in the commit that adds a dependency, with its reason.
const CRATES_MAX: usize = 235;

fn root() -> PathBuf {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    core.parent().expect("the core lies in the project").to_owned()
}

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A source file, its path relative to the project.
struct Source {
    path: String,
    text: String,
}

/// Every file below a folder with an extension, sorted.
fn files(folder: &str, extension: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project") {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = fs::read_to_string(&path).expect("source is text");
                let path = path.strip_prefix(root()).expect("below the project");
                found.push(Source { path: path.display().to_string(), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no {extension} files in {folder}");
    found
}

/// Modules that are compiled for tests only, as files.
fn test_files(sources: &[Source]) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for source in sources {
        let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
        for pair in lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]") {
            let declared = pair[1].trim_start_matches("pub ").strip_prefix("mod ");
            if let Some(name) = declared.and_then(|rest| rest.strip_suffix(';')) {
                let folder = Path::new(&source.path).parent().expect("a file lies in a folder");
                tests.insert(folder.join(format!("{name}.rs")).display().to_string());
            }
        }
    }
    tests
}

impl Source {
    /// Its lines of code, with their numbers: without comments, and without tests at its end.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        let lines =
            lines.take_while(|(_, line)| line.trim() != "#[cfg(test)]" || !self.has_tests());
        lines.filter_map(|(at, line)| {
            let code = line.split_once("//").map_or(line, |(code, _)| code);
            (!code.trim().is_empty()).then_some((at, code))
        })
    }

    /// Whether it ends with a module of tests.
    fn has_tests(&self) -> bool {
        self.text.contains("#[cfg(test)]\nmod tests {")
    }
}

/// The code of the core that is not compiled for tests only.
fn core_sources() -> Vec<Source> {
    let sources = files("ledger-core/src", "rs");
    let tests = test_files(&sources);
    sources.into_iter().filter(|source| !tests.contains(&source.path)).collect()
}

#[track_caller]
fn none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

/// Whether a word stands in code, not as part of a longer one.
fn has_word(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// The order of the modules in `lib.rs` is the order of dependence: a module uses the modules above
/// it and no other.
#[test]
fn modules_use_only_what_stands_above_them() {
    let library = read("ledger-core/src/lib.rs");
    let declared = library.lines().filter_map(|line| {
        let rest = line.trim().trim_start_matches("pub ").strip_prefix("mod ")?;
        rest.strip_suffix(';').map(str::to_owned)
    });
    let order: Vec<String> = declared.collect();
    assert!(order.len() > 10, "lib.rs lists its modules: {order:?}");
    let mut upward = Vec::new();
    for source in core_sources() {
        let inside = source.path.strip_prefix("ledger-core/src/").expect("a file of the core");
        let own = inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs");
        let Some(place) = order.iter().position(|module| module == own) else {
            assert_eq!(own, "lib", "{} belongs to no module of lib.rs", source.path);
            continue;
        };
        for (line, code) in source.code() {
            for (at, _) in code.match_indices("crate::") {
                let path = &code[at + "crate::".len()..];
                let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
                let used = &path[..end.unwrap_or(path.len())];
                let rank = order.iter().position(|module| module == used);
                if rank.is_none_or(|rank| rank > place) {
                    upward.push(format!("{}:{line}: {own} uses {used}", source.path));
                }
            }
        }
    }
    none(&upward, "a module may use the modules above it in lib.rs, and no other; move the code");
}

/// One path to a thing: `use crate::module::thing;`, one a line.
#[test]
fn imports_name_one_thing_a_line() {
    let mut found = Vec::new();
    for source in core_sources() {
        for (line, code) in source.code() {
            for banned in ["use crate::{", "super::super"] {
                if code.contains(banned) {
                    found.push(format!("{}:{line}: {banned}", source.path));
                }
            }
        }
    }
    none(&found, "write `use crate::module::thing;`, one a line");
}

/// Money is never a float.
#[test]
fn no_floats() {
    let mut found = Vec::new();
    for source in files("ledger-core/src", "rs") {
        for (line, code) in source.code() {
            let is_float = has_word(code, "f32") || has_word(code, "f64");
            // The one place that names a float: where serde offers one, to refuse it.
            if is_float && !code.contains("fn visit_f64") {
                found.push(format!("{}:{line}: {}", source.path, code.trim()));
            }
        }
    }
    none(&found, "use vocab::Amount, vocab::Rate or vocab::Exact");
}

/// Money never saturates: behind a sum that can leave its bounds stands no other amount.
#[test]
fn no_default_behind_a_sum() {
    let sums = ["checked_add(", "checked_sub(", ".plus(", ".minus(", "Amount::total("];
    let mut found = Vec::new();
    for folder in ["ledger-core/src", "ledger-cli/src"] {
        for source in files(folder, "rs") {
            let code: String = source.text.split_whitespace().collect();
            for sum in sums {
                for (at, _) in code.match_indices(sum) {
                    let behind = after_parenthesis(&code[at + sum.len()..]);
                    if behind.starts_with(".unwrap_or") || behind.starts_with(".map_or(") {
                        let text: String = code[at..].chars().take(60).collect();
                        found.push(format!("{}: {text}", source.path));
                    }
                }
            }
        }
    }
    none(&found, "let the caller have the error: an amount out of bounds is no other amount");
}

/// What stands behind the parenthesis that closes one that was opened before.
fn after_parenthesis(code: &str) -> &str {
    let mut open = 1;
    for (at, c) in code.char_indices() {
        open += i32::from(c == '(') - i32::from(c == ')');
        if open == 0 {
            return &code[at + 1..];
        }
    }
    ""
}

/// The matches over kinds of events that may have an arm for all others: what they say of a new
/// kind is what they say of most.
const ARMS_FOR_OTHER_KINDS: [(&str, usize); 6] = [
    ("ledger-core/src/decide/mod.rs", 1),
    ("ledger-core/src/evolve/dispute/mod.rs", 1),
    ("ledger-core/src/evolve/evidence.rs", 1),
    ("ledger-core/src/verify/mod.rs", 1),
    ("ledger-core/src/what_if.rs", 1),
    ("ledger-core/src/wire/event.rs", 2),
];

/// A new kind of event is thought of everywhere: the compiler lists the places, because no match
/// over kinds has an arm for all others, but those of a list.
#[test]
fn matches_over_kinds_name_every_kind() {
    let mut found = Vec::new();
    for source in core_sources() {
        let lines: Vec<&str> = source.text.lines().collect();
        let indent = |line: &str| line.len() - line.trim_start().len();
        let arms = lines.iter().enumerate().filter(|(_, line)| {
            line.trim_start().starts_with("_ =>") || line.trim_start().starts_with("_ if")
        });
        let of_kinds = arms.filter(|(at, arm)| {
            let above = lines[..*at].iter().rev().filter(|line| !line.trim().is_empty());
            let mut arms = above
                .take_while(|line| indent(line) >= indent(arm))
                .filter(|line| indent(line) == indent(arm))
                .map(|line| line.trim_start().trim_start_matches("| "));
            arms.any(|arm| arm.starts_with("Event::") || arm.starts_with("Kind::"))
        });
        let known = ARMS_FOR_OTHER_KINDS.iter().find(|(path, _)| *path == source.path);
        let count = of_kinds.count();
        if count > known.map_or(0, |(_, count)| *count) {
            found.push(format!("{}: {count}", source.path));
        }
    }
    none(&found, "name the kinds: somebody who adds one is to be led here");
}

/// No result depends on the order of a hash table with a random seed.
#[test]
fn no_random_order() {
    let mut found = Vec::new();
    for source in core_sources() {
        for (line, code) in source.code() {
            if has_word(code, "HashMap") || has_word(code, "HashSet") {
                found.push(format!("{}:{line}: {}", source.path, code.trim()));
            }
        }
    }
    none(&found, "use BTreeMap, or FxHashMap where the order never reaches a result");
}

/// A file is read in one sitting.
#[test]
fn files_are_short() {
    let folders = ["ledger-core/src", "ledger-cli/src", "tests"];
    let sources: Vec<Source> = folders.iter().flat_map(|folder| files(folder, "rs")).collect();
    let mut found = Vec::new();
    for source in &sources {
        let lines = source.text.lines().count();
        let is_listed = LONG_FILES.iter().any(|(path, _)| *path == source.path);
        if lines > LINES_MAX && !is_listed {
            found.push(format!("{}: {lines} lines", source.path));
        }
    }
    none(
        &found,
        "split the file where its subject changes, or list it in LONG_FILES with a reason",
    );
    for (path, _) in LONG_FILES {
        let long = sources.iter().find(|source| source.path == path);
        let lines = long.map_or(0, |source| source.text.lines().count());
        assert!(lines > LINES_MAX, "{path} is no longer long: take it off LONG_FILES");
    }
}

/// What a state is made of, which a snapshot keeps as it is. That is no format: nobody else reads it,
/// and another version of it is not read at all (`snapshot::SNAPSHOT_VERSION`).
const KEPT_AS_IT_IS: [&str; 13] = [
    "ledger-core/src/vocab/digest.rs",
    "ledger-core/src/vocab/exact.rs",
    "ledger-core/src/usage/column.rs",
    "ledger-core/src/usage/sums.rs",
    "ledger-core/src/usage/table.rs",
    "ledger-core/src/usage/texts.rs",
    "ledger-core/src/terms/body.rs",
    "ledger-core/src/terms/versions.rs",
    "ledger-core/src/statement.rs",
    "ledger-core/src/payout.rs",
    "ledger-core/src/dispute.rs",
    "ledger-core/src/rating/group.rs",
    "ledger-core/src/event.rs",
];

/// A type that derives `Serialize` is a promise about a format: only where formats are, and where a
/// snapshot takes types as they are.
#[test]
fn serialisation_stays_at_the_edges() {
    let mut edges = vec![
        "ledger-core/src/wire/",
        "ledger-core/src/intake/",
        "ledger-core/src/state/",
        "ledger-core/src/index/",
        "ledger-core/src/checkpoint.rs",
        "ledger-core/src/snapshot.rs",
        "ledger-cli/src/render/",
    ];
    edges.extend(KEPT_AS_IT_IS);
    let mut found = Vec::new();
    for folder in ["ledger-core/src", "ledger-cli/src"] {
        for source in files(folder, "rs") {
            if edges.iter().any(|edge| source.path.starts_with(edge)) {
                continue;
            }
            for (line, code) in source.code() {
                let derives = code.contains("derive(");
                if derives && (has_word(code, "Serialize") || has_word(code, "Deserialize")) {
                    found.push(format!("{}:{line}: {}", source.path, code.trim()));
                }
            }
        }
    }
    none(&found, "give the format a type of its own in wire, intake, index or render");
}

/// Every dependency says why it is there, once, in the workspace's `Cargo.toml`; the members refer
/// to it, or to a crate of the workspace.
#[test]
fn dependencies_carry_their_reason() {
    let mut found = Vec::new();
    let workspace = read("Cargo.toml");
    let table = workspace.split_once("[workspace.dependencies]").expect("the table is there").1;
    let table = table.split("\n[").next().unwrap_or(table);
    for line in table.lines().filter(|line| line.contains(" = ")) {
        let is_own = line.contains("path = ");
        if !is_own && line.split_once('#').is_none_or(|(_, reason)| reason.trim().len() < 5) {
            found.push(format!("Cargo.toml: {line}"));
        }
    }
    for member in ["ledger-core", "ledger-cli", "tests/kit", "tests/reference", "tests/hostile"] {
        let path = format!("{member}/Cargo.toml");
        let text = read(&path);
        let mut in_dependencies = false;
        for line in text.lines() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies]");
            } else if in_dependencies && line.contains('=') {
                let refers = line.contains("workspace = true") || line.contains("path = ");
                if !refers && !line.contains("workspace=true") {
                    found.push(format!("{path}: {line}"));
                }
            }
        }
    }
    // The fuzzer is a workspace of its own.
    let fuzzer = read("tests/fuzz/Cargo.toml");
    let table = fuzzer.split_once("[dependencies]").expect("the table is there").1;
    for line in table.lines().take_while(|line| !line.starts_with('[')) {
        if line.contains(" = ") && !line.contains("path = ") && !line.contains(" # ") {
            found.push(format!("tests/fuzz/Cargo.toml: {line}"));
        }
    }
    none(&found, "name the dependency in [workspace.dependencies] with `# the reason`");
}

/// The fuzzer tries the crates that the ledger is built from, in the same versions.
#[test]
fn the_fuzzer_has_the_same_crates() {
    let packages = |path: &str| -> BTreeSet<String> {
        let text = read(path);
        let packages = text.split("[[package]]").skip(1);
        packages.map(|one| one.lines().skip(1).take(2).collect::<Vec<_>>().join(" ")).collect()
    };
    let own = packages("Cargo.lock");
    let allowed = ["arbitrary", "jobserver", "libfuzzer-sys", "revshare-fuzz"];
    let others: Vec<String> = packages("tests/fuzz/Cargo.lock")
        .into_iter()
        .filter(|one| !own.contains(one))
        .filter(|one| allowed.iter().all(|name| !one.contains(&format!("\"{name}\""))))
        .collect();
    none(&others, "copy the versions of Cargo.lock to tests/fuzz/Cargo.lock");
}

/// Every target of `tests/hostile` has a binary of the fuzzer, a number of runs, and a corpus.
#[test]
fn every_target_is_fuzzed() {
    let library = read("tests/hostile/lib.rs");
    let (run, fuzzer) = (read("tests/fuzz/run"), read("tests/fuzz/Cargo.toml"));
    let names: Vec<&str> = library
        .lines()
        .filter_map(|line| line.trim().strip_prefix("target(\"")?.split('"').next())
        .collect();
    assert!(names.len() > 10, "lib.rs lists its targets: {names:?}");
    let mut found = Vec::new();
    for name in names {
        let is_built = fuzzer.contains(&format!("name = \"{name}\""));
        let is_run = run.matches(&format!("[{name}]=")).count() == 2;
        let corpus = root().join("tests/fuzz/corpus").join(name);
        if !is_built || !is_run || !corpus.is_dir() {
            found.push(name.to_owned());
        }
    }
    none(&found, "add the target to tests/fuzz/Cargo.toml, tests/fuzz/run and tests/fuzz/corpus");
}

/// The packages of `Cargo.lock`: name, and the names of what each depends on.
fn locked() -> Vec<(String, Vec<String>)> {
    let text = read("Cargo.lock");
    let packages = text.split("[[package]]").skip(1);
    packages
        .map(|package| {
            let name = package.lines().find_map(|line| line.strip_prefix("name = "));
            let list = package.split_once("dependencies = [").map_or("", |(_, list)| list);
            let list = list.split(']').next().unwrap_or_default();
            let names = list.split('"').skip(1).step_by(2);
            let first_word = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
            (name.unwrap_or_default().replace('"', ""), names.map(first_word).collect())
        })
        .collect()
}

/// The number of crates is known and bounded.
#[test]
fn crates_stay_few() {
    let count = locked().len();
    assert!(count <= CRATES_MAX, "{count} crates in Cargo.lock, {CRATES_MAX} are allowed");
    assert!(count + 15 > CRATES_MAX, "only {count} crates are left: lower CRATES_MAX");
}

/// `rust_decimal` reads serde numbers through a float: its serde features stay off. (`Cargo.lock`
/// cannot tell: it names optional dependencies that no feature turned on.) This does not compile if
/// a `Decimal` can be serialised: the trait then holds for it in two ways.
#[test]
fn decimals_never_meet_serde() {
    trait HoldsOnce<A> {
        fn holds() {}
    }
    impl<T> HoldsOnce<()> for T {}
    struct Serialised;
    impl<T: serde::Serialize> HoldsOnce<Serialised> for T {}
    <rust_decimal::Decimal as HoldsOnce<_>>::holds();
}

/// The index of the formats lists every file in its folder, and no other.
#[test]
fn schemas_are_listed() {
    let index = read("schemas/README.md");
    let mut found = Vec::new();
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(root().join("schemas")).expect("the folder of the formats") {
        let entry = entry.expect("an entry of the folder");
        let name = entry.file_name().to_string_lossy().into_owned();
        let name = if entry.path().is_dir() { format!("{name}/") } else { name };
        if !index.contains(&format!("]({name})")) {
            found.push(format!("schemas/{name} is not listed"));
        }
        names.insert(name);
    }
    for row in index.lines().filter(|line| line.starts_with("| [")) {
        let target = row.split_once("](").and_then(|(_, rest)| rest.split_once(')'));
        let target = target.map_or("", |(target, _)| target);
        if !names.contains(target) {
            found.push(format!("schemas/README.md lists {target}, which is not there"));
        }
    }
    none(&found, "keep the table in schemas/README.md");
}

/// The rules above see what they are meant to see.
#[test]
fn the_rules_have_teeth() {
    assert!(has_word("let x: f64 = 1.0;", "f64"));
    assert!(!has_word("let buf64 = 1;", "f64"));
    let source = Source {
        path: "a.rs".to_owned(),
        text: "code(); // f64\n#[cfg(test)]\nmod tests {\n f64\n}\n".to_owned(),
    };
    assert_eq!(source.code().collect::<Vec<_>>(), [(1, "code(); ")]);
    let sources = [Source {
        path: "ledger-core/src/a/mod.rs".to_owned(),
        text: "#[cfg(test)]\npub mod testing;\n".to_owned(),
    }];
    assert_eq!(test_files(&sources), BTreeSet::from(["ledger-core/src/a/testing.rs".to_owned()]));
    assert!(
        locked()
            .iter()
            .any(|(name, needs)| name == "ledger-core" && needs.contains(&"blake3".to_owned()))
    );
}
