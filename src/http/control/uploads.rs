//! Statements that are supplied for a customer of a world.

use std::sync::Arc;

use actix_web::web::Bytes;

use super::authenticate_operator;
use super::statements::find_statement_source;
use crate::bankgen::replace_content;
use crate::domain::account::FiType;
use crate::domain::command::Command;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::statement::Ledger;
use crate::domain::terms::TimeRange;
use crate::engine::world::Receipt;
use crate::files::import::{ImportGuide, import};
use crate::files::statement::{self, StatementCheck};
use crate::http::call::Call;
use crate::http::call_world::CallWorld;
use crate::http::large_task::run_large_task;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::control::uploads::StatementUploadView;
use crate::wire::fields::{parse_customer_address, require_enum};

/// The value of `like` for the export of any bank with known names of columns.
pub(crate) const ANY_LAYOUT: &str = "any";

/// A file that is to be the statement of an account.
pub(crate) struct Upload {
    pub bytes: Bytes,
    /// `accRefNumber` or `linkRefNumber`; `None`: the first bank account.
    pub account: Option<String>,
    pub check: StatementCheck,
    /// `None` for a statement in one of our formats.
    pub export: Option<ImportGuide>,
}

impl Upload {
    /// Reads the options beside the file.
    pub(crate) fn new(params: &Params, bytes: Bytes) -> Result<Self, ApiError> {
        let check = match params.first_value("check") {
            None => StatementCheck::default(),
            Some(text) => require_enum(
                "check",
                Some(text.to_owned()),
                StatementCheck::parse,
                StatementCheck::accepted_names,
            )?,
        };
        let export = match params.first_value("like") {
            None => None,
            Some(ANY_LAYOUT) => Some(ImportGuide::KnownNames),
            Some(text) => Some(ImportGuide::Like(require_enum(
                "like",
                Some(text.to_owned()),
                NarrationLayout::parse,
                || format!("{ANY_LAYOUT}, {}", NarrationLayout::accepted_names()),
            )?)),
        };
        Ok(Self {
            bytes,
            account: params.first_value("account").map(str::to_owned),
            check,
            export,
        })
    }

    fn read(&self) -> Result<Ledger, Vec<Diagnostic>> {
        match &self.export {
            None => statement::parse(&self.bytes, self.check),
            Some(guide) => import(&self.bytes, guide, None, self.check)
                .map(|imported| imported.ledger)
                .map_err(|error| error.diagnostics),
        }
    }
}

/// Supplies the statement of a bank account of a customer.
pub(crate) async fn put_statement(call: &Call) -> Result<ApiResponse, ApiError> {
    let world = authenticate_operator(call)?;
    let customer = parse_customer_address("customer", call.path_segment("customer"))?;
    let upload = Upload::new(&Params::parse(call.query())?, call.body_bytes()?)?;
    let (view, receipt) = supply_statement(&world, customer, upload).await?;
    Ok(ApiResponse::from_receipt(receipt, |_| {
        ApiResponse::json(&view)
    }))
}

/// Makes a persona of a customer's, in which an account has a supplied statement, and assigns it to the customer.
pub(crate) async fn supply_statement(
    world: &CallWorld,
    customer: Arc<str>,
    upload: Upload,
) -> Result<(StatementUploadView, Receipt), ApiError> {
    let source = find_statement_source(world, &customer, upload.account.as_deref())?;
    let account = source.account;
    if account.fi_type != FiType::Deposit {
        let message = format!(
            "is of FI type {}; a statement is of a DEPOSIT",
            account.fi_type
        );
        return Err(ApiError::invalid_field("account", message));
    }
    let now = TimeRange {
        from: source.now,
        to: source.now,
    };
    let ledger = run_large_task(now, move || upload.read()).await;
    let ledger = Arc::new(ledger.map_err(ApiError::InvalidDocument)?);
    let mut persona = replace_content(&source.persona, world.seed(), &customer, &account, &ledger)
        .expect("the persona has the account");
    persona.name = name_persona(&customer).into();
    persona.description = format!(
        "{} with a supplied statement",
        source.persona.definition.name
    );
    let view = StatementUploadView::new(&persona.name, &account, &ledger);
    let assigned = Arc::new(persona.clone());
    world
        .put_persona(Some(world.cause()), persona)
        .map_err(ApiError::Conflict)?;
    let receipt = world.submit(Command::AssignPersona {
        customer,
        persona: assigned,
    })?;
    Ok((view, receipt))
}

/// Returns the name of the persona of a customer with a supplied statement.
fn name_persona(customer: &str) -> String {
    let letters = customer.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    });
    let name: String = letters.take(80).collect();
    format!("statement-of-{name}")
}
