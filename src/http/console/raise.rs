//! The form that raises a consent in place of an FIU.

use std::sync::Arc;

use super::PageCall;
use super::typed::complete_customer;
use crate::domain::account::FiType;
use crate::domain::command::{Command, OnRepeatedTxnid, RaiseConsent};
use crate::domain::consent::Api;
use crate::domain::participants::{Aa, Participants};
use crate::domain::terms::{
    ConsentMode, ConsentType, ConsumerType, DataLifeUnit, FetchType, FrequencyUnit, Purpose, Terms,
    TimeRange,
};
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::domain::version::RebitVersion;
use crate::http::call::Call;
use crate::http::control::customers::find_persona;
use crate::http::control::scenarios::find_scenario_text;
use crate::http::params::Params;
use crate::http::response::ApiResponse;
use crate::ui::console::Section;
use crate::ui::console::raise::{RaiseDraft, RaisePage};
use crate::wire::api_error::ApiError;
use crate::wire::fields::{parse_customer_address, require_enum};
use crate::wire::purpose::StandardPurpose;

const FIELDS: [&str; 7] = [
    "customer",
    "fiuId",
    "fiType",
    "fetchType",
    "months",
    "scenario",
    "persona",
];

/// The largest number of months of data.
const MONTHS_MAX: i32 = 120;

/// Shows the form.
pub(crate) fn show_raise_form(call: &Call) -> Result<ApiResponse, ApiError> {
    let page = PageCall::open(call)?;
    let query = Params::parse(call.query())?;
    let scenario = query.first_value("scenario").unwrap_or_default();
    if !scenario.is_empty() {
        find_scenario_text(&page.world, scenario)?;
    }
    let mut draft = read_draft(&query);
    let usual = [
        (&mut draft.customer, "9876543210"),
        (&mut draft.fetch_type, FetchType::Periodic.as_str()),
        (&mut draft.months, "12"),
    ];
    for (field, value) in usual {
        if field.is_empty() {
            value.clone_into(field);
        }
    }
    if draft.fi_types.is_empty() {
        draft.fi_types.push(FiType::Deposit.as_str().to_owned());
    }
    Ok(render_form(&page, draft, None))
}

/// Reads the fields of the form.
fn read_draft(form: &Params) -> RaiseDraft {
    let text = |name: &str| form.first_value(name).unwrap_or_default().trim().to_owned();
    RaiseDraft {
        customer: text("customer"),
        fiu: text("fiuId"),
        fi_types: form.values_of("fiType").map(str::to_owned).collect(),
        fetch_type: text("fetchType"),
        months: text("months"),
        scenario: text("scenario"),
        persona: text("persona"),
    }
}

fn render_form(page: &PageCall<'_>, draft: RaiseDraft, problem: Option<String>) -> ApiResponse {
    let world = &page.world;
    let personas = world.personas();
    page.show(&RaisePage::new(
        page.frame(Section::Consents),
        &world.participants(),
        &world.scenarios().list_names(),
        &personas.names().map(str::to_owned).collect::<Vec<_>>(),
        draft,
        problem,
    ))
}

/// Raises the consent that the form describes, and shows it. A form with an error is shown again.
pub(crate) fn raise_consent(call: &Call) -> Result<ApiResponse, ApiError> {
    let (page, form) = PageCall::open_form(call, &FIELDS)?;
    let draft = read_draft(&form);
    submit_draft(&page, &draft).or_else(|error| {
        page.refuse(error, |error| {
            Ok(render_form(&page, draft, Some(error.message())))
        })
    })
}

fn submit_draft(page: &PageCall<'_>, draft: &RaiseDraft) -> Result<ApiResponse, ApiError> {
    let world = &page.world;
    let participants = world.participants();
    let customer = complete_customer(&participants, &draft.customer);
    let customer = parse_customer_address("customer", &customer)?;
    let aa = find_aa_of(&participants, &customer)?;
    let fiu = match &*draft.fiu {
        "" => participants.default_fiu(),
        id => participants.find_fiu(id).ok_or_else(|| {
            let message = format!("{} is not a registered FIU", quote_value(id));
            ApiError::invalid_field("fiuId", message)
        })?,
    };
    let persona = Some(&draft.persona).filter(|name| !name.is_empty());
    let persona = persona.map(|name| find_persona(world, name)).transpose()?;
    let raise = RaiseConsent {
        terms: build_terms(draft, world.now(), &fiu.entity.id, customer)?,
        api: Api::Rebit(RebitVersion::ALL[RebitVersion::ALL.len() - 1]),
        aa: Arc::clone(&aa.id),
        fiu: Arc::clone(&fiu.entity.id),
        metadata: None,
        scenario: Some(draft.scenario.as_str())
            .filter(|name| !name.is_empty())
            .map(Into::into),
        persona,
        on_repeated_txnid: OnRepeatedTxnid::Note,
    };
    let receipt = world.submit(Command::RaiseConsent(raise))?;
    Ok(ApiResponse::from_receipt(receipt, |outcome| {
        let handle = outcome.consent().handle;
        ApiResponse::redirect_see_other(page.address(&format!("/ui/consents/{handle}")))
    }))
}

/// Returns the AA of a customer, by the handle in the address.
fn find_aa_of<'p>(participants: &'p Participants, customer: &str) -> Result<&'p Aa, ApiError> {
    let (_, handle) = customer.rsplit_once('@').unwrap_or_default();
    let mut aas = participants.aas.iter();
    let aa = aas.find(|aa| aa.handle.eq_ignore_ascii_case(handle));
    aa.map(|aa| &**aa).ok_or_else(|| {
        let handles: Vec<_> = participants.aas.iter().map(|aa| &*aa.handle).collect();
        let message = format!(
            "is at {}, which is the handle of no AA; use one of {}",
            quote_value(handle),
            handles.join(", ")
        );
        ApiError::invalid_field("customer", message)
    })
}

fn build_terms(
    draft: &RaiseDraft,
    now: Timestamp,
    consumer: &Arc<str>,
    customer: Arc<str>,
) -> Result<Terms, ApiError> {
    let fi_types = draft.fi_types.iter().map(|name| {
        require_enum(
            "fiType",
            Some(name.clone()),
            FiType::parse_any_name,
            FiType::accepted_names,
        )
    });
    let fi_types = fi_types.collect::<Result<Arc<[FiType]>, _>>()?;
    if fi_types.is_empty() {
        return Err(ApiError::invalid_field(
            "fiType",
            "is missing; choose at least one",
        ));
    }
    let months = draft.months.parse::<i32>().ok();
    let months = months.filter(|months| (1..=MONTHS_MAX).contains(months));
    let months = months.ok_or_else(|| {
        let message = format!(
            "{} is not a number from 1 to {MONTHS_MAX}",
            quote_value(&draft.months)
        );
        ApiError::invalid_field("months", message)
    })?;
    let purpose = StandardPurpose::ALL[0];
    let fetch_type = require_enum(
        "fetchType",
        Some(draft.fetch_type.clone()),
        FetchType::parse,
        FetchType::accepted_names,
    )?;
    Ok(Terms {
        start: now,
        expiry: now.saturating_add_months(12),
        mode: ConsentMode::Store,
        fetch_type,
        consent_types: ConsentType::ALL.into(),
        fi_types,
        consumer: Arc::clone(consumer),
        consumer_type: ConsumerType::Fiu,
        customer,
        sent_customer: None,
        purpose: Arc::new(Purpose {
            code: purpose.code.into(),
            ref_uri: Some(purpose.ref_uri.into()),
            text: Some(purpose.text.into()),
            category: Some(purpose.category.into()),
        }),
        range: TimeRange {
            from: now.shift_months(-months),
            to: now,
        },
        data_life: (DataLifeUnit::Month, 1),
        frequency: (FrequencyUnit::Day, 1),
        filters: None,
        vdr_provider: None,
        txnid: "".into(),
    })
}
