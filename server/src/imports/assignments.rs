//! The file of assignments: who is given which hamlet or which single household.

use std::collections::BTreeMap;

use shared::id::AccountId;
use shared::unit::UnitTree;

use super::rows::{MissingColumns, RowFault, Rows, Sorted, fault, read};
use crate::store::assignment::Given;
use crate::store::household::HouseholdUnit;

/// Columns of a file of hamlets.
pub(crate) const ASSIGNMENT_COLUMNS: [&str; 2] = ["hamlet", "account"];

/// Columns of a file of single households.
pub(crate) const SINGLE_COLUMNS: [&str; 2] = ["household", "account"];

/// What can be given to whom, each with its unit.
pub(crate) struct Assignable<'a> {
    pub(crate) hamlets: &'a BTreeMap<String, String>,
    pub(crate) households: &'a [HouseholdUnit],
    pub(crate) accounts: &'a BTreeMap<String, (AccountId, String)>,
}

/// Reads a file of hamlets or one of single households, as its header says.
pub(crate) fn assignment_rows(
    text: &str,
    tree: &UnitTree,
    known: &Assignable<'_>,
) -> Sorted<(Given, AccountId)> {
    match read(text, &ASSIGNMENT_COLUMNS) {
        Ok(rows) => Ok(judged(rows, "hamlet", tree, known.accounts, |cell| {
            let unit = known.hamlets.get(cell)?;
            Some((Given::Hamlet(cell.to_owned()), unit.as_str()))
        })),
        Err(missing) if missing.0.iter().any(|column| column == "hamlet") => {
            let by_name = by_name(known.households);
            let rows = read(text, &SINGLE_COLUMNS).map_err(|_| MissingColumns(missing.0))?;
            Ok(judged(rows, "household", tree, known.accounts, |cell| {
                let found = by_name.get(cell)?;
                Some((Given::Household(found.document), found.unit.as_str()))
            }))
        }
        Err(missing) => Err(missing),
    }
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
    column: &str,
    tree: &UnitTree,
    accounts: &BTreeMap<String, (AccountId, String)>,
    find: impl Fn(&str) -> Option<(Given, &'a str)>,
) -> (Vec<(Given, AccountId)>, Vec<RowFault>) {
    let mut pairs = Vec::new();
    for (line, row) in &rows {
        let Some((given, unit)) = find(&row[column]) else {
            faults.push(match column {
                "hamlet" => fault(
                    *line,
                    column,
                    "Không có mã thôn này trong đợt rà soát.",
                    "There is no such hamlet code in the campaign.",
                ),
                _ => fault(
                    *line,
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
                *line,
                "account",
                "Nơi này không thuộc đơn vị của tài khoản.",
                "The place is not in the account's unit.",
            )),
            None => faults.push(fault(
                *line,
                "account",
                "Không có tài khoản này.",
                "There is no such account.",
            )),
        }
    }
    (pairs, faults)
}
