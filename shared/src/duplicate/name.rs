//! Vietnamese names as they are compared: one spelling for everything that is the same name.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Most words of a name that are looked at.
const WORDS_MAX: usize = 8;

/// Most letters of a word that are looked at.
const LETTERS_MAX: usize = 16;

/// One word of a name in the two spellings it is compared by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word {
    /// Letters with their own marks (ă, ơ, đ), and the tone as a digit behind them: wherever in the
    /// word the tone mark was put, it comes out the same. `y` is written `i`.
    pub(super) toned: String,
    /// Letters without any mark.
    pub(super) folded: String,
}

/// Reads the names in a text: one, and others in brackets, after a stroke or after "tức".
pub(super) fn names_in(text: &str) -> Vec<Vec<Word>> {
    let mut names = Vec::new();
    for part in text.split(['(', ')', '/', ';', ',']) {
        let mut words = Vec::new();
        for word in words_of(part) {
            if word.toned == "tưc1" {
                names.push(std::mem::take(&mut words));
            } else if words.len() < WORDS_MAX {
                words.push(word);
            }
        }
        names.push(words);
    }
    names.retain(|words| !words.is_empty());
    names
}

fn words_of(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut open = Open::default();
    for c in text.nfd().flat_map(char::to_lowercase).nfd() {
        if c.is_alphanumeric() || is_combining_mark(c) {
            open.take(c);
        } else if let Some(word) = std::mem::take(&mut open).close() {
            words.push(word);
        }
    }
    words.extend(open.close());
    words
}

/// A word being read.
#[derive(Default)]
struct Open {
    letters: Vec<(char, Option<char>)>,
    tone: Option<char>,
}

impl Open {
    fn take(&mut self, c: char) {
        match c {
            '\u{301}' => self.tone = Some('1'),
            '\u{300}' => self.tone = Some('2'),
            '\u{309}' => self.tone = Some('3'),
            '\u{303}' => self.tone = Some('4'),
            '\u{323}' => self.tone = Some('5'),
            '\u{302}' | '\u{306}' | '\u{31b}' => {
                if let Some((_, mark)) = self.letters.last_mut() {
                    *mark = Some(c);
                }
            }
            c if is_combining_mark(c) => {}
            c if self.letters.len() < LETTERS_MAX => self.letters.push((c, None)),
            _ => {}
        }
    }

    fn close(self) -> Option<Word> {
        if self.letters.is_empty() {
            return None;
        }
        let plain = |c: char| if c == 'y' { 'i' } else { c };
        let toned = self.letters.iter().flat_map(|(c, mark)| [Some(plain(*c)), *mark]).flatten();
        let toned: String = toned.chain(self.tone).nfc().collect();
        let folded = self.letters.iter().map(|(c, _)| if *c == 'đ' { 'd' } else { plain(*c) });
        Some(Word { toned, folded: folded.collect() })
    }
}

/// Writes a word in every way in which one letter of it may have been left out, itself among them.
///
/// Two words that differ by one letter more, less or other have one of these in common. Of a word
/// of three letters too many others are that near.
pub(super) fn near(folded: &str) -> Vec<String> {
    let letters: Vec<char> = folded.chars().collect();
    let mut near = vec![folded.to_owned()];
    if letters.len() >= 4 {
        for left_out in 0..letters.len() {
            let kept = letters.iter().enumerate().filter(|(at, _)| *at != left_out);
            near.push(kept.map(|(_, letter)| letter).collect());
        }
    }
    near.sort();
    near.dedup();
    near
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn toned(text: &str) -> Vec<String> {
        let mut names = names_in(text);
        names.remove(0).into_iter().map(|word| word.toned).collect()
    }

    #[test]
    fn one_name_has_one_spelling() {
        for (one, other) in [
            ("Hòa", "Hoà"),
            ("Thuý", "Thúy"),
            ("Hồ Văn Quý", "hồ văn quí"),
            ("Ho\u{302}\u{300} Thị Mỹ", "HỒ THỊ MĨ"),
            ("Hồ  Thị-Đào ", "Hồ Thị Đào"),
        ] {
            assert_eq!(toned(one), toned(other), "{one}, {other}");
        }
        for (one, other) in [("Hùng", "Hưng"), ("Đào", "Dào"), ("Lan", "Lân"), ("Hà", "Hạ")]
        {
            assert_ne!(toned(one), toned(other), "{one}, {other}");
        }
    }

    #[test]
    fn without_marks_other_names_become_one() {
        let folded = |text: &str| names_in(text)[0][0].folded.clone();
        assert_eq!(folded("Đẩy"), "dai");
        assert_eq!(folded("Hùng"), folded("hung"));
        assert_eq!(folded("Hu\u{31b}ng"), folded("Hưng"));
    }

    #[test]
    fn a_second_name_in_brackets_is_a_name() {
        let names = names_in("Hồ Văn Hơn (Pả Sa)");
        assert_eq!(names.len(), 2);
        assert_eq!(names[1].last().unwrap().folded, "sa");
        assert_eq!(names_in("Hồ Thị Lan tức Kăn Lan").len(), 2);
        assert_eq!(names_in(" () / \u{301}").len(), 0, "nothing but signs is no name");
    }

    #[test]
    fn words_a_letter_apart_are_near() {
        let meet = |one: &str, other: &str| near(one).iter().any(|way| near(other).contains(way));
        assert!(meet("thoan", "thoang") && meet("thoan", "thuan") && meet("phuong", "phung"));
        assert!(!meet("thoan", "hien") && !meet("la", "sa"));
    }

    #[test]
    fn no_text_is_too_long_or_too_odd() {
        for text in ["\u{301}".repeat(5_000), "a".repeat(5_000), "ß ı İ ŉ ".repeat(600)] {
            for name in names_in(&text) {
                assert!(name.len() <= WORDS_MAX);
            }
        }
    }
}
