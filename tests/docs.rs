//! The pages in `docs`: their examples are checked, and their commands are run.

mod binary;
mod skip;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mockaa::internals::domain::action::ActionName;
use mockaa::internals::domain::api_fault::ApiFaultName;
use mockaa::internals::domain::event::EventName;
use mockaa::internals::domain::webhook_fault::WebhookFaultName;

use crate::binary::mockaa_command;
use crate::skip::report_skip;

const SCENARIOS: &str = include_str!("../docs/scenarios.md");
const TESTING: &str = include_str!("../docs/testing.md");

/// Returns the blocks of a page that have this fence.
fn fenced_blocks<'a>(page: &'a str, fence: &str) -> Vec<&'a str> {
    let begin = format!("\n```{fence}\n");
    page.split(&begin)
        .skip(1)
        .map(|text| text.split_once("\n```").expect("the block ends").0)
        .collect()
}

/// Creates a new folder for this test.
fn create_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn is_installed(program: &str) -> bool {
    let result = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    result.is_ok_and(|status| status.success())
}

fn read_shipped_scenarios() -> Vec<(String, String)> {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"))
        .expect("the folder exists");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("text");
        (
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned(),
            text,
        )
    };
    files
        .map(|file| read(file.expect("a directory entry").path()))
        .collect()
}

#[test]
fn the_scenarios_of_the_page_are_right_and_its_excerpts_are_shipped() {
    let folder = create_folder("docs-scenarios");
    let examples = fenced_blocks(SCENARIOS, "yaml");
    assert!(
        examples.len() >= 5,
        "the page must have at least 5 examples"
    );
    for (number, example) in examples.iter().enumerate() {
        fs::write(folder.join(format!("{number}.yaml")), example).expect("a file");
    }
    let output = mockaa_command(&["scenario", "lint", "--strict"])
        .arg(&folder)
        .output()
        .expect("the command runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let shipped = read_shipped_scenarios();
    for excerpt in fenced_blocks(SCENARIOS, "yaml excerpt") {
        assert!(
            shipped.iter().any(|(_, text)| text.contains(excerpt)),
            "no shipped scenario contains: {excerpt}"
        );
    }
    for (file, _) in &shipped {
        assert!(
            SCENARIOS.contains(&format!("](../scenarios/{file})")),
            "{file} is not on the page"
        );
    }
}

/// Returns the part of a page below this heading of the second level.
fn find_section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page
        .split_once(&format!("\n## {heading}\n"))
        .expect("the heading");
    rest.split("\n## ").next().expect("a section")
}

/// Returns the names in the first column of a section's tables that are written `name: parameters`.
fn list_table_members(section: &str) -> BTreeSet<&str> {
    let first_cells = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| line.split('|').nth(1));
    first_cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter_map(|code| code.split_once(": "))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn the_page_of_scenarios_lists_exactly_what_exists() {
    let actions = ActionName::ALL.iter().map(|name| name.as_str());
    assert_eq!(
        list_table_members(find_section(SCENARIOS, "Steps and rules")),
        actions.collect()
    );
    let webhook_faults = WebhookFaultName::ALL.iter().map(|name| name.as_str());
    assert_eq!(
        list_table_members(find_section(SCENARIOS, "Webhook faults")),
        webhook_faults.collect()
    );
    let api_faults = ApiFaultName::ALL.iter().map(|name| name.as_str());
    assert_eq!(
        list_table_members(find_section(SCENARIOS, "API faults")),
        api_faults.collect()
    );
    let mut events = BTreeSet::new();
    for line in find_section(SCENARIOS, "Steps and rules")
        .lines()
        .filter(|line| line.starts_with("- `") && line.contains("`, `"))
    {
        let names: Vec<_> = line.split('`').skip(1).step_by(2).collect();
        let (prefix, _) = names[0].split_once('.').expect("a name with a dot");
        events.extend(names.into_iter().map(|name| match name.strip_prefix('.') {
            Some(suffix) => format!("{prefix}.{suffix}"),
            None => name.to_owned(),
        }));
    }
    let consent_events = EventName::ALL
        .iter()
        .filter(|event| event.is_about_consent())
        .map(|event| event.as_str().to_owned());
    assert_eq!(events, consent_events.collect());
}

#[test]
fn the_shell_recipe_runs_as_written() {
    if !is_installed("curl") || !is_installed("python3") {
        report_skip("curl and python3");
        return;
    }
    let folder = create_folder("docs-testing");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(folder.join("scenarios")).expect("a folder");
    fs::create_dir_all(folder.join("tests/clients")).expect("a folder");
    for (file, text) in read_shipped_scenarios() {
        fs::write(folder.join("scenarios").join(file), text).expect("a file");
    }
    fs::copy(
        root.join("tests/clients/lender.py"),
        folder.join("tests/clients/lender.py"),
    )
    .expect("a file");
    let program = Path::new(env!("CARGO_BIN_EXE_mockaa"))
        .parent()
        .expect("a folder");
    let path = format!(
        "{}:{}",
        program.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut shell = Command::new("bash");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MOCKAA_")) {
        shell.env_remove(name);
    }
    let script = fenced_blocks(TESTING, "sh").join("\n");
    let output = shell
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(&folder)
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(
        stdout.contains("all checks passed"),
        "the Python lender has not passed: {stdout}"
    );
    let junit = fs::read_to_string(folder.join("scenarios.xml")).expect("the results are written");
    assert_eq!(junit.matches("<testsuite ").count(), 2);
}

#[test]
fn the_rust_recipe_is_a_test_of_ours() {
    let recipe = include_str!("recipe.rs");
    let [block] = fenced_blocks(TESTING, "rust")[..] else {
        panic!("the page must have exactly one Rust block")
    };
    assert!(
        recipe.trim_end().ends_with(block.trim_end()),
        "tests/recipe.rs differs from the page"
    );
}

#[test]
fn the_workflow_is_yaml_and_its_own_commands_work() {
    let [block] = fenced_blocks(TESTING, "yaml")[..] else {
        panic!("the page must have exactly one YAML block")
    };
    let workflow: serde_json::Value = serde_saphyr::from_str(block).expect("YAML");
    let steps = workflow["jobs"]["contract"]["steps"]
        .as_array()
        .expect("steps");
    let commands: Vec<_> = steps
        .iter()
        .filter_map(|step| step["run"].as_str()?.strip_prefix("mockaa "))
        .collect();
    let [lint, run] = commands[..] else {
        panic!("the workflow must have one lint and one run command: {commands:?}")
    };
    let run_in_repository = |command: &str, replacement: &str| {
        let command = command
            .replace("./tests/aa.sh", replacement)
            .replace("results.xml", "/dev/null");
        let words: Vec<_> = command.split_ascii_whitespace().collect();
        mockaa_command(&words)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("the command runs")
    };
    assert!(run_in_repository(lint, "").status.success());
    // No consent is raised, so the expectations are unmet; exit code 1 shows that the options are
    // valid.
    assert_eq!(
        run_in_repository(&run.replace("scenarios/", "scenarios/approve.yaml"), "true")
            .status
            .code(),
        Some(1)
    );
}

const DATA: &str = include_str!("../docs/data.md");

/// Every persona is on the page about data, with the current picture of its account.
#[test]
fn the_pictures_of_the_personas_are_what_their_accounts_draw() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = fs::read_dir(root.join("fixtures/personas")).expect("the folder exists");
    let mut count = 0;
    for file in files {
        let file = file.expect("a directory entry").path();
        let name = file
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let image = format!("images/{name}.svg");
        assert!(
            DATA.contains(&format!("### {name}\n")) && DATA.contains(&format!("]({image})")),
            "{name} is not on the page"
        );
        let output = mockaa_command(&["data", "generate", "--persona", &name, "--format", "svg"])
            .output()
            .expect("the command runs");
        let picture = fs::read(root.join("docs").join(&image)).unwrap_or_default();
        assert!(
            output.stdout == picture,
            "docs/{image} is outdated; run mockaa data generate --persona {name} --format svg"
        );
        count += 1;
    }
    assert_eq!(DATA.matches("![Balance of ").count(), count);
}

/// The examples of the page about data are valid, and its commands run.
#[test]
fn the_examples_of_the_page_of_data_work() {
    let folder = create_folder("docs-data");
    fs::write(
        folder.join("freelancer.yaml"),
        fenced_blocks(DATA, "yaml")[0],
    )
    .expect("a file");
    fs::write(folder.join("mine.yaml"), fenced_blocks(DATA, "yaml own")[0]).expect("a file");
    fs::write(folder.join("mine.csv"), fenced_blocks(DATA, "csv")[0]).expect("a file");
    let table =
        "\n\n\n\n\n\nPosting date,Text,Out,In,Balance\n03/31/2024,PAY,,\"1.000,50\",\"1.500,50\"\n";
    let run = |arguments: &[&str]| {
        let output = mockaa_command(arguments)
            .current_dir(&folder)
            .output()
            .expect("the command runs");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let folder_name = folder.to_str().expect("text");
    for persona in ["freelancer", "mine"] {
        let stdout = run(&[
            "data",
            "generate",
            "--personas",
            folder_name,
            "--persona",
            persona,
            "--from",
            "2024-01-01",
            "--format",
            "csv",
        ]);
        assert!(stdout.lines().count() > 2, "{persona}: {stdout}");
    }
    assert!(run(&["data", "personas", "--personas", folder_name]).contains("freelancer"));
    let map = fenced_blocks(DATA, "yaml map")[0];
    let bank = create_folder("docs-data-bank");
    for (file, text) in [("columns.yaml", map), ("bank.csv", table)] {
        fs::write(bank.join(file), text).expect("a file");
    }
    let [bank, map] =
        ["bank.csv", "columns.yaml"].map(|file| bank.join(file).display().to_string());
    assert_eq!(
        run(&["data", "import", &bank, "--map", &map])
            .lines()
            .count(),
        2
    );
    for command in fenced_blocks(DATA, "sh")[0].lines() {
        let (command, file) = command.split_once(" > ").unwrap_or((command, ""));
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        let stdout = run(&words);
        if !file.is_empty() {
            fs::write(folder.join(file), stdout).expect("a file");
        }
    }
}
