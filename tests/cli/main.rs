//! The command line, as scripts and people meet it: the real binary, in folders of its own.

#![allow(clippy::restriction, reason = "a test that cannot go on fails")]

mod run;
mod schema;
mod transcripts;
mod documents;
mod reading;
mod roots;
mod exits;
mod output;
mod paths;
mod secrets;
mod proposals;
mod disputes;
mod evidence;
mod hostile_folders;
mod planted;
mod contract;
mod demo;
mod shipped;
mod guides;
