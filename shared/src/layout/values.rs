//! What each field says of a household or a member, and how it is written.

use mobile_schema::form::{AnswerKey, Form, Kind as Asked, Scope};
use mobile_schema::household::{Answers, Household, Value};

use super::{Cell, Column, Facts, Format, ListKind, masked};
use crate::classify::Class;
use crate::date::{PartialDate, age_on};
use crate::list::Outcome;
use crate::unit::Area;

/// What a field says, before it is written.
enum Said {
    Nothing,
    Text(String),
    Number(i64),
    Day(PartialDate),
    Flag(bool),
    Choice(String, String),
}

impl Said {
    fn text(text: &str) -> Self {
        if text.is_empty() { Self::Nothing } else { Self::Text(text.to_owned()) }
    }

    fn number(number: Option<i64>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }

    fn flag(flag: Option<bool>) -> Self {
        flag.map_or(Self::Nothing, Self::Flag)
    }

    fn class(class: Option<Class>) -> Self {
        class.map_or(Self::Nothing, |class| {
            Self::Choice(class.as_str().to_owned(), class.label_vi().to_owned())
        })
    }

    fn written(self, format: Format) -> Cell {
        match (self, format) {
            (Self::Nothing, _) => Cell::Empty,
            (Self::Number(number), _) => Cell::Number(number),
            (Self::Day(day), Format::Iso) => Cell::Text(day.to_string()),
            (Self::Day(day), _) => Cell::Text(day_vi(day)),
            (Self::Flag(true), Format::X) => Cell::Text("x".to_owned()),
            (Self::Flag(false), Format::X) => Cell::Empty,
            (Self::Flag(flag), Format::CoKhong) => {
                Cell::Text(if flag { "Có" } else { "Không" }.to_owned())
            }
            (Self::Flag(flag), _) => Cell::Number(i64::from(flag)),
            (Self::Choice(code, _), Format::Code) => Cell::Text(code),
            (Self::Text(text) | Self::Choice(_, text), _) => Cell::Text(text),
        }
    }
}

/// Writes a day as people do, as far as it is known.
fn day_vi(day: PartialDate) -> String {
    let text = day.to_string();
    text.split('-').rev().collect::<Vec<_>>().join("/")
}

/// Where the value of a column comes from.
#[derive(Debug)]
enum Source<'a> {
    Fixed(&'a str),
    Indicator(&'a str),
    Answer(AnswerKey<'static>),
}

/// A column whose key has been looked up.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    source: Source<'a>,
    format: Format,
}

impl<'a> Prepared<'a> {
    pub(super) fn of(column: &'a Column) -> Self {
        let (form, key) = (Form::phieu_b(), column.key.as_str());
        let answer = match key.split_once('.') {
            Some(("answer", key)) => form.find(key, Scope::Household),
            Some(("member", key)) => form.find(key, Scope::Member),
            // What the exchange list calls by name are answers about the member.
            None if matches!(key, "relation" | "sex" | "ethnicity" | "birth" | "name") => {
                form.find(key, Scope::Member)
            }
            _ => None,
        };
        let source = match (answer, key.strip_prefix("indicator.")) {
            (Some(answer), _) => Source::Answer(answer),
            (None, Some(code)) => Source::Indicator(code),
            (None, None) => Source::Fixed(key),
        };
        Self { source, format: column.format }
    }

    pub(super) fn cell(
        &self,
        facts: &Facts<'_>,
        list: Option<ListKind>,
        member: Option<(&str, &Answers)>,
    ) -> Cell {
        let said = match &self.source {
            Source::Indicator(code) => indicator(facts, code),
            Source::Answer(key) => {
                let answers = match key.scope {
                    Scope::Household => Some(&facts.household.answers),
                    Scope::Member => member.map(|(_, answers)| answers),
                };
                let value = answers.and_then(|answers| answers.get(&key.key));
                value.map_or(Said::Nothing, |value| answer(facts, key, value))
            }
            Source::Fixed(key) => match member_field(facts, key, member) {
                Some(said) => said,
                None => household_field(facts, key, list),
            },
        };
        said.written(self.format)
    }
}

fn indicator(facts: &Facts<'_>, code: &str) -> Said {
    let is_deprived = facts.row.deprived.iter().any(|deprived| deprived == code);
    // Without points of all of them, one that is not named may just not be known.
    Said::flag((is_deprived || facts.row.b2.is_some()).then_some(is_deprived))
}

fn answer(facts: &Facts<'_>, key: &AnswerKey<'_>, value: &Value) -> Said {
    match (value, &key.question.kind) {
        (Value::Bool(flag), _) => Said::Flag(*flag),
        (Value::Int(number), _) => Said::Number(*number),
        (Value::Text(text), Asked::PartialDate) => match PartialDate::parse(text) {
            Ok(day) => Said::Day(day),
            Err(_) => Said::text(text),
        },
        (Value::Text(text), Asked::Choice { options }) => {
            let option = options.iter().find(|option| option.code == *text);
            let label = option.map_or(text, |option| &option.label.vi);
            Said::Choice(text.clone(), label.clone())
        }
        (Value::Text(text), _) if key.key == "id_number" => number_of(facts, text),
        (Value::Text(text), _) => Said::text(text),
    }
}

fn number_of(facts: &Facts<'_>, number: &str) -> Said {
    if facts.numbers_in_full { Said::text(number) } else { Said::Text(masked(number)) }
}

fn member_field(facts: &Facts<'_>, key: &str, member: Option<(&str, &Answers)>) -> Option<Said> {
    let (id, answers) = match (key, member) {
        ("member" | "id_number" | "age", Some(member)) => member,
        ("member" | "id_number" | "age", None) => return Some(Said::Nothing),
        _ => return None,
    };
    let text = |key: &str| answers.get(key).and_then(Value::as_text).unwrap_or_default();
    Some(match key {
        "member" => Said::text(id),
        "id_number" if text("id_number").is_empty() => Said::Nothing,
        "id_number" => number_of(facts, text("id_number")),
        _ => {
            let birth = PartialDate::parse(text("birth")).ok();
            let age = birth.map(|birth| age_on(birth.earliest(), facts.review_date));
            Said::number(age.map(i64::from))
        }
    })
}

fn household_field(facts: &Facts<'_>, key: &str, list: Option<ListKind>) -> Said {
    let (row, place, household) = (facts.row, facts.place, facts.household);
    match key {
        "household" if facts.code.is_empty() => Said::Text(row.document.to_string()),
        "household" => Said::text(facts.code),
        "document" => Said::Text(row.document.to_string()),
        "list" => Said::text(list.map_or("", ListKind::title)),
        "province" => Said::text(&place.province),
        "district_code" => Said::text(&place.district_code),
        "district" => Said::text(&place.district),
        "unit" => Said::text(&place.unit),
        "commune" => Said::text(&place.commune),
        "hamlet" => Said::text(&row.hamlet),
        "hamlet_name" => {
            let name = facts.hamlet.map(|hamlet| format!("{} {}", hamlet.type_word, hamlet.name));
            name.map_or(Said::Nothing, Said::Text)
        }
        "area" => match row.area {
            Area::Urban => Said::Choice("urban".to_owned(), "thành thị".to_owned()),
            Area::Rural => Said::Choice("rural".to_owned(), "nông thôn".to_owned()),
        },
        "head" => Said::text(household.head_name()),
        "members" => Said::Number(i64::from(row.members)),
        "head_ethnicity" => ethnicity(&row.ethnicity),
        "dtts" => Said::Flag(row.dtts),
        "no_labour" => Said::flag(no_labour(household)),
        "has_merit" => Said::flag(household.answers.get("has_merit").and_then(Value::as_bool)),
        "female_head" => {
            let sex = household.head().and_then(|head| head.get("sex")).and_then(Value::as_text);
            Said::flag(sex.map(|sex| sex == "female"))
        }
        _ => result_field(facts, key),
    }
}

/// What the review came to.
fn result_field(facts: &Facts<'_>, key: &str) -> Said {
    let row = facts.row;
    let list = |texts: &[String]| Said::text(&texts.join("; "));
    match key {
        "opening_class" => Said::class(row.opening),
        "outcome" => {
            let (code, label) = match row.outcome {
                Outcome::Surveyed => ("surveyed", "Đã rà soát"),
                Outcome::Kept => ("kept", "Ban Chỉ đạo quyết định giữ diện"),
                Outcome::Left => ("left", "Rời danh sách"),
                Outcome::Pending => ("pending", "Chưa có kết quả"),
            };
            Said::Choice(code.to_owned(), label.to_owned())
        }
        "class" => Said::class(row.class),
        "b1" => Said::number(row.b1),
        "b1_method" => {
            let method = row.b1_method.and_then(|method| serde_json::to_value(method).ok());
            Said::text(method.as_ref().and_then(|method| method.as_str()).unwrap_or_default())
        }
        "score_table" => Said::text(row.table.as_deref().unwrap_or_default()),
        "b2" => Said::number(row.b2),
        "deprived" => list(&row.deprived),
        "causes" => {
            let causes: Vec<String> = row.causes.iter().map(ToString::to_string).collect();
            list(&causes)
        }
        "decision" => Said::text(facts.decision.map_or("", |(number, _)| number)),
        "decision_date" => {
            let day = facts.decision.and_then(|(_, day)| PartialDate::parse(day).ok());
            day.map_or(Said::Nothing, Said::Day)
        }
        "disputes" => Said::Number(i64::from(facts.open.0)),
        "missing" => list(facts.open.1),
        "flags" => list(facts.open.2),
        "changes_device" => Said::Number(i64::from(row.provenance.device)),
        "changes_session" => Said::Number(i64::from(row.provenance.session)),
        "changes_desk" => Said::Number(i64::from(row.provenance.desk)),
        "asked_by" => people(facts.household, |asked| asked.by.as_ref()),
        "answered_by" => people(facts.household, |asked| asked.answered_by.as_ref()),
        "typed_by" => people(facts.household, |asked| asked.typed_by.as_ref()),
        _ => Said::Nothing,
    }
}

/// Lists who stands behind the blocks of a form, each once.
fn people(
    household: &Household,
    of: impl Fn(&mobile_schema::household::Asked) -> Option<&String>,
) -> Said {
    let mut names: Vec<&str> =
        household.asked.values().filter_map(of).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    Said::text(&names.join("; "))
}

fn ethnicity(code: &str) -> Said {
    let place = Form::phieu_b().find("ethnicity", Scope::Member);
    let Some(Asked::Choice { options }) = place.map(|place| &place.question.kind) else {
        return Said::text(code);
    };
    match options.iter().find(|option| option.code == code) {
        Some(option) => Said::Choice(code.to_owned(), option.label.vi.clone()),
        None => Said::text(code),
    }
}

/// Tells whether a household has nobody who is able to work; `None` where that was not asked of all
/// who are of age.
///
/// Source: recalled only, no text was found (unverified): a household with no member able to work.
/// Who is not asked for work, being under 15, or studies does not count as able.
pub(crate) fn no_labour(household: &Household) -> Option<bool> {
    let (mut asked, mut able) = (0, 0);
    for (_, member) in household.present() {
        if let Some(status) = member.get("work_status").and_then(Value::as_text) {
            asked += 1;
            able += i32::from(matches!(status, "working" | "unemployed" | "unwilling"));
        }
    }
    (asked > 0).then_some(able == 0)
}
