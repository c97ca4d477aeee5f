//! Families as they are: what every registration of one would hold if nobody ever slipped.

use crate::rng::Rng;

const MALE: [&str; 36] = [
    "Hùng", "Hơn", "Thoan", "Vinh", "Mun", "Rin", "Toàn", "Thiên", "Nhơi", "Hòa", "Quý", "Phương",
    "Côn", "Sa", "Thới", "Năm", "Kuôi", "Dức", "Tu", "Xeng", "Vừa", "Suôi", "Chon", "La", "Pỉ",
    "Ưn", "Cường", "Hưng", "Tỷ", "Lý", "Đại", "Thuý", "Khoa", "Luân", "Bường", "Điếc",
];
const FEMALE: [&str; 36] = [
    "Lan",
    "Hương",
    "Thươn",
    "Von",
    "Mai",
    "Nhơn",
    "Xoan",
    "Mơi",
    "Kăn",
    "Thêm",
    "Hoà",
    "Mỹ",
    "Nguyệt",
    "Pheng",
    "Phượng",
    "Lơi",
    "Hơi",
    "Ngoan",
    "Nhung",
    "Xa",
    "Âm",
    "Chăn",
    "Mươi",
    "Hà",
    "Thúy",
    "Đào",
    "Ươm",
    "Tuyết",
    "Lý",
    "Hằng",
    "Hạnh",
    "Oanh",
    "Yến",
    "Kỳ",
    "Loan",
    "Bé",
];
const SURNAMES: [&str; 8] = ["Nguyễn", "Nguyễn", "Trần", "Lê", "Hoàng", "Phan", "Võ", "Trương"];
const MIDDLE: [[&str; 6]; 2] = [
    ["Văn", "Văn", "Hữu", "Đình", "Minh", "Quang"],
    ["Thị", "Thị", "Thị", "Thị Thu", "Thị Kim", "Ngọc"],
];

/// The year everybody is counted from.
const NOW: i64 = 2022;

/// How much of a birth date anybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Birth {
    /// The year.
    Year(i64),
    /// The day; 1 January for many who do not know it.
    Day(i64, usize, usize),
}

/// Somebody.
#[derive(Debug, Clone)]
pub struct Person {
    /// A serial number: who it is.
    pub who: usize,
    /// Name.
    pub name: String,
    /// What the neighbours say.
    pub alias: Option<String>,
    /// Birth.
    pub birth: Birth,
    /// Male, or else female.
    pub male: bool,
    /// Relation to the head.
    pub relation: &'static str,
    /// Number of identity.
    pub number: Option<String>,
    age: i64,
}

/// A family.
#[derive(Debug, Clone)]
pub struct Family {
    /// Its members, the head first.
    pub members: Vec<Person>,
    surname: &'static str,
    highland: bool,
}

fn age(rng: &mut Rng, low: i64, high: i64) -> i64 {
    let span = usize::try_from(high - low + 1).expect("a span");
    low + i64::try_from(rng.below(span)).expect("small")
}

impl Family {
    /// Draws a family; `people` counts everybody drawn so far.
    pub(super) fn draw(rng: &mut Rng, people: &mut usize) -> Self {
        let highland = rng.chance(85);
        let surname = if highland { "Hồ" } else { rng.pick(&SURNAMES) };
        let mut family = Self { members: Vec::new(), surname, highland };
        let kind = rng.below(100);
        let head = if kind < 9 { age(rng, 60, 90) } else { age(rng, 22, 60) };
        let male = rng.chance(if kind < 9 { 40 } else { 88 });
        family.add("head", male, head, rng, people);
        if kind >= 9 {
            let spouse = (head - age(rng, -2, 6)).max(18);
            if rng.chance(88) {
                family.add("spouse", !male, spouse, rng, people);
            }
            let mut child = spouse.min(head) - age(rng, 18, 26);
            for _ in 0..rng.below(6) {
                if child >= 0 {
                    let male = rng.chance(51);
                    family.add("child", male, child, rng, people);
                }
                child -= age(rng, 2, 4);
            }
            if rng.chance(20) {
                family.add("parent", rng.chance(30), head + age(rng, 20, 30), rng, people);
            }
        }
        // The neighbours call elders after their first child.
        let child = family.members.iter().find(|of| of.relation == "child");
        let child = child.and_then(|of| of.name.split(' ').next_back()).map(ToOwned::to_owned);
        for of in family.members.iter_mut().filter(|of| of.age >= 40 && highland) {
            if let Some(child) = child.as_ref().filter(|_| rng.chance(35)) {
                let word = if of.male { "Pả" } else { "Kăn" };
                of.alias = Some(format!("{word} {child}"));
            }
        }
        family
    }

    fn add(
        &mut self,
        relation: &'static str,
        male: bool,
        age: i64,
        rng: &mut Rng,
        people: &mut usize,
    ) {
        *people += 1;
        let name = self.name(male, age, relation, rng);
        let birth = birth(age, self.highland, rng);
        let year = match birth {
            Birth::Year(year) | Birth::Day(year, ..) => year,
        };
        let missing = match age {
            ..6 => 55,
            6..14 => 25,
            _ => 20,
        };
        let sex = usize::from(!male) + if year >= 2000 { 2 } else { 0 };
        let serial = rng.below(1_000_000);
        let number = format!("045{sex}{:02}{serial:06}", year.rem_euclid(100));
        let number = (!rng.chance(missing)).then_some(number);
        let who = *people;
        self.members.push(Person { who, name, alias: None, birth, male, relation, number, age });
    }

    fn name(&self, male: bool, age: i64, relation: &str, rng: &mut Rng) -> String {
        let given = if male { &MALE } else { &FEMALE };
        // The smaller of two draws: the first names of the list are the frequent ones.
        let given = given[rng.below(given.len()).min(rng.below(given.len()))];
        if self.highland && age >= 55 && rng.chance(20) {
            return given.to_owned();
        }
        let married_in = matches!(relation, "spouse" | "parent");
        let surname = match (self.highland, married_in) {
            (false, true) => rng.pick(&SURNAMES),
            _ => self.surname,
        };
        let middle = match (self.highland, rng.below(100)) {
            (true, ..12) => "",
            (true, _) => ["Thị", "Văn"][usize::from(male)],
            (false, _) => rng.pick(&MIDDLE[usize::from(!male)]),
        };
        [surname, middle, given]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Gives head and spouse the names and years of another family's.
    pub(super) fn take_names_of(&mut self, like: &Self) {
        for (of, like) in self.members.iter_mut().zip(&like.members).take(2) {
            if of.male == like.male && of.relation == like.relation {
                of.name.clone_from(&like.name);
                of.birth = match like.birth {
                    Birth::Day(year, 1, 1) => Birth::Day(year, 1, 1),
                    Birth::Year(year) | Birth::Day(year, ..) => Birth::Year(year),
                };
            }
        }
    }

    /// Lets grown children have their own household and stay on their parents' list.
    pub(super) fn split(&self, percent: usize, rng: &mut Rng, people: &mut usize) -> Option<Self> {
        let grown = self.members.iter().find(|of| of.relation == "child" && of.age >= 19)?;
        if !rng.chance(percent) {
            return None;
        }
        let mut young = Self { members: vec![grown.clone()], ..*self };
        young.members[0].relation = "head";
        young.add("spouse", !grown.male, grown.age.max(18), rng, people);
        if rng.chance(50) {
            let male = rng.chance(50);
            young.add("child", male, 1, rng, people);
        }
        Some(young)
    }
}

fn birth(age: i64, highland: bool, rng: &mut Rng) -> Birth {
    let (year_only, new_year) = match (age, highland) {
        (55.., true) => (30, 60),
        (55.., false) => (10, 30),
        (30..55, true) => (6, 30),
        (30..55, false) => (1, 6),
        (_, true) => (0, 6),
        (_, false) => (0, 1),
    };
    let year = NOW - age;
    if rng.chance(year_only) {
        Birth::Year(year)
    } else if rng.chance(new_year) {
        Birth::Day(year, 1, 1)
    } else {
        Birth::Day(year, 1 + rng.below(12), 1 + rng.below(28))
    }
}
