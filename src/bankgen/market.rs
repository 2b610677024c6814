//! Prices of securities. A price depends only on the security and the day, so that the price of any
//! day can be computed without those before it.

use chrono::{Datelike, NaiveDate};

/// The price of a security as a function of the day: yearly growth, with swings about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PriceModel {
    /// The price on 1 January 2020, in ten-thousandths of a rupee.
    pub base: i64,
    /// The growth in basis points a year.
    pub growth_bps: i64,
    /// The largest deviation from the growth curve, in basis points.
    pub swing_bps: i64,
    /// The phase of the swings, different for each security.
    pub salt: u64,
    /// The step of the prices, in ten-thousandths of a rupee.
    pub tick: i64,
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "prices, days and years are far below 2^52, and none is negative where it is cast"
)]
impl PriceModel {
    /// Returns the price of one unit on a day, in ten-thousandths of a rupee. A weekend has the
    /// price of the Friday before.
    pub(crate) fn price_on(self, day: NaiveDate) -> i64 {
        let weekday = i64::from(day.weekday().num_days_from_monday());
        let day = i64::from(day.num_days_from_ce()) - (weekday - 4).max(0);
        let days_since_base = day - 737_425;
        let years = days_since_base as f64 / 365.25;
        let rate = 1.0 + self.growth_bps as f64 / 10_000.0;
        let swing = self.swing_bps as f64 / 10_000.0;
        let noise = (mix_bits(self.salt ^ day as u64) % 2001) as f64 / 1000.0 - 1.0;
        let deviation = self.scaled_wave(day, 683.0, 0.5, 0)
            + self.scaled_wave(day, 227.0, 0.3, 8)
            + self.scaled_wave(day, 61.0, 0.15, 16)
            + 0.05 * noise;
        let price = self.base as f64 * compound_growth(rate, years) * (1.0 + swing * deviation);
        (price as i64 / self.tick * self.tick).max(self.tick.max(100))
    }

    /// Returns a wave from `-share` to `share`. Its phase is the byte of the salt at `shift`.
    fn scaled_wave(self, day: i64, period: f64, share: f64, shift: u32) -> f64 {
        let phase = (self.salt >> shift & 0xff) as f64 / 256.0;
        share * triangle_wave(day as f64 / period + phase)
    }
}

/// Returns a wave that goes from -1 to 1 and back once in a turn. It uses only sums and products,
/// which give the same bits on every machine.
fn triangle_wave(turns: f64) -> f64 {
    let part = turns - turns.floor();
    if part < 0.5 {
        part * 4.0 - 1.0
    } else {
        3.0 - part * 4.0
    }
}

/// Returns the growth factor over some years: whole years by repeated multiplication, the rest
/// linear. `powf` is avoided because its last bits differ from machine to machine.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "years are few, and made positive"
)]
fn compound_growth(rate: f64, years: f64) -> f64 {
    let whole = years.floor();
    let part = 1.0 + (rate - 1.0) * (years - whole);
    let times = (whole.abs() as u32).min(100);
    let growth = (0..times).fold(1.0, |growth, _| growth * rate);
    if whole < 0.0 {
        part / growth
    } else {
        part * growth
    }
}

fn mix_bits(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::PriceModel;

    #[test]
    fn prices_move_a_little_each_day_and_grow_with_the_years() {
        let model = PriceModel {
            base: 1_000_000,
            growth_bps: 1200,
            swing_bps: 2000,
            salt: 42,
            tick: 1,
        };
        let first = NaiveDate::from_ymd_opt(2004, 1, 1).unwrap();
        let days: Vec<NaiveDate> = first.iter_days().take(365 * 30).collect();
        for pair in days.windows(2) {
            let (price, next_price) = (model.price_on(pair[0]), model.price_on(pair[1]));
            assert!(
                (next_price - price).abs() * 100 < price * 4,
                "{}: {price} to {next_price}",
                pair[1]
            );
        }
        assert!(model.price_on(days[days.len() - 1]) > model.price_on(days[0]) * 8);
    }
}
