//! Loans repaid by equal monthly instalments on the reducing balance.

use crate::domain::money::Paise;

/// An instalment of a loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instalment {
    /// Counted from 1.
    pub number: u32,
    /// The number of instalments of the loan.
    pub total_count: u32,
    pub principal: Paise,
    pub interest: Paise,
}

impl Instalment {
    pub(crate) fn amount(self) -> Paise {
        self.principal + self.interest
    }
}

/// Builds the schedule of a loan: `P·r·(1+r)ⁿ / ((1+r)ⁿ − 1)` a month, in whole rupees. The last
/// instalment repays the rest, so that the principals add up to the loan. `rate` is in basis points
/// a year.
pub(crate) fn build_schedule(principal: Paise, months: u32, rate: i64) -> Vec<Instalment> {
    let monthly_amount = monthly_instalment(principal, months, rate);
    let mut outstanding = principal;
    let mut instalments = Vec::new();
    for number in 1..=months {
        let interest = monthly_interest(outstanding, rate);
        let principal_part = if number == months {
            outstanding
        } else {
            (monthly_amount - interest).max(Paise(0)).min(outstanding)
        };
        outstanding = outstanding - principal_part;
        instalments.push(Instalment {
            number,
            total_count: months,
            principal: principal_part,
            interest,
        });
    }
    instalments
}

/// Returns the interest of one month, rounded to the paisa.
fn monthly_interest(outstanding: Paise, rate: i64) -> Paise {
    let interest = (i128::from(outstanding.0) * i128::from(rate) + 60_000) / 120_000;
    Paise(i64::try_from(interest).expect("a month's interest is less than the loan"))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "rupees are far below 2^53"
)]
fn monthly_instalment(principal: Paise, months: u32, rate: i64) -> Paise {
    let rupees = principal.0 as f64 / 100.0;
    if rate == 0 {
        return Paise::from_rupees((rupees / f64::from(months)).ceil() as i64);
    }
    let rate = rate as f64 / 120_000.0;
    // Repeated multiplication, not `powf`, gives the same bits on every machine.
    let growth = (0..months).fold(1.0, |growth, _| growth * (1.0 + rate));
    Paise::from_rupees((rupees * rate * growth / (growth - 1.0)).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::build_schedule;
    use crate::domain::money::Paise;

    #[test]
    fn a_textbook_loan() {
        // 10 lakh at 8.5 % over 20 years: 8,678 rupees a month, as bank calculators show it.
        let instalments = build_schedule(Paise::from_rupees(1_000_000), 240, 850);
        assert_eq!(instalments[0].amount(), Paise::from_rupees(8_678));
        assert_eq!(instalments[0].interest, Paise(708_333));
        assert_eq!(instalments.len(), 240);
    }

    #[test]
    fn principals_add_up_to_the_loan_and_interest_falls() {
        for (rupees, months, rate) in [
            (50_000, 12, 2400),
            (300_000, 36, 1399),
            (4_500_000, 300, 875),
            (12_000, 6, 0),
        ] {
            let instalments = build_schedule(Paise::from_rupees(rupees), months, rate);
            assert_eq!(
                instalments.iter().map(|part| part.principal).sum::<Paise>(),
                Paise::from_rupees(rupees)
            );
            assert!(
                instalments
                    .windows(2)
                    .all(|pair| pair[1].interest <= pair[0].interest)
            );
            let (last, first) = (
                instalments[instalments.len() - 1].amount(),
                instalments[0].amount(),
            );
            assert!(
                (last.0 - first.0).abs() <= 60_000,
                "{first} and last {last}"
            );
        }
    }
}
