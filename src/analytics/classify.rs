//! What a narration says: counterparty, category, tags. It knows the forms of many banks, ours among them.

use crate::domain::consent::TransactionType;
use crate::domain::statement::TransactionMode;

/// What was made of a narration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    pub category: &'static str,
    pub sub: Option<&'static str>,
    pub tags: &'static str,
    pub counterparty: String,
}

/// A word of a narration, what comes or leaves, and what that is; the first that fits counts.
type Rule = (
    &'static str,
    Option<TransactionType>,
    &'static str,
    Option<&'static str>,
    &'static str,
);

const IN: Option<TransactionType> = Some(TransactionType::Credit);
const OUT: Option<TransactionType> = Some(TransactionType::Debit);

const RULES: &[Rule] = &[
    (
        "RTN CHGS",
        OUT,
        "Charges & Fees",
        Some("Bounce Charges"),
        "Bank Charges",
    ),
    (
        "MIN BAL CHGS",
        OUT,
        "Charges & Fees",
        Some("Minimum Balance Charges"),
        "Bank Charges",
    ),
    (
        "CHGS",
        OUT,
        "Charges & Fees",
        Some("Bank Charges"),
        "Bank Charges",
    ),
    (
        "OD INTEREST",
        OUT,
        "Charges & Fees",
        Some("Interest"),
        "Interest",
    ),
    ("INTEREST", IN, "Interest", None, "Interest"),
    ("RETURNED", OUT, "Returns", Some("Cheque Return"), "Cheque"),
    ("SALARY", IN, "Salary", None, "Salary"),
    ("PENSION", IN, "Salary", None, "Salary"),
    ("LOAN DISBURSEMENT", IN, "Loan", None, "Loan"),
    ("PURPOSE LOAN", IN, "Loan", None, "Loan"),
    (" EMI", OUT, "Loan", Some("EMI"), "Loan, EMI, NACH"),
    ("/EMI", OUT, "Loan", Some("EMI"), "Loan, EMI, NACH"),
    ("-EMI", OUT, "Loan", Some("EMI"), "Loan, EMI, NACH"),
    ("RENT", None, "Rent", None, ""),
    ("CREDIT CARD", OUT, "Credit Card Bill Payments", None, ""),
    ("SWEEP TO FD", OUT, "Investments", Some("Fixed Deposit"), ""),
    (
        "SWEEP FROM FD",
        IN,
        "Investments",
        Some("Fixed Deposit"),
        "",
    ),
    ("SIP", OUT, "Investments", Some("Mutual Funds"), "NACH"),
    ("INVESTMENT", OUT, "Investments", None, ""),
    ("DIVIDEND", IN, "Investments", Some("Dividend"), "NACH"),
    ("PREMIUM", OUT, "Insurance", None, ""),
    ("ELECTRICITY", OUT, "Utilities", Some("Electricity"), ""),
    ("WATER SUPPLY", OUT, "Utilities", Some("Water"), ""),
    ("PIPED GAS", OUT, "Utilities", Some("Gas"), ""),
    ("MOBILE BILL", OUT, "Utilities", Some("Telecom"), "Telecom"),
    ("RECHARGE", OUT, "Utilities", Some("Telecom"), "Telecom"),
    ("BROADBAND", OUT, "Utilities", Some("Telecom"), "Telecom"),
    ("FUEL", OUT, "Utilities", Some("Fuel"), ""),
    ("PETROL", OUT, "Utilities", Some("Fuel"), ""),
    ("MEDICALS", OUT, "Health & Wellness", Some("Healthcare"), ""),
    ("CLINIC", OUT, "Health & Wellness", Some("Healthcare"), ""),
    (
        "DIAGNOSTICS",
        OUT,
        "Health & Wellness",
        Some("Healthcare"),
        "",
    ),
    ("TRAVEL", OUT, "Travel & Transport", None, ""),
    ("METRO", OUT, "Travel & Transport", None, ""),
    ("RIDE AUTO", OUT, "Travel & Transport", None, ""),
    ("SCHOOL", OUT, "Education", None, ""),
    ("COLLEGE", OUT, "Education", None, ""),
];

/// What a transaction is. Rules come first, then the way in which it moved.
pub fn classify(narration: &str, mode: TransactionMode, direction: TransactionType) -> Class {
    let text = narration.to_uppercase();
    let rule = RULES
        .iter()
        .find(|(word, when, ..)| when.is_none_or(|when| when == direction) && text.contains(word));
    let (category, sub, tags) = match rule {
        Some((_, _, category, sub, tags)) => (*category, *sub, *tags),
        None => by_channel(&text, mode, direction),
    };
    let tags = if tags.is_empty() {
        by_channel(&text, mode, direction).2
    } else {
        tags
    };
    Class {
        category,
        sub,
        tags,
        counterparty: counterparty(narration),
    }
}

fn by_channel(
    text: &str,
    mode: TransactionMode,
    direction: TransactionType,
) -> (&'static str, Option<&'static str>, &'static str) {
    let comes = direction == TransactionType::Credit;
    let transfer = if comes {
        "I/W Funds Transfer"
    } else {
        "O/W Funds Transfer"
    };
    let starts = |words: &[&str]| {
        words
            .iter()
            .any(|word| text.starts_with(word) || text.contains(&format!("-{word}")))
    };
    match mode {
        TransactionMode::Upi => (
            transfer,
            Some("UPI"),
            if is_shop(text) {
                "UPI/P2M, UPI"
            } else {
                "UPI/P2P, UPI"
            },
        ),
        TransactionMode::Imps => (transfer, Some("IMPS"), "IMPS"),
        TransactionMode::Neft => (transfer, Some("NEFT"), "NEFT"),
        TransactionMode::Rtgs => (transfer, Some("RTGS"), "RTGS"),
        TransactionMode::Nach | TransactionMode::Ecs | TransactionMode::AutoDebit => {
            (transfer, Some("NACH"), "NACH")
        }
        TransactionMode::Cheque | TransactionMode::DemandDraft => {
            (transfer, Some("Cheque"), "Cheque")
        }
        TransactionMode::Card if comes => ("Debit Card Refund", None, "Debit Card Payments"),
        TransactionMode::Card => ("Debit card payments", None, "Debit Card Payments, POS"),
        TransactionMode::Atm if comes => ("Cash & ATM", Some("ATM Deposit"), "ATM"),
        TransactionMode::Atm => ("Cash & ATM withdrawals", Some("ATM"), "ATM"),
        TransactionMode::Cash if comes => ("Cash & ATM", Some("Cash Deposit"), "Cash"),
        TransactionMode::Cash => ("Cash & ATM withdrawals", Some("Cash"), "Cash"),
        TransactionMode::InterestCredit => ("Interest", None, "Interest"),
        TransactionMode::Remittance => (transfer, Some("Remittance"), "Remittance"),
        TransactionMode::Others if starts(&["TAX", "ETAX", "BIL/TAX", "TO DEBIT-TAX"]) => {
            ("Tax Paid", None, "Tax")
        }
        TransactionMode::Others => (
            transfer,
            Some("Third Party Transfer"),
            "Third Party Transfer",
        ),
    }
}

/// UPI tells shops from people, where it tells.
pub fn is_shop(text: &str) -> bool {
    if text.contains("/P2A/") || text.contains("/P2P/") {
        return false;
    }
    text.contains("/P2M/")
        || ["PAYMENT", "PURCHASE", "BILL", "RECHARGE", "FUEL"]
            .iter()
            .any(|word| text.contains(word))
}

/// Words that are no name.
const NO_NAMES: [&str; 35] = [
    "UPI",
    "DR",
    "CR",
    "IMPS",
    "NEFT",
    "RTGS",
    "MOCK",
    "MOCKBANK",
    "MOCK BANK",
    "ACH",
    "ACHDR",
    "ACHCR",
    "NACH",
    "TO TRANSFER",
    "BY TRANSFER",
    "TRANSFER",
    "P2A",
    "P2M",
    "P2P",
    "REV",
    "MMT",
    "CTS",
    "CLG",
    "DEP",
    "IN",
    "OUT",
    "NETBANK",
    "PAYMENT",
    "VPS",
    "POS",
    "INF",
    "SELF",
    "CHQ PAID",
    "CHQ DEP",
    "REF",
];

/// The longest part of a narration that looks like a name; empty where none does.
fn counterparty(narration: &str) -> String {
    let text = narration.to_uppercase();
    let first = text.split(['/', '-', '*']).next().unwrap_or_default();
    if [
        "ATM", "ATW", "CASH", "BY CASH", "TO CASH", "CDM", "INT.", "INTEREST", "CHARGES", "CHRG",
        "TAX", "ETAX",
    ]
    .iter()
    .any(|word| first.starts_with(word))
    {
        return String::new();
    }
    if let Some(rest) = text.strip_prefix("POS 4XXXXXXXXXXX") {
        // The card's number, the shop, and with some banks the city.
        return rest.get(5..).unwrap_or_default().trim().to_owned();
    }
    let text = text
        .trim_start_matches("TRF TO ")
        .trim_start_matches("ACH D- ")
        .trim_start_matches("ACH C- ");
    let name = |part: &&str| {
        let letters = part.chars().filter(char::is_ascii_alphabetic).count();
        let digits = part.chars().filter(char::is_ascii_digit).count();
        letters >= 3 && digits * 2 < letters && !part.contains('@') && !NO_NAMES.contains(part)
    };
    let parts = text.split(['/', '-', '*']).map(|part| {
        part.trim()
            .trim_start_matches("TO ")
            .trim_start_matches("FROM ")
    });
    // A purpose comes after the name, so of two the first counts.
    let mut parts = parts.filter(name).filter(|part| !is_purpose(part));
    parts.next().unwrap_or_default().to_owned()
}

fn is_purpose(part: &str) -> bool {
    const PURPOSES: [&str; 22] = [
        "SALARY",
        "RENT",
        "EMI",
        "SIP",
        "BILL",
        "PAYMENT",
        "SPLIT",
        "TRIP",
        "INVOICE",
        "SUPPLIES",
        "GOODS",
        "SELF TRANSFER",
        "HOUSEHOLD",
        "FUEL",
        "RECHARGE",
        "PENSION",
        "DIVIDEND",
        "WAGES",
        "ADVANCE",
        "PURCHASE",
        "NEFT CR",
        "NEFT DR",
    ];
    PURPOSES.iter().any(|word| {
        part == *word
            || part.starts_with(&format!("{word} "))
            || part.ends_with(&format!(" {word}"))
    })
}

#[cfg(test)]
mod tests {
    use super::classify;
    use crate::domain::consent::TransactionType::{Credit, Debit};
    use crate::domain::statement::TransactionMode as Mode;

    #[test]
    fn narrations_of_several_banks_are_understood() {
        for (narration, mode, direction, category, counterparty) in [
            (
                "NEFT CR-MOCK0000001-TAMRA TEXTILES LTD-SALARY MAR 2024-MOCKN24",
                Mode::Neft,
                Credit,
                "Salary",
                "TAMRA TEXTILES LTD",
            ),
            (
                "UPI/P2M/409012345678/CHAI POINT CORNER/PAYMENT/MOCK BANK",
                Mode::Upi,
                Debit,
                "O/W Funds Transfer",
                "CHAI POINT CORNER",
            ),
            (
                "TO TRANSFER-IMPS/409012345678/ARJUN MENON/RENT--",
                Mode::Imps,
                Debit,
                "Rent",
                "ARJUN MENON",
            ),
            (
                "ACH D- MOCK HOUSING FINANCE LTD-EMI 014 OF 060 P1.00 I2.00-MOCK1",
                Mode::Nach,
                Debit,
                "Loan",
                "MOCK HOUSING FINANCE LTD",
            ),
            (
                "ATM/CASH WDL/PUNE/S1AW0042",
                Mode::Atm,
                Debit,
                "Cash & ATM withdrawals",
                "",
            ),
            (
                "VPS/VASTRA STORES/210624/417333799647/HYDERABAD",
                Mode::Card,
                Debit,
                "Debit card payments",
                "VASTRA STORES",
            ),
            (
                "INT.PD:SAVINGS INTEREST QTR TO MAR 2024",
                Mode::InterestCredit,
                Credit,
                "Interest",
                "",
            ),
        ] {
            let class = classify(narration, mode, direction);
            assert_eq!(
                (class.category, class.counterparty.as_str()),
                (category, counterparty),
                "{narration}"
            );
        }
    }
}
