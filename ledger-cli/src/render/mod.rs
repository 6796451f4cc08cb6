//! The only place that formats for people or machines.

pub mod table;
pub mod text;
pub mod problem;
pub mod record;
pub mod dispute;
pub mod statement;
pub mod explain;
pub mod json;
pub mod schema;
