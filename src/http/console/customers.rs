//! Pages of customers, and of what their banks have.

use std::sync::Arc;

use super::PageCall;
use super::typed::complete_known_customer;
use crate::bankgen::is_supported;
use crate::domain::command::Command;
use crate::http::call::Call;
use crate::http::control::customers::find_persona;
use crate::http::control::parse_number;
use crate::http::control::statements::generate_statement_of;
use crate::http::control::uploads::{Upload, supply_statement};
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::console::Section;
use crate::ui::console::customers::{
    CustomerPage, CustomersPage, StatementDetails, StatementPage, customer_path,
};
use crate::wire::api_error::ApiError;
use crate::wire::fields::parse_customer_address;

/// The number of customers on a page.
const CUSTOMERS_MAX: usize = 100;

/// Shows the customers of the world, or leads to the one whose address was typed.
pub(crate) fn show_customers(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let base_path = call.page_frame().base_path;
    let params = Params::parse(call.query())?.without_empty();
    let typed = params.first_value("customer").map(str::trim);
    let typed = typed.map(|text| complete_known_customer(&page.world, text));
    let problem = match typed.map(|text| parse_customer_address("customer", &text)) {
        Some(Ok(customer)) => {
            let path = customer_path("", &customer);
            return Ok(ApiResponse::redirect_see_other(page.address(&path)));
        }
        Some(Err(error)) => Some(error.message()),
        None => None,
    };
    let after = parse_number(call, "after", 0)?;
    let skip = usize::try_from(after).unwrap_or(usize::MAX);
    let queries = page.world.catch_up();
    let mut addresses = queries.customer_addresses(skip, CUSTOMERS_MAX + 1);
    let has_more = addresses.len() > CUSTOMERS_MAX;
    addresses.truncate(CUSTOMERS_MAX);
    let next = skip.saturating_add(CUSTOMERS_MAX);
    Ok(page.show(&CustomersPage {
        console: page.frame(Section::Customers),
        customers: addresses
            .iter()
            .map(|it| (customer_path(&base_path, it), it.to_string()))
            .collect(),
        next: has_more.then(|| format!("{base_path}/ui/customers?after={next}")),
        problem,
    }))
}

/// Shows the accounts of a customer at all banks.
pub(crate) fn show_customer(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let customer = parse_customer_address("customer", call.path_segment("customer"))?;
    Ok(show_customer_page(&page, &customer, Vec::new()))
}

/// Shows a customer, with the notes about a statement that was supplied.
fn show_customer_page(page: &PageCall<'_>, customer: &str, notes: Vec<String>) -> ApiResponse {
    let world = &page.world;
    let queries = world.catch_up();
    let (record, accounts) = queries.customer(customer);
    let accounts = accounts.into_iter().map(|it| {
        let source = queries.statement_source(customer, Some(&it.account.account_ref));
        let has_statement = source.is_ok_and(|source| {
            is_supported(world.seed(), customer, &source.persona, &source.account)
        });
        (it, has_statement)
    });
    let accounts: Vec<_> = accounts.collect();
    let personas = world.personas();
    let shown = CustomerPage::new(
        page.frame(Section::Customers),
        &world.participants(),
        customer,
        &queries.persona_of(customer),
        record.as_ref(),
        personas.names().map(str::to_owned).collect(),
        &accounts,
    );
    page.show(&shown.with_notes(notes))
}

/// Assigns another persona to a customer.
pub(crate) fn assign_persona(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &["persona"])?;
    let customer = parse_customer_address("customer", call.path_segment("customer"))?;
    let persona = find_persona(&page.world, form.first_value("persona").unwrap_or_default())?;
    let path = customer_path("", &customer);
    let receipt = page.world.submit(Command::AssignPersona {
        customer,
        persona: Arc::clone(&persona),
    })?;
    let answer = page.lead_back(&path);
    Ok(ApiResponse::from_receipt(receipt, |_| answer))
}

/// Supplies the statement of a bank account as a file.
pub(crate) async fn submit_statement(call: &Call) -> Result<ApiResponse, ApiError> {
    let fields = ["account", "check", "like"];
    let (page, form, bytes) = PageCall::open_upload(call, &fields, "file").await?;
    let customer = parse_customer_address("customer", call.path_segment("customer"))?;
    let path = customer_path("", &customer);
    let upload = Upload::new(&form, bytes)?;
    let (view, receipt) = supply_statement(&page.world, customer.clone(), upload).await?;
    let answer = if view.notes.is_empty() {
        page.lead_back(&path)
    } else {
        show_customer_page(&page, &customer, view.notes)
    };
    Ok(ApiResponse::from_receipt(receipt, |_| answer))
}

/// Shows what a bank has of an account, with a chart of the balance.
pub(crate) async fn show_statement(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let customer = parse_customer_address("customer", call.path_segment("customer"))?;
    let skip = parse_number(call, "after", 0)?;
    let generated = generate_statement_of(call).await?;
    Ok(page.show(&StatementPage::new(
        page.frame(Section::Customers),
        &page.world.participants(),
        &customer,
        StatementDetails {
            statement: &generated.statement,
            appraisal: generated.appraisal,
            range: generated.range,
            skip: usize::try_from(skip).unwrap_or(usize::MAX),
            formats: &generated.formats,
        },
    )))
}
