//! Answers in the words of the forms.

use std::collections::BTreeMap;

use mobile_schema::form::{AnswerKey, Form, Kind, Scope};
use mobile_schema::household::{Answers, Value};
use shared::resolve::Path as AnswerPath;

use super::frame::Lang;

/// One answer in words.
pub(super) struct Line {
    pub(super) label: String,
    pub(super) value: String,
    /// Which answer, as [`AnswerPath`] is written.
    pub(super) path: String,
    /// Block of the form whose mark says who asked it.
    pub(super) block: String,
    /// Number of where it comes from, once that was looked up.
    pub(super) source: String,
}

/// One page of the form, as answered.
pub(super) struct Block {
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
    /// Where its answers come from, once that was looked up.
    pub(super) sources: Vec<String>,
}

/// One person of the household.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) lines: Vec<Line>,
    pub(super) removed: bool,
    /// Where these answers come from, once that was looked up.
    pub(super) sources: Vec<String>,
}

fn forms() -> [&'static Form; 2] {
    [Form::phieu_a(), Form::phieu_b()]
}

fn find(key: &str, scope: Scope) -> Option<AnswerKey<'static>> {
    forms().into_iter().find_map(|form| form.find(key, scope))
}

/// Writes the title of a block of the forms.
pub(super) fn block_text(lang: Lang, block: &str) -> String {
    let pages = forms().into_iter().flat_map(|form| &form.pages);
    let title = pages.into_iter().find(|page| page.block == block).map(|page| &page.title);
    title.map_or_else(|| block.to_owned(), |title| lang.t(&title.vi, &title.en).to_owned())
}

/// Writes an answer in words.
fn value_text(lang: Lang, known: Option<&AnswerKey<'_>>, value: &Value) -> String {
    match value {
        Value::Bool(true) => lang.t("Có", "Yes").to_owned(),
        Value::Bool(false) => lang.t("Không", "No").to_owned(),
        Value::Int(number) => {
            let unit = known.and_then(|known| match &known.question.kind {
                Kind::Integer { unit, .. } | Kind::Counts { unit, .. } => Some(unit.as_str()),
                _ => None,
            });
            unit.map_or_else(|| number.to_string(), |unit| format!("{number} {unit}"))
        }
        Value::Text(text) => {
            let option = known.and_then(|known| match &known.question.kind {
                Kind::Choice { options } => options.iter().find(|option| option.code == *text),
                _ => None,
            });
            let label = option.map(|option| lang.t(&option.label.vi, &option.label.en));
            label.unwrap_or(text).to_owned()
        }
    }
}

fn label_text(lang: Lang, known: Option<&AnswerKey<'_>>, key: &str) -> String {
    let Some(known) = known else { return key.to_owned() };
    let label = lang.t(&known.question.label.vi, &known.question.label.en).to_owned();
    match known.option {
        Some(option) => format!("{label} – {}", lang.t(&option.label.vi, &option.label.en)),
        None => label,
    }
}

/// Writes the value of an answer in words.
pub(super) fn path_value(lang: Lang, path: &AnswerPath, value: &Value) -> String {
    let known = match path {
        AnswerPath::Answer(key) => find(key, Scope::Household),
        AnswerPath::Member(_, key) => find(key, Scope::Member),
        AnswerPath::B1Item(_) => None,
    };
    value_text(lang, known.as_ref(), value)
}

/// Finds what an answer to the question behind a path looks like, where the forms ask it.
pub(super) fn kind_of(path: &AnswerPath) -> Option<&'static Kind> {
    let known = match path {
        AnswerPath::Answer(key) => find(key, Scope::Household),
        AnswerPath::Member(_, key) => find(key, Scope::Member),
        AnswerPath::B1Item(_) => None,
    };
    known.map(|known| &known.question.kind)
}

/// Writes which answer a path means.
pub(super) fn path_text(
    lang: Lang,
    path: &AnswerPath,
    members: &BTreeMap<String, Answers>,
) -> String {
    match path {
        AnswerPath::Answer(key) => label_text(lang, find(key, Scope::Household).as_ref(), key),
        AnswerPath::B1Item(key) => format!("B1 · {key}"),
        AnswerPath::Member(member, key) => {
            let name = member_name(lang, members.get(member));
            let label = label_text(lang, find(key, Scope::Member).as_ref(), key);
            format!("{name} – {label}")
        }
    }
}

/// Writes what a key of a missing answer, or of a reason, means.
pub(super) fn key_text(lang: Lang, key: &str, members: &BTreeMap<String, Answers>) -> String {
    if let Ok(path) = key.parse::<AnswerPath>() {
        return path_text(lang, &path, members);
    }
    if let Some(member) = key.strip_prefix("members/") {
        return member_name(lang, members.get(member));
    }
    match key {
        "score_table" => lang.t("bảng điểm B1 chưa nạp", "no B1 score table is loaded").to_owned(),
        "dtts" => lang.t("dân tộc của chủ hộ", "ethnicity of the head").to_owned(),
        key => {
            let known = find(key, Scope::Household).or_else(|| find(key, Scope::Member));
            label_text(lang, known.as_ref(), key)
        }
    }
}

/// Writes the outcome of a visit.
pub(super) fn visit_text(lang: Lang, code: &str) -> String {
    value_text(lang, find("outcome", Scope::Household).as_ref(), &Value::Text(code.to_owned()))
}

fn member_name(lang: Lang, answers: Option<&Answers>) -> String {
    let name = answers.and_then(|answers| answers.get("name")).and_then(Value::as_text);
    name.unwrap_or_else(|| lang.t("(chưa ghi tên)", "(no name)")).to_owned()
}

fn lines(lang: Lang, scope: Scope, above: &str, answers: &Answers) -> Vec<(String, Line)> {
    let mut answers: Vec<(&String, &Value)> = answers.iter().collect();
    // In the order in which the forms ask.
    let order: Vec<String> = forms()
        .into_iter()
        .flat_map(Form::keys)
        .filter(|key| key.scope == scope)
        .map(|key| key.key)
        .collect();
    answers.sort_by_key(|(key, _)| order.iter().position(|one| one == *key).unwrap_or(order.len()));
    answers
        .into_iter()
        // A box that is not ticked says nothing on paper either.
        .filter(|(key, value)| !(key.contains('.') && **value == Value::Bool(false)))
        .map(|(key, value)| {
            let known = find(key, scope);
            let page = known.as_ref().map_or(String::new(), |known| known.page.code.clone());
            let block = known.as_ref().map_or(String::new(), |known| known.page.block.clone());
            let (label, value) =
                (label_text(lang, known.as_ref(), key), value_text(lang, known.as_ref(), value));
            let (path, source) = (format!("{above}/{key}"), String::new());
            (page, Line { label, value, path, block, source })
        })
        .collect()
}

/// Writes the answers about the household, page by page of the forms.
pub(super) fn blocks(lang: Lang, answers: &Answers) -> Vec<Block> {
    let mut by_page: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for (page, line) in lines(lang, Scope::Household, "answers", answers) {
        by_page.entry(page).or_default().push(line);
    }
    let mut blocks = Vec::new();
    for page in forms().into_iter().flat_map(|form| &form.pages) {
        if page.scope == Scope::Household
            && let Some(lines) = by_page.remove(&page.code)
        {
            let title = lang.t(&page.title.vi, &page.title.en).to_owned();
            blocks.push(Block { title, lines, sources: Vec::new() });
        }
    }
    for (_, lines) in by_page {
        let title = lang.t("Khác", "Other").to_owned();
        blocks.push(Block { title, lines, sources: Vec::new() });
    }
    blocks
}

/// Writes the end of a number: who it is can be told from it by whoever has the paper.
pub(super) fn id_number_text(number: &str) -> String {
    let skipped = number.chars().count().saturating_sub(3);
    format!("… {}", number.chars().skip(skipped).collect::<String>())
}

/// Writes an option of a member's question in words, as it is where there is none of that code.
pub(super) fn option_text(lang: Lang, key: &str, code: &str) -> String {
    value_text(lang, find(key, Scope::Member).as_ref(), &Value::from(code))
}

/// Writes what is known of each person, those who left last.
pub(super) fn members(lang: Lang, members: &BTreeMap<String, Answers>) -> Vec<Member> {
    let mut all: Vec<Member> = members
        .iter()
        .map(|(id, answers)| {
            let above = format!("members/{id}");
            let shown = answers.iter().filter(|(key, _)| *key != "id_number");
            let shown: Answers = shown.map(|(key, value)| (key.clone(), value.clone())).collect();
            let lines = lines(lang, Scope::Member, &above, &shown).into_iter();
            let mut lines: Vec<Line> = lines.map(|(_, line)| line).collect();
            if let Some(number) = answers.get("id_number").and_then(Value::as_text) {
                let known = find("id_number", Scope::Member);
                let label = label_text(lang, known.as_ref(), "id_number");
                let (path, source) = (format!("{above}/id_number"), String::new());
                let (value, block) = (id_number_text(number), "members".to_owned());
                lines.push(Line { label, value, path, block, source });
            }
            Member {
                name: member_name(lang, Some(answers)),
                lines,
                removed: answers.contains_key("removed"),
                sources: Vec::new(),
            }
        })
        .collect();
    all.sort_by_key(|member| member.removed);
    all
}
