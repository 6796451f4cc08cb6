//! Reads typed values out of TOML, each with its place, and collects what is wrong with them.

use std::ops::Range;

use toml_edit::Item;
use toml_edit::TableLike;

use crate::intake::nearest::suggest;
use crate::limits::TERMS_ERRORS_MAX;
use crate::terms::TermsProblem;
use crate::terms::draft::At;
use crate::terms::draft::Entry;
use crate::terms::draft::Field;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::Problem;
use crate::vocab::Value;

/// A table and its place.
pub(in crate::intake) struct Table<'a> {
    pub(in crate::intake) at: At,
    table: &'a dyn TableLike,
}

/// An item or a value of an array, and its place.
pub(in crate::intake) struct Node<'a> {
    pub(in crate::intake) at: At,
    inner: Inner<'a>,
}

enum Inner<'a> {
    Item(&'a Item),
    Value(&'a toml_edit::Value),
}

/// Reads values; keeps the first problems, and counts all.
pub(in crate::intake) struct Reader {
    source: String,
    pub(in crate::intake) problems: Vec<TermsProblem>,
    pub(in crate::intake) problems_total: u64,
}

impl<'a> Table<'a> {
    /// The file as a whole.
    pub(in crate::intake) fn root(table: &'a toml_edit::Table) -> Table<'a> {
        Table { at: At { span: Some(0..0), path: String::new() }, table }
    }

    /// Whether the table has a key.
    pub(in crate::intake) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn node(&self, key: &str) -> Option<Node<'a>> {
        let (name, item) = self.table.get_key_value(key)?;
        let span = item.span().or(name.span()).or(self.at.span.clone());
        Some(Node { at: At { span, path: self.path(key) }, inner: Inner::Item(item) })
    }

    /// The place of a key.
    pub(in crate::intake) fn key_at(&self, key: &str) -> At {
        let name = self.table.get_key_value(key).and_then(|(name, _)| name.span());
        At { span: name.or(self.at.span.clone()), path: self.path(key) }
    }

    fn path(&self, key: &str) -> String {
        let key = key.escape_debug();
        match self.at.path.as_str() {
            "" => key.to_string(),
            path => format!("{path}.{key}"),
        }
    }
}

impl<'a> Node<'a> {
    fn value(&self) -> Option<&'a toml_edit::Value> {
        match self.inner {
            Inner::Item(item) => item.as_value(),
            Inner::Value(value) => Some(value),
        }
    }

    fn table(&self) -> Option<Table<'a>> {
        let table: &dyn TableLike = match self.inner {
            Inner::Item(item) => item.as_table_like()?,
            Inner::Value(value) => value.as_inline_table()?,
        };
        Some(Table { at: self.at.clone(), table })
    }

    /// What it is, in words.
    fn kind(&self) -> &'static str {
        let name = match self.inner {
            Inner::Item(item) => item.type_name(),
            Inner::Value(value) => value.type_name(),
        };
        match name {
            "string" => "a string",
            "integer" => "an integer",
            "float" => "a float",
            "boolean" => "a boolean",
            "datetime" => "a date or time",
            "array" => "an array",
            "array of tables" => "an array of tables",
            _ => "a table",
        }
    }

    fn item(&self, place: usize, value: Inner<'a>, span: Option<Range<usize>>) -> Node<'a> {
        Node {
            at: At {
                span: span.or(self.at.span.clone()),
                path: format!("{}[{place}]", self.at.path),
            },
            inner: value,
        }
    }
}

impl Reader {
    /// A reader of a text.
    pub(in crate::intake) fn new(source: &str) -> Reader {
        Reader { source: source.to_owned(), problems: Vec::new(), problems_total: 0 }
    }

    /// Reports a problem.
    pub(in crate::intake) fn refuse(
        &mut self,
        at: &At,
        code: Code,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(at, || Problem::new(code, message).hint(hint));
    }

    fn add(&mut self, at: &At, problem: impl FnOnce() -> Problem) {
        self.problems_total = self.problems_total.saturating_add(1);
        if self.problems.len() < TERMS_ERRORS_MAX {
            self.problems.push(TermsProblem::new(at, problem()));
        }
    }

    /// Reports keys that are not known.
    pub(in crate::intake) fn keys(&mut self, table: &Table, known: &[&str]) {
        for (key, _) in table.table.iter() {
            if known.contains(&key) {
                continue;
            }
            self.add(&table.key_at(key), || {
                let holder = match table.at.path.as_str() {
                    "" => "a terms file".to_owned(),
                    path => format!("`{path}`"),
                };
                let what = format!("{holder} has no key `{}`", key.escape_debug());
                let candidates = known.iter().copied();
                let others = || format!("the keys here are {}", known.join(", "));
                Problem::new(Code::TermsUnknownKey, what).hint(suggest(key, candidates, others))
            });
        }
    }

    /// Reads the value of a key. `read` reports what is wrong and yields `None` then.
    pub(in crate::intake) fn field<'a, T>(
        &mut self,
        table: &Table<'a>,
        key: &str,
        read: impl FnOnce(&mut Reader, &Node<'a>) -> Option<T>,
    ) -> Field<T> {
        let Some(node) = table.node(key) else {
            return Field::Missing;
        };
        self.read(node, read)
    }

    fn read<'a, T>(
        &mut self,
        node: Node<'a>,
        read: impl FnOnce(&mut Reader, &Node<'a>) -> Option<T>,
    ) -> Field<T> {
        match read(self, &node) {
            Some(value) => Field::Given(value, node.at),
            None => Field::Bad,
        }
    }

    fn wrong_type<T>(&mut self, node: &Node, wanted: &str, hint: impl Into<String>) -> Option<T> {
        self.refuse(
            &node.at,
            Code::TermsType,
            format!("`{}` is {}, and should be {wanted}", node.at.path, node.kind()),
            hint,
        );
        None
    }

    /// A table under a key. Reports anything else; `None` then, and if it is not there.
    pub(in crate::intake) fn table<'a>(
        &mut self,
        table: &Table<'a>,
        key: &str,
    ) -> Option<Table<'a>> {
        let node = table.node(key)?;
        match node.table() {
            Some(table) => Some(table),
            None => self.wrong_type(&node, "a table", format!("write [{}]", node.at.path)),
        }
    }

    /// What a table under a key says.
    pub(in crate::intake) fn said<'a, T>(
        &mut self,
        table: &Table<'a>,
        key: &str,
        read: impl FnOnce(&mut Reader, Table<'a>) -> T,
    ) -> Field<T> {
        match self.table(table, key) {
            Some(inner) => {
                let at = inner.at.clone();
                Field::Given(read(self, inner), at)
            }
            None if table.has(key) => Field::Bad,
            None => Field::Missing,
        }
    }

    /// Whether a single table stands under a key, and not a list of them.
    pub(in crate::intake) fn is_table(table: &Table, key: &str) -> bool {
        table.node(key).is_some_and(|node| node.table().is_some())
    }

    /// A list of tables: `[[key]]`, or an array of inline tables.
    pub(in crate::intake) fn tables<'a, T>(
        &mut self,
        table: &Table<'a>,
        key: &str,
        read: impl Fn(&mut Reader, Table<'a>) -> T,
    ) -> Field<Vec<T>> {
        self.field(table, key, |reader, node| {
            let mut nodes = Vec::new();
            match (node.value(), &node.inner) {
                (Some(toml_edit::Value::Array(array)), _) => {
                    for (place, value) in array.iter().enumerate() {
                        nodes.push(node.item(place, Inner::Value(value), value.span()));
                    }
                }
                (_, Inner::Item(Item::ArrayOfTables(array))) => {
                    let tables = array.iter().enumerate();
                    let items = tables.map(|(place, table)| Table {
                        at: At {
                            span: table.span().or(node.at.span.clone()),
                            path: format!("{}[{place}]", node.at.path),
                        },
                        table,
                    });
                    return Some(items.map(|table| read(reader, table)).collect());
                }
                _ => {
                    let hint = format!("write [[{}]] for each of them", node.at.path);
                    return reader.wrong_type(node, "an array of tables", hint);
                }
            }
            let mut items = Vec::with_capacity(nodes.len());
            for node in nodes {
                match node.table() {
                    Some(table) => items.push(read(reader, table)),
                    None => return reader.wrong_type(&node, "a table", "write { … }"),
                }
            }
            Some(items)
        })
    }

    /// An array, item by item.
    pub(in crate::intake) fn list<'a, T>(
        &mut self,
        node: &Node<'a>,
        read: impl Fn(&mut Reader, &Node<'a>) -> Option<T>,
    ) -> Option<Vec<Field<T>>> {
        let Some(toml_edit::Value::Array(array)) = node.value() else {
            return self.wrong_type(node, "an array of strings", "write [\"…\", \"…\"]");
        };
        let mut items = Vec::with_capacity(array.len());
        for (place, value) in array.iter().enumerate() {
            let item = node.item(place, Inner::Value(value), value.span());
            items.push(self.read(item, &read));
        }
        Some(items)
    }

    /// The patterns of a condition: a string, or an array of strings.
    pub(in crate::intake) fn patterns<'a>(&mut self, node: &Node<'a>) -> Option<Vec<Field<Value>>> {
        if let Some(toml_edit::Value::String(_)) = node.value() {
            let pattern = self.parsed(node, Value::typed)?;
            return Some(vec![Field::Given(pattern, node.at.clone())]);
        }
        self.list(node, |reader, node| reader.parsed(node, Value::typed))
    }

    /// A table of tables, whose keys are names of things.
    pub(in crate::intake) fn tables_by<'a, K, V>(
        &mut self,
        node: &Node<'a>,
        key: impl Fn(&str) -> Result<K, Problem>,
        read: impl Fn(&mut Reader, Table<'a>) -> V,
    ) -> Option<Vec<Entry<K, V>>> {
        self.entries(node, key, |reader, node| match node.table() {
            Some(table) => Some(read(reader, table)),
            None => reader.wrong_type(node, "a table", "write { … }"),
        })
    }

    /// A table whose keys are names of things.
    pub(in crate::intake) fn entries<'a, K, V>(
        &mut self,
        node: &Node<'a>,
        key: impl Fn(&str) -> Result<K, Problem>,
        read: impl Fn(&mut Reader, &Node<'a>) -> Option<V>,
    ) -> Option<Vec<Entry<K, V>>> {
        let Some(table) = node.table() else {
            return self.wrong_type(node, "a table", "write { name = … }");
        };
        let mut entries = Vec::with_capacity(table.table.len());
        for (name, _) in table.table.iter() {
            let at = table.key_at(name);
            let key = match key(name) {
                Ok(key) => Field::Given(key, at),
                Err(problem) => {
                    self.add(&at, || problem);
                    Field::Bad
                }
            };
            entries.push(Entry { key, value: self.field(&table, name, &read) });
        }
        Some(entries)
    }

    /// A string.
    pub(in crate::intake) fn text<'a>(&mut self, node: &Node<'a>) -> Option<&'a str> {
        match node.value().and_then(toml_edit::Value::as_str) {
            Some(text) => Some(text),
            None => self.wrong_type(node, "a string", "put it in quotes"),
        }
    }

    /// A string that a word of the vocabulary is read from.
    pub(in crate::intake) fn parsed<'a, T>(
        &mut self,
        node: &Node<'a>,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let text = self.text(node)?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.add(&node.at, || problem);
                None
            }
        }
    }

    /// A decimal, which is a string: a TOML float has no exact value.
    pub(in crate::intake) fn decimal<'a, T>(
        &mut self,
        node: &Node<'a>,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        if let Some(toml_edit::Value::Float(_) | toml_edit::Value::Integer(_)) = node.value() {
            let span = node.at.span.clone().unwrap_or_default();
            let written = self.source.get(span).unwrap_or("0.15").trim();
            let hint = format!("decimals are exact only as text: write \"{written}\"");
            return self.wrong_type(node, "a decimal in quotes", hint);
        }
        self.parsed(node, parse)
    }

    /// A small whole number. `code` refuses those below 0 and above 65535.
    pub(in crate::intake) fn number<'a>(&mut self, node: &Node<'a>, code: Code) -> Option<u16> {
        let Some(number) = node.value().and_then(toml_edit::Value::as_integer) else {
            return self.wrong_type(node, "a whole number", "write it without quotes or point");
        };
        match u16::try_from(number) {
            Ok(number) => Some(number),
            Err(_) => {
                self.refuse(
                    &node.at,
                    code,
                    format!("`{}` cannot be {number}", node.at.path),
                    "write a whole number that is not negative, as documented",
                );
                None
            }
        }
    }

    /// A boolean.
    pub(in crate::intake) fn boolean<'a>(&mut self, node: &Node<'a>) -> Option<bool> {
        match node.value().and_then(toml_edit::Value::as_bool) {
            Some(value) => Some(value),
            None => self.wrong_type(node, "true or false", "write it without quotes"),
        }
    }

    /// A local date.
    pub(in crate::intake) fn date<'a>(&mut self, node: &Node<'a>) -> Option<Date> {
        let datetime = node.value().and_then(toml_edit::Value::as_datetime);
        let Some((toml, None, None)) = datetime.map(|at| (at.date, at.time, at.offset)) else {
            let hint = "write a day without quotes and without a time, such as 2026-01-01";
            return self.wrong_type(node, "a day", hint);
        };
        let text = toml.map(|date| date.to_string()).unwrap_or_default();
        match Date::parse(&text) {
            Ok(date) => Some(date),
            Err(problem) => {
                self.add(&node.at, || problem);
                None
            }
        }
    }

    /// One of several words.
    pub(in crate::intake) fn choice<'a, T: Copy>(
        &mut self,
        node: &Node<'a>,
        choices: &[T],
        word: impl Fn(&T) -> &'static str,
    ) -> Option<T> {
        let text = self.text(node)?;
        if let Some(choice) = choices.iter().find(|choice| word(choice) == text) {
            return Some(*choice);
        }
        let words: Vec<&str> = choices.iter().map(&word).collect();
        self.refuse(
            &node.at,
            Code::TermsType,
            format!("`{}` cannot be \"{}\"", node.at.path, text.escape_debug()),
            suggest(text, words.iter().copied(), || format!("write one of {}", words.join(", "))),
        );
        None
    }
}
