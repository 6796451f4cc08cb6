//! Secrets leave memory: a library that is loaded beside the binary looks for them when it ends.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::run::Bench;

/// Looks through all memory that can be written, at the end of the process. What is looked for is
/// told with every byte changed, so that it is not found where it is told.
const LOOKER: &str = r#"
#include <stdio.h>
#include <stdlib.h>

__attribute__((destructor)) static void look(void) {
    const char *hex = getenv("LOOKED_FOR"), *name = getenv("FOUND_IN");
    unsigned char changed[128];
    unsigned long len = 0, from, to;
    unsigned byte;
    char line[1024], mode[8];
    if (!hex || !name) return;
    for (; hex[2 * len] && sscanf(hex + 2 * len, "%2x", &byte) == 1; len++) changed[len] = byte;
    FILE *maps = fopen("/proc/self/maps", "r"), *found = fopen(name, "w");
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3) continue;
        if (mode[0] != 'r' || mode[1] != 'w') continue;
        for (const unsigned char *at = (void *)from; at + len <= (unsigned char *)to; at++) {
            unsigned long same = 0;
            while (same < len && (at[same] ^ 0x5a) == changed[same]) same++;
            if (same == len) fprintf(found, "%p in %s", (void *)at, line);
        }
    }
    fprintf(found, "looked\n");
    fclose(found);
}
"#;

fn looker(bench: &Bench) -> PathBuf {
    bench.write("looker.c", LOOKER);
    let library = bench.path("looker.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(bench.path("looker.c"));
    assert!(compiler.status().expect("a C compiler").success(), "the library compiles");
    library
}

/// Where a secret lies in memory when a command ends.
fn found(bench: &Bench, line: &str, secret: &[u8], passphrase: Option<&str>) -> String {
    let words = crate::run::words(line);
    let mut command = bench.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
    if let Some(file) = passphrase {
        command.env("REVSHARE_KEY_PASSPHRASE_FILE", bench.path(file));
    }
    let hex: String = secret.iter().map(|byte| format!("{:02x}", byte ^ 0x5a)).collect();
    command.env("LD_PRELOAD", looker(bench)).env("LOOKED_FOR", hex);
    command.env("FOUND_IN", bench.path("found"));
    let output = command.output().expect("the binary runs");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    let found = fs::read_to_string(bench.path("found")).expect("what was found");
    found.strip_suffix("looked\n").expect("all memory was looked through").to_owned()
}

fn secret(bench: &Bench, file: &str) -> Vec<u8> {
    let key = ssh_key::PrivateKey::from_openssh(bench.read(file)).expect("a key");
    let pair = key.key_data().ed25519().expect("an Ed25519 key");
    pair.private.as_ref().to_vec()
}

#[test]
fn the_looker_finds_what_is_there() {
    let bench = Bench::with_terms();
    assert_ne!(found(&bench, "terms check terms.toml", b"terms.toml", None), "");
}

#[test]
fn a_secret_key_is_gone_when_the_command_ends() {
    let bench = Bench::with_ledger();
    let acme = secret(&bench, "acme.key");
    for command in ["acknowledge", "payout send meta 20 --reference R3", "acknowledge --out a.ack"]
    {
        let line = format!("-C acme {command} --key acme.key");
        assert_eq!(found(&bench, &line, &acme, None), "", "{line}");
    }
}

#[test]
fn a_passphrase_is_gone_when_the_command_ends() {
    let bench = Bench::with_ledger();
    let acme = secret(&bench, "acme.key");
    let key = ssh_key::PrivateKey::from_openssh(bench.read("acme.key")).expect("a key");
    let kdf = ssh_key::Kdf::Bcrypt { salt: vec![7; 16], rounds: 4 };
    let phrase = "correct horse battery staple";
    let locked = key.encrypt_with(ssh_key::Cipher::Aes256Ctr, kdf, 1, phrase).expect("a key");
    bench.write("locked.key", &locked.to_openssh(ssh_key::LineEnding::LF).expect("a text"));
    bench.write("phrase", &format!("{phrase}\n"));
    bench.set_mode("locked.key", 0o600);
    bench.set_mode("phrase", 0o600);
    let line = "-C acme acknowledge --key locked.key --dry-run";
    assert_eq!(found(&bench, line, phrase.as_bytes(), Some("phrase")), "");
    assert_eq!(found(&bench, line, &acme, Some("phrase")), "");
}
