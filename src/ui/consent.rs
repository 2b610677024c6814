//! The operator's view of one consent.

use askama::Template;

use crate::domain::account::Account;
use crate::domain::consent::{Consent, Input};
use crate::domain::participants::Participants;
use crate::domain::terms::FetchType;
use crate::ui::front::Frame;
use crate::ui::journey::Party;
use crate::ui::messages::Language;

/// The page of one consent, with Approve and Reject while it is pending.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage {
    frame: Frame,
    aa: Party,
    fiu: Party,
    heading: String,
    /// The reason for which the last action was refused.
    notice: Option<String>,
    handle: String,
    status: &'static str,
    class: String,
    since: String,
    facts: Vec<(&'static str, String)>,
    accounts: Vec<String>,
    can_answer: bool,
    token: String,
}

impl ConsentPage {
    pub(crate) fn new(
        consent: &Consent,
        accounts: &[Account],
        participants: &Participants,
        frame: Frame,
        token: String,
        notice: Option<String>,
    ) -> Self {
        let terms = &consent.terms;
        let join =
            |names: &mut dyn Iterator<Item = &'static str>| names.collect::<Vec<_>>().join(", ");
        let format_time = |at| Language::English.format_time(at);
        let changed_at = consent
            .history
            .last()
            .map_or(consent.created_at, |it| it.at);
        let purpose = terms.purpose.text.as_deref().unwrap_or("no text");
        let fetches = match terms.fetch_type {
            FetchType::OneTime => "once".to_owned(),
            FetchType::Periodic => {
                format!("at most {} per {}", terms.frequency.1, terms.frequency.0)
            }
        };
        let mut facts = vec![
            ("Handle", consent.handle.to_string()),
            ("Customer", terms.customer.to_string()),
            ("Purpose", format!("{}: {purpose}", terms.purpose.code)),
            (
                "FI types",
                join(&mut terms.fi_types.iter().map(|it| it.as_str())),
            ),
            (
                "Consent types",
                join(&mut terms.consent_types.iter().map(|it| it.as_str())),
            ),
            (
                "Data from",
                format!(
                    "{} to {}",
                    format_time(terms.range.from),
                    format_time(terms.range.to)
                ),
            ),
            ("Fetched", fetches),
            (
                "Data life",
                format!(
                    "{} {}, {}",
                    terms.data_life.1, terms.data_life.0, terms.mode
                ),
            ),
            (
                "Valid",
                format!(
                    "{} to {}",
                    format_time(terms.start),
                    format_time(terms.expiry)
                ),
            ),
        ];
        if let Some(grant) = &consent.grant {
            facts.insert(1, ("Consent id", grant.consent_id.to_string()));
        }
        if let Some(metadata) = &consent.metadata {
            facts.insert(1, ("Tracking id", metadata.tracking_id.to_string()));
        }
        let accounts = accounts.iter().map(|account| {
            let fip = participants.fip_name(&account.fip);
            format!("{} {} at {fip}", account.fi_type, account.masked_number)
        });
        let aa = &participants.aa_for_consent(consent).id;
        let fiu = Party::of_fiu(participants, &frame.base_path, &consent.fiu);
        Self {
            heading: format!("{} asks for financial information", fiu.name),
            aa: Party::of_aa(participants, &frame.base_path, aa),
            fiu,
            notice,
            handle: consent.handle.to_string(),
            status: consent.status.as_str(),
            class: consent.status.as_str().to_ascii_lowercase(),
            since: format_time(changed_at),
            facts,
            accounts: accounts.collect(),
            can_answer: consent.status.transition_on(Input::Approve).is_some(),
            token,
            frame,
        }
    }
}
