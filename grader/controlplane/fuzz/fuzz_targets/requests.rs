#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| controlplane_fuzz::requests(data));
