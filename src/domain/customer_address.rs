//! The address of a customer at an AA, `name@handle`, in the one form in which a world keeps it.

use std::borrow::Cow;
use std::sync::Arc;

/// Digits of a mobile number of India, without the country code.
const NATIONAL_DIGITS: usize = 10;

/// Returns the address, or the name without a handle, with a mobile number of India in its national
/// form: ten digits. So `+919999999002`, `919999999002`, `09999999002` and `9999999002` are one
/// customer on every API. A number of another country keeps its `+`. Other names stay as they are.
///
/// `Assumption:` no source states that these spellings are one customer. The networks route them to
/// one subscriber, and FIPs discover accounts by that number. Ten digits after a `+` are a number of
/// India whose country code was forgotten.
pub(crate) fn normalize_address(address: &str) -> Cow<'_, str> {
    let (name, handle) = split_address(address);
    match normalize_name(name) {
        Cow::Borrowed(normal) if normal.len() == name.len() => Cow::Borrowed(address),
        normal => Cow::Owned(match handle {
            Some(handle) => format!("{normal}@{handle}"),
            None => normal.into_owned(),
        }),
    }
}

/// Returns the address in its normal form, and the address as it was sent if that differs.
pub(crate) fn normalize_sent_address(sent: String) -> (Arc<str>, Option<Box<str>>) {
    let normal: Option<Arc<str>> = match normalize_address(&sent) {
        Cow::Borrowed(normal) if normal == sent => None,
        normal => Some(normal.into()),
    };
    match normal {
        Some(normal) => (normal, Some(sent.into())),
        None => (sent.into(), None),
    }
}

/// Returns the customer's identifier, the same at every FIP and AA: the name of the address in its
/// normal form. The data of a customer is generated from it.
///
/// `Assumption:` FIPs discover accounts by the mobile number that an AA has verified, so a number
/// has the same accounts at all AAs. No source says the same of other names; they are treated
/// alike.
pub(crate) fn customer_identifier(address: &str) -> Cow<'_, str> {
    normalize_name(split_address(address).0)
}

fn split_address(address: &str) -> (&str, Option<&str>) {
    address
        .split_once('@')
        .map_or((address, None), |(name, handle)| (name, Some(handle)))
}

/// Returns a pattern of addresses, in which `*` stands for any text, in the form of the addresses
/// that it is to match. A number of India loses its country code as far as the pattern shows it.
pub(crate) fn normalize_pattern(pattern: &str) -> Cow<'_, str> {
    let (name, handle) = split_address(pattern);
    let is_number = name.contains('*')
        && name
            .chars()
            .all(|c| c.is_ascii_digit() || ['*', '+', ' ', '-'].contains(&c));
    if !is_number {
        return normalize_address(pattern);
    }
    let digits = remove_separators(name);
    let national = ["+91", "0091", "0"]
        .iter()
        .find_map(|prefix| digits.strip_prefix(prefix))
        .unwrap_or(&digits);
    Cow::Owned(match handle {
        Some(handle) => format!("{national}@{handle}"),
        None => national.to_owned(),
    })
}

fn normalize_name(name: &str) -> Cow<'_, str> {
    if is_national_number(name) {
        return Cow::Borrowed(name);
    }
    let digits = remove_separators(name);
    let prefixes: &[&str] = if digits.starts_with('+') {
        &["+91", "+"]
    } else {
        &["0", "91", "091", "0091", ""]
    };
    let national = prefixes
        .iter()
        .filter_map(|prefix| digits.strip_prefix(prefix))
        .find(|rest| is_national_number(rest));
    if let Some(national) = national {
        return Cow::Owned(national.to_owned());
    }
    let is_foreign = digits.strip_prefix('+').is_some_and(is_digits);
    if is_foreign {
        digits
    } else {
        Cow::Borrowed(name)
    }
}

/// Returns the number without the spaces and hyphens that people write in it.
fn remove_separators(number: &str) -> Cow<'_, str> {
    if number.contains([' ', '-']) {
        Cow::Owned(number.replace([' ', '-'], ""))
    } else {
        Cow::Borrowed(number)
    }
}

/// Returns whether the text is a mobile number: one of India, or of another country with its code.
/// A number has at most 15 digits (ITU-T E.164, section 6.1).
pub(crate) fn is_mobile_number(text: &str) -> bool {
    let normal = normalize_name(text);
    let digits = normal.strip_prefix('+').unwrap_or(&normal);
    // With the code of India, it would be in its national form.
    !normal.starts_with("+91")
        && is_digits(digits)
        && (NATIONAL_DIGITS..=15).contains(&digits.len())
}

pub(crate) fn is_national_number(text: &str) -> bool {
    text.len() == NATIONAL_DIGITS && is_digits(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{customer_identifier, normalize_address, normalize_pattern};

    #[test]
    fn a_mobile_number_has_one_form() {
        for number in [
            "9999999002",
            "09999999002",
            "919999999002",
            "+919999999002",
            "0919999999002",
            "00919999999002",
            "+91-99999-99002",
            "+91 9999999002",
        ] {
            let address = format!("{number}@mockaa");
            assert_eq!(normalize_address(&address), "9999999002@mockaa", "{number}");
            assert_eq!(normalize_address(number), "9999999002", "{number}");
            assert_eq!(customer_identifier(&address), "9999999002", "{number}");
        }
    }

    #[test]
    fn other_names_keep_their_form() {
        for name in [
            "asha",
            "a-b",
            "12-34",
            "0123",
            "+",
            "91",
            "+asha",
            "9999999002x",
            "",
        ] {
            let address = format!("{name}@mockaa");
            assert_eq!(normalize_address(&address), address);
            assert_eq!(customer_identifier(&address), name);
        }
    }

    #[test]
    fn a_number_of_another_country_is_no_number_of_india() {
        for number in ["+447700900123", "+97150123456", "+8613912345678"] {
            assert_eq!(normalize_address(number), number);
        }
        assert_eq!(normalize_address("+44 7700-900123@aa"), "+447700900123@aa");
    }

    #[test]
    fn a_pattern_has_the_form_of_the_addresses_that_it_matches() {
        for (pattern, normal) in [
            ("+9198765*", "98765*"),
            ("+91 98765-*@mockaa", "98765*@mockaa"),
            ("0091987*", "987*"),
            ("0987*", "987*"),
            ("98765*", "98765*"),
            ("91987*", "91987*"),
            ("*002@mockaa", "*002@mockaa"),
            ("+65*", "+65*"),
            ("+919999999002@*", "9999999002@*"),
            ("asha-*@mockaa", "asha-*@mockaa"),
            ("*", "*"),
        ] {
            assert_eq!(normalize_pattern(pattern), normal, "{pattern}");
        }
    }

    #[test]
    fn normalizing_twice_changes_nothing() {
        for address in ["+91 99999 99002@a", "091-9999999002", "0@0", "@", "00@91"] {
            let once = normalize_address(address);
            assert_eq!(normalize_address(&once), once);
        }
    }
}
