//! GST returns: a registration, and the GSTR-1 and GSTR-3B of each month
//! (`docs/sources.md#fi-schemas`). The schema was not available; the names are those of the sample
//! in Unaport's documentation and of the table beside it (`docs/sources.md#unaport-fetch-data`).

use chrono::{Datelike, NaiveDate};
use rand::RngExt;

use super::{
    DocumentParts, DocumentTransaction, HoldingContext, TransactionList, to_ist_timestamp,
};
use crate::bankgen::names::{STREETS, pool_entries};
use crate::bankgen::people::pick_random;
use crate::domain::calendar::Month;
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::persona::NamePool;
use crate::domain::terms::TransactionType;

/// The tax rate of most goods, in percent.
const GST_PERCENT: i64 = 18;

/// Returns the registration number (GSTIN) as statements show it: state, masked PAN, registration.
///
/// `Assumption:` the state is Karnataka, as in the sample.
pub(crate) fn masked_gstin(context: &HoldingContext<'_>) -> String {
    format!(
        "29XXXXXXXXXX{}Z{}",
        context.reference_number % 9 + 1,
        char::from(b'A' + u8::try_from(context.reference_number % 26).expect("below 26"))
    )
}

pub(crate) fn build_returns(context: &HoldingContext<'_>) -> DocumentParts {
    let mut rng = context.random_stream(0);
    let (random_firm, _, _) = pick_random(&mut rng, pool_entries(NamePool::Firms));
    // If the holder is a firm, it is the registered business.
    let firm = context.firm_name().unwrap_or(random_firm).to_owned();
    let business_details = Element::new("BusinessDetails")
        .with_attribute("lgnm", firm.clone())
        .with_attribute("trdnm", firm)
        .with_attribute("dty", "Regular")
        .with_attribute("sts", "Active")
        .with_attribute("apprvdt", context.opened_on.to_string())
        .with_attribute("iscmp", "No")
        .with_children([Element::new("CategoryList").with_attribute("catList", "NA")]);
    let place_of_business =
        Element::new("PlaceofBusiness").with_children([Element::new("Address")
            .with_attribute("bno", (context.reference_number % 200 + 1).to_string())
            .with_attribute("flno", "0")
            .with_attribute("bnm", "TRADE CENTRE")
            .with_attribute("st", pick_random(&mut rng, STREETS))
            .with_attribute("loc", "Bengaluru")
            .with_attribute("stcd", "29")
            .with_attribute("dst", "Bengaluru Urban")
            .with_attribute("pncd", "560001")
            .with_children([
                Element::new("NatureOfBusinessList").with_attribute("ntr", "WHOLESALE BUSINESS")
            ])]);
    let (mut gstr1_returns, mut gstr3b_returns) = (Vec::new(), Vec::new());
    let mut month = Month::from_date(context.opened_on).next();
    while month.next().clamped_date(11) <= context.today() {
        let (sales_value, purchase_value) = (
            sample_turnover(context, month),
            Paise(sample_turnover(context, month).0 * 78 / 100),
        );
        gstr1_returns.push(build_gstr1(context, month, sales_value));
        gstr3b_returns.push(build_gstr3b(context, month, sales_value, purchase_value));
        month = month.next();
    }
    let transactions = TransactionList::Grouped(vec![
        ("Gstr1Details", gstr1_returns),
        ("Gstr3bDetails", gstr3b_returns),
    ]);
    DocumentParts {
        holder_attributes: Vec::new(),
        profile: vec![business_details, place_of_business],
        summary: None,
        transactions,
    }
}

/// Samples the sales of a month, in whole rupees: about the amount of the account, more before
/// Diwali.
fn sample_turnover(context: &HoldingContext<'_>, month: Month) -> Paise {
    let mut rng =
        context.random_stream(1000 + u64::try_from(month.ordinal()).expect("years are positive"));
    let season = if matches!(month.month, 9..=11) {
        130
    } else {
        95
    };
    Paise::from_rupees(context.amount.0 / 100 * season / 100 * rng.random_range(80..=120) / 100)
}

fn format_period(month: Month) -> String {
    format!("{:02}{}", month.month, month.year)
}

fn compute_gst(value: Paise) -> Paise {
    Paise(value.0 * GST_PERCENT / 100)
}

/// Builds the GSTR-1 of a month, due on the 11th of the next: sales to registered businesses and to
/// others.
fn build_gstr1(
    context: &HoldingContext<'_>,
    month: Month,
    sales_value: Paise,
) -> DocumentTransaction {
    let mut rng =
        context.random_stream(5000 + u64::try_from(month.ordinal()).expect("years are positive"));
    let filing_day = filing_date(month, rng.random_range(6..=11));
    let b2b_sales = Paise(sales_value.0 * 70 / 100);
    let element = Element::new_repeatable("gstr1")
        .with_attribute("ret_prd", format_period(month))
        .with_attribute("dof", filing_day.to_string())
        .with_attribute("status", "Filed")
        .with_attribute("filingFrequency", "Monthly")
        .with_children([
            build_sales("b2b_dtls", b2b_sales, rng.random_range(8..30)),
            build_sales(
                "b2cs_dtls",
                sales_value - b2b_sales,
                rng.random_range(20..90),
            ),
        ]);
    DocumentTransaction {
        at: to_ist_timestamp(filing_day, 17, 0, 0),
        amount: sales_value,
        direction: TransactionType::Credit,
        element,
    }
}

/// Builds the part of a GSTR-1 for one kind of buyer. `value` is the value of the sales without
/// tax.
fn build_sales(name: &'static str, value: Paise, invoice_count: i64) -> Element {
    let tax = compute_gst(value);
    Element::new(name)
        .with_attribute("ttl_rec", invoice_count.to_string())
        .with_attribute("ttl_val", (value + tax).to_string())
        .with_attribute("ttl_tax", value.to_string())
        .with_attribute("ttl_cgst", Paise(tax.0 / 2).to_string())
        .with_attribute("ttl_sgst", Paise(tax.0 - tax.0 / 2).to_string())
        .with_attribute("ttl_igst", "0.00")
        .with_attribute("ttl_cess", "0.00")
}

/// Builds the GSTR-3B of a month, due on the 20th of the next: tax on sales, less the credit for
/// purchases.
fn build_gstr3b(
    context: &HoldingContext<'_>,
    month: Month,
    sales_value: Paise,
    purchase_value: Paise,
) -> DocumentTransaction {
    let mut rng =
        context.random_stream(9000 + u64::try_from(month.ordinal()).expect("years are positive"));
    let is_late = rng.random_range(0..12) == 0;
    let filing_day = filing_date(
        month,
        if is_late {
            26
        } else {
            rng.random_range(15..=20)
        },
    );
    let fee = if is_late {
        Paise::from_rupees(i64::from(filing_day.day() - 20) * 50)
    } else {
        Paise(0)
    };
    let element = Element::new_repeatable("gstr3b")
        .with_attribute("ret_prd", format_period(month))
        .with_attribute("dof", filing_day.to_string())
        .with_attribute("status", "Filed")
        .with_attribute("filingFrequency", "Monthly")
        .with_children([
            build_supplies("sup_details", sales_value),
            build_supplies("sup_inter", Paise(0)),
            build_supplies("eco_dtls", Paise(0)),
            build_supplies("itc_elg", purchase_value),
            Element::new("intr_ltfee")
                .with_attribute("intr", "0.00")
                .with_attribute("ltfee", fee.to_string()),
        ]);
    let tax_due = compute_gst(sales_value) - compute_gst(purchase_value) + fee;
    DocumentTransaction {
        at: to_ist_timestamp(filing_day, 18, 0, 0),
        amount: tax_due,
        direction: TransactionType::Debit,
        element,
    }
}

/// Builds a part of a GSTR-3B. `value` is the value of the supplies without tax.
fn build_supplies(name: &'static str, value: Paise) -> Element {
    let tax = compute_gst(value);
    Element::new(name)
        .with_attribute("txval", value.to_string())
        .with_attribute("camt", Paise(tax.0 / 2).to_string())
        .with_attribute("samt", Paise(tax.0 - tax.0 / 2).to_string())
        .with_attribute("iamt", "0.00")
        .with_attribute("csamt", "0.00")
}

fn filing_date(month: Month, day: u32) -> NaiveDate {
    month.next().clamped_date(day)
}
