#![no_main]

use pixelpass::format::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pixelpass_fuzz::decode_what_was_told(bytes, Format::Gif));
