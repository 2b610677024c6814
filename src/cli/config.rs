//! `mockaa config`: prints the shipped participants as a sample file, checks a participants file, and
//! explains where the value of each option comes from.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::common_args::PersonaArgs;
use crate::cli::file_options::{Origin, to_key};
use crate::cli::remote::print_table;
use crate::cli::{UsageError, prepare_command};
use crate::config::{
    OPTION_TABLES, ParticipantSetup, SHIPPED_PARTICIPANTS, aa_scenarios, find_config_file,
    load_participants,
};
use crate::domain::participants::{Aa, AaCredential, Fiu, Member, WebhookUrls};
use crate::domain::text::{display_path, escape_line_controls};
use crate::files::participants::{FipEntry, FiuEntry};
use crate::scenario::library::{Library, RequiredScenarios};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a mockaa.toml with the shipped participants, as a template.
    #[command(after_help = "Examples:\n  mockaa config sample > mockaa.toml")]
    Sample,
    /// Check a mockaa.toml and list its participants.
    #[command(
        after_help = "Examples:\n  mockaa config show\n  mockaa config show --config mockaa.toml"
    )]
    Show {
        /// The file; default: `mockaa.toml` if it exists, else the shipped participants.
        #[arg(long, env = "MOCKAA_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>,

        /// Folder of scenario files, added to the shipped ones, which AAs may refer to.
        #[arg(long, env = "MOCKAA_SCENARIOS", value_name = "DIR")]
        scenarios: Option<PathBuf>,

        #[command(flatten)]
        personas: PersonaArgs,

        /// Print the participants in JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the value of each option of a command, and where it comes from: the command line, an
    /// environment variable, mockaa.toml or the default.
    #[command(
        after_help = "Examples:\n  mockaa config explain\n  mockaa config explain serve --port 9090"
    )]
    Explain {
        /// The command with its options; default: serve.
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            default_value = "serve",
            value_name = "COMMAND"
        )]
        command: Vec<OsString>,

        /// Print the options in JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Sample => print!("{SHIPPED_PARTICIPANTS}"),
        Command::Show {
            config,
            scenarios,
            personas: persona_args,
            json,
        } => {
            let serve = [Some("mockaa".into()), Some("serve".into())];
            let named = config
                .clone()
                .map(|file| [OsString::from("--config"), file.into()]);
            let serve: Vec<_> = serve
                .into_iter()
                .flatten()
                .chain(named.into_iter().flatten())
                .collect();
            prepare_command(&serve)?;
            let file = find_config_file(config);
            let parties = load_participants(file.as_deref(), None)?;
            let required = RequiredScenarios {
                default: None,
                aa_scenarios: aa_scenarios(&parties.participants),
            };
            Library::load(scenarios, required, Arc::new(persona_args.load_personas()?))?;
            if json {
                println!("{:#}", describe_participants(file.as_deref(), &parties));
                return Ok(ExitCode::SUCCESS);
            }
            match file {
                Some(file) => println!("{} is valid:", display_path(&file)),
                None => println!("the shipped participants:"),
            }
            print_participants(&parties);
        }
        Command::Explain { command, json } => explain_options(&command, json)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// An option as `config explain` prints it.
struct OptionValue {
    option: String,
    value: String,
    origin: String,
}

/// Prints the options of a command with their values and origins.
fn explain_options(arguments: &[OsString], json: bool) -> anyhow::Result<()> {
    let arguments: Vec<_> = std::iter::once(OsString::from("mockaa"))
        .chain(arguments.iter().cloned())
        .collect();
    let (program, file_options) = prepare_command(&arguments)?;
    let matches = program.clone().try_get_matches_from(&arguments);
    let matches = match matches {
        Ok(matches) => matches,
        Err(error) if !error.use_stderr() => {
            print!("{error}");
            return Ok(());
        }
        Err(error) => {
            let text = error.to_string();
            let lines = text.lines().take_while(|line| !line.is_empty());
            let problem = lines.map(str::trim).collect::<Vec<_>>().join(" ");
            let problem = problem.trim_start_matches("error: ").to_owned();
            return Err(UsageError(problem).into());
        }
    };
    let explicit = matches
        .subcommand()
        .and_then(|(_, options)| options.try_get_one::<PathBuf>("config").ok().flatten());
    load_participants(find_config_file(explicit.cloned()).as_deref(), None)?;
    let selected = matches
        .subcommand()
        .filter(|(name, _)| OPTION_TABLES.contains(name));
    let Some((name, matches)) = selected else {
        let names = OPTION_TABLES.join(", ");
        return Err(UsageError(format!("no command with options in a file; give {names}")).into());
    };
    let command = program.find_subcommand(name);
    let options = command.into_iter().flat_map(clap::Command::get_arguments);
    let options = options.filter(|option| option.get_long().is_some());
    let values: Vec<_> = options
        .map(|option| {
            let values = matches
                .get_raw(option.get_id().as_str())
                .into_iter()
                .flatten();
            let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
            let is_secret = option.is_hide_env_values_set() && !values.is_empty();
            let origin = match file_options.find_origin(name, option, matches) {
                Origin::CommandLine => "command line".to_owned(),
                Origin::Environment => {
                    let variable = option.get_env().unwrap_or_default();
                    variable.to_string_lossy().into_owned()
                }
                Origin::File => {
                    let file = display_path(file_options.file());
                    format!("{file}: {name}.{}", to_key(option))
                }
                Origin::Default => "default".to_owned(),
            };
            OptionValue {
                option: format!("--{}", option.get_long().unwrap_or_default()),
                value: if is_secret {
                    "(hidden)".to_owned()
                } else {
                    values.join(",")
                },
                origin,
            }
        })
        .collect();
    if json {
        let options = values.iter().map(
            |value| json!({ "option": value.option, "value": value.value, "origin": value.origin }),
        );
        println!(
            "{:#}",
            json!({ "command": name, "options": options.collect::<Vec<_>>() })
        );
        return Ok(());
    }
    let rows = values.into_iter().map(|value| {
        let shown = if value.value.is_empty() {
            "-"
        } else {
            &value.value
        };
        vec![
            value.option,
            escape_line_controls(shown).into_owned(),
            value.origin,
        ]
    });
    let rows: Vec<_> = rows.collect();
    print_table(&["option", "value", "from"], &rows);
    Ok(())
}

/// Returns the participants in JSON, in the names of the control API.
fn describe_participants(file: Option<&Path>, parties: &ParticipantSetup) -> Value {
    let ParticipantSetup {
        participants, keys, ..
    } = parties;
    let aas = participants.aas.iter().map(|aa| {
        json!({
            "id": &*aa.id,
            "handle": &*aa.handle,
            "apiKey": &*aa.api_key,
            "kid": keys.key_for_aa(&aa.id).private.kid(),
            "scenario": aa.scenario.as_deref(),
        })
    });
    let fius = participants.fius.iter().map(|fiu| FiuEntry::from_fiu(fiu));
    let fips = participants.fips.iter().map(|fip| FipEntry::from_fip(fip));
    json!({
        "file": file.map(display_path),
        "aas": aas.collect::<Vec<_>>(),
        "fius": fius.collect::<Vec<_>>(),
        "fips": fips.collect::<Vec<_>>(),
    })
}

fn print_participants(parties: &ParticipantSetup) {
    let ParticipantSetup {
        participants,
        keys,
        unaport,
        fiu_url: _,
        time_settings: _,
    } = parties;
    for aa in &participants.aas {
        let scenario = aa
            .scenario
            .as_ref()
            .map(|name| format!("   scenario {name}"))
            .unwrap_or_default();
        let kid = keys.key_for_aa(&aa.id).private.kid();
        println!(
            "AA   {:<22} handle @{}   api key {}   {}   kid {kid}{scenario}",
            aa.id,
            aa.handle,
            aa.api_key,
            describe_credential(aa)
        );
    }
    for member in participants.all_members() {
        let entity = member.entity();
        let kids: Vec<_> = entity
            .public_keys
            .iter()
            .map(|key| key.kid.as_str())
            .collect();
        let kids = if kids.is_empty() {
            "no public key".to_owned()
        } else {
            format!("kid {}", kids.join(", "))
        };
        println!(
            "{}  {:<22} api key {}   {kids}",
            member.kind(),
            entity.id,
            entity.api_key
        );
        match member {
            Member::Fiu(fiu) => println!(
                "       org_id {}   webhooks {}",
                fiu.org_id,
                describe_webhook_urls(&fiu)
            ),
            Member::Fip(fip) => println!(
                "       name {}   narration {}",
                fip.entity.name, fip.narration
            ),
        }
    }
    let accounts = match unaport.logins.len() {
        0 => format!("any account may log in, as {}", unaport.default_fiu),
        count => format!("{count} account(s) may log in"),
    };
    println!(
        "Unaport version {}   {accounts}   {} template(s)",
        unaport.version,
        unaport.templates.len()
    );
}

/// Returns what an AA sends as `aa_api_key`, for people.
pub(crate) fn describe_credential(aa: &Aa) -> String {
    match aa.credential {
        AaCredential::Token => "aa_api_key: a token (JWT)".to_owned(),
        AaCredential::ApiKey => format!("aa_api_key {}", aa.api_key),
    }
}

/// Describes the webhook URLs of an FIU in one line.
pub(crate) fn describe_webhook_urls(fiu: &Fiu) -> String {
    let WebhookUrls {
        base,
        all,
        consent,
        data,
        analytics,
    } = &fiu.webhooks;
    let labeled_urls = [
        ("below", base),
        ("all to", all),
        ("consents to", consent),
        ("data to", data),
        ("analytics to", analytics),
    ];
    let descriptions: Vec<_> = labeled_urls
        .iter()
        .filter_map(|(word, url)| Some(format!("{word} {}", url.as_ref()?)))
        .collect();
    if descriptions.is_empty() {
        "recorded only".to_owned()
    } else {
        descriptions.join(", ")
    }
}
