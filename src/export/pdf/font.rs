//! The fonts of documents: Noto Sans for the scripts of India. A document embeds the glyphs that it uses.
//!
//! A letter of a simple script is one glyph. The letters of the scripts of India and of Arabic change with their
//! neighbours, so that their texts are shaped.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;

use harfrust::{Buffer, ClusterLevel, Font, GlyphId, ShapeOptions, ShaperFont, shape};
use subsetter::GlyphRemapper;

/// The glyphs of all fonts are drawn in a square of 1000 by 1000.
const UNITS_PER_EM: f32 = 1000.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// A file of a font, under the licence in `fixtures/fonts/OFL.txt`; `fixtures/fonts/README.md` says where it is from.
struct FontFile {
    path: &'static str,
    bytes: &'static [u8],
    is_shaped: bool,
}

macro_rules! font_file {
    ($path:literal, $is_shaped:literal) => {
        FontFile {
            path: $path,
            bytes: include_bytes!(concat!("../../../", $path)),
            is_shaped: $is_shaped,
        }
    };
}

/// The bold letters. Other scripts have one weight.
const BOLD: usize = 0;

/// A character is taken from the first font that has it.
const FILES: [FontFile; 15] = [
    font_file!("fixtures/fonts/NotoSans-Latin-Bold.ttf", false),
    font_file!("fixtures/fonts/NotoSans-Latin.ttf", false),
    font_file!("fixtures/fonts/NotoSans-LatinExtended.ttf", false),
    font_file!("fixtures/fonts/NotoSans-Greek.ttf", false),
    font_file!("fixtures/fonts/NotoSans-Cyrillic.ttf", false),
    font_file!("fixtures/fonts/NotoSansDevanagari.ttf", true),
    font_file!("fixtures/fonts/NotoSansBengali.ttf", true),
    font_file!("fixtures/fonts/NotoSansGurmukhi.ttf", true),
    font_file!("fixtures/fonts/NotoSansGujarati.ttf", true),
    font_file!("fixtures/fonts/NotoSansOriya.ttf", true),
    font_file!("fixtures/fonts/NotoSansTamil.ttf", true),
    font_file!("fixtures/fonts/NotoSansTelugu.ttf", true),
    font_file!("fixtures/fonts/NotoSansKannada.ttf", true),
    font_file!("fixtures/fonts/NotoSansMalayalam.ttf", true),
    font_file!("fixtures/fonts/NotoSansArabic.ttf", true),
];

/// The font that has the box for characters without a glyph.
const FALLBACK: usize = 1;

/// A font as far as a document uses it. Its glyphs are numbered in the order of their first use.
pub(super) struct UsedFont {
    file: &'static FontFile,
    font: Font,
    remapper: GlyphRemapper,
    /// The text and the advance of each used glyph.
    glyphs: Vec<(String, i32)>,
}

impl UsedFont {
    fn open(file: &'static FontFile) -> Self {
        let font = Font::new(file.bytes, 0).expect("the file is a font");
        Self {
            file,
            font,
            remapper: GlyphRemapper::new(),
            // The box, which every font has.
            glyphs: vec![("\u{fffd}".to_owned(), 600)],
        }
    }

    /// Returns the name of the font, which is that of its file.
    pub(super) fn name(&self) -> &'static str {
        let file = Path::new(self.file.path).file_stem();
        file.and_then(OsStr::to_str).expect("the file has a name")
    }

    /// Returns the texts and the advances of the used glyphs, by their numbers.
    pub(super) fn glyphs(&self) -> &[(String, i32)] {
        &self.glyphs
    }

    /// Returns the font file with the used glyphs alone.
    pub(super) fn subset(&self) -> Vec<u8> {
        subsetter::subset(self.file.bytes, 0, &self.remapper).expect("the file is a font")
    }

    /// Returns the number that a glyph has in the document. `text` is its meaning.
    fn use_glyph(&mut self, glyph: u32, advance: i32, text: &str) -> u16 {
        let glyph = u16::try_from(glyph).expect("a font has fewer glyphs");
        let number = self.remapper.remap(glyph);
        if usize::from(number) == self.glyphs.len() {
            self.glyphs.push((text.to_owned(), advance));
        }
        number
    }
}

/// A glyph of a line of text; lengths are in units of the font.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Glyph {
    /// The number in the document.
    pub number: u16,
    /// The advance that the font has for the glyph.
    pub width: i32,
    /// The advance in this text.
    pub advance: i32,
    pub x_offset: i32,
    pub y_offset: i32,
}

/// A part of a text in one font.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run<'t> {
    /// The index of the font in the document.
    pub font: usize,
    pub glyphs: Vec<Glyph>,
    /// The text, if its glyphs may have another order.
    pub shaped_text: Option<&'t str>,
}

/// A character as the fonts have it.
#[derive(Clone, Copy)]
enum Letter {
    /// Font and glyph of a character of a simple script.
    Simple(usize, Glyph),
    /// A character of a font whose texts are shaped.
    Shaped(usize),
    /// The box for a character that no font has.
    Missing(usize, Glyph),
}

/// The fonts of a document.
pub(super) struct Fonts {
    /// Those that were opened, by the index of their file.
    by_file: [Option<UsedFont>; FILES.len()],
    /// The letters that were found so far.
    letters: HashMap<(char, Weight), Letter>,
    /// Those of ASCII, which most texts consist of, by weight.
    ascii_letters: [[Option<Letter>; 128]; 2],
    /// The number of characters that no font has.
    missing: usize,
}

impl Fonts {
    pub(super) fn new() -> Self {
        Self {
            by_file: [const { None }; FILES.len()],
            letters: HashMap::new(),
            ascii_letters: [[None; 128]; 2],
            missing: 0,
        }
    }

    /// Returns the fonts that the document uses, with their indexes.
    pub(super) fn used(&self) -> impl Iterator<Item = (usize, &UsedFont)> {
        let fonts = self.by_file.iter().enumerate();
        fonts
            .filter_map(|(index, font)| Some((index, font.as_ref()?)))
            .filter(|(_, font)| font.glyphs.len() > 1)
    }

    /// Returns the number of printed characters that no font has.
    pub(super) fn missing(&self) -> usize {
        self.missing
    }

    /// Returns the width of a text in a size.
    #[expect(clippy::cast_precision_loss, reason = "texts are short")]
    pub(super) fn text_width(&mut self, text: &str, weight: Weight, size: f32) -> f32 {
        let units: i32 = text.chars().map(|c| self.char_width(c, weight)).sum();
        units as f32 * size / UNITS_PER_EM
    }

    /// Returns the width of a character by itself. Shaping makes texts narrower.
    fn char_width(&mut self, c: char, weight: Weight) -> i32 {
        match self.letter(c, weight) {
            Letter::Simple(_, glyph) | Letter::Missing(_, glyph) => glyph.advance,
            Letter::Shaped(index) => {
                let font = &self.open_font(index).font;
                let shaper = ShaperFont::new(font);
                let glyph = shaper.nominal_glyph(c.into());
                glyph.map_or(0, |glyph| shaper.glyph_h_advance(glyph))
            }
        }
    }

    fn open_font(&mut self, index: usize) -> &mut UsedFont {
        self.by_file[index].get_or_insert_with(|| UsedFont::open(&FILES[index]))
    }

    /// Finds a character, in a bold font if there is one.
    fn letter(&mut self, c: char, weight: Weight) -> Letter {
        // A line break or a tab in a text is printed as a space.
        let c = if c.is_control() { ' ' } else { c };
        if c.is_ascii() {
            let slot = (weight as usize, c as usize);
            if let Some(letter) = self.ascii_letters[slot.0][slot.1] {
                return letter;
            }
            let letter = self.find_letter(c, weight);
            self.ascii_letters[slot.0][slot.1] = Some(letter);
            return letter;
        }
        if let Some(letter) = self.letters.get(&(c, weight)) {
            return *letter;
        }
        let letter = self.find_letter(c, weight);
        self.letters.insert((c, weight), letter);
        letter
    }

    fn find_letter(&mut self, c: char, weight: Weight) -> Letter {
        let first = if weight == Weight::Bold {
            BOLD
        } else {
            BOLD + 1
        };
        for index in first..FILES.len() {
            let used = self.open_font(index);
            let shaper = ShaperFont::new(&used.font);
            let Some(glyph) = shaper.nominal_glyph(c.into()) else {
                continue;
            };
            if used.file.is_shaped {
                return Letter::Shaped(index);
            }
            let advance = shaper.glyph_h_advance(glyph);
            let number = used.use_glyph(glyph.to_u32(), advance, c.encode_utf8(&mut [0; 4]));
            return Letter::Simple(index, Glyph::simple(number, advance));
        }
        let used = self.open_font(FALLBACK);
        let advance = ShaperFont::new(&used.font).glyph_h_advance(GlyphId::new(0));
        Letter::Missing(FALLBACK, Glyph::simple(0, advance))
    }

    /// Lays out a line of text.
    pub(super) fn lay_out<'t>(&mut self, text: &'t str, weight: Weight) -> Vec<Run<'t>> {
        let mut runs: Vec<Run<'t>> = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            match self.letter(c, weight) {
                Letter::Shaped(index) => {
                    let (shaped, after) = rest.split_at(self.shaped_prefix(rest, index));
                    runs.push(self.shape_run(shaped, index));
                    rest = after;
                    continue;
                }
                letter @ (Letter::Simple(font, glyph) | Letter::Missing(font, glyph)) => {
                    if matches!(letter, Letter::Missing(..)) {
                        self.missing += 1;
                    }
                    match runs.last_mut() {
                        Some(run) if run.font == font && run.shaped_text.is_none() => {
                            run.glyphs.push(glyph);
                        }
                        _ => runs.push(Run {
                            font,
                            glyphs: vec![glyph],
                            shaped_text: None,
                        }),
                    }
                }
            }
            rest = &rest[c.len_utf8()..];
        }
        runs
    }

    /// Returns the length of the part at the beginning of a text that a font shapes.
    fn shaped_prefix(&mut self, text: &str, index: usize) -> usize {
        let font = &self.open_font(index).font;
        let shaper = ShaperFont::new(font);
        let is_end = |c: char| c.is_ascii() || shaper.nominal_glyph(c.into()).is_none();
        text.find(is_end).unwrap_or(text.len())
    }

    fn shape_run<'t>(&mut self, text: &'t str, index: usize) -> Run<'t> {
        let used = self.open_font(index);
        let mut buffer = Buffer::new();
        buffer.push_str(text);
        buffer.set_cluster_level(ClusterLevel::Characters);
        buffer.guess_segment_properties();
        let shaper = ShaperFont::new(&used.font);
        shape(&shaper, &mut buffer, ShapeOptions::default()).expect("the direction is set");
        let infos = buffer.glyph_infos();
        let shaped = infos.iter().zip(buffer.glyph_positions());
        let widths: Vec<i32> = infos
            .iter()
            .map(|info| shaper.glyph_h_advance(GlyphId::new(info.glyph_id)))
            .collect();
        let mut starts: Vec<usize> = infos.iter().map(|info| info.cluster as usize).collect();
        starts.sort_unstable();
        starts.dedup();
        let mut told: Vec<usize> = Vec::new();
        let glyphs = shaped.zip(widths).map(|((info, position), width)| {
            let start = info.cluster as usize;
            // Of several glyphs for the same characters, the first one has them as its text.
            let meaning = if told.contains(&start) {
                ""
            } else {
                told.push(start);
                let end = starts.iter().copied().find(|next| *next > start);
                &text[start..end.unwrap_or(text.len())]
            };
            Glyph {
                number: used.use_glyph(info.glyph_id, width, meaning),
                width,
                advance: position.x_advance,
                x_offset: position.x_offset,
                y_offset: position.y_offset,
            }
        });
        Run {
            font: index,
            glyphs: glyphs.collect(),
            shaped_text: Some(text),
        }
    }

    /// Wraps a text to a width; returns at least one line.
    pub(super) fn wrap_text<'t>(
        &mut self,
        text: &'t str,
        weight: Weight,
        size: f32,
        width: f32,
    ) -> Vec<&'t str> {
        let mut lines = Vec::new();
        let mut rest = text;
        loop {
            let Some(end) = self.find_overflow(rest, weight, size, width) else {
                lines.push(rest);
                return lines;
            };
            // A line ends after a separator if that leaves it at least a third full.
            let break_at = rest[..end]
                .rfind([' ', '/', '-', ',', '_', '@'])
                .map(|index| index + 1)
                .filter(|index| index * 3 > end);
            let (line, after) = rest.split_at(break_at.unwrap_or(end));
            lines.push(line.trim_end());
            rest = after;
        }
    }

    /// Returns the index of the first character that is beyond a width; at least one character fits.
    #[expect(clippy::cast_precision_loss, reason = "texts are short")]
    fn find_overflow(
        &mut self,
        text: &str,
        weight: Weight,
        size: f32,
        width: f32,
    ) -> Option<usize> {
        let mut units = 0;
        for (index, c) in text.char_indices() {
            units += self.char_width(c, weight);
            if index > 0 && units as f32 * size / UNITS_PER_EM > width {
                return Some(index);
            }
        }
        None
    }
}

impl Glyph {
    fn simple(number: u16, advance: i32) -> Self {
        Self {
            number,
            width: advance,
            advance,
            x_offset: 0,
            y_offset: 0,
        }
    }
}
