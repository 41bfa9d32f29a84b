#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lanspread_hostile::version_label(bytes));
