//! The payments between the customer's bank account and the holdings: instalments of funds and
//! recurring deposits, premiums, contributions to a pension, and the money that comes back. The
//! ledger posts them, so that each has a row on both sides.

use chrono::NaiveDate;

use super::sizes::Income;
use super::{HoldingContext, deposits, funds, insurance, pension};
use crate::bankgen::{StatementRequest, accounts};
use crate::domain::account::FiType;
use crate::domain::calendar::Month;
use crate::domain::money::Paise;
use crate::domain::persona::{Channel, ContentPlan, Flow, Persona};
use crate::domain::statement::Holders;
use crate::domain::terms::TransactionType;
use crate::domain::time::Timestamp;

/// A payment between the bank account and a holding.
#[derive(Clone, Debug)]
pub(crate) struct HoldingPayment {
    /// The day of the holding's transaction.
    pub day: NaiveDate,
    /// The side of the bank account: an instalment is a debit.
    pub direction: TransactionType,
    pub amount: Paise,
    pub channel: Channel,
    /// The other party, in capitals, as banks print it.
    pub counterparty: String,
    /// The words of the narration, with the number of the folio, policy or account.
    pub purpose: String,
}

/// Returns the ordinal of the bank account that pays into the holdings: the first that receives an
/// income, otherwise the first whose rows are generated. `None` if there is none.
///
/// `Assumption:` one account pays for all holdings.
pub(crate) fn paying_account(persona: &Persona) -> Option<u64> {
    let mut first = None;
    for (ordinal, plan) in accounts::number_plans(persona) {
        let ContentPlan::CashFlow(cash_flow_plan) = &plan.content else {
            continue;
        };
        if cash_flow_plan.flows.iter().any(Flow::is_customer_income) {
            return Some(ordinal);
        }
        first.get_or_insert(ordinal);
    }
    first
}

/// Returns the payments of all holdings from a day to the end of the current month, the earliest
/// first.
///
/// `Assumption:` funds, recurring deposits, premiums and pensions are paid from the bank account.
/// Shares, bonds and trusts are paid by a broker, term deposits by a sweep.
pub(crate) fn collect_payments(
    request: &StatementRequest<'_>,
    holders: &Holders,
    since: NaiveDate,
) -> Vec<HoldingPayment> {
    // The ledger posts a payment some hours before the holding has it.
    let month = Month::from_date(request.now.ist_date());
    let month_end = month.clamped_date(31).and_hms_opt(23, 59, 59);
    let until_month_end = StatementRequest {
        now: Timestamp::from_ist(month_end.expect("a time of day")),
        ..*request
    };
    let income = Income::of_customer(request, &holders.first.name.to_uppercase());
    let mut payments = Vec::new();
    for (ordinal, plan) in accounts::number_plans(&request.persona.definition) {
        if let Some(list_payments) = payment_source(plan.fi_type) {
            let context = HoldingContext::new(&until_month_end, ordinal, plan, holders, &income);
            payments.extend(list_payments(&context, since));
        }
    }
    payments.sort_by_key(|payment| payment.day);
    payments
}

/// A function that lists the payments of a holding from a day on.
type ListPayments = fn(&HoldingContext<'_>, NaiveDate) -> Vec<HoldingPayment>;

/// Returns the function that lists the payments of an FI type; `None` if it has none.
fn payment_source(fi_type: FiType) -> Option<ListPayments> {
    Some(match fi_type {
        FiType::MutualFunds => funds::list_mutual_fund_payments,
        FiType::Sip => funds::list_sip_payments,
        FiType::InsurancePolicies | FiType::LifeInsurance => insurance::list_life_payments,
        FiType::GeneralInsurance => insurance::list_health_payments,
        FiType::Nps => pension::list_payments,
        FiType::RecurringDeposit => deposits::list_recurring_payments,
        _ => return None,
    })
}
