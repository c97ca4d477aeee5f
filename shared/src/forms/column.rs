//! The columns of each form: number, label, and what stands in them.

use serde::Serialize;

use super::{Flow, Form, Side};
use crate::standard::{Line, Standard};

/// One addend of a balance: the column and whether it is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Term {
    /// Number of the column.
    pub column: u8,
    /// True where it is subtracted.
    pub minus: bool,
}

/// What stands in a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// Registered households (hộ dân cư).
    Households,
    /// Registered persons (nhân khẩu).
    Persons,
    /// Households of a class.
    ClassHouseholds(Side),
    /// Persons of a class.
    ClassPersons(Side),
    /// One movement of a class.
    Flow(Side, Flow),
    /// Households at the end, by the formula over the other columns.
    Balance(Side, Vec<Term>),
    /// Households of a class that are deprived in an indicator.
    Deprived(Side, String),
    /// One column over another, in per cent; of the form named, or of this one.
    Rate {
        /// Column above the line.
        part: u8,
        /// Column below the line.
        whole: u8,
        /// The form whose columns they are, where it is not this one.
        form: Option<Form>,
    },
}

/// One column of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Number printed under the label.
    pub number: u8,
    /// Label.
    pub label: Line,
    /// What stands in it.
    pub holds: Holds,
}

impl Column {
    /// Writes the number with the formula, as the form prints it under the labels.
    pub fn formula(&self) -> String {
        let number = self.number;
        match &self.holds {
            Holds::Rate { part, whole, form: None } => format!("{number} = {part}/{whole}×100"),
            Holds::Rate { part, whole, form: Some(form) } => {
                format!("{number} = {part}/{whole}×100 ({})", form.number())
            }
            Holds::Balance(_, terms) => {
                let mut out = format!("{number} = ");
                for (index, term) in terms.iter().enumerate() {
                    match (index, term.minus) {
                        (0, false) => {}
                        (_, true) => out.push('−'),
                        (_, false) => out.push('+'),
                    }
                    out.push_str(&term.column.to_string());
                }
                out
            }
            _ => number.to_string(),
        }
    }

    /// Tells whether the column holds rates.
    pub fn is_rate(&self) -> bool {
        matches!(self.holds, Holds::Rate { .. })
    }
}

/// Returns the columns of a form under a standard.
///
/// Source: form 7.1, columns 1 to 10; forms 7.2 and 7.3, columns 1 to 9; forms 7.4 and 7.5, total and
/// the indicators in the order of the standard. See `LEGAL.md`, "Report figures (forms 7.x)".
pub fn columns(form: Form, standard: &Standard) -> Vec<Column> {
    let all = match form {
        Form::Result => result(),
        Form::PoorMovement => movement(Side::Poor),
        Form::NearPoorMovement => movement(Side::NearPoor),
        Form::PoorDeprived => deprived(Side::Poor, standard),
        Form::NearPoorDeprived => deprived(Side::NearPoor, standard),
        Form::PoorDeprivedRates => deprived_rates(Side::Poor, Form::PoorDeprived, standard),
        Form::NearPoorDeprivedRates => {
            deprived_rates(Side::NearPoor, Form::NearPoorDeprived, standard)
        }
    };
    let numbered = (1..).zip(all);
    numbered.map(|(number, (label, holds))| Column { number, label, holds }).collect()
}

type Made = (Line, Holds);

fn line(vi: &str, en: &str) -> Line {
    Line { vi: vi.to_owned(), en: en.to_owned() }
}

fn result() -> Vec<Made> {
    let rate = |part, whole| Holds::Rate { part, whole, form: None };
    vec![
        (line("Tổng số hộ dân cư", "Resident households"), Holds::Households),
        (line("Tổng số nhân khẩu", "Persons"), Holds::Persons),
        (line("Số hộ nghèo", "Poor households"), Holds::ClassHouseholds(Side::Poor)),
        (line("Tỷ lệ hộ nghèo (%)", "Rate of poor households (%)"), rate(3, 1)),
        (line("Nhân khẩu nghèo", "Poor persons"), Holds::ClassPersons(Side::Poor)),
        (line("Tỷ lệ nhân khẩu nghèo (%)", "Rate of poor persons (%)"), rate(5, 2)),
        (line("Số hộ cận nghèo", "Near-poor households"), Holds::ClassHouseholds(Side::NearPoor)),
        (line("Tỷ lệ hộ cận nghèo (%)", "Rate of near-poor households (%)"), rate(7, 1)),
        (line("Nhân khẩu cận nghèo", "Near-poor persons"), Holds::ClassPersons(Side::NearPoor)),
        (line("Tỷ lệ nhân khẩu cận nghèo (%)", "Rate of near-poor persons (%)"), rate(9, 2)),
    ]
}

fn movement(side: Side) -> Vec<Made> {
    let labels = match side {
        Side::Poor => [
            ("Trở thành hộ cận nghèo", "Became near-poor"),
            ("Cận nghèo trở thành hộ nghèo", "Near-poor that became poor"),
            ("Tái nghèo", "Fell back into poverty"),
        ],
        Side::NearPoor => [
            ("Trở thành hộ nghèo", "Became poor"),
            ("Nghèo trở thành hộ cận nghèo", "Poor that became near-poor"),
            ("Tái cận nghèo", "Fell back to near-poor"),
        ],
    };
    let terms = (1..=8).map(|column| Term { column, minus: (2..=4).contains(&column) });
    let flow = |(vi, en), flow| (line(vi, en), Holds::Flow(side, flow));
    vec![
        flow(("Số đầu năm", "At the start of the year"), Flow::Opening),
        flow(labels[0], Flow::ToOther),
        flow(("Vượt chuẩn cận nghèo", "Rose above the near-poor line"), Flow::Above),
        flow(("Giảm khác", "Other decrease"), Flow::OtherOut),
        flow(labels[1], Flow::FromOther),
        flow(labels[2], Flow::FellBack),
        flow(("Phát sinh mới", "Newly arisen"), Flow::New),
        flow(("Tăng khác", "Other increase"), Flow::OtherIn),
        (line("Số cuối năm", "At the end of the year"), Holds::Balance(side, terms.collect())),
    ]
}

fn households_of(side: Side) -> Made {
    let label = match side {
        Side::Poor => line("Tổng số hộ nghèo", "Poor households"),
        Side::NearPoor => line("Tổng số hộ cận nghèo", "Near-poor households"),
    };
    (label, Holds::ClassHouseholds(side))
}

fn deprived(side: Side, standard: &Standard) -> Vec<Made> {
    let indicators = standard
        .indicators
        .iter()
        .map(|one| (one.label.clone(), Holds::Deprived(side, one.code.clone())));
    std::iter::once(households_of(side)).chain(indicators).collect()
}

fn deprived_rates(side: Side, form: Form, standard: &Standard) -> Vec<Made> {
    let rates = (2..).zip(&standard.indicators).map(|(part, one)| {
        let label = line(&format!("{} (%)", one.label.vi), &format!("{} (%)", one.label.en));
        (label, Holds::Rate { part, whole: 1, form: Some(form) })
    });
    std::iter::once(households_of(side)).chain(rates).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_printed_as_on_the_forms() {
        let standard = Standard::nd_07_2021();
        let printed = |form| -> Vec<String> {
            columns(form, &standard).iter().map(Column::formula).collect()
        };
        assert_eq!(
            printed(Form::Result),
            [
                "1",
                "2",
                "3",
                "4 = 3/1×100",
                "5",
                "6 = 5/2×100",
                "7",
                "8 = 7/1×100",
                "9",
                "10 = 9/2×100"
            ]
        );
        assert_eq!(printed(Form::PoorMovement)[8], "9 = 1−2−3−4+5+6+7+8");
        assert_eq!(printed(Form::PoorDeprived).len(), 13);
        assert_eq!(printed(Form::NearPoorDeprivedRates)[12], "13 = 13/1×100 (7.4)");
    }
}
