//! The colors of AAs and FIUs on the customer's pages, and the contrast of colors (WCAG 2.2).

use std::fmt;

/// An opaque color of the sRGB space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

/// The contrast that text needs (WCAG 2.2, 1.4.3).
pub(crate) const TEXT_CONTRAST: f64 = 4.5;

/// The contrast that the parts of controls need (WCAG 2.2, 1.4.11).
pub(crate) const CONTROL_CONTRAST: f64 = 3.0;

impl Color {
    pub const BLACK: Self = Self::from_rgb(0);
    pub const WHITE: Self = Self::from_rgb(0xff_ff_ff);

    /// Creates a color from the number `0xRRGGBB`.
    pub const fn from_rgb(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self { red, green, blue }
    }

    /// Parses six hexadecimal digits, with or without a `#`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let is_hex = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let rgb = u32::from_str_radix(digits, 16).ok()?;
        is_hex.then_some(Self::from_rgb(rgb))
    }

    /// Returns the six hexadecimal digits without the `#`, in lower case.
    pub fn hex_digits(self) -> String {
        let Self { red, green, blue } = self;
        format!("{red:02x}{green:02x}{blue:02x}")
    }

    /// Returns red, green and blue, each from 0 to 1.
    pub fn channels(self) -> [f32; 3] {
        [self.red, self.green, self.blue].map(|channel| f32::from(channel) / 255.0)
    }

    /// Returns the relative luminance, from 0 for black to 1 for white (WCAG 2.2, "relative
    /// luminance").
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// Returns the contrast ratio of two colors, from 1 to 21 (WCAG 2.2, "contrast ratio").
    pub fn contrast_with(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Returns black or white, whichever has more contrast with this ground. It is at least 4.5.
    pub fn readable_ink(self) -> Self {
        if self.contrast_with(Self::BLACK) > self.contrast_with(Self::WHITE) {
            Self::BLACK
        } else {
            Self::WHITE
        }
    }

    /// Returns this color mixed with another one, of which it takes `parts` of 255.
    #[must_use]
    pub fn mixed_with(self, other: Self, parts: u8) -> Self {
        let mix = |own: u8, other: u8| {
            let sum = u16::from(own) * u16::from(255 - parts) + u16::from(other) * u16::from(parts);
            u8::try_from((sum + 127) / 255).expect("a mean of two bytes is a byte")
        };
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }

    /// Returns this color if it has the contrast with the ground; else the nearest color towards the
    /// readable ink of the ground that has it: a darker one on a light ground, a lighter one on a
    /// dark ground. A contrast of up to 4.5 is always reached, a higher one as far as the ink has it.
    #[must_use]
    pub fn with_contrast(self, ground: Self, contrast: f64) -> Self {
        let ink = ground.readable_ink();
        let mut steps = (0..=u8::MAX).map(|parts| self.mixed_with(ink, parts));
        steps
            .find(|color| color.contrast_with(ground) >= contrast)
            .unwrap_or(ink)
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.hex_digits())
    }
}

/// The colors of a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brand {
    /// The ground of the mark and the fill of buttons.
    pub color: Color,
    /// The second color of the mark, and the color of text on a dark ground.
    pub accent_color: Color,
}

impl Brand {
    /// The brands of companies that set no colors: `color` and `accent_color`.
    const PALETTE: [(u32, u32); 12] = [
        (0x3a_3a_a0, 0xb9_b9_ff),
        (0xb4_46_0c, 0xff_e3_cf),
        (0x0b_5c_66, 0xa8_e6_ea),
        (0x6b_24_55, 0xf6_bf_e4),
        (0x1d_63_34, 0xb6_ec_c2),
        (0x8a_1d_2d, 0xff_c4_c0),
        (0x1c_4f_8f, 0xb4_d8_ff),
        (0x6a_4a_00, 0xff_db_7d),
        (0x4a_2a_8c, 0xd9_c2_ff),
        (0x3d_52_14, 0xd5_ec_9a),
        (0x34_40_54, 0xc3_cf_e3),
        (0x9c_1f_63, 0xff_c2_df),
    ];

    /// Returns the brand of a company that sets no colors. It follows from the id.
    pub fn from_id(id: &str) -> Self {
        let (color, accent_color) = pick(&Self::PALETTE, id, "brand");
        Self {
            color: Color::from_rgb(color),
            accent_color: Color::from_rgb(accent_color),
        }
    }
}

/// Picks a value for an id. It is the same in every sandbox, and those for several purposes are
/// independent of each other.
pub(crate) fn pick<T: Copy>(values: &[T], id: &str, purpose: &str) -> T {
    // FNV-1a with the finalizer of SplitMix64, since the low bits of FNV-1a alone depend on few bits.
    let bytes = purpose.bytes().chain([0]).chain(id.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let hash = hash ^ (hash >> 31);
    let index = hash % u64::try_from(values.len()).expect("a length fits into 64 bits");
    values[usize::try_from(index).expect("an index of the list")]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Brand, CONTROL_CONTRAST, Color, TEXT_CONTRAST};

    #[test]
    fn a_color_is_six_hexadecimal_digits() {
        for text in ["#3a3AA0", "3a3aa0", "#3a3aa0"] {
            let color = Color::parse(text).expect("a color");
            assert_eq!(color.to_string(), "#3a3aa0", "{text}");
        }
        for text in [
            "", "#", "#fff", "3a3aa", "#3a3aa00", "##3a3aa0", "+3a3aa", "3a3aag", " 3a3aa0", "ééé",
            "blue",
        ] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }

    /// The ratios are those of published examples: black on white has 21, #767676 is the lightest
    /// grey for text on white.
    #[test]
    fn contrast_is_that_of_the_guidelines() {
        let ratio = |one, two| Color::from_rgb(one).contrast_with(Color::from_rgb(two));
        assert!((ratio(0, 0xff_ff_ff) - 21.0).abs() < 1e-9);
        assert!((ratio(0x12_34_56, 0x12_34_56) - 1.0).abs() < 1e-9);
        assert!((ratio(0x76_76_76, 0xff_ff_ff) - 4.54).abs() < 0.005);
        assert!((ratio(0xff_ff_ff, 0x77_77_77) - 4.48).abs() < 0.005);
        assert!((ratio(0xff_00_00, 0xff_ff_ff) - 3.998).abs() < 0.001);
    }

    #[test]
    fn white_is_readable_on_every_default_color() {
        for (color, accent) in Brand::PALETTE {
            let (color, accent) = (Color::from_rgb(color), Color::from_rgb(accent));
            assert!(
                color.contrast_with(Color::WHITE) >= TEXT_CONTRAST,
                "{color}"
            );
            assert!(color.contrast_with(accent) >= CONTROL_CONTRAST, "{accent}");
        }
    }

    #[test]
    fn brands_of_ids_differ() {
        let ids = ["FIU-1", "FIU-2", "UNACORES-FIU-UAT"];
        let brands = ids.map(Brand::from_id);
        assert_eq!(brands, ids.map(Brand::from_id));
        assert!(brands[0] != brands[1] && brands[1] != brands[2] && brands[0] != brands[2]);
    }

    #[test]
    fn a_color_changes_only_as_far_as_its_contrast_needs() {
        let yellow = Color::from_rgb(0xff_d8_00);
        assert_eq!(yellow.with_contrast(Color::BLACK, 4.5), yellow);
        let text = yellow.with_contrast(Color::WHITE, 4.5);
        let contrast = text.contrast_with(Color::WHITE);
        assert!((4.5..4.7).contains(&contrast), "{text} {contrast}");
        assert_eq!(yellow.with_contrast(Color::WHITE, 21.5), Color::BLACK);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn some_ink_is_readable_on_every_ground(color in 0..=0xff_ff_ff_u32, ground in 0..=0xff_ff_ff_u32) {
            let (color, ground) = (Color::from_rgb(color), Color::from_rgb(ground));
            prop_assert!(ground.readable_ink().contrast_with(ground) >= TEXT_CONTRAST);
            let text = color.with_contrast(ground, TEXT_CONTRAST);
            prop_assert!(text.contrast_with(ground) >= TEXT_CONTRAST);
            prop_assert_eq!(Color::parse(&text.to_string()), Some(text));
        }
    }
}
