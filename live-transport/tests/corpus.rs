//! The inputs that fuzzing starts from, and those it once found, on every toolchain.

#[path = "checks/amf0.rs"]
mod amf0;
#[path = "checks/flv.rs"]
mod flv;
#[path = "checks/mp4.rs"]
mod mp4;

use std::path::Path;

/// Runs `check` on every input of `target`. There are none in a published package.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let Ok(inputs) = std::fs::read_dir(&folder) else {
        eprintln!("{} is not there: skipped", folder.display());
        return;
    };
    for input in inputs {
        let path = input.expect("the folder can be read").path();
        check(&std::fs::read(&path).expect("the input can be read"));
    }
}

#[test]
fn amf0() {
    replay("amf0", amf0::check);
}

#[test]
fn flv() {
    replay("flv", flv::check);
}

#[test]
fn mp4() {
    replay("mp4", mp4::check);
}
