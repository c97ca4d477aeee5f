//! One dispute as a form: what hangs on it, the values side by side with who wrote each on what,
//! and the value that holds, chosen or entered, with a reason.

use std::collections::BTreeMap;

use mobile_schema::form::Kind;
use mobile_schema::household::{Answers, Value};
use mobile_schema::problem;
use shared::id::ChangeHash;
use shared::resolve::{Dispute, Path as AnswerPath};
use shared::standard::{Line, Standard};
use shared::triage::{Triage, Verdict, Words};
use shared::typed::read;

use super::frame::{Fields, Lang, Notice, day_text, time_text};
use super::past::{how, who};
use super::words::{kind_of, path_text, path_value};
use crate::http::desk_change::IfMoved;
use crate::http::households::Settle;
use crate::http::review::{Question, Writer};
use crate::problem::Problem;
use crate::store::change::Authorship;

/// What a form sends where none of the values shown holds.
const OTHER: &str = "other";

/// One value of a dispute, and who wrote it.
pub(super) struct Side {
    /// What the form sends: JSON of the value.
    pub(super) json: String,
    pub(super) text: String,
    pub(super) by: Vec<String>,
    /// Somebody chose it before the form was refused.
    pub(super) chosen: bool,
    /// The rule chose it.
    pub(super) ruled: bool,
}

/// Something people disagree about.
pub(super) struct Open {
    pub(super) path: String,
    pub(super) label: String,
    pub(super) sentence: String,
    pub(super) sides: Vec<Side>,
    /// Codes and labels of the other values, where there is a list of them.
    pub(super) options: Vec<(String, String)>,
    /// Another value that was typed.
    pub(super) other: String,
    pub(super) reason: String,
    pub(super) notice: Option<Notice>,
    pub(super) by_rule: bool,
    /// Its values are shown whole on the household's own page only.
    pub(super) is_secret: bool,
}

/// A decision that was refused, with what was typed.
pub(super) struct Refused<'a> {
    pub(super) fields: &'a Fields,
    pub(super) notice: &'a Notice,
}

/// What disputes of one household are told with.
pub(super) struct Telling<'a> {
    pub(super) lang: Lang,
    pub(super) standard: &'a Standard,
    pub(super) members: &'a BTreeMap<String, Answers>,
    pub(super) authors: &'a BTreeMap<ChangeHash, &'a Authorship>,
}

fn pick(lang: Lang, line: &Line) -> String {
    lang.t(&line.vi, &line.en).to_owned()
}

impl Telling<'_> {
    /// Tells a dispute on its household's own page.
    pub(super) fn open(
        &self,
        dispute: &Dispute,
        triage: &Triage,
        refused: Option<&Refused<'_>>,
    ) -> Open {
        let words = Words { standard: self.standard, members: self.members };
        let verdict = triage.of(&dispute.path);
        let sides = dispute.values.iter().map(|side| {
            let by = side.changes.iter().filter_map(|hash| self.authors.get(hash));
            let by = by.map(|author| written(self.lang, author));
            let text = match &side.value {
                Some(value) => path_value(self.lang, &dispute.path, value),
                None => pick(self.lang, &words.value(&dispute.path, None)),
            };
            let ruled = matches!(verdict, Some(Verdict::Rule(chosen)) if *chosen == side.value);
            shown(&side.value, text, by.collect(), (ruled, refused))
        });
        let sides = sides.collect();
        let sentence = verdict.map(|verdict| pick(self.lang, &words.sentence(dispute, verdict)));
        let by_rule = matches!(verdict, Some(Verdict::Rule(_)));
        let label = path_text(self.lang, &dispute.path, self.members);
        let sentence = sentence.unwrap_or_default();
        with(self.lang, &dispute.path, (label, sentence), sides, (by_rule, refused))
    }
}

/// Tells a dispute at the review desk.
pub(super) fn question(lang: Lang, of: &Question) -> Open {
    let sides = of.sides.iter().map(|side| {
        let by = side.by.iter().map(|writer| written_on(lang, writer)).collect();
        shown(&side.value, pick(lang, &side.text), by, (side.chosen, None))
    });
    let sides = sides.collect();
    let said = (pick(lang, &of.label), pick(lang, &of.sentence));
    let is_secret = matches!(&of.path, AnswerPath::Member(_, key) if key == "id_number");
    Open { is_secret, ..with(lang, &of.path, said, sides, (of.rule.is_some(), None)) }
}

fn shown(
    value: &Option<Value>,
    text: String,
    by: Vec<String>,
    (ruled, refused): (bool, Option<&Refused<'_>>),
) -> Side {
    let json = serde_json::to_string(value).unwrap_or_default();
    let chosen = refused.is_some_and(|refused| refused.fields.get("value") == json);
    Side { json, text, by, chosen, ruled }
}

fn with(
    lang: Lang,
    path: &AnswerPath,
    (label, sentence): (String, String),
    sides: Vec<Side>,
    (by_rule, refused): (bool, Option<&Refused<'_>>),
) -> Open {
    let options = match kind_of(path) {
        Some(Kind::Choice { options }) => {
            options.iter().map(|option| (option.code.clone(), pick_label(lang, option))).collect()
        }
        Some(Kind::YesNo | Kind::Ticks { .. }) => {
            let yes = ("x".to_owned(), lang.t("Có", "Yes").to_owned());
            vec![yes, ("0".to_owned(), lang.t("Không", "No").to_owned())]
        }
        _ => Vec::new(),
    };
    let typed = |name: &str| {
        refused.map_or_else(String::new, |refused| refused.fields.get(name).to_owned())
    };
    Open {
        path: path.to_string(),
        label,
        sentence,
        sides,
        options,
        other: typed("other"),
        reason: typed("reason"),
        notice: refused.map(|refused| refused.notice.clone()),
        by_rule,
        is_secret: false,
    }
}

fn pick_label(lang: Lang, option: &mobile_schema::form::Choice) -> String {
    lang.t(&option.label.vi, &option.label.en).to_owned()
}

/// Says who wrote a value and when it came.
fn written(lang: Lang, author: &Authorship) -> String {
    format!("{} · {} · {}", who(author), how(lang, author), time_text(author.received_at_ms))
}

/// Says who wrote a value, on which device, on paper or phone, who had asked, and when it came.
fn written_on(lang: Lang, writer: &Writer) -> String {
    let mut said = written(lang, &writer.by);
    match writer.medium.as_deref() {
        Some("paper") => said.push_str(lang.t(" · phiếu giấy", " · paper")),
        Some("phone") => said.push_str(lang.t(" · điện thoại", " · phone")),
        _ => {}
    }
    if let Some(asked) = &writer.asked_by {
        said.push_str(&format!(" · {}: {asked}", lang.t("người hỏi", "asked by")));
    }
    if let Some(day) = &writer.day {
        said.push_str(&format!(" · {}: {}", lang.t("ngày phiếu", "day"), day_text(day)));
    }
    said
}

/// Reads a decision as the form sent it.
pub(super) fn settle_form(fields: &Fields) -> Result<Settle, Problem> {
    let unreadable = || Problem::new(&problem::SETTLE_UNREADABLE);
    let hashes = |name: &str| {
        let all = fields.get(name).split(',').filter(|part| !part.is_empty());
        all.map(|part| part.parse().map_err(|_| unreadable())).collect::<Result<Vec<_>, _>>()
    };
    let path: AnswerPath = fields.get("path").parse().map_err(|_| unreadable())?;
    let value = match fields.get("value") {
        OTHER => Some(typed(&path, fields.get("other"))?),
        json => serde_json::from_str(json).map_err(|_| unreadable())?,
    };
    Ok(Settle {
        heads: hashes("heads")?,
        path,
        value,
        reason: fields.get("reason").to_owned(),
        closes: hashes("closes")?,
        if_moved: IfMoved::Refuse,
    })
}

/// Reads a value that was typed, as on a paper form.
fn typed(path: &AnswerPath, text: &str) -> Result<Value, Problem> {
    let unreadable = || Problem::new(&problem::SETTLE_UNREADABLE);
    let Some(kind) = kind_of(path) else {
        let points: i64 = text.trim().parse().map_err(|_| unreadable())?;
        return Ok(Value::Int(points));
    };
    if let Kind::Choice { options } = kind
        && options.iter().any(|option| option.code == text)
    {
        return Ok(text.into());
    }
    match read(kind, text) {
        Ok(value) => value.ok_or_else(unreadable),
        Err(objection) => Err(unreadable().with_items(&[objection])),
    }
}
