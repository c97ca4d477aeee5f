//! The part of the formula language that the forms use: `+ - * /`, `SUM`, `ROUND`, `IF`, other sheets.

use super::{Place, Spreadsheet};

/// An exact number, in lowest terms with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    numerator: i128,
    denominator: i128,
}

impl Fraction {
    /// Makes a fraction.
    pub fn of(numerator: i128, denominator: i128) -> Self {
        assert!(denominator != 0, "nothing is divided by nothing");
        let (mut a, mut b) = (numerator.abs(), denominator.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let sign = denominator.signum();
        let common = a.max(1) * sign;
        Self { numerator: numerator / common, denominator: denominator / common }
    }

    /// Reads a decimal number.
    pub fn parse(text: &str) -> Self {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits: i128 = format!("{whole}{part}").parse().expect("a decimal number");
        Self::of(digits, 10_i128.pow(u32::try_from(part.len()).expect("few digits")))
    }

    fn add(self, other: Self) -> Self {
        let numerator = self.numerator * other.denominator + other.numerator * self.denominator;
        Self::of(numerator, self.denominator * other.denominator)
    }

    fn times(self, other: Self) -> Self {
        Self::of(self.numerator * other.numerator, self.denominator * other.denominator)
    }

    fn inverse(self) -> Self {
        Self::of(self.denominator, self.numerator)
    }

    /// Rounds half away from nought, as spreadsheets do.
    fn rounded(self, digits: u32) -> Self {
        let scale = 10_i128.pow(digits);
        let scaled = self.numerator * scale;
        let size = (scaled.abs() * 2 + self.denominator) / (self.denominator * 2);
        Self::of(size * scaled.signum(), scale)
    }
}

/// What a cell holds or a formula gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing; counts as nought.
    Empty,
    /// A number.
    Number(Fraction),
    /// A text.
    Text(String),
}

impl Value {
    /// Makes a whole number.
    pub fn whole(number: u64) -> Self {
        Self::Number(Fraction::of(i128::from(number), 1))
    }

    /// Makes a number of hundredths.
    pub fn hundredths(number: i64) -> Self {
        Self::Number(Fraction::of(i128::from(number), 100))
    }

    fn number(&self) -> Fraction {
        match self {
            Self::Empty => Fraction::of(0, 1),
            Self::Number(number) => *number,
            Self::Text(text) => panic!("{text:?} is computed with"),
        }
    }
}

/// Computes a cell from its formula, and the cells it builds on from theirs.
pub(super) fn compute(book: &Spreadsheet, sheet: &str, place: Place) -> Value {
    let cell = book.sheets.get(sheet).and_then(|cells| cells.get(&place));
    let Some(cell) = cell else { return Value::Empty };
    let Some(formula) = &cell.formula else { return cell.value.clone() };
    let text: Vec<char> = formula.trim_start_matches('=').chars().collect();
    let mut reader = Reader { book, sheet, text: &text, at: 0 };
    let value = reader.sum();
    assert_eq!(reader.at, text.len(), "{formula} is not read to its end");
    value
}

struct Reader<'a> {
    book: &'a Spreadsheet,
    sheet: &'a str,
    text: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, sign: char) -> bool {
        let is_there = self.peek() == Some(sign);
        self.at += usize::from(is_there);
        is_there
    }

    fn need(&mut self, sign: char) {
        assert!(self.take(sign), "{sign} at {} of {:?}", self.at, self.text);
    }

    fn while_some(&mut self, fits: impl Fn(char) -> bool) -> String {
        let from = self.at;
        while self.peek().is_some_and(&fits) {
            self.at += 1;
        }
        self.text[from..self.at].iter().collect()
    }

    fn sum(&mut self) -> Value {
        let mut value = self.product();
        loop {
            let minus = match self.peek() {
                Some('+') => false,
                Some('-') => true,
                _ => return value,
            };
            self.at += 1;
            let other = self.product().number();
            let sign = Fraction::of(if minus { -1 } else { 1 }, 1);
            value = Value::Number(value.number().add(other.times(sign)));
        }
    }

    fn product(&mut self) -> Value {
        let mut value = self.factor();
        loop {
            let over = match self.peek() {
                Some('*') => false,
                Some('/') => true,
                _ => return value,
            };
            self.at += 1;
            let other = self.factor().number();
            let other = if over { other.inverse() } else { other };
            value = Value::Number(value.number().times(other));
        }
    }

    fn factor(&mut self) -> Value {
        match self.peek() {
            Some('"') => {
                self.at += 1;
                let text = self.while_some(|sign| sign != '"');
                self.need('"');
                Value::Text(text)
            }
            Some('\'') => {
                self.at += 1;
                let sheet = self.while_some(|sign| sign != '\'');
                self.need('\'');
                self.need('!');
                let name = self.while_some(char::is_alphanumeric);
                compute(self.book, &sheet, cell_of(&name))
            }
            Some(sign) if sign.is_ascii_digit() => {
                let digits = self.while_some(|sign| sign.is_ascii_digit() || sign == '.');
                Value::Number(Fraction::parse(&digits))
            }
            _ => {
                let name = self.while_some(char::is_alphanumeric);
                if self.take('(') { self.function(&name) } else { self.cell(&name) }
            }
        }
    }

    fn cell(&self, name: &str) -> Value {
        compute(self.book, self.sheet, cell_of(name))
    }

    fn function(&mut self, name: &str) -> Value {
        let value = match name {
            "SUM" => self.range(),
            "ROUND" => {
                let number = self.sum().number();
                self.need(',');
                let digits = self.while_some(|sign| sign.is_ascii_digit());
                Value::Number(number.rounded(digits.parse().expect("digits")))
            }
            "IF" => return self.choice(),
            other => panic!("no form uses {other}"),
        };
        self.need(')');
        value
    }

    /// Reads `A1:A9)` and adds it up.
    fn range(&mut self) -> Value {
        let first = cell_of(&self.while_some(char::is_alphanumeric));
        self.need(':');
        let last = cell_of(&self.while_some(char::is_alphanumeric));
        let mut total = Fraction::of(0, 1);
        for row in first.0..=last.0 {
            for column in first.1..=last.1 {
                total = total.add(compute(self.book, self.sheet, (row, column)).number());
            }
        }
        Value::Number(total)
    }

    /// Reads `A1=0,then,else)` and computes only what is chosen.
    fn choice(&mut self) -> Value {
        let left = self.sum().number();
        self.need('=');
        let holds = left == self.sum().number();
        self.need(',');
        if holds {
            let value = self.sum();
            self.skip();
            return value;
        }
        while !self.take(',') {
            self.at += 1;
        }
        let value = self.sum();
        self.need(')');
        value
    }

    /// Goes on behind the end of the function that is being read.
    fn skip(&mut self) {
        let mut open = 1_u32;
        while open > 0 {
            match self.peek().expect("every function ends") {
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }
}

/// Reads a name such as `AB12`.
fn cell_of(name: &str) -> Place {
    let digits = name.trim_start_matches(|sign: char| sign.is_ascii_uppercase());
    let letters = name.trim_end_matches(digits).bytes();
    let column = letters.fold(0_u32, |column, letter| column * 26 + u32::from(letter - b'A') + 1);
    let row: u32 = digits.parse().unwrap_or_else(|_| panic!("{name} is no cell"));
    (row - 1, column - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_is_rounded_away_from_nought() {
        assert_eq!(Fraction::parse("12.5").rounded(0), Fraction::of(13, 1));
        assert_eq!(Fraction::parse("1.005").rounded(2), Fraction::parse("1.01"));
        assert_eq!(Fraction::parse("9.1449").rounded(2), Fraction::parse("9.14"));
        assert_eq!(cell_of("AB12"), (11, 27));
    }
}
