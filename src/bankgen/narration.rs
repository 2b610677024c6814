//! How banks print what has happened. Five invented styles; each FIP has one, so that a parser meets them all.

use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate};

use crate::bankgen::loan::Instalment;
use crate::bankgen::people::Branch;
use crate::domain::calendar::Month;
use crate::domain::consent::TransactionType;
use crate::domain::digits::two_digits;
use crate::domain::money::Paise;
use crate::domain::persona::Channel;
use crate::domain::statement::TransactionMode;

/// How many styles there are.
pub const STYLES: usize = 5;

/// What a narration is made of.
pub struct Facts<'a> {
    pub style: usize,
    pub channel: Channel,
    pub direction: TransactionType,
    pub party: Party<'a>,
    /// Its purpose, with `{month}` and `{year}` in it.
    pub purpose: &'a str,
    pub instalment: Option<Instalment>,
    pub date: NaiveDate,
    pub branch: Branch,
    /// Whatever else varies: references, terminals.
    pub salt: u64,
}

/// Who is on the other side, in capitals, as banks print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party<'a> {
    pub name: &'a str,
    /// Only people have one.
    pub surname: &'a str,
    /// Tells those of one name apart.
    pub number: u32,
}

impl Party<'static> {
    pub const NOBODY: Self = Self {
        name: "",
        surname: "",
        number: 0,
    };
}

/// Lines, in the order of [`Channel`]: what leaves, what comes, in each style.
///
/// `{who}` the other side, `{handle}` its UPI address, `{ref}` the reference, `{for}` the purpose, `{p2}` M for shops and A
/// for people, `{city}`, `{branch}`, `{card}`, `{day}`.
const LINES: [(Channel, [&str; STYLES], [&str; STYLES]); 14] = [
    (
        Channel::Upi,
        [
            "UPI/DR/{ref}/{who}/MOCK/{handle}/{for}",
            "UPI-{who}-{handle}-MOCK0000{card}-{ref}-{for}",
            "TO TRANSFER-UPI/DR/{ref}/{who}/MOCK/{handle}/{for}--",
            "UPI/{who}/{handle}/{for}/MOCK BANK/{ref}",
            "UPI/P2{p2}/{ref}/{who}/{for}/MOCK BANK",
        ],
        [
            "UPI/CR/{ref}/{who}/MOCK/{handle}/{for}",
            "UPI-{who}-{handle}-MOCK0000{card}-{ref}-{for}",
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
enum Part {
    Text(&'static str),
    Who,
    Handle,
    Reference,
    Purpose,
    P2,
    City,
    Branch,
    Card,
    Day,
}

/// The lines taken apart, two for each channel and style.
static PARTS: LazyLock<Vec<Vec<Part>>> = LazyLock::new(|| {
    let lines = LINES
        .iter()
        .enumerate()
        .flat_map(|(place, (channel, out, into))| {
            assert_eq!(
                *channel as usize, place,
                "lines stand in the order of the channels"
            );
            out.iter().chain(into)
        });
    lines.map(|line| parts(line)).collect()
});

fn parts(mut line: &'static str) -> Vec<Part> {
    let mut parts = Vec::new();
    while let Some((text, rest)) = line.split_once('{') {
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        let (name, rest) = rest.split_once('}').expect("our lines close their braces");
        parts.push(match name {
            "who" => Part::Who,
            "handle" => Part::Handle,
            "ref" => Part::Reference,
            "for" => Part::Purpose,
            "p2" => Part::P2,
            "city" => Part::City,
            "branch" => Part::Branch,
            "card" => Part::Card,
            "day" => Part::Day,
            _ => unreachable!("our lines have no {{{name}}}"),
        });
        line = rest;
    }
    if !line.is_empty() {
        parts.push(Part::Text(line));
    }
    parts
}

impl Facts<'_> {
    /// Writes the narration, which most often has the reference in it.
    pub fn narrate(&self, reference: &str, out: &mut String) {
        let place = (self.channel as usize * 2
            + usize::from(self.direction == TransactionType::Credit))
            * STYLES;
        for part in &PARTS[place + self.style] {
            match *part {
                Part::Text(text) => out.push_str(text),
                Part::Who => self.who(out),
                Part::Handle => self.handle(out),
                Part::Reference => out.push_str(reference),
                Part::Purpose => self.purpose(out),
                Part::P2 => out.push(if self.party.surname.is_empty() {
                    'M'
                } else {
                    'A'
                }),
                Part::City => upper(out, self.branch.city),
                Part::Branch => digits(out, u64::from(self.branch.code), 4),
                Part::Card => digits(out, u64::from(self.branch.code) * 7919 % 10_000, 4),
                Part::Day => {
                    digits(out, u64::from(self.date.day()), 2);
                    digits(out, u64::from(self.date.month()), 2);
                    digits(out, u64::from(self.date.year().unsigned_abs()) % 100, 2);
                }
            }
        }
    }

    /// Writes the reference.
    ///
    /// UPI, IMPS and cards: retrieval reference number, the last digit of the year, the day of the year, eight more. NEFT:
    /// bank, N, year and day of the year, a number. RTGS: bank, R, the purpose's 5, the date, a number (Reserve Bank of
    /// India, UTR).
    pub fn refer(&self, out: &mut String) {
        let year = u64::from(self.date.year().unsigned_abs());
        let day = u64::from(self.date.ordinal());
        match self.channel {
            Channel::Upi | Channel::Imps | Channel::Card => {
                digits(
                    out,
                    (year % 10 * 1000 + day) * 100_000_000 + self.salt % 100_000_000,
                    12,
                );
            }
            Channel::Neft => {
                out.push_str("MOCKN");
                digits(
                    out,
                    (year % 100 * 1000 + day) * 1_000_000 + self.salt % 1_000_000,
                    11,
                );
            }
            Channel::Rtgs => {
                out.push_str("MOCKR5");
                digits(out, year, 4);
                digits(out, u64::from(self.date.month() * 100 + self.date.day()), 4);
                digits(out, self.salt % 100_000_000, 8);
            }
            Channel::Nach => {
                out.push_str("MOCK");
                digits(out, self.salt % 10_000_000_000, 10);
            }
            Channel::Cheque | Channel::Atm => digits(out, self.salt % 1_000_000, 6),
            Channel::Cash => {
                out.push_str("CASH");
                digits(out, self.salt % 100_000_000, 8);
            }
            Channel::Interest => {
                out.push_str("INT");
                digits(
                    out,
                    year * 10_000 + u64::from(self.date.month() * 100 + self.date.day()),
                    8,
                );
            }
            Channel::Transfer | Channel::Remittance | Channel::Tax | Channel::Charge => {
                digits(out, self.salt % 10_000_000_000, 10);
            }
        }
    }

    fn who(&self, out: &mut String) {
        out.push_str(self.party.name);
        if !self.party.surname.is_empty() {
            out.push(' ');
            out.push_str(self.party.surname);
        }
    }

    fn handle(&self, out: &mut String) {
        let mut letters = [0; 12];
        let found = self.party.name.bytes().filter(u8::is_ascii_alphanumeric);
        let count = letters
            .iter_mut()
            .zip(found)
            .map(|(place, byte)| *place = byte.to_ascii_lowercase())
            .count();
        out.push_str(std::str::from_utf8(&letters[..count]).expect("letters and digits are ASCII"));
        out.push('.');
        digits(out, u64::from(self.party.number % 1000), 3);
        out.push_str(if self.party.number.is_multiple_of(2) {
            "@mockpay"
        } else {
            "@mockbank"
        });
    }

    fn purpose(&self, out: &mut String) {
        let mut rest = self.purpose;
        // Most have none, and a search for a pattern is dear.
        while rest.as_bytes().contains(&b'{')
            && let Some((text, after)) = rest.split_once('{')
        {
            out.push_str(text);
            let Some((name, after)) = after.split_once('}') else {
                break;
            };
            match name {
                "month" => upper(out, Month::from_date(self.date).short_name()),
                "year" => digits(out, u64::from(self.date.year().unsigned_abs()), 4),
                _ => {}
            }
            rest = after;
        }
        out.push_str(rest);
        if let Some(Instalment {
            number,
            of,
            principal: Paise(principal),
            interest: Paise(interest),
        }) = self.instalment
        {
            out.push(' ');
            digits(out, u64::from(number), 3);
            out.push_str(" OF ");
            digits(out, u64::from(of), 3);
            for (word, paise) in [(" P", principal), (" I", interest)] {
                out.push_str(word);
                out.push_str(&Paise(paise).to_string());
            }
        }
    }
}

/// What schema v2 calls the channel.
pub fn mode(channel: Channel, direction: TransactionType) -> TransactionMode {
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

fn upper(out: &mut String, text: &str) {
    let start = out.len();
    out.push_str(text);
    out[start..].make_ascii_uppercase();
}

/// So many digits, at most twenty, with leading zeros.
fn digits(out: &mut String, mut value: u64, count: usize) {
    let mut pairs = [""; 10];
    for place in pairs[..count / 2].iter_mut().rev() {
        *place = two_digits(value);
        value /= 100;
    }
    if count % 2 == 1 {
        out.push_str(&two_digits(value)[1..]);
    }
    pairs[..count / 2].iter().for_each(|two| out.push_str(two));
}
