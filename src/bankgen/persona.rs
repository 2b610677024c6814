//! The salaried persona: who the customer is, and the habits that the ledger tells. All of it follows from the seed
//! and the customer's address.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use fake::Fake;
use fake::faker::address::en::BuildingNumber;
use rand::{Rng, RngExt};

use crate::bankgen::calendar::Month;
use crate::bankgen::names::{CITIES, EMPLOYERS, FIRST, LAST, STREETS};
use crate::bankgen::stream;
use crate::domain::account::{Account, AccountType, FiType};
use crate::domain::consent::Persona as Life;
use crate::domain::money::Paise;
use crate::domain::participants::Participants;
use crate::domain::statement::Holder;
use crate::domain::stream::{Kind, StreamKey};

/// Two rows each: 100,000 in a year.
const HUGE_RETURNS_A_DAY: u32 = 136;

/// A salaried customer with one savings account.
#[derive(Clone, Debug)]
pub struct Persona<'a> {
    seed: u64,
    customer: &'a str,
    /// Whose story the ledger tells: the customer's, or that of another account of theirs.
    story: Cow<'a, str>,
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
    /// Small payments that come back at once, so many each day: they make a statement long and change no balance.
    pub returns_a_day: u32,
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
    /// The customer behind an account. Every account after the first has habits and a branch of its own.
    pub fn of(seed: u64, customer: &'a str, account: &Account, life: Life) -> Self {
        let returns_a_day = match life {
            Life::Salaried => 0,
            Life::HugeStatement => HUGE_RETURNS_A_DAY,
        };
        let person = Self { returns_a_day, ..Self::drawn(seed, customer, Cow::Borrowed(customer)) };
        if refs(seed, customer, 0).account_ref == account.account_ref {
            return person;
        }
        let Self { first, last, born, address, pan_tail, nominee_registered, .. } = person;
        let habits = Self::drawn(seed, customer, Cow::Owned(format!("{customer}#{}", account.account_ref)));
        Self { first, last, born, address, pan_tail, nominee_registered, returns_a_day, ..habits }
    }

    fn drawn(seed: u64, customer: &'a str, story: Cow<'a, str>) -> Self {
        let mut rng = stream(StreamKey { seed, owner: &story, kind: Kind::Profile, ordinal: 0 });
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
            story,
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
            returns_a_day: 0,
        }
    }

    pub fn key(&self, kind: Kind, ordinal: u64) -> StreamKey<'_> {
        StreamKey { seed: self.seed, owner: &self.story, kind, ordinal }
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

/// What every customer holds, and at which of the FIPs; the first of a kind comes before others of that kind.
const HELD: &[(FiType, AccountType, usize)] = &[
    (FiType::Deposit, AccountType::Savings, 0),
    (FiType::Deposit, AccountType::Current, 0),
    (FiType::Deposit, AccountType::Savings, 1),
    (FiType::Deposit, AccountType::Savings, 1),
    (FiType::Deposit, AccountType::Current, 1),
    (FiType::Deposit, AccountType::Savings, 3),
    (FiType::TermDeposit, AccountType::Default, 0),
    (FiType::RecurringDeposit, AccountType::Default, 0),
    (FiType::Sip, AccountType::Default, 2),
    (FiType::Cp, AccountType::Default, 2),
    (FiType::GovtSecurities, AccountType::Default, 2),
    (FiType::Equities, AccountType::Default, 2),
    (FiType::Bonds, AccountType::Default, 2),
    (FiType::Debentures, AccountType::Default, 2),
    (FiType::MutualFunds, AccountType::Default, 2),
    (FiType::Etf, AccountType::Default, 2),
    (FiType::Idr, AccountType::Default, 2),
    (FiType::Cis, AccountType::Default, 2),
    (FiType::Aif, AccountType::Default, 2),
    (FiType::InsurancePolicies, AccountType::Default, 2),
    (FiType::Nps, AccountType::Default, 2),
    (FiType::Invit, AccountType::Default, 2),
    (FiType::Reit, AccountType::Default, 2),
    (FiType::Gstr1_3b, AccountType::Default, 2),
    (FiType::LifeInsurance, AccountType::Default, 2),
    (FiType::GeneralInsurance, AccountType::Default, 2),
    (FiType::Other, AccountType::Default, 2),
];

/// The customer's accounts. With fewer FIPs than we ship, those that there are hold them all.
pub fn accounts(participants: &Participants, seed: u64, customer: &str) -> Vec<Account> {
    let account = |(&(fi_type, account_type, fip), ordinal): (&(FiType, AccountType, usize), u64)| {
        let Refs { link_ref, masked_number, account_ref } = refs(seed, customer, ordinal);
        let fip = &participants.fips[fip % participants.fips.len()];
        Account { fi_type, fip: Arc::clone(&fip.entity.id), account_type, account_ref, link_ref, masked_number }
    };
    HELD.iter().zip(0..).map(account).collect()
}

/// An account's names.
struct Refs {
    link_ref: Box<str>,
    masked_number: Box<str>,
    account_ref: Box<str>,
}

fn refs(seed: u64, customer: &str, ordinal: u64) -> Refs {
    let mut rng = stream(StreamKey { seed, owner: customer, kind: Kind::Account, ordinal });
    let mut id = || {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    };
    let link_ref = id().into();
    let masked_number = format!("XXXXXXXX{:04}", rng.random_range(0..10_000)).into();
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    let account_ref = uuid::Builder::from_random_bytes(bytes).into_uuid().to_string().into();
    Refs { link_ref, masked_number, account_ref }
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
