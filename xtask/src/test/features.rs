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
}
