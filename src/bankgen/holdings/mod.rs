//! Accounts that are not bank accounts: deposits, securities, policies, pensions, GST returns, as
//! documents of the ReBIT FI schemas (`docs/sources.md#fi-schemas`). The documents keep the spelling
//! of the schemas, including its mistakes, and have the names of all generations at once. `wire`
//! selects those of one generation and writes them as XML or JSON.

mod debt;
mod deposits;
mod funds;
mod gst;
mod insurance;
mod payments;
mod pension;
mod shares;
mod sizes;
mod trades;

use chrono::{Days, NaiveDate, NaiveTime};
use rand::{Rng, RngExt};

pub(crate) use self::payments::{HoldingPayment, collect_payments, paying_account};
use self::sizes::{HoldingSize, Income};
use crate::bankgen::people::Branch;
use crate::bankgen::{StatementRequest, random_stream};
use crate::domain::account::FiType;
use crate::domain::calendar::{Month, trading_day_on_or_before};
use crate::domain::customer_address::customer_identifier;
use crate::domain::document::{Document, Element};
use crate::domain::money::Paise;
use crate::domain::persona::{AccountPlan, OpeningDate};
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::statement::{Holder, Holders};
use crate::domain::terms::{ConsentType, TransactionType};
use crate::domain::time::Timestamp;

/// Returns whether this module generates documents of the type. DEPOSIT is generated from its
/// ledger instead. OTHER is accepted in consents, and its accounts answer DENIED.
pub(crate) fn is_fi_type_supported(fi_type: FiType) -> bool {
    !matches!(fi_type, FiType::Deposit | FiType::Other)
}

/// Builds the document of an account.
pub(crate) fn build_document(
    request: &StatementRequest<'_>,
    account_ordinal: u64,
    plan: &AccountPlan,
    holders: &Holders,
) -> Document {
    let income = Income::of_customer(request, &holders.first.name.to_uppercase());
    let context = HoldingContext::new(request, account_ordinal, plan, holders, &income);
    let parts = match plan.fi_type {
        FiType::TermDeposit => deposits::build_term_deposit(&context),
        FiType::RecurringDeposit => deposits::build_recurring_deposit(&context),
        FiType::MutualFunds => funds::build_mutual_funds(&context),
        FiType::Sip => funds::build_sip(&context),
        FiType::Etf => funds::build_etf(&context),
        FiType::Cis => funds::build_cis(&context),
        FiType::Aif => funds::build_aif(&context),
        FiType::Invit => funds::build_invit(&context),
        FiType::Reit => funds::build_reit(&context),
        FiType::Equities => shares::build_equities(&context),
        FiType::Idr => shares::build_idr(&context),
        FiType::Bonds => debt::build_bonds(&context),
        FiType::GovtSecurities => debt::build_government_securities(&context),
        FiType::Debentures => debt::build_debentures(&context),
        FiType::Cp => debt::build_commercial_paper(&context),
        FiType::InsurancePolicies | FiType::LifeInsurance => insurance::build_life_policy(&context),
        FiType::GeneralInsurance => insurance::build_health_policy(&context),
        FiType::Nps => pension::build_nps(&context),
        FiType::Gstr1_3b => gst::build_returns(&context),
        FiType::Deposit | FiType::Other => {
            unreachable!("{} has no document here", plan.fi_type)
        }
    };
    context.assemble_document(parts)
}

/// The inputs of a document: request, holders, and what is sampled once for the account.
pub(crate) struct HoldingContext<'a> {
    request: &'a StatementRequest<'a>,
    owner: String,
    holders: &'a Holders,
    pub fi_type: FiType,
    size: HoldingSize<'a>,
    pub opened_on: NaiveDate,
    pub branch: Branch,
    /// The number that folio, policy and client numbers are derived from.
    pub reference_number: u64,
}

/// The parts of a document, before the request selects those that are included.
pub(crate) struct DocumentParts {
    /// The attributes of `Holder` beyond the common ones.
    pub holder_attributes: Vec<(&'static str, String)>,
    /// The elements of `Profile` beyond the holders.
    pub profile: Vec<Element>,
    pub summary: Option<Element>,
    pub transactions: TransactionList,
}

/// The transactions of a document.
pub(crate) enum TransactionList {
    Flat(Vec<DocumentTransaction>),
    /// Groups, each with its element, in the order of the schema.
    Grouped(Vec<(&'static str, Vec<DocumentTransaction>)>),
}

/// A transaction of a document.
pub(crate) struct DocumentTransaction {
    pub at: Timestamp,
    pub amount: Paise,
    /// A transaction that adds to the holding is a credit.
    ///
    /// `Assumption:` for types other than deposits, filters refer to the side of the account.
    pub direction: TransactionType,
    pub element: Element,
}

impl<'a> HoldingContext<'a> {
    /// Returns the firm that holds the accounts, if the holder is a firm.
    pub(crate) fn firm_name(&self) -> Option<&str> {
        self.request
            .persona
            .definition
            .holder
            .is_firm
            .then_some(self.holders.first.name.as_str())
    }

    fn new(
        request: &'a StatementRequest<'a>,
        account_ordinal: u64,
        plan: &AccountPlan,
        holders: &'a Holders,
        income: &'a Income,
    ) -> Self {
        let owner = format!(
            "{}#{account_ordinal}",
            customer_identifier(request.customer)
        );
        let mut rng = random_stream(StreamKey {
            seed: request.seed,
            owner: &owner,
            kind: StreamKind::Behavior,
            ordinal: 0,
        });
        let branch = Branch::sample(&mut rng);
        let years = match plan.opened {
            OpeningDate::WithinYears(years) => years,
            OpeningDate::On(_) | OpeningDate::MonthsAgo(_) => (2000, 2000),
        };
        let opening_month = Month {
            year: rng.random_range(years.0..=years.1),
            month: rng.random_range(1..=12),
        };
        let day = rng.random_range(1..=28);
        let opened_on = plan
            .opened
            .fixed_date(request.persona.as_of)
            .unwrap_or_else(|| opening_month.clamped_date(day));
        let size = HoldingSize::sample(request, plan, income, &mut rng);
        let reference_number = rng.random_range(10_000_000..99_999_999);
        Self {
            request,
            owner,
            holders,
            fi_type: plan.fi_type,
            size,
            opened_on,
            branch,
            reference_number,
        }
    }

    pub(crate) fn random_stream(&self, ordinal: u64) -> impl Rng + use<> {
        random_stream(StreamKey {
            seed: self.request.seed,
            owner: &self.owner,
            kind: StreamKind::Holding,
            ordinal,
        })
    }

    /// Returns the amount of the account on a day: the principal, the instalment, the usual trade,
    /// the sum assured or the turnover of a month.
    pub(crate) fn amount_on(&self, day: NaiveDate) -> Paise {
        self.size.amount_on(day)
    }

    /// Returns whether the persona gives no amount, so that it follows from the income.
    pub(crate) fn is_amount_from_income(&self) -> bool {
        self.size.is_from_income()
    }

    /// Returns the current day in India, at most the last day that is generated.
    pub(crate) fn today(&self) -> NaiveDate {
        self.request
            .now
            .ist_date()
            .min(NaiveDate::from_ymd_opt(2099, 12, 31).expect("a date"))
    }

    /// Returns the last day on which exchanges and funds dealt: that of the prices.
    pub(crate) fn last_trading_day(&self) -> NaiveDate {
        trading_day_on_or_before(self.today())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.request.now
    }

    pub(crate) fn first_holder(&self) -> &Holder {
        &self.holders.first
    }

    /// Assembles the parts that the request includes. The identifying attribute has the name of
    /// every FI type; the schema of the type selects its own.
    fn assemble_document(&self, parts: DocumentParts) -> Document {
        let DocumentParts {
            holder_attributes,
            profile,
            summary,
            transactions,
        } = parts;
        let account = self.request.account;
        let masked_number = account.masked_number.to_string();
        let mut root = Element::new("Account")
            .with_attribute("linkedAccRef", account.link_ref.to_string())
            .with_attribute("maskedDematID", mask_number(&self.first_holder().demat_id))
            .with_attribute("maskedGstinNumber", gst::masked_gstin(self));
        for name in [
            "maskedAccNumber",
            "maskedDematId",
            "maskedFolioNo",
            "maskedPolicyNumber",
        ] {
            root = root.with_attribute(name, masked_number.clone());
        }
        if self.request.includes(ConsentType::Profile) {
            let holders = self.build_holders(&holder_attributes);
            root = root.with_children([Element::new("Profile")
                .with_children([holders])
                .with_children(profile)]);
        }
        if self.request.includes(ConsentType::Summary) {
            root = root.with_children(summary);
        }
        if self.request.includes(ConsentType::Transactions) {
            root = root.with_children([self.build_transactions(transactions)]);
        }
        Document { root }
    }

    /// Builds the holders with the attributes of every FI type.
    fn build_holders(&self, extra_attributes: &[(&'static str, String)]) -> Element {
        let holders = self.holders.iter().zip(1..).map(|(holder, rank)| {
            let ckyc_compliant = (holder.ckyc_compliant == Some(true)).to_string();
            let mut element = Element::new_repeatable("Holder")
                .with_attribute("rank", rank.to_string())
                .with_attribute("name", holder.name.clone())
                .with_attribute("dob", holder.birth_text())
                .with_attribute("mobile", holder.mobile.clone())
                .with_optional_attribute("nominee", holder.nominee_status())
                .with_attribute("email", holder.email.clone())
                .with_attribute("pan", holder.pan.clone())
                .with_attribute("address", holder.address.clone())
                .with_attribute("dematId", holder.demat_id.clone())
                .with_attribute("ckycCompliance", ckyc_compliant.clone())
                .with_attribute("kycCompliance", ckyc_compliant)
                .with_attribute("ckycRegistered", holder.ckyc_registration());
            for (name, value) in extra_attributes {
                element = element.with_attribute(name, value.clone());
            }
            element
        });
        Element::new("Holders")
            .with_attribute("type", holders_type(self.fi_type, self.holders))
            .with_children(holders)
    }

    fn build_transactions(&self, transactions: TransactionList) -> Element {
        let range = self.request.range;
        let (start_attribute, end_attribute) = if self.fi_type == FiType::Gstr1_3b {
            ("strdt", "endt")
        } else {
            ("startDate", "endDate")
        };
        let element = Element::new("Transactions")
            .with_attribute(start_attribute, range.from.ist_date().to_string())
            .with_attribute(end_attribute, range.to.ist_date().to_string());
        match transactions {
            TransactionList::Flat(entries) => element.with_children(self.select_entries(entries)),
            TransactionList::Grouped(groups) => {
                element.with_children(groups.into_iter().map(|(name, entries)| {
                    Element::new(name).with_children(self.select_entries(entries))
                }))
            }
        }
    }

    /// Returns the elements of the transactions in the requested range, up to now, that pass the
    /// filters.
    fn select_entries(&self, entries: Vec<DocumentTransaction>) -> impl Iterator<Item = Element> {
        let StatementRequest {
            range,
            filters,
            now,
            ..
        } = *self.request;
        let end = range.to.min(now);
        entries
            .into_iter()
            .filter(move |entry| {
                range.from <= entry.at
                    && entry.at <= end
                    && filters
                        .iter()
                        .all(|filter| filter.matches_transaction(entry.amount, entry.direction))
            })
            .map(|entry| entry.element)
    }
}

/// Returns the value of `Holders.type`.
fn holders_type(fi_type: FiType, holders: &Holders) -> &'static str {
    match (fi_type, holders.holding_type()) {
        (FiType::Reit, "SINGLE") => "SOLE",
        (_, holding_type) => holding_type,
    }
}

/// Masks all but the last four characters of a number.
fn mask_number(number: &str) -> String {
    let visible = number.len().saturating_sub(4);
    format!("{}{}", "X".repeat(visible), &number[visible..])
}

/// Formats the id of a transaction: prefix, day, number.
fn format_transaction_id(prefix: &str, day: NaiveDate, number: usize) -> String {
    format!("{prefix}{}{number:04}", day.format("%Y%m%d"))
}

fn to_ist_timestamp(day: NaiveDate, hour: u32, minute: u32, second: u32) -> Timestamp {
    Timestamp::from_ist(
        day.and_time(NaiveTime::from_hms_opt(hour, minute, second).expect("a time of day")),
    )
}

/// Returns the same day a number of months later, or the last day of a shorter month.
fn months_after(day: NaiveDate, months: u32) -> NaiveDate {
    day + chrono::Months::new(months)
}

fn days_after(day: NaiveDate, days: u64) -> NaiveDate {
    day + Days::new(days)
}

/// Formats an international securities identification number (ISIN) of a fictitious series.
fn format_isin(kind: &str, series: &str, number: u64) -> String {
    let mut body = format!(
        "{kind}{series}{number:0width$}",
        width = 11 - kind.len() - series.len()
    );
    let check = check_digit(&body);
    body.push(check);
    body
}

/// Returns the check digit of an ISIN (ISO 6166): letters count as two digits, and every second
/// digit from the right is doubled.
fn check_digit(body: &str) -> char {
    let digits: String = body.chars().map(|c| digit_value(c).to_string()).collect();
    let sum: u32 = digits
        .chars()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let weighted = digit_value(digit) * if index % 2 == 0 { 2 } else { 1 };
            weighted / 10 + weighted % 10
        })
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).expect("a digit")
}

fn digit_value(c: char) -> u32 {
    c.to_digit(36).expect("letters and digits")
}

#[cfg(test)]
mod tests {
    use super::{check_digit, format_isin};

    #[test]
    fn check_digits_are_those_of_the_standard() {
        for (body, check) in [
            ("US037833100", '5'),
            ("AU0000XVGZA", '3'),
            ("GB000263494", '6'),
        ] {
            assert_eq!(check_digit(body), check, "{body}");
        }
        assert_eq!(format_isin("IN", "EZZZ01", 7).len(), 12);
    }
}
