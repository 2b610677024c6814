//! Options with a number: a value that does not fit is refused with the range that does. clap
//! refuses text with "invalid digit found in string", which names neither.

use std::any::TypeId;
use std::fmt::Display;
use std::str::FromStr;

use clap::builder::ValueParser;
use clap::{Arg, Command};

/// Replaces the parsers of all numbers in a command and its subcommands. The values that they accept
/// stay the same.
pub(crate) fn explain_numbers(command: Command) -> Command {
    command
        .mut_args(explain_number)
        .mut_subcommands(explain_numbers)
}

fn explain_number(option: Arg) -> Arg {
    let parser = option.get_value_parser();
    let type_id = parser.type_id();
    let parser = if type_id == TypeId::of::<u16>() {
        parser_in_range::<u16>(parser, 0..=u16::MAX.into())
    } else if type_id == TypeId::of::<u32>() {
        parser_in_range::<u32>(parser, 0..=u32::MAX.into())
    } else if type_id == TypeId::of::<u64>() {
        parser_in_range::<u64>(parser, 0..=u64::MAX)
    } else if type_id == TypeId::of::<usize>() {
        parser_in_range::<usize>(parser, 0..=u64::MAX)
    } else {
        return option;
    };
    // Else `-1` is an unknown option.
    option.value_parser(parser).allow_negative_numbers(true)
}

/// Returns a parser of whole numbers in the range of another parser, by default in the range of the
/// type.
fn parser_in_range<T>(
    parser: &ValueParser,
    type_range: std::ops::RangeInclusive<u64>,
) -> ValueParser
where
    T: FromStr + Clone + Display + Send + Sync + 'static,
{
    let range = find_range(parser).unwrap_or(type_range);
    let refusal = format!(
        "give a whole number from {} to {}",
        range.start(),
        range.end()
    );
    ValueParser::from(move |text: &str| {
        let number: Option<u64> = text.parse().ok();
        let is_accepted = number.is_some_and(|number| range.contains(&number));
        let number = text.parse::<T>().ok().filter(|_| is_accepted);
        number.ok_or_else(|| refusal.clone())
    })
}

/// Returns the range of a parser, which clap names only when it refuses a number outside.
fn find_range(parser: &ValueParser) -> Option<std::ops::RangeInclusive<u64>> {
    let probe = Command::new("probe").no_binary_name(true).arg(
        Arg::new("number")
            .value_parser(parser.clone())
            .allow_hyphen_values(true),
    );
    ["-1", "0", "18446744073709551615"]
        .into_iter()
        .find_map(|number| {
            let error = probe.clone().try_get_matches_from([number]).err()?;
            let text = error.to_string();
            let (_, range) = text.split_once(" is not in ")?;
            let (start, end) = range.lines().next()?.split_once("..")?;
            let end = match end.strip_prefix('=') {
                Some(end) => end.parse().ok()?,
                None => u64::MAX,
            };
            Some(start.parse().ok()?..=end)
        })
}

#[cfg(test)]
mod tests {
    use clap::value_parser;

    use super::*;

    #[test]
    fn a_number_keeps_the_range_of_its_option() {
        for (parser, range) in [
            (
                ValueParser::from(value_parser!(u16).range(1..=1024)),
                Some(1..=1024),
            ),
            (ValueParser::from(value_parser!(u16)), Some(0..=65535)),
            (
                ValueParser::from(value_parser!(u64).range(1..=9)),
                Some(1..=9),
            ),
            (
                ValueParser::from(value_parser!(u64).range(1..)),
                Some(1..=u64::MAX),
            ),
            (ValueParser::from(value_parser!(u64)), None),
        ] {
            assert_eq!(find_range(&parser), range);
        }
    }
}
