//! Phiếu A and Phiếu B on paper, from the form as data: blank, or filled with a household's answers.
//!
//! Household questions have boxes to tick. Members share one table, a column each, and take the
//! number of an option; whoever types the paper finds the options under the same numbers.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use mobile_schema::form::{Form, Kind, Question, Scope};
use mobile_schema::household::{Answers, Household, Value};
use mobile_schema::problem;
use shared::classify::Class;
use shared::id::{CampaignId, DocumentId};

use super::super::frame::{Asked, Frame, Lang, Visitor, day_text};
use super::super::list::class_text;
use super::super::words::{block_text, id_number_text};
use super::{Paper, hamlet_name, points, printed};
use crate::app::App;
use crate::http::extract::{Path, list_unit};
use crate::http::households::{self, Read};
use crate::problem::Problem;

/// Members in one table: as many columns as a name fits into.
const COLUMNS: usize = 6;

/// Options that still stand beside their question; longer lists are written out by hand.
const OPTIONS_MAX: usize = 12;

/// What was not compared with the printed forms.
const WORDING: &str =
    "Câu hỏi lấy từ biểu mẫu trong phần mềm, chưa đối chiếu với phiếu in của Thông tư.";

/// Something to tick.
struct Tick {
    number: usize,
    label: &'static str,
    ticked: bool,
}

/// A place to write into.
struct Blank {
    label: &'static str,
    value: String,
    unit: &'static str,
}

/// One question about the household.
struct Ask {
    number: usize,
    label: &'static str,
    at_times: bool,
    ticks: Vec<Tick>,
    blanks: Vec<Blank>,
}

struct Block {
    title: &'static str,
    questions: Vec<Ask>,
}

/// One question about every member.
struct Line {
    number: usize,
    label: &'static str,
    at_times: bool,
    options: String,
    cells: Vec<String>,
}

struct Lines {
    title: &'static str,
    lines: Vec<Line>,
}

/// Members of one table.
struct Table {
    first: usize,
    heads: Vec<&'static str>,
    blocks: Vec<Lines>,
}

/// Who stands behind a block of answers.
struct Behind {
    block: String,
    by: String,
    answered_by: String,
    typed_by: String,
    day: String,
    medium: &'static str,
}

impl Behind {
    fn is_same(&self, other: &Self) -> bool {
        let of = |one: &Self| {
            let people = [&one.by, &one.answered_by, &one.typed_by, &one.day].map(Clone::clone);
            (people, one.medium)
        };
        of(self) == of(other)
    }
}

/// Whose form it is.
#[derive(Default)]
struct Whose {
    code: String,
    head: String,
    hamlet: String,
    b1: String,
    b2: String,
    class: Option<Class>,
    disputes: u32,
}

impl Whose {
    fn is(&self, class: Class) -> bool {
        self.class == Some(class)
    }
}

#[derive(Template)]
#[template(path = "office/print/form.html")]
struct Sheet {
    f: Frame,
    paper: Paper,
    title: &'static str,
    version: u32,
    is_blank: bool,
    has_result: bool,
    whose: Whose,
    blocks: Vec<Block>,
    tables: Vec<Table>,
    behind: Vec<Behind>,
}

/// Finds a form by its code.
fn named(code: &str) -> Result<&'static Form, Problem> {
    let known = [Form::phieu_a(), Form::phieu_b()].into_iter().find(|form| form.code == code);
    known.ok_or_else(|| Problem::new(&problem::NOT_FOUND))
}

/// Shows a form with nothing in it.
pub(super) async fn blank(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit, code)): Path<(CampaignId, String, String)>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let form = named(&code)?;
        let seen = list_unit(&app, &visitor.actor(), id, &unit).await?;
        let paper = Paper::of(&app, &seen, &unit, WORDING);
        printed(&sheet(&visitor, paper, form, None))
    };
    Asked::of(lang, shown.await)
}

/// Shows a form with what a household answered.
pub(super) async fn filled(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, document, code)): Path<(CampaignId, DocumentId, String)>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let form = named(&code)?;
        let path = Path((id, document));
        let read = households::read(State(app.clone()), visitor.actor(), path).await?.0;
        let Read { code, unit, standing, household, classification, .. } = read;
        let seen = list_unit(&app, &visitor.actor(), id, &unit).await?;
        let hamlets = app.store.hamlet_list(id, Some(&unit)).await?.into_iter();
        let hamlet = hamlets.map(|(_, one)| one).find(|one| one.code == standing.row.hamlet);
        let mut paper = Paper::of(&app, &seen, &unit, WORDING);
        paper.synthetic = usize::from(classification.b1.as_ref().is_some_and(|b1| b1.synthetic));
        let whose = Whose {
            code,
            head: standing.head.clone(),
            hamlet: hamlet.as_ref().map(hamlet_name).unwrap_or_default(),
            b1: points(standing.row.b1),
            b2: points(standing.row.b2),
            class: standing.row.class,
            disputes: standing.open.disputes,
        };
        printed(&sheet(&visitor, paper, form, Some((whose, &household))))
    };
    Asked::of(lang, shown.await)
}

fn sheet(
    visitor: &Visitor,
    paper: Paper,
    form: &'static Form,
    filled: Option<(Whose, &Household)>,
) -> Sheet {
    let is_blank = filled.is_none();
    let nothing = Household::default();
    let (whose, household) = filled.unwrap_or((Whose::default(), &nothing));
    let numbers: BTreeMap<&str, usize> = form
        .pages
        .iter()
        .flat_map(|page| &page.questions)
        .map(|q| q.code.as_str())
        .zip(1..)
        .collect();
    let number = |question: &Question| numbers.get(question.code.as_str()).copied().unwrap_or(0);
    let pages = form.pages.iter().filter(|page| page.scope == Scope::Household);
    let blocks = pages.map(|page| Block {
        title: page.title.vi.as_str(),
        questions: page
            .questions
            .iter()
            .map(|question| ask(number(question), question, &household.answers))
            .collect(),
    });
    let mut members: Vec<&Answers> = household.present().map(|(_, answers)| answers).collect();
    members.sort_by_key(|answers| answers.get("relation").and_then(Value::as_text) != Some("head"));
    let tables = if form.pages.iter().all(|page| page.scope == Scope::Household) {
        Vec::new()
    } else if is_blank {
        vec![table(form, &number, 1, &[])]
    } else {
        let chunks = members.chunks(COLUMNS).zip((1..).step_by(COLUMNS));
        chunks.map(|(chunk, first)| table(form, &number, first, chunk)).collect()
    };
    Sheet {
        f: visitor.frame(form.title.vi.as_str()),
        title: form.title.vi.as_str(),
        version: form.version,
        is_blank,
        has_result: form.code == Form::phieu_b().code,
        whose,
        blocks: blocks.collect(),
        tables,
        behind: behind(form, household),
        paper,
    }
}

fn ask(number: usize, question: &'static Question, answers: &Answers) -> Ask {
    let answer = answers.get(&question.code);
    let of = |option: &str| answers.get(&format!("{}.{option}", question.code));
    let (mut ticks, mut blanks) = (Vec::new(), Vec::new());
    let mut tick = |number, label, ticked| ticks.push(Tick { number, label, ticked });
    let mut blank = |label, value, unit| blanks.push(Blank { label, value, unit });
    match &question.kind {
        Kind::Choice { options } if options.len() <= OPTIONS_MAX => {
            for (number, option) in (1..).zip(options) {
                let ticked = answer.and_then(Value::as_text) == Some(option.code.as_str());
                tick(number, option.label.vi.as_str(), ticked);
            }
        }
        Kind::Ticks { options } => {
            for (number, option) in (1..).zip(options) {
                let ticked = of(&option.code).and_then(Value::as_bool) == Some(true);
                tick(number, option.label.vi.as_str(), ticked);
            }
        }
        Kind::YesNo => {
            tick(1, "Có", answer.and_then(Value::as_bool) == Some(true));
            tick(2, "Không", answer.and_then(Value::as_bool) == Some(false));
        }
        Kind::Counts { options, unit, .. } => {
            for option in options {
                blank(option.label.vi.as_str(), text(question, of(&option.code)), unit_text(unit));
            }
        }
        Kind::Integer { unit, .. } => blank("", text(question, answer), unit_text(unit)),
        Kind::Choice { .. } | Kind::Text { .. } | Kind::PartialDate | Kind::Digits { .. } => {
            blank("", text(question, answer), "");
        }
    }
    let (label, at_times) = (question.label.vi.as_str(), question.ask_if.is_some());
    Ask { number, label, at_times, ticks, blanks }
}

/// Writes an answer as it stands on paper: the number of an option, a number, or text.
fn text(question: &Question, value: Option<&Value>) -> String {
    let Some(value) = value else { return String::new() };
    match (value, &question.kind) {
        (Value::Bool(true), _) => "1".to_owned(),
        (Value::Bool(false), _) => "2".to_owned(),
        (Value::Int(dm2), Kind::Integer { unit, .. }) if unit == "dm2" => square_metres(*dm2),
        (Value::Int(number), _) => number.to_string(),
        (Value::Text(code), Kind::Choice { options }) => {
            let place = options.iter().position(|option| option.code == *code);
            match place {
                Some(place) if options.len() <= OPTIONS_MAX => (place + 1).to_string(),
                Some(place) => options[place].label.vi.clone(),
                None => code.clone(),
            }
        }
        (Value::Text(text), Kind::PartialDate) => day_text(text),
        (Value::Text(text), Kind::Digits { .. }) => id_number_text(text),
        (Value::Text(text), _) => text.clone(),
    }
}

/// Writes a unit as people do; square decimetres are written in metres.
fn unit_text(unit: &'static str) -> &'static str {
    match unit {
        "dm2" | "m2" => "m²",
        "kWh/month" => "kWh/tháng",
        "g" => "gam",
        unit => unit,
    }
}

fn square_metres(dm2: i64) -> String {
    match (dm2 / 100, dm2 % 100) {
        (metres, 0) => metres.to_string(),
        (metres, rest) => format!("{metres},{:02}", rest.abs()),
    }
}

fn table(
    form: &'static Form,
    number: &dyn Fn(&Question) -> usize,
    first: usize,
    members: &[&Answers],
) -> Table {
    let pages = form.pages.iter().filter(|page| page.scope == Scope::Member);
    let line = |question: &'static Question| {
        let cells = (0..COLUMNS).map(|place| {
            let answers = members.get(place);
            answers.map_or_else(String::new, |answers| text(question, answers.get(&question.code)))
        });
        Line {
            number: number(question),
            label: question.label.vi.as_str(),
            at_times: question.ask_if.is_some(),
            options: options_text(&question.kind),
            cells: cells.collect(),
        }
    };
    let blocks = pages.map(|page| Lines {
        title: page.title.vi.as_str(),
        lines: page.questions.iter().map(line).collect(),
    });
    Table { first, heads: vec!["TV"; COLUMNS], blocks: blocks.collect() }
}

fn options_text(kind: &'static Kind) -> String {
    match kind {
        Kind::Choice { options } if options.len() <= OPTIONS_MAX => {
            let each = (1..).zip(options);
            let each = each.map(|(number, option)| format!("{number} {}", option.label.vi));
            each.collect::<Vec<_>>().join("; ")
        }
        Kind::YesNo => "1 Có; 2 Không".to_owned(),
        Kind::Integer { unit, .. } => unit_text(unit).to_owned(),
        _ => String::new(),
    }
}

/// Lists who asked, answered and typed, blocks of the same people together.
fn behind(form: &Form, household: &Household) -> Vec<Behind> {
    let known = |who: &Option<String>| who.clone().unwrap_or_else(|| "–".to_owned());
    let mut lines: Vec<Behind> = Vec::new();
    let of_form = |block: &str| form.pages.iter().any(|page| page.block == block);
    for (block, asked) in household.asked.iter().filter(|(block, _)| of_form(block)) {
        let line = Behind {
            block: block_text(Lang::Vi, block),
            by: known(&asked.by),
            answered_by: known(&asked.answered_by),
            typed_by: known(&asked.typed_by),
            day: asked.day.as_deref().map(day_text).unwrap_or_default(),
            medium: match asked.medium.as_deref() {
                Some("paper") => "phiếu giấy",
                Some("phone") => "điện thoại",
                _ => "–",
            },
        };
        match lines.iter_mut().find(|known| known.is_same(&line)) {
            Some(known) => {
                known.block.push_str("; ");
                known.block.push_str(&line.block);
            }
            None => lines.push(line),
        }
    }
    lines
}

/// Class and its name, as the result box lists them.
const RESULTS: [Class; 3] = [Class::Poor, Class::NearPoor, Class::Above];

impl Sheet {
    fn results(&self) -> Vec<Tick> {
        let each = (1..).zip(RESULTS);
        let tick = |(number, class)| Tick {
            number,
            label: class_text(Lang::Vi, class),
            ticked: self.whose.is(class),
        };
        each.map(tick).collect()
    }
}
