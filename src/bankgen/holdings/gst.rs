//! GST returns: a registration, and each month's GSTR-1 and GSTR-3B (`reference/rebit.md` §6; the schema was not to be had, the
//! names are those of the sample in `reference/unaport.md` §4.2 and of the table beside it).

use chrono::{Datelike, NaiveDate};
use rand::RngExt;

use super::{Ask, Entry, Told, Transactions, at};
use crate::bankgen::names::{STREETS, entries};
use crate::bankgen::people::pick;
use crate::domain::calendar::Month;
use crate::domain::consent::TransactionType;
use crate::domain::document::Element;
use crate::domain::money::Paise;
use crate::domain::persona::NamePool;

/// The rate of most goods, in percent.
const GST: i64 = 18;

/// The number as statements show it: state, hidden PAN, registration.
///
/// `Assumption:` the state is Karnataka, as in the sample.
pub fn masked(ask: &Ask<'_>) -> String {
    format!(
        "29XXXXXXXXXX{}Z{}",
        ask.number % 9 + 1,
        char::from(b'A' + u8::try_from(ask.number % 26).expect("below 26"))
    )
}

pub fn returns(ask: &Ask<'_>) -> Told {
    let mut rng = ask.rng(0);
    let (drawn, _, _) = pick(&mut rng, entries(NamePool::Firms));
    // Where a firm holds the accounts, it is the one that is registered.
    let firm = ask.firm().unwrap_or(drawn).to_owned();
    let details = Element::new("BusinessDetails")
        .with_attribute("lgnm", firm.clone())
        .with_attribute("trdnm", firm)
        .with_attribute("dty", "Regular")
        .with_attribute("sts", "Active")
        .with_attribute("apprvdt", ask.opened_on.to_string())
        .with_attribute("iscmp", "No")
        .with_children([Element::new("CategoryList").with_attribute("catList", "NA")]);
    let place = Element::new("PlaceofBusiness").with_children([Element::new("Address")
        .with_attribute("bno", (ask.number % 200 + 1).to_string())
        .with_attribute("flno", "0")
        .with_attribute("bnm", "TRADE CENTRE")
        .with_attribute("st", pick(&mut rng, STREETS))
        .with_attribute("loc", "Bengaluru")
        .with_attribute("stcd", "29")
        .with_attribute("dst", "Bengaluru Urban")
        .with_attribute("pncd", "560001")
        .with_children([
            Element::new("NatureOfBusinessList").with_attribute("ntr", "WHOLESALE BUSINESS")
        ])]);
    let (mut sales, mut summaries) = (Vec::new(), Vec::new());
    let mut month = Month::from_date(ask.opened_on).next();
    while month.next().clamped_date(11) <= ask.today() {
        let (sold, bought) = (
            turnover(ask, month),
            Paise(turnover(ask, month).0 * 78 / 100),
        );
        sales.push(outward(ask, month, sold));
        summaries.push(summary(ask, month, sold, bought));
        month = month.next();
    }
    let transactions =
        Transactions::Grouped(vec![("Gstr1Details", sales), ("Gstr3bDetails", summaries)]);
    Told {
        holder: Vec::new(),
        profile: vec![details, place],
        summary: None,
        transactions,
    }
}

/// What was sold in a month, in whole rupees: about the account's amount, more before Diwali.
fn turnover(ask: &Ask<'_>, month: Month) -> Paise {
    let mut rng = ask.rng(1000 + u64::try_from(month.ordinal()).expect("years are positive"));
    let season = if matches!(month.month, 9..=11) {
        130
    } else {
        95
    };
    Paise::from_rupees(ask.amount.0 / 100 * season / 100 * rng.random_range(80..=120) / 100)
}

fn period(month: Month) -> String {
    format!("{:02}{}", month.month, month.year)
}

fn tax(value: Paise) -> Paise {
    Paise(value.0 * GST / 100)
}

/// GSTR-1, due on the 11th of the next month: what was sold, to registered businesses and to others.
fn outward(ask: &Ask<'_>, month: Month, sold: Paise) -> Entry {
    let mut rng = ask.rng(5000 + u64::try_from(month.ordinal()).expect("years are positive"));
    let day = filed(month, rng.random_range(6..=11));
    let business = Paise(sold.0 * 70 / 100);
    let part = |name, value: Paise, count: i64| {
        Element::new(name)
            .with_attribute("ttl_rec", count.to_string())
            .with_attribute("ttl_val", (value + tax(value)).to_string())
            .with_attribute("ttl_tax", value.to_string())
            .with_attribute("ttl_cgst", Paise(tax(value).0 / 2).to_string())
            .with_attribute(
                "ttl_sgst",
                Paise(tax(value).0 - tax(value).0 / 2).to_string(),
            )
            .with_attribute("ttl_igst", "0.00")
            .with_attribute("ttl_cess", "0.00")
    };
    let element = Element::new_repeatable("gstr1")
        .with_attribute("ret_prd", period(month))
        .with_attribute("dof", day.to_string())
        .with_attribute("status", "Filed")
        .with_attribute("filingFrequency", "Monthly")
        .with_children([
            part("b2b_dtls", business, rng.random_range(8..30)),
            part("b2cs_dtls", sold - business, rng.random_range(20..90)),
        ]);
    Entry {
        at: at(day, 17, 0, 0),
        amount: sold,
        direction: TransactionType::Credit,
        element,
    }
}

/// GSTR-3B, due on the 20th of the next month: tax on what was sold, less the credit of what was bought.
fn summary(ask: &Ask<'_>, month: Month, sold: Paise, bought: Paise) -> Entry {
    let mut rng = ask.rng(9000 + u64::try_from(month.ordinal()).expect("years are positive"));
    let late = rng.random_range(0..12) == 0;
    let day = filed(month, if late { 26 } else { rng.random_range(15..=20) });
    let fee = if late {
        Paise::from_rupees(i64::from(day.day() - 20) * 50)
    } else {
        Paise(0)
    };
    let parts = |name, value: Paise, tax: Paise| {
        Element::new(name)
            .with_attribute("txval", value.to_string())
            .with_attribute("camt", Paise(tax.0 / 2).to_string())
            .with_attribute("samt", Paise(tax.0 - tax.0 / 2).to_string())
            .with_attribute("iamt", "0.00")
            .with_attribute("csamt", "0.00")
    };
    let element = Element::new_repeatable("gstr3b")
        .with_attribute("ret_prd", period(month))
        .with_attribute("dof", day.to_string())
        .with_attribute("status", "Filed")
        .with_attribute("filingFrequency", "Monthly")
        .with_children([
            parts("sup_details", sold, tax(sold)),
            parts("sup_inter", Paise(0), Paise(0)),
            parts("eco_dtls", Paise(0), Paise(0)),
            parts("itc_elg", bought, tax(bought)),
            Element::new("intr_ltfee")
                .with_attribute("intr", "0.00")
                .with_attribute("ltfee", fee.to_string()),
        ]);
    let due = tax(sold) - tax(bought) + fee;
    Entry {
        at: at(day, 18, 0, 0),
        amount: due,
        direction: TransactionType::Debit,
        element,
    }
}

fn filed(month: Month, day: u32) -> NaiveDate {
    month.next().clamped_date(day)
}
