//! The parts of a supplied statement beside its rows: holders and summary.

use chrono::NaiveDate;

use super::rows::{check_text, parse_ist_timestamp};
use crate::domain::account::AccountType;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::money::Paise;
use crate::domain::statement::{Holder, Summary};
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;

/// The fields of a part: attributes in XML, keys with texts in JSON.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    pub line: u64,
    pub values: Vec<(String, String)>,
}

impl Fields {
    /// Returns the first of these fields that has a text.
    fn get(&self, names: &[&str]) -> Option<&str> {
        let find = |name: &&str| {
            let mut values = self.values.iter();
            values
                .find(|(known, value)| known == name && !value.trim().is_empty())
                .map(|(_, value)| value.trim())
        };
        names.iter().find_map(find)
    }

    /// Returns a text that may be missing.
    fn text(&self, names: &[&str]) -> Result<String, Diagnostic> {
        let text = self.get(names).unwrap_or_default();
        check_text(text).map_err(|message| self.error(format!("{} {message}", names[0])))?;
        Ok(text.to_owned())
    }

    fn error(&self, message: String) -> Diagnostic {
        Diagnostic {
            line: self.line,
            column: 0,
            message,
        }
    }

    /// Parses a field that may be missing.
    fn parse<T>(
        &self,
        names: &[&str],
        parse: impl Fn(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Option<T>, Diagnostic> {
        let Some(text) = self.get(names) else {
            return Ok(None);
        };
        let parsed = parse(text);
        let name = names[0];
        parsed
            .map(Some)
            .ok_or_else(|| self.error(format!("{name} {} is not {expected}", quote_value(text))))
    }

    /// Returns a note about each field beside these that has a text.
    fn list_dropped(&self, part: &str, known: &[&str]) -> Vec<Diagnostic> {
        let fields = self.values.iter();
        let dropped = fields
            .filter(|(name, value)| !known.contains(&name.as_str()) && !value.trim().is_empty());
        dropped
            .map(|(name, _)| self.error(format!("{name} of {part} is not kept")))
            .collect()
    }
}

const DATE: &str = "a date such as 2024-03-31";

fn parse_date(text: &str) -> Option<NaiveDate> {
    // Some have a time.
    text.get(..10)?.parse().ok()
}

/// The fields of a holder that are kept.
const HOLDER_FIELDS: [&str; 10] = [
    "name",
    "dob",
    "mobile",
    "nominee",
    "landline",
    "email",
    "pan",
    "address",
    "ckycRegistered",
    "ckycCompliance",
];

/// Reads a holder. Adds a note about each field that is not kept.
pub(super) fn read_holder(
    fields: &Fields,
    notes: &mut Vec<Diagnostic>,
) -> Result<Holder, Diagnostic> {
    notes.extend(fields.list_dropped("Holder", &HOLDER_FIELDS));
    let name = fields.text(&["name"])?;
    if name.is_empty() {
        return Err(fields.error("name of a Holder is missing".to_owned()));
    }
    let nominee = |text: &str| match text {
        "REGISTERED" => Some(true),
        "NOT-REGISTERED" => Some(false),
        _ => None,
    };
    let ckyc = |text: &str| match text {
        "YES" | "true" | "1" => Some(Some(true)),
        "NO" | "false" | "0" => Some(Some(false)),
        "NO_DATA_AVAILABLE" => Some(None),
        _ => None,
    };
    Ok(Holder {
        name,
        date_of_birth: fields.parse(&["dob"], parse_date, DATE)?,
        mobile: fields.text(&["mobile"])?,
        landline: fields.text(&["landline"])?,
        email: fields.text(&["email"])?,
        pan: fields.text(&["pan"])?,
        address: fields.text(&["address"])?,
        nominee_registered: fields.parse(&["nominee"], nominee, "REGISTERED or NOT-REGISTERED")?,
        ckyc_compliant: fields
            .parse(
                &["ckycRegistered", "ckycCompliance"],
                ckyc,
                "YES, NO, NO_DATA_AVAILABLE, true or false",
            )?
            .flatten(),
        demat_id: String::new(),
    })
}

/// The fields of a summary that are kept, or follow from those that are.
const SUMMARY_FIELDS: [&str; 18] = [
    "currentBalance",
    "balanceDateTime",
    "balanceDate",
    "currency",
    "type",
    "accountType",
    "accountSubType",
    "branch",
    "ifsc",
    "ifscCode",
    "micrCode",
    "microCode",
    "openingDate",
    "currentODLimit",
    "currentOdLimit",
    "drawingLimit",
    "facility",
    "status",
];

/// A summary, before it is known when a balance without a time holds.
#[derive(Clone, Debug)]
pub(super) struct SummaryDraft {
    pub line: u64,
    pub balance: Paise,
    pub balance_at: Option<Timestamp>,
    pub account_type: Option<AccountType>,
    branch: String,
    ifsc: String,
    micr: String,
    opened_on: Option<NaiveDate>,
    pub overdraft_limit: Paise,
    active: bool,
}

impl SummaryDraft {
    /// Reads a summary. Adds a note about each field that is not kept.
    pub(super) fn read(fields: &Fields, notes: &mut Vec<Diagnostic>) -> Result<Self, Diagnostic> {
        notes.extend(fields.list_dropped("Summary", &SUMMARY_FIELDS));
        if let Some(currency) = fields.get(&["currency"]).filter(|name| *name != "INR") {
            let message = format!(
                "currency {} of Summary is kept as INR",
                quote_value(currency)
            );
            notes.push(fields.error(message));
        }
        let amount = "an amount, such as 1250.50, without commas and with at most two decimals";
        let balance = fields.parse(&["currentBalance"], parse_amount, amount)?;
        let balance = balance
            .ok_or_else(|| fields.error("currentBalance of Summary is missing".to_owned()))?;
        let limit = fields.parse(&["currentODLimit", "currentOdLimit"], parse_amount, amount)?;
        if fields.get(&["facility"]) == Some("CASH_CREDIT") {
            notes.push(fields.error("facility CASH_CREDIT of Summary is not kept".to_owned()));
        }
        let is_active = |text: &str| match text {
            "ACTIVE" => Some(true),
            "INACTIVE" => Some(false),
            _ => None,
        };
        Ok(Self {
            line: fields.line,
            balance,
            balance_at: fields.parse(
                &["balanceDateTime", "balanceDate"],
                parse_ist_timestamp,
                "a timestamp such as 2024-03-31T10:15:00+05:30",
            )?,
            account_type: read_account_type(fields),
            branch: fields.text(&["branch"])?,
            ifsc: fields.text(&["ifsc", "ifscCode"])?,
            micr: fields.text(&["micrCode", "microCode"])?,
            opened_on: fields.parse(&["openingDate"], parse_date, DATE)?,
            overdraft_limit: limit.unwrap_or(Paise(0)),
            active: fields
                .parse(&["status"], is_active, "ACTIVE or INACTIVE")?
                .unwrap_or(true),
        })
    }

    /// Returns the summary. Without a time of its own, the balance is that of the last row.
    pub(super) fn into_summary(self, last: Timestamp) -> Summary {
        Summary {
            balance: self.balance,
            balance_at: self.balance_at.unwrap_or(last),
            branch: self.branch,
            ifsc: self.ifsc,
            micr: self.micr,
            opened_on: self.opened_on,
            overdraft_limit: self.overdraft_limit,
            active: self.active,
        }
    }
}

/// Returns the type of a bank account: accounts of non-residents are told by `accountType`, others by
/// `accountSubType` or, in the retired schemas, `type`.
fn read_account_type(fields: &Fields) -> Option<AccountType> {
    let names = ["accountType", "accountSubType", "type"];
    let types = names.map(|name| AccountType::parse(fields.get(&[name])?));
    let mut types = types.into_iter().flatten();
    types.find(|account_type| *account_type != AccountType::Default)
}

/// Parses an amount as documents have it, which may be written as Java prints it: `1.0E8`.
pub(super) fn parse_amount(text: &str) -> Option<Paise> {
    let text = text.trim();
    if let Some(amount) = Paise::parse(text) {
        return Some(amount);
    }
    let (mantissa, exponent) = text.split_once(['E', 'e'])?;
    let exponent: usize = exponent.parse().ok().filter(|exponent| *exponent < 15)?;
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(decimals) {
        return None;
    }
    let decimals = format!("{decimals:0<exponent$}");
    let (shifted, rest) = decimals.split_at(exponent);
    let rest = rest.trim_end_matches('0');
    let point = if rest.is_empty() { "" } else { "." };
    Paise::parse(&format!("{sign}{whole}{shifted}{point}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::parse_amount;
    use crate::domain::money::Paise;

    #[test]
    fn amounts_are_read_as_java_prints_them() {
        for (text, paise) in [
            ("1250.50", Some(125_050)),
            ("-3", Some(-300)),
            ("1.0E8", Some(10_000_000_000)),
            ("1.043311855E7", Some(1_043_311_855)),
            ("-2.5E0", Some(-250)),
            ("2.025018787E7", Some(2_025_018_787)),
            ("1.0E", None),
            ("E5", None),
            ("1.23456E2", None),
            ("1e99", None),
            ("1,250", None),
        ] {
            assert_eq!(parse_amount(text), paise.map(Paise), "{text}");
        }
    }
}
