//! The theme of an AA: a stylesheet that sets the brand tokens of the customer's pages. All pairs of
//! ink and ground in it have the contrast of WCAG 2.2, whatever the colors of the AA are.

use crate::domain::brand::{Brand, CONTROL_CONTRAST, Color, TEXT_CONTRAST};
use crate::ui::scheme::{DARK, LIGHT, Scheme};

/// The tokens that a theme sets, in one scheme.
struct ThemeColors {
    /// `--brand`: text and icons on the surface, the ground and `--brand-soft`.
    text: Color,
    /// `--brand-fill`: buttons and marks of progress.
    fill: Color,
    /// `--brand-soft`: the ground of what is chosen.
    soft: Color,
    /// `--on-brand`: text on the fill.
    on_fill: Color,
}

impl ThemeColors {
    /// Derives the tokens from a color for text and a color for fills.
    fn new(scheme: &Scheme, text: Color, fill: Color) -> Self {
        let soft = scheme
            .surface
            .mixed_with(fill, scheme.soft_parts)
            .with_contrast(scheme.secondary_text, TEXT_CONTRAST);
        let fill = fill
            .with_contrast(scheme.surface, CONTROL_CONTRAST)
            .with_contrast(scheme.ground, CONTROL_CONTRAST);
        Self {
            text: text
                .with_contrast(scheme.surface, TEXT_CONTRAST)
                .with_contrast(scheme.ground, TEXT_CONTRAST)
                .with_contrast(soft, TEXT_CONTRAST),
            fill,
            soft,
            on_fill: fill.readable_ink(),
        }
    }
}

/// Returns the path of the theme of a brand.
pub(crate) fn theme_path(brand: Brand) -> String {
    format!("/aa/themes/{}", theme_file(brand))
}

fn theme_file(brand: Brand) -> String {
    let Brand {
        color,
        accent_color,
    } = brand;
    format!("{}-{}.css", color.hex_digits(), accent_color.hex_digits())
}

/// Returns the brand whose theme has this file name. A theme has one name, in lower case.
pub(crate) fn find_theme(file: &str) -> Option<Brand> {
    let (color, accent_color) = file.strip_suffix(".css")?.split_once('-')?;
    let brand = Brand {
        color: Color::parse(color)?,
        accent_color: Color::parse(accent_color)?,
    };
    (theme_file(brand) == file).then_some(brand)
}

/// Writes the stylesheet of a brand. On a dark ground, text has the accent color.
pub(crate) fn write_theme(brand: Brand) -> String {
    let light = ThemeColors::new(&LIGHT, brand.color, brand.color);
    let dark = ThemeColors::new(&DARK, brand.accent_color, brand.color);
    let tokens = [
        ("--brand", light.text, dark.text),
        ("--brand-fill", light.fill, dark.fill),
        ("--brand-soft", light.soft, dark.soft),
        ("--on-brand", light.on_fill, dark.on_fill),
    ];
    let tokens =
        tokens.map(|(name, light, dark)| format!("  {name}: light-dark({light}, {dark});\n"));
    format!(".app {{\n{}}}\n", tokens.concat())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{find_theme, theme_path, write_theme};
    use crate::domain::brand::{Brand, CONTROL_CONTRAST, Color, TEXT_CONTRAST};
    use crate::ui::assets::MOCKAA_CSS;
    use crate::ui::scheme::{DARK, LIGHT};

    /// Colors of a token in the light and the dark scheme.
    type Pair = [Color; 2];

    /// Returns the tokens of a stylesheet that are colors; the first definition counts.
    fn read_tokens(css: &str) -> BTreeMap<String, Pair> {
        let mut tokens = BTreeMap::new();
        for declaration in css.split([';', '{', '}']) {
            let Some((name, value)) = declaration.trim().split_once(": light-dark(") else {
                continue;
            };
            let name = name.rsplit(|letter: char| letter.is_whitespace()).next();
            let name = name.filter(|name| name.starts_with("--"));
            let values: Vec<_> = value
                .trim_end_matches(')')
                .split(',')
                .filter_map(|value| Color::parse(value.trim()))
                .collect();
            if let (Some(name), &[light, dark]) = (name, &*values) {
                tokens.entry(name.to_owned()).or_insert([light, dark]);
            }
        }
        tokens
    }

    fn check_contrast(tokens: &BTreeMap<String, Pair>, ink: &str, ground: &str, least: f64) {
        let find = |name: &str| {
            tokens
                .get(name)
                .unwrap_or_else(|| panic!("no token {name}"))
        };
        for (scheme, (ink_color, ground_color)) in ["light", "dark"]
            .into_iter()
            .zip(find(ink).iter().zip(find(ground)))
        {
            let contrast = ink_color.contrast_with(*ground_color);
            assert!(
                contrast >= least,
                "{ink} {ink_color} on {ground} {ground_color} ({scheme}): {contrast:.2}"
            );
        }
    }

    #[test]
    fn the_tokens_have_enough_contrast() {
        let tokens = read_tokens(MOCKAA_CSS);
        for ink in ["text", "text-2", "accent", "danger", "good", "warn"] {
            for ground in ["surface", "bg", "sunken", "raised"] {
                check_contrast(
                    &tokens,
                    &format!("--{ink}"),
                    &format!("--{ground}"),
                    TEXT_CONTRAST,
                );
            }
        }
        let mut states = 0;
        for ground in tokens.keys().filter(|name| name.starts_with("--s-")) {
            if let Some(ink) = ground.strip_suffix("-bg") {
                check_contrast(&tokens, ink, ground, TEXT_CONTRAST);
                states += 1;
            }
        }
        assert_eq!(states, 8, "a consent has eight states");
        for ink in ["key", "str", "num", "lit"] {
            check_contrast(&tokens, &format!("--syn-{ink}"), "--sunken", TEXT_CONTRAST);
        }
        for (ink, ground) in [
            ("--on-accent", "--accent-fill"),
            ("--on-danger", "--danger-fill"),
            ("--accent", "--accent-soft"),
            ("--warn", "--warn-soft"),
            ("--text", "--warn-soft"),
        ] {
            check_contrast(&tokens, ink, ground, TEXT_CONTRAST);
        }
        for line in ["--line-strong", "--focus"] {
            for ground in ["--surface", "--bg"] {
                check_contrast(&tokens, line, ground, CONTROL_CONTRAST);
            }
        }
    }

    #[test]
    fn a_theme_knows_the_grounds_of_the_stylesheet() {
        let tokens = read_tokens(MOCKAA_CSS);
        for (name, expected) in [
            ("--surface", [LIGHT.surface, DARK.surface]),
            ("--bg", [LIGHT.ground, DARK.ground]),
            ("--text-2", [LIGHT.secondary_text, DARK.secondary_text]),
        ] {
            assert_eq!(tokens[name], expected, "{name}");
        }
        let read = |css: &str| read_tokens(css).into_keys().collect::<Vec<_>>();
        let rule = MOCKAA_CSS.split(".app {").nth(1).expect("the rule of .app");
        let rule = rule.split('}').next().expect("the rule of .app");
        let mut expected = read(rule);
        expected.push("--on-brand".to_owned());
        expected.sort();
        assert_eq!(read(&write_theme(Brand::from_id("mockaa"))), expected);
    }

    #[test]
    fn a_theme_has_one_name() {
        let brand = Brand::from_id("mockaa");
        let path = theme_path(brand);
        let file = path.strip_prefix("/aa/themes/").expect("the folder");
        assert_eq!(find_theme(file), Some(brand), "{file}");
        for file in [
            "",
            "3a3aa0-b9b9ff",
            "3A3AA0-b9b9ff.css",
            "#3a3aa0-b9b9ff.css",
            "3a3aa0-b9b9ff.css.css",
            "3a3aa0-b9b9f.css",
            "3a3aa0.css",
            "3a3aa0-b9b9ff-ffffff.css",
        ] {
            assert_eq!(find_theme(file), None, "{file}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_theme_has_enough_contrast(color in 0..=0xff_ff_ff_u32, accent in 0..=0xff_ff_ff_u32) {
            let brand = Brand {
                color: Color::from_rgb(color),
                accent_color: Color::from_rgb(accent),
            };
            let mut tokens = read_tokens(MOCKAA_CSS);
            tokens.extend(read_tokens(&write_theme(brand)));
            for ground in ["--surface", "--bg"] {
                check_contrast(&tokens, "--brand", ground, TEXT_CONTRAST);
                check_contrast(&tokens, "--brand-fill", ground, CONTROL_CONTRAST);
            }
            check_contrast(&tokens, "--on-brand", "--brand-fill", TEXT_CONTRAST);
            for ink in ["--brand", "--text", "--text-2"] {
                check_contrast(&tokens, ink, "--brand-soft", TEXT_CONTRAST);
            }
        }
    }
}
