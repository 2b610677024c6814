//! Which accounts a customer has.

use std::sync::Arc;

use rand::{Rng, RngExt};

use crate::bankgen::random_stream;
use crate::domain::account::{Account, FiType, LinkableAccount};
use crate::domain::participants::Participants;
use crate::domain::persona::{AccountPlan, Persona, PersonaInstance};
use crate::domain::random_stream::{StreamKey, StreamKind};

/// The accounts of a customer who lives this persona, each with whether it is linked from the beginning. With fewer FIPs
/// than the persona asks for, those that there are hold them all.
pub fn generate_accounts(
    participants: &Participants,
    persona: &Persona,
    seed: u64,
    customer: &str,
) -> Vec<LinkableAccount> {
    let accounts = number_plans(persona).map(|(ordinal, plan)| {
        let AccountRefs {
            link_ref,
            masked_number,
            account_ref,
        } = generate_refs(seed, customer, ordinal);
        let AccountPlan {
            fi_type,
            account_type,
            linked_by_default: linked,
            ..
        } = *plan;
        let fip = Arc::clone(
            &participants.fips[plan.fip_index % participants.fips.len()]
                .entity
                .id,
        );
        LinkableAccount {
            account: Account {
                fi_type,
                fip,
                account_type,
                account_ref,
                link_ref,
                masked_number,
            },
            linked_by_default: linked,
        }
    });
    accounts.collect()
}

/// The plan of an account, and its number; `None` where this persona does not have it.
pub fn find_plan<'l>(
    life: &'l PersonaInstance,
    seed: u64,
    customer: &str,
    account: &Account,
) -> Option<(u64, &'l AccountPlan)> {
    let same_type =
        number_plans(&life.definition).filter(|(_, plan)| plan.fi_type == account.fi_type);
    let mut matches = same_type.filter(|(ordinal, _)| {
        generate_refs(seed, customer, *ordinal).account_ref == account.account_ref
    });
    matches.next()
}

/// Each account with a number that tells it from all others of the customer, whatever else the persona has.
fn number_plans(persona: &Persona) -> impl Iterator<Item = (u64, &AccountPlan)> {
    let mut counts = [0u64; FiType::ALL.len()];
    persona.accounts.iter().map(move |plan| {
        let kind = plan.fi_type as usize;
        counts[kind] += 1;
        (kind as u64 * 1000 + counts[kind] - 1, plan)
    })
}

/// An account's names.
struct AccountRefs {
    link_ref: Box<str>,
    masked_number: Box<str>,
    account_ref: Box<str>,
}

fn generate_refs(seed: u64, customer: &str, ordinal: u64) -> AccountRefs {
    let mut rng = random_stream(StreamKey {
        seed,
        owner: customer,
        kind: StreamKind::Account,
        ordinal,
    });
    let mut random_uuid = || {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string()
    };
    let (link_ref, account_ref) = (random_uuid().into(), random_uuid().into());
    let masked_number = format!("XXXXXXXX{:04}", rng.random_range(0..10_000)).into();
    AccountRefs {
        link_ref,
        masked_number,
        account_ref,
    }
}
