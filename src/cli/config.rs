//! `mockaa config`: prints the shipped participants as a sample file, and checks a participants
//! file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;

use crate::cli::common_args::PersonaArgs;
use crate::config::{
    ParticipantSetup, SHIPPED_PARTICIPANTS, aa_scenarios, find_config_file, load_participants,
};
use crate::domain::participants::{Aa, AaCredential, Fiu, Member, WebhookUrls};
use crate::domain::text::display_path;
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
    },
}

pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Sample => print!("{SHIPPED_PARTICIPANTS}"),
        Command::Show {
            config,
            scenarios,
            personas: persona_args,
        } => {
            let file = find_config_file(config);
            let parties = load_participants(file.as_deref(), None)?;
            let required = RequiredScenarios {
                default: None,
                aa_scenarios: aa_scenarios(&parties.participants),
            };
            Library::load(scenarios, required, Arc::new(persona_args.load_personas()?))?;
            match file {
                Some(file) => println!("{} is valid:", display_path(&file)),
                None => println!("the shipped participants:"),
            }
            print_participants(&parties);
        }
    }
    Ok(ExitCode::SUCCESS)
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
        if let Member::Fiu(fiu) = member {
            println!(
                "       org_id {}   webhooks {}",
                fiu.org_id,
                describe_webhook_urls(&fiu)
            );
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
