//! The file of assignments: who is given which hamlet or which single household.

use std::collections::BTreeMap;

use shared::id::AccountId;
use shared::spreadsheet::{Column, Need};
use shared::unit::UnitTree;

use super::faults::fault;
use super::file::File;
use super::rows::{Rows, Sorted, Unreadable, read};
use crate::store::assignment::Given;
use crate::store::household::HouseholdUnit;

const ACCOUNT: Column = Column {
    key: "account",
    titles: &["Tài khoản", "Tên đăng nhập"],
    need: Need::Always,
    vi: "Tên đăng nhập của rà soát viên.",
    en: "Sign-in name of the enumerator.",
    example: "dt-19558-1",
};

/// Columns of a file of hamlets.
pub(crate) static ASSIGNMENT_COLUMNS: [Column; 2] = [
    Column {
        key: "hamlet",
        titles: &["Mã thôn"],
        need: Need::Always,
        vi: "Mã thôn trong đợt rà soát. (Hoặc cột household: mã hộ, để giao từng hộ.)",
        en: "Hamlet code in the campaign. (Or the column household, to give single households.)",
        example: "19558-01",
    },
    ACCOUNT,
];

/// Columns of a file of single households.
pub(crate) static SINGLE_COLUMNS: [Column; 2] = [
    Column {
        key: "household",
        titles: &["Mã hộ", "Mã hộ gia đình"],
        need: Need::Always,
        vi: "Mã hộ trên danh sách đầu kỳ.",
        en: "Code of the household on the opening list.",
        example: "19558-01-0001",
    },
    ACCOUNT,
];

/// What can be given to whom, each with its unit.
pub(crate) struct Assignable<'a> {
    pub(crate) hamlets: &'a BTreeMap<String, String>,
    pub(crate) households: &'a [HouseholdUnit],
    pub(crate) accounts: &'a BTreeMap<String, (AccountId, String)>,
}

/// Reads a file of hamlets or one of single households, as its header says.
pub(crate) fn assignment_rows(
    file: &File<'_>,
    tree: &UnitTree,
    known: &Assignable<'_>,
) -> Result<Sorted<Vec<(Given, AccountId)>>, Unreadable> {
    let missing = match read(file, &ASSIGNMENT_COLUMNS) {
        Ok(rows) => {
            return Ok(judged(rows, "hamlet", tree, known.accounts, |cell| {
                let unit = known.hamlets.get(cell)?;
                Some((Given::Hamlet(cell.to_owned()), unit.as_str()))
            }));
        }
        Err(other @ Unreadable::File(_)) => return Err(other),
        Err(Unreadable::Columns(missing)) => missing,
    };
    let by_name = by_name(known.households);
    let rows = read(file, &SINGLE_COLUMNS).map_err(|_| Unreadable::Columns(missing))?;
    Ok(judged(rows, "household", tree, known.accounts, |cell| {
        let found = by_name.get(cell)?;
        Some((Given::Household(found.document), found.unit.as_str()))
    }))
}

/// Finds households by the code they have on the opening list and by their documents.
fn by_name(households: &[HouseholdUnit]) -> BTreeMap<String, &HouseholdUnit> {
    let listed = households.iter().filter(|household| !household.code.is_empty());
    let by_code = listed.map(|household| (household.code.clone(), household));
    let by_document =
        households.iter().map(|household| (household.document.to_string(), household));
    by_document.chain(by_code).collect()
}

fn judged<'a>(
    Rows { rows, mut faults, .. }: Rows,
    column: &'static str,
    tree: &UnitTree,
    accounts: &BTreeMap<String, (AccountId, String)>,
    find: impl Fn(&str) -> Option<(Given, &'a str)>,
) -> Sorted<Vec<(Given, AccountId)>> {
    let mut pairs = Vec::new();
    for row in &rows {
        let Some((given, unit)) = find(&row[column]) else {
            faults.push(match column {
                "hamlet" => fault(
                    row.at,
                    column,
                    "Không có mã thôn này trong đợt rà soát.",
                    "There is no such hamlet code in the campaign.",
                ),
                _ => fault(
                    row.at,
                    column,
                    "Không có hộ này trong đợt rà soát.",
                    "There is no such household in the campaign.",
                ),
            });
            continue;
        };
        match accounts.get(&row["account"]) {
            Some((account, of)) if tree.contains(of, unit) => pairs.push((given, *account)),
            Some(_) => faults.push(fault(
                row.at,
                "account",
                "Nơi này không thuộc đơn vị của tài khoản.",
                "The place is not in the account's unit.",
            )),
            None => faults.push(fault(
                row.at,
                "account",
                "Không có tài khoản này.",
                "There is no such account.",
            )),
        }
    }
    Sorted::each(pairs, faults)
}
