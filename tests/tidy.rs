//! The house rules that no compiler checks: imports point one way, every source file is reachable, every fixture is
//! used, nothing of a machine is written down.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// DESIGN §3. A module may import from layers to the right of its own, and from itself; never from a sibling.
const LAYERS: [&[&str]; 7] = [
    &["main"],
    &["cli"],
    &["app"],
    &["config"],
    &["http", "webhooks", "scenario"],
    &["engine", "wire", "bankgen", "analytics", "crypto", "ui"],
    &["domain"],
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

/// The modules that a source text names as `crate::x`, its tests left out.
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
        if module == "lib" {
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
        "against the direction of DESIGN §3:\n{}",
        wrong.join("\n")
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
            if !matches!(visibility, "" | "pub " | "pub(crate) ") {
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
    let is_orphan = |file: &PathBuf| {
        !file.ends_with("src/lib.rs") && !file.ends_with("src/main.rs") && !declared.contains(file)
    };
    let orphans: Vec<_> = list_files("src", "rs")
        .into_iter()
        .filter(is_orphan)
        .collect();
    assert!(orphans.is_empty(), "{orphans:?}");
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
        ["README.md", "CHANGELOG.md", "Cargo.toml", "Dockerfile"]
            .map(|file| project_root().join(file)),
    );
    let forbidden = [
        "/work/",
        "/root/",
        "/home/",
        "TODO",
        "FIXME",
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
    let readme = read_text(&project_root().join("README.md"));
    let (_, list) = readme
        .split_once("### Assumptions")
        .expect("the README lists them");
    let list = list.split("\n## ").next().expect("its text");
    let listed = list.lines().filter(|line| line.starts_with("- ")).count();
    assert!(
        listed >= marked,
        "{marked} places in the code say Assumption:, the README lists {listed}"
    );
}
