//! The house rules that no compiler checks: imports point one way, every source file is reachable,
//! every fixture is used, doc comments and function names follow `CONTRIBUTING.md`, citations of
//! the documentation resolve, no path of a machine is committed.

mod skip;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::skip::report_skip;

/// The layers of `docs/architecture.md#layers`. A module imports from the layers below its own and
/// from itself, never from a sibling.
const LAYERS: [&[&str]; 10] = [
    &["main"],
    &["cli"],
    &["testing"],
    &["app"],
    &["config"],
    &["http", "webhooks", "demo"],
    &["scenario"],
    &["files", "fiu", "statement_files"],
    &[
        "engine",
        "wire",
        "export",
        "bankgen",
        "analytics",
        "crypto",
        "ui",
    ],
    &["domain", "platform"],
];

fn project_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn list_files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut folders = vec![project_root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|actual| actual == extension)
                || extension.is_empty()
            {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths
}

fn read_text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn relative_path(path: &Path) -> String {
    path.strip_prefix(project_root())
        .expect("below the root")
        .display()
        .to_string()
}

fn layer_of(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&module))
        .unwrap_or_else(|| panic!("{module} has no layer"))
}

/// Returns the modules that a source text names as `crate::x`, outside its tests.
fn imported_modules(text: &str) -> BTreeSet<String> {
    let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((text, ""));
    let code = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let leading_identifier = |rest: &str| {
        rest.chars()
            .take_while(|c| c.is_ascii_lowercase() || *c == '_')
            .collect::<String>()
    };
    code.flat_map(|line| {
        line.split("crate::")
            .skip(1)
            .map(leading_identifier)
            .collect::<Vec<_>>()
    })
    .collect()
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for file in list_files("src", "rs") {
        let path = relative_path(&file);
        let module = path.trim_start_matches("src/").trim_end_matches(".rs");
        let module = module.split('/').next().expect("a module");
        if ["lib", "internals"].contains(&module) {
            continue;
        }
        for import in imported_modules(&read_text(&file)) {
            if import != module && layer_of(&import) <= layer_of(module) {
                wrong.push(format!("{path} imports crate::{import}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the direction of docs/architecture.md#layers:\n{}",
        wrong.join("\n")
    );
}

/// A handler that took a receipt apart could drop the hold before its response is written.
#[test]
fn only_the_reply_path_takes_a_receipt_apart() {
    let wrong: Vec<_> = list_files("src/http", "rs")
        .into_iter()
        .filter(|path| !path.ends_with("src/http/response.rs"))
        .filter(|path| {
            let text = read_text(path);
            text.contains(".into_parts()") || text.contains(".release_webhooks()")
        })
        .map(|path| relative_path(&path))
        .collect();
    assert!(
        wrong.is_empty(),
        "build the response with ApiResponse::from_receipt: {}",
        wrong.join(", ")
    );
}

#[test]
fn the_import_check_sees_what_it_should() {
    let modules = imported_modules(
        "use crate::wire::x;\n/// [`crate::http`]\nfn f() { crate::engine::g() }\n#[cfg(test)]\nuse crate::cli;",
    );
    assert_eq!(modules, ["engine".to_owned(), "wire".to_owned()].into());
}

#[test]
fn every_source_file_is_reachable() {
    let mut declared = BTreeSet::new();
    for file in list_files("src", "rs") {
        let stem = file.file_stem().expect("a name").to_str().expect("text");
        let folder = file.parent().expect("a folder");
        let folder = if ["mod", "lib", "main"].contains(&stem) {
            folder.to_owned()
        } else {
            folder.join(stem)
        };
        for line in read_text(&file).lines() {
            let Some((visibility, rest)) = line.split_once("mod ") else {
                continue;
            };
            if !matches!(visibility, "" | "pub " | "pub(crate) " | "pub(super) ") {
                continue;
            }
            if let Some(name) = rest.strip_suffix(';') {
                declared.extend([
                    folder.join(format!("{name}.rs")),
                    folder.join(name).join("mod.rs"),
                ]);
            }
        }
    }
    let orphans: Vec<_> = list_files("src", "rs")
        .into_iter()
        .filter(|file| {
            !file.ends_with("src/lib.rs")
                && !file.ends_with("src/main.rs")
                && !declared.contains(file)
        })
        .collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}

/// Returns the number of faults in the table below a heading of `docs/scenarios.md`.
fn count_faults(page: &str, heading: &str) -> usize {
    let section = page
        .split("\n## ")
        .find(|section| section.starts_with(heading))
        .unwrap_or_else(|| panic!("docs/scenarios.md has no {heading}"));
    let table = section
        .lines()
        .skip_while(|line| !line.starts_with("| fault"));
    table
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .count()
}

#[test]
fn the_documentation_counts_what_is_there() {
    let page = read_text(&project_root().join("docs/scenarios.md"));
    let scenarios = list_files("scenarios", "yaml").len();
    let webhook_faults = count_faults(&page, "Webhook faults");
    let api_faults = count_faults(&page, "API faults");
    let faults = format!("{webhook_faults} webhook faults");
    let both = format!("{api_faults} API faults");
    for (file, text) in [
        ("README.md", format!("{scenarios} are shipped")),
        ("README.md", faults.clone()),
        ("README.md", both.clone()),
        ("docs/api.md", faults),
        ("docs/api.md", both),
        ("docs/scenarios.md", format!("ships {scenarios} scenarios")),
    ] {
        let page = read_text(&project_root().join(file));
        assert!(page.contains(&text), "{file} does not say: {text}");
    }
}

/// The structures that a world's state consists of, and their files.
const STATE_STRUCTURES: [(&str, &str); 8] = [
    ("World", "world/mod.rs"),
    ("Inner", "world/mod.rs"),
    ("State", "state.rs"),
    ("Timers", "timers.rs"),
    ("Journal", "journal.rs"),
    ("Outbox", "outbox.rs"),
    ("FaultRegistry", "faults.rs"),
    ("ScenarioSelection", "scenario_selection.rs"),
];

/// Returns the names of the fields of a structure.
fn list_fields<'a>(text: &'a str, structure: &str) -> BTreeSet<&'a str> {
    let (_, rest) = text
        .split_once(&format!("struct {structure} {{\n"))
        .expect("the file has the structure");
    let (body, _) = rest.split_once("\n}").expect("it ends");
    let fields = body.lines().filter_map(|line| {
        let declaration = line.trim_start();
        if declaration.starts_with("//") {
            return None;
        }
        let name = declaration.split_once(": ")?.0.split(' ').next_back()?;
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        name.bytes().all(is_name).then_some(name)
    });
    fields.collect()
}

#[test]
fn the_table_of_a_worlds_state_has_each_field() {
    let page = read_text(&project_root().join("docs/architecture.md"));
    let (_, section) = page
        .split_once("## State of a world\n")
        .expect("the page has the table");
    for (structure, file) in STATE_STRUCTURES {
        let row = section
            .lines()
            .find(|line| line.starts_with(&format!("| `{structure}` |")));
        let row = row.unwrap_or_else(|| panic!("{structure} has no row"));
        let (_, cells) = row[2..].split_once('|').expect("it has cells");
        let named: BTreeSet<_> = cells.split('`').skip(1).step_by(2).collect();
        let text = read_text(&project_root().join("src/engine").join(file));
        assert_eq!(
            named,
            list_fields(&text, structure),
            "the row of {structure}"
        );
    }
}

#[test]
fn every_fixture_is_used() {
    let sources: String = ["src", "tests", "benches"]
        .iter()
        .flat_map(|folder| list_files(folder, "rs"))
        .map(|file| read_text(&file))
        .collect();
    let unused: Vec<_> = list_files("fixtures", "")
        .into_iter()
        .map(|file| relative_path(&file))
        .filter(|file| !sources.contains(file.as_str()))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn no_local_paths_or_leftovers_remain() {
    let mut wrong = Vec::new();
    let texts = ["rs", "md", "yaml", "json", "html", "toml"];
    let all = texts.iter().flat_map(|extension| {
        ["src", "tests", "benches", "docs", "scenarios", "fixtures"]
            .map(|folder| (folder, extension))
    });
    let mut checked: Vec<_> = all
        .flat_map(|(folder, extension)| list_files(folder, extension))
        .collect();
    checked.extend(
        [
            "README.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "SECURITY.md",
            "Cargo.toml",
            "Dockerfile",
        ]
        .map(|file| project_root().join(file)),
    );
    let forbidden = [
        "/work/",
        "/root/",
        "/home/",
        "TODO",
        "FIXME",
        "DESIGN §",
        "reference/rebit.md",
        "reference/unaport.md",
        "reference/mock-servers.md",
        "reference/perf-baseline.md",
        "todo!(",
        "unimplemented!(",
        "dbg!(",
    ];
    for file in checked
        .into_iter()
        .filter(|file| !file.ends_with("tests/tidy.rs"))
    {
        let text = read_text(&file);
        wrong.extend(
            forbidden
                .iter()
                .filter(|pattern| text.contains(**pattern))
                .map(|pattern| format!("{}: {pattern}", relative_path(&file))),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_assumption_in_the_code_is_listed_for_users() {
    let marked = list_files("src", "rs")
        .iter()
        .map(|file| read_text(file).matches("Assumption:").count())
        .sum::<usize>();
    let page = read_text(&project_root().join("docs/assumptions.md"));
    let assumptions = page.split("\n## Quirks").next().expect("the first part");
    let listed = assumptions
        .lines()
        .filter(|line| line.starts_with("- "))
        .count();
    assert!(
        listed >= marked,
        "{marked} places in the code are marked Assumption:, docs/assumptions.md lists {listed}"
    );
}

/// Words with which no item's doc comment begins: a definition or a verb reads better.
const RELATIVE_WORDS: [&str; 13] = [
    "What",
    "Whether",
    "Who",
    "Whose",
    "Whatever",
    "Whoever",
    "How",
    "When",
    "Where",
    "Which",
    "Somebody",
    "Nobody",
    "Everybody",
];

/// Returns the first word of each item's doc comment, with its line number.
fn doc_openings(text: &str) -> Vec<(usize, &str)> {
    let mut openings = Vec::new();
    let mut is_inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        let doc = line.trim_start().strip_prefix("///");
        if let (Some(doc), false) = (doc, is_inside) {
            let word = doc
                .split(|c: char| !c.is_alphanumeric())
                .find(|word| !word.is_empty());
            openings.extend(word.map(|word| (number, word)));
        }
        is_inside = doc.is_some();
    }
    openings
}

#[test]
fn doc_comments_begin_with_a_definition_or_a_verb() {
    let mut wrong = Vec::new();
    for file in list_files("src", "rs") {
        let text = read_text(&file);
        wrong.extend(
            doc_openings(&text)
                .into_iter()
                .filter(|(_, word)| RELATIVE_WORDS.contains(word))
                .map(|(line, word)| format!("{}:{line}: {word}", relative_path(&file))),
        );
    }
    assert!(wrong.is_empty(), "reword these:\n{}", wrong.join("\n"));
}

#[test]
fn the_doc_check_sees_the_first_line_of_each_comment() {
    let openings =
        doc_openings("/// What\n/// Whether\nfn f();\n    /// Returns\n//! Who\n// How\n");
    assert_eq!(openings, [(1, "What"), (4, "Returns")]);
}

/// Irregular participles, which are no names for functions.
const PARTICIPLES: [&str; 21] = [
    "told", "kept", "made", "written", "asked", "taken", "said", "shown", "found", "sealed",
    "sent", "meant", "given", "held", "drawn", "begun", "known", "seen", "taught", "spoken",
    "thrown",
];

/// Returns whether a function of this name would be called by a bare participle.
fn is_participle(name: &str) -> bool {
    let is_regular = name.len() > 4 && name.ends_with("ed") && !matches!(name, "speed" | "embed");
    !name.contains('_') && (is_regular || PARTICIPLES.contains(&name))
}

#[test]
fn no_function_is_named_by_a_participle() {
    let mut wrong = Vec::new();
    for file in list_files("src", "rs") {
        for (number, line) in (1..).zip(read_text(&file).lines()) {
            let Some((_, rest)) = line.split_once("fn ") else {
                continue;
            };
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            if is_participle(&name) && !line.trim_start().starts_with("//") {
                wrong.push(format!("{}:{number}: {name}", relative_path(&file)));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "name these by a verb:\n{}",
        wrong.join("\n")
    );
    assert!(is_participle("told") && is_participle("cached"));
    assert!(!is_participle("status") && !is_participle("is_cached"));
}

#[test]
fn only_one_function_reports_skipped_tests() {
    let reporting: Vec<_> = list_files("tests", "rs")
        .into_iter()
        .filter(|file| !file.ends_with("tests/tidy.rs") && read_text(file).contains("SKIPPED"))
        .map(|file| relative_path(&file))
        .collect();
    assert_eq!(reporting, ["tests/skip/mod.rs"], "call `report_skip`");
}

#[test]
fn platform_differences_are_in_one_file() {
    let patterns = ["cfg(unix)", "cfg(windows)", "std::os::", "signal::unix"];
    let platform = project_root().join("src/platform/mod.rs");
    let wrong: Vec<_> = list_files("src", "rs")
        .into_iter()
        .filter(|file| *file != platform)
        .flat_map(|file| {
            let text = read_text(&file);
            let found = patterns
                .iter()
                .filter(move |pattern| text.contains(**pattern));
            found.map(move |pattern| format!("{}: {pattern}", relative_path(&file)))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "move to src/platform/mod.rs:\n{}",
        wrong.join("\n")
    );
}

/// Parses a Rust version; a missing patch version is 0.
fn parse_rust_version(text: &str) -> Vec<u32> {
    let mut numbers: Vec<_> = text
        .split('.')
        .map(|number| number.parse().expect("a number"))
        .collect();
    numbers.resize(3, 0);
    numbers
}

#[test]
fn the_rust_version_is_the_highest_that_a_dependency_needs() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "host-tuple"])
        .current_dir(project_root())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&metadata.stderr);
    assert!(metadata.status.success(), "{errors}");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    let (own, dependencies): (Vec<_>, Vec<_>) = packages
        .iter()
        .filter_map(|package| Some((package["name"].as_str()?, package["rust_version"].as_str()?)))
        .map(|(name, version)| (parse_rust_version(version), name))
        .partition(|(_, name)| *name == env!("CARGO_PKG_NAME"));
    let (needed, by) = dependencies.into_iter().max().expect("dependencies");
    assert_eq!(
        own[0].0, needed,
        "`rust-version` in Cargo.toml; {by} needs it"
    );
}

/// The last commit before subjects had a form.
const SUBJECTS_SINCE: &str = "941e8cb";

#[test]
fn commit_subjects_name_their_area_and_are_short() {
    let log = Command::new("git")
        .args(["log", "--no-merges", "--format=%s"])
        .arg(format!("{SUBJECTS_SINCE}..HEAD"))
        .current_dir(project_root())
        .output();
    let Some(log) = log.ok().filter(|log| log.status.success()) else {
        report_skip(&format!("the git history since {SUBJECTS_SINCE}"));
        return;
    };
    let subjects = String::from_utf8(log.stdout).expect("UTF-8");
    let wrong: Vec<_> = subjects
        .lines()
        .filter(|subject| {
            let area = subject.split_once(": ").map(|(area, _)| area);
            subject.chars().count() > 72 || area.is_none_or(|area| area.contains(' '))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "`area: imperative summary`, 72 characters at most:\n{}",
        wrong.join("\n")
    );
}

/// Returns the anchors that GitHub makes of a page's headings.
fn heading_anchors(page: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut anchors = BTreeSet::new();
    for line in page.lines() {
        is_code ^= line.starts_with("```");
        let heading = line.trim_start_matches('#');
        if is_code || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let anchor = heading.trim().to_lowercase().replace(' ', "-");
        anchors.insert(
            anchor
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
                .collect(),
        );
    }
    anchors
}

/// Returns the pages and anchors that a text cites as `docs/page.md#anchor`.
fn cited_anchors(text: &str) -> Vec<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut citations = Vec::new();
    for rest in text.split("docs/").skip(1) {
        let Some((page, rest)) = rest.split_once(".md#") else {
            continue;
        };
        if page.chars().all(is_part) {
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            citations.push((page, &rest[..end]));
        }
    }
    citations
}

/// Returns the targets of a page's links to files and headings of the repository.
fn local_link_targets(page: &str) -> Vec<&str> {
    page.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .filter(|target| !target.contains("://"))
        .collect()
}

#[test]
fn citations_of_the_documentation_resolve() {
    let mut wrong = Vec::new();
    for (folder, extension) in [("src", "rs"), ("tests", "rs"), ("benches", "rs")] {
        for file in list_files(folder, extension)
            .into_iter()
            .filter(|file| !file.ends_with("tests/tidy.rs"))
        {
            for (page, anchor) in cited_anchors(&read_text(&file)) {
                let path = project_root().join(format!("docs/{page}.md"));
                if !path.is_file() || !heading_anchors(&read_text(&path)).contains(anchor) {
                    wrong.push(format!("{}: docs/{page}.md#{anchor}", relative_path(&file)));
                }
            }
        }
    }
    let mut pages = list_files("docs", "md");
    pages.extend(
        [
            "README.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "SECURITY.md",
        ]
        .map(|page| project_root().join(page)),
    );
    for page in pages {
        for target in local_link_targets(&read_text(&page)) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let cited = if path.is_empty() {
                page.clone()
            } else {
                page.parent().expect("a folder").join(path)
            };
            let resolves = cited.exists()
                && (anchor.is_empty() || heading_anchors(&read_text(&cited)).contains(anchor));
            if !resolves {
                wrong.push(format!("{}: {target}", relative_path(&page)));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "no such file or heading:\n{}",
        wrong.join("\n")
    );
}

/// The places that name the version of a release.
const VERSIONED: [(&str, &[&str]); 8] = [
    (
        "clients/python/pyproject.toml",
        &["version = \"{}\"", "\"mockaa=={}\""],
    ),
    (
        "clients/node/package.json",
        &["\"version\": \"{}\"", "\"mockaa\": \"{}\""],
    ),
    ("clients/java/pom.xml", &["<version>{}</version>"]),
    ("clients/java/README.md", &["<version>{}</version>"]),
    ("actions/start/action.yml", &["default: {}\n"]),
    ("docs/ci.md", &["mockaa=={}", "version: {}\n", "mockaa:{}"]),
    ("docs/testing.md", &["mockaa=={}"]),
    ("docs/upgrading.md", &["| {} |"]),
];

#[test]
fn kits_and_pages_name_the_version() {
    for (file, places) in VERSIONED {
        let text = fs::read_to_string(project_root().join(file)).expect(file);
        for place in places {
            let expected = place.replace("{}", env!("CARGO_PKG_VERSION"));
            assert!(text.contains(&expected), "{file} has no {expected:?}");
        }
    }
}
