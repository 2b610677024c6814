//! Classification of narrations: counterparty, category, tags. It understands the forms of several
//! banks, among them those that `bankgen::narration` writes; the literals of both must agree.

use std::cmp::Reverse;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex::Regex;

use crate::domain::statement::TransactionMode;
use crate::domain::terms::TransactionType;

/// The category and tags of a transaction, read from its narration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Classification {
    pub category: &'static str,
    pub subcategory: Option<&'static str>,
    pub tags: &'static str,
}

/// Words in a narration and what they mean.
struct Rule {
    /// Successive words, as a whole: `RENT` is not in `PARENTS`.
    words: &'static [&'static str],
    /// The direction that is required.
    direction: Option<TransactionType>,
    category: &'static str,
    subcategory: Option<&'static str>,
    /// Empty: those of the mode.
    tags: &'static str,
}

const fn rule(words: &'static [&'static str], category: &'static str) -> Rule {
    Rule {
        words,
        direction: None,
        category,
        subcategory: None,
        tags: "",
    }
}

const fn credit(words: &'static [&'static str], category: &'static str) -> Rule {
    Rule {
        direction: Some(TransactionType::Credit),
        ..rule(words, category)
    }
}

const fn debit(words: &'static [&'static str], category: &'static str) -> Rule {
    Rule {
        direction: Some(TransactionType::Debit),
        ..rule(words, category)
    }
}

impl Rule {
    const fn sub(self, subcategory: &'static str) -> Self {
        Self {
            subcategory: Some(subcategory),
            ..self
        }
    }

    const fn tags(self, tags: &'static str) -> Self {
        Self { tags, ..self }
    }
}

const CHARGES: &str = "Charges & Fees";
const HEALTH: &str = "Health & Wellness";
const TRAVEL: &str = "Travel & Transport";
const UTILITIES: &str = "Utilities";

/// The rules, the specific ones first: the first one that matches applies.
const RULES: &[Rule] = &[
    debit(&["CHQ", "RTN", "CHGS"], CHARGES)
        .sub(CHEQUE_BOUNCE_CHARGES)
        .tags("Bank Charges"),
    debit(&["RTN", "CHGS"], CHARGES)
        .sub(BOUNCE_CHARGES)
        .tags("Bank Charges"),
    debit(&["MIN", "BAL", "CHGS"], CHARGES)
        .sub("Minimum Balance Charges")
        .tags("Bank Charges"),
    debit(&["CHGS"], CHARGES)
        .sub("Bank Charges")
        .tags("Bank Charges"),
    debit(&["OD", "INTEREST"], CHARGES)
        .sub("Interest")
        .tags("Interest"),
    credit(&["INTEREST"], "Interest").tags("Interest"),
    debit(&["RETURNED"], "Returns")
        .sub("Cheque Return")
        .tags("Cheque"),
    credit(&["SALARY"], "Salary").tags("Salary"),
    credit(&["BONUS"], "Salary").sub(BONUS).tags("Salary"),
    credit(&["WAGES"], "Salary").tags("Salary"),
    credit(&["PENSION"], "Salary").sub("Pension").tags("Salary"),
    credit(&["ANNUITY"], "Salary").sub("Annuity").tags("Salary"),
    credit(&["LOAN", "DISBURSEMENT"], "Loan").tags("Loan"),
    credit(&["LOAN"], "Loan").tags("Loan"),
    debit(&["EMI"], "Loan").sub("EMI").tags("Loan, EMI, NACH"),
    debit(&["LOAN", "INSTALMENT"], "Loan")
        .sub("EMI")
        .tags("Loan, EMI, NACH"),
    debit(&["LOAN", "INSTALLMENT"], "Loan")
        .sub("EMI")
        .tags("Loan, EMI, NACH"),
    debit(&["LOAN", "REPAYMENT"], "Loan")
        .sub("EMI")
        .tags("Loan, EMI, NACH"),
    debit(&["LOAN", "INTEREST"], "Loan")
        .sub("Interest")
        .tags("Loan, NACH"),
    rule(&["RENT"], "Rent"),
    debit(&["CREDIT", "CARD"], "Credit Card Bill Payments"),
    debit(&["SWEEP", "TO", "FD"], INVESTMENTS).sub("Fixed Deposit"),
    credit(&["SWEEP", "FROM", "FD"], INVESTMENTS).sub("Fixed Deposit"),
    debit(&["SIP"], INVESTMENTS)
        .sub("Mutual Funds")
        .tags("NACH"),
    credit(&["MF", "REDEMPTION"], INVESTMENTS).sub("Mutual Funds"),
    debit(&["NPS"], INVESTMENTS).sub("Pension Fund"),
    rule(&["RECURRING", "DEPOSIT"], INVESTMENTS).sub("Recurring Deposit"),
    rule(&["CHIT"], INVESTMENTS).sub("Chit Fund"),
    debit(&["INVESTMENT"], INVESTMENTS),
    credit(&["DIVIDEND"], INVESTMENTS)
        .sub(DIVIDEND)
        .tags("NACH"),
    debit(&["PREMIUM"], INSURANCE),
    credit(&["SURVIVAL", "BENEFIT"], INSURANCE),
    debit(&["METRO", "CARD"], TRAVEL),
    debit(&["METRO"], TRAVEL),
    debit(&["RIDE", "AUTO"], TRAVEL),
    debit(&["TRAVEL"], TRAVEL),
    debit(&["ELECTRICITY"], UTILITIES).sub("Electricity"),
    debit(&["WATER", "SUPPLY"], UTILITIES).sub("Water"),
    debit(&["PIPED", "GAS"], UTILITIES).sub("Gas"),
    debit(&["MOBILE", "BILL"], UTILITIES)
        .sub("Telecom")
        .tags("Telecom"),
    debit(&["RECHARGE"], UTILITIES)
        .sub("Telecom")
        .tags("Telecom"),
    debit(&["BROADBAND"], UTILITIES)
        .sub("Telecom")
        .tags("Telecom"),
    debit(&["FUEL"], UTILITIES).sub("Fuel"),
    debit(&["PETROL"], UTILITIES).sub("Fuel"),
    debit(&["MEDICALS"], HEALTH).sub("Healthcare"),
    debit(&["CLINIC"], HEALTH).sub("Healthcare"),
    debit(&["DIAGNOSTICS"], HEALTH).sub("Healthcare"),
    debit(&["SCHOOL"], "Education"),
    debit(&["COLLEGE"], "Education"),
    debit(&["TUITION"], "Education"),
];

/// Texts by their first byte, so that few are compared with each of many narrations.
struct TextIndex {
    /// For each byte, the places of the texts that begin with it.
    by_initial: Vec<Vec<usize>>,
}

impl TextIndex {
    fn new(texts: impl IntoIterator<Item = &'static str>) -> Self {
        let mut by_initial = vec![Vec::new(); 256];
        for (place, text) in texts.into_iter().enumerate() {
            by_initial[usize::from(text.as_bytes()[0])].push(place);
        }
        Self { by_initial }
    }

    /// Returns the places of the texts that begin as this one does.
    fn candidates(&self, text: &str) -> impl Iterator<Item = usize> {
        let initial = text.as_bytes().first();
        let places = initial.map(|initial| &self.by_initial[usize::from(*initial)]);
        places.into_iter().flatten().copied()
    }
}

/// [`RULES`] by their first word.
static RULE_INDEX: LazyLock<TextIndex> =
    LazyLock::new(|| TextIndex::new(RULES.iter().map(|rule| rule.words[0])));

/// Finds the first rule that matches a narration in capitals.
fn find_rule(text: &str, direction: TransactionType) -> Option<&'static Rule> {
    let words: Vec<&str> = text
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut best: Option<usize> = None;
    for start in 0..words.len() {
        for place in RULE_INDEX.candidates(words[start]) {
            let rule = &RULES[place];
            let is_match = words[start..].starts_with(rule.words)
                && rule.direction.is_none_or(|required| required == direction);
            if is_match && best.is_none_or(|best| place < best) {
                best = Some(place);
            }
        }
    }
    best.map(|place| &RULES[place])
}

/// Classifies a transaction with a narration in capitals, by [`RULES`] first and by its mode where no
/// rule matches.
pub(crate) fn classify_narration(
    text: &str,
    mode: TransactionMode,
    direction: TransactionType,
) -> Classification {
    let by_mode = classify_by_mode(text, mode, direction);
    let (category, subcategory, tags) = match find_rule(text, direction) {
        Some(rule) if rule.tags.is_empty() => (rule.category, rule.subcategory, by_mode.2),
        Some(rule) => (rule.category, rule.subcategory, rule.tags),
        None => by_mode,
    };
    Classification {
        category,
        subcategory,
        tags,
    }
}

/// Categories and subcategories that the income is told by.
pub(crate) const INSURANCE: &str = "Insurance";
pub(crate) const INVESTMENTS: &str = "Investments";
pub(crate) const DIVIDEND: &str = "Dividend";
pub(crate) const BONUS: &str = "Bonus";

/// The categories of transfers whose narration tells no purpose.
pub(crate) const INWARD_TRANSFER: &str = "I/W Funds Transfer";
pub(crate) const OUTWARD_TRANSFER: &str = "O/W Funds Transfer";

/// The subcategory of a bank's charges for mandates without funds.
pub(crate) const BOUNCE_CHARGES: &str = "Bounce Charges";

/// The subcategory of a bank's charges for returned cheques.
pub(crate) const CHEQUE_BOUNCE_CHARGES: &str = "Cheque Bounce Charges";

/// Returns the payee whose mandate bounced, from the narration in capitals of the charge for it, if the
/// bank names it: the words between those of the charge.
pub(crate) fn extract_bounced_payee(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("RTN CHGS ")?;
    let end = ["RECOVERED", "INSUFFICIENT", "INCL GST"]
        .into_iter()
        .filter_map(|word| rest.find(word))
        .min()?;
    Some(rest[..end].trim())
}

fn classify_by_mode(
    text: &str,
    mode: TransactionMode,
    direction: TransactionType,
) -> (&'static str, Option<&'static str>, &'static str) {
    let is_credit = direction == TransactionType::Credit;
    let transfer = if is_credit {
        INWARD_TRANSFER
    } else {
        OUTWARD_TRANSFER
    };
    match mode {
        TransactionMode::Upi => (
            transfer,
            Some("UPI"),
            if is_merchant_payment(text) {
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
        TransactionMode::Card if is_credit => ("Debit Card Refund", None, "Debit Card Payments"),
        TransactionMode::Card => ("Debit card payments", None, "Debit Card Payments, POS"),
        TransactionMode::Atm if is_credit => ("Cash & ATM", Some("ATM Deposit"), "ATM"),
        TransactionMode::Atm => ("Cash & ATM withdrawals", Some("ATM"), "ATM"),
        TransactionMode::Cash if is_credit => ("Cash & ATM", Some("Cash Deposit"), "Cash"),
        TransactionMode::Cash => ("Cash & ATM withdrawals", Some("Cash"), "Cash"),
        TransactionMode::InterestCredit => ("Interest", None, "Interest"),
        TransactionMode::Remittance => (transfer, Some("Remittance"), "Remittance"),
        TransactionMode::Others if is_tax_payment(text) => ("Tax Paid", None, "Tax"),
        TransactionMode::Others => (
            transfer,
            Some("Third Party Transfer"),
            "Third Party Transfer",
        ),
    }
}

fn is_tax_payment(text: &str) -> bool {
    ["TAX", "ETAX", "BIL/TAX", "TO DEBIT-TAX"]
        .iter()
        .any(|word| text.starts_with(word) || text.contains(&format!("-{word}")))
}

/// Returns whether a UPI payment goes to or comes from a merchant: by its P2M or P2A marker, or by
/// its purpose where the bank prints no marker.
pub(crate) fn is_merchant_payment(text: &str) -> bool {
    !PAYMENT_OF_PERSON.is_match(text) && PAYMENT_OF_MERCHANT.is_match(text)
}

// A regular expression of literals searches once for all of them.
static PAYMENT_OF_PERSON: LazyLock<Regex> = LazyLock::new(|| compile("/P2[AP]/"));
static PAYMENT_OF_MERCHANT: LazyLock<Regex> =
    LazyLock::new(|| compile("/P2M/|PAYMENT|PURCHASE|BILL|RECHARGE|FUEL"));
static CHARGE: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(" CHGS "));
static SELF_TRANSFER: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("SELF TRANSFER"));

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is valid")
}

/// Returns whether a narration in capitals says that the holder transfers between own accounts.
pub(crate) fn is_self_transfer(text: &str) -> bool {
    SELF_TRANSFER.find(text.as_bytes()).is_some()
}

/// Parts of narrations that are not names.
const NOISE_WORDS: [&str; 49] = [
    "UPI",
    "DR",
    "CR",
    "IMPS",
    "NEFT",
    "NEFT CR",
    "NEFT DR",
    "RTGS",
    "RTGS CR",
    "RTGS DR",
    "FUND TRF CR",
    "FUND TRF DR",
    "FOREX REM CR",
    "FOREX REM DR",
    "INWARD REM",
    "OUTWARD REM",
    "SWIFT IN",
    "SWIFT OUT",
    "TRF",
    "MOCK",
    "MOCKBANK",
    "MOCK BANK",
    "ACH",
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
    "CTS S1",
    "MICR CLG",
    "CLG",
    "DEP",
    "IN",
    "OUT",
    "NETBANK",
    "PAYMENT",
    "VPS",
    "POS",
    "POS REFUND",
    "INF",
    "SELF",
    "CHQ PAID",
    "CHQ DEP",
    "REF",
];

/// Starts of narrations without a counterparty.
const NAMELESS_STARTS: [&str; 16] = [
    "ATM",
    "ATW",
    "CASH",
    "BY CASH",
    "TO CASH",
    "CDM",
    "INT.",
    "INTEREST",
    "CREDIT INTEREST",
    "CHARGES",
    "CHRG",
    "DEBIT-CHARGES",
    "TAX",
    "ETAX",
    "BIL/TAX",
    "TO DEBIT-TAX",
];

/// Starts of narrations whose other parts are separated by spaces.
const SPACED_STARTS: [&str; 15] = [
    "POS REFUND 4XXXXXXXXXXX",
    "POS REF 4XXXXXXXXXXX",
    "POS 4XXXXXXXXXXX",
    "DEBIT CARD REFUND-",
    "DEBIT CARD-POS ",
    "DEBIT-ACHDR ",
    "CREDIT-ACHCR ",
    "CHEQUE WDL-CHQ TRANSFER ",
    "CHEQUE DEP-CTS ",
    "BY CLG CHQ ",
    "CLG CHQ DEP ",
    "TO TRANSFER-INB ",
    "BY TRANSFER-INB ",
    "TO TRANSFER-OUTWARD REMITTANCE ",
    "BY TRANSFER-INWARD REMITTANCE ",
];

/// Returns the first part of a narration in capitals that looks like a name; empty if none does.
/// `city` is that of the account's branch, in capitals, which some banks print behind the name of a
/// shop.
pub(crate) fn extract_counterparty(text: &str, city: &str) -> String {
    let mut nameless = NAMELESS_INDEX.candidates(text);
    if nameless.any(|place| text.starts_with(NAMELESS_STARTS[place]))
        || CHARGE.find(text.as_bytes()).is_some()
    {
        return String::new();
    }
    let mut spaced = SPACED_INDEX.candidates(text);
    if let Some(rest) = spaced.find_map(|place| text.strip_prefix(SPACED_STARTS[place])) {
        return extract_spaced_name(rest.trim_end_matches('-'), city);
    }
    // In this form the purpose comes before the name: MMT/IMPS/reference/purpose/name/bank.
    if let Some(rest) = text.strip_prefix("MMT/IMPS/")
        && let [name, _, _, ..] = *rest.rsplit('/').skip(1).collect::<Vec<_>>()
    {
        return name.to_owned();
    }
    let text = ["TRF TO ", "TRF FROM ", "ACH D- ", "ACH C- "]
        .iter()
        .fold(text, |text, start| text.strip_prefix(start).unwrap_or(text));
    // Elsewhere it comes after the name, so the first part that looks like a name is the name.
    text.split(['/', '-', '*'])
        .map(|part| {
            let part = part.trim();
            let part = part.strip_prefix("TO ").unwrap_or(part);
            part.strip_prefix("FROM ").unwrap_or(part)
        })
        .find(|part| looks_like_name(part) && find_purpose(part).is_none())
        .unwrap_or_default()
        .to_owned()
}

/// Returns the words before the purpose, without references, card numbers and the city.
fn extract_spaced_name(text: &str, city: &str) -> String {
    let digits = |word: &str| word.bytes().filter(u8::is_ascii_digit).count();
    let words = text.split(' ').enumerate().filter(|(index, word)| {
        let limit = if *index == 0 { 4 } else { 6 };
        digits(word) < limit
    });
    let words: Vec<&str> = words.map(|(_, word)| word).collect();
    let text = words.join(" ");
    let spaces = text.match_indices(' ').map(|(start, _)| start);
    let purposes = spaces.filter_map(|start| {
        let length = find_purpose(&text[start + 1..])?.len();
        Some((start + length, start))
    });
    // A name may contain the word of a purpose, so the last purpose counts, and its longest form.
    let last = purposes.max_by_key(|(end, start)| (*end, Reverse(*start)));
    let name = &text[..last.map_or(text.len(), |(_, start)| start)];
    let shop = name.strip_suffix(city).filter(|_| !city.is_empty());
    shop.unwrap_or(name).trim_end().to_owned()
}

fn looks_like_name(part: &str) -> bool {
    let letters = part.chars().filter(char::is_ascii_alphabetic).count();
    let digits = part.chars().filter(char::is_ascii_digit).count();
    letters >= 3 && digits * 2 < letters && !part.contains('@') && !NOISE_WORDS.contains(&part)
}

/// Purposes, which are not names.
const PURPOSES: [&str; 86] = [
    "ADVANCE",
    "ADVANCE TAX",
    "ANNUITY",
    "BILL",
    "BONUS",
    "BROADBAND BILL",
    "CARD RECEIPTS",
    "CHIT PRIZE",
    "CHIT SUBSCRIPTION",
    "CLAIM SETTLEMENT",
    "CLINIC RENT",
    "CONSULTATION",
    "CREDIT CARD BILL",
    "CREDIT CARD DUES",
    "DAILY WAGES",
    "DIVIDEND",
    "DIWALI BONUS",
    "DRAWINGS",
    "EDUCATION LOAN INTEREST",
    "ELECTRICITY BILL",
    "EMI",
    "EQUIPMENT LOAN EMI",
    "FAMILY MAINTENANCE",
    "FEES",
    "FESTIVAL ADVANCE",
    "FLAT RENT",
    "FUEL",
    "GOODS",
    "GROUP LOAN EMI",
    "GST",
    "HEALTH PREMIUM",
    "HOME LOAN EMI",
    "HOSTEL MESS",
    "HOUSE HELP",
    "HOUSE REPAIR",
    "HOUSEHOLD",
    "INSTALMENT",
    "INTEREST PAYOUT",
    "INVESTMENT",
    "INVOICE",
    "LIFE PREMIUM",
    "LOAN",
    "LOAN DISBURSEMENT",
    "MACHINERY LOAN EMI",
    "MAINTENANCE",
    "MATURITY",
    "MF REDEMPTION",
    "NPS",
    "PARENTS",
    "PAYMENT",
    "PAYOUT",
    "PENSION",
    "PL EMI",
    "POCKET MONEY",
    "PREMIUM LATE FEE",
    "PROFESSIONAL FEES",
    "PURCHASE",
    "RAW MATERIAL",
    "RECHARGE",
    "REFUND",
    "REMUNERATION",
    "RENT",
    "RENT RECEIVED",
    "REPAID",
    "RETURNED FUNDS",
    "REVERSAL",
    "SALARY",
    "SALES RETURN",
    "SCHEME INTEREST",
    "SCHOOL FEES",
    "SELF TRANSFER",
    "SEMESTER FEES",
    "SHOP RENT",
    "SIP",
    "SPLIT",
    "STIPEND",
    "SUPPLIES",
    "SURVIVAL BENEFIT",
    "SWEEP FROM FD",
    "SWEEP TO FD",
    "TILL",
    "TRIP",
    "TW LOAN EMI",
    "NIGHT WAGES",
    "WAGES",
    "WEEKLY PAYOUT",
];

static NAMELESS_INDEX: LazyLock<TextIndex> = LazyLock::new(|| TextIndex::new(NAMELESS_STARTS));
static SPACED_INDEX: LazyLock<TextIndex> = LazyLock::new(|| TextIndex::new(SPACED_STARTS));
static PURPOSE_INDEX: LazyLock<TextIndex> = LazyLock::new(|| TextIndex::new(PURPOSES));

/// Returns the longest purpose that a text begins with, as whole words.
fn find_purpose(text: &str) -> Option<&'static str> {
    let purposes = PURPOSE_INDEX.candidates(text).map(|place| PURPOSES[place]);
    let matching = purposes.filter(|purpose| {
        let rest = text.strip_prefix(purpose);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    matching.max_by_key(|purpose| purpose.len())
}

#[cfg(test)]
mod tests {
    use super::{classify_narration, extract_counterparty};
    use crate::domain::statement::TransactionMode as Mode;
    use crate::domain::terms::TransactionType::{Credit, Debit};

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
                "MMT/IMPS/409012345678/GROCERIES OF MAY/OMKAR JOSHI/MOCK BANK",
                Mode::Imps,
                Credit,
                "I/W Funds Transfer",
                "OMKAR JOSHI",
            ),
            (
                "DEBIT-ACHDR MOCK0826113792 UJALA MICROFINANCE LTD GROUP LOAN EMI 004 OF 024--",
                Mode::Nach,
                Debit,
                "Loan",
                "UJALA MICROFINANCE LTD",
            ),
            (
                "ACH D- MOCK HOUSING FINANCE LTD-HOME LOAN INSTALMENT-MOCK1",
                Mode::Nach,
                Debit,
                "Loan",
                "MOCK HOUSING FINANCE LTD",
            ),
            (
                "NEFT DR-MOCK0000001-MOCK HOUSING FINANCE LTD-HOME LOAN REPAYMENT-MOCKN24",
                Mode::Neft,
                Debit,
                "Loan",
                "MOCK HOUSING FINANCE LTD",
            ),
            // Rules match words: RENT is not in PARENTS, nor is EMI in PREMIER.
            (
                "UPI/P2A/409012345678/MEERA IYER/PARENTS/MOCK BANK",
                Mode::Upi,
                Debit,
                "O/W Funds Transfer",
                "MEERA IYER",
            ),
            (
                "UPI/P2M/409012345678/PREMIER STORES/PAYMENT/MOCK BANK",
                Mode::Upi,
                Debit,
                "O/W Funds Transfer",
                "PREMIER STORES",
            ),
            // The specific rule comes first: a metro card is recharged for travel.
            (
                "UPI/P2M/409012345678/METRO CARD RECHARGE/PAYMENT/MOCK BANK",
                Mode::Upi,
                Debit,
                "Travel & Transport",
                "METRO CARD RECHARGE",
            ),
            (
                "UPI/P2M/409012345678/AIRWAVE RECHARGE/RECHARGE/MOCK BANK",
                Mode::Upi,
                Debit,
                "Utilities",
                "AIRWAVE RECHARGE",
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
            let classification = classify_narration(narration, mode, direction);
            assert_eq!(classification.category, category, "{narration}");
            assert_eq!(
                extract_counterparty(narration, "PUNE"),
                counterparty,
                "{narration}"
            );
        }
    }
}
