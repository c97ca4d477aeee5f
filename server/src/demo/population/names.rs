//! Made-up names of people and hamlets.

use shared::unit::Area;

use super::people::MAJORITY;
use super::rng::Rng;

const SURNAMES: [&str; 16] = [
    "Nguyễn", "Nguyễn", "Nguyễn", "Nguyễn", "Trần", "Trần", "Lê", "Lê", "Hoàng", "Phan", "Võ",
    "Trương", "Đỗ", "Bùi", "Ngô", "Dương",
];
const MALE_MIDDLE: [&str; 10] =
    ["Văn", "Văn", "Văn", "Hữu", "Đình", "Quang", "Minh", "Xuân", "Công", "Ngọc"];
const FEMALE_MIDDLE: [&str; 10] = [
    "Thị",
    "Thị",
    "Thị",
    "Thị",
    "Thị Thu",
    "Thị Minh",
    "Thị Ngọc",
    "Thị Kim",
    "Thị Thanh",
    "Thị Mỹ",
];
const MALE: [&str; 32] = [
    "An", "Bình", "Chiến", "Cường", "Dũng", "Dương", "Đạt", "Đức", "Giang", "Hải", "Hậu", "Hiếu",
    "Hòa", "Hùng", "Hưng", "Khánh", "Lâm", "Long", "Lực", "Nam", "Nghĩa", "Phong", "Phúc", "Quân",
    "Quý", "Sơn", "Tài", "Thành", "Thắng", "Tiến", "Tuấn", "Vinh",
];
const FEMALE: [&str; 32] = [
    "Ánh", "Bé", "Chi", "Cúc", "Dung", "Duyên", "Gái", "Hà", "Hạnh", "Hằng", "Hiền", "Hoa", "Hồng",
    "Huệ", "Hương", "Lan", "Liên", "Loan", "Mai", "Nga", "Nhàn", "Nhung", "Oanh", "Phương", "Thảo",
    "Thắm", "Thúy", "Trang", "Tuyết", "Vân", "Xuân", "Yến",
];
const HIGHLAND_MALE: [&str; 24] = [
    "Chon", "Côn", "Dức", "Hơn", "Hùng", "Kuôi", "La", "Mun", "Năm", "Nhơi", "Pỉ", "Phương", "Rin",
    "Sa", "Suôi", "Thới", "Thiên", "Thoan", "Toàn", "Tu", "Ưn", "Vừa", "Vinh", "Xeng",
];
const HIGHLAND_FEMALE: [&str; 24] = [
    "Âm",
    "Bường",
    "Chăn",
    "Hà",
    "Hơi",
    "Hương",
    "Kăn",
    "Lan",
    "Lơi",
    "Mai",
    "Mơi",
    "Mươi",
    "Ngoan",
    "Nhơn",
    "Nhung",
    "Nguyệt",
    "Pheng",
    "Phượng",
    "Thêm",
    "Thươn",
    "Von",
    "Xa",
    "Xoan",
    "Ươm",
];
const HAMLET_FIRST: [&str; 12] =
    ["An", "Bình", "Đông", "Hòa", "Lộc", "Mỹ", "Phú", "Tân", "Thuận", "Trung", "Vĩnh", "Xuân"];
const HAMLET_SECOND: [&str; 12] = [
    "Bình", "Điền", "Hưng", "Lâm", "Lập", "Lợi", "Phước", "Sơn", "Thành", "Thạnh", "Thịnh", "Trạch",
];
const HIGHLAND_FIRST: [&str; 10] = ["A", "Cu", "Ka", "Ki", "La", "Pa", "Ra", "Sa", "Ta", "Xa"];
const HIGHLAND_SECOND: [&str; 12] =
    ["Bung", "Cóc", "Đeng", "Hẹp", "Lêng", "Mét", "Pông", "Rí", "Rôm", "Tiêu", "Vây", "Xói"];

/// A family from whose name its members are named.
pub(super) struct Family {
    surname: &'static str,
    highland: bool,
}

impl Family {
    /// Draws a family of an ethnic group.
    ///
    /// Nearly all Bru-Vân Kiều and many Pa Kô bear the name Hồ.
    pub(super) fn new(ethnicity: &str, rng: &mut Rng) -> Self {
        let highland = ethnicity != MAJORITY;
        let surname = if highland { "Hồ" } else { rng.pick(&SURNAMES) };
        Self { surname, highland }
    }

    /// Names one member, unlike everybody in `taken`.
    ///
    /// Who married in has a surname of their own; among highland elders one word may be the name.
    pub(super) fn name(
        &self,
        (male, age, married_in): (bool, i64, bool),
        taken: &[String],
        rng: &mut Rng,
    ) -> String {
        let mut name = self.draw(male, age, married_in, rng);
        for _ in 0..50 {
            if !taken.contains(&name) {
                break;
            }
            name = self.draw(male, age, married_in, rng);
        }
        name
    }

    fn draw(&self, male: bool, age: i64, married_in: bool, rng: &mut Rng) -> String {
        if self.highland {
            let given = rng.pick(if male { &HIGHLAND_MALE } else { &HIGHLAND_FEMALE });
            if age >= 55 && rng.chance(20) {
                return (*given).to_owned();
            }
            let middle = if male { "Văn" } else { "Thị" };
            return format!("{} {middle} {given}", self.surname);
        }
        let surname = if married_in { rng.pick(&SURNAMES) } else { self.surname };
        let middle = rng.pick(if male { &MALE_MIDDLE } else { &FEMALE_MIDDLE });
        let given = rng.pick(if male { &MALE } else { &FEMALE });
        format!("{surname} {middle} {given}")
    }
}

/// Names the hamlets of a commune, each once: khu phố by number, thôn and bản by made-up names.
///
/// Returns type words and names.
pub(super) fn hamlet_names(
    area: Area,
    mostly_dtts: &[bool],
    rng: &mut Rng,
) -> Vec<(&'static str, String)> {
    let mut names: Vec<(&'static str, String)> = Vec::with_capacity(mostly_dtts.len());
    for (dtts, number) in mostly_dtts.iter().zip(1..) {
        let mut draw = || match (area, dtts) {
            (Area::Urban, _) => ("khu phố", number.to_string()),
            (Area::Rural, true) => {
                let (first, second) = (rng.pick(&HIGHLAND_FIRST), rng.pick(&HIGHLAND_SECOND));
                ("bản", format!("{first} {second}"))
            }
            (Area::Rural, false) => {
                let (first, second) = (rng.pick(&HAMLET_FIRST), rng.pick(&HAMLET_SECOND));
                ("thôn", format!("{first} {second}"))
            }
        };
        let mut name = draw();
        while names.contains(&name) {
            name = draw();
        }
        names.push(name);
    }
    names
}
