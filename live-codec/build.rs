//! Says loudly when openh264 is about to be built without its SIMD code, which its own build does not mention.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-env-changed=PATH");
    println!("cargo:rerun-if-env-changed=OPENH264_NO_ASM");
    let wanted = env::var_os("CARGO_FEATURE_OPENH264").is_some();
    // On other processors the SIMD code needs no assembler of its own.
    let x86 = matches!(env::var("CARGO_CFG_TARGET_ARCH").as_deref(), Ok("x86_64" | "x86"));
    if wanted && x86 && !has_nasm() {
        for line in [
            "`nasm` is not on PATH: openh264 is being built WITHOUT its SIMD code, and H.264 will encode and decode",
            "2.5 to 3 times slower. Install it and build again (`cargo clean -p openh264-sys2` first):",
            "    Debian, Ubuntu: apt-get install nasm    macOS: brew install nasm    Windows: choco install nasm",
        ] {
            println!("cargo:warning={line}");
        }
    }
}

fn has_nasm() -> bool {
    let name = format!("nasm{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH").unwrap_or_default();
    let found = |folder: PathBuf| folder.join(&name).is_file();
    env::split_paths(&path).any(found)
}
