//! The texts of the customer's pages in each language. A file of `messages` has the texts of one
//! language: a key, an equals sign and a text in a line. `{name}` is a place for a value.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::domain::naming::wire_enum;
use crate::domain::time::Timestamp;

wire_enum! {
    /// A language of the customer's pages, as ISO 639-1 names it.
    #[derive(Default)]
    Language {
        #[default]
        English = "en",
        Hindi = "hi",
    }
}

/// The months of a year in Hindi.
const HINDI_MONTHS: [&str; 12] = [
    "जनवरी",
    "फ़रवरी",
    "मार्च",
    "अप्रैल",
    "मई",
    "जून",
    "जुलाई",
    "अगस्त",
    "सितंबर",
    "अक्टूबर",
    "नवंबर",
    "दिसंबर",
];

type Texts = HashMap<&'static str, &'static str>;

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| parse_texts(include_str!("messages/en.txt")));
static HINDI: LazyLock<Texts> = LazyLock::new(|| parse_texts(include_str!("messages/hi.txt")));

fn parse_texts(file: &'static str) -> Texts {
    let lines = file.lines().map(|line| {
        let entry = line.split_once(" = ");
        entry.unwrap_or_else(|| panic!("{line} is not a key, an equals sign and a text"))
    });
    lines.collect()
}

impl Language {
    /// Returns the language that a browser prefers (`Accept-Language`, RFC 9110 §12.5.4): the first
    /// of the header that exists here. Browsers send them in the order of preference.
    pub(crate) fn from_accepted(header: &str) -> Option<Self> {
        let ranges = header
            .split(',')
            .filter_map(|range| range.split(';').next());
        ranges.map(str::trim).find_map(Self::from_code)
    }

    /// Returns the language of a tag such as `hi` or `hi-IN` (BCP 47).
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::parse(&code.split('-').next()?.to_ascii_lowercase())
    }

    /// Returns the name of the language, in the language.
    pub(crate) const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Hindi => "हिन्दी",
        }
    }

    fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Hindi => &HINDI,
        }
    }

    /// Returns a text.
    ///
    /// # Panics
    /// The files have no such key; a test reads the keys of all templates.
    pub(crate) fn text(self, key: &str) -> &'static str {
        let text = self.texts().get(key);
        text.unwrap_or_else(|| panic!("there is no text {key}"))
    }

    /// Returns a text with values in its places.
    pub(crate) fn fill(self, key: &str, values: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        let mut rest = self.text(key);
        while let Some((before, after)) = rest.split_once('{') {
            filled += before;
            let (name, after) = after.split_once('}').expect("a place ends with a brace");
            let value = values.iter().find(|(known, _)| *known == name);
            filled += value
                .unwrap_or_else(|| panic!("{key} has no value for {name}"))
                .1;
            rest = after;
        }
        filled + rest
    }

    /// Formats a day in India: `27 Nov 2026`.
    pub(crate) fn format_day(self, at: Timestamp) -> String {
        let day = at.ist_date();
        match self {
            Self::English => day.format("%-d %b %Y").to_string(),
            Self::Hindi => {
                let month = chrono::Datelike::month0(&day) as usize;
                day.format(&format!("%-d {} %Y", HINDI_MONTHS[month]))
                    .to_string()
            }
        }
    }

    /// Formats an instant in India: `27 Nov 2026, 6:46 pm IST`.
    pub(crate) fn format_time(self, at: Timestamp) -> String {
        let clock = at.ist_time();
        let clock = match self {
            Self::English => clock.format("%-I:%M %P"),
            Self::Hindi => clock.format("%H:%M"),
        };
        format!("{}, {clock} IST", self.format_day(at))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ENGLISH, HINDI, Language};
    use crate::domain::time::Timestamp;

    fn list_places(text: &str) -> BTreeSet<&str> {
        let places = text.split('{').skip(1);
        places.filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn each_text_exists_in_both_languages_with_the_same_places() {
        let keys: BTreeSet<_> = ENGLISH.keys().chain(HINDI.keys()).collect();
        assert!(keys.len() > 150);
        for key in keys {
            let (english, hindi) = (Language::English.text(key), Language::Hindi.text(key));
            assert_eq!(list_places(english), list_places(hindi), "{key}");
        }
    }

    #[test]
    fn dates_are_indian() {
        let at = Timestamp::from_millis(1_795_785_360_000);
        assert_eq!(
            Language::English.format_time(at),
            "27 Nov 2026, 6:46 pm IST"
        );
        assert_eq!(Language::Hindi.format_time(at), "27 नवंबर 2026, 18:46 IST");
    }

    #[test]
    fn a_browser_gets_the_first_of_its_languages_that_exists() {
        for (header, expected) in [
            ("hi-IN,hi;q=0.9,en;q=0.8", Some(Language::Hindi)),
            ("ta-IN, en-GB;q=0.7, hi;q=0.6", Some(Language::English)),
            ("ta, kn", None),
            ("", None),
        ] {
            assert_eq!(Language::from_accepted(header), expected, "{header}");
        }
    }
}
