//! Entry point of the fuzzer; what must hold is said in the library.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| recipisa_fuzz::screening(bytes));
