//! Tasks of the live workspace.
fn main() {}
