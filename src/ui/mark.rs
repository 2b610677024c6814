//! The marks of companies: geometric patterns, generated from an id and two colors. A logo takes the
//! place of a mark.

use crate::domain::brand::{Brand, CONTROL_CONTRAST, pick};
use crate::domain::logo::Logo;

/// The shapes of a mark on a ground of 48 by 48. Those in the accent color are drawn first, then
/// those in the ink that is readable on the ground.
#[derive(Clone, Copy, Debug)]
struct Pattern {
    accent: &'static str,
    ink: &'static str,
}

const PATTERNS: [Pattern; 10] = [
    // a quarter of a disc, and a dot
    Pattern {
        accent: r#"<path d="M10 38V10a28 28 0 0 1 28 28z"/>"#,
        ink: r#"<circle cx="33" cy="15" r="6"/>"#,
    },
    // a flower
    Pattern {
        accent: r#"<circle cx="24" cy="14" r="6"/><circle cx="24" cy="34" r="6"/><circle cx="14" cy="24" r="6"/><circle cx="34" cy="24" r="6"/>"#,
        ink: r#"<circle cx="24" cy="24" r="5"/>"#,
    },
    // two squares on their corners
    Pattern {
        accent: r#"<path d="M24 7 41 24 24 41 7 24z"/>"#,
        ink: r#"<path d="M24 7 32.500 15.500 24 24 15.500 15.500z"/>"#,
    },
    // two chevrons
    Pattern {
        accent: r#"<path d="M9 24 24 9l15 15v7L24 16 9 31z"/>"#,
        ink: r#"<path d="M9 34 24 19l15 15v7L24 26 9 41z"/>"#,
    },
    // two halves of a disc, one shifted
    Pattern {
        accent: r#"<path d="M7 23a14 14 0 0 1 28 0z"/>"#,
        ink: r#"<path d="M13 25h28a14 14 0 0 1-28 0z"/>"#,
    },
    // three bars
    Pattern {
        accent: r#"<path d="M10 27h7v11h-7zM20.500 18.500h7V38h-7z"/>"#,
        ink: r#"<path d="M31 10h7v28h-7z"/>"#,
    },
    // a ring with a gap, and a dot
    Pattern {
        accent: r#"<path d="M24 9a15 15 0 1 0 15 15h-7a8 8 0 1 1-8-8z"/>"#,
        ink: r#"<circle cx="34" cy="14" r="5"/>"#,
    },
    // leaves in the quarters of a square
    Pattern {
        accent: r#"<path d="M9 9h14v14A14 14 0 0 1 9 9zM39 39H25V25a14 14 0 0 1 14 14z"/>"#,
        ink: r#"<path d="M39 9v14H25A14 14 0 0 1 39 9zM9 39V25h14A14 14 0 0 1 9 39z"/>"#,
    },
    // two crossing rings
    Pattern {
        accent: r#"<path fill-rule="evenodd" d="M18 13a11 11 0 1 0 0 22 11 11 0 0 0 0-22zm0 5a6 6 0 1 1 0 12 6 6 0 0 1 0-12z"/>"#,
        ink: r#"<path fill-rule="evenodd" d="M30 13a11 11 0 1 0 0 22 11 11 0 0 0 0-22zm0 5a6 6 0 1 1 0 12 6 6 0 0 1 0-12z"/>"#,
    },
    // a cube
    Pattern {
        accent: r#"<path d="M24 8 38 16v16l-14 8-14-8V16z"/>"#,
        ink: r#"<path d="M24 24 38 16v16l-14 8z"/>"#,
    },
];

/// The turns of a pattern, in degrees.
const TURNS: [u16; 4] = [0, 90, 180, 270];

/// Draws the mark of a company as SVG, with a CSS class if one is given. Its shape follows from the
/// id. Assistive technology ignores it, since the name is next to it.
pub(crate) fn draw_mark(id: &str, brand: Brand, class: Option<&'static str>) -> String {
    let class = class.map(|class| format!(r#" class="{class}""#));
    let class = class.unwrap_or_default();
    let Pattern { accent, ink } = pick(&PATTERNS, id, "pattern");
    let turn = pick(&TURNS, id, "turn");
    let ground = brand.color;
    let accent_color = brand.accent_color.with_contrast(ground, CONTROL_CONTRAST);
    let ink_color = ground.readable_ink();
    format!(
        r#"<svg{class} viewBox="0 0 48 48" aria-hidden="true"><rect width="48" height="48" fill="{ground}"/><g transform="rotate({turn} 24 24)"><g fill="{accent_color}">{accent}</g><g fill="{ink_color}">{ink}</g></g></svg>"#
    )
}

/// Returns the HTML of a logo, in the box of the mark with this CSS class. The path of its file
/// begins with the base path of the world, which has no character that HTML escapes. The text for
/// assistive technology is empty, since the name is next to it.
pub(crate) fn show_logo(logo: &Logo, base_path: &str, class: &'static str) -> String {
    let file = logo.file_name();
    format!(
        r#"<img class="{class}" src="{base_path}/aa/logos/{file}" alt="" width="48" height="48">"#
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{PATTERNS, draw_mark, show_logo};
    use crate::domain::brand::{Brand, Color};
    use crate::domain::logo::Logo;

    #[test]
    fn a_logo_is_an_image_of_its_world() {
        let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"/>"#;
        let logo = Logo::parse(svg).expect("an SVG image");
        let expected = format!(
            r#"<img class="logo" src="/w/ci-7/aa/logos/{}" alt="" width="48" height="48">"#,
            logo.file_name()
        );
        assert_eq!(show_logo(&logo, "/w/ci-7", "logo"), expected);
    }

    #[test]
    fn a_mark_follows_from_the_id_and_the_colors() {
        let brand = Brand::from_id("mockaa");
        let mark = draw_mark("mockaa", brand, Some("mark"));
        assert_eq!(mark, draw_mark("mockaa", brand, Some("mark")));
        assert_ne!(mark, draw_mark("onemoney-aa", brand, Some("mark")));
        let start = format!(
            r#"<svg class="mark" viewBox="0 0 48 48" aria-hidden="true"><rect width="48" height="48" fill="{}"/>"#,
            brand.color
        );
        assert!(mark.starts_with(&start), "{mark}");
        let plain = draw_mark("mockaa", brand, None);
        assert!(plain.starts_with("<svg viewBox="), "{plain}");
    }

    #[test]
    fn ids_have_every_pattern_and_no_style() {
        let marks: Vec<_> = (0..400)
            .map(|number| format!("FIU-{number}"))
            .map(|id| draw_mark(&id, Brand::from_id("mockaa"), None))
            .collect();
        for pattern in PATTERNS {
            let count = marks.iter().filter(|mark| mark.contains(pattern.accent));
            assert!(count.count() > 5, "{pattern:?}");
        }
        assert!(marks.iter().all(|mark| !mark.contains("style")));
        let distinct: BTreeSet<_> = marks.iter().collect();
        assert_eq!(
            distinct.len(),
            PATTERNS.len() * 4,
            "each pattern has four turns"
        );
    }

    #[test]
    fn every_shape_can_be_seen() {
        let brand = Brand {
            color: Color::from_rgb(0xff_d8_00),
            accent_color: Color::from_rgb(0xff_e3_cf),
        };
        let mark = draw_mark("FIU-1", brand, None);
        let colors: Vec<_> = mark
            .split("fill=\"")
            .skip(1)
            .map(|rest| Color::parse(&rest[..7]).expect("a color"))
            .collect();
        assert_eq!(colors.len(), 3);
        for color in &colors[1..] {
            assert!(color.contrast_with(brand.color) >= 3.0, "{color}");
        }
    }
}
