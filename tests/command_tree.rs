//! The commands as a whole: each call of the control API has one, each has an example, and
//! `docs/commands.md` lists them all.

mod binary;

use std::any::TypeId;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use clap::{Arg, Command};
use mockaa::internals::cli::command_tree::build_command;
use mockaa::internals::cli::control_calls::command_of_call;
use mockaa::internals::cli::exit_status::ExitStatus;
use mockaa::internals::files::participants::list_file_keys;
use mockaa::internals::http::routes::{Section, all_routes};
use serde_json::Value;

use crate::binary::{Server, create_folder, mockaa_command, split_output};

/// A proxy in front of a sandbox that records the request lines, one for each connection: the
/// program opens a connection for each call.
struct Recorder {
    url: String,
    requests: Arc<Mutex<Vec<(String, String)>>>,
}

impl Recorder {
    fn start(sandbox_url: &str) -> Self {
        let sandbox = sandbox_url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("a connection");
                let (sandbox, recorded) = (sandbox.clone(), Arc::clone(&recorded));
                thread::spawn(move || relay(stream, &sandbox, &recorded));
            }
        });
        Self { url, requests }
    }

    /// Returns methods and paths of the requests since the last call of this function.
    fn take_requests(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.requests.lock().expect("no panic"))
    }
}

/// Records the first line of a connection and passes all bytes on.
fn relay(mut client: TcpStream, sandbox: &str, recorded: &Mutex<Vec<(String, String)>>) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.contains(&b'\n') {
        match client.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => head.extend_from_slice(&buffer[..count]),
        }
    }
    let line = String::from_utf8_lossy(&head).into_owned();
    let mut words = line.split(' ');
    let (method, target) = (
        words.next().expect("a method"),
        words.next().expect("a path"),
    );
    let path = target.split('?').next().expect("a path");
    recorded
        .lock()
        .expect("no panic")
        .push((method.to_owned(), path.to_owned()));
    let mut upstream = TcpStream::connect(sandbox).expect("the sandbox accepts connections");
    upstream.write_all(&head).expect("the request is passed on");
    let mut responses = upstream.try_clone().expect("a second handle");
    let mut answers = client.try_clone().expect("a second handle");
    let returning = thread::spawn(move || {
        // A side may close its connection at any time.
        let _ = std::io::copy(&mut responses, &mut answers);
        let _ = answers.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut client, &mut upstream);
    let _ = upstream.shutdown(Shutdown::Both);
    returning.join().expect("no panic");
}

/// Returns whether a path is that of a route; a segment in braces may have any text.
fn is_path_of(pattern: &str, path: &str) -> bool {
    pattern.split('/').count() == path.split('/').count()
        && pattern
            .split('/')
            .zip(path.split('/'))
            .all(|(expected, actual)| expected.starts_with('{') || expected == actual)
}

/// Calls that no command makes: `journal --follow` reads what a page reads from the stream, by waiting;
/// `scenario lint` and `scenario schema` need no sandbox.
const NOT_CALLED: [&str; 3] = ["streamEvents", "lintScenario", "getSchema"];

/// Commands for a sandbox, in an order in which each succeeds. A word in capitals after `$` is
/// replaced by a value of an earlier answer.
const COMMANDS: &[&str] = &[
    "info",
    "world show",
    "world list",
    "clock show",
    "clock due",
    "clock freeze",
    "clock set 2020-07-04T06:00:00Z",
    "consent raise --api unaport --json",
    "consent list",
    "consent show $HANDLE",
    "consent approve $HANDLE",
    "consent play $HANDLE {\"pause\":{}}",
    "consent resume $HANDLE",
    "session list --json",
    "session show $SESSION",
    "session deliver $SESSION --answer READY",
    "session analytics $SESSION",
    "customer list",
    "customer register new@mockaa",
    "customer accounts new@mockaa --json",
    "customer link new@mockaa --fip FIP-1 --accounts $ACCOUNT --json",
    "customer verify new@mockaa --ref $REFERENCE --otp 123456 --json",
    "customer delink new@mockaa --account $LINK",
    "customer persona new@mockaa salaried",
    "customer transaction list new@mockaa --json",
    "customer statement new@mockaa --format csv",
    "customer supply new@mockaa $FOLDER/bank.csv --like any",
    "customer transaction add new@mockaa --amount 2500.50 --narration REFUND --days-ago 3 --json",
    "customer transaction change new@mockaa $TXN --amount 99",
    "customer transaction remove new@mockaa $TXN",
    "customer deregister new@mockaa",
    "persona list",
    "persona put $FOLDER/persona.yaml",
    "fiu list",
    "fiu show FIU-1",
    "fiu put FIU-1 --set name=Renamed",
    "fip list",
    "fip show FIP-1",
    "fip put FIP-1 --set name=Renamed",
    "webhook list",
    "webhook show 1",
    "webhook show 1 --body",
    "webhook resend 1",
    "journal",
    "journal --wait 1s",
    "journal 1",
    "journal 3 --request",
    "journal 3 --answer",
    "assert $FOLDER/expectations.yaml",
    "report",
    "fault put lost $FOLDER/faults.yaml",
    "fault list",
    "fault show lost",
    "fault delete lost",
    "fault delete",
    "scenario list",
    "scenario show approve",
    "scenario put $FOLDER/mine.yaml",
    "scenario delete mine",
    "scenario reload",
    "scenario default approve",
    "scenario default",
    "scenario pin revoke --customer 9@mockaa",
    "magic",
    "jws keys",
    "clock run",
    "clock advance --by 1s",
    "world reset",
    "world delete default",
];

/// Values of earlier answers by the names in [`COMMANDS`], with their places in JSON.
const VALUES: [(&str, &str); 6] = [
    ("$HANDLE", "/consentHandle"),
    ("$SESSION", "/items/0/sessionId"),
    ("$ACCOUNT", "/items/0/accRefNumber"),
    ("$REFERENCE", "/RefNumber"),
    ("$LINK", "/items/0/linkRefNumber"),
    ("$TXN", "/txnId"),
];

#[test]
fn every_control_call_is_made_by_the_command_that_errors_name() {
    let folder = create_folder(
        "command-tree",
        &[
            (
                "mine.yaml",
                "version: 1\nname: mine\nsteps: [approve: {}]\n",
            ),
            (
                "persona.yaml",
                "version: 1\nname: mine\ndescription: Mine.\naccounts: [{ type: NPS }]\n",
            ),
            (
                "bank.csv",
                "Date,Narration,Debit,Credit,Balance\n01/01/20,PAY,,10.00,10.00\n",
            ),
            ("faults.yaml", "webhooks: [{ fault: { drop: {} } }]\n"),
            (
                "expectations.yaml",
                "expect: [call: { op: consent.create, count: 1 }]\n",
            ),
        ],
    );
    let server = Server::start(&["--data", "manual", "--seed", "42"]);
    let recorder = Recorder::start(server.base_url());
    let mut values = BTreeMap::from([("$FOLDER", folder.display().to_string())]);
    let mut calls: Vec<(&str, String, String)> = Vec::new();
    for line in COMMANDS {
        let arguments: Vec<String> = line
            .split(' ')
            .map(|word| {
                let mut word = word.to_owned();
                for (name, value) in &values {
                    word = word.replace(name, value);
                }
                word
            })
            .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = mockaa_command(&arguments);
        command
            .env("MOCKAA_URL", &recorder.url)
            .stdin(Stdio::null());
        let output = command.output().expect("the command runs");
        let (code, stdout, stderr) = split_output(&output);
        assert!(
            code == 0 || (code == 1 && *line == "report"),
            "{line}: {code} {stdout}{stderr}"
        );
        let answer: Value = serde_json::from_str(&stdout).unwrap_or_default();
        for (name, pointer) in VALUES {
            if let Some(value) = answer.pointer(pointer).and_then(Value::as_str) {
                values.insert(name, value.to_owned());
            }
        }
        let requests = recorder.take_requests().into_iter();
        calls.extend(requests.map(|(method, path)| (*line, method, path)));
    }
    let routes = all_routes().filter(|route| route.section == Section::Control);
    for route in routes.filter(|route| !NOT_CALLED.contains(&route.id)) {
        let command = command_of_call(route.id)
            .unwrap_or_else(|| panic!("{} has no command in src/cli/control_calls.rs", route.id));
        let is_made = calls.iter().any(|(line, method, path)| {
            line.starts_with(command.split(" --").next().expect("a name"))
                && method == route.method.as_str()
                && is_path_of(route.path, path)
        });
        assert!(
            is_made,
            "no line of COMMANDS with `{command}` makes {} {}",
            route.method, route.path
        );
    }
}

/// Returns the commands without subcommands, with their words.
fn list_commands(command: &Command, words: &str) -> Vec<(String, Command)> {
    let mut commands = Vec::new();
    for subcommand in command.get_subcommands() {
        let words = format!("{words} {}", subcommand.get_name());
        if subcommand.has_subcommands() {
            commands.extend(list_commands(subcommand, &words));
        } else {
            commands.push((words, subcommand.clone()));
        }
    }
    commands
}

/// Splits the first command of a line of a shell, up to a pipe or a redirection.
fn split_command(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quote, mut is_inside) = (None, false);
    for character in line.chars() {
        match (quote, character) {
            (None, '\'' | '"') => {
                quote = Some(character);
                if !is_inside {
                    words.push(String::new());
                }
                is_inside = true;
            }
            (Some(open), close) if open == close => quote = None,
            (None, '|' | '>') => break,
            (None, ' ') => is_inside = false,
            _ => {
                if !is_inside {
                    words.push(String::new());
                }
                is_inside = true;
                words.last_mut().expect("a word").push(character);
            }
        }
    }
    words
}

#[test]
fn every_command_has_an_example_that_it_accepts() {
    let program = build_command();
    let mut commands = list_commands(&program, "mockaa");
    let groups = program
        .get_subcommands()
        .filter(|command| command.has_subcommands());
    commands.extend(groups.map(|group| (format!("mockaa {}", group.get_name()), group.clone())));
    for (words, command) in commands {
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let examples: Vec<&str> = help
            .lines()
            .filter_map(|line| line.find(&words).map(|at| &line[at..]))
            .collect();
        assert!(!examples.is_empty(), "{words} has no example: {help}");
        for example in examples {
            // Explanations follow after some spaces.
            let example = example.split("   ").next().expect("a text");
            let parsed = build_command().try_get_matches_from(split_command(example));
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
        }
    }
}

#[test]
fn every_number_is_refused_with_the_range_that_fits() {
    let numbers = [
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
    ];
    let mut count = 0;
    for (words, command) in list_commands(&build_command(), "mockaa") {
        for argument in command.get_arguments() {
            let type_id = argument.get_value_parser().type_id();
            let takes_number = argument.get_action().takes_values()
                && numbers.iter().any(|number| type_id == *number);
            if !takes_number {
                continue;
            }
            count += 1;
            let mut line: Vec<String> = words.split(' ').map(str::to_owned).collect();
            line.extend(argument.get_long().map(|long| format!("--{long}")));
            line.push("many".to_owned());
            let error = build_command().try_get_matches_from(&line);
            let error = error.expect_err("it is no number").to_string();
            assert!(
                error.contains("give a whole number from ") && !error.contains("invalid digit"),
                "{line:?}: {error}"
            );
        }
    }
    assert!(count > 10, "the commands have {count} numbers");
}

#[cfg(target_os = "linux")]
#[test]
fn every_help_ends_with_one_line_on_a_full_disk() {
    for (words, _) in list_commands(&build_command(), "mockaa") {
        let mut arguments: Vec<&str> = words.split(' ').skip(1).collect();
        arguments.push("--help");
        let full = fs::OpenOptions::new().write(true).open("/dev/full");
        let output = mockaa_command(&arguments)
            .stdout(full.expect("the device exists"))
            .output()
            .expect("the command runs");
        let (code, _, stderr) = split_output(&output);
        assert_eq!((code, stderr.lines().count()), (3, 1), "{words}: {stderr}");
    }
}

/// Returns a text for one cell of a table in Markdown.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|").replace('\n', " ")
}

fn spell_argument(argument: &Arg) -> String {
    let value = argument.get_value_names().map(|names| names.join(" "));
    let value = value.unwrap_or_else(|| argument.get_id().as_str().to_uppercase());
    match (argument.get_long(), argument.get_action().takes_values()) {
        (Some(long), true) => format!("--{long} <{value}>"),
        (Some(long), false) => format!("--{long}"),
        (None, _) => format!("<{value}>"),
    }
}

/// Returns the values of an option in an order that people expect.
fn list_values(argument: &Arg) -> String {
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if values.is_empty() || !argument.get_action().takes_values() {
        String::new()
    } else {
        format!(" One of {}.", values.join(", "))
    }
}

fn default_of(argument: &Arg) -> String {
    let takes_values = argument.get_action().takes_values();
    let values = argument
        .get_default_values()
        .iter()
        .filter(|_| takes_values);
    let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
    values.join(", ")
}

fn describe(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string);
    let mut text = format!("{}.{}", help.unwrap_or_default(), list_values(argument));
    let default = default_of(argument);
    if !default.is_empty() {
        text += &format!(" Default: `{default}`.");
    }
    if let Some(variable) = argument.get_env() {
        text += &format!(" Variable: `{}`.", variable.to_string_lossy());
    }
    cell(&text)
}

fn own_arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    command
        .get_arguments()
        .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
}

/// Returns the row of an argument in a table.
fn render_argument(argument: &Arg) -> String {
    format!(
        "| `{}` | {} |\n",
        cell(&spell_argument(argument)),
        describe(argument)
    )
}

/// Returns the rows of the options that most commands have.
fn list_shared_arguments(commands: &[(String, Command)]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, command) in commands {
        for argument in own_arguments(command) {
            *counts.entry(render_argument(argument)).or_default() += 1;
        }
    }
    let rows = counts.into_iter();
    rows.filter(|(_, count)| *count > commands.len() / 2)
        .map(|(row, _)| row)
        .collect()
}

/// Returns the page of all commands, `docs/commands.md`.
fn render_commands_page() -> String {
    let program = build_command();
    let mut page = "# All commands\n\nThis page is made from the commands of the program; a test keeps it. `mockaa help` and `mockaa COMMAND --help` print the same.\n\
                    `mockaa completions` prints the completions of a shell, `mockaa man` the manual page.\n\n\
                    Options come before environment variables, and those before defaults. An empty variable counts as unset. An unknown variable that begins with\n\
                    `MOCKAA_` is an error.\n\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n"
        .to_owned();
    for status in ExitStatus::ALL {
        page += &format!("| {} | {} |\n", status.code(), status.description());
    }
    page += "\nAn error of a sandbox is one line on stderr; those of options and files may have more. If the reader of a pipe closes it, as `| head` does, the code is 0, or 141 for commands whose code is a verdict.\n";
    page += "\n## Environment variables\n\n| variable | option | commands | default |\n| --- | --- | --- | --- |\n";
    page += &render_variables(&program);
    page += "\n`mockaa run` sets `MOCKAA_BASE_URL`, `MOCKAA_DURATION`, `MOCKAA_SCENARIO`, `MOCKAA_URL` and `MOCKAA_WORLD` for the command after `--`.\n\
             `MOCKAA_BINARY` is the program that the npm package and the kits start; `mockaa` itself does not read it.\n\
             Tables are colored on a terminal only. `NO_COLOR=1` turns the colors off, `CLICOLOR_FORCE=1` turns them on.\n";
    page += "\n## Options of all commands\n\n| option | |\n| --- | --- |\n";
    page.extend(own_arguments(&program).map(render_argument));
    let commands = list_commands(&program, "mockaa");
    let shared = list_shared_arguments(&commands);
    page += "\n## Options of the commands for a running sandbox\n\n| option | |\n| --- | --- |\n";
    page.extend(shared.iter().map(String::as_str));
    for (words, command) in &commands {
        let about = command.get_about().map(ToString::to_string);
        page += &format!("\n## {words}\n\n{}.\n", about.unwrap_or_default());
        let (common, own): (Vec<String>, Vec<String>) = own_arguments(command)
            .map(render_argument)
            .partition(|row| shared.contains(row));
        let own = if common.len() == shared.len() {
            page += "\nIt has the options of the commands for a running sandbox.\n";
            own
        } else {
            own_arguments(command).map(render_argument).collect()
        };
        if !own.is_empty() {
            page += &format!("\n| argument | |\n| --- | --- |\n{}", own.concat());
        }
        let help = command.get_after_help().map(ToString::to_string);
        page += &format!("\n```text\n{}\n```\n", help.unwrap_or_default().trim());
    }
    page += "\n## Calls of the control API\n\n| call | command |\n| --- | --- |\n";
    let is_called = |id: &str| !NOT_CALLED.contains(&id);
    let routes = all_routes().filter(|route| route.section == Section::Control);
    for route in routes.filter(|route| is_called(route.id)) {
        let command = command_of_call(route.id).unwrap_or_default();
        page += &format!(
            "| `{} {}` | `mockaa {command}` |\n",
            route.method, route.path
        );
    }
    page
}

/// Largest number of commands that are listed for a variable.
const COMMANDS_LISTED_MAX: usize = 12;

fn render_variables(program: &Command) -> String {
    let mut variables: BTreeMap<(String, String, String), Vec<String>> = BTreeMap::new();
    let global = ("all".to_owned(), program.clone());
    for (words, command) in list_commands(program, "").into_iter().chain([global]) {
        for argument in own_arguments(&command) {
            if let Some(variable) = argument.get_env() {
                let variable = variable.to_string_lossy().into_owned();
                let option = format!("--{}", argument.get_long().unwrap_or_default());
                let key = (variable, option, default_of(argument));
                let command = words.trim().to_owned();
                variables.entry(key).or_default().push(command);
            }
        }
    }
    let mut rows = String::new();
    for ((variable, option, default), commands) in variables {
        let commands = if commands.len() > COMMANDS_LISTED_MAX {
            "the commands for a running sandbox".to_owned()
        } else {
            commands.join(", ")
        };
        rows += &format!("| `{variable}` | `{option}` | {commands} | {default} |\n");
    }
    rows
}

fn page_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md")
}

#[test]
fn the_page_of_all_commands_is_made_from_the_program() {
    let page = render_commands_page();
    if std::env::var_os("MOCKAA_UPDATE_EXAMPLES").is_some() {
        fs::write(page_file(), page).expect("the file is written");
        return;
    }
    let kept = fs::read_to_string(page_file()).expect("the page exists");
    let changed = page.lines().zip(kept.lines()).find(|(new, old)| new != old);
    assert!(
        kept == page,
        "MOCKAA_UPDATE_EXAMPLES=1 cargo test --test command_tree writes the page; first change: {changed:?}"
    );
}

/// The marks of the generated table in `docs/configuration.md`.
const KEYS_BEGIN: &str = "<!-- keys -->\n";
const KEYS_END: &str = "<!-- end of keys -->\n";

#[test]
fn the_keys_of_the_file_are_made_from_the_program() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = fs::read_to_string(&file).expect("the page");
    let (before, rest) = page.split_once(KEYS_BEGIN).expect("the first mark");
    let (shown, after) = rest.split_once(KEYS_END).expect("the second mark");
    let mut table = "| table | key | value | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for key in list_file_keys() {
        assert!(
            !key.description.is_empty(),
            "{} {} is described",
            key.table,
            key.name
        );
        table += &format!(
            "| `{}` | `{}` | {} | {} |\n",
            key.table, key.name, key.form, key.description
        );
    }
    if std::env::var_os("MOCKAA_UPDATE_EXAMPLES").is_some() {
        let page = [before, KEYS_BEGIN, &table, KEYS_END, after].concat();
        fs::write(&file, page).expect("the page is written");
        return;
    }
    let hint = "MOCKAA_UPDATE_EXAMPLES=1 cargo test --test command_tree writes the table";
    assert_eq!(shown, table, "{hint}");
}
