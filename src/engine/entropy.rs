//! Random numbers for ids, drawn from keyed streams: the same seed and the same commands give the same ids.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::domain::random_stream::{StreamKey, StreamKind};

/// The generator of a stream. ChaCha, because its numbers are the same on every platform and in every release.
pub fn stream_rng(key: StreamKey<'_>) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(key.seed_bytes())
}

/// The 16 bytes of an id.
pub fn random_id_bytes(key: StreamKey<'_>) -> [u8; 16] {
    let mut bytes = [0; 16];
    stream_rng(key).fill_bytes(&mut bytes);
    bytes
}

/// A world's own seed: worlds of one sandbox differ, the same world of two runs does not.
pub fn derive_world_seed(sandbox_seed: u64, world: &str) -> u64 {
    stream_rng(StreamKey {
        seed: sandbox_seed,
        owner: world,
        kind: StreamKind::World,
        ordinal: 0,
    })
    .next_u64()
}

/// A seed for those who gave none; it is printed, so that the run can be repeated.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where chance enters"
)]
pub fn random_seed() -> u64 {
    // 32 bits: short enough to be copied from a terminal by hand.
    u64::from(rand::random::<u32>())
}

/// A token that nobody guesses, for a control API that other machines can reach.
#[expect(
    clippy::disallowed_methods,
    reason = "a secret is the opposite of reproducible"
)]
pub fn random_token() -> [u8; 24] {
    rand::random()
}

/// 32 bytes for a key or a nonce that somebody else is to encrypt to.
#[expect(
    clippy::disallowed_methods,
    reason = "a secret is the opposite of reproducible"
)]
pub fn random_key() -> [u8; 32] {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::derive_world_seed;

    #[test]
    fn worlds_of_one_sandbox_differ_and_repeat() {
        assert_ne!(
            derive_world_seed(42, "default"),
            derive_world_seed(42, "other")
        );
        assert_eq!(
            derive_world_seed(42, "default"),
            derive_world_seed(42, "default")
        );
    }
}
