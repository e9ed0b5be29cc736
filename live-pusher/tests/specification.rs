//! The page of the specification is complete and true: every row that the code knows is on it, has a test, and the test
//! is there. The copy in `docs/`, for those who read the repository, is the same.

use live_core::{NetStatus, PusherCode, PusherConfig, PusherErrorCode};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../src/specification.md");

/// Attributes that are no settings: the event handlers and the user's authorisation.
const NOT_SETTINGS: [&str; 5] =
    ["bindstatechange", "bindnetstatus", "binderror", "scope.camera", "scope.record"];

/// Where the items of the page are written, by the path they are linked with.
const SOURCES: [(&str, &str); 9] = [
    ("crate::LivePusher::", "live-pusher/src/pusher.rs"),
    ("crate::Builder::", "live-pusher/src/builder.rs"),
    ("crate::LivePusherHandle::", "live-pusher/src/handle.rs"),
    ("crate::core::PusherConfig::", "live-core/src/config/pusher.rs"),
    ("crate::core::PusherCode::", "live-core/src/code/pusher.rs"),
    ("crate::core::PusherErrorCode::", "live-core/src/code/pusher.rs"),
    ("crate::core::NetStatus::", "live-core/src/net_status.rs"),
    ("crate::core::VideoSource::", "live-core/src/traits/capture.rs"),
    ("crate::core::", "live-core/src/lib.rs"),
];

fn manifest_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A row of one of the page's tables.
#[derive(Debug)]
struct Row<'a> {
    name: &'a str,
    meaning: &'a str,
    item: &'a str,
    tests: Vec<(&'a str, &'a str)>,
}

/// The rows below a heading of the page, those of later versions among them.
fn rows(heading: &str) -> Vec<Row<'static>> {
    rows_in(PAGE.split("\n# ").find(|section| section.starts_with(heading)).expect(heading))
}

fn rows_in(text: &'static str) -> Vec<Row<'static>> {
    let is_row = |line: &&str| line.starts_with('|') && !line.starts_with("|-");
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    text.lines()
        .filter(is_row)
        .map(cells)
        .filter(|cells| !["attribute", "code", "field"].contains(&cells[0]))
        .map(|cells| {
            let [name, meaning, item, tests] = cells[..] else { panic!("four cells: {cells:?}") };
            let tests = tests.split(',').map(|test| test.trim().trim_matches('`'));
            let tests = tests.filter(|test| !test.is_empty()).map(|test| {
                test.split_once("::").unwrap_or_else(|| panic!("{test} in {name}: expected file::test"))
            });
            Row { name: name.trim_matches('`'), meaning, item, tests: tests.collect() }
        })
        .collect()
}

/// Holds the names of a table against those the code knows: each once.
#[track_caller]
fn assert_names(rows: &[Row<'_>], known: impl IntoIterator<Item = String>) {
    let names: BTreeSet<String> = rows.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(names.len(), rows.len(), "no row is there twice: {names:?}");
    assert_eq!(names, known.into_iter().collect());
}

/// The functions of a test file that are tests, and its text.
fn tests_of(file: &str) -> (BTreeSet<String>, String) {
    let path = manifest_folder().join("tests").join(format!("{file}.rs"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let is_test = |text: &str| text.starts_with("#[test]") || text.starts_with("#[tokio::test");
    let blocks = text.match_indices("#[").map(|(at, _)| &text[at..]).filter(|block| is_test(block));
    let name = |block: &str| Some(block.split_once("fn ")?.1.split_once('(')?.0.to_owned());
    (blocks.filter_map(name).collect(), text)
}

/// Every row has a meaning, an item and a test; every test is there, and the file of one of them speaks of one of
/// `words`.
#[track_caller]
fn assert_tested(rows: &[Row<'_>], words: impl Fn(&Row<'_>) -> Vec<String>) {
    let mut files = BTreeMap::new();
    let mut problems = Vec::new();
    for row in rows {
        if row.meaning.is_empty() || !row.item.starts_with('[') {
            problems.push(format!("{}: needs a meaning and an item", row.name));
        }
        if row.tests.is_empty() {
            problems.push(format!("{}: no test", row.name));
        }
        let words = words(row);
        let mut is_seen = words.is_empty();
        for &(file, test) in &row.tests {
            let (tests, text) = files.entry(file).or_insert_with(|| tests_of(file));
            if !tests.contains(test) {
                problems.push(format!("{}: there is no test {file}::{test}", row.name));
            }
            is_seen |= words.iter().any(|word| has_word(text, word));
        }
        if !is_seen {
            problems.push(format!("{}: no test of it speaks of {words:?}", row.name));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Whether `word` stands in `text`, and not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let belongs = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(belongs) && !text[at + word.len()..].starts_with(belongs))
}

/// `netSpeed` as `net_speed`.
fn snake_case(name: &str) -> String {
    let name = name.replace("FPS", "Fps").replace("GOP", "Gop");
    name.chars().fold(String::new(), |mut snake, character| {
        if character.is_uppercase() {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
        snake
    })
}

#[test]
fn every_attribute_has_its_row_and_its_test() {
    let rows = rows("Attributes");
    let settings = PusherConfig::attributes().iter().map(|attribute| attribute.name);
    assert_names(&rows, settings.chain(NOT_SETTINGS).map(str::to_owned));
    assert_tested(&rows, |_| Vec::new());
}

#[test]
fn every_state_code_has_its_row_and_a_test_that_sees_it() {
    let rows = rows("State codes");
    assert_names(&rows, PusherCode::ALL.iter().map(|code| code.number().to_string()));
    assert_tested(&rows, |row| {
        let code = PusherCode::try_from(row.name.parse::<i32>().unwrap()).unwrap();
        vec![row.name.to_owned(), code.name().to_owned()]
    });
}

#[test]
fn every_error_code_has_its_row_and_a_test_that_sees_it() {
    let rows = rows("Error codes");
    assert_names(&rows, PusherErrorCode::ALL.iter().map(|code| code.number().to_string()));
    assert_tested(&rows, |row| {
        let code = PusherErrorCode::try_from(row.name.parse::<i32>().unwrap()).unwrap();
        vec![row.name.to_owned(), code.name().to_owned()]
    });
}

#[test]
fn every_field_of_the_network_status_has_its_row_and_a_test_that_sees_it() {
    let rows = rows("Network status");
    let optional = r#"{"netQualityLevel":1,"rtt":1.0}"#;
    let full: NetStatus = serde_json::from_str(optional).unwrap();
    let full = serde_json::to_value(full).unwrap();
    assert_names(&rows, full.as_object().unwrap().keys().cloned());
    assert_tested(&rows, |row| vec![row.name.to_owned(), snake_case(row.name)]);
}

/// The first cells of the tables of a specification in Markdown, by the first cell of their heading.
fn tables(text: &str) -> Vec<(String, Vec<String>)> {
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let Some(cell) = line.strip_prefix('|').and_then(|rest| rest.split('|').next()) else {
            inside = false;
            continue;
        };
        let cell = cell.trim().to_owned();
        match tables.last_mut() {
            Some((_, rows)) if inside => rows.push(cell),
            _ => tables.push((cell, Vec::new())),
        }
        inside = true;
    }
    tables.iter_mut().for_each(|(_, rows)| rows.retain(|row| !row.starts_with("---")));
    tables
}

#[test]
fn every_row_of_the_specification_s_own_tables_is_on_the_page() {
    let beside = manifest_folder().join("../../shared/spec/live-pusher.zh.md");
    let path = std::env::var_os("LIVE_SPECIFICATION").map_or(beside, PathBuf::from);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!(
            "no specification in ../shared/spec or $LIVE_SPECIFICATION: the page was held against the code alone"
        );
        return;
    };
    let names = |heading| rows(heading).iter().map(|row| row.name.to_owned()).collect::<BTreeSet<_>>();
    let codes = ["State codes", "Error codes"].map(names);
    let mut seen = 0;
    for (heading, rows) in tables(&text) {
        let known = match heading.as_str() {
            "属性名" => names("Attributes"),
            "代码" => codes.iter().flatten().cloned().collect(),
            "键名" => names("Network status"),
            _ => continue,
        };
        for row in rows {
            assert!(known.contains(&row), "{row} of {} is not on the page", path.display());
            seen += 1;
        }
    }
    assert_eq!(seen, 18 + 2 + 31 + 8, "rows of {}", path.display());
}

/// The page for those who read the repository: links go to the sources.
fn page_for_the_repository() -> String {
    let mut page = "# The specification\n\n".to_owned();
    for line in PAGE.lines() {
        page += &relinked(line);
        page.push('\n');
    }
    page.replace("\n# ", "\n## ").replacen("\n## The", "\n# The", 1)
}

/// A line with its links to items, and its tests, as links to files.
fn relinked(line: &str) -> String {
    let mut line = line.to_owned();
    while let Some(start) = line.find("](crate::") {
        let start = start + 2;
        let end = start + line[start..].find(')').expect("a link ends");
        let target = &line[start..end];
        let source = SOURCES.iter().find(|(prefix, _)| target.starts_with(prefix));
        let source = source.unwrap_or_else(|| panic!("{target} is in no known file")).1;
        line.replace_range(start..end, &format!("../{source}"));
    }
    if !line.starts_with('|') || !line.contains("::") {
        return line;
    }
    let (before, tests) = line.trim_end_matches(" |").rsplit_once(" | ").expect("cells");
    let tests = tests.split(", ").map(|test| match test.trim_matches('`').split_once("::") {
        Some((file, _)) => format!("[{test}](../live-pusher/tests/{file}.rs)"),
        None => test.to_owned(),
    });
    format!("{before} | {} |", tests.collect::<Vec<_>>().join(", "))
}

/// With `UPDATE_DOCS` set, writes the copy anew.
#[test]
fn the_copy_in_the_repository_s_documentation_is_the_same_page() {
    let docs = manifest_folder().join("../docs");
    if !docs.exists() {
        eprintln!("the crate stands alone: there is no copy");
        return;
    }
    let path = docs.join("live-pusher.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page_for_the_repository()).unwrap();
    }
    let copy = std::fs::read_to_string(&path).unwrap_or_default();
    let advice = "docs/live-pusher.md is out of date: run `UPDATE_DOCS=1 cargo test -p live-pusher --test specification`";
    assert!(copy == page_for_the_repository(), "{advice}");
}
