//! What a person types into a field of a form.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::domain::customer_address::is_mobile_number;
use crate::domain::participants::Participants;
use crate::domain::text::quote_value;
use crate::domain::time::Timestamp;
use crate::engine::world::World;
use crate::wire::api_error::ApiError;
use crate::wire::fields::parse_timestamp;

/// Completes a mobile number to the address of a customer whom the world knows, else as
/// [`complete_customer`].
pub(super) fn complete_known_customer(world: &World, text: &str) -> String {
    let text = text.trim();
    let known = is_mobile_number(text).then(|| {
        let addresses = world.catch_up().customer_addresses(0, usize::MAX);
        let mut addresses = addresses.into_iter();
        addresses.find(|it| it.split_once('@').is_some_and(|(name, _)| name == text))
    });
    match known.flatten() {
        Some(address) => address.to_string(),
        None => complete_customer(&world.participants(), text),
    }
}

/// Completes a mobile number to the address of a customer of the default AA.
pub(super) fn complete_customer(participants: &Participants, text: &str) -> String {
    let text = text.trim();
    if is_mobile_number(text) {
        format!("{text}@{}", participants.default_aa().handle)
    } else {
        text.to_owned()
    }
}

/// Reads a time; one without an offset is of India, and a day alone begins at midnight.
pub(super) fn read_time(text: &str) -> Option<Timestamp> {
    const LOCAL_FORMS: [&str; 4] = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
    ];
    let text = text.trim();
    let local = || {
        let mut forms = LOCAL_FORMS.iter();
        let time = forms.find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        time.or_else(|| day.map(|day| day.and_time(NaiveTime::MIN)))
    };
    parse_timestamp(text).or_else(|| {
        let at = Timestamp::from_ist(local()?);
        (Timestamp::MIN..=Timestamp::MAX)
            .contains(&at)
            .then_some(at)
    })
}

/// Parses a time as [`read_time`] reads it.
pub(super) fn parse_time(field: &'static str, text: &str) -> Result<Timestamp, ApiError> {
    read_time(text).ok_or_else(|| {
        let message = format!(
            "{} is no time such as 2026-01-31, 2026-01-31 10:30 (in India) or 2026-01-31T05:00:00Z",
            quote_value(text)
        );
        ApiError::invalid_field(field, message)
    })
}

#[cfg(test)]
mod tests {
    use super::read_time;

    #[test]
    fn a_time_without_an_offset_is_of_india() {
        for (text, expected) in [
            ("2026-01-31", Some("2026-01-30T18:30:00.000Z")),
            ("2026-01-31 10:30", Some("2026-01-31T05:00:00.000Z")),
            (" 2026-01-31T10:30:15 ", Some("2026-01-31T05:00:15.000Z")),
            ("2026-01-31T05:00:00Z", Some("2026-01-31T05:00:00.000Z")),
            (
                "2026-01-31T10:30:00+05:30",
                Some("2026-01-31T05:00:00.000Z"),
            ),
            ("31 January", None),
            ("99999-01-01", None),
            ("", None),
        ] {
            let read = read_time(text).map(|at| at.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
