//! The accounts of a customer, with their references and masked numbers, as the persona plans them.

use std::sync::Arc;

use rand::{Rng, RngExt};

use crate::bankgen::random_stream;
use crate::domain::account::{Account, FiType, LinkableAccount};
use crate::domain::customer_address::{customer_identifier, normalize_address};
use crate::domain::participants::Participants;
use crate::domain::persona::{AccountPlan, Persona, PersonaInstance};
use crate::domain::random_stream::{StreamKey, StreamKind};

/// Returns the accounts of a customer with this persona, each with whether it is linked from the
/// beginning. If there are fewer FIPs than the persona asks for, the existing FIPs hold all
/// accounts.
pub fn generate_accounts(
    participants: &Participants,
    persona: &Persona,
    seed: u64,
    customer: &str,
) -> Vec<LinkableAccount> {
    let mut accounts = Vec::new();
    for (ordinal, plan) in number_plans(persona) {
        let AccountRefs {
            link_ref,
            masked_number,
            account_ref,
        } = generate_refs(seed, customer, ordinal);
        let fip = &participants.fips[plan.fip_index % participants.fips.len()];
        accounts.push(LinkableAccount {
            account: Account {
                fi_type: plan.fi_type,
                fip: Arc::clone(&fip.entity.id),
                account_type: plan.account_type,
                account_ref,
                link_ref,
                masked_number,
            },
            linked_by_default: plan.linked_by_default,
        });
    }
    accounts
}

/// Returns the plan of an account, and its ordinal; `None` if this persona does not have it.
pub(crate) fn find_plan<'p>(
    persona: &'p PersonaInstance,
    seed: u64,
    customer: &str,
    account: &Account,
) -> Option<(u64, &'p AccountPlan)> {
    number_plans(&persona.definition).find(|(ordinal, plan)| {
        plan.fi_type == account.fi_type
            && generate_refs(seed, customer, *ordinal).account_ref == account.account_ref
    })
}

/// Returns the account plans, each with its ordinal: FI type × 1,000 + position among the accounts
/// of that type. So the ordinal of an account does not depend on accounts of other types.
pub(crate) fn number_plans(persona: &Persona) -> impl Iterator<Item = (u64, &AccountPlan)> {
    let mut counts = [0u64; FiType::ALL.len()];
    persona.accounts.iter().map(move |plan| {
        let fi_type = plan.fi_type as usize;
        counts[fi_type] += 1;
        (fi_type as u64 * 1000 + counts[fi_type] - 1, plan)
    })
}

/// The references and the masked number of an account. The FIP's are the same at every AA; the link
/// belongs to the customer's address at one AA.
struct AccountRefs {
    link_ref: Box<str>,
    masked_number: Box<str>,
    account_ref: Box<str>,
}

fn generate_refs(seed: u64, customer: &str, ordinal: u64) -> AccountRefs {
    let mut rng = random_stream(StreamKey {
        seed,
        owner: &customer_identifier(customer),
        kind: StreamKind::Account,
        ordinal,
    });
    let account_ref = random_uuid(&mut rng);
    let masked_number = format!("XXXXXXXX{:04}", rng.random_range(0..10_000)).into();
    let mut link_rng = random_stream(StreamKey {
        seed,
        owner: &normalize_address(customer),
        kind: StreamKind::Account,
        ordinal,
    });
    let link_ref = random_uuid(&mut link_rng);
    AccountRefs {
        link_ref,
        masked_number,
        account_ref,
    }
}

fn random_uuid(rng: &mut impl Rng) -> Box<str> {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
        .into()
}
