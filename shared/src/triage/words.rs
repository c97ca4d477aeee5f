//! What hangs on a dispute, as a sentence in the words of the forms.

use std::collections::BTreeMap;

use mobile_schema::form::{AnswerKey, Form, Kind, Scope};
use mobile_schema::household::{Answers, Value};

use super::{Figure, Hang, Verdict};
use crate::classify::Class;
use crate::layout::masked;
use crate::resolve::{Dispute, Path};
use crate::standard::{Line, Standard};

/// Most competing values that a sentence names.
const VALUES_SAID_MAX: usize = 4;

/// What words are taken from: labels of the forms and the standard, names of the members.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// The campaign's standard.
    pub standard: &'a Standard,
    /// Members as far as they are agreed.
    pub members: &'a BTreeMap<String, Answers>,
}

fn line(vi: &str, en: &str) -> Line {
    Line { vi: vi.to_owned(), en: en.to_owned() }
}

impl Words<'_> {
    /// Says what hangs on a dispute, or that nothing does.
    pub fn sentence(&self, dispute: &Dispute, verdict: &Verdict) -> Line {
        let label = lower(self.label(&dispute.path), &dispute.path);
        let values = self.values(dispute);
        match verdict {
            Verdict::Rule(chosen) => {
                let chosen = self.value(&dispute.path, chosen.as_ref());
                Line {
                    vi: format!(
                        "Không có số liệu nào tùy vào {}: {}. Quy tắc đã chọn: {}.",
                        label.vi, values.vi, chosen.vi
                    ),
                    en: format!(
                        "No figure depends on {}: {}. The rule chose: {}.",
                        label.en, values.en, chosen.en
                    ),
                }
            }
            Verdict::Person(hangs) if hangs.is_empty() => Line {
                vi: format!(
                    "Có quá nhiều khả năng để tính hết, cần người quyết định {}: {}.",
                    label.vi, values.vi
                ),
                en: format!(
                    "There are too many possibilities to work out; a person decides {}: {}.",
                    label.en, values.en
                ),
            },
            Verdict::Person(hangs) => {
                let what = self.what(hangs);
                Line {
                    vi: format!("{} tùy vào {}: {}.", what.vi, label.vi, values.vi),
                    en: format!("{} depends on {}: {}.", what.en, label.en, values.en),
                }
            }
        }
    }

    /// Names the weightiest of what hangs on a dispute: the class alone, where it does.
    fn what(&self, hangs: &[Hang]) -> Line {
        let is_class = |hang: &&Hang| hang.figure == Figure::Class;
        let said: Vec<Line> = match hangs.iter().find(is_class) {
            Some(class) => vec![self.hang(class)],
            None => hangs.iter().map(|hang| self.hang(hang)).collect(),
        };
        let join = |pick: fn(&Line) -> &str| said.iter().map(pick).collect::<Vec<_>>().join("; ");
        Line { vi: join(|line| &line.vi), en: join(|line| &line.en) }
    }

    /// Says what a figure may be.
    pub fn hang(&self, hang: &Hang) -> Line {
        let each = |word: &dyn Fn(&str) -> Line| -> Vec<Line> {
            hang.values.iter().map(|value| word(value)).collect()
        };
        let plain = |value: &str| {
            if value.is_empty() { line("chưa có", "none") } else { line(value, value) }
        };
        let named = |vi: &str, en: &str, values: Vec<Line>| {
            let values = either(values);
            Line { vi: format!("{vi} ({})", values.vi), en: format!("{en} ({})", values.en) }
        };
        match hang.figure {
            Figure::Class => {
                let mut words = each(&class_line).into_iter();
                let first = words.next().into_iter();
                either(first.chain(words.map(lower_first)).collect())
            }
            Figure::Visit => {
                let path = Path::Answer("outcome".to_owned());
                let word = |code: &str| self.value(&path, text(code).as_ref());
                named("Kết quả thăm hộ", "The outcome of the visit", each(&word))
            }
            Figure::B1 => named("Điểm B1", "B1 points", each(&plain)),
            Figure::B2 => named("Điểm B2", "B2 points", each(&plain)),
            Figure::Deprived => {
                let labels = each(&|code: &str| {
                    let known = self.standard.indicator(code);
                    known.map_or_else(|| line(code, code), |known| known.label.clone())
                });
                let join = |pick: fn(&Line) -> &str| {
                    labels.iter().map(pick).collect::<Vec<_>>().join(", ")
                };
                Line {
                    vi: format!("Thiếu hụt ({})", join(|line| &line.vi)),
                    en: format!("Deprivation ({})", join(|line| &line.en)),
                }
            }
            Figure::Members => named("Số nhân khẩu", "The number of members", each(&plain)),
            Figure::Dtts => line("Hộ DTTS hay không", "Being an ethnic-minority household"),
            Figure::Ethnicity => {
                let path = Path::Member(String::new(), "ethnicity".to_owned());
                let word = |code: &str| self.value(&path, text(code).as_ref());
                named("Dân tộc của chủ hộ", "The ethnicity of the head", each(&word))
            }
            Figure::Causes => named("Nguyên nhân nghèo", "The causes of poverty", each(&plain)),
            Figure::Head => named("Tên chủ hộ", "The name of the head", each(&plain)),
            Figure::Identity => {
                line("Thông tin về thành viên trên danh sách", "A member's entry on lists")
            }
            Figure::B1Method => line("Cách xác định điểm B1", "How B1 is obtained"),
            Figure::Merit => line("Hộ có người có công hay không", "Having a person with merit"),
            Figure::NoLabour => {
                line("Hộ không có khả năng lao động hay không", "Being without labour capacity")
            }
            Figure::Missing => line("Thông tin còn phải hỏi thêm", "What remains to be asked"),
        }
    }

    /// Writes which answer a path means.
    pub fn label(&self, path: &Path) -> Line {
        let of = |key: &str, scope| {
            let Some(known) = find(key, scope) else { return line(key, key) };
            let label = &known.question.label;
            match known.option {
                Some(option) => Line {
                    vi: format!("{} – {}", label.vi, option.label.vi),
                    en: format!("{} – {}", label.en, option.label.en),
                },
                None => line(&label.vi, &label.en),
            }
        };
        match path {
            Path::Answer(key) => of(key, Scope::Household),
            Path::B1Item(item) => line(&format!("B1 · {item}"), &format!("B1 · {item}")),
            Path::Member(id, key) => {
                let name = self.members.get(id).and_then(|member| member.get("name"));
                let name = name.and_then(Value::as_text);
                let label = of(key, Scope::Member);
                Line {
                    vi: format!("{} – {}", name.unwrap_or("(chưa thống nhất tên)"), label.vi),
                    en: format!("{} – {}", name.unwrap_or("(name not agreed)"), label.en),
                }
            }
        }
    }

    /// Writes a value; of an ID number its end only.
    pub fn value(&self, path: &Path, value: Option<&Value>) -> Line {
        let (key, scope) = match path {
            Path::Answer(key) => (key.as_str(), Scope::Household),
            Path::Member(_, key) => (key.as_str(), Scope::Member),
            Path::B1Item(item) => (item.as_str(), Scope::Household),
        };
        let known = find(key, scope);
        match value {
            None if key == "removed" => line("vẫn ở trong hộ", "still in the household"),
            None => line("(để trống)", "(empty)"),
            Some(Value::Bool(true)) => line("có", "yes"),
            Some(Value::Bool(false)) => line("không", "no"),
            Some(Value::Int(number)) => {
                let unit = known.as_ref().and_then(|known| match &known.question.kind {
                    Kind::Integer { unit, .. } | Kind::Counts { unit, .. } => Some(unit.as_str()),
                    _ => None,
                });
                let said = format!("{number} {}", unit.unwrap_or_default());
                line(said.trim(), said.trim())
            }
            Some(Value::Text(number)) if key == "id_number" => {
                line(&masked(number), &masked(number))
            }
            Some(Value::Text(code)) => {
                let option = known.as_ref().and_then(|known| match &known.question.kind {
                    Kind::Choice { options } => options.iter().find(|option| option.code == *code),
                    _ => None,
                });
                match option {
                    Some(option) => lower_first(line(&option.label.vi, &option.label.en)),
                    None => line(code, code),
                }
            }
        }
    }

    fn values(&self, dispute: &Dispute) -> Line {
        let sides = dispute.values.iter().map(|side| side.value.as_ref());
        let mut said: Vec<Line> =
            sides.take(VALUES_SAID_MAX).map(|value| self.value(&dispute.path, value)).collect();
        if dispute.values.len() > VALUES_SAID_MAX {
            said.push(line("…", "…"));
        }
        either(said)
    }
}

fn find(key: &str, scope: Scope) -> Option<AnswerKey<'static>> {
    [Form::phieu_a(), Form::phieu_b()].into_iter().find_map(|form| form.find(key, scope))
}

fn text(code: &str) -> Option<Value> {
    (!code.is_empty()).then(|| code.into())
}

fn class_line(code: &str) -> Line {
    let all = [Class::Poor, Class::NearPoor, Class::Above, Class::Insufficient];
    let class = all.into_iter().find(|class| class.as_str() == code);
    class.map_or_else(
        || line("Chưa phân loại", "No class"),
        |class| line(class.label_vi(), class.label_en()),
    )
}

/// Joins what may be one or the other.
fn either(values: Vec<Line>) -> Line {
    let join = |pick: fn(&Line) -> &str, word: &str| {
        values.iter().map(pick).collect::<Vec<_>>().join(word)
    };
    Line { vi: join(|line| &line.vi, " hay "), en: join(|line| &line.en, " or ") }
}

/// Writes a label within a sentence; one that begins with somebody's name stays as it is.
fn lower(label: Line, path: &Path) -> Line {
    if matches!(path, Path::Member(..)) { label } else { lower_first(label) }
}

/// Begins with a small letter, unless the word is an abbreviation.
fn lower_first(of: Line) -> Line {
    let lower = |text: &str| {
        let mut chars = text.chars();
        let (first, second) = (chars.next(), chars.next());
        match first {
            Some(first)
                if !second
                    .is_some_and(|second| second.is_uppercase() || second.is_ascii_digit()) =>
            {
                first.to_lowercase().chain(text.chars().skip(1)).collect()
            }
            _ => text.to_owned(),
        }
    };
    Line { vi: lower(&of.vi), en: lower(&of.en) }
}
