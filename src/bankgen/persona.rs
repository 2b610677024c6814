//! The salaried persona: who the customer is, and the habits that the ledger tells. All of it follows from the seed
//! and the customer's address.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use fake::Fake;
use fake::faker::address::en::BuildingNumber;
use rand::{Rng, RngExt};

use crate::bankgen::calendar::Month;
use crate::bankgen::names::{CITIES, EMPLOYERS, FIRST, LAST, STREETS};
use crate::bankgen::stream;
use crate::domain::account::{Account, AccountType, FiType};
use crate::domain::money::Paise;
use crate::domain::participants::Participants;
use crate::domain::statement::Holder;
use crate::domain::stream::{Kind, StreamKey};

/// A salaried customer with one savings account.
#[derive(Clone, Debug)]
pub struct Persona<'a> {
    seed: u64,
    customer: &'a str,
    first: &'static str,
    last: &'static str,
    pub born: NaiveDate,
    pub employer: &'static str,
    pub landlord: String,
    pub friend: String,
    pub branch: Branch,
    pub opened_on: NaiveDate,
    /// Monthly pay in 2020, in whole hundreds of rupees.
    base_salary: i64,
    /// Share of the pay that goes to rent and to the loan, in percent.
    rent_percent: i64,
    emi_percent: i64,
    sip_percent: i64,
    address: String,
    pan_tail: (u32, char),
    nominee_registered: bool,
}

/// Where the account is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    pub city: &'static str,
    pub code: u32,
    pub pin_prefix: u32,
}

impl Branch {
    /// `MOCK` is no bank's code; the zero and the six digits follow the Reserve Bank's form.
    pub fn ifsc(self) -> String {
        format!("MOCK0{:06}", self.code)
    }

    /// City, bank 999 (given to none), branch.
    pub fn micr(self) -> String {
        format!("{:03}999{:03}", self.pin_prefix, self.code % 1000)
    }
}

impl<'a> Persona<'a> {
    pub fn of(seed: u64, customer: &'a str) -> Self {
        let mut rng = stream(StreamKey { seed, owner: customer, kind: Kind::Profile, ordinal: 0 });
        let first = pick(&mut rng, FIRST);
        let last = pick(&mut rng, LAST);
        let born = NaiveDate::from_ymd_opt(rng.random_range(1972..=1990), 1, 1).expect("1 January exists")
            + chrono::Days::new(rng.random_range(0..365));
        let (city, state, pin_prefix) = pick(&mut rng, CITIES);
        let building: String = BuildingNumber().fake_with_rng(&mut rng);
        let address = format!(
            "{building}, {}, {city}, {state} {pin_prefix}{:03}",
            pick(&mut rng, STREETS),
            rng.random_range(1..100)
        );
        let person = |rng: &mut _| format!("{} {}", pick(rng, FIRST), pick(rng, LAST)).to_uppercase();
        let opened_on = NaiveDate::from_ymd_opt(rng.random_range(2006..=2012), rng.random_range(1..=12), 8)
            .expect("the 8th exists in every month");
        Self {
            seed,
            customer,
            first,
            last,
            born,
            employer: pick(&mut rng, EMPLOYERS),
            landlord: person(&mut rng),
            friend: person(&mut rng),
            branch: Branch { city, code: rng.random_range(1..=9999), pin_prefix },
            opened_on,
            base_salary: rng.random_range(420..=1350) * 100,
            rent_percent: rng.random_range(16..=24),
            emi_percent: rng.random_range(8..=16),
            sip_percent: rng.random_range(4..=9),
            address,
            pan_tail: (rng.random_range(1..=9999), char::from(b'A' + rng.random_range(0..26))),
            nominee_registered: rng.random_bool(0.8),
        }
    }

    pub fn key(&self, kind: Kind, ordinal: u64) -> StreamKey<'a> {
        StreamKey { seed: self.seed, owner: self.customer, kind, ordinal }
    }

    pub fn holder(&self) -> Holder {
        let local = self.customer.split_once('@').map_or(self.customer, |(local, _)| local);
        let is_mobile = local.len() == 10 && local.bytes().all(|byte| byte.is_ascii_digit());
        let (pan_number, pan_check) = self.pan_tail;
        Holder {
            name: format!("{} {}", self.first, self.last),
            born: self.born,
            // A customer without a mobile number in the address gets one of a series that no operator assigns.
            mobile: if is_mobile { format!("91{local}") } else { "910000000000".to_owned() },
            email: format!("{}.{}@example.in", self.first, self.last).to_lowercase(),
            // The fourth letter says "person", the fifth is the surname's initial; the series ZZZ is fictitious.
            pan: format!("ZZZP{}{pan_number:04}{pan_check}", &self.last[..1]),
            address: self.address.clone(),
            nominee_registered: self.nominee_registered,
            ckyc_compliant: true,
        }
    }

    /// Monthly pay: rises by 6 percent every April, rounded to a hundred rupees.
    pub fn salary(&self, month: Month) -> Paise {
        let year = if month.month >= 4 { month.year } else { month.year - 1 };
        let mut rupees = self.base_salary;
        // Bounded: pay of the years before 2000 and after 2060 stays what it was then and will be.
        let year = year.clamp(2000, 2060);
        for _ in 2020..year {
            rupees += rupees * 6 / 100;
        }
        for _ in year..2020 {
            rupees -= rupees * 6 / 106;
        }
        Paise::rupees((rupees + 50) / 100 * 100)
    }

    /// Rises with the pay, once a year.
    pub fn rent(&self, month: Month) -> Paise {
        self.share(month, self.rent_percent)
    }

    /// Fixed for five years, as a loan's instalment is.
    pub fn emi(&self, month: Month) -> Paise {
        let start = Month { year: month.year - month.year.rem_euclid(5), month: 4 };
        self.share(start, self.emi_percent)
    }

    pub fn sip(&self, month: Month) -> Paise {
        self.share(month, self.sip_percent)
    }

    /// The balance at the end of a month: the pay that has just come in and a cushion of 15 to 60 percent of it.
    /// A function of the month alone, so that a ledger can begin anywhere.
    pub fn close(&self, month: Month) -> Paise {
        let mut rng = stream(self.key(Kind::MonthClose, ordinal(month)));
        let salary = self.salary(month);
        Paise(salary.0 + salary.0 * rng.random_range(1500..6000) / 10_000 + rng.random_range(0..100))
    }

    fn share(&self, month: Month, percent: i64) -> Paise {
        Paise::rupees(self.salary(month).0 / 100 * percent / 100 / 100 * 100)
    }
}

/// A month as the ordinal of a stream.
pub fn ordinal(month: Month) -> u64 {
    u64::try_from(month.ordinal()).expect("years are positive")
}

/// The customer's accounts: one savings account.
pub fn accounts(participants: &Participants, seed: u64, customer: &str) -> Vec<Account> {
    let mut rng = stream(StreamKey { seed, owner: customer, kind: Kind::Account, ordinal: 0 });
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    vec![Account {
        fi_type: FiType::Deposit,
        fip: Arc::clone(&participants.fip),
        account_type: AccountType::Savings,
        link_ref: uuid::Builder::from_random_bytes(bytes).into_uuid().to_string().into(),
        masked_number: format!("XXXXXXXX{:04}", rng.random_range(0..10_000)).into(),
    }]
}

pub fn pick<T: Copy>(rng: &mut impl Rng, table: &[T]) -> T {
    table[rng.random_range(0..table.len())]
}

impl Persona<'_> {
    /// The month in which the account was opened; the ledger begins with its opening deposit.
    pub fn first_month(&self) -> Month {
        Month { year: self.opened_on.year(), month: self.opened_on.month() }
    }
}
