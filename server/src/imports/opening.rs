//! The opening list of a campaign: households that are poor or near-poor by a former decision.

use std::collections::{BTreeMap, BTreeSet};

use automerge::AutomergeError;
use mobile_schema::form::{Form, Scope};
use mobile_schema::household::{Answers, Value};
use shared::classify::Class;
use shared::date::PartialDate;
use shared::id::{CampaignId, DocumentId, HouseholdId, document_id, to_hex};
use shared::limits;
use shared::merge::{actor_id, genesis};
use shared::page::{Page, Written, write};

use super::rows::{RowFault, Rows, Sorted, fault, read};
use crate::keys::random;

/// Columns of the opening list, one row a member (danh sách hộ nghèo, hộ cận nghèo đang quản lý).
pub(crate) const ROSTER_COLUMNS: [&str; 11] = [
    "household",
    "hamlet",
    "class",
    "decision",
    "dtts",
    "name",
    "relation",
    "birth",
    "sex",
    "ethnicity",
    "id_number",
];

/// A household of the opening list, ready to be written.
#[derive(Debug, Clone)]
pub(crate) struct OpeningHousehold {
    pub(crate) code: String,
    pub(crate) hamlet: String,
    pub(crate) class: Class,
    pub(crate) decision: String,
    pub(crate) dtts: bool,
    pub(crate) members: Vec<Answers>,
}

/// Most bytes that a member takes in a change beside its values: its id, keys and columns.
const MEMBER_BYTES: usize = 160;

impl OpeningHousehold {
    /// Bounds the size of the household's first change from above, bytes.
    fn bytes(&self) -> usize {
        let values = self.members.iter().flat_map(BTreeMap::values).filter_map(Value::as_text);
        self.members.len() * MEMBER_BYTES + values.map(str::len).sum::<usize>()
    }
}

/// Reads the opening list. A household with one bad row is set aside whole, and named.
pub(crate) fn roster(text: &str, hamlets: &BTreeSet<String>) -> Sorted<OpeningHousehold> {
    let Rows { rows, broken, mut faults } = read(text, &ROSTER_COLUMNS)?;
    let mut households: BTreeMap<String, OpeningHousehold> = BTreeMap::new();
    let mut bad: BTreeSet<String> =
        broken.into_iter().filter_map(|mut row| row.remove("household")).collect();
    for (line, row) in &rows {
        let code = row["household"].clone();
        let before = faults.len();
        check_roster_row(*line, row, hamlets, &mut faults);
        let class = if row["class"] == "poor" { Class::Poor } else { Class::NearPoor };
        let household = households.entry(code.clone()).or_insert_with(|| OpeningHousehold {
            code: code.clone(),
            hamlet: row["hamlet"].clone(),
            class,
            decision: row["decision"].clone(),
            dtts: row["dtts"] == "1",
            members: Vec::new(),
        });
        let same = household.hamlet == row["hamlet"]
            && household.class == class
            && household.dtts == (row["dtts"] == "1");
        if !same {
            faults.push(fault(
                *line,
                "household",
                "Các dòng của một hộ không thống nhất thôn, diện hoặc DTTS.",
                "Rows of one household disagree on hamlet, class or DTTS.",
            ));
        }
        household.members.push(member(row));
        if faults.len() > before {
            bad.insert(code);
        }
    }
    for household in households.values() {
        let line = || {
            let row = rows.iter().find(|(_, row)| row["household"] == household.code);
            row.map_or(0, |(line, _)| *line)
        };
        if household.bytes() > limits::CHANGE_BYTES_MAX && bad.insert(household.code.clone()) {
            faults.push(fault(
                line(),
                "household",
                "Hộ có quá nhiều thành viên cho một hồ sơ.",
                "The household has more members than one document takes.",
            ));
        }
        let heads = household
            .members
            .iter()
            .filter(|member| member.get("relation").and_then(Value::as_text) == Some("head"))
            .count();
        if heads != 1 && bad.insert(household.code.clone()) {
            faults.push(fault(
                line(),
                "relation",
                "Mỗi hộ có đúng một chủ hộ.",
                "A household has exactly one head.",
            ));
        }
    }
    faults.sort_by_key(|fault| fault.line);
    let good = households.into_values().filter(|household| !bad.contains(&household.code));
    Ok((good.collect(), faults))
}

fn check_roster_row(
    line: u64,
    row: &BTreeMap<String, String>,
    hamlets: &BTreeSet<String>,
    faults: &mut Vec<RowFault>,
) {
    let mut check = |fits: bool, column: &str, vi: &str, en: &str| {
        if !fits {
            faults.push(fault(line, column, vi, en));
        }
    };
    for (column, cell) in row {
        check(
            cell.chars().nth(limits::TEXT_CHARS_MAX).is_none(),
            column,
            "Nội dung quá dài.",
            "The text is too long.",
        );
    }
    check(
        !row["household"].is_empty(),
        "household",
        "Thiếu mã hộ.",
        "The household code is missing.",
    );
    check(
        hamlets.contains(&row["hamlet"]),
        "hamlet",
        "Không có mã thôn này trong đợt rà soát.",
        "There is no such hamlet code in the campaign.",
    );
    check(
        matches!(row["class"].as_str(), "poor" | "near_poor"),
        "class",
        "Diện phải là poor hoặc near_poor.",
        "The class is poor or near_poor.",
    );
    check(
        !row["decision"].is_empty(),
        "decision",
        "Thiếu số quyết định công nhận.",
        "The decision's number is missing.",
    );
    check(
        matches!(row["dtts"].as_str(), "0" | "1"),
        "dtts",
        "DTTS phải là 0 hoặc 1.",
        "DTTS is 0 or 1.",
    );
    check(!row["name"].is_empty(), "name", "Thiếu họ tên.", "The name is missing.");
    check(
        row["birth"].is_empty() || PartialDate::parse(&row["birth"]).is_ok(),
        "birth",
        "Ngày sinh phải là NĂM, NĂM-THÁNG hoặc NĂM-THÁNG-NGÀY.",
        "A birth date is YYYY, YYYY-MM or YYYY-MM-DD.",
    );
    for key in ["relation", "sex", "ethnicity"].into_iter().filter(|key| !row[*key].is_empty()) {
        let value = Value::Text(row[key].clone());
        if let Err(objection) = Form::phieu_b().check_value(key, Scope::Member, &value) {
            check(false, key, &objection.text.vi, &objection.text.en);
        }
    }
    let id = &row["id_number"];
    check(
        id.is_empty() || (matches!(id.len(), 9 | 12) && id.bytes().all(|b| b.is_ascii_digit())),
        "id_number",
        "Số định danh có 12 chữ số (hoặc CMND 9 chữ số).",
        "An ID number has 12 digits (or 9 on an old card).",
    );
}

fn member(row: &BTreeMap<String, String>) -> Answers {
    ["name", "relation", "birth", "sex", "ethnicity", "id_number"]
        .into_iter()
        .filter(|key| !row[*key].is_empty())
        .map(|key| (key.to_owned(), Value::Text(row[key].clone())))
        .collect()
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
    let household = HouseholdId(random());
    let mut doc = genesis();
    doc.set_actor(actor_id(shared::id::Actor(random())));
    let mut page = Page { opening: Some((campaign, household)), ..Page::default() };
    page.answers.insert("hamlet".to_owned(), Value::Text(new.hamlet.clone()));
    for member in &new.members {
        page.members.insert(to_hex(&random::<16>()), member.clone());
    }
    let written = write(&mut doc, &page, 0)?.ok_or(AutomergeError::Fail)?;
    Ok(Opened { household, document: document_id(campaign, household), written })
}
