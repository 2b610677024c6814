//! The address of a customer at an AA, `name@handle`, in the one form in which a world keeps it.

use std::borrow::Cow;
use std::sync::Arc;

/// Digits of a mobile number of India, without the country code.
const NATIONAL_DIGITS: usize = 10;

/// Returns the address, or the name without a handle, with a mobile number of India in its national
/// form: ten digits. So `+919999999002`, `919999999002`, `09999999002` and `9999999002` are one
/// customer on every API. Other names stay as they are, but for a `+` before digits.
///
/// `Assumption:` no source states that these spellings are one customer. The networks route them to
/// one subscriber, and FIPs discover accounts by that number.
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

fn normalize_name(name: &str) -> Cow<'_, str> {
    if is_national_number(name) {
        return Cow::Borrowed(name);
    }
    let international = name.strip_prefix('+');
    let digits = remove_separators(international.unwrap_or(name));
    let national = ["0", "91", "091", "0091"]
        .iter()
        .filter_map(|prefix| digits.strip_prefix(prefix))
        .chain([&*digits])
        .find(|rest| is_national_number(rest));
    match national {
        Some(national) => Cow::Owned(national.to_owned()),
        None => Cow::Borrowed(international.filter(|rest| is_digits(rest)).unwrap_or(name)),
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

pub(crate) fn is_national_number(text: &str) -> bool {
    text.len() == NATIONAL_DIGITS && is_digits(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{customer_identifier, normalize_address};

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
        assert_eq!(
            normalize_address("+447700900123@mockaa"),
            "447700900123@mockaa"
        );
    }

    #[test]
    fn normalizing_twice_changes_nothing() {
        for address in ["+91 99999 99002@a", "091-9999999002", "0@0", "@", "00@91"] {
            let once = normalize_address(address);
            assert_eq!(normalize_address(&once), once);
        }
    }
}
