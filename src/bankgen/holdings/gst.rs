//! GST returns: a registration, and the GSTR-1 and GSTR-3B of each month, in version 1.1.0 of the
//! schema (`docs/sources.md#fi-schemas`).
//!
//! The figures of a month agree with each other: the invoices of the GSTR-1 add up to the sales to
//! registered customers, the GSTR-3B taxes these and the other sales, and the tax is paid with
//! input tax credit (ITC) first and then in cash.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use chrono::{Datelike, NaiveDate};
use rand::{Rng, RngExt};

use super::{
    DocumentParts, DocumentTransaction, HoldingContext, TransactionList, digit_value,
    to_ist_timestamp,
};
use crate::bankgen::names::{STREETS, pool_entries};
use crate::bankgen::people::pick_random;
use crate::domain::calendar::Month;
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::persona::NamePool;
use crate::domain::terms::TransactionType;

/// The tax rate of most goods, in percent.
const STANDARD_PERCENT: i64 = 18;

/// The tax rate of necessities and of the carriage of goods, in percent.
const REDUCED_PERCENT: i64 = 5;

/// The code of Karnataka, where the registrations are.
const HOME_STATE: &str = "29";

/// The codes of the other states that customers are in.
const OTHER_STATES: [&str; 6] = ["07", "24", "27", "32", "33", "36"];

/// The month in which the tax began.
const FIRST_MONTH: Month = Month {
    year: 2017,
    month: 7,
};

/// The numbers of registered customers in the state and outside it.
const CUSTOMERS_AT_HOME: usize = 6;
const CUSTOMERS_OUTSIDE: usize = 4;

/// The day of the next month on which a GSTR-3B is due.
const GSTR3B_DUE_DAY: u32 = 20;

/// The description of the tax on the sales, and of the tax on purchases that the buyer has to pay.
const FORWARD_CHARGE: &str = "Other than reverse charge";
const REVERSE_CHARGE: &str = "Reverse charge";

/// Returns the registration number (GSTIN) of the first holder as statements show it: state, masked
/// PAN, registration, check character.
///
/// `Assumption:` the state is Karnataka, as in the sample.
pub(crate) fn masked_gstin(context: &HoldingContext<'_>) -> String {
    let registration = context.reference_number % 9 + 1;
    format_masked_gstin(HOME_STATE, &context.first_holder().pan, registration)
}

/// Formats a GSTIN with a masked PAN. The check character is that of the whole number.
fn format_masked_gstin(state: &str, pan: &str, registration: u64) -> String {
    let check = gstin_check_character(&format!("{state}{pan}{registration}Z"));
    format!("{state}XXXXXXXXXX{registration}Z{check}")
}

/// Returns the check character of a GSTIN from the characters before it: digits to the base of 36
/// that are multiplied by 1 and 2 in turn, with the digits of each product added.
fn gstin_check_character(body: &str) -> char {
    let products = body.chars().zip([1, 2].into_iter().cycle());
    let sum: u32 = products
        .map(|(character, factor)| {
            let product = digit_value(character) * factor;
            product / 36 + product % 36
        })
        .sum();
    let check = char::from_digit((36 - sum % 36) % 36, 36).expect("below 36");
    check.to_ascii_uppercase()
}

pub(crate) fn build_returns(context: &HoldingContext<'_>) -> DocumentParts {
    let mut rng = context.random_stream(0);
    let (random_firm, _, _) = pick_random(&mut rng, pool_entries(NamePool::Firms));
    // A firm trades under its own name, and a person under that of a shop.
    let trade_name = context.firm_name().unwrap_or(random_firm).to_owned();
    let street = pick_random(&mut rng, STREETS);
    let floor = pick_random(&mut rng, &[None, Some("GROUND"), Some("1"), Some("2")]);
    let customers = sample_customers(&mut context.random_stream(1));
    let mut credit = Tax::default();
    let (mut gstr1_returns, mut gstr3b_returns) = (Vec::new(), Vec::new());
    let mut month = Month::from_date(registration_date(context)).next();
    while month.next().clamped_date(11) <= context.today() {
        let trade = MonthlyTrade::sample(context, &customers, month);
        gstr1_returns.push(build_gstr1(context, &trade));
        gstr3b_returns.push(build_gstr3b(context, &trade, &mut credit));
        month = month.next();
    }
    let transactions = TransactionList::Grouped(vec![
        ("Gstr1Details", gstr1_returns),
        ("Gstr3bDetails", gstr3b_returns),
    ]);
    DocumentParts {
        holder_attributes: Vec::new(),
        profile: vec![
            build_business_details(context, trade_name),
            build_place_of_business(context, street, floor),
        ],
        summary: None,
        transactions,
    }
}

/// Returns the date of the registration: no earlier than the tax.
fn registration_date(context: &HoldingContext<'_>) -> NaiveDate {
    context.opened_on.max(FIRST_MONTH.clamped_date(1))
}

fn build_business_details(context: &HoldingContext<'_>, trade_name: String) -> Element {
    let category = Element {
        repeatable: true,
        ..Element::new_text("cat", "NA")
    };
    Element::new("BusinessDetails")
        .with_attribute("lgnm", context.first_holder().name.clone())
        .with_attribute("apprvdt", registration_date(context).to_string())
        .with_attribute("iscmp", "No")
        .with_attribute("dty", "Regular")
        .with_attribute("sts", "Active")
        .with_attribute("trdnm", trade_name)
        .with_children([Element::new("CategoryList").with_children([category])])
}

fn build_place_of_business(
    context: &HoldingContext<'_>,
    street: &'static str,
    floor: Option<&'static str>,
) -> Element {
    let nature = Element {
        repeatable: true,
        ..Element::new_text("ntr", "WHOLESALE_BUSINESS")
    };
    let mut address = Element::new("Address")
        .with_attribute("bno", (context.reference_number % 200 + 1).to_string());
    if let Some(floor) = floor {
        address = address.with_attribute("flno", floor);
    }
    address = address
        .with_attribute("bnm", "TRADE CENTRE")
        .with_attribute("st", street)
        .with_attribute("loc", "Bengaluru")
        .with_attribute("stcd", HOME_STATE)
        .with_attribute("dst", "Bengaluru Urban")
        .with_attribute("pncd", "560001")
        .with_children([Element::new("NatureOfBusinessList").with_children([nature])]);
    Element::new("PlaceofBusiness").with_children([address])
}

/// An amount of tax by its kind. The cess is always zero: it is levied on few goods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tax {
    /// Integrated tax (IGST), on supplies between states.
    integrated: Paise,
    /// Central tax (CGST), on supplies within a state.
    central: Paise,
    /// Tax of the state (SGST), on supplies within it.
    state: Paise,
}

impl Tax {
    /// Returns the tax on a value, rounded down to the paisa for each kind.
    fn on_supply(value: Paise, percent: i64, is_inter_state: bool) -> Self {
        if is_inter_state {
            return Self {
                integrated: Paise(value.0 * percent / 100),
                ..Self::default()
            };
        }
        let half = Paise(value.0 * percent / 200);
        Self {
            integrated: Paise(0),
            central: half,
            state: half,
        }
    }

    /// Returns a fraction of the tax, in percent.
    fn percentage(self, percent: i64) -> Self {
        self.map(|amount| Paise(amount.0 * percent / 100))
    }

    fn map(self, convert: impl Fn(Paise) -> Paise) -> Self {
        Self {
            integrated: convert(self.integrated),
            central: convert(self.central),
            state: convert(self.state),
        }
    }

    fn total(self) -> Paise {
        self.integrated + self.central + self.state
    }

    /// Appends the four attributes of an amount of tax.
    fn add_to(self, element: Element) -> Element {
        element
            .with_attribute("iamt", self.integrated.to_string())
            .with_attribute("camt", self.central.to_string())
            .with_attribute("samt", self.state.to_string())
            .with_attribute("csamt", zero())
    }
}

impl Add for Tax {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            integrated: self.integrated + other.integrated,
            central: self.central + other.central,
            state: self.state + other.state,
        }
    }
}

impl AddAssign for Tax {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Tax {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            integrated: self.integrated - other.integrated,
            central: self.central - other.central,
            state: self.state - other.state,
        }
    }
}

impl Sum for Tax {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

/// A registered customer of the business.
struct Customer {
    gstin: String,
    state: &'static str,
    /// `true` if the customer pays tax under the composition scheme.
    is_composition_dealer: bool,
}

/// Samples the customers, which are companies. The registration digits of their masked numbers
/// differ, so no two of one state are equal.
fn sample_customers(rng: &mut impl Rng) -> Vec<Customer> {
    (0..CUSTOMERS_AT_HOME + CUSTOMERS_OUTSIDE)
        .map(|index| {
            let state = if index < CUSTOMERS_AT_HOME {
                HOME_STATE
            } else {
                pick_random(rng, &OTHER_STATES)
            };
            let registration = u64::try_from(index % 9).expect("below 9") + 1;
            let initial = char::from(b'A' + rng.random_range(0..26));
            let number: u32 = rng.random_range(1..=9999);
            let last = char::from(b'A' + rng.random_range(0..26));
            let pan = format!("ZZZC{initial}{number:04}{last}");
            Customer {
                gstin: format_masked_gstin(state, &pan, registration),
                state,
                is_composition_dealer: index == CUSTOMERS_AT_HOME,
            }
        })
        .collect()
}

/// A part of an invoice that is taxed at one rate.
struct InvoiceItem {
    value: Paise,
    tax: Tax,
}

/// An invoice to a registered customer.
struct Invoice<'c> {
    customer: &'c Customer,
    number: String,
    date: NaiveDate,
    items: Vec<InvoiceItem>,
}

impl Invoice<'_> {
    /// Returns the value without tax.
    fn taxable_value(&self) -> Paise {
        self.items.iter().map(|item| item.value).sum()
    }

    fn tax(&self) -> Tax {
        self.items.iter().map(|item| item.tax).sum()
    }
}

/// The sales to unregistered customers of another state.
struct OutsideRetail {
    state: &'static str,
    value: Paise,
    tax: Tax,
}

/// The sales and purchases of a month. All values are without tax.
struct MonthlyTrade<'c> {
    month: Month,
    /// All taxable sales.
    sales_value: Paise,
    sales_tax: Tax,
    invoices: Vec<Invoice<'c>>,
    outside_retail: Vec<OutsideRetail>,
    exempt_sales: Paise,
    purchase_value: Paise,
    /// Input tax of the purchases on which the supplier paid the tax.
    purchase_tax: Tax,
    /// Carriage of goods, on which the buyer pays the tax.
    freight_value: Paise,
    freight_tax: Tax,
}

impl<'c> MonthlyTrade<'c> {
    fn sample(context: &HoldingContext<'_>, customers: &'c [Customer], month: Month) -> Self {
        let mut rng = context.random_stream(13_000 + stream_ordinal(month));
        let sales_value = sample_turnover(context, month);
        let invoices = sample_invoices(&mut rng, customers, month, percentage(sales_value, 70));
        let invoiced_value: Paise = invoices.iter().map(Invoice::taxable_value).sum();
        let retail_value = sales_value - invoiced_value;
        let outside_retail = sample_outside_retail(&mut rng, percentage(retail_value, 10));
        let outside_value: Paise = outside_retail.iter().map(|part| part.value).sum();
        let local_tax = Tax::on_supply(retail_value - outside_value, STANDARD_PERCENT, false);
        let sales_tax = invoices.iter().map(Invoice::tax).sum::<Tax>()
            + outside_retail.iter().map(|part| part.tax).sum::<Tax>()
            + local_tax;
        let purchase_value = percentage(sales_value, rng.random_range(68..=86));
        let outside_purchases = percentage(purchase_value, rng.random_range(25..=45));
        let freight_value = percentage(sales_value, 1);
        Self {
            month,
            sales_value,
            sales_tax,
            invoices,
            outside_retail,
            exempt_sales: percentage(sales_value, rng.random_range(0..=3)),
            purchase_value,
            purchase_tax: Tax::on_supply(outside_purchases, STANDARD_PERCENT, true)
                + Tax::on_supply(purchase_value - outside_purchases, STANDARD_PERCENT, false),
            freight_value,
            freight_tax: Tax::on_supply(freight_value, REDUCED_PERCENT, false),
        }
    }
}

/// Samples the sales of a month, in whole rupees: about the amount of the account, more before
/// Diwali.
fn sample_turnover(context: &HoldingContext<'_>, month: Month) -> Paise {
    let mut rng = context.random_stream(1000 + stream_ordinal(month));
    let season = if matches!(month.month, 9..=11) {
        130
    } else {
        95
    };
    let usual_sales = context.amount_on(month.clamped_date(1)).0 / 100;
    Paise::from_rupees(usual_sales * season / 100 * rng.random_range(80..=120) / 100)
}

/// Samples the invoices of a month, in the order of their dates; their values are whole rupees and
/// add up to `total`.
fn sample_invoices<'c>(
    rng: &mut impl Rng,
    customers: &'c [Customer],
    month: Month,
    total: Paise,
) -> Vec<Invoice<'c>> {
    let values = split_value(rng, total, 6..=14);
    let mut days: Vec<u32> = values
        .iter()
        .map(|_| rng.random_range(1..=month.num_days()))
        .collect();
    days.sort_unstable();
    let numbered = values.into_iter().zip(days).zip(1..);
    numbered
        .map(|((value, day), number)| {
            let customer = &customers[rng.random_range(0..customers.len())];
            let is_inter_state = customer.state != HOME_STATE;
            let reduced_value = if rng.random_range(0..4) == 0 {
                percentage(value, 20)
            } else {
                Paise(0)
            };
            let parts = [
                (value - reduced_value, STANDARD_PERCENT),
                (reduced_value, REDUCED_PERCENT),
            ];
            let taxed_parts = parts.into_iter().filter(|(value, _)| value.0 > 0);
            let items = taxed_parts.map(|(value, percent)| InvoiceItem {
                value,
                tax: Tax::on_supply(value, percent, is_inter_state),
            });
            Invoice {
                customer,
                number: format!("S{:02}{:02}-{number:03}", month.year % 100, month.month),
                date: month.clamped_date(day),
                items: items.collect(),
            }
        })
        .collect()
}

/// Samples the sales to unregistered customers of one or two other states.
fn sample_outside_retail(rng: &mut impl Rng, total: Paise) -> Vec<OutsideRetail> {
    let values = split_value(rng, total, 1..=2);
    let first_state = rng.random_range(0..OTHER_STATES.len());
    let states = OTHER_STATES.iter().cycle().skip(first_state);
    let parts = values.into_iter().zip(states);
    parts
        .map(|(value, state)| OutsideRetail {
            state,
            value,
            tax: Tax::on_supply(value, STANDARD_PERCENT, true),
        })
        .collect()
}

/// Splits whole rupees into a sampled number of parts of at least one rupee.
fn split_value(
    rng: &mut impl Rng,
    total: Paise,
    part_counts: std::ops::RangeInclusive<i64>,
) -> Vec<Paise> {
    let rupees = total.0 / 100;
    let part_count = rng.random_range(part_counts).min(rupees);
    let weights: Vec<i64> = (0..part_count).map(|_| rng.random_range(50..150)).collect();
    let weight_sum: i64 = weights.iter().sum();
    // One rupee each is set aside, so that no part is empty.
    let mut rest = rupees - part_count;
    let mut rest_weight = weight_sum;
    weights
        .into_iter()
        .map(|weight| {
            let share = rest / rest_weight * weight + rest % rest_weight * weight / rest_weight;
            rest -= share;
            rest_weight -= weight;
            Paise::from_rupees(1 + share)
        })
        .collect()
}

/// Returns a fraction of a value, in whole rupees.
fn percentage(value: Paise, percent: i64) -> Paise {
    Paise::from_rupees(value.0 / 100 * percent / 100)
}

fn stream_ordinal(month: Month) -> u64 {
    u64::try_from(month.ordinal()).expect("years are positive")
}

fn format_period(month: Month) -> String {
    format!("{:02}{}", month.month, month.year)
}

fn zero() -> String {
    Paise(0).to_string()
}

/// Builds a return without its contents.
fn new_return(name: &'static str, month: Month, filing_day: NaiveDate) -> Element {
    Element::new_repeatable(name)
        .with_attribute("ret_prd", format_period(month))
        .with_attribute("dof", filing_day.to_string())
        .with_attribute("filingFrequency", "MONTHLY")
        .with_attribute("status", "FILED")
}

/// Builds the GSTR-1 of a month, due on the 11th of the next: the invoices to registered customers.
fn build_gstr1(context: &HoldingContext<'_>, trade: &MonthlyTrade<'_>) -> DocumentTransaction {
    let mut rng = context.random_stream(5000 + stream_ordinal(trade.month));
    let filing_day = filing_date(trade.month, rng.random_range(6..=11));
    let invoices = trade.invoices.iter().map(build_invoice);
    DocumentTransaction {
        at: to_ist_timestamp(filing_day, 17, 0, 0),
        amount: trade.sales_value,
        direction: TransactionType::Credit,
        element: new_return("gstr1", trade.month, filing_day)
            .with_children([Element::new("b2b_dtls").with_children(invoices)]),
    }
}

fn build_invoice(invoice: &Invoice<'_>) -> Element {
    let items = invoice.items.iter().map(|item| {
        let element =
            Element::new_repeatable("itm").with_attribute("txval", item.value.to_string());
        item.tax.add_to(element)
    });
    let value = invoice.taxable_value() + invoice.tax().total();
    Element::new_repeatable("b2b")
        .with_attribute("ctin", invoice.customer.gstin.clone())
        .with_attribute("inum", invoice.number.clone())
        .with_attribute("idt", invoice.date.format("%d-%m-%Y").to_string())
        .with_attribute("val", value.to_string())
        .with_attribute("pos", invoice.customer.state)
        .with_attribute("rchrg", "N")
        .with_attribute("inv_typ", "R")
        .with_attribute("diff_percent", "0")
        .with_children([Element::new("itm_det").with_children(items)])
}

/// Builds the GSTR-3B of a month, due on the 20th of the next, and takes what it uses from the
/// input tax credit.
fn build_gstr3b(
    context: &HoldingContext<'_>,
    trade: &MonthlyTrade<'_>,
    credit: &mut Tax,
) -> DocumentTransaction {
    let mut rng = context.random_stream(9000 + stream_ordinal(trade.month));
    let is_late = rng.random_range(0..12) == 0;
    let filing_day = filing_date(
        trade.month,
        if is_late {
            26
        } else {
            rng.random_range(15..=20)
        },
    );
    let days_late = i64::from(filing_day.day().saturating_sub(GSTR3B_DUE_DAY));
    let (itc_element, net_credit) = build_input_credit(trade);
    *credit += net_credit;
    let payment = Payment::new(trade, credit, days_late);
    let element = new_return("gstr3b", trade.month, filing_day).with_children([
        build_supplies(trade),
        build_inter_state_supplies(trade),
        build_ecommerce_supplies(),
        itc_element,
        build_inward_supplies(trade),
        payment.build_interest_and_fee(),
        payment.build_liability(),
        payment.build_offset(),
    ]);
    DocumentTransaction {
        at: to_ist_timestamp(filing_day, 18, 0, 0),
        amount: payment.cash_total(),
        direction: TransactionType::Debit,
        element,
    }
}

/// Builds the values of supplies, and the tax on them.
fn build_taxed_supply(name: &'static str, value: Paise, tax: Tax) -> Element {
    tax.add_to(Element::new(name).with_attribute("txval", value.to_string()))
}

fn build_supplies(trade: &MonthlyTrade<'_>) -> Element {
    Element::new("sup_details").with_children([
        build_taxed_supply("osup_det", trade.sales_value, trade.sales_tax),
        Element::new("osup_zero")
            .with_attribute("txval", zero())
            .with_attribute("iamt", zero())
            .with_attribute("csamt", zero()),
        Element::new("osup_nil_exmp").with_attribute("txval", trade.exempt_sales.to_string()),
        build_taxed_supply("isup_rev", trade.freight_value, trade.freight_tax),
        Element::new("osup_nongst").with_attribute("txval", zero()),
    ])
}

/// Builds the part of the supplies to other states that goes to buyers who cannot claim the tax.
fn build_inter_state_supplies(trade: &MonthlyTrade<'_>) -> Element {
    let row = |name, value: Paise, tax: Paise, state| {
        Element::new_repeatable(name)
            .with_attribute("txval", value.to_string())
            .with_attribute("iamt", tax.to_string())
            .with_attribute("pos", state)
    };
    let retail = trade
        .outside_retail
        .iter()
        .map(|part| row("unreg_details", part.value, part.tax.integrated, part.state));
    let composition_invoices: Vec<_> = trade
        .invoices
        .iter()
        .filter(|invoice| {
            invoice.customer.is_composition_dealer && invoice.customer.state != HOME_STATE
        })
        .collect();
    // There is one such customer, so all invoices are of one state.
    let composition = composition_invoices.first().map(|first| {
        let invoices = || composition_invoices.iter();
        row(
            "comp_details",
            invoices().map(|invoice| invoice.taxable_value()).sum(),
            invoices().map(|invoice| invoice.tax().integrated).sum(),
            first.customer.state,
        )
    });
    Element::new("sup_inter").with_children([
        Element::new("unreg_details_list").with_children(retail),
        Element::new("comp_details_list").with_children(composition),
        Element::new("uin_details_list"),
    ])
}

/// Builds the supplies through operators of electronic commerce that pay the tax themselves: none.
fn build_ecommerce_supplies() -> Element {
    Element::new("eco_dtls").with_children([
        build_taxed_supply("eco_sup", Paise(0), Tax::default()),
        Element::new("eco_reg_sup").with_attribute("txval", zero()),
    ])
}

/// Builds the input tax credit of a month; returns it with the net amount, available less reversed.
fn build_input_credit(trade: &MonthlyTrade<'_>) -> (Element, Tax) {
    let none = Tax::default();
    let available = [
        ("IMPG", none),
        ("IMPS", none),
        ("ISRC", trade.freight_tax),
        ("ISD", none),
        ("OTH", trade.purchase_tax),
    ];
    // The share of exempt sales gives no credit.
    let reversed = [("RUL", trade.purchase_tax.percentage(2)), ("OTH", none)];
    let ineligible = [("RUL", none), ("OTH", trade.purchase_tax.percentage(1))];
    let net = available.iter().map(|(_, tax)| *tax).sum::<Tax>()
        - reversed.iter().map(|(_, tax)| *tax).sum();
    let build_list = |list: &'static str, name: &'static str, rows: &[(&'static str, Tax)]| {
        let rows = rows.iter().map(|(kind, tax)| {
            tax.add_to(Element::new_repeatable(name).with_attribute("type", *kind))
        });
        Element::new(list).with_children(rows)
    };
    let element = Element::new("itc_elg").with_children([
        build_list("itc_avl_list", "itc_avl", &available),
        build_list("itc_rev_list", "itc_rev", &reversed),
        net.add_to(Element::new("itc_net")),
        build_list("itc_inelg_list", "itc_inelg", &ineligible),
    ]);
    (element, net)
}

/// Builds the purchases without tax: exempt goods, and fuel, which GST does not cover.
fn build_inward_supplies(trade: &MonthlyTrade<'_>) -> Element {
    let rows = [("GST", 3), ("NONGST", 1)].map(|(kind, percent)| {
        Element::new_repeatable("isup_details")
            .with_attribute("ty", kind)
            .with_attribute("inter", zero())
            .with_attribute(
                "intra",
                percentage(trade.purchase_value, percent).to_string(),
            )
    });
    Element::new("inward_sup")
        .with_children([Element::new("isup_details_list").with_children(rows)])
}

/// The payment of a month's tax.
struct Payment {
    /// The tax on the sales.
    due: Tax,
    /// The tax that the buyer pays on purchases; always in cash.
    reverse_charge: Tax,
    interest: Tax,
    /// The late fee, for central tax and for state tax each.
    late_fee: Paise,
    offset: CreditOffset,
}

/// The credit that pays for each kind of tax. Credit of central tax cannot pay state tax, and vice
/// versa.
struct CreditOffset {
    integrated_by_integrated: Paise,
    integrated_by_central: Paise,
    integrated_by_state: Paise,
    central_by_integrated: Paise,
    central_by_central: Paise,
    state_by_integrated: Paise,
    state_by_state: Paise,
}

impl CreditOffset {
    /// Uses credit for tax: integrated credit first, then credit of the same kind, then the rest
    /// for integrated tax.
    fn use_credit(credit: &mut Tax, due: Tax) -> Self {
        let mut rest = due;
        let integrated_by_integrated = offset(&mut credit.integrated, &mut rest.integrated);
        let central_by_integrated = offset(&mut credit.integrated, &mut rest.central);
        let state_by_integrated = offset(&mut credit.integrated, &mut rest.state);
        let central_by_central = offset(&mut credit.central, &mut rest.central);
        let integrated_by_central = offset(&mut credit.central, &mut rest.integrated);
        let state_by_state = offset(&mut credit.state, &mut rest.state);
        let integrated_by_state = offset(&mut credit.state, &mut rest.integrated);
        Self {
            integrated_by_integrated,
            integrated_by_central,
            integrated_by_state,
            central_by_integrated,
            central_by_central,
            state_by_integrated,
            state_by_state,
        }
    }

    /// Returns the tax that credit pays.
    fn paid_tax(&self) -> Tax {
        Tax {
            integrated: self.integrated_by_integrated
                + self.integrated_by_central
                + self.integrated_by_state,
            central: self.central_by_integrated + self.central_by_central,
            state: self.state_by_integrated + self.state_by_state,
        }
    }
}

/// Pays for tax with credit as far as both go; returns the amount.
fn offset(credit: &mut Paise, due: &mut Paise) -> Paise {
    let amount = (*credit).min(*due);
    *credit = *credit - amount;
    *due = *due - amount;
    amount
}

impl Payment {
    /// Plans the payment of a month's tax, and takes what it uses from the credit. Interest of 18 %
    /// a year on the cash part, and 25 rupees a day for central and for state tax each, are due if
    /// the return is late.
    fn new(trade: &MonthlyTrade<'_>, credit: &mut Tax, days_late: i64) -> Self {
        let due = trade.sales_tax;
        let offset = CreditOffset::use_credit(credit, due);
        let cash = due - offset.paid_tax();
        Self {
            due,
            reverse_charge: trade.freight_tax,
            interest: cash.map(|amount| Paise(amount.0 * 18 / 100 * days_late / 365)),
            late_fee: Paise::from_rupees(25 * days_late),
            offset,
        }
    }

    /// Returns the tax on the sales that is paid in cash.
    fn cash_tax(&self) -> Tax {
        self.due - self.offset.paid_tax()
    }

    /// Returns all that is paid in cash: tax, interest and fee.
    fn cash_total(&self) -> Paise {
        (self.cash_tax() + self.reverse_charge + self.interest).total()
            + self.late_fee
            + self.late_fee
    }

    fn build_interest_and_fee(&self) -> Element {
        Element::new("intr_ltfee").with_children([
            self.interest.add_to(Element::new("intr_details")),
            Element::new("ltfee_details")
                .with_attribute("camt", self.late_fee.to_string())
                .with_attribute("samt", self.late_fee.to_string()),
        ])
    }

    fn build_liability(&self) -> Element {
        let row = |description, tax: Tax, interest: Tax, fee: Paise| {
            let part = |name, interest: Paise, tax: Paise| {
                Element::new(name)
                    .with_attribute("intr", interest.to_string())
                    .with_attribute("tx", tax.to_string())
            };
            Element::new_repeatable("tx_py")
                .with_attribute("trans_desc", description)
                .with_children([
                    part("sgst", interest.state, tax.state).with_attribute("fee", fee.to_string()),
                    part("igst", interest.integrated, tax.integrated),
                    part("cgst", interest.central, tax.central)
                        .with_attribute("fee", fee.to_string()),
                    part("cess", Paise(0), Paise(0)),
                ])
        };
        let rows = [
            row(FORWARD_CHARGE, self.due, self.interest, self.late_fee),
            row(
                REVERSE_CHARGE,
                self.reverse_charge,
                Tax::default(),
                Paise(0),
            ),
        ];
        Element::new("tx_pmt").with_children([Element::new("tx_py_list").with_children(rows)])
    }

    fn build_offset(&self) -> Element {
        let row = |description, tax: Tax, interest: Tax, fee: Paise| {
            Element::new_repeatable("pdcash")
                .with_attribute("trans_desc", description)
                .with_attribute("ipd", tax.integrated.to_string())
                .with_attribute("cpd", tax.central.to_string())
                .with_attribute("spd", tax.state.to_string())
                .with_attribute("cspd", zero())
                .with_attribute("i_intrpd", interest.integrated.to_string())
                .with_attribute("c_intrpd", interest.central.to_string())
                .with_attribute("s_intrpd", interest.state.to_string())
                .with_attribute("cs_intrpd", zero())
                .with_attribute("c_lfeepd", fee.to_string())
                .with_attribute("s_lfeepd", fee.to_string())
        };
        let rows = [
            row(
                FORWARD_CHARGE,
                self.cash_tax(),
                self.interest,
                self.late_fee,
            ),
            row(
                REVERSE_CHARGE,
                self.reverse_charge,
                Tax::default(),
                Paise(0),
            ),
        ];
        let CreditOffset {
            integrated_by_integrated,
            integrated_by_central,
            integrated_by_state,
            central_by_integrated,
            central_by_central,
            state_by_integrated,
            state_by_state,
        } = &self.offset;
        let credit = Element::new("pditc")
            .with_attribute("trans_desc", FORWARD_CHARGE)
            .with_attribute("i_pdi", integrated_by_integrated.to_string())
            .with_attribute("i_pdc", integrated_by_central.to_string())
            .with_attribute("i_pds", integrated_by_state.to_string())
            .with_attribute("c_pdi", central_by_integrated.to_string())
            .with_attribute("c_pdc", central_by_central.to_string())
            .with_attribute("s_pdi", state_by_integrated.to_string())
            .with_attribute("s_pds", state_by_state.to_string())
            .with_attribute("cs_pdcs", zero());
        Element::new("pdcash_dtls")
            .with_children([Element::new("pdcash_list").with_children(rows), credit])
    }
}

fn filing_date(month: Month, day: u32) -> NaiveDate {
    month.next().clamped_date(day)
}
