#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pixelpass_fuzz::repack(bytes));
