//! Account holders and bank branches, sampled from the seed and the customer's address.

use chrono::{Days, NaiveDate};
use fake::Fake;
use fake::faker::address::en::BuildingNumber;
use rand::{Rng, RngExt};

use crate::bankgen::names::{
    CITIES, FIRST_NAMES, FOREIGN_ADDRESSES, LAST_NAMES, STREETS, pool_entries,
};
use crate::bankgen::random_stream;
use crate::domain::customer_address::{customer_identifier, is_national_number};
use crate::domain::persona::{HolderPlan, NamePool};
use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::domain::statement::{Holder, Holders};

/// The branch that keeps an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Branch {
    pub city: &'static str,
    pub code: u32,
    pub pin_prefix: u32,
}

impl Branch {
    pub(crate) fn sample(rng: &mut impl Rng) -> Self {
        let (city, _, pin_prefix) = pick_random(rng, CITIES);
        Self {
            city,
            code: rng.random_range(1..=9999),
            pin_prefix,
        }
    }

    /// Returns the IFSC, in the form of the Reserve Bank: bank code, zero, six characters. `MOCK`
    /// is not the code of a bank.
    pub(crate) fn ifsc(self) -> String {
        format!("MOCK0{:06}", self.code)
    }

    /// Returns the MICR code: city, bank, branch. Bank 999 is not assigned.
    pub(crate) fn micr(self) -> String {
        format!("{:03}999{:03}", self.pin_prefix, self.code % 1000)
    }
}

/// Generates the holders of a customer's accounts.
pub(crate) fn generate_holders(seed: u64, customer: &str, plan: HolderPlan) -> Holders {
    let customer = &*customer_identifier(customer);
    let mut rng = random_stream(StreamKey {
        seed,
        owner: customer,
        kind: StreamKind::Profile,
        ordinal: 0,
    });
    let surname = pick_random(&mut rng, LAST_NAMES);
    let first = sample_holder(&mut rng, surname, plan, mobile_number(customer));
    let spouse = plan.has_joint_holder.then(|| {
        let mut rng = random_stream(StreamKey {
            seed,
            owner: customer,
            kind: StreamKind::Profile,
            ordinal: 1,
        });
        loop {
            let spouse = Holder {
                address: first.address.clone(),
                ..sample_holder(&mut rng, surname, plan, None)
            };
            if spouse.name != first.name {
                break spouse;
            }
        }
    });
    Holders {
        first,
        others: spouse.into_iter().collect(),
    }
}

/// Returns the customer's identifier if it is a mobile number.
fn mobile_number(identifier: &str) -> Option<&str> {
    is_national_number(identifier).then_some(identifier)
}

fn sample_holder(
    rng: &mut impl Rng,
    surname: &str,
    plan: HolderPlan,
    mobile: Option<&str>,
) -> Holder {
    let first_name = pick_random(rng, FIRST_NAMES);
    let (year_from, year_to) = plan.birth_years;
    let date_of_birth = NaiveDate::from_ymd_opt(rng.random_range(year_from..=year_to), 1, 1)
        .expect("1 January exists")
        + Days::new(rng.random_range(0..365));
    let (city, state, pin_prefix) = pick_random(rng, CITIES);
    let building: String = BuildingNumber().fake_with_rng(rng);
    let (street, area) = (pick_random(rng, STREETS), rng.random_range(1..100));
    let foreign_address = pick_random(rng, FOREIGN_ADDRESSES);
    let address = if plan.non_resident {
        format!("{building}, {foreign_address}")
    } else {
        format!("{building}, {street}, {city}, {state} {pin_prefix}{area:03}")
    };
    let firm_name = pick_random(rng, pool_entries(NamePool::Firms)).0;
    let name = if plan.is_firm {
        firm_name.to_owned()
    } else {
        format!("{} {}", to_title_case(first_name), to_title_case(surname))
    };
    let number: u32 = rng.random_range(1..=9999);
    let check = char::from(b'A' + rng.random_range(0..26));
    // The fourth letter is the type of the holder, a person or a firm; the fifth is the initial of
    // the surname or of the firm. The series ZZZ is fictitious.
    let (kind, initial) = if plan.is_firm {
        ('F', &name[..1])
    } else {
        ('P', &surname[..1])
    };
    let pan = format!("ZZZ{kind}{initial}{number:04}{check}");
    // Without a number in the address, the mobile number is of a series that no operator assigns.
    let random_mobile = format!("00000{:05}", rng.random_range(0..100_000));
    let mobile = format!("91{}", mobile.unwrap_or(&random_mobile));
    let email = format!("{first_name}.{surname}@example.in").to_lowercase();
    let nominee_registered = rng.random_bool(0.8);
    // Codes of depository participants start at IN300000; IN999999 is not assigned.
    let demat_id = format!("IN999999{:08}", rng.random_range(10_000_000..99_999_999));
    Holder {
        name,
        date_of_birth: Some(date_of_birth),
        mobile,
        landline: String::new(),
        email,
        pan,
        address,
        nominee_registered: Some(nominee_registered),
        ckyc_compliant: Some(true),
        demat_id,
    }
}

fn to_title_case(name: &str) -> String {
    name[..1].to_owned() + &name[1..].to_lowercase()
}

pub(crate) fn pick_random<T: Copy>(rng: &mut impl Rng, table: &[T]) -> T {
    table[rng.random_range(0..table.len())]
}
