//! A paper form (phiếu giấy) typed in an office: what may be written of it, and the page it becomes.
//!
//! What was typed and cannot be read as an answer goes back to the person; what can be read and looks
//! odd is kept and flagged, as everywhere.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::form::{Facts, Finding, Form, Label, Objection, Scope};
use mobile_schema::household::{Answers, Asked, BLOCKS, Household, Value};
use serde::{Deserialize, Serialize};

use crate::date::{Date, PartialDate, age_on};
use crate::limits;
use crate::page::Page;
use crate::resolve::{Dispute, Path};
use crate::text::composed;

/// Most members one paper form takes.
///
/// The largest households known to the field have some thirty; a form sheet has ten rows.
pub const MEMBERS_MAX: usize = 60;

/// Block of the way B1 was obtained and of its points.
const B1_BLOCK: &str = "closing";

/// Objections that a person should look at, and that keep nothing from being written as it stands on
/// paper.
const ODD: [&str; 3] = ["out-of-bounds", "digits-not-plausible", "text-too-long"];

/// What was typed of one form. Answers that are not here stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// Answers about the household.
    #[serde(default)]
    pub answers: Answers,
    /// Points read per item from the handbook.
    #[serde(default)]
    pub b1_items: BTreeMap<String, i64>,
    /// Answers about members, new or known, by id of 32 hex digits.
    #[serde(default)]
    pub members: BTreeMap<String, Answers>,
    /// Blocks that were asked though nothing in them is new.
    #[serde(default)]
    pub asked: BTreeSet<String>,
}

/// Who stands behind a paper form, and when it was filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Who asked (người hỏi).
    pub by: String,
    /// Who gave the information (người cung cấp thông tin).
    pub answered_by: String,
    /// Day on the form, `YYYY-MM-DD`.
    pub day: String,
}

/// Something that was typed and cannot be written, with its field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfit {
    /// `answers/KEY`, `b1_items/ITEM`, `members/ID/KEY`, `asked/WHAT` or `hamlet`.
    pub path: String,
    /// Stable name.
    pub code: String,
    /// What to change.
    pub text: Label,
}

impl Misfit {
    /// Says what is wrong with a field.
    pub fn new(path: impl Into<String>, objection: Objection) -> Self {
        Self { path: path.into(), code: objection.code, text: objection.text }
    }

    fn of(path: impl Into<String>, code: &str, vi: &str, en: &str) -> Self {
        let text = Label { vi: vi.to_owned(), en: en.to_owned() };
        Self { path: path.into(), code: code.to_owned(), text }
    }
}

impl Names {
    /// Puts the letters together.
    #[must_use]
    pub fn composed(self) -> Self {
        let Self { by, answered_by, day } = self;
        Self { by: composed(&by), answered_by: composed(&answered_by), day: composed(&day) }
    }

    /// Lists what lacks. `today` bounds the day on the form: nobody fills one in tomorrow.
    pub fn misfits(&self, today: Date) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        for (field, name) in [("by", &self.by), ("answered_by", &self.answered_by)] {
            let path = format!("asked/{field}");
            if name.is_empty() {
                let (vi, en) =
                    ("Phải ghi tên; không rõ thì ghi “không rõ”", "write a name, or “unknown”");
                misfits.push(Misfit::of(path, "name-missing", vi, en));
            } else if !is_text(name, limits::NAME_CHARS_MAX) {
                misfits.push(Misfit::of(
                    path,
                    "text-too-long",
                    "Tên quá dài",
                    "the name is too long",
                ));
            }
        }
        let wrong = match Date::parse(&self.day) {
            Err(_) => {
                Some(("Phải ghi ngày trên phiếu: ngày/tháng/năm", "write the day on the form"))
            }
            Ok(day) if day > today => {
                Some(("Ngày trên phiếu ở sau hôm nay", "the day is after today"))
            }
            Ok(_) => None,
        };
        if let Some((vi, en)) = wrong {
            misfits.push(Misfit::of("asked/day", "date-not-plausible", vi, en));
        }
        misfits
    }

    /// Makes the mark of every block that was asked.
    fn mark(&self, typed_by: &str) -> Asked {
        Asked {
            by: Some(self.by.clone()),
            answered_by: Some(self.answered_by.clone()),
            typed_by: Some(composed(typed_by)),
            medium: Some("paper".to_owned()),
            day: Some(self.day.clone()),
        }
    }
}

impl Sheet {
    /// Puts the letters of every text together, whatever keyboard it came from; drops empty ones.
    #[must_use]
    pub fn composed(self) -> Self {
        let answers = |answers: Answers| -> Answers {
            let kept = answers.into_iter().map(|(key, value)| match value {
                Value::Text(text) => (key, Value::Text(composed(&text))),
                other => (key, other),
            });
            kept.filter(|(_, value)| value.as_text() != Some("")).collect()
        };
        let members = self.members.into_iter().map(|(id, typed)| (id, answers(typed)));
        let items = self.b1_items.into_iter().map(|(item, points)| (composed(&item), points));
        Self {
            answers: answers(self.answers),
            b1_items: items.collect(),
            members: members.filter(|(_, answers)| !answers.is_empty()).collect(),
            asked: self.asked,
        }
    }

    /// Tells whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Lists what cannot be written. An answer people disagree about is settled where its values are
    /// shown, never overwritten by the way.
    pub fn misfits(&self, disputes: &[Dispute]) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        for (key, value) in &self.answers {
            check(&mut misfits, Scope::Household, &format!("answers/{key}"), key, value);
        }
        for (item, points) in &self.b1_items {
            let path = format!("b1_items/{item}");
            if path.parse::<Path>().is_err() || *points < 0 || !is_text(item, limits::KEY_BYTES_MAX)
            {
                let (vi, en) = ("Mục hoặc điểm không đúng", "the item or its points cannot be");
                misfits.push(Misfit::of(path, "item-unreadable", vi, en));
            }
        }
        for (id, answers) in &self.members {
            if !is_member_id(id) {
                let (vi, en) = ("Mã thành viên không đúng", "a member's id has 32 hex digits");
                misfits.push(Misfit::of(format!("members/{id}/name"), "member-unknown", vi, en));
            }
            for (key, value) in answers {
                check(&mut misfits, Scope::Member, &format!("members/{id}/{key}"), key, value);
            }
        }
        if self.members.len() > MEMBERS_MAX {
            let (vi, en) = ("Quá nhiều thành viên cho một phiếu", "too many members for one form");
            misfits.push(Misfit::of("members", "members-too-many", vi, en));
        }
        let unknown = self.asked.iter().filter(|block| !BLOCKS.contains(&block.as_str()));
        misfits.extend(unknown.map(|block| {
            let path = format!("asked/{block}");
            Misfit::of(path, "block-unknown", "Phiếu không có phần này", "there is no such block")
        }));
        let paths = self.paths();
        let open = disputes.iter().map(|one| &one.path).filter(|path| paths.contains(*path));
        misfits.extend(open.map(|path| {
            let vi = "Thông tin này đang chưa thống nhất: chọn giá trị đúng ở trang của hộ";
            let en = "people disagree about this answer: settle it on the household's page";
            Misfit::of(path.to_string(), "disputed", vi, en)
        }));
        misfits
    }

    fn paths(&self) -> BTreeSet<Path> {
        let answers = self.answers.keys().map(|key| Path::Answer(key.clone()));
        let items = self.b1_items.keys().map(|item| Path::B1Item(item.clone()));
        let members = self.members.iter().flat_map(|(id, answers)| {
            answers.keys().map(|key| Path::Member(id.clone(), key.clone()))
        });
        answers.chain(items).chain(members).collect()
    }

    /// Lists the blocks that were touched: those in which something was typed, and those named.
    pub fn blocks(&self) -> BTreeSet<String> {
        let form = Form::phieu_b();
        let household = self.answers.keys().map(|key| form.find(key, Scope::Household));
        let members = self.members.values().flat_map(BTreeMap::keys);
        let members = members.map(|key| form.find(key, Scope::Member));
        let found = household.chain(members).flatten().map(|key| key.page.block.clone());
        let mut blocks: BTreeSet<String> = found.chain(self.asked.iter().cloned()).collect();
        if !self.b1_items.is_empty() {
            blocks.insert(B1_BLOCK.to_owned());
        }
        blocks
    }

    /// Makes the page that is saved: what was typed, and the mark of every block that was touched.
    pub fn page(&self, names: &Names, typed_by: &str) -> Page {
        let mark = names.mark(typed_by);
        Page {
            opening: None,
            answers: self.answers.clone(),
            b1_items: self.b1_items.clone(),
            members: self.members.clone(),
            asked: self.blocks().into_iter().map(|block| (block, mark.clone())).collect(),
            cleared: Vec::new(),
        }
    }

    /// Reads the sheet as a household of its own.
    pub fn household(&self) -> Household {
        Household {
            answers: self.answers.clone(),
            b1_items: self.b1_items.clone(),
            members: self.members.clone(),
            asked: BTreeMap::new(),
        }
    }
}

fn check(misfits: &mut Vec<Misfit>, scope: Scope, path: &str, key: &str, value: &Value) {
    let objection = Form::phieu_b().check_value(key, scope, value).err();
    let objection = objection.filter(|objection| !ODD.contains(&objection.code.as_str()));
    misfits.extend(objection.map(|objection| Misfit::new(path, objection)));
    if value.as_text().is_some_and(|text| !is_text(text, limits::TEXT_CHARS_MAX)) {
        misfits.push(Misfit::of(path, "text-too-long", "Nội dung quá dài", "the text is too long"));
    }
}

fn is_text(text: &str, chars_max: usize) -> bool {
    text.chars().nth(chars_max).is_none() && !text.chars().any(char::is_control)
}

/// Tells whether a text is the id of a member.
pub fn is_member_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Lists what a person should look at in a household: objections of the form, and answers to
/// questions that its own skips leave out. None of it keeps anything from being written.
pub fn findings(household: &Household, review_date: Date) -> Vec<Finding> {
    let form = Form::phieu_b();
    let age_of = |answers: &Answers| age_at(answers, review_date);
    let mut findings = form.objections(household, age_of);
    let mut skipped = |scope, member: Option<&String>, facts: Facts<'_>| {
        let unasked = facts.own.iter().filter(|(key, value)| {
            let place = form.find(key, scope).filter(|_| **value != Value::Bool(false));
            place.is_some_and(|place| !place.question.is_asked(&facts))
        });
        findings.extend(unasked.map(|(key, _)| Finding {
            member: member.cloned(),
            key: key.clone(),
            objection: Objection {
                code: "answered-not-asked".to_owned(),
                text: Label {
                    vi: "Có câu trả lời cho mục mà phiếu bỏ qua trong trường hợp này".to_owned(),
                    en: "answered, though the form skips this question here".to_owned(),
                },
            },
        }));
    };
    let answers = &household.answers;
    skipped(Scope::Household, None, Facts { own: answers, household: answers, age: None });
    for (id, own) in household.present() {
        let facts = Facts { own, household: answers, age: age_at(own, review_date) };
        skipped(Scope::Member, Some(id), facts);
    }
    findings
}

/// Returns a member's whole years on a day, `None` where the birth is not known.
fn age_at(answers: &Answers, on: Date) -> Option<i64> {
    let birth = answers.get("birth").and_then(Value::as_text)?;
    let birth = PartialDate::parse(birth).ok()?.earliest();
    Some(i64::from(age_on(birth, on)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn codes(sheet: &Sheet) -> Vec<String> {
        sheet.misfits(&[]).into_iter().map(|misfit| misfit.code).collect()
    }

    fn sheet(key: &str, value: impl Into<Value>) -> Sheet {
        Sheet { answers: [(key.to_owned(), value.into())].into(), ..Sheet::default() }
    }

    #[test]
    fn what_looks_odd_is_written_and_what_is_no_answer_is_not() {
        assert_eq!(codes(&sheet("electricity_kwh_month", 9_000)), Vec::<String>::new());
        assert_eq!(codes(&sheet("electricity_kwh_month", "many")), ["wrong-type"]);
        assert_eq!(codes(&sheet("roof", "gold")), ["unknown-option"]);
        assert_eq!(codes(&sheet("colour", "red")), ["unknown-key"]);
        assert_eq!(codes(&sheet("cause_other", "x".repeat(5_000))), ["text-too-long"]);
        let stranger = Answers::from([("name".to_owned(), "Lan".into())]);
        let members = [("me".to_owned(), stranger)].into();
        assert_eq!(codes(&Sheet { members, ..Sheet::default() }), ["member-unknown"]);
    }

    #[test]
    fn only_blocks_that_were_touched_carry_a_mark() {
        let names = Names { by: "Hoa".into(), answered_by: "Lan".into(), day: "2022-10-15".into() };
        let mut sheet = sheet("roof", "tile");
        sheet.asked.insert("assets".to_owned());
        let page = sheet.page(&names, "Cán bộ xã");
        assert_eq!(page.asked.keys().collect::<Vec<_>>(), ["assets", "house"]);
        let mark = &page.asked["house"];
        assert_eq!(mark.medium.as_deref(), Some("paper"));
        assert_eq!(mark.typed_by.as_deref(), Some("Cán bộ xã"));
    }

    #[test]
    fn letters_are_put_together_before_anything_is_kept() {
        let lan = Answers::from([
            ("name".to_owned(), "Ho\u{302}\u{300} Thị Lan".into()),
            ("also_known_as".to_owned(), "  ".into()),
        ]);
        let members = [("a".repeat(32), lan)].into();
        let sheet = Sheet { members, ..Sheet::default() }.composed();
        let kept = Answers::from([("name".to_owned(), "Hồ Thị Lan".into())]);
        assert_eq!(sheet.members["a".repeat(32).as_str()], kept);
    }

    #[test]
    fn a_paper_form_names_people_and_a_day_that_has_been() {
        let today = Date::parse("2022-12-01").unwrap();
        let wrong = |names: &Names| -> Vec<String> {
            names.misfits(today).into_iter().map(|misfit| misfit.path).collect()
        };
        assert_eq!(wrong(&Names::default()), ["asked/by", "asked/answered_by", "asked/day"]);
        let (by, answered_by) = ("Hoa".to_owned(), "không rõ".to_owned());
        let mut names = Names { by, answered_by, day: "2022-12-02".to_owned() };
        assert_eq!(wrong(&names), ["asked/day"]);
        names.day = "2022-12-01".to_owned();
        assert_eq!(wrong(&names), Vec::<String>::new());
    }

    #[test]
    fn answers_to_skipped_questions_are_flagged() {
        let review_date = Date::parse("2022-12-14").unwrap();
        let mut household = sheet("electricity", "none").household();
        household.answers.insert("electricity_kwh_month".to_owned(), 40.into());
        let found = findings(&household, review_date);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].objection.code, "answered-not-asked");
    }
}
