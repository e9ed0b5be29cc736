//! Which combinations of features are compiled.

/// Crates with at most this many features are compiled with every subset of them.
const SUBSETS_UP_TO: usize = 4;

/// Sets of features that show whether features are independent of each other.
///
/// Few features: every subset. More: none, each alone, all but one, all.
pub fn combinations(features: &[String]) -> Vec<Vec<String>> {
    let masks: Vec<u64> = if features.len() <= SUBSETS_UP_TO {
        (0..1 << features.len()).collect()
    } else {
        let all = (1 << features.len().min(63)) - 1;
        let each = (0..features.len().min(63)).map(|index| 1 << index);
        std::iter::once(0).chain(each.clone()).chain(each.map(|one| all & !one)).chain([all]).collect()
    };
    let picked = |mask: u64| features.iter().enumerate().filter(move |(index, _)| mask >> index & 1 == 1);
    masks.into_iter().map(|mask| picked(mask).map(|(_, feature)| feature.clone()).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn named(names: &str) -> Vec<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    fn shown(features: &str) -> Vec<String> {
        combinations(&named(features)).iter().map(|set| set.join(",")).collect()
    }

    #[test]
    fn few_features_give_every_subset() {
        assert_eq!(shown(""), [""]);
        assert_eq!(shown("a b"), ["", "a", "b", "a,b"]);
        assert_eq!(combinations(&named("a b c d")).len(), 16);
    }

    #[test]
    fn many_features_give_none_each_all_but_one_and_all() {
        let sets = shown("a b c d e");
        assert_eq!(sets.len(), 12);
        for expected in ["", "c", "a,b,d,e", "a,b,c,d,e"] {
            assert!(sets.iter().any(|set| set == expected), "{expected}");
        }
    }

    /// What stands between backticks.
    fn quoted(text: &str) -> BTreeSet<&str> {
        text.split('`').skip(1).step_by(2).collect()
    }

    #[test]
    fn the_readme_lists_every_feature_of_every_crate() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
        let (_, section) = readme.split_once("\n## Features\n").unwrap();
        let rows: Vec<Vec<&str>> = section
            .lines()
            .skip_while(|line| !line.starts_with('|'))
            .take_while(|line| line.starts_with('|'))
            .map(|line| line.split('|').collect())
            .collect();
        for package in ["core", "codec", "capture", "transport", "pusher", "player"] {
            let package = format!("live-{package}");
            let manifest = std::fs::read_to_string(root.join(&package).join("Cargo.toml")).unwrap();
            let features = manifest
                .lines()
                .skip_while(|line| *line != "[features]")
                .skip(1)
                .take_while(|line| !line.starts_with('['))
                .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
                .filter(|name| *name != "default" && !name.starts_with([' ', '#', '"']));
            let rows = rows.iter().filter(|row| quoted(row[1]).contains(package.as_str()));
            let listed: BTreeSet<&str> = rows.flat_map(|row| quoted(row[2])).collect();
            for feature in features {
                assert!(listed.contains(feature), "`{feature}` of {package} is not in README.md");
            }
        }
    }
}
