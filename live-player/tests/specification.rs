//! The page of the specification is complete and true: every row that the code knows is on it, has a test, and the test
//! is there. The copy in `docs/`, for those who read the repository, is the same.

#[path = "../../live-pusher/tests/support/page.rs"]
mod page;

use live_core::{NetStatus, PlayerCode, PlayerConfig};
use page::{Page, assert_names, snake_case, tables};
use std::collections::BTreeSet;

const PAGE: Page = Page {
    text: include_str!("../src/specification.md"),
    package: env!("CARGO_PKG_NAME"),
    folder: env!("CARGO_MANIFEST_DIR"),
    sources: &SOURCES,
};

/// Attributes that are no settings: the event handlers.
const NOT_SETTINGS: [&str; 4] = ["bindstatechange", "bindfullscreenchange", "bindnetstatus", "binderror"];

/// Where the items of the page are written, by the path they are linked with.
const SOURCES: [(&str, &str); 5] = [
    ("crate::LivePlayer::", "live-player/src/player.rs"),
    ("crate::Builder::", "live-player/src/builder.rs"),
    ("crate::LivePlayerHandle::", "live-player/src/handle.rs"),
    ("crate::core::PlayerCode::", "live-core/src/code/player.rs"),
    ("crate::core::NetStatus::", "live-core/src/net_status.rs"),
];

#[test]
fn every_attribute_has_its_row_and_its_test() {
    let rows = PAGE.rows("Attributes");
    let settings = PlayerConfig::attributes().iter().map(|attribute| attribute.name);
    assert_names(&rows, settings.chain(NOT_SETTINGS).map(str::to_owned));
    PAGE.assert_tested(&rows, |_| Vec::new());
}

#[test]
fn every_state_code_has_its_row_and_a_test_that_sees_it() {
    let rows = PAGE.rows("State codes");
    assert_names(&rows, PlayerCode::ALL.iter().map(|code| code.number().to_string()));
    PAGE.assert_tested(&rows, |row| {
        let code = PlayerCode::try_from(row.name.parse::<i32>().unwrap()).unwrap();
        vec![row.name.to_owned(), code.name().to_owned()]
    });
}

#[test]
fn every_field_of_the_network_status_has_its_row_and_a_test_that_sees_it() {
    let rows = PAGE.rows("Network status");
    let optional = r#"{"netQualityLevel":1,"rtt":1.0,"avOffset":1.0}"#;
    let full: NetStatus = serde_json::from_str(optional).unwrap();
    let full = serde_json::to_value(full).unwrap();
    assert_names(&rows, full.as_object().unwrap().keys().cloned());
    PAGE.assert_tested(&rows, |row| vec![row.name.to_owned(), snake_case(row.name)]);
}

#[test]
fn every_row_of_the_specification_s_own_tables_is_on_the_page() {
    let Some(text) = PAGE.specification("live-player.zh.md") else { return };
    let names = |heading| PAGE.rows(heading).iter().map(|row| row.name.to_owned()).collect::<BTreeSet<_>>();
    let mut seen = 0;
    for (heading, rows) in tables(&text) {
        let known = match heading.as_str() {
            "属性名" => names("Attributes"),
            "代码" => names("State codes"),
            "键名" => names("Network status"),
            _ => continue,
        };
        for row in rows {
            assert!(known.contains(&row), "{row} is not on the page");
            seen += 1;
        }
    }
    assert_eq!(seen, 12 + 23 + 8);
}

#[test]
fn the_copy_in_the_repository_s_documentation_is_the_same_page() {
    PAGE.assert_copied();
}
