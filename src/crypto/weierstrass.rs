//! Curve25519 in BouncyCastle's short-Weierstrass form, which the ecosystem's reference
//! implementation (rahasya, ECC service) uses (`docs/sources.md#encryption`). Scalars are not
//! clamped, so X25519 gives different results, and no crate has this form. The arithmetic modulo p
//! is `crypto-bigint`'s.
//!
//! Not in constant time: the keys of a sandbox protect synthetic data, and half of them are derived
//! from a published seed.

use crypto_bigint::modular::ConstMontyParams;
use crypto_bigint::{U256, const_monty_form, const_monty_params};

const_monty_params!(
    Prime,
    U256,
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed"
);
const_monty_form!(Field, Prime);

const A: Field = field_element("2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa984914a144");
const B: Field = field_element("7b425ed097b425ed097b425ed097b425ed097b425ed097b4260b5e9c7710c864");
const BASE_POINT: Point = Point {
    x: field_element("2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad245a"),
    y: field_element("20ae19a1b8a086b4e01edd2c7748d14c923d4d7e6d7c61b229e9c5a27eced3d9"),
    z: Field::ONE,
};
/// Order of the base point.
const ORDER: U256 =
    U256::from_be_hex("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");

const fn field_element(hex: &str) -> Field {
    Field::new(&U256::from_be_hex(hex))
}

/// A point in Jacobian coordinates (x = X/Z², y = Y/Z³); Z = 0 is the point at infinity.
#[derive(Clone, Copy)]
struct Point {
    x: Field,
    y: Field,
    z: Field,
}

const INFINITY: Point = Point {
    x: Field::ONE,
    y: Field::ONE,
    z: Field::ZERO,
};

impl Point {
    fn is_infinity(&self) -> bool {
        self.z == Field::ZERO
    }

    /// Doubles the point, by the formulas "dbl-2007-bl" of the Explicit-Formulas Database, for any
    /// a.
    fn double(&self) -> Self {
        let Self { x, y, z } = self;
        let (xx, yy, zz) = (x.square(), y.square(), z.square());
        let yyyy = yy.square();
        let s = ((*x + yy).square() - xx - yyyy).double();
        let m = xx.double() + xx + A * zz.square();
        let t = m.square() - s.double();
        let eight_yyyy = yyyy.double().double().double();
        Self {
            x: t,
            y: m * (s - t) - eight_yyyy,
            z: (*y + *z).square() - yy - zz,
        }
    }

    /// Adds two points, by the formulas "add-2007-bl" and the special cases that they exclude.
    #[expect(
        clippy::many_single_char_names,
        reason = "the names are those of the published formulas"
    )]
    fn add(&self, other: &Self) -> Self {
        if self.is_infinity() {
            return *other;
        }
        if other.is_infinity() {
            return *self;
        }
        let (z1z1, z2z2) = (self.z.square(), other.z.square());
        let (u1, u2) = (self.x * z2z2, other.x * z1z1);
        let (s1, s2) = (self.y * other.z * z2z2, other.y * self.z * z1z1);
        let (h, r) = (u2 - u1, (s2 - s1).double());
        if h == Field::ZERO {
            return if r == Field::ZERO {
                self.double()
            } else {
                INFINITY
            };
        }
        let i = h.double().square();
        let j = h * i;
        let v = u1 * i;
        let x = r.square() - j - v.double();
        let y = r * (v - x) - (s1 * j).double();
        Self {
            x,
            y,
            z: ((self.z + other.z).square() - z1z1 - z2z2) * h,
        }
    }

    fn multiply_scalar(&self, scalar: &U256) -> Self {
        (0..256).rev().fold(INFINITY, |sum, bit| {
            let sum = sum.double();
            if scalar.bit_vartime(bit) {
                sum.add(self)
            } else {
                sum
            }
        })
    }

    /// Returns x and y as 32 bytes each, big-endian; `None` for the point at infinity.
    fn affine_coordinates(&self) -> Option<([u8; 32], [u8; 32])> {
        let inverse = self.z.invert().into_option()?;
        let square = inverse.square();
        Some((
            encode_coordinate(self.x * square),
            encode_coordinate(self.y * square * inverse),
        ))
    }
}

/// Returns a private key in [1, n−1], 32 bytes big-endian, made from 32 random bytes.
pub(crate) fn private_key_from_random(random: [u8; 32]) -> [u8; 32] {
    // The order is slightly above 2^252: a number of 252 bits is below it. The lowest bit is set,
    // so that it is not zero.
    let mut scalar = random;
    scalar[0] &= 0x0f;
    scalar[31] |= 1;
    scalar
}

/// Returns the public key, X ‖ Y; `None` when the private key is not in [1, n−1].
pub(crate) fn derive_public_key(private: &[u8; 32]) -> Option<[u8; 64]> {
    let scalar = U256::from_be_slice(private);
    if scalar == U256::ZERO || scalar >= ORDER {
        return None;
    }
    let (x, y) = BASE_POINT.multiply_scalar(&scalar).affine_coordinates()?;
    let mut public = [0; 64];
    public[..32].copy_from_slice(&x);
    public[32..].copy_from_slice(&y);
    Some(public)
}

/// Returns whether X ‖ Y is a point of the curve and not of low order. A point of low order gives
/// only a few possible secrets, whatever the private key is.
pub(crate) fn is_valid_point(public: &[u8; 64]) -> bool {
    // The cofactor is 8: three doublings of a point of low order give the point at infinity.
    decode_point(public).is_some_and(|point| !point.double().double().double().is_infinity())
}

fn decode_point(public: &[u8; 64]) -> Option<Point> {
    let (x, y) = public.split_at(32);
    let (x, y) = (decode_coordinate(x)?, decode_coordinate(y)?);
    (y.square() == (x.square() + A) * x + B).then_some(Point {
        x,
        y,
        z: Field::ONE,
    })
}

fn decode_coordinate(bytes: &[u8]) -> Option<Field> {
    let number = U256::from_be_slice(bytes);
    (number < *Prime::PARAMS.modulus().as_ref()).then(|| Field::new(&number))
}

fn encode_coordinate(field: Field) -> [u8; 32] {
    field.retrieve().to_be_bytes().into()
}

/// Returns the shared secret: the x-coordinate, 32 bytes big-endian. `None` when the peer's key is
/// not a point of the curve, or the product is the point at infinity.
pub(crate) fn derive_shared_secret(private: &[u8; 32], public: &[u8; 64]) -> Option<[u8; 32]> {
    let (x, _) = decode_point(public)?
        .multiply_scalar(&U256::from_be_slice(private))
        .affine_coordinates()?;
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::{
        BASE_POINT, ORDER, derive_public_key, derive_shared_secret, is_valid_point,
        private_key_from_random,
    };

    #[test]
    fn the_base_point_is_of_the_published_order() {
        assert!(BASE_POINT.multiply_scalar(&ORDER).is_infinity());
        let mut one = [0; 32];
        one[31] = 1;
        let base = derive_public_key(&one).expect("a public key");
        assert!(is_valid_point(&base));
        assert_eq!(
            derive_shared_secret(&one, &base).expect("a secret")[..],
            base[..32]
        );
    }

    #[test]
    fn both_sides_agree_and_other_points_are_rejected() {
        let (ours, theirs) = (
            private_key_from_random([0xa5; 32]),
            private_key_from_random([0x3c; 32]),
        );
        let public = |private| derive_public_key(private).expect("a public key");
        assert_eq!(
            derive_shared_secret(&ours, &public(&theirs)),
            derive_shared_secret(&theirs, &public(&ours))
        );
        let mut off = public(&ours);
        off[63] ^= 1;
        assert!(!is_valid_point(&off) && derive_shared_secret(&theirs, &off).is_none());
        assert!(!is_valid_point(&[0xff; 64]), "a coordinate above the prime");
        assert!(derive_public_key(&[0; 32]).is_none() && derive_public_key(&[0xff; 32]).is_none());
    }
}
