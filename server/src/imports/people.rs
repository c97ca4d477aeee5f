//! The file of accounts: who is added, in which role and unit.

use std::collections::{BTreeMap, BTreeSet};

use shared::date::Date;
use shared::id::AccountId;
use shared::limits::NAME_CHARS_MAX;
use shared::scope::{Post, Role};
use shared::spreadsheet::{Column, Need, header};

use super::faults::fault;
use super::file::File;
use super::rows::{Row, Rows, Sorted, Unreadable, read};
use crate::keys::random;
use crate::store::account::Account;

/// Most people of one file who get a password: each takes a while to hash.
const PASSWORDS_MAX: usize = 1_000;

const fn column(
    key: &'static str,
    titles: &'static [&'static str],
    vi: &'static str,
    en: &'static str,
    example: &'static str,
) -> Column {
    Column { key, titles, need: Need::Always, vi, en, example }
}

/// Columns of a file of accounts.
pub(crate) static ACCOUNT_COLUMNS: [Column; 4] = [
    column(
        "name",
        &["Tên đăng nhập", "Tài khoản"],
        "Tên đăng nhập, không trùng.",
        "Sign-in name, each once.",
        "xa-19558",
    ),
    column("full_name", &["Họ và tên", "Họ tên"], "Họ và tên.", "Name on papers.", "Hồ Thị Đào"),
    column(
        "role",
        &["Vai trò"],
        "province (tỉnh), district (huyện), officer (công chức xã), enumerator (rà soát viên).",
        "province, district, officer or enumerator.",
        "officer",
    ),
    column(
        "unit",
        &["Mã đơn vị", "Mã xã"],
        "Mã tỉnh, huyện hoặc xã vào ngày rà soát.",
        "Code of the unit on the review date.",
        "19558",
    ),
];

/// Reads a role by its name or in words.
fn role(text: &str) -> Option<Role> {
    match header(text).as_str() {
        "tinh" | "phong tinh" => Some(Role::Province),
        "huyen" | "phong huyen" => Some(Role::District),
        "xa" | "cong chuc xa" => Some(Role::Officer),
        "ra soat vien" => Some(Role::Enumerator),
        name => Role::from_name(name),
    }
}

/// People of a file who are not there yet, and how many are.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) sorted: Sorted<Vec<Account>>,
    pub(crate) known: usize,
}

/// Reads a file of accounts. `may` tells whether the caller may add such an account; who is there
/// already, in the same role and unit, is passed over.
pub(crate) fn people(
    file: &File<'_>,
    on: Date,
    known: &BTreeMap<String, Account>,
    may: impl Fn(&Account) -> bool,
) -> Result<People, Unreadable> {
    let Rows { rows, mut faults, .. } = read(file, &ACCOUNT_COLUMNS)?;
    let (mut fresh, mut there) = (Vec::new(), 0);
    let (mut seen, mut passwords) = (BTreeSet::new(), 0);
    for row in &rows {
        let before = faults.len();
        let account = account(row, on);
        let mut say = |column: &'static str, vi: &'static str, en: &'static str| {
            faults.push(fault(row.at, column, vi, en));
        };
        for column in ["name", "full_name"] {
            let name = &row[column];
            if name.is_empty() || name.chars().nth(NAME_CHARS_MAX).is_some() {
                say(column, "Thiếu tên, hoặc tên quá dài.", "The name is missing or too long.");
            }
        }
        let Some(account) = account else {
            say(
                "role",
                "Vai trò là province, district, officer hoặc enumerator.",
                "The role is province, district, officer or enumerator.",
            );
            continue;
        };
        if !may(&account) {
            say(
                "unit",
                "Không có đơn vị này, hoặc tài khoản của bạn không được thêm người như vậy ở đó.",
                "There is no such unit, or your account may not add such a person there.",
            );
        }
        if !seen.insert(account.name.clone()) {
            say("name", "Tên này có hai lần trong tệp.", "The name is in the file twice.");
        }
        match known.get(&account.name) {
            Some(old) if old.post == account.post && may(old) => {
                there += usize::from(faults.len() == before);
                continue;
            }
            Some(_) => say(
                "name",
                "Tên tài khoản đã có. Chọn tên khác.",
                "The account name is taken. Choose another.",
            ),
            None => {}
        }
        passwords += usize::from(account.post.role != Role::Enumerator);
        if passwords > PASSWORDS_MAX {
            say(
                "",
                "Quá nhiều tài khoản cần mật khẩu trong một tệp. Chia tệp ra.",
                "Too many accounts with a password in one file. Split it.",
            );
        }
        if faults.len() == before {
            fresh.push(account);
        }
    }
    Ok(People { sorted: Sorted::each(fresh, faults), known: there })
}

fn account(row: &Row, on: Date) -> Option<Account> {
    Some(Account {
        id: AccountId(random()),
        name: row["name"].to_owned(),
        full_name: row["full_name"].to_owned(),
        post: Post { role: role(&row["role"])?, unit: row["unit"].to_owned() },
        unit_on: on,
        password_hash: String::new(),
        once_until_ms: None,
        disabled: false,
    })
}
