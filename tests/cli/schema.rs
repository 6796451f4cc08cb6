//! Just enough of JSON Schema to hold what the binary prints against `schemas/`: types, required
//! and known properties, items, alternatives, constants and references.

use std::fs;

use serde_json::Value;

use crate::run::root;

/// Checks a document against `schemas/<name>.schema.json`. Properties that the schema does not
/// know are refused: a field without documentation is a mistake.
pub fn check(name: &str, document: &Value) {
    let path = root().join("schemas").join(format!("{name}.schema.json"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
    let schema: Value = serde_json::from_str(&text).expect("a schema");
    if let Err(problem) = fits(&schema, &schema, document, "$", &[]) {
        panic!("{name}: {problem}\n{document:#}");
    }
}

fn fits(
    root: &Value,
    schema: &Value,
    value: &Value,
    at: &str,
    known: &[String],
) -> Result<(), String> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let pointer = reference.trim_start_matches('#');
        let target = root.pointer(pointer).ok_or(format!("{at}: no {reference}"))?;
        fits(root, target, value, at, known)?;
    }
    if let Some(constant) = schema.get("const").filter(|constant| *constant != value) {
        return Err(format!("{at}: expected {constant}, found {value}"));
    }
    if let Some(types) = schema.get("type") {
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let allowed = |one: &Value| one == name;
        let fits = allowed(types) || types.as_array().is_some_and(|all| all.iter().any(allowed));
        if !fits {
            return Err(format!("{at}: expected {types}, found {value}"));
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (index, value) in values.iter().enumerate() {
            fits(root, items, value, &format!("{at}[{index}]"), &[])?;
        }
    }
    let mut names: Vec<String> = known.to_vec();
    names.extend(property_names(root, schema));
    for word in ["oneOf", "anyOf"] {
        if let Some(choices) = schema.get(word).and_then(Value::as_array) {
            let results: Vec<_> =
                choices.iter().map(|choice| fits(root, choice, value, at, &names)).collect();
            if results.iter().all(Result::is_err) {
                let why: Vec<String> = results.into_iter().filter_map(Result::err).collect();
                return Err(format!("{at}: fits nothing of {word}: {}", why.join("; ")));
            }
        }
    }
    let Some(object) = value.as_object() else {
        return Ok(());
    };
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        if !object.contains_key(name) {
            return Err(format!("{at}: {name} is missing"));
        }
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return Ok(());
    };
    let has_choices = schema.get("oneOf").is_some() || schema.get("anyOf").is_some();
    for (name, value) in object {
        match properties.get(name) {
            Some(schema) => fits(root, schema, value, &format!("{at}.{name}"), &[])?,
            None if has_choices || names.contains(name) => {}
            None => return Err(format!("{at}: {name} is not in the schema")),
        }
    }
    Ok(())
}

fn property_names(root: &Value, schema: &Value) -> Vec<String> {
    let mut names: Vec<String> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default();
    let reference = schema.get("$ref").and_then(Value::as_str);
    if let Some(target) = reference.and_then(|r| root.pointer(r.trim_start_matches('#'))) {
        names.extend(property_names(root, target));
    }
    names
}
