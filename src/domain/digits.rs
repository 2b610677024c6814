//! Formatting of numbers as decimal digits. Statements have thousands of rows, and a format string
//! costs several times as much as writing the digits.

/// The numbers 00 to 99, two digits each.
const PAIRS: &str = "0001020304050607080910111213141516171819\
                     2021222324252627282930313233343536373839\
                     4041424344454647484950515253545556575859\
                     6061626364656667686970717273747576777879\
                     8081828384858687888990919293949596979899";

/// Returns the last two digits of a number.
pub(crate) fn two_digits(number: u64) -> &'static str {
    let start = 2 * usize::try_from(number % 100).expect("below 100");
    &PAIRS[start..start + 2]
}

/// Fills the buffer with the last digits of a number, with leading zeros.
pub(crate) fn write_padded(buffer: &mut [u8], number: u64) {
    let mut rest = number;
    let mut pairs = buffer.rchunks_exact_mut(2);
    for chunk in &mut pairs {
        chunk.copy_from_slice(two_digits(rest).as_bytes());
        rest /= 100;
    }
    if let [last_digit] = pairs.into_remainder() {
        *last_digit = two_digits(rest).as_bytes()[1];
    }
}

/// Appends the decimal digits of a number.
pub(crate) fn append_number(out: &mut Vec<u8>, mut number: u64) {
    let mut buffer = [0; 20];
    let mut start = buffer.len();
    while number >= 10 {
        start -= 2;
        buffer[start..start + 2].copy_from_slice(two_digits(number).as_bytes());
        number /= 100;
    }
    if number > 0 || start == buffer.len() {
        start -= 1;
        buffer[start] = two_digits(number).as_bytes()[1];
    }
    out.extend_from_slice(&buffer[start..]);
}

#[cfg(test)]
mod tests {
    use super::{append_number, write_padded};

    #[test]
    fn numbers_are_what_format_strings_make_of_them() {
        for number in [
            0,
            5,
            9,
            10,
            42,
            99,
            100,
            101,
            999,
            1_000,
            12_345,
            1_000_000,
            u64::MAX,
        ] {
            let mut out = Vec::new();
            append_number(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
            let mut buffer = [b' '; 7];
            write_padded(&mut buffer, number);
            assert_eq!(
                std::str::from_utf8(&buffer).unwrap(),
                format!("{:07}", number % 10_000_000)
            );
        }
    }
}
