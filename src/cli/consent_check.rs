//! `mockaa consent check`: compares a consent request with the fair-use templates, without a
//! sandbox.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{UsageError, read_input};
use crate::domain::fair_use::{FairUseTemplate, FairUseVerdict, check_consent};
use crate::domain::terms::Terms;
use crate::domain::text::{display_path, escape_line_controls};
use crate::domain::version::RebitVersion;
use crate::wire::api_error::ApiError;
use crate::wire::consent_detail::{ConsentDetailRequest, ValidationRules};
use crate::wire::fields::parse_json;

/// The handle of a customer's address where the request has none.
const ANY_HANDLE: &str = "mockaa";

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// File with a consent request of ReBIT or Unaport, or with its `ConsentDetail`; - is stdin.
    file: PathBuf,
    /// Template for which your FIU is registered, such as CT035; may be repeated. Default: the
    /// templates that hold for every FIU.
    #[arg(long, value_parser = parse_template, value_name = "ID")]
    template: Vec<FairUseTemplate>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn parse_template(text: &str) -> Result<FairUseTemplate, String> {
    FairUseTemplate::parse(text)
        .ok_or_else(|| format!("one of {}", FairUseTemplate::accepted_names()))
}

/// Prints the limits that the request exceeds; exit code 1 if there are some.
pub(crate) fn check_request(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let CheckArguments {
        file,
        template,
        json,
    } = arguments;
    let name = display_path(file);
    let terms = read_terms(&read_input(Some(file))?)
        .map_err(|error| UsageError(format!("{name}: {}", error.message())))?;
    let FairUseVerdict { basis, deviations } = check_consent(&terms, template);
    if *json {
        let deviations: Vec<_> = deviations
            .iter()
            .map(|deviation| json!({ "field": deviation.field, "message": deviation.message }))
            .collect();
        let verdict = json!({ "file": name, "basis": basis, "deviations": deviations });
        println!("{verdict:#}");
    } else {
        let basis = escape_line_controls(&basis);
        match deviations.len() {
            0 => println!("{name}: {basis}: within fair use"),
            1 => println!("{name}: {basis}: outside fair use, 1 limit"),
            count => println!("{name}: {basis}: outside fair use, {count} limits"),
        }
        for deviation in &deviations {
            let message = escape_line_controls(&deviation.message);
            println!("  {} {message}", deviation.field);
        }
    }
    Ok(if deviations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Reads the terms of a request. Only the customer may be missing, since no limit concerns it.
fn read_terms(body: &[u8]) -> Result<Terms, ApiError> {
    let document: Value = parse_json(body)?;
    let request = document.get("ConsentsRequest").unwrap_or(&document);
    let mut detail = request.get("ConsentDetail").unwrap_or(request).clone();
    let version = request["ver"].as_str().and_then(RebitVersion::parse);
    if let Some(fields) = detail.as_object_mut() {
        fields.insert(
            "Customer".to_owned(),
            json!({ "id": format!("any@{ANY_HANDLE}") }),
        );
    }
    let detail: ConsentDetailRequest = parse_json(detail.to_string().as_bytes())?;
    let rules = ValidationRules::for_version(version.unwrap_or(RebitVersion::V2_0_0));
    detail.into_terms(String::new(), rules, ANY_HANDLE)
}
