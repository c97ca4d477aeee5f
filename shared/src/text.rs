//! Texts as people search them: without case and without the marks of Vietnamese.

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

/// Writes a text in its composed form (NFC): letters that look alike are then alike.
///
/// ```
/// assert_eq!(shared::text::composed("Ho\u{302}\u{300}"), "Hồ");
/// ```
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}
