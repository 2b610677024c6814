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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) || ending.is_empty() {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .expect("below the root")
        .display()
        .to_string()
}

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&module))
        .unwrap_or_else(|| panic!("{module} has no layer"))
}

/// The modules that a source text names as `crate::x`, its tests left out.
fn imports(text: &str) -> BTreeSet<String> {
    let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((text, ""));
    let code = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let name = |rest: &str| {
        rest.chars()
            .take_while(|c| c.is_ascii_lowercase() || *c == '_')
            .collect::<String>()
    };
    code.flat_map(|line| line.split("crate::").skip(1).map(name).collect::<Vec<_>>())
        .collect()
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for file in files("src", "rs") {
        let path = shown(&file);
        let own = path.trim_start_matches("src/").trim_end_matches(".rs");
        let own = own.split('/').next().expect("a module");
        if own == "lib" {
            continue;
        }
        for import in imports(&read(&file)) {
            if import != own && layer(&import) <= layer(own) {
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
    let seen = imports(
        "use crate::wire::x;\n/// [`crate::http`]\nfn f() { crate::engine::g() }\n#[cfg(test)]\nuse crate::cli;",
    );
    assert_eq!(seen, ["engine".to_owned(), "wire".to_owned()].into());
}

#[test]
fn every_source_file_is_reachable() {
    let mut declared = BTreeSet::new();
    for file in files("src", "rs") {
        let stem = file.file_stem().expect("a name").to_str().expect("text");
        let folder = file.parent().expect("a folder");
        let folder = if ["mod", "lib", "main"].contains(&stem) {
            folder.to_owned()
        } else {
            folder.join(stem)
        };
        for line in read(&file).lines() {
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
    let orphan = |file: &PathBuf| {
        !file.ends_with("src/lib.rs") && !file.ends_with("src/main.rs") && !declared.contains(file)
    };
    let orphans: Vec<_> = files("src", "rs").into_iter().filter(orphan).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}

#[test]
fn every_fixture_is_used() {
    let sources: String = ["src", "tests", "benches"]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .map(|file| read(&file))
        .collect();
    let unused: Vec<_> = files("fixtures", "")
        .into_iter()
        .map(|file| shown(&file))
        .filter(|file| !sources.contains(file.as_str()))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn nothing_of_a_machine_or_of_an_afternoon_is_left() {
    let mut wrong = Vec::new();
    let texts = ["rs", "md", "yaml", "json", "html", "toml"];
    let all = texts.iter().flat_map(|ending| {
        ["src", "tests", "benches", "docs", "scenarios", "fixtures"].map(|folder| (folder, ending))
    });
    let mut checked: Vec<_> = all
        .flat_map(|(folder, ending)| files(folder, ending))
        .collect();
    checked.extend(
        ["README.md", "CHANGELOG.md", "Cargo.toml", "Dockerfile"].map(|file| root().join(file)),
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
        let text = read(&file);
        wrong.extend(
            forbidden
                .iter()
                .filter(|word| text.contains(**word))
                .map(|word| format!("{}: {word}", shown(&file))),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_assumption_in_the_code_is_listed_for_users() {
    let marked = files("src", "rs")
        .iter()
        .map(|file| read(file).matches("Assumption:").count())
        .sum::<usize>();
    let readme = read(&root().join("README.md"));
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
