//! Random numbers. Ids, faults and seeds of worlds come from keyed streams: the same seed and the
//! same commands give the same values. Secrets, and the seed of a run without one, come from the
//! operating system.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::domain::random_stream::{StreamKey, StreamKind};
use crate::engine::world::DEFAULT_WORLD;

/// Returns the generator of a stream. It is ChaCha, whose numbers are the same on every platform
/// and in every release.
pub(crate) fn stream_rng(key: StreamKey<'_>) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(key.seed_bytes())
}

/// Draws the 16 bytes of an id.
pub(crate) fn random_id_bytes(key: StreamKey<'_>) -> [u8; 16] {
    let mut bytes = [0; 16];
    stream_rng(key).fill_bytes(&mut bytes);
    bytes
}

/// Derives the seed of a world: worlds of one sandbox differ, the same world of two runs does not. The
/// default world has the sandbox's seed.
pub(crate) fn derive_world_seed(sandbox_seed: u64, world: &str) -> u64 {
    if world == DEFAULT_WORLD {
        return sandbox_seed;
    }
    stream_rng(StreamKey {
        seed: sandbox_seed,
        owner: world,
        kind: StreamKind::World,
        ordinal: 0,
    })
    .next_u64()
}

/// Draws a seed for a run without one. It is printed, so that the run can be repeated.
#[expect(
    clippy::disallowed_methods,
    reason = "the only seed that is not reproducible"
)]
pub(crate) fn random_seed() -> u64 {
    // 32 bits: short enough to be copied from a terminal by hand.
    u64::from(rand::random::<u32>())
}

/// Draws the name of one life of a world. The journals of two lives have the same numbers, so the names
/// must differ in every run.
#[expect(
    clippy::disallowed_methods,
    reason = "it must differ between two runs with the same seed"
)]
pub(crate) fn random_life() -> u64 {
    rand::random()
}

/// Draws an unguessable token for a control API that other machines can reach.
#[expect(
    clippy::disallowed_methods,
    reason = "a secret must not be reproducible"
)]
pub(crate) fn random_token() -> [u8; 24] {
    rand::random()
}

/// Draws 32 bytes for a secret key, or for a nonce of an encryption.
#[expect(
    clippy::disallowed_methods,
    reason = "a secret must not be reproducible"
)]
pub(crate) fn random_key() -> [u8; 32] {
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
