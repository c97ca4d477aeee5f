//! The fields of a paper form: what each shows, what was typed into it, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::form::{AnswerKey, Form, Kind, Page, Question, Scope};
use mobile_schema::household::{Answers, Household, Value};
use shared::score::ScoreTable;
use shared::text::folded;
use shared::typed::short_code;

use super::super::frame::{Fields, Lang};
use super::typed::{FREE_ITEMS, is_tick, keys, shown};
use crate::http::office::words::path_value;
use shared::resolve::Path as AnswerPath;

/// One field.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) value: String,
    /// What is wrong with what was typed.
    pub(super) error: String,
    /// What somebody else has written here since the page was shown.
    pub(super) now: String,
    pub(super) shape: Shape,
    /// Characters it is wide.
    pub(super) size: usize,
    pub(super) disputed: bool,
}

/// How a field is filled in.
pub(super) enum Shape {
    Typed,
    Tick,
    /// Value, text, chosen.
    Choice(Vec<(String, String, bool)>),
}

/// Fields of one question.
pub(super) struct Group {
    pub(super) label: String,
    pub(super) fields: Vec<Field>,
    /// Name of the box that says that empty fields are none, and whether it is ticked.
    pub(super) zero: Option<(String, bool)>,
    /// Seldom filled in, and shown on demand.
    pub(super) folded: bool,
}

/// A column of a grid, with its codes.
pub(super) struct Column {
    pub(super) key: String,
    pub(super) label: String,
    pub(super) codes: String,
    /// The codes are many and stay folded.
    pub(super) folded: bool,
}

/// A member's row.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) fields: Vec<Field>,
    pub(super) removed: bool,
    /// For somebody whom the household does not have yet.
    pub(super) free: bool,
}

/// One page of the form.
pub(super) struct Block {
    pub(super) code: String,
    pub(super) title: String,
    /// Name of the box that says the block was asked, where this page is its first, and its state.
    pub(super) asked: Option<(String, bool)>,
    pub(super) groups: Vec<Group>,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

/// What the fields are filled from.
pub(super) struct Filling<'a> {
    pub(super) lang: Lang,
    /// What was typed; none before anything was.
    pub(super) fields: Option<&'a Fields>,
    /// The household as it was shown when it was typed.
    pub(super) base: &'a Household,
    /// The household as it is now.
    pub(super) current: &'a Household,
    /// Ids of rows for new members.
    pub(super) new: &'a [String],
    pub(super) errors: &'a BTreeMap<String, String>,
    pub(super) disputed: &'a BTreeSet<String>,
    pub(super) table: Option<&'a ScoreTable>,
}

impl Filling<'_> {
    /// Makes every page of the form.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut seen = BTreeSet::new();
        let pages = Form::phieu_b().pages.iter();
        pages.map(|page| self.block(page, seen.insert(page.block.as_str()))).collect()
    }

    fn block(&self, page: &'static Page, first: bool) -> Block {
        let name = format!("t.{}", page.block);
        let asked = first.then(|| (name.clone(), self.is_set(&name)));
        let mut block = Block {
            code: page.code.clone(),
            title: self.lang.t(&page.title.vi, &page.title.en).to_owned(),
            asked,
            groups: Vec::new(),
            columns: Vec::new(),
            rows: Vec::new(),
        };
        match page.scope {
            Scope::Household => {
                let questions = page.questions.iter().filter(|one| one.code != "hamlet");
                block.groups = questions.map(|question| self.group(page, question)).collect();
                if page.code == "b1" {
                    block.groups.push(self.items());
                }
            }
            Scope::Member => {
                block.columns = page.questions.iter().map(|one| self.column(one)).collect();
                block.rows = self.rows(page);
            }
        }
        block
    }

    fn is_set(&self, name: &str) -> bool {
        self.fields.is_some_and(|fields| !fields.get(name).is_empty())
    }

    fn group(&self, page: &Page, question: &Question) -> Group {
        let of = keys(Scope::Household)
            .into_iter()
            .filter(|key| key.question.code == question.code && key.page.code == page.code);
        let fields = of.map(|key| self.household_field(&key)).collect();
        let zero = matches!(question.kind, Kind::Counts { .. }).then(|| {
            let name = format!("z.{}", question.code);
            let set = self.is_set(&name);
            (name, set)
        });
        Group { label: self.label(question), fields, zero, folded: false }
    }

    fn label(&self, question: &Question) -> String {
        let label = self.lang.t(&question.label.vi, &question.label.en);
        match &question.kind {
            Kind::Integer { unit, .. } if unit == "dm2" => format!("{label} (m²)"),
            Kind::Integer { unit, .. } | Kind::Counts { unit, .. } => {
                format!("{label} ({})", unit.replace("m2", "m²"))
            }
            _ => label.to_owned(),
        }
    }

    fn household_field(&self, key: &AnswerKey<'_>) -> Field {
        let (base, current) = (self.base.answers.get(&key.key), self.current.answers.get(&key.key));
        let label = match key.option {
            Some(option) => self.lang.t(&option.label.vi, &option.label.en).to_owned(),
            None => self.label(key.question),
        };
        let (name, path) = (format!("a.{}", key.key), format!("answers/{}", key.key));
        let mut field = self.field(key, (name, path), base, current);
        field.label = label;
        field.shape = match &key.question.kind {
            Kind::Ticks { .. } => Shape::Tick,
            Kind::Choice { options } => {
                let computed = |code: &str| code != "computed" || self.table.is_some();
                let all = options
                    .iter()
                    .enumerate()
                    .filter(|(_, option)| key.key != "b1_method" || computed(&option.code));
                let all = all.map(|(place, option)| {
                    let code = short_code(options, place);
                    let text = self.lang.t(&option.label.vi, &option.label.en);
                    (code.clone(), format!("{code} {text}"))
                });
                choices(all.collect(), &field.value)
            }
            Kind::YesNo => {
                let (yes, no) = (self.lang.t("1 Có", "1 Yes"), self.lang.t("2 Không", "2 No"));
                let all = [("1", yes), ("2", no)];
                choices(
                    all.map(|(code, text)| (code.to_owned(), text.to_owned())).into(),
                    &field.value,
                )
            }
            _ => Shape::Typed,
        };
        field
    }

    /// Makes a field: what was typed, or what is there now.
    fn field(
        &self,
        key: &AnswerKey<'_>,
        (name, path): (String, String),
        base: Option<&Value>,
        current: Option<&Value>,
    ) -> Field {
        let (was, is) = (shown(key, base), shown(key, current));
        let typed = self.fields.map(|fields| fields.get(&name).to_owned());
        // What nobody touched shows what is there now; what was typed is never lost.
        let kept = typed.filter(|typed| *typed != was);
        let moved = kept.is_some() && was != is;
        let now = current.zip(path.parse::<AnswerPath>().ok()).filter(|_| moved);
        Field {
            label: self.lang.t(&key.question.label.vi, &key.question.label.en).to_owned(),
            value: kept.unwrap_or(is),
            error: self.errors.get(&path).cloned().unwrap_or_default(),
            now: now.map(|(value, path)| path_value(self.lang, &path, value)).unwrap_or_default(),
            shape: Shape::Typed,
            size: size(key),
            disputed: self.disputed.contains(&path),
            name,
        }
    }

    /// Makes the rows for points per item: those of the table, those known, and free ones.
    fn items(&self) -> Group {
        let mut names: Vec<(String, String)> = Vec::new();
        if let Some(table) = self.table {
            names.extend(table.items.iter().map(|item| {
                (item.code.clone(), self.lang.t(&item.label.vi, &item.label.en).to_owned())
            }));
        }
        for item in self.current.b1_items.keys() {
            if !names.iter().any(|(code, _)| code == item) {
                names.push((item.clone(), item.clone()));
            }
        }
        let points = |item: &str| {
            let base = self.base.b1_items.get(item).map(i64::to_string).unwrap_or_default();
            let now = self.current.b1_items.get(item).map(i64::to_string).unwrap_or_default();
            let typed = self.fields.map(|fields| fields.get(&format!("b.{item}")).to_owned());
            typed.filter(|typed| *typed != base).unwrap_or(now)
        };
        let error = |item: &str| self.errors.get(&format!("b1_items/{item}")).cloned();
        let mut fields: Vec<Field> = names
            .into_iter()
            .map(|(item, label)| {
                let (value, error) = (points(&item), error(&item).unwrap_or_default());
                Field { error, ..Field::plain(format!("b.{item}"), label, value, 4) }
            })
            .collect();
        let typed = |name: &str| self.fields.map_or("", |fields| fields.get(name)).to_owned();
        for row in 0..FREE_ITEMS {
            let (item, points) = (format!("bk.{row}"), format!("bv.{row}"));
            let (written, number) = (typed(&item), typed(&points));
            let wrong =
                if written.is_empty() && number.is_empty() { None } else { error(&written) };
            let label = self.lang.t("Mục khác trong sổ tay", "Another item of the handbook");
            fields.push(Field::plain(item, format!("{label} {}", row + 1), written, 18));
            let label = self.lang.t("Điểm của mục", "Points of item");
            let error = wrong.unwrap_or_default();
            let label = format!("{label} {}", row + 1);
            fields.push(Field { error, ..Field::plain(points, label, number, 4) });
        }
        let label = self.lang.t("Điểm từng mục B1", "Points per item of B1").to_owned();
        let folded = fields.iter().all(|field| field.value.is_empty() && field.error.is_empty());
        Group { label, fields, zero: None, folded }
    }

    fn column(&self, question: &Question) -> Column {
        let codes = match &question.kind {
            Kind::Choice { options } => {
                let one = |place: usize| {
                    let label = &options[place].label;
                    let text = self.lang.t(&label.vi, &label.en);
                    format!("{} {text}", short_code(options, place))
                };
                (0..options.len()).map(one).collect::<Vec<_>>().join(" · ")
            }
            Kind::YesNo => self.lang.t("1 Có · 2 Không", "1 Yes · 2 No").to_owned(),
            Kind::PartialDate => self
                .lang
                .t("ngày/tháng/năm, hoặc chỉ năm", "day/month/year, or the year")
                .to_owned(),
            Kind::Integer { unit, .. } => unit.clone(),
            _ => String::new(),
        };
        Column {
            key: question.code.clone(),
            label: self.lang.t(&question.label.vi, &question.label.en).to_owned(),
            folded: codes.len() > 400,
            codes,
        }
    }

    fn rows(&self, page: &Page) -> Vec<Row> {
        let nobody = Answers::new();
        let ids = roster(self.current).into_iter().chain(self.new.iter().cloned());
        let of: Vec<AnswerKey<'_>> =
            keys(Scope::Member).into_iter().filter(|key| key.page.code == page.code).collect();
        ids.map(|id| {
            let base = self.base.members.get(&id).unwrap_or(&nobody);
            let current = self.current.members.get(&id).unwrap_or(&nobody);
            let fields = of.iter().map(|key| {
                let name = format!("m.{id}.{}", key.key);
                let path = format!("members/{id}/{}", key.key);
                self.field(key, (name, path), base.get(&key.key), current.get(&key.key))
            });
            let typed = self.fields.map_or("", |fields| fields.get(&format!("m.{id}.name")));
            let known = current.get("name").and_then(Value::as_text).unwrap_or_default();
            let name = if typed.is_empty() { known } else { typed };
            Row {
                name: name.to_owned(),
                fields: fields.collect(),
                removed: current.contains_key("removed"),
                free: !self.current.members.contains_key(&id),
            }
        })
        .collect()
    }
}

impl Field {
    /// Makes a field to type into.
    fn plain(name: String, label: String, value: String, size: usize) -> Self {
        let (error, now) = (String::new(), String::new());
        Self { name, label, value, error, now, shape: Shape::Typed, size, disputed: false }
    }
}

/// Lists members as papers do: the head, the spouse, the others by age; those who left last.
fn roster(household: &Household) -> Vec<String> {
    let mut ids: Vec<&String> = household.members.keys().collect();
    ids.sort_by_cached_key(|id| {
        let answers = &household.members[*id];
        let text = |key: &str| answers.get(key).and_then(Value::as_text).unwrap_or_default();
        let place = match text("relation") {
            "head" => 0,
            "spouse" => 1,
            _ => 2,
        };
        let gone = answers.contains_key("removed");
        (gone, place, text("birth").to_owned(), folded(text("name")), (*id).clone())
    });
    ids.into_iter().cloned().collect()
}

/// Makes the choices of a list; a value that is none of them stays choosable.
fn choices(all: Vec<(String, String)>, value: &str) -> Shape {
    let is_known = value.is_empty() || all.iter().any(|(code, _)| code == value);
    let other = (!is_known).then(|| (value.to_owned(), value.to_owned()));
    let chosen = |(code, text): (String, String)| {
        let is_chosen = code == value;
        (code, text, is_chosen)
    };
    Shape::Choice(all.into_iter().chain(other).map(chosen).collect())
}

fn size(key: &AnswerKey<'_>) -> usize {
    match &key.question.kind {
        _ if is_tick(key) => 0,
        Kind::Text { chars_max } if *chars_max > 120 => 48,
        Kind::Text { .. } if key.key == "name" => 22,
        Kind::Text { .. } => 12,
        Kind::PartialDate => 10,
        Kind::Digits { .. } => 13,
        Kind::Integer { .. } | Kind::Counts { .. } => 6,
        _ => 2,
    }
}
