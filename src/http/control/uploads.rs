//! Statements that are supplied for a customer of a world.

use std::sync::Arc;

use actix_web::web::Bytes;

use super::statements::find_statement_source;
use super::{authenticate_operator, parse_name};
use crate::bankgen::replace_content;
use crate::domain::account::FiType;
use crate::domain::command::Command;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::statement::Ledger;
use crate::engine::world::Receipt;
use crate::files::import::{ImportGuide, import};
use crate::files::statement::{self, StatementCheck};
use crate::http::call::Call;
use crate::http::call_world::CallWorld;
use crate::http::large_task::{TaskSize, run_large_task};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::wire::api_error::ApiError;
use crate::wire::control::uploads::StatementUploadView;
use crate::wire::fields::{parse_customer_address, require_enum};

/// The value of `like` for the export of any bank with known names of columns.
pub(crate) const ANY_LAYOUT: &str = "any";

/// The size of the largest file whose reading is a short task. The tree of a JSON takes some ten times as much memory.
const SHORT_BYTES_MAX: usize = 2 << 20;

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
        let (parse, names) = (StatementCheck::parse, StatementCheck::accepted_names);
        let check = parse_name(params, "check", parse, names)?.unwrap_or_default();
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

    fn size(&self) -> TaskSize {
        if self.bytes.len() > SHORT_BYTES_MAX {
            TaskSize::Long
        } else {
            TaskSize::Short
        }
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
    let account = find_statement_source(world, &customer, upload.account.as_deref())?.account;
    if account.fi_type != FiType::Deposit {
        let message = format!(
            "is of FI type {}; a statement is of a DEPOSIT",
            account.fi_type
        );
        return Err(ApiError::invalid_field("account", message));
    }
    let (size, account_name) = (upload.size(), upload.account.clone());
    let ledger = run_large_task(size, move || upload.read()).await;
    let ledger = Arc::new(ledger.map_err(ApiError::InvalidDocument)?);
    // Another upload may have changed the persona meanwhile.
    let source = find_statement_source(world, &customer, account_name.as_deref())?;
    let account = source.account;
    let persona = replace_content(&source.persona, world.seed(), &customer, &account, &ledger);
    let mut persona = persona.expect("the persona has the account");
    persona.name = format!("statement-of-{customer}").into();
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
