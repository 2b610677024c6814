//! The lender's decision on an application.

use crate::domain::appraisal::AppraisalFigures;
use crate::domain::money::Paise;

/// An application for a loan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Application {
    pub name: String,
    /// Ten digits.
    pub mobile: String,
    pub amount: Paise,
    /// The number of instalments.
    pub months: u32,
}

/// The smallest and the largest amount of an application, and the steps of an offer.
pub(super) const AMOUNT_MIN: Paise = Paise(2_500_000);
pub(super) const AMOUNT_MAX: Paise = Paise(250_000_000);
const AMOUNT_STEP: i64 = 100_000;

/// The numbers of instalments that the lender offers.
pub(super) const MONTHS: [u32; 4] = [12, 24, 36, 48];

/// The yearly rates of interest, in hundredths of a percent, from these scores on.
///
/// `Assumption:` the lender is invented, and so are its rates.
const RATES: [(i64, i64); 4] = [(800, 1_100), (750, 1_250), (700, 1_450), (650, 1_700)];

/// The decision of the lender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Offer(Offer),
    /// No offer.
    Declined(DeclineReason),
}

/// A loan that the lender offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub amount: Paise,
    /// The yearly rate of interest, in hundredths of a percent.
    pub rate: i64,
    pub months: u32,
    /// The payment of a month, in whole rupees.
    pub instalment: Paise,
    /// `true` if the applicant has asked for more.
    pub is_reduced: bool,
}

/// The reason for which there is no offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeclineReason {
    /// No rate is for such a score.
    Score,
    /// The rest of the income carries no instalment of the smallest loan.
    Capacity,
}

/// Decides on an application by the figures of the appraisal: the rate follows from the score, and the largest
/// amount from the instalment that the applicant can pay.
pub(super) fn decide(application: &Application, figures: &AppraisalFigures) -> Decision {
    let rate = RATES.iter().find(|(score, _)| figures.score >= *score);
    let Some((_, rate)) = rate else {
        return Decision::Declined(DeclineReason::Score);
    };
    let months = application.months;
    // Instalments are whole rupees.
    let eligible = Paise(figures.eligible_instalment.0 / 100 * 100);
    let amount = if compute_instalment(application.amount, *rate, months) <= eligible {
        application.amount
    } else {
        let carried = compute_principal(eligible, *rate, months);
        Paise(carried.0 / AMOUNT_STEP * AMOUNT_STEP)
    };
    if amount < AMOUNT_MIN {
        return Decision::Declined(DeclineReason::Capacity);
    }
    Decision::Offer(Offer {
        amount,
        rate: *rate,
        months,
        instalment: compute_instalment(amount, *rate, months),
        is_reduced: amount < application.amount,
    })
}

/// Returns what one rupee costs a month: the instalment of an annuity for a principal of 1.
fn annuity_factor(rate: i64, months: u32) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "rates are small")]
    let monthly = rate as f64 / 10_000.0 / 12.0;
    let growth = (1.0 + monthly).powi(i32::try_from(months).expect("terms are short"));
    monthly * growth / (growth - 1.0)
}

/// Returns the equated monthly instalment, rounded up to the rupee.
fn compute_instalment(principal: Paise, rate: i64, months: u32) -> Paise {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "loans are far below 2^52 paise"
    )]
    let rupees = (principal.0 as f64 * annuity_factor(rate, months) / 100.0).ceil() as i64;
    Paise(rupees * 100)
}

/// Returns the largest principal that an instalment repays.
fn compute_principal(instalment: Paise, rate: i64, months: u32) -> Paise {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "instalments are far below 2^52 paise"
    )]
    let paise = (instalment.0 as f64 / annuity_factor(rate, months)).floor() as i64;
    Paise(paise)
}

#[cfg(test)]
mod tests {
    use super::{Application, Decision, DeclineReason, decide};
    use crate::domain::appraisal::AppraisalFigures;
    use crate::domain::money::Paise;

    fn decide_on(amount: i64, eligible: i64, score: i64) -> Decision {
        let application = Application {
            name: "Asha".to_owned(),
            mobile: "9876543210".to_owned(),
            amount: Paise(amount * 100),
            months: 36,
        };
        let figures = AppraisalFigures {
            eligible_instalment: Paise(eligible * 100),
            score,
            ..AppraisalFigures::default()
        };
        decide(&application, &figures)
    }

    #[test]
    fn the_score_gives_the_rate_and_the_capacity_the_amount() {
        let Decision::Offer(offer) = decide_on(200_000, 20_000, 780) else {
            panic!("an offer");
        };
        // 2,00,000 at 12.5 % for 36 months: 6,690.73 a month by the formula of an annuity.
        assert_eq!((offer.rate, offer.is_reduced), (1_250, false));
        assert_eq!(offer.instalment, Paise(669_100));
        let Decision::Offer(offer) = decide_on(200_000, 3_000, 780) else {
            panic!("a smaller offer");
        };
        assert_eq!((offer.amount, offer.is_reduced), (Paise(8_900_000), true));
        assert!(offer.instalment <= Paise(300_000));
        assert_eq!(
            decide_on(200_000, 20_000, 640),
            Decision::Declined(DeclineReason::Score)
        );
        assert_eq!(
            decide_on(200_000, 500, 780),
            Decision::Declined(DeclineReason::Capacity)
        );
    }
}
