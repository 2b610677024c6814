//! Narrations and references: the texts that banks print for a transaction, in the five layouts of
//! [`NarrationLayout`].

use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate};

use crate::bankgen::loan::Instalment;
use crate::bankgen::people::Branch;
use crate::domain::calendar::Month;
use crate::domain::digits::two_digits;
use crate::domain::money::Paise;
use crate::domain::narration_layout::NarrationLayout;
use crate::domain::persona::Channel;
use crate::domain::statement::TransactionMode;
use crate::domain::terms::TransactionType;

/// The number of layouts.
const LAYOUT_COUNT: usize = NarrationLayout::ALL.len();

/// The inputs of a narration and a reference.
pub(crate) struct NarrationInput<'a> {
    pub layout: NarrationLayout,
    pub channel: Channel,
    pub direction: TransactionType,
    pub counterparty: Counterparty<'a>,
    /// The purpose, which may contain `{month}`, `{year}` and, of a charge, `{payee}`: the
    /// counterparty of the mandate that bounced.
    pub purpose: &'a str,
    pub instalment: Option<Instalment>,
    pub date: NaiveDate,
    pub branch: Branch,
    /// A random number that references are derived from.
    pub salt: u64,
}

/// The endings of UPI addresses, one for each of five fictitious apps. The number of an address
/// selects the ending, so that a counterparty keeps it.
const UPI_ENDINGS: [&str; 5] = [
    "@mockupi",
    "@mockwallet",
    "@mockpay",
    "@mockbank",
    "@mockapp",
];

/// The other party of a transaction, in capitals, as banks print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counterparty<'a> {
    pub name: &'a str,
    /// Empty unless the counterparty is a person.
    pub surname: &'a str,
    /// A number in the UPI address that distinguishes counterparties of the same name.
    pub address_number: u32,
}

impl Counterparty<'static> {
    pub(crate) const NONE: Self = Self {
        name: "",
        surname: "",
        address_number: 0,
    };
}

impl<'a> Counterparty<'a> {
    /// Creates a counterparty other than a person. The number of its address follows from the name,
    /// so that a firm has the same address in every statement.
    pub(crate) fn with_own_address(name: &'a str) -> Self {
        let hash = name.bytes().fold(17, |hash: u32, byte| {
            hash.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        Self {
            name,
            surname: "",
            address_number: hash % 1000,
        }
    }
}

/// The templates of narrations, in the order of [`Channel`]: debits in each layout, then credits.
///
/// `{who}` is the counterparty, `{handle}` its UPI address, `{ref}` the reference, `{for}` the
/// purpose, `{p2}` M for merchants and A for people; `{city}`, `{branch}`, `{card}` and `{day}` are
/// of the account and the transaction.
const TEMPLATES: [(Channel, [&str; LAYOUT_COUNT], [&str; LAYOUT_COUNT]); 14] = [
    (
        Channel::Upi,
        [
            "UPI/DR/{ref}/{who}/MOCK/{handle}/{for}",
            "UPI-{who}-{handle}-MOCK000{card}-{ref}-{for}",
            "TO TRANSFER-UPI/DR/{ref}/{who}/MOCK/{handle}/{for}--",
            "UPI/{who}/{handle}/{for}/MOCK BANK/{ref}",
            "UPI/P2{p2}/{ref}/{who}/{for}/MOCK BANK",
        ],
        [
            "UPI/CR/{ref}/{who}/MOCK/{handle}/{for}",
            "UPI-{who}-{handle}-MOCK000{card}-{ref}-{for}",
            "BY TRANSFER-UPI/CR/{ref}/{who}/MOCK/{handle}/{for}--",
            "UPI/{who}/{handle}/{for}/MOCK BANK/{ref}",
            "UPI/P2A/{ref}/{who}/{for}/MOCK BANK",
        ],
    ),
    (
        Channel::Imps,
        [
            "IMPS/P2A/{ref}/{who}/MOCKBANK/{for}",
            "IMPS-{ref}-{who}-MOCK-XXXXXX{card}-{for}",
            "TO TRANSFER-IMPS/{ref}/{who}/{for}--",
            "MMT/IMPS/{ref}/{for}/{who}/MOCK BANK",
            "IMPS/P2A/{ref}/{who}/{for}/MOCK BANK",
        ],
        [
            "IMPS/P2A/CR/{ref}/{who}/MOCKBANK/{for}",
            "IMPS-{ref}-{who}-MOCK-XXXXXX{card}-{for}",
            "BY TRANSFER-IMPS/{ref}/{who}/{for}--",
            "MMT/IMPS/{ref}/{for}/{who}/MOCK BANK",
            "IMPS/P2A/{ref}/{who}/{for}/MOCK BANK",
        ],
    ),
    (
        Channel::Neft,
        [
            "NEFT DR-MOCK0000001-{who}-{for}-{ref}",
            "NEFT DR-MOCK0000001-{who}-NETBANK-{for}-{ref}",
            "TO TRANSFER-NEFT*MOCK0000001*{ref}*{who}*{for}--",
            "NEFT-{ref}-{who}-{for}-MOCK0000001",
            "NEFT/{ref}/{who}/MOCK BANK/{for}",
        ],
        [
            "NEFT CR-MOCK0000001-{who}-{for}-{ref}",
            "NEFT CR-MOCK0000001-{who}-MOCK BANK-{for}-{ref}",
            "BY TRANSFER-NEFT*MOCK0000001*{ref}*{who}*{for}--",
            "NEFT-{ref}-{who}-{for}-MOCK0000001",
            "NEFT/{ref}/{who}/MOCK BANK/{for}",
        ],
    ),
    (
        Channel::Rtgs,
        [
            "RTGS DR-MOCK0000001-{who}-{for}-{ref}",
            "RTGS DR-MOCK0000001-{who}-NETBANK-{for}-{ref}",
            "TO TRANSFER-RTGS*MOCK0000001*{ref}*{who}*{for}--",
            "RTGS-{ref}-{who}-{for}-MOCK0000001",
            "RTGS/{ref}/{who}/MOCK BANK/{for}",
        ],
        [
            "RTGS CR-MOCK0000001-{who}-{for}-{ref}",
            "RTGS CR-MOCK0000001-{who}-MOCK BANK-{for}-{ref}",
            "BY TRANSFER-RTGS*MOCK0000001*{ref}*{who}*{for}--",
            "RTGS-{ref}-{who}-{for}-MOCK0000001",
            "RTGS/{ref}/{who}/MOCK BANK/{for}",
        ],
    ),
    (
        Channel::Nach,
        [
            "NACH/ACH-DR/{who}/{for}/{ref}",
            "ACH D- {who}-{for}-{ref}",
            "DEBIT-ACHDR {ref} {who} {for}--",
            "ACH/{who}/{for}/{ref}",
            "ACH-DR-{who}-{for}-{ref}",
        ],
        [
            "NACH/ACH-CR/{who}/{for}/{ref}",
            "ACH C- {who}-{for}-{ref}",
            "CREDIT-ACHCR {ref} {who} {for}--",
            "ACH/CR/{who}/{for}/{ref}",
            "ACH-CR-{who}-{for}-{ref}",
        ],
    ),
    (
        Channel::Cheque,
        [
            "CHQ PAID/{ref}/CTS/{who}/{for}",
            "CHQ PAID-CTS S1-{who}-{for}-{ref}",
            "CHEQUE WDL-CHQ TRANSFER {ref} {who} {for}--",
            "CLG/{who}/{for}/{ref}",
            "BY CLG CHQ {ref} {who} {for}",
        ],
        [
            "CHQ DEP/{ref}/CTS/{who}/{for}",
            "CHQ DEP-MICR CLG-{who}-{for}-{ref}",
            "CHEQUE DEP-CTS {ref} {who} {for}--",
            "CLG/DEP/{who}/{for}/{ref}",
            "CLG CHQ DEP {ref} {who} {for}",
        ],
    ),
    (
        Channel::Card,
        [
            "POS 4XXXXXXXXXXX{card} {who} {city}",
            "POS 4XXXXXXXXXXX{card} {who}",
            "DEBIT CARD-POS {ref} {who} {city}--",
            "VPS/{who}/{day}/{ref}/{city}",
            "POS/{who}/{city}/{day}",
        ],
        [
            "POS REFUND 4XXXXXXXXXXX{card} {who} {city}",
            "POS REF 4XXXXXXXXXXX{card} {who}",
            "DEBIT CARD REFUND-{ref} {who} {city}--",
            "VPS/REF/{who}/{day}/{ref}",
            "POS REFUND/{who}/{city}/{day}",
        ],
    ),
    (
        Channel::Atm,
        [
            "ATM/CASH WDL/{city}/S1AW{branch}",
            "ATW-4XXXXXXXXXXX{card}-S1AW{branch}-{city}",
            "ATM WDL-ATM CASH {ref} {city}--",
            "ATM/S1AW{branch}/CASH WDL/{day}",
            "ATM-CASH/{city}/{day}/S1AW{branch}",
        ],
        [
            "CDM/CASH DEP/{city}/S1CD{branch}/{for}",
            "CASH DEPOSIT-CDM S1CD{branch}-{city}-{for}",
            "CDM DEP-CASH {ref} {city} {for}--",
            "CDM/S1CD{branch}/CASH DEP/{day}/{for}",
            "CDM-CASH DEP/{city}/{day}/{for}",
        ],
    ),
    (
        Channel::Cash,
        [
            "TO CASH/{for}/{city}",
            "CASH WDL-{city}-{for}",
            "CASH WITHDRAWAL-SELF {city} {for}--",
            "CASH/WDL/{city}/{for}",
            "CASH PAID {city} {for}",
        ],
        [
            "BY CASH/{for}/{city}",
            "CASH DEP-{city}-{for}",
            "CASH DEPOSIT-{city} {for}--",
            "CASH/DEP/{city}/{for}",
            "BY CASH DEPOSIT {city} {for}",
        ],
    ),
    (
        Channel::Transfer,
        [
            "TRF/TO {who}/{for}/{ref}",
            "FUND TRF DR-{who}-{for}-{ref}",
            "TO TRANSFER-INB {who} {for} {ref}--",
            "INF/{ref}/{who}/{for}",
            "TRF TO {who}/{for}/{ref}",
        ],
        [
            "TRF/FROM {who}/{for}/{ref}",
            "FUND TRF CR-{who}-{for}-{ref}",
            "BY TRANSFER-INB {who} {for} {ref}--",
            "INF/CR/{ref}/{who}/{for}",
            "TRF FROM {who}/{for}/{ref}",
        ],
    ),
    (
        Channel::Remittance,
        [
            "OUTWARD REM/{ref}/{who}/{for}",
            "FOREX REM DR-{who}-{for}-{ref}",
            "TO TRANSFER-OUTWARD REMITTANCE {ref} {who} {for}--",
            "TT/OUT/{ref}/{who}/{for}",
            "SWIFT OUT/{who}/{for}/{ref}",
        ],
        [
            "INWARD REM/{ref}/{who}/{for}",
            "FOREX REM CR-{who}-{for}-{ref}",
            "BY TRANSFER-INWARD REMITTANCE {ref} {who} {for}--",
            "TT/IN/{ref}/{who}/{for}",
            "SWIFT IN/{who}/{for}/{ref}",
        ],
    ),
    (
        Channel::Tax,
        [
            "TAX PAYMENT/{for}/CIN{ref}",
            "TAX PMT-{for}-CIN{ref}",
            "TO DEBIT-TAX {for} CIN{ref}--",
            "BIL/TAX/{for}/CIN{ref}",
            "ETAX/{for}/CIN{ref}",
        ],
        [
            "TAX REFUND/{for}/{ref}",
            "TAX REFUND-{for}-{ref}",
            "BY TRANSFER-TAX REFUND {for} {ref}--",
            "NEFT-{ref}-TAX REFUND-{for}",
            "TAX REFUND/{for}/{ref}",
        ],
    ),
    (
        Channel::Interest,
        [
            "INT.DR:{for}",
            "INTEREST DEBIT-{for}",
            "INTEREST DEBIT {for}--",
            "INT.COLL:{for}",
            "INTEREST CHARGED {for}",
        ],
        [
            "INT.PD:{for}",
            "INTEREST PAID-{for}",
            "INTEREST CREDIT {for}--",
            "INT.PD:{for}",
            "CREDIT INTEREST {for}",
        ],
    ),
    (
        Channel::Charge,
        [
            "CHARGES/{for}/{ref}",
            "{for}-{ref}",
            "DEBIT-CHARGES {for} {ref}--",
            "CHRG/{for}/{ref}",
            "CHRGS {for} {ref}",
        ],
        [
            "REV CHARGES/{for}/{ref}",
            "REV {for}-{ref}",
            "CREDIT-REV {for} {ref}--",
            "CHRG REV/{for}/{ref}",
            "REV CHRGS {for}",
        ],
    ),
];

#[derive(Clone, Copy)]
enum TemplatePart {
    Text(&'static str),
    Counterparty,
    UpiAddress,
    Reference,
    Purpose,
    PayeeKind,
    City,
    Branch,
    Card,
    Date,
}

/// The parsed templates: for each channel, those of debits in each layout, then those of credits.
static PARSED_TEMPLATES: LazyLock<Vec<Vec<TemplatePart>>> = LazyLock::new(|| {
    TEMPLATES
        .iter()
        .enumerate()
        .flat_map(|(index, (channel, debit, credit))| {
            assert_eq!(
                *channel as usize, index,
                "templates are in the order of the channels"
            );
            debit.iter().chain(credit)
        })
        .map(|template| parse_template(template))
        .collect()
});

fn parse_template(mut template: &'static str) -> Vec<TemplatePart> {
    let mut parts = Vec::new();
    while let Some((text, rest)) = template.split_once('{') {
        if !text.is_empty() {
            parts.push(TemplatePart::Text(text));
        }
        let (name, rest) = rest.split_once('}').expect("templates close their braces");
        parts.push(match name {
            "who" => TemplatePart::Counterparty,
            "handle" => TemplatePart::UpiAddress,
            "ref" => TemplatePart::Reference,
            "for" => TemplatePart::Purpose,
            "p2" => TemplatePart::PayeeKind,
            "city" => TemplatePart::City,
            "branch" => TemplatePart::Branch,
            "card" => TemplatePart::Card,
            "day" => TemplatePart::Date,
            _ => unreachable!("templates have no `{{{name}}}`"),
        });
        template = rest;
    }
    if !template.is_empty() {
        parts.push(TemplatePart::Text(template));
    }
    parts
}

impl NarrationInput<'_> {
    /// Writes the narration, which usually contains the reference.
    pub(crate) fn write_narration(&self, reference: &str, out: &mut String) {
        let offset = (self.channel as usize * 2
            + usize::from(self.direction == TransactionType::Credit))
            * LAYOUT_COUNT;
        for part in &PARSED_TEMPLATES[offset + self.layout as usize] {
            match *part {
                TemplatePart::Text(text) => out.push_str(text),
                TemplatePart::Counterparty => self.write_counterparty(out),
                TemplatePart::UpiAddress => self.write_upi_address(out),
                TemplatePart::Reference => out.push_str(reference),
                TemplatePart::Purpose => self.write_purpose(out),
                TemplatePart::PayeeKind => out.push(if self.counterparty.surname.is_empty() {
                    'M'
                } else {
                    'A'
                }),
                TemplatePart::City => push_uppercase(out, self.branch.city),
                TemplatePart::Branch => push_digits(out, u64::from(self.branch.code), 4),
                TemplatePart::Card => {
                    push_digits(out, u64::from(self.branch.code) * 7919 % 10_000, 4);
                }
                TemplatePart::Date => {
                    push_digits(out, u64::from(self.date.day()), 2);
                    push_digits(out, u64::from(self.date.month()), 2);
                    push_digits(out, u64::from(self.date.year().unsigned_abs()) % 100, 2);
                }
            }
        }
    }

    /// Writes the reference.
    ///
    /// UPI, IMPS and cards have a retrieval reference number: the last digit of the year, the day
    /// of the year, eight more digits. NEFT and RTGS have a UTR in the form of the Reserve Bank of
    /// India. NEFT: bank, N, year and day of the year, a number. RTGS: bank, R, 5, the date, a
    /// number.
    pub(crate) fn write_reference(&self, out: &mut String) {
        let year = u64::from(self.date.year().unsigned_abs());
        let day = u64::from(self.date.ordinal());
        match self.channel {
            Channel::Upi | Channel::Imps | Channel::Card => {
                push_digits(
                    out,
                    (year % 10 * 1000 + day) * 100_000_000 + self.salt % 100_000_000,
                    12,
                );
            }
            Channel::Neft => {
                out.push_str("MOCKN");
                push_digits(
                    out,
                    (year % 100 * 1000 + day) * 1_000_000 + self.salt % 1_000_000,
                    11,
                );
            }
            Channel::Rtgs => {
                out.push_str("MOCKR5");
                push_digits(out, year, 4);
                push_digits(out, u64::from(self.date.month() * 100 + self.date.day()), 4);
                push_digits(out, self.salt % 100_000_000, 8);
            }
            Channel::Nach => {
                out.push_str("MOCK");
                push_digits(out, self.salt % 10_000_000_000, 10);
            }
            Channel::Cheque | Channel::Atm => push_digits(out, self.salt % 1_000_000, 6),
            Channel::Cash => {
                out.push_str("CASH");
                push_digits(out, self.salt % 100_000_000, 8);
            }
            Channel::Interest => {
                out.push_str("INT");
                push_digits(
                    out,
                    year * 10_000 + u64::from(self.date.month() * 100 + self.date.day()),
                    8,
                );
            }
            Channel::Transfer | Channel::Remittance | Channel::Tax | Channel::Charge => {
                push_digits(out, self.salt % 10_000_000_000, 10);
            }
        }
    }

    fn write_counterparty(&self, out: &mut String) {
        out.push_str(self.counterparty.name);
        if !self.counterparty.surname.is_empty() {
            out.push(' ');
            out.push_str(self.counterparty.surname);
        }
    }

    fn write_upi_address(&self, out: &mut String) {
        let mut letters = [0; 12];
        let alphanumerics = self
            .counterparty
            .name
            .bytes()
            .filter(u8::is_ascii_alphanumeric);
        let count = letters
            .iter_mut()
            .zip(alphanumerics)
            .map(|(slot, byte)| *slot = byte.to_ascii_lowercase())
            .count();
        out.push_str(std::str::from_utf8(&letters[..count]).expect("letters and digits are ASCII"));
        out.push('.');
        push_digits(out, u64::from(self.counterparty.address_number % 1000), 3);
        let app = self.counterparty.address_number as usize % UPI_ENDINGS.len();
        out.push_str(UPI_ENDINGS[app]);
    }

    fn write_purpose(&self, out: &mut String) {
        let mut rest = self.purpose;
        // Most purposes have no placeholder, and searching for one byte is cheaper than for a
        // pattern.
        while rest.as_bytes().contains(&b'{')
            && let Some((text, after)) = rest.split_once('{')
        {
            out.push_str(text);
            let Some((name, after)) = after.split_once('}') else {
                break;
            };
            match name {
                "month" => push_uppercase(out, Month::from_date(self.date).short_name()),
                "year" => push_digits(out, u64::from(self.date.year().unsigned_abs()), 4),
                "payee" => self.write_counterparty(out),
                _ => {}
            }
            rest = after;
            if name == "payee" && self.counterparty.name.is_empty() {
                rest = after.trim_start();
            }
        }
        out.push_str(rest);
        if let Some(Instalment {
            number,
            total_count,
            principal: Paise(principal),
            interest: Paise(interest),
        }) = self.instalment
        {
            out.push(' ');
            push_digits(out, u64::from(number), 3);
            out.push_str(" OF ");
            push_digits(out, u64::from(total_count), 3);
            for (word, paise) in [(" P", principal), (" I", interest)] {
                out.push_str(word);
                out.push_str(&Paise(paise).to_string());
            }
        }
    }
}

/// Returns the transaction mode of a channel (ReBIT FI schema DEPOSIT 2.0.0, `Transaction.mode`).
pub(crate) fn transaction_mode(channel: Channel, direction: TransactionType) -> TransactionMode {
    match channel {
        Channel::Upi => TransactionMode::Upi,
        Channel::Imps => TransactionMode::Imps,
        Channel::Neft => TransactionMode::Neft,
        Channel::Rtgs => TransactionMode::Rtgs,
        Channel::Nach => TransactionMode::Nach,
        Channel::Cheque => TransactionMode::Cheque,
        Channel::Card => TransactionMode::Card,
        Channel::Atm => TransactionMode::Atm,
        Channel::Cash => TransactionMode::Cash,
        Channel::Remittance => TransactionMode::Remittance,
        Channel::Interest if direction == TransactionType::Credit => {
            TransactionMode::InterestCredit
        }
        Channel::Transfer | Channel::Tax | Channel::Interest | Channel::Charge => {
            TransactionMode::Others
        }
    }
}

fn push_uppercase(out: &mut String, text: &str) {
    let start = out.len();
    out.push_str(text);
    out[start..].make_ascii_uppercase();
}

/// Appends the last `count` digits of a value, at most 20, with leading zeros.
fn push_digits(out: &mut String, mut value: u64, count: usize) {
    let mut pairs = [""; 10];
    for slot in pairs[..count / 2].iter_mut().rev() {
        *slot = two_digits(value);
        value /= 100;
    }
    if count % 2 == 1 {
        out.push_str(&two_digits(value)[1..]);
    }
    pairs[..count / 2]
        .iter()
        .for_each(|digits| out.push_str(digits));
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use chrono::NaiveDate;
    use regex::Regex;

    use super::{Counterparty, NarrationInput, TEMPLATES};
    use crate::bankgen::people::Branch;
    use crate::domain::narration_layout::NarrationLayout;
    use crate::domain::persona::Channel;
    use crate::domain::terms::TransactionType::{self, Credit, Debit};

    const PUNE: Branch = Branch {
        city: "Pune",
        code: 42,
        pin_prefix: 411,
    };

    /// Returns the narration of a transaction of 1 July 2024, and its reference.
    fn render(
        layout: NarrationLayout,
        channel: Channel,
        direction: TransactionType,
        (name, purpose): (&str, &str),
    ) -> (String, String) {
        let input = NarrationInput {
            layout,
            channel,
            direction,
            counterparty: Counterparty::with_own_address(name),
            purpose,
            instalment: None,
            date: NaiveDate::from_ymd_opt(2024, 7, 1).expect("a date"),
            branch: PUNE,
            salt: 12_345_678,
        };
        let (mut reference, mut narration) = (String::new(), String::new());
        input.write_reference(&mut reference);
        input.write_narration(&reference, &mut narration);
        (narration, reference)
    }

    #[test]
    fn every_ifsc_in_a_template_has_eleven_characters() {
        let code = Regex::new(r"\bMOCK0[0-9A-Z]*\b").expect("an expression");
        let ifsc = Regex::new("^[A-Z]{4}0[A-Z0-9]{6}$").expect("an expression");
        let mut found = 0;
        for (channel, ..) in TEMPLATES {
            for direction in [Debit, Credit] {
                for layout in NarrationLayout::ALL {
                    let (narration, reference) =
                        render(*layout, channel, direction, ("CHAI POINT", "PAYMENT"));
                    let without_reference = narration.replace(&reference, "");
                    for word in code.find_iter(&without_reference) {
                        assert!(ifsc.is_match(word.as_str()), "{layout}: {narration}");
                        found += 1;
                    }
                }
            }
        }
        assert!(found > 10, "{found} codes");
    }

    #[test]
    fn the_documented_examples_are_what_is_printed() {
        let page = include_str!("../../docs/data.md");
        let examples = [
            (Channel::Upi, Debit, "CHAI POINT CORNER", "PAYMENT"),
            (Channel::Imps, Debit, "ARJUN MENON", "RENT"),
            (
                Channel::Neft,
                Credit,
                "TAMRA TEXTILES LTD",
                "SALARY JUN 2024",
            ),
            (Channel::Nach, Debit, "MOCK HOUSING FINANCE LTD", "EMI"),
            (Channel::Cheque, Debit, "SARITA HEALTHCARE LTD", "GOODS"),
            (Channel::Card, Debit, "VASTRA STORES", ""),
            (Channel::Atm, Debit, "", ""),
            (
                Channel::Transfer,
                Credit,
                "FIXED DEPOSIT",
                "INTEREST PAYOUT",
            ),
            (
                Channel::Interest,
                Credit,
                "",
                "SAVINGS INTEREST QTR TO JUN 2024",
            ),
            (Channel::Charge, Debit, "", "MIN BAL CHGS INCL GST"),
            (
                Channel::Charge,
                Debit,
                "SAMRIDDHI FINSERVE LTD",
                "ACH DR RTN CHGS {payee} INSUFFICIENT FUNDS INCL GST",
            ),
        ];
        let mut blocks = Vec::new();
        for layout in NarrationLayout::ALL {
            let mut block = format!("`{layout}`:\n\n```text\n");
            for (channel, direction, name, purpose) in examples {
                let (narration, _) = render(*layout, channel, direction, (name, purpose));
                writeln!(block, "{narration}").expect("writing to a string cannot fail");
            }
            blocks.push(block + "```\n");
        }
        let text = blocks.join("\n");
        assert!(page.contains(&text), "docs/data.md has to contain:\n{text}");
    }
}
