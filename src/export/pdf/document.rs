//! The pages of a PDF document. A page is written as soon as it is full, so that a document of any length takes
//! the memory of one page.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Chunk, Content, Filter, Finish, Name, Rect, Ref, Str, TextStr};

use super::font::{Fonts, Run, UsedFont, Weight};
use crate::domain::brand::Color;

/// The page size in points: A4, landscape.
pub(super) const WIDTH: f32 = 842.0;
pub(super) const HEIGHT: f32 = 595.0;
pub(super) const MARGIN: f32 = 36.0;

/// The width of the part of a page that is printed.
pub(super) const PRINTED_WIDTH: f32 = WIDTH - 2.0 * MARGIN;

/// The y of the first line of a page.
const TOP: f32 = HEIGHT - MARGIN - 12.0;

/// The y of the footer, which is in the margin.
const FOOTER_Y: f32 = MARGIN - 14.0;
const FOOTER_SIZE: f32 = 7.0;

/// The color of rules between rows.
const RULE_GRAY: f32 = 0.78;

/// The name of the number of pages, which is known at the end only.
const PAGE_COUNT: Name<'static> = Name(b"PageCount");

const CATALOG: Ref = Ref::new(1);
const PAGE_TREE: Ref = Ref::new(2);
const INFO: Ref = Ref::new(3);
const RESOURCES: Ref = Ref::new(4);
const PAGE_COUNT_FORM: Ref = Ref::new(5);
const FIRST_FREE: i32 = 6;

const CID_SYSTEM: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// A document that is being written.
pub(super) struct Document {
    title: String,
    /// The left part of the footer.
    footer: String,
    fonts: Fonts,
    /// The bytes that are written and not yet taken.
    bytes: Vec<u8>,
    /// The number of bytes that were taken.
    taken: usize,
    /// The place of each object, by its number; `None` for one that is not written yet.
    offsets: Vec<Option<usize>>,
    pages: Vec<Ref>,
    content: Content,
    /// The base line of the next text, in points from the bottom.
    pub y: f32,
}

impl Document {
    pub(super) fn new(title: &str, footer: &str) -> Self {
        Self {
            title: title.to_owned(),
            footer: footer.to_owned(),
            fonts: Fonts::new(),
            bytes: b"%PDF-1.7\n%\x80\x80\x80\x80\n\n".to_vec(),
            taken: 0,
            offsets: vec![None; FIRST_FREE as usize],
            pages: Vec::new(),
            content: Content::new(),
            y: TOP,
        }
    }

    /// Moves the bytes that are written to `out`.
    pub(super) fn take_bytes(&mut self, out: &mut Vec<u8>) {
        self.taken += self.bytes.len();
        out.append(&mut self.bytes);
    }

    pub(super) fn fonts(&mut self) -> &mut Fonts {
        &mut self.fonts
    }

    /// Returns the number of full pages.
    #[cfg(test)]
    pub(super) fn page_count(&self) -> usize {
        self.pages.len()
    }

    pub(super) fn is_at_top(&self) -> bool {
        self.y >= TOP
    }

    /// Writes the page, and begins the next one.
    pub(super) fn next_page(&mut self) {
        self.draw_footer();
        let content = std::mem::replace(&mut self.content, Content::new());
        let content = compress(content.finish().as_slice());
        let (page, stream) = (self.next_ref(), self.next_ref());
        self.pages.push(page);
        let mut chunk = Chunk::new();
        chunk
            .page(page)
            .media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT))
            .parent(PAGE_TREE)
            .contents(stream)
            .pair(Name(b"Resources"), RESOURCES);
        self.write_object(page, &chunk);
        self.write_stream(stream, &content);
        self.y = TOP;
    }

    fn draw_footer(&mut self) {
        self.y = FOOTER_Y;
        let footer = self.footer.clone();
        self.draw_text(MARGIN, FOOTER_SIZE, Weight::Regular, &footer);
        let number = format!("Page {} of ", self.pages.len() + 1);
        // The number of pages has at most seven digits.
        let x = WIDTH - MARGIN - 90.0;
        self.draw_text(x, FOOTER_SIZE, Weight::Regular, &number);
        let width = self.fonts.text_width(&number, Weight::Regular, FOOTER_SIZE);
        self.content
            .save_state()
            .transform([1.0, 0.0, 0.0, 1.0, x + width, FOOTER_Y])
            .x_object(PAGE_COUNT)
            .restore_state();
    }

    /// Draws a text that begins at `x`.
    pub(super) fn draw_text(&mut self, x: f32, size: f32, weight: Weight, text: &str) {
        if text.is_empty() {
            return;
        }
        let runs = self.fonts.lay_out(text, weight);
        self.content.begin_text().next_line(x, self.y);
        show_runs(&mut self.content, &runs, size);
        self.content.end_text();
    }

    /// Draws a text that ends at `right`.
    pub(super) fn draw_text_right(&mut self, right: f32, size: f32, weight: Weight, text: &str) {
        let width = self.fonts.text_width(text, weight, size);
        self.draw_text(right - width, size, weight, text);
    }

    /// Sets the color of the following texts and areas.
    pub(super) fn set_color(&mut self, color: Color) {
        let [red, green, blue] = color.channels();
        self.content.set_fill_rgb(red, green, blue);
    }

    /// Fills a rectangle in a shade of gray, from 0 for black to 1 for white.
    pub(super) fn fill_gray(&mut self, gray: f32, rect: Rect) {
        self.content.set_fill_gray(gray);
        self.fill_rect(rect);
        self.content.set_fill_gray(0.0);
    }

    pub(super) fn fill_rect(&mut self, rect: Rect) {
        let (width, height) = (rect.x2 - rect.x1, rect.y2 - rect.y1);
        self.content
            .rect(rect.x1, rect.y1, width, height)
            .fill_nonzero();
    }

    /// Draws a thin line.
    pub(super) fn draw_rule(&mut self, from: (f32, f32), to: (f32, f32)) {
        self.content
            .set_line_width(0.4)
            .set_stroke_gray(RULE_GRAY)
            .move_to(from.0, from.1)
            .line_to(to.0, to.1)
            .stroke();
    }

    /// Writes the last page, and what all pages share.
    pub(super) fn finish(&mut self) {
        if self.fonts.missing() > 0 {
            self.draw_missing_notice();
        }
        self.next_page();
        let count = self.pages.len();
        let number = count.to_string();
        let runs = self.fonts.lay_out(&number, Weight::Regular);
        let mut content = Content::new();
        content.begin_text();
        show_runs(&mut content, &runs, FOOTER_SIZE);
        content.end_text();
        self.write_page_count(content.finish().as_slice());
        let used: Vec<(usize, Ref)> = self.write_fonts();
        let mut chunk = Chunk::new();
        let mut resources = chunk
            .indirect(RESOURCES)
            .start::<pdf_writer::writers::Resources>();
        let mut fonts = resources.fonts();
        for (index, font) in used {
            fonts.pair(Name(font_key(index).as_bytes()), font);
        }
        fonts.finish();
        resources.x_objects().pair(PAGE_COUNT, PAGE_COUNT_FORM);
        resources.finish();
        self.write_object(RESOURCES, &chunk);
        let mut chunk = Chunk::new();
        let pages = self.pages.iter().copied();
        chunk
            .pages(PAGE_TREE)
            .kids(pages)
            .count(i32::try_from(count).expect("pages are few"));
        self.write_object(PAGE_TREE, &chunk);
        let mut chunk = Chunk::new();
        chunk
            .indirect(CATALOG)
            .start::<pdf_writer::writers::Catalog>()
            .pages(PAGE_TREE);
        self.write_object(CATALOG, &chunk);
        let mut chunk = Chunk::new();
        chunk
            .indirect(INFO)
            .start::<pdf_writer::writers::DocumentInfo>()
            .title(TextStr(&self.title))
            .producer(TextStr("mockaa"));
        self.write_object(INFO, &chunk);
        self.write_cross_references();
    }

    fn draw_missing_notice(&mut self) {
        if self.y < MARGIN + 20.0 {
            self.next_page();
        }
        self.y -= 14.0;
        let notice = format!(
            "Characters that no font of this document has: {}. They are printed as boxes; the other formats have them.",
            self.fonts.missing()
        );
        self.draw_text(MARGIN, 8.0, Weight::Bold, &notice);
    }

    fn write_page_count(&mut self, content: &[u8]) {
        let mut chunk = Chunk::new();
        let mut form = chunk.form_xobject(PAGE_COUNT_FORM, content);
        form.bbox(Rect::new(0.0, -4.0, 90.0, 12.0));
        form.pair(Name(b"Resources"), RESOURCES);
        form.finish();
        self.write_object(PAGE_COUNT_FORM, &chunk);
    }

    /// Embeds the glyphs that the document uses. Returns the fonts by the index of their file.
    fn write_fonts(&mut self) -> Vec<(usize, Ref)> {
        let fonts = std::mem::replace(&mut self.fonts, Fonts::new());
        let used = fonts.used();
        used.map(|(index, font)| (index, self.write_font(font)))
            .collect()
    }

    fn write_font(&mut self, font: &UsedFont) -> Ref {
        let [type0, cid, descriptor, file, map] = [(); 5].map(|()| self.next_ref());
        // A subset has a tag of six letters before its name (ISO 32000-1, 9.6.4).
        let name = format!("MOCKAA+{}", font.name());
        let name = Name(name.as_bytes());
        let mut chunk = Chunk::new();
        chunk
            .type0_font(type0)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(map);
        self.write_object(type0, &chunk);
        let mut chunk = Chunk::new();
        let mut cid_font = chunk.cid_font(cid);
        cid_font
            .subtype(CidFontType::Type2)
            .base_font(name)
            .system_info(CID_SYSTEM)
            .font_descriptor(descriptor)
            .cid_to_gid_map_predefined(Name(b"Identity"));
        let widths = font.glyphs().iter().map(|(_, advance)| to_points(*advance));
        cid_font.widths().consecutive(0, widths);
        cid_font.finish();
        self.write_object(cid, &chunk);
        let mut chunk = Chunk::new();
        chunk
            .font_descriptor(descriptor)
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(-1000.0, -500.0, 2500.0, 1200.0))
            .italic_angle(0.0)
            .ascent(1069.0)
            .descent(-293.0)
            .cap_height(714.0)
            .stem_v(80.0)
            .font_file2(file);
        self.write_object(descriptor, &chunk);
        self.write_stream(file, &compress(&font.subset()));
        let mut texts = UnicodeCmap::new(Name(b"Texts"), CID_SYSTEM);
        for (number, (text, _)) in (0u16..).zip(font.glyphs()) {
            texts.pair_with_multiple(number, text.chars());
        }
        self.write_stream(map, &compress(texts.finish().as_slice()));
        type0
    }

    fn next_ref(&mut self) -> Ref {
        self.offsets.push(None);
        Ref::new(i32::try_from(self.offsets.len() - 1).expect("objects are few"))
    }

    /// Writes the compressed content of a stream.
    fn write_stream(&mut self, number: Ref, compressed: &[u8]) {
        let mut chunk = Chunk::new();
        chunk.stream(number, compressed).filter(Filter::FlateDecode);
        self.write_object(number, &chunk);
    }

    fn write_object(&mut self, number: Ref, chunk: &Chunk) {
        let index = usize::try_from(number.get()).expect("numbers are positive");
        self.offsets[index] = Some(self.taken + self.bytes.len());
        self.bytes.extend_from_slice(chunk.as_bytes());
    }

    /// Writes the table of objects and the trailer (ISO 32000-1, 7.5.4 and 7.5.5).
    fn write_cross_references(&mut self) {
        let start = self.taken + self.bytes.len();
        let count = self.offsets.len();
        let mut table = format!("xref\n0 {count}\n0000000000 65535 f\r\n");
        for offset in &self.offsets[1..] {
            let offset = offset.expect("every object is written");
            table += &format!("{offset:010} 00000 n\r\n");
        }
        table += &format!(
            "trailer\n<< /Size {count} /Root {} 0 R /Info {} 0 R >>\nstartxref\n{start}\n%%EOF\n",
            CATALOG.get(),
            INFO.get()
        );
        self.bytes.extend_from_slice(table.as_bytes());
    }
}

fn font_key(index: usize) -> String {
    format!("F{index}")
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a glyph has a few thousand units"
)]
fn to_points(units: i32) -> f32 {
    units as f32
}

/// Shows a line of text. What was shaped has its text beside its glyphs (ISO 32000-1, 14.9.4).
fn show_runs(content: &mut Content, runs: &[Run<'_>], size: f32) {
    for run in runs {
        content.set_font(Name(font_key(run.font).as_bytes()), size);
        let Some(text) = run.shaped_text else {
            let codes = run
                .glyphs
                .iter()
                .flat_map(|glyph| glyph.number.to_be_bytes());
            content.show(Str(&codes.collect::<Vec<u8>>()));
            continue;
        };
        let mut marked = content.begin_marked_content_with_properties(Name(b"Span"));
        marked.properties().actual_text(TextStr(text));
        marked.finish();
        for glyph in &run.glyphs {
            if glyph.y_offset != 0 {
                content.set_rise(to_points(glyph.y_offset) * size / 1000.0);
            }
            let mut shown = content.show_positioned();
            let mut items = shown.items();
            // A positive adjustment moves to the left.
            if glyph.x_offset != 0 {
                items.adjust(-to_points(glyph.x_offset));
            }
            items.show(Str(&glyph.number.to_be_bytes()));
            let rest = glyph.width - glyph.advance + glyph.x_offset;
            if rest != 0 {
                items.adjust(to_points(rest));
            }
            items.finish();
            shown.finish();
            if glyph.y_offset != 0 {
                content.set_rise(0.0);
            }
        }
        content.end_marked_content();
    }
}
