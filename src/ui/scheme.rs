//! The colors of `assets/tokens.css` that themes are derived from, in the light and in the dark scheme.

use crate::domain::brand::Color;

/// The tokens of `assets/tokens.css`, on or under which a theme puts its own, in one scheme.
pub(crate) struct Scheme {
    /// Value of `color-scheme`.
    pub name: &'static str,
    pub ground: Color,
    pub surface: Color,
    pub sunken: Color,
    pub warning: Color,
    pub line: Color,
    pub strong_line: Color,
    pub text: Color,
    pub secondary_text: Color,
    pub danger: Color,
    pub focus: Color,
    /// The share of a color in the ground of what has it, of 255.
    pub soft_parts: u8,
}

pub(crate) const LIGHT: Scheme = Scheme {
    name: "light",
    ground: Color::from_rgb(0xf5_f6_f9),
    surface: Color::from_rgb(0xff_ff_ff),
    sunken: Color::from_rgb(0xf1_f3_f7),
    warning: Color::from_rgb(0xff_f4_df),
    line: Color::from_rgb(0xdf_e3_eb),
    strong_line: Color::from_rgb(0x7f_8a_9e),
    text: Color::from_rgb(0x17_1d_2b),
    secondary_text: Color::from_rgb(0x4f_5a_6f),
    danger: Color::from_rgb(0xa8_20_1a),
    focus: Color::from_rgb(0x1a_56_ff),
    soft_parts: 24,
};

pub(crate) const DARK: Scheme = Scheme {
    name: "dark",
    ground: Color::from_rgb(0x11_14_1b),
    surface: Color::from_rgb(0x19_1d_26),
    sunken: Color::from_rgb(0x13_16_1e),
    warning: Color::from_rgb(0x33_27_0f),
    line: Color::from_rgb(0x2c_33_42),
    strong_line: Color::from_rgb(0x70_7d_95),
    text: Color::from_rgb(0xe8_eb_f2),
    secondary_text: Color::from_rgb(0xa7_b1_c4),
    danger: Color::from_rgb(0xff_9d_94),
    focus: Color::from_rgb(0x8f_b0_ff),
    soft_parts: 72,
};
