//! The balance of an account as a picture.

use std::fmt::Write;

use crate::domain::money::Paise;
use crate::domain::statement::Transactions;

const WIDTH: i64 = 720;
const HEIGHT: i64 = 180;
/// Room for the scale.
const LEFT: i64 = 70;
const TOP: i64 = 24;
const BOTTOM: i64 = 20;

/// A line of closing balances over the range, with its scale; SVG, the same bytes each time.
pub fn balance_chart(title: &str, transactions: &Transactions) -> String {
    let range = transactions.range;
    let days = (range.to.ist_date() - range.from.ist_date())
        .num_days()
        .max(1);
    // The last balance of each day.
    let mut closing: Vec<(i64, i64)> = Vec::new();
    for row in &transactions.rows {
        let day = (row.at.ist_date() - range.from.ist_date()).num_days();
        match closing.last_mut() {
            Some((last, balance)) if *last == day => *balance = row.balance.0,
            _ => closing.push((day, row.balance.0)),
        }
    }
    let least = closing
        .iter()
        .map(|(_, balance)| *balance)
        .min()
        .unwrap_or(0)
        .min(0);
    let most = closing
        .iter()
        .map(|(_, balance)| *balance)
        .max()
        .unwrap_or(0)
        .max(least + 100);
    let x = |day: i64| LEFT + day * (WIDTH - LEFT - 10) / days;
    let y = |balance: i64| {
        let height = i128::from(HEIGHT - TOP - BOTTOM);
        let part = i128::from(most - balance) * height / i128::from(most - least);
        TOP + i64::try_from(part).expect("within the picture")
    };
    let mut path = String::new();
    for (place, (day, balance)) in closing.iter().enumerate() {
        // A balance stays what it is until the next day that changes it.
        match place {
            0 => write!(path, "M{} {}", x(*day), y(*balance)),
            _ => write!(path, "H{}V{}", x(*day), y(*balance)),
        }
        .expect("writing to a string cannot fail");
    }
    if !closing.is_empty() {
        write!(path, "H{}", x(days)).expect("writing to a string cannot fail");
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n<text x=\"{LEFT}\" y=\"15\" fill=\"#333\">{}</text>\n",
        escaped(title)
    );
    for balance in [most, i64::midpoint(most, least), least] {
        let (y, label) = (y(balance), rupees(balance));
        svg += &format!(
            "<path d=\"M{LEFT} {y}H{}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#777\">{label}</text>\n",
            WIDTH - 10,
            LEFT - 6,
            y + 4
        );
    }
    svg += &format!("<path d=\"{path}\" fill=\"none\" stroke=\"#0a6\" stroke-width=\"1.3\"/>\n");
    let (from, to) = (range.from.ist_date(), range.to.ist_date());
    svg += &format!(
        "<text x=\"{LEFT}\" y=\"{}\" fill=\"#777\">{from}</text>\n",
        HEIGHT - 5
    );
    svg += &format!(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#777\">{to}</text>\n</svg>\n",
        WIDTH - 10,
        HEIGHT - 5
    );
    svg
}

/// Whole rupees, grouped as India does: 12,34,567.
fn rupees(paise: i64) -> String {
    let digits = Paise(paise.abs()).0 / 100;
    let text = digits.to_string();
    let (head, tail) = text.split_at(text.len().saturating_sub(3));
    let mut told = String::new();
    for (place, digit) in head.chars().enumerate() {
        told.push(digit);
        if (head.len() - place - 1).is_multiple_of(2) {
            told.push(',');
        }
    }
    format!("{}{told}{tail}", if paise < 0 { "-" } else { "" })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::rupees;

    #[test]
    fn rupees_are_grouped_by_lakh_and_crore() {
        for (paise, told) in [
            (0, "0"),
            (99_900, "999"),
            (100_000, "1,000"),
            (12_345_600, "1,23,456"),
            (-123_456_700, "-12,34,567"),
        ] {
            assert_eq!(rupees(paise), told);
        }
    }
}
