//! Who takes part: the AA that we play, the FIUs that call it and are called back, the FIPs behind it.

use std::sync::Arc;

/// The account aggregator that this sandbox plays.
#[derive(Clone, Debug)]
pub struct Aa {
    /// Entity id, as in `Notifier.id` and `DataProvider.id`.
    pub id: Arc<str>,
    /// What follows the `@` in the addresses that it gives out.
    pub handle: Arc<str>,
    /// What it sends as `aa_api_key`.
    pub api_key: Arc<str>,
}

/// A registered FIU.
#[derive(Clone, Debug)]
pub struct Fiu {
    pub id: Arc<str>,
    /// What it presents as `client_api_key` or `Authorization`.
    pub api_key: Arc<str>,
    /// Standard Webhooks secret with its `whsec_` prefix.
    pub webhook_secret: Arc<str>,
    /// Where webhooks go, without a slash at the end; `None`: nowhere, they are recorded only.
    pub base_url: Option<Arc<str>>,
    /// Public key (JWK `kid`, and the modulus and exponent) for the signatures it sends.
    pub public_key: Option<PublicKey>,
}

/// An RSA public key as a registry publishes it (RFC 7517; numbers big-endian).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub kid: String,
    pub modulus: Vec<u8>,
    pub exponent: Vec<u8>,
}

/// Everybody in the sandbox.
#[derive(Clone, Debug)]
pub struct Participants {
    pub aa: Aa,
    /// The first is the default: it stands in for FIU ids that are not registered.
    pub fius: Vec<Arc<Fiu>>,
    /// The FIP at which simulated accounts are held.
    pub fip: Arc<str>,
}

impl Participants {
    /// The FIU that stands in for ids that are not registered.
    pub fn default_fiu(&self) -> &Arc<Fiu> {
        &self.fius[0]
    }

    pub fn fiu(&self, id: &str) -> Option<&Arc<Fiu>> {
        self.fius.iter().find(|fiu| &*fiu.id == id)
    }

    /// The FIU whose API key this is.
    pub fn fiu_by_key(&self, api_key: &str) -> Option<&Arc<Fiu>> {
        self.fius.iter().find(|fiu| &*fiu.api_key == api_key)
    }
}
