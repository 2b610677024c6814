//! The stylesheet of a visit that Unaport's web SDK has begun: the colors of its theme as tokens of
//! `assets/mockaa.css`. Text has 4.5:1 on its grounds, and the parts of controls have 3:1, whatever
//! the colors of the theme are (WCAG 2.2). The ring of the focus is never the theme's.
//!
//! One ink, black or white, is readable on all grounds of a stylesheet: a color that has too little
//! contrast moves towards it.

use std::fmt::Write;

use crate::domain::brand::{Brand, CONTROL_CONTRAST, Color, TEXT_CONTRAST};
use crate::domain::sdk_theme::{SdkTheme, ThemeColor};
use crate::ui::scheme::{DARK, LIGHT, Scheme};

/// The share of the ink in a ground that is derived from another one, of 255.
const SUNKEN_PARTS: u8 = 10;
const LINE_PARTS: u8 = 48;

/// The stylesheet of a theme, and what it does not take over.
#[derive(Debug)]
pub(crate) struct ThemeSheet {
    pub css: String,
    /// The colors of the theme that were corrected, as sentences.
    pub corrections: Vec<String>,
}

impl ThemeSheet {
    /// Writes the stylesheet of a theme on the pages of an AA. A theme with a ground has one scheme,
    /// that of the ground; any other one has both.
    pub(crate) fn new(brand: Brand, theme: &SdkTheme) -> Self {
        let ground = theme.color(ThemeColor::Background);
        let ground = ground.or(theme.color(ThemeColor::Accent));
        let schemes = match ground.map(Color::readable_ink) {
            None => &[&LIGHT, &DARK][..],
            Some(Color::WHITE) => &[&DARK],
            Some(_) => &[&LIGHT],
        };
        let mut corrections = Vec::new();
        let painted: Vec<_> = schemes
            .iter()
            .map(|scheme| {
                let mut painter = Painter::new(scheme, brand, theme);
                let colors = painter.paint();
                for correction in painter.corrections {
                    if !corrections.contains(&correction) {
                        corrections.push(correction);
                    }
                }
                colors
            })
            .collect();
        Self {
            css: write_sheet(schemes, &painted, theme),
            corrections,
        }
    }
}

fn write_sheet(schemes: &[&Scheme], painted: &[Vec<(&str, Color)>], theme: &SdkTheme) -> String {
    let mut css = String::new();
    if let [scheme] = schemes {
        writeln!(css, ":root {{ color-scheme: {}; }}", scheme.name)
            .expect("a text takes everything");
    }
    css += ".app {\n";
    for (index, (name, color)) in painted[0].iter().enumerate() {
        let value = match painted.get(1) {
            Some(dark) => format!("light-dark({color}, {})", dark[index].1),
            None => color.to_string(),
        };
        writeln!(css, "  {name}: {value};").expect("a text takes everything");
    }
    css += "}\n";
    if theme.color(ThemeColor::HintText).is_some() {
        css += ".app .field p:not(.wrong), .app .small, .app .empty { color: var(--hint); }\n";
    }
    let disabled = [ThemeColor::Disabled, ThemeColor::DisabledText];
    if disabled.iter().any(|name| theme.color(*name).is_some()) {
        css += ".app .btn[disabled], .app .pick:has(:disabled), .app .pick:has(:disabled) small \
                { background: var(--off); color: var(--on-off); }\n";
    }
    css
}

/// Derives the tokens of one scheme from a theme.
struct Painter<'a> {
    scheme: &'a Scheme,
    brand: Brand,
    theme: &'a SdkTheme,
    /// Black or white: readable on all grounds.
    ink: Color,
    corrections: Vec<String>,
}

impl<'a> Painter<'a> {
    fn new(scheme: &'a Scheme, brand: Brand, theme: &'a SdkTheme) -> Self {
        let ground = theme.color(ThemeColor::Background);
        Self {
            scheme,
            brand,
            theme,
            ink: ground.unwrap_or(scheme.ground).readable_ink(),
            corrections: Vec::new(),
        }
    }

    /// Returns the tokens with their colors.
    fn paint(&mut self) -> Vec<(&'static str, Color)> {
        use ThemeColor as Name;
        let Scheme {
            soft_parts,
            warning,
            ..
        } = *self.scheme;
        let ink = self.ink;
        let is_plain = [Name::Background, Name::Accent]
            .iter()
            .all(|name| self.theme.color(*name).is_none());
        let ground = self.theme.color(Name::Background);
        let ground = ground.unwrap_or(self.scheme.ground);
        let surface = self.theme.color(Name::Accent);
        let surface = surface.unwrap_or(self.scheme.surface);
        let surface = self.use_color(Name::Accent, surface.with_contrast(ink, TEXT_CONTRAST));
        let derive = |own: Color, parts| {
            let color = if is_plain {
                own
            } else {
                surface.mixed_with(ink, parts)
            };
            color.with_contrast(ink, TEXT_CONTRAST)
        };
        let sunken = derive(self.scheme.sunken, SUNKEN_PARTS);
        let line = derive(self.scheme.line, LINE_PARTS);
        let primary = self.theme.color(Name::Primary);
        let primary = primary.unwrap_or(self.brand.color);
        let soften = |color: Color| {
            let soft = surface.mixed_with(color, soft_parts);
            soft.with_contrast(ink, TEXT_CONTRAST)
        };
        let soft = soften(primary);
        let grounds = [ground, surface, sunken, soft, warning];
        let on = &grounds[..2];
        let fill = self.choose(Name::Primary, self.brand.color, on, CONTROL_CONTRAST);
        let button_text = self.theme.color(Name::PrimaryButtonText);
        let button_text = button_text.unwrap_or_else(|| fill.readable_ink());
        let button_text = button_text.with_contrast(fill, TEXT_CONTRAST);
        let brand_text = if ink == Color::WHITE {
            self.brand.accent_color
        } else {
            self.brand.color
        };
        let scheme = self.scheme;
        let danger = self.choose(Name::ErrorText, scheme.danger, &grounds, TEXT_CONTRAST);
        let mut tokens = vec![
            ("--bg", ground),
            ("--surface", surface),
            ("--raised", surface),
            ("--sunken", sunken),
            (
                "--text",
                self.choose(Name::PrimaryText, scheme.text, &grounds, TEXT_CONTRAST),
            ),
            (
                "--text-2",
                self.choose(
                    Name::SecondaryText,
                    scheme.secondary_text,
                    &grounds,
                    TEXT_CONTRAST,
                ),
            ),
            ("--line", self.theme.color(Name::Border).unwrap_or(line)),
            (
                "--line-strong",
                self.choose(Name::Border, scheme.strong_line, on, CONTROL_CONTRAST),
            ),
            (
                "--brand",
                self.choose(Name::Secondary, brand_text, &grounds, TEXT_CONTRAST),
            ),
            ("--brand-fill", fill),
            ("--brand-soft", soft),
            (
                "--on-brand",
                self.use_color(Name::PrimaryButtonText, button_text),
            ),
            ("--danger", danger),
            (
                "--focus",
                self.move_to_ink(scheme.focus, on, CONTROL_CONTRAST),
            ),
        ];
        let hint = self.choose(Name::HintText, scheme.secondary_text, on, TEXT_CONTRAST);
        tokens.push(("--hint", hint));
        let off = self.theme.color(Name::Disabled).unwrap_or(sunken);
        let on_off = self.theme.color(Name::DisabledText);
        let on_off = on_off.unwrap_or(scheme.secondary_text);
        let on_off = on_off.with_contrast(off, TEXT_CONTRAST);
        tokens.push(("--off", off));
        tokens.push(("--on-off", self.use_color(Name::DisabledText, on_off)));
        if let Some(failure) = self.theme.color(Name::FailureColor) {
            let badge = soften(failure);
            let text = self.choose(Name::FailureColor, failure, &[badge], TEXT_CONTRAST);
            for (name, color) in [
                ("--s-rejected", text),
                ("--s-rejected-bg", badge),
                ("--s-failed", text),
                ("--s-failed-bg", badge),
            ] {
                tokens.push((name, color));
            }
        }
        tokens
    }

    /// Returns a color of the theme, or else `own`, with this contrast on the grounds.
    fn choose(&mut self, name: ThemeColor, own: Color, grounds: &[Color], contrast: f64) -> Color {
        let color = self.theme.color(name).unwrap_or(own);
        let moved = self.move_to_ink(color, grounds, contrast);
        self.use_color(name, moved)
    }

    /// Returns the nearest color towards the ink that has this contrast on all grounds.
    fn move_to_ink(&self, color: Color, grounds: &[Color], contrast: f64) -> Color {
        (0..=u8::MAX)
            .map(|parts| color.mixed_with(self.ink, parts))
            .find(|step| {
                let mut contrasts = grounds.iter().map(|ground| step.contrast_with(*ground));
                contrasts.all(|actual| actual >= contrast)
            })
            .unwrap_or(self.ink)
    }

    /// Returns the color that stands for one of the theme, and records a correction.
    fn use_color(&mut self, name: ThemeColor, color: Color) -> Color {
        if let Some(wanted) = self.theme.color(name)
            && wanted != color
        {
            let correction = format!("{name} {wanted} is {color} for its contrast");
            self.corrections.push(correction);
        }
        color
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::ThemeSheet;
    use crate::domain::brand::{Brand, CONTROL_CONTRAST, Color, TEXT_CONTRAST};
    use crate::domain::sdk_theme::{SdkTheme, ThemeColor};
    use crate::ui::assets::MOCKAA_CSS;
    use crate::ui::scheme::{DARK, LIGHT};

    /// Returns the colors of each token: one, or that of the light and of the dark scheme.
    fn read_tokens(css: &str) -> BTreeMap<String, Vec<Color>> {
        let declarations = css.split([';', '{', '}']);
        let pairs = declarations.filter_map(|it| it.trim().split_once(": "));
        let tokens = pairs.filter_map(|(name, value)| {
            let name = name.rsplit(char::is_whitespace).next()?;
            let value = value.trim_start_matches("light-dark(");
            let colors = value.trim_end_matches(')').split(", ");
            let colors: Option<Vec<_>> = colors.map(Color::parse).collect();
            Some((name.to_owned(), colors?))
        });
        // The first definition counts.
        tokens.collect::<Vec<_>>().into_iter().rev().collect()
    }

    #[test]
    fn the_schemes_are_those_of_the_stylesheet() {
        let tokens = read_tokens(MOCKAA_CSS);
        for (name, expected) in [
            ("--bg", [LIGHT.ground, DARK.ground]),
            ("--surface", [LIGHT.surface, DARK.surface]),
            ("--sunken", [LIGHT.sunken, DARK.sunken]),
            ("--warn-soft", [LIGHT.warning, DARK.warning]),
            ("--line", [LIGHT.line, DARK.line]),
            ("--line-strong", [LIGHT.strong_line, DARK.strong_line]),
            ("--text", [LIGHT.text, DARK.text]),
            ("--text-2", [LIGHT.secondary_text, DARK.secondary_text]),
            ("--danger", [LIGHT.danger, DARK.danger]),
            ("--focus", [LIGHT.focus, DARK.focus]),
        ] {
            assert_eq!(tokens[name], expected, "{name}");
        }
    }

    fn read_theme(colors: &[(ThemeColor, u32)]) -> SdkTheme {
        let colors = colors.iter();
        SdkTheme {
            colors: colors
                .map(|(name, color)| (*name, Color::from_rgb(*color)))
                .collect(),
            font_name: None,
        }
    }

    #[test]
    fn an_empty_theme_has_the_colors_of_the_stylesheet() {
        let sheet = ThemeSheet::new(Brand::from_id("mockaa"), &SdkTheme::default());
        assert_eq!(sheet.corrections, Vec::<String>::new());
        let (own, all) = (read_tokens(&sheet.css), read_tokens(MOCKAA_CSS));
        for name in ["--bg", "--surface", "--sunken", "--text", "--text-2"] {
            assert_eq!(own[name], all[name], "{name}");
        }
    }

    #[test]
    fn colors_with_enough_contrast_stay() {
        let theme = read_theme(&[
            (ThemeColor::Background, 0),
            (ThemeColor::PrimaryText, 0xff_ff_ff),
            (ThemeColor::Primary, 0x77_62_ff),
            (ThemeColor::PrimaryButtonText, 0x13_13_13),
        ]);
        let sheet = ThemeSheet::new(Brand::from_id("mockaa"), &theme);
        assert!(sheet.css.starts_with(":root { color-scheme: dark; }\n"));
        let tokens = read_tokens(&sheet.css);
        for (name, color) in [
            ("--bg", 0),
            ("--text", 0xff_ff_ff),
            ("--brand-fill", 0x77_62_ff),
        ] {
            assert_eq!(tokens[name], [Color::from_rgb(color)], "{name}");
        }
        let corrections = sheet.corrections;
        assert_eq!(corrections.len(), 1, "{corrections:?}");
        assert!(corrections[0].starts_with("primaryButtonText #131313 is #"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_theme_has_enough_contrast(
            colors in proptest::collection::vec(proptest::option::of(0..=0xff_ff_ff_u32), 14),
            brand in (0..=0xff_ff_ff_u32, 0..=0xff_ff_ff_u32),
        ) {
            let named: Vec<_> = ThemeColor::ALL
                .iter()
                .zip(colors)
                .filter_map(|(name, color)| Some((*name, color?)))
                .collect();
            let brand = Brand {
                color: Color::from_rgb(brand.0),
                accent_color: Color::from_rgb(brand.1),
            };
            let sheet = ThemeSheet::new(brand, &read_theme(&named));
            let own = read_tokens(&sheet.css);
            let mut pairs = vec![("--on-brand", "--brand-fill", TEXT_CONTRAST), ("--on-off", "--off", TEXT_CONTRAST)];
            for ink in ["--text", "--text-2", "--brand", "--danger"] {
                for ground in ["--bg", "--surface", "--raised", "--sunken", "--brand-soft"] {
                    pairs.push((ink, ground, TEXT_CONTRAST));
                }
            }
            for ground in ["--bg", "--surface"] {
                pairs.push(("--hint", ground, TEXT_CONTRAST));
                for line in ["--line-strong", "--brand-fill", "--focus"] {
                    pairs.push((line, ground, CONTROL_CONTRAST));
                }
            }
            if own.contains_key("--s-failed") {
                pairs.push(("--s-failed", "--s-failed-bg", TEXT_CONTRAST));
                pairs.push(("--s-rejected", "--s-rejected-bg", TEXT_CONTRAST));
            }
            for (ink, ground, least) in pairs {
                for (ink_color, ground_color) in own[ink].iter().zip(&own[ground]) {
                    let contrast = ink_color.contrast_with(*ground_color);
                    prop_assert!(contrast >= least, "{ink} on {ground}: {contrast}\n{}", sheet.css);
                }
            }
        }
    }
}
