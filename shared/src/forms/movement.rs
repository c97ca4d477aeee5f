//! Movement of one class between two days, summed from what each household did.
//!
//! Opening and closing are counted by themselves, so that the balance can fail.

use serde::{Deserialize, Deserializer, Serialize};

use super::{Measure, Side};
use crate::classify::Class;
use crate::list::Row;
use crate::register::Moved;

/// Households and the persons in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Households.
    pub households: u64,
    /// Their members.
    pub persons: u64,
}

impl Size {
    pub(super) fn count(&mut self, row: &Row) {
        self.households += 1;
        self.persons += u64::from(row.members);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.households += other.households;
        self.persons += other.persons;
    }

    /// Returns one of the two.
    pub fn of(self, measure: Measure) -> u64 {
        match measure {
            Measure::Households => self.households,
            Measure::Persons => self.persons,
        }
    }
}

/// Columns of 7.2 and 7.3, in their order.
///
/// Source: forms 7.2 and 7.3, see `LEGAL.md`, "Report figures (forms 7.x)".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// 1, at the start.
    Opening,
    /// 2, became the other class.
    ToOther,
    /// 3, rose above the near-poor line.
    Above,
    /// 4, left otherwise: moved out, joined another household, died out, members who left.
    OtherOut,
    /// 5, came from the other class.
    FromOther,
    /// 6, fell back (tái nghèo, tái cận nghèo).
    FellBack,
    /// 7, newly arisen, on neither list at the start.
    New,
    /// 8, came in otherwise: moved in, split, members who came.
    OtherIn,
    /// 9, at the end.
    Closing,
}

impl Flow {
    /// Every column in its order.
    pub const ALL: [Self; 9] = [
        Self::Opening,
        Self::ToOther,
        Self::Above,
        Self::OtherOut,
        Self::FromOther,
        Self::FellBack,
        Self::New,
        Self::OtherIn,
        Self::Closing,
    ];
}

/// Movement of one class in one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// On the register at the start.
    #[serde(deserialize_with = "size_or_count")]
    pub opening: Size,
    /// Became the other class.
    pub to_other: Size,
    /// Rose above both lines.
    pub above: Size,
    /// Left otherwise.
    #[serde(deserialize_with = "size_or_count")]
    pub other_out: Size,
    /// Came from the other class.
    pub from_other: Size,
    /// Fell back.
    #[serde(default)]
    pub fell_back: Size,
    /// Newly arisen.
    pub new: Size,
    /// Came in otherwise.
    #[serde(default)]
    pub other_in: Size,
    /// On the register at the end.
    #[serde(default)]
    pub closing: Size,
    /// Persons of the closing list whose number at the start is not known: column 9 leaves them out, as
    /// every other column does.
    #[serde(default)]
    pub left_out: u64,
    /// True in reports that were frozen before there was a register: columns 6 and 8 and the
    /// persons of columns 1 and 4 are not known in them.
    #[serde(default = "yes")]
    pub before_register: bool,
}

fn yes() -> bool {
    true
}

/// Reads what reports of before kept: the households alone.
fn size_or_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Size(Size),
        Count(u64),
    }
    Ok(match Kept::deserialize(deserializer)? {
        Kept::Size(size) => size,
        Kept::Count(households) => Size { households, persons: 0 },
    })
}

impl Movement {
    /// Adds what one household did.
    pub fn count(&mut self, moved: &Moved<'_>) {
        let size = Size { households: moved.households, persons: moved.persons };
        self.of_mut(moved.flow).add(size);
        self.left_out += moved.left_out;
    }

    fn of_mut(&mut self, flow: Flow) -> &mut Size {
        match flow {
            Flow::Opening => &mut self.opening,
            Flow::ToOther => &mut self.to_other,
            Flow::Above => &mut self.above,
            Flow::OtherOut => &mut self.other_out,
            Flow::FromOther => &mut self.from_other,
            Flow::FellBack => &mut self.fell_back,
            Flow::New => &mut self.new,
            Flow::OtherIn => &mut self.other_in,
            Flow::Closing => &mut self.closing,
        }
    }

    /// Returns one column.
    pub fn of(&self, flow: Flow) -> Size {
        let mut all = *self;
        *all.of_mut(flow)
    }

    /// Adds another place's movement.
    pub(super) fn add(&mut self, other: &Self) {
        Flow::ALL.into_iter().for_each(|flow| self.of_mut(flow).add(other.of(flow)));
        self.left_out += other.left_out;
        self.before_register |= other.before_register;
    }

    /// Returns what is there at the end by the formula of column 9: opening − out + in.
    ///
    /// Source: forms 7.2 and 7.3, 9 = 1 − 2 − 3 − 4 + 5 + 6 + 7 + 8.
    pub fn balance(&self, measure: Measure) -> i64 {
        let signed = |flow: Flow| i64::try_from(self.of(flow).of(measure)).unwrap_or(i64::MAX);
        let out = [Flow::ToOther, Flow::Above, Flow::OtherOut].map(signed);
        let r#in = [Flow::FromOther, Flow::FellBack, Flow::New, Flow::OtherIn].map(signed);
        signed(Flow::Opening) - out.iter().sum::<i64>() + r#in.iter().sum::<i64>()
    }
}

impl Side {
    /// Returns the form that follows a class, if one does.
    pub fn of(class: Option<Class>) -> Option<Self> {
        match class {
            Some(Class::Poor) => Some(Self::Poor),
            Some(Class::NearPoor) => Some(Self::NearPoor),
            Some(Class::Above | Class::Insufficient) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_before_is_read_with_what_it_knew() {
        let old = r#"{"opening":3,"to_other":{"households":1,"persons":4},
            "above":{"households":0,"persons":0},"other_out":1,
            "from_other":{"households":0,"persons":0},"new":{"households":2,"persons":9}}"#;
        let read: Movement = serde_json::from_str(old).expect("it reads");
        assert!(read.before_register);
        assert_eq!((read.opening.households, read.balance(Measure::Households)), (3, 3));
        let now = Movement::default();
        let text = serde_json::to_string(&now).expect("it writes");
        assert_eq!(serde_json::from_str::<Movement>(&text).expect("it reads"), now);
    }
}
