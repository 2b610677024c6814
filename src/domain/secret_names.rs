//! The names that carry a secret, and those of public material.

/// Words that make a name carry a secret. Plurals follow; `api key` is two words.
const SECRET_WORDS: [&str; 14] = [
    "pass",
    "passwd",
    "password",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "apikey",
    "authorization",
    "cookie",
    "otp",
    "csrf",
    "credential",
];

/// Names of public material, as their words. Nothing below them is masked.
const PUBLIC_NAMES: [&[&str]; 5] = [
    &["key", "material"],
    &["public", "keys"],
    &["jwks"],
    &["kid"],
    &["x", "jws", "signature"],
];

/// Names without a secret word whose value is a secret: the headers may hold credentials.
const SECRET_NAMES: [&[&str]; 1] = [&["webhook", "headers"]];

/// Names with a secret word whose value is no secret.
///
/// `Assumption:` the type of a token, always `Bearer`, is the only such name in the specifications.
const HARMLESS_NAMES: [&[&str]; 1] = [&["token", "type"]];

/// Returns whether a field or parameter of this name carries a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let splits = Boundary::ALL.map(|boundary| split_words(name, boundary));
    if splits.iter().any(|words| is_listed(words, &HARMLESS_NAMES)) {
        return false;
    }
    splits.iter().any(|words| {
        is_listed(words, &SECRET_NAMES)
            || words.iter().any(|word| is_secret_word(word))
            || words
                .windows(2)
                .any(|pair| pair[0] == "api" && singular(&pair[1]) == "key")
    })
}

/// Returns whether a header of this name carries a secret. A header arrives in lower case, so that
/// `AccessToken` is one word: its end counts.
pub(crate) fn is_secret_header(name: &str) -> bool {
    let words = split_words(name, Boundary::Separators);
    let ends_with_secret = |word: &String| {
        // `bypass` is no secret.
        let mut ends = SECRET_WORDS.iter().filter(|end| **end != "pass");
        ends.any(|end| singular(word).ends_with(end))
    };
    is_secret_name(name)
        || (!is_listed(&words, &HARMLESS_NAMES) && words.iter().any(ends_with_secret))
}

/// Returns whether a path to a value, such as `fiu[0].webhookHeaders`, has the name of a secret.
pub(crate) fn is_secret_path(path: &str) -> bool {
    path.split(['.', '[', ']']).any(is_secret_header)
}

/// Returns the part of serde's message that does not quote the value.
pub(crate) fn remove_quoted_value(reason: &str) -> &str {
    let quotes_value = ["invalid type: ", "invalid value: "]
        .iter()
        .any(|kind| reason.starts_with(kind));
    match reason.rfind(", expected ").filter(|_| quotes_value) {
        Some(end) => &reason[end + 2..],
        None => reason,
    }
}

/// Returns whether a name is that of public material.
pub(crate) fn is_public_name(name: &str) -> bool {
    Boundary::ALL
        .into_iter()
        .any(|boundary| is_listed(&split_words(name, boundary), &PUBLIC_NAMES))
}

/// Secrecy of a value by the names above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exposure {
    Open,
    Secret,
    /// Below a name of public material.
    Public,
}

impl Exposure {
    /// Returns the secrecy of what is below a name.
    pub(crate) fn below_name(self, name: &str) -> Self {
        if self == Self::Public || is_public_name(name) {
            Self::Public
        } else if self == Self::Secret || is_secret_name(name) {
            Self::Secret
        } else {
            Self::Open
        }
    }
}

fn is_listed(words: &[String], names: &[&[&str]]) -> bool {
    names.iter().any(|name| *name == words)
}

fn is_secret_word(word: &str) -> bool {
    SECRET_WORDS.contains(&word) || SECRET_WORDS.contains(&singular(word))
}

fn singular(word: &str) -> &str {
    word.strip_suffix("es")
        .filter(|stem| stem.ends_with("ss"))
        .or_else(|| word.strip_suffix('s'))
        .unwrap_or(word)
}

/// Places at which a name is split beside its separators. A name is tried with each, since `OTPs`,
/// `HTTPToken` and `JWTtoken` need different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Boundary {
    Separators,
    /// Between a lower and an upper case letter, and between a letter and a digit.
    Case,
    /// As `Case`, and before the last letter of a group of capitals.
    Acronyms,
    /// As `Case`, and after a group of capitals.
    Capitals,
}

impl Boundary {
    const ALL: [Self; 4] = [Self::Separators, Self::Case, Self::Acronyms, Self::Capitals];
}

/// Returns the words of a name in lower case.
fn split_words(name: &str, boundary: Boundary) -> Vec<String> {
    let characters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, character) in characters.iter().enumerate() {
        let is_boundary = at > 0
            && match boundary {
                Boundary::Separators => false,
                Boundary::Case | Boundary::Acronyms | Boundary::Capitals => {
                    let (before, after) = (characters[at - 1], characters.get(at + 1));
                    (before.is_lowercase() && character.is_uppercase())
                        || before.is_numeric() != character.is_numeric()
                        || (boundary == Boundary::Acronyms
                            && before.is_uppercase()
                            && character.is_uppercase()
                            && after.is_some_and(|after| after.is_lowercase()))
                        || (boundary == Boundary::Capitals
                            && at > 1
                            && characters[at - 2].is_uppercase()
                            && before.is_uppercase()
                            && character.is_lowercase())
                }
            };
        if is_boundary || !character.is_alphanumeric() {
            words.push(String::new());
        }
        if character.is_alphanumeric() {
            let word = words.last_mut().expect("there is a first word");
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{is_secret_header, is_secret_name};

    #[test]
    fn a_name_carries_a_secret_by_its_whole_words() {
        let names = "password Password PASSWORD userPassword new-password password1 \
                     passwords pass db_pass passwd pwd passphrase redirectPassphrase \
                     client_secret clientSecret ClientSECRET secrets webhookSecret token \
                     access_token accessToken HTTPToken x-csrf-token oauth2Token \
                     refresh.token tokens apikey APIKey api_key x-api-key aa_api_key apiKeys \
                     Authorization proxy-authorization cookie Set-Cookie otp OTP userOTPs \
                     otpValue credentials user[password] pass\u{200b}word JWTtoken";
        for name in names.split(' ') {
            assert!(is_secret_name(name), "{name}");
        }
        let names = "token_type tokenType expires_in passport passed compass tokenize \
                     secretary keys apiVersion monkey kid x-jws-signature webhook-signature \
                     KeyMaterial publicKeys authorized options Nonce";
        for name in names.split(' ').chain([""]) {
            assert!(!is_secret_name(name), "{name}");
            assert!(!is_secret_header(name), "{name}");
        }
        for name in [
            "accesstoken",
            "clientsecret",
            "userotp",
            "xapikey",
            "idtokens",
        ] {
            assert!(is_secret_header(name), "{name}");
        }
    }
}
