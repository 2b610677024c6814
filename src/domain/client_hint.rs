//! Hints at the setting that a client may need, by the symptom that shows here. The journal and the
//! contract report have the same text; `docs/clients.md` lists all symptoms and settings.

use std::fmt;

use crate::domain::participants::SignatureProfile;

/// A symptom, with what its hint names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientHint<'a> {
    /// The FIU signs in another profile than the one in which it gets messages.
    SignsInOtherProfile {
        fiu: &'a str,
        signs: SignatureProfile,
        gets: SignatureProfile,
    },
    /// The FIU objects to a correct signature of this profile.
    ObjectsToSignature { gets: SignatureProfile },
    /// The FIU fetches data that it has got already.
    FetchesAgain,
}

impl ClientHint<'_> {
    /// Returns the signature profile that the FIU may expect.
    fn other_profile(profile: SignatureProfile) -> SignatureProfile {
        match profile {
            SignatureProfile::Detached => SignatureProfile::Encoded,
            SignatureProfile::Encoded | SignatureProfile::Off => SignatureProfile::Detached,
        }
    }
}

impl fmt::Display for ClientHint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignsInOtherProfile { fiu, signs, gets } => write!(
                f,
                "{fiu} signs in the signature profile {signs} and gets signatures in {gets}; if it \
                 cannot verify them, set `signature_profile` of the FIU to {signs}"
            )?,
            Self::ObjectsToSignature { gets } => write!(
                f,
                "the FIU objects to the signature: try the signature profile {} \
                 (`signature_profile` of the FIU in mockaa.toml)",
                Self::other_profile(*gets)
            )?,
            Self::FetchesAgain => f.write_str(
                "if the FIU finds no account in the data, try `plaintext`, `fi_schema` and \
                 `fi_entries`",
            )?,
        }
        f.write_str(" (docs/clients.md)")
    }
}
