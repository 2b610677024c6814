//! Keys of random streams. A key is pure data; the generator that it seeds belongs to the code that
//! draws from it.
//!
//! Ids and data come from streams with the key (world seed, customer, kind, ordinal). So an
//! additional consent does not change the data of another customer, and requests for Jan–Mar and
//! for Feb–Apr return the same February.

/// Purpose of a stream; streams of different kinds never share numbers. Add new kinds at the end:
/// the position of a kind is part of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    ConsentHandle,
    ConsentId,
    Session,
    Message,
    Profile,
    Account,
    Month,
    MonthClose,
    World,
    /// Consent id of a FIP's artefact.
    FipConsentId,
    /// Session id of a FIP.
    FipSession,
    Link,
    /// Key pair and nonce of the sandbox for one account of one session.
    DataKey,
    /// Tokens of the token service, and `txnid`s of the registry.
    Token,
    Product,
    /// Secret that protects refresh tokens.
    RefreshSecret,
    /// `txnid` of a consent that was raised without one.
    RaisedTxn,
    /// Chance of API faults, and random latencies.
    Fault,
    /// Values that are sampled once for a bank account.
    Behavior,
    /// Loans that are repaid from an account.
    Loan,
    /// Holdings: schemes, shares, policies.
    Holding,
}

/// Key of one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamKey<'a> {
    /// The world's seed, or the sandbox's seed from which worlds derive theirs.
    pub seed: u64,
    /// The customer's address, or the world's name.
    pub owner: &'a str,
    pub kind: StreamKind,
    /// Number of the stream among those of the owner and kind: a counter, or a month.
    pub ordinal: u64,
}

impl StreamKey<'_> {
    /// Returns the 32-byte seed of a ChaCha generator. The owner's name enters as its 64-bit FNV-1a
    /// hash: the generator does the mixing, so the hash only has to be portable and to distinguish
    /// names.
    pub(crate) fn seed_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[0..8].copy_from_slice(&self.seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&hash_fnv1a(self.owner).to_le_bytes());
        bytes[16..24].copy_from_slice(&(self.kind as u64).to_le_bytes());
        bytes[24..32].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes
    }
}

fn hash_fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::{StreamKey, StreamKind, hash_fnv1a};

    #[test]
    fn the_hash_is_the_published_fnv1a() {
        assert_eq!(hash_fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash_fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn every_part_of_the_key_counts() {
        let key = StreamKey {
            seed: 1,
            owner: "a@mockaa",
            kind: StreamKind::Month,
            ordinal: 1,
        };
        let others = [
            StreamKey { seed: 2, ..key },
            StreamKey {
                owner: "b@mockaa",
                ..key
            },
            StreamKey {
                kind: StreamKind::Profile,
                ..key
            },
            StreamKey { ordinal: 2, ..key },
        ];
        assert!(
            others
                .iter()
                .all(|other| other.seed_bytes() != key.seed_bytes())
        );
    }
}
