//! A page that goes through a specification row by row, held against the code and the tests that it names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The page of a crate.
pub struct Page {
    /// Its text.
    pub text: &'static str,
    /// The crate's name, which is its folder's.
    pub package: &'static str,
    /// The crate's folder.
    pub folder: &'static str,
    /// Where the items of the page are written, by the path they are linked with.
    pub sources: &'static [(&'static str, &'static str)],
}

/// A row of one of the page's tables.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its first cell.
    pub name: &'a str,
    meaning: &'a str,
    item: &'a str,
    tests: Vec<(&'a str, &'a str)>,
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
pub fn assert_names(rows: &[Row<'_>], known: impl IntoIterator<Item = String>) {
    let names: BTreeSet<String> = rows.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(names.len(), rows.len(), "no row is there twice: {names:?}");
    assert_eq!(names, known.into_iter().collect());
}

/// Whether `word` stands in `text`, and not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let belongs = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(belongs) && !text[at + word.len()..].starts_with(belongs))
}

/// `netSpeed` as `net_speed`.
pub fn snake_case(name: &str) -> String {
    let name = name.replace("FPS", "Fps").replace("GOP", "Gop");
    name.chars().fold(String::new(), |mut snake, character| {
        if character.is_uppercase() {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
        snake
    })
}

/// The first cells of the tables of a specification in Markdown, by the first cell of their heading.
pub fn tables(text: &str) -> Vec<(String, Vec<String>)> {
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

impl Page {
    /// The rows below a heading of the page, those of later versions among them.
    pub fn rows(&self, heading: &str) -> Vec<Row<'static>> {
        rows_in(self.text.split("\n# ").find(|section| section.starts_with(heading)).expect(heading))
    }

    /// The functions of a test file that are tests, and its text.
    fn tests_of(&self, file: &str) -> (BTreeSet<String>, String) {
        let path = Path::new(self.folder).join("tests").join(format!("{file}.rs"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let is_test = |text: &str| text.starts_with("#[test]") || text.starts_with("#[tokio::test");
        let blocks = text.match_indices("#[").map(|(at, _)| &text[at..]).filter(|block| is_test(block));
        let name = |block: &str| Some(block.split_once("fn ")?.1.split_once('(')?.0.to_owned());
        // A program that is its own harness lists its tests.
        let listed = text.split_once("= tests![").and_then(|(_, list)| list.split_once(']'));
        let listed = listed.into_iter().flat_map(|(list, _)| list.split(','));
        let listed = listed.map(|test| test.trim().to_owned()).filter(|test| !test.is_empty());
        (blocks.filter_map(name).chain(listed).collect(), text)
    }

    /// Every row has a meaning, an item and a test; every test is there, and the file of one of them speaks of one of
    /// `words`.
    #[track_caller]
    pub fn assert_tested(&self, rows: &[Row<'_>], words: impl Fn(&Row<'_>) -> Vec<String>) {
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
                let (tests, text) = files.entry(file).or_insert_with(|| self.tests_of(file));
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

    /// The page for those who read the repository: links go to the sources.
    fn for_the_repository(&self) -> String {
        let mut page = "# The specification\n\n".to_owned();
        for line in self.text.lines() {
            page += &self.relinked(line);
            page.push('\n');
        }
        page.replace("\n# ", "\n## ").replacen("\n## The", "\n# The", 1)
    }

    /// A line with its links to items, and its tests, as links to files.
    fn relinked(&self, line: &str) -> String {
        let mut line = line.to_owned();
        while let Some(start) = line.find("](crate::") {
            let start = start + 2;
            let end = start + line[start..].find(')').expect("a link ends");
            let target = &line[start..end];
            let source = self.sources.iter().find(|(prefix, _)| target.starts_with(prefix));
            let source = source.unwrap_or_else(|| panic!("{target} is in no known file")).1;
            line.replace_range(start..end, &format!("../{source}"));
        }
        if !line.starts_with('|') || !line.contains("::") {
            return line;
        }
        let (before, tests) = line.trim_end_matches(" |").rsplit_once(" | ").expect("cells");
        let tests = tests.split(", ").map(|test| match test.trim_matches('`').split_once("::") {
            Some((file, _)) => format!("[{test}](../{}/tests/{file}.rs)", self.package),
            None => test.to_owned(),
        });
        format!("{before} | {} |", tests.collect::<Vec<_>>().join(", "))
    }

    /// The page for those who read the repository, in `docs`, is the same. With `UPDATE_DOCS` set, writes it anew.
    pub fn assert_copied(&self) {
        let docs = Path::new(self.folder).join("../docs");
        if !docs.exists() {
            eprintln!("the crate stands alone: there is no copy");
            return;
        }
        let path = docs.join(format!("{}.md", self.package));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, self.for_the_repository()).unwrap();
        }
        let copy = std::fs::read_to_string(&path).unwrap_or_default();
        let command = format!("UPDATE_DOCS=1 cargo test -p {} --test specification", self.package);
        assert!(copy == self.for_the_repository(), "{} is out of date: run `{command}`", path.display());
    }

    /// The text of the specification itself in the file `name`, from a folder beside the repository or from
    /// `$LIVE_SPECIFICATION`.
    pub fn specification(&self, name: &str) -> Option<String> {
        let beside = Path::new(self.folder).join("../../shared/spec").join(name);
        let path = std::env::var_os("LIVE_SPECIFICATION").map_or(beside, |path| Path::new(&path).to_owned());
        let text = std::fs::read_to_string(&path).ok();
        if text.is_none() {
            eprintln!(
                "no specification in ../shared/spec or $LIVE_SPECIFICATION: the page was held against the code alone"
            );
        }
        text
    }
}
