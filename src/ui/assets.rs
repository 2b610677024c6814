//! The files that pages load. All of them are compiled in. Their addresses contain a digest of their
//! contents, so that a browser may keep them forever.

use std::fmt::Write;
use std::sync::LazyLock;

use aws_lc_rs::digest::{Context, SHA256};

use crate::ui::content::SharedContent;

/// A file that pages load.
#[derive(Debug)]
pub(crate) struct Asset {
    pub name: &'static str,
    pub media_type: &'static str,
    pub content: SharedContent,
}

/// The stylesheet of all pages but the description of all calls.
pub(crate) const MOCKAA_CSS: &str = concat!(
    include_str!("assets/tokens.css"),
    include_str!("assets/mockaa.css")
);

const DOCS_CSS: &str = concat!(
    include_str!("assets/tokens.css"),
    include_str!("assets/docs.css")
);

static ASSETS: LazyLock<[Asset; 10]> = LazyLock::new(|| {
    [
        Asset {
            name: "mockaa.css",
            media_type: "text/css; charset=utf-8",
            content: SharedContent::new(MOCKAA_CSS),
        },
        Asset {
            name: "docs.css",
            media_type: "text/css; charset=utf-8",
            content: SharedContent::new(DOCS_CSS),
        },
        Asset {
            name: "docs.js",
            media_type: "text/javascript; charset=utf-8",
            content: SharedContent::new(include_bytes!("assets/docs.js")),
        },
        Asset {
            name: "journey.js",
            media_type: "text/javascript; charset=utf-8",
            content: SharedContent::new(include_bytes!("assets/journey.js")),
        },
        Asset {
            name: "console.js",
            media_type: "text/javascript; charset=utf-8",
            content: SharedContent::new(include_bytes!("assets/console.js")),
        },
        Asset {
            name: "sdk.js",
            media_type: "text/javascript; charset=utf-8",
            content: SharedContent::new(include_bytes!("assets/sdk.js")),
        },
        Asset {
            name: "demo.js",
            media_type: "text/javascript; charset=utf-8",
            content: SharedContent::new(include_bytes!("assets/demo.js")),
        },
        Asset {
            name: "demo-auto.js",
            media_type: "text/javascript; charset=utf-8",
            content: SharedContent::new(include_bytes!("assets/demo-auto.js")),
        },
        Asset {
            name: "favicon.svg",
            media_type: "image/svg+xml",
            content: SharedContent::new(include_bytes!("assets/favicon.svg")),
        },
        Asset {
            name: "favicon.ico",
            media_type: "image/vnd.microsoft.icon",
            content: SharedContent::new(include_bytes!("assets/favicon.ico")),
        },
    ]
});

/// The number of bytes of the digest in an address.
const DIGEST_BYTES: usize = 5;

/// The digest of all files.
static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut context = Context::new(&SHA256);
    for asset in ASSETS.iter() {
        context.update(asset.name.as_bytes());
        context.update(asset.content.plain());
    }
    let digest = context.finish();
    digest.as_ref()[..DIGEST_BYTES]
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a text takes everything");
            text
        })
});

/// Returns the asset with this name.
pub(crate) fn find_asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// Returns whether this is the digest in the addresses of the assets.
pub(crate) fn is_current_digest(digest: &str) -> bool {
    digest == *DIGEST
}

/// Returns the path of an asset.
///
/// # Panics
/// No asset has the name.
pub(crate) fn asset_path(name: &str) -> String {
    assert!(find_asset(name).is_some(), "no asset has the name {name}");
    format!("/ui/assets/{}/{name}", *DIGEST)
}

#[cfg(test)]
mod tests {
    use super::{MOCKAA_CSS, find_asset};
    use crate::domain::brand::Color;
    use crate::domain::consent::Status;

    /// Returns the light and the dark color of a token.
    fn find_token(name: &str) -> [Color; 2] {
        let start = format!("--{name}: light-dark(");
        let (_, rest) = MOCKAA_CSS.split_once(&start).expect(name);
        let (pair, _) = rest.split_once(')').expect("its end");
        let (light, dark) = pair.split_once(", ").expect("two colors");
        [light, dark].map(|color| Color::parse(color).expect(color))
    }

    /// Texts on the grounds on which the console puts them, in drawings too, whose contrast a browser
    /// cannot tell.
    #[test]
    fn texts_have_contrast_with_their_grounds() {
        let mut pairs = vec![
            ("text", "surface"),
            ("text", "bg"),
            ("text-2", "surface"),
            ("text-2", "bg"),
            ("text-2", "sunken"),
            ("accent", "surface"),
            ("accent", "accent-soft"),
            ("surface", "text"),
            ("danger", "surface"),
            ("danger", "sunken"),
            ("good", "surface"),
            ("good", "sunken"),
            ("warn", "surface"),
            ("warn", "sunken"),
            ("warn", "warn-soft"),
            ("syn-key", "sunken"),
            ("syn-str", "sunken"),
            ("syn-num", "sunken"),
            ("syn-lit", "sunken"),
        ];
        let states = Status::ALL.iter().map(|it| it.as_str().to_lowercase());
        let states: Vec<_> = states
            .map(|it| (format!("s-{it}"), format!("s-{it}-bg")))
            .collect();
        pairs.extend(states.iter().map(|(ink, ground)| (&**ink, &**ground)));
        for (ink, ground) in pairs {
            let inks = find_token(ink).into_iter().zip(find_token(ground));
            for (ink_color, ground_color) in inks {
                let contrast = ink_color.contrast_with(ground_color);
                assert!(contrast >= 4.5, "{ink} on {ground}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn stylesheets_share_the_tokens() {
        let tokens = include_str!("assets/tokens.css");
        for name in ["mockaa.css", "docs.css"] {
            let asset = find_asset(name).expect("an asset");
            let css = str::from_utf8(asset.content.plain()).expect("text");
            let own = css.strip_prefix(tokens).expect("the tokens come first");
            for used in own.split("var(--").skip(1) {
                let token = used.split([')', ',']).next().expect("a name");
                let definition = format!("--{token}: ");
                let is_defined = css.contains(&definition) || used.starts_with("icon-hole,");
                assert!(is_defined, "{name} uses --{token}");
            }
        }
        let docs = include_str!("assets/docs.css");
        for literal in ["light-dark(", "#", "rgb", ": --", ":root"] {
            assert!(
                !docs.contains(literal),
                "docs.css repeats a token: {literal}"
            );
        }
    }
}
