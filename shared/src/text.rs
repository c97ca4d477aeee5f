//! Texts as people search them, without case and without the marks of Vietnamese, and as they are kept.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Writes a text small and without marks, however its letters were put together.
///
/// ```
/// use shared::text::folded;
///
/// assert_eq!(folded("Hồ Thị Đào"), "ho thi dao");
/// assert_eq!(folded("Ho\u{302}\u{300}"), folded("Hồ"), "composed or not");
/// ```
pub fn folded(text: &str) -> String {
    let bare = text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    bare.map(|c| if c == 'đ' { 'd' } else { c }).collect()
}

/// Writes a text as it is kept: its letters put together (NFC), nothing but single spaces between words.
///
/// ```
/// use shared::text::composed;
///
/// assert_eq!(composed(" Ho\u{302}\u{300}  Thị "), "Hồ Thị");
/// ```
pub fn composed(text: &str) -> String {
    let text: String = text.nfc().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Puts the letters of a text together (NFC), and changes nothing else.
///
/// ```
/// use shared::text::one_form;
///
/// assert_eq!(one_form("Ho\u{302}\u{300}  Thị"), "Hồ  Thị");
/// ```
pub fn one_form(text: &str) -> String {
    text.nfc().collect()
}

/// Writes a text with the marks of its letters apart (NFD), as some phones send it.
///
/// ```
/// use shared::text::{composed, decomposed};
///
/// assert_ne!(decomposed("Hồ"), "Hồ");
/// assert_eq!(composed(&decomposed("Hồ")), "Hồ");
/// ```
pub fn decomposed(text: &str) -> String {
    text.nfd().collect()
}
