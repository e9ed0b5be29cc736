//! Where the workspace is and what is in it.

use crate::process::{self, Problem};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace, as cargo describes it.
pub struct Project {
    /// The folder with the workspace's Cargo.toml.
    pub root: PathBuf,
    /// The one folder everything is built into.
    pub target: PathBuf,
    /// The members.
    pub packages: Vec<Package>,
}

/// A member of the workspace.
#[derive(Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its features without `default`, in alphabetical order.
    pub features: Vec<String>,
    /// Whether it may be published.
    pub published: bool,
}

impl Project {
    /// Asks cargo about the workspace this program was started in.
    pub fn load() -> Result<Self, Problem> {
        // What `cargo run` says now counts more than what was true at build time: target folders move and are cached.
        let built = || env!("CARGO_MANIFEST_DIR").into();
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(built);
        let root = Path::new(&manifest).parent().unwrap_or(Path::new(".")).to_owned();
        let mut command = cargo_in(&root);
        let text = process::output(command.args(["metadata", "--format-version=1", "--no-deps"]))?;
        let metadata: Value = serde_json::from_str(&text).map_err(|error| {
            Problem::Failed(format!("the answer of `cargo metadata` is not JSON: {error}"))
        })?;
        let target = metadata["target_directory"].as_str().map_or_else(|| root.join("target"), PathBuf::from);
        let packages = metadata["packages"].as_array().into_iter().flatten().map(package).collect();
        Ok(Self { root, target, packages })
    }

    /// A cargo command in the workspace's root, with the tools installed by these tasks on its PATH.
    pub fn cargo(&self) -> Command {
        let mut command = cargo_in(&self.root);
        command.env("PATH", self.path());
        command
    }

    /// Where tools are installed that only these tasks use.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// PATH with the tools in front.
    fn path(&self) -> OsString {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.tools().join("bin")).chain(std::env::split_paths(&path));
        // A folder with a separator in its name cannot be on PATH; then the tools are found in their usual places.
        std::env::join_paths(folders).unwrap_or(path)
    }
}

fn cargo_in(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

fn package(value: &Value) -> Package {
    let features = value["features"].as_object().into_iter().flat_map(|features| features.keys());
    Package {
        name: value["name"].as_str().unwrap_or_default().to_owned(),
        features: features.filter(|feature| *feature != "default").cloned().collect(),
        // `publish` is null for "anywhere" and the empty list for "nowhere".
        published: !value["publish"].as_array().is_some_and(Vec::is_empty),
    }
}
