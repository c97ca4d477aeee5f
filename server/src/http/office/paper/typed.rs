//! What was typed into the fields of a paper form, as a sheet of answers.
//!
//! A field that says what it said when the page was shown was not touched, whatever it says.

use std::collections::BTreeSet;

use mobile_schema::form::{AnswerKey, Form, Kind, Label, Objection, Scope};
use mobile_schema::household::{Answers, BLOCKS, Household, Value};
use shared::paper::{Misfit, Names, Sheet, is_member_id};
use shared::text::composed;
use shared::typed::{day, read, show};

use super::super::frame::Fields;

/// Rows for points of items that no table names.
pub(super) const FREE_ITEMS: usize = 6;

/// What a form came to: the sheet, and the fields that cannot be read.
pub(super) struct Typed {
    pub(super) sheet: Sheet,
    pub(super) misfits: Vec<Misfit>,
}

/// Lists the keys of one scope that stand on the page: all but the evidence of where it was asked.
pub(super) fn keys(scope: Scope) -> Vec<AnswerKey<'static>> {
    let all = Form::phieu_b().keys().into_iter();
    all.filter(|key| key.scope == scope && key.key != "hamlet").collect()
}

/// Tells whether an answer is a box to tick.
pub(super) fn is_tick(key: &AnswerKey<'_>) -> bool {
    matches!(key.question.kind, Kind::Ticks { .. })
}

/// Writes an answer as its field shows it; an empty box is empty.
pub(super) fn shown(key: &AnswerKey<'_>, value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(value) if is_tick(key) && *value != Value::Bool(true) => String::new(),
        Some(value) => show(&key.question.kind, value),
    }
}

/// Reads the ids of the rows for new members that the page had.
pub(super) fn new_rows(fields: &Fields) -> Vec<String> {
    let all = fields.get("rows").split(',').filter(|id| is_member_id(id));
    all.take(shared::paper::MEMBERS_MAX).map(ToOwned::to_owned).collect()
}

/// Reads the names and the day.
pub(super) fn names(fields: &Fields) -> Names {
    let typed = fields.get("day");
    let day = day(typed).map_or_else(|| typed.to_owned(), |day| day.to_string());
    let of = |name: &str| fields.get(name).to_owned();
    Names { by: of("by"), answered_by: of("answered_by"), day }
}

/// Reads what was typed over what was shown.
pub(super) fn sheet(fields: &Fields, base: &Household) -> Typed {
    let mut typed = Typed { sheet: Sheet::default(), misfits: Vec::new() };
    let household = keys(Scope::Household);
    let (ticks, fillable): (Vec<_>, Vec<_>) = household.into_iter().partition(is_tick);
    for key in &fillable {
        let field = format!("a.{}", key.key);
        let path = format!("answers/{}", key.key);
        let before = base.answers.get(&key.key);
        let value = typed.value(key, &path, fields.get(&field), before);
        typed.sheet.answers.extend(value.map(|value| (key.key.clone(), value)));
    }
    for id in base.members.keys().cloned().chain(new_rows(fields)) {
        let nobody = Answers::new();
        let before = base.members.get(&id).unwrap_or(&nobody);
        let mut answers = Answers::new();
        for key in keys(Scope::Member) {
            let field = format!("m.{id}.{}", key.key);
            let path = format!("members/{id}/{}", key.key);
            let value = typed.value(&key, &path, fields.get(&field), before.get(&key.key));
            answers.extend(value.map(|value| (key.key, value)));
        }
        if !answers.is_empty() {
            typed.sheet.members.insert(id, answers);
        }
    }
    typed.items(fields, base);
    let asked = BLOCKS.into_iter().filter(|block| !fields.get(&format!("t.{block}")).is_empty());
    typed.sheet.asked = asked.map(ToOwned::to_owned).collect();
    typed.zeros(fields, base, &fillable);
    typed.ticks(fields, base, &ticks);
    typed
}

impl Typed {
    /// Reads one field; nothing where it was left as it was.
    fn value(
        &mut self,
        key: &AnswerKey<'_>,
        path: &str,
        typed: &str,
        before: Option<&Value>,
    ) -> Option<Value> {
        let shown = shown(key, before);
        if composed(typed) == composed(&shown) {
            return None;
        }
        match read(&key.question.kind, typed) {
            Ok(Some(value)) => Some(value),
            Ok(None) => {
                self.misfits.push(Misfit::new(path, cleared(&shown)));
                None
            }
            Err(objection) => {
                self.misfits.push(Misfit::new(path, objection));
                None
            }
        }
    }

    /// Reads points per item: of items that are named, and of those typed with their names.
    fn items(&mut self, fields: &Fields, base: &Household) {
        let named = fields.0.iter().filter_map(|(field, typed)| {
            field.strip_prefix("b.").map(|item| (item.to_owned(), typed.as_str()))
        });
        let free = (0..FREE_ITEMS).map(|row| {
            (composed(fields.get(&format!("bk.{row}"))), fields.get(&format!("bv.{row}")))
        });
        for (item, typed) in named.chain(free) {
            let before = base.b1_items.get(&item).map(i64::to_string).unwrap_or_default();
            let typed = composed(typed);
            if typed == before || (typed.is_empty() && item.is_empty()) {
                continue;
            }
            let path = format!("b1_items/{item}");
            match typed.parse() {
                Ok(points) if !item.is_empty() => drop(self.sheet.b1_items.insert(item, points)),
                _ if typed.is_empty() && !before.is_empty() => {
                    self.misfits.push(Misfit::new(path, cleared(&before)));
                }
                _ => self.misfits.push(Misfit::new(path, no_points())),
            }
        }
    }

    /// Writes 0 where somebody said that what is empty is none.
    fn zeros(&mut self, fields: &Fields, base: &Household, keys: &[AnswerKey<'_>]) {
        for key in keys.iter().filter(|key| matches!(key.question.kind, Kind::Counts { .. })) {
            let is_said = !fields.get(&format!("z.{}", key.question.code)).is_empty();
            let is_empty = fields.get(&format!("a.{}", key.key)).trim().is_empty();
            if is_said && is_empty && !base.answers.contains_key(&key.key) {
                self.sheet.answers.insert(key.key.clone(), Value::Int(0));
            }
        }
    }

    /// Reads boxes: those that changed, and in a block that was touched the empty ones too.
    fn ticks(&mut self, fields: &Fields, base: &Household, keys: &[AnswerKey<'_>]) {
        let before = |key: &AnswerKey<'_>| base.answers.get(&key.key) == Some(&Value::Bool(true));
        let now = |key: &AnswerKey<'_>| !fields.get(&format!("a.{}", key.key)).is_empty();
        for key in keys.iter().filter(|key| before(key) != now(key)) {
            self.sheet.answers.insert(key.key.clone(), Value::Bool(now(key)));
        }
        let touched: BTreeSet<String> = self.sheet.blocks();
        let empty = keys.iter().filter(|key| {
            touched.contains(&key.page.block) && !base.answers.contains_key(&key.key) && !now(key)
        });
        let empty: Vec<String> = empty.map(|key| key.key.clone()).collect();
        self.sheet.answers.extend(empty.into_iter().map(|key| (key, Value::Bool(false))));
    }
}

fn cleared(shown: &str) -> Objection {
    let text = Label {
        vi: format!("Ô này đang có “{shown}”: câu trả lời không xóa được, hãy ghi giá trị đúng"),
        en: format!("this field holds “{shown}”: an answer is not deleted, type the right one"),
    };
    Objection { code: "answer-cleared".to_owned(), text }
}

fn no_points() -> Objection {
    let text = Label {
        vi: "Mỗi mục cần tên và một số điểm".to_owned(),
        en: "each item needs its name and a number of points".to_owned(),
    };
    Objection { code: "item-unreadable".to_owned(), text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_was_shown_and_left_is_not_written() {
        let mut base = Household::default();
        base.answers.insert("roof".to_owned(), "tin can".into());
        base.answers.insert("media.tv".to_owned(), true.into());
        base.answers.insert("area_dm2".to_owned(), 4250.into());
        let as_shown =
            fields(&[("a.roof", "tin can"), ("a.media.tv", "1"), ("a.area_dm2", "42,50")]);
        let typed = sheet(&as_shown, &base);
        assert_eq!((typed.sheet, typed.misfits), (Sheet::default(), Vec::new()));

        let emptied = sheet(&fields(&[("a.media.tv", "1"), ("a.area_dm2", "42,50")]), &base);
        assert_eq!(emptied.misfits[0].code, "answer-cleared");
        let untick = sheet(&fields(&[("a.roof", "tin can"), ("a.area_dm2", "42,50")]), &base);
        assert_eq!(untick.sheet.answers["media.tv"], false.into());
        assert_eq!(untick.sheet.answers["media.radio"], false.into(), "its block was touched");
    }

    #[test]
    fn an_empty_count_is_none_only_where_somebody_says_so() {
        let base = Household::default();
        let typed = sheet(&fields(&[("a.goods.motorbike", "1")]), &base);
        assert_eq!(typed.sheet.answers.len(), 1);
        let typed = sheet(&fields(&[("a.goods.motorbike", "1"), ("z.goods", "1")]), &base);
        assert_eq!(typed.sheet.answers["goods.car"], 0.into());
        assert!(!typed.sheet.answers.contains_key("land.paddy_m2"));
    }
}
