//! What is wrong with the rows of a file, named for people.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::file::At;

/// A text that mostly is one of ours.
type Text = Cow<'static, str>;

/// One row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct RowFault {
    /// Sheet of the file from 1; 0 in a CSV file.
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) sheet: u32,
    /// Line of the file, the first being 1.
    pub(crate) line: u64,
    /// Column, empty where the row as a whole is meant.
    #[schema(value_type = String)]
    pub(crate) column: Text,
    /// What to change, in Vietnamese.
    #[schema(value_type = String)]
    pub(crate) vi: Text,
    /// The same in English.
    #[schema(value_type = String)]
    pub(crate) en: Text,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(sheet: &u32) -> bool {
    *sheet == 0
}

/// Names what is wrong with one row.
pub(super) fn fault(
    at: At,
    column: impl Into<Text>,
    vi: impl Into<Text>,
    en: impl Into<Text>,
) -> RowFault {
    let At { sheet, line } = at;
    RowFault { sheet, line, column: column.into(), vi: vi.into(), en: en.into() }
}

/// Column, Vietnamese and English of a fault.
type Words = (Text, Text, Text);

/// Everything that is wrong with a file. What many rows do wrong is kept in one text.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    found: Vec<(At, Arc<Words>)>,
    words: BTreeSet<Arc<Words>>,
}

impl Faults {
    /// Adds one.
    pub(super) fn push(&mut self, fault: RowFault) {
        let RowFault { sheet, line, column, vi, en } = fault;
        let new = (column, vi, en);
        let words = match self.words.get(&new) {
            Some(known) => Arc::clone(known),
            None => {
                let new = Arc::new(new);
                self.words.insert(Arc::clone(&new));
                new
            }
        };
        self.found.push((At { sheet, line }, words));
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// Lists them in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = RowFault> + '_ {
        self.found.iter().map(|(at, words)| {
            let (column, vi, en) = &**words;
            fault(*at, column.clone(), vi.clone(), en.clone())
        })
    }

    /// Puts them into the order of the lines.
    pub(super) fn sort(&mut self) {
        self.found.sort_by_key(|(at, _)| *at);
    }

    /// Lists the faults of a row, once they are sorted.
    fn of(&self, at: At) -> &[(At, Arc<Words>)] {
        let start = self.found.partition_point(|(of, _)| *of < at);
        let end = self.found.partition_point(|(of, _)| *of <= at);
        &self.found[start..end]
    }
}

/// What is to be said behind each row that is not used.
#[derive(Debug)]
pub(crate) struct Said {
    faults: Faults,
    /// Rows without a fault of their own that are not used, because others of theirs have one; in
    /// order.
    aside: Vec<At>,
}

impl Said {
    /// Takes faults in order of the lines, and the rows set aside for those of others.
    pub(crate) fn new(faults: Faults, mut aside: Vec<At>) -> Self {
        aside.sort_unstable();
        Self { faults, aside }
    }

    /// Says in one line what is wrong with a row; `None` where it is used.
    pub(crate) fn of(&self, at: At) -> Option<String> {
        let faults = self.faults.of(at);
        if faults.is_empty() {
            let text = "Hộ này có dòng sai: gửi lại cả hộ. (Another row of this household is \
                        wrong.)";
            return self.aside.binary_search(&at).is_ok().then(|| text.to_owned());
        }
        let said = faults.iter().map(|(_, words)| match &**words {
            (column, vi, en) if column.is_empty() => format!("{vi} ({en})"),
            (column, vi, en) => format!("{column}: {vi} ({en})"),
        });
        Some(said.collect::<Vec<_>>().join(" · "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u64) -> At {
        At { sheet: 0, line }
    }

    #[test]
    fn every_row_says_all_that_is_wrong_with_it_and_the_text_is_kept_once() {
        let mut faults = Faults::default();
        for line in [9, 4, 7] {
            faults.push(fault(at(line), "sex", "Sai.".to_owned(), "Wrong."));
        }
        faults.push(fault(at(4), "", "Thiếu.", "Missing."));
        faults.sort();
        assert_eq!((faults.len(), faults.words.len()), (4, 2));
        let lines: Vec<u64> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [4, 4, 7, 9]);
        let said = Said::new(faults, vec![at(7), at(5)]);
        let of = |line| said.of(at(line));
        assert_eq!(of(4).as_deref(), Some("sex: Sai. (Wrong.) · Thiếu. (Missing.)"));
        assert_eq!(of(7).as_deref(), Some("sex: Sai. (Wrong.)"), "its own fault comes first");
        assert!(of(5).is_some_and(|text| text.contains("Another row")));
        assert_eq!(of(6), None);
    }
}
