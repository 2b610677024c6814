//! The fair-use check of consent requests and data requests, by the mode of the sandbox. The limits
//! are in [`crate::domain::fair_use`].

use crate::domain::consent::Consent;
use crate::domain::fair_use::{
    FairUseDeviation, FairUseMode, FairUseTemplate, FairUseVerdict, check_consent,
    check_data_request,
};
use crate::domain::participants::Participants;
use crate::domain::terms::{Terms, TimeRange};
use crate::http::call_world::CallWorld;
use crate::wire::api_error::ApiError;

/// Notes or refuses a consent request outside fair use.
///
/// # Errors
/// [`ApiError::FairUse`] for the first deviation, if the sandbox refuses them.
pub(crate) fn check_consent_fair_use(
    world: &CallWorld,
    participants: &Participants,
    fiu: &str,
    terms: &Terms,
) -> Result<(), ApiError> {
    if world.config().fair_use == FairUseMode::Off {
        return Ok(());
    }
    let templates = find_templates(participants, fiu);
    let FairUseVerdict { basis, deviations } = check_consent(terms, templates);
    for deviation in deviations {
        report_deviation(world, &basis, deviation)?;
    }
    Ok(())
}

/// Notes or refuses a data request outside fair use.
///
/// # Errors
/// [`ApiError::FairUse`], if the sandbox refuses them.
pub(crate) fn check_data_fair_use(
    world: &CallWorld,
    participants: &Participants,
    consent: &Consent,
    range: TimeRange,
) -> Result<(), ApiError> {
    let terms = &consent.terms;
    let templates = find_templates(participants, &consent.fiu);
    match check_data_request(terms, templates, range) {
        Some(deviation) if world.config().fair_use != FairUseMode::Off => {
            let basis = format!("purpose {}", terms.purpose.code);
            report_deviation(world, &basis, deviation)
        }
        _ => Ok(()),
    }
}

fn find_templates<'a>(participants: &'a Participants, fiu: &str) -> &'a [FairUseTemplate] {
    let fiu = participants.find_fiu(fiu);
    fiu.map_or(&[][..], |fiu| &fiu.fair_use_templates)
}

fn report_deviation(
    world: &CallWorld,
    basis: &str,
    deviation: FairUseDeviation,
) -> Result<(), ApiError> {
    let FairUseDeviation { field, message } = deviation;
    let error = ApiError::FairUse {
        field,
        message: format!("{message} (fair use, {basis})"),
    };
    if world.config().fair_use == FairUseMode::Refuse {
        return Err(error);
    }
    world.write_note_once(&format!("outside fair use: {error}"));
    Ok(())
}
