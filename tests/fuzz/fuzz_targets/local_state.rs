#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| revshare_hostile::run("local_state", input));
