//! Keys of random streams. The key is pure; the generator that it seeds belongs to whoever draws from it.
//!
//! Ids and data come from streams keyed by (world seed, customer, kind, ordinal), so that one consent more does not
//! change what another customer sees, and asking for Jan–Mar and then Feb–Apr gives the same February.

/// What a stream is drawn for; streams of different kinds never share numbers. New kinds go to the end: a kind's place
/// is part of its numbers.
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
    /// The consent's id at a FIP.
    FipConsentId,
    /// The session's id at a FIP.
    FipSession,
    Link,
    /// Our key pair and nonce for one account of one session.
    DataKey,
    /// Tokens of the token service, and the transactions of the registry.
    Token,
    Product,
    /// The secret that refresh tokens are sealed with.
    RefreshSecret,
    /// The transaction of a consent that was raised without one.
    RaisedTxn,
    /// Whether a fault that is a matter of chance befalls a call, and how long a latency is.
    Fault,
    /// What is drawn once for a bank account.
    Behavior,
    /// Loans that are repaid from an account.
    Loan,
    /// What is held: schemes, shares, policies.
    Holding,
}

/// Names one stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamKey<'a> {
    /// The world's seed, or the sandbox's where worlds get theirs from it.
    pub seed: u64,
    /// Whose stream: the customer's address, or the world's name.
    pub owner: &'a str,
    pub kind: StreamKind,
    /// Which of the owner's streams of this kind: a count, or a month.
    pub ordinal: u64,
}

impl StreamKey<'_> {
    /// 32 bytes for a ChaCha generator. The owner's name enters as its 64-bit FNV-1a hash: the generator does the
    /// mixing, so the hash has only to be portable and to tell names apart.
    pub fn seed_bytes(&self) -> [u8; 32] {
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
