//! The opening list of a campaign: households that are poor or near-poor by a former decision.

mod columns;
mod roster;

use std::collections::{BTreeMap, BTreeSet};

use automerge::AutomergeError;
use mobile_schema::form::{Form, Scope};
use mobile_schema::household::{Answers, Value};
use shared::classify::Class;
use shared::id::{CampaignId, DocumentId, HouseholdId, document_id, sha256, to_hex};
use shared::merge::{actor_id, genesis};
use shared::page::{Page, Written, write};
use shared::spreadsheet::{date, header, option_code, yes_no};

pub(crate) use self::columns::ROSTER_COLUMNS;
pub(crate) use self::roster::{Roster, roster};
use super::faults::{Faults, fault};
use super::rows::Row;
use crate::keys::random;

/// A household of the opening list, ready to be written.
#[derive(Debug, Clone)]
pub(crate) struct OpeningHousehold {
    pub(crate) code: String,
    /// Commune.
    pub(crate) unit: String,
    pub(crate) hamlet: String,
    pub(crate) class: Class,
    pub(crate) decision: String,
    pub(crate) dtts: bool,
    /// One row a member.
    pub(crate) members: Vec<Row>,
    /// How many they are, when the rows are gone.
    pub(crate) members_count: u32,
}

/// The hamlets that a file may name, by code and by name.
#[derive(Debug, Default)]
pub(crate) struct Hamlets {
    by_code: BTreeMap<String, String>,
    /// Codes by unit and name, with and without the type word.
    by_name: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Hamlets {
    /// Takes the hamlets of a campaign in.
    pub(crate) fn of(hamlets: impl IntoIterator<Item = (String, shared::list::Hamlet)>) -> Self {
        let mut all = Self::default();
        for (unit, hamlet) in hamlets {
            for name in [hamlet.name.clone(), format!("{} {}", hamlet.type_word, hamlet.name)] {
                let names = all.by_name.entry((unit.clone(), header(&name))).or_default();
                names.insert(hamlet.code.clone());
            }
            all.by_code.insert(hamlet.code, unit);
        }
        all
    }

    /// Returns the unit of a hamlet.
    fn unit(&self, code: &str) -> Option<&str> {
        self.by_code.get(code).map(String::as_str)
    }

    /// Finds the hamlet of a row by its code, or by its name where just one of the commune has it.
    fn find(&self, row: &Row) -> Option<&str> {
        let code = &row["hamlet"];
        if !code.is_empty() {
            return self.by_code.get_key_value(code).map(|(code, _)| code.as_str());
        }
        let named = self.by_name.get(&(row["unit"].to_owned(), header(&row["hamlet_name"])))?;
        named.first().filter(|_| named.len() == 1).map(String::as_str)
    }
}

/// Finds whose row it is: the code of the household, or one made of hamlet and head. The same row
/// gives the same code whenever it comes.
fn code_of(row: &Row, hamlet: Option<&str>) -> Option<String> {
    let code = &row["household"];
    if !code.is_empty() {
        return Some(code.to_owned());
    }
    let (head, hamlet) = (&row["head"], hamlet?);
    let name = sha256(format!("rasoat opening 1\n{hamlet}\n{head}").as_bytes());
    (!head.is_empty()).then(|| format!("{hamlet}-{}", to_hex(&name[..5])))
}

/// Tells whether a row is of a household that has left the list: thoát nghèo, thoát cận nghèo.
fn has_left(row: &Row, sheets: &[String]) -> bool {
    let number = usize::try_from(row.at.sheet).unwrap_or(0);
    let sheet = number.checked_sub(1).and_then(|number| sheets.get(number));
    let said = [&row["list"], &row["class"], sheet.map_or("", String::as_str)];
    said.iter().any(|text| header(text).split(' ').any(|word| word == "thoat"))
}

fn class_of(text: &str) -> Option<Class> {
    match header(text).as_str() {
        "poor" | "ho ngheo" | "ngheo" => Some(Class::Poor),
        "near poor" | "ho can ngheo" | "can ngheo" => Some(Class::NearPoor),
        _ => None,
    }
}

fn decision(row: &Row) -> String {
    let number = row["decision"].to_owned();
    match date(&row["decision_date"]).filter(|day| day.is_exact()) {
        Some(day) => format!("{number} ngày {}", day.earliest().text_vi()),
        None => number,
    }
}

fn check_row(row: &Row, hamlet: Option<&str>, faults: &mut Faults) {
    let mut check = |fits: bool, column: &'static str, vi: &'static str, en: &'static str| {
        if !fits {
            faults.push(fault(row.at, column, vi, en));
        }
    };
    check(
        !row["household"].is_empty() || !row["head"].is_empty(),
        "household",
        "Thiếu mã hộ (hoặc họ tên chủ hộ).",
        "The household code is missing (or the head's name).",
    );
    check(
        hamlet.is_some(),
        if row["hamlet"].is_empty() && !row["hamlet_name"].is_empty() {
            "hamlet_name"
        } else {
            "hamlet"
        },
        "Không có mã thôn này trong đợt rà soát, hoặc tên thôn không có hay trùng ở xã.",
        "There is no such hamlet code in the campaign, or the commune has none or two of that name.",
    );
    check(
        class_of(&row["class"]).is_some(),
        "class",
        "Diện phải là poor (hộ nghèo) hoặc near_poor (hộ cận nghèo).",
        "The class is poor or near_poor.",
    );
    check(
        !row["decision"].is_empty(),
        "decision",
        "Thiếu số quyết định công nhận.",
        "The decision's number is missing.",
    );
    let day = &row["decision_date"];
    check(
        day.is_empty() || date(day).is_some_and(|day| day.is_exact()),
        "decision_date",
        "Ngày quyết định phải là NGÀY/THÁNG/NĂM và có thật.",
        "The decision's date is DD/MM/YYYY, and a real one.",
    );
    check(
        yes_no(&row["dtts"]).is_some(),
        "dtts",
        "DTTS phải là 0 (không) hoặc 1 (có).",
        "DTTS is 0 or 1.",
    );
    check_member(row, faults);
}

/// Checks what a row says of the member.
fn check_member(row: &Row, faults: &mut Faults) {
    if row["name"].is_empty() {
        faults.push(fault(row.at, "name", "Thiếu họ tên.", "The name is missing."));
    }
    let birth = &row["birth"];
    if !birth.is_empty() && date(birth).is_none() {
        faults.push(fault(
            row.at,
            "birth",
            "Ngày sinh phải là NĂM, THÁNG/NĂM hoặc NGÀY/THÁNG/NĂM, năm đủ bốn chữ số.",
            "A birth date is YYYY, MM/YYYY or DD/MM/YYYY, the year with four digits.",
        ));
    }
    for key in ["relation", "sex", "ethnicity"].into_iter().filter(|key| !row[*key].is_empty()) {
        if option_code(key, &row[key]).is_none() {
            let value = Value::Text(row[key].to_owned());
            let objection = Form::phieu_b().check_value(key, Scope::Member, &value).err();
            let text = objection.map(|objection| objection.text);
            let (vi, en) = text.map_or_else(Default::default, |text| (text.vi, text.en));
            faults.push(fault(row.at, key, vi, en));
        }
    }
    let id = &row["id_number"];
    if id.is_empty() {
        return;
    }
    let digits = id.bytes().all(|byte| byte.is_ascii_digit());
    match (digits, id.len()) {
        (true, 9 | 12) => {}
        (true, 10 | 11) => faults.push(fault(
            row.at,
            "id_number",
            "Số định danh thiếu chữ số: ô lưu dạng số làm mất số 0 ở đầu. Đổi ô sang dạng Văn bản \
             (Text) rồi nhập đủ 12 chữ số.",
            "Digits are missing: a cell kept as a number has lost the zeros in front. Make it a \
             text and write all 12 digits.",
        )),
        _ => faults.push(fault(
            row.at,
            "id_number",
            "Số định danh có 12 chữ số (hoặc CMND 9 chữ số).",
            "An ID number has 12 digits (or 9 on an old card).",
        )),
    }
}

/// Reads a checked row as answers about the member.
fn member(row: &Row) -> Answers {
    let mut answers = Answers::new();
    for key in ["name", "relation", "birth", "sex", "ethnicity", "id_number"] {
        let cell = &row[key];
        let value = match key {
            "birth" => date(cell).map(|day| day.to_string()),
            "relation" | "sex" | "ethnicity" => option_code(key, cell).map(ToOwned::to_owned),
            _ => Some(cell.to_owned()).filter(|cell| !cell.is_empty()),
        };
        if let Some(value) = value {
            answers.insert(key.to_owned(), Value::Text(value));
        }
    }
    answers
}

/// A household's first change: who belongs to it by the opening list.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) household: HouseholdId,
    pub(crate) document: DocumentId,
    pub(crate) written: Written,
}

/// Draws ids for an opening household and writes its first change.
pub(crate) fn open(campaign: CampaignId, new: &OpeningHousehold) -> Result<Opened, AutomergeError> {
    let members = new.members.iter().map(|row| (to_hex(&random::<16>()), member(row)));
    reopen(campaign, HouseholdId(random()), new, members.collect())
}

/// Writes the first change of a household that is known, with these members.
pub(crate) fn reopen(
    campaign: CampaignId,
    household: HouseholdId,
    new: &OpeningHousehold,
    members: BTreeMap<String, Answers>,
) -> Result<Opened, AutomergeError> {
    let mut doc = genesis();
    doc.set_actor(actor_id(shared::id::Actor(random())));
    let mut page = Page { opening: Some((campaign, household)), members, ..Page::default() };
    page.answers.insert("hamlet".to_owned(), Value::Text(new.hamlet.clone()));
    let written = write(&mut doc, &page, 0)?.ok_or(AutomergeError::Fail)?;
    Ok(Opened { household, document: document_id(campaign, household), written })
}
