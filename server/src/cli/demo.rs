//! `rasoat demo`: plays a whole campaign against a server of its own and prints the table.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use shared::aggregate::{Rate, hundredths_vi};
use shared::report::{RateRow, text};
use shared::unit::{Level, Units};

use super::serve::{FIRST_ACCOUNT, Running, first_account, log_to_stderr, until_stopped};
use super::{CliError, Place, default_listen, say};
use crate::demo::fleet::{Done, Options, run};
use crate::demo::population::{MadeUp, Targets};

/// Plays a whole campaign with simulated phones, then goes on serving.
#[derive(Debug, Args)]
pub struct Demo {
    /// Exits after the table is printed.
    #[arg(long)]
    once: bool,
    /// Share of the province, 0 to 1.
    #[arg(long, default_value = "1")]
    scale: String,
    /// Seed of everything made up.
    #[arg(long, default_value_t = 2022)]
    seed: u64,
    /// Totals to reproduce, a JSON file; Quảng Trị 2022 where absent.
    #[arg(long)]
    targets: Option<PathBuf>,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Folder for rates.csv and rates.json.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Address and port.
    #[arg(long, default_value_t = default_listen())]
    listen: SocketAddr,
    /// Data folder; a fresh one under ./rasoat-demo where absent.
    #[arg(long)]
    data: Option<PathBuf>,
    /// PostgreSQL instead of SQLite: postgres://user:password@host/database (an empty database)
    #[arg(long)]
    database: Option<String>,
}

impl Demo {
    /// Runs the demonstration.
    pub async fn run(self) -> Result<(), CliError> {
        log_to_stderr("warn");
        let targets = match &self.targets {
            None => Targets::quang_tri_2022(),
            Some(file) => Targets::parse(&std::fs::read_to_string(file)?)
                .map_err(|error| CliError::Usage(error.to_string()))?,
        };
        let options = Options {
            scale_ppm: scale_ppm(&self.scale)?,
            seed: self.seed,
            targets,
            bars: !self.json,
            drop_upload_of: None,
        };
        let data = self.data.clone().unwrap_or_else(fresh_folder);
        let place = Place { data: data.clone(), database: self.database.clone() };
        let listen = if self.once { SocketAddr::from(([127, 0, 0, 1], 0)) } else { self.listen };
        let running = Running::start(&place.config(listen)).await?;
        let password = first_account(&running.app).await?.ok_or_else(|| {
            CliError::Usage("the demonstration needs an empty installation: another --data".into())
        })?;
        let base = format!("http://{}", running.address);
        let date = options.targets.review_date;
        let tree = Units::quang_tri_2022().at(date);
        let done = run(&base, (FIRST_ACCOUNT, &password), tree, &options).await?;
        let out = self.out.clone().unwrap_or(data);
        std::fs::create_dir_all(&out)?;
        std::fs::write(out.join("rates.csv"), &done.csv)?;
        let rates = serde_json::to_string_pretty(&done.rates).map_err(std::io::Error::from)?;
        std::fs::write(out.join("rates.json"), rates)?;
        self.print(&done, &out)?;
        if !self.once {
            accounts(&done, &base, &password);
            until_stopped().await;
        }
        Ok(running.stop().await?)
    }

    fn print(&self, done: &Done, out: &std::path::Path) -> Result<(), CliError> {
        if self.json {
            let all = serde_json::json!({
                "campaign": done.campaign.to_string(),
                "tally": done.tally,
                "rates": done.rates,
                "movement": done.movement.iter().map(|form| &form["rows"]).collect::<Vec<_>>(),
            });
            say(all);
            return Ok(());
        }
        let rows: Vec<RateRow> = serde_json::from_value(done.rates["rows"].clone())
            .map_err(|_| CliError::Usage("the rates cannot be read".into()))?;
        say(tally(done));
        say(table(done, rows));
        done.movement.iter().for_each(|form| say(movement(form)));
        say(format!("rates.csv, rates.json: {}", out.display()));
        Ok(())
    }
}

/// Reads a share such as `0.02` as parts per million, without floats.
fn scale_ppm(text: &str) -> Result<u64, CliError> {
    let wrong = || CliError::Usage(format!("--scale is a number from 0.001 to 1, not {text}"));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 6 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let part: u64 = format!("{part:0<6}").parse().map_err(|_| wrong())?;
    let ppm = whole.saturating_mul(1_000_000).saturating_add(part);
    if (1_000..=1_000_000).contains(&ppm) { Ok(ppm) } else { Err(wrong()) }
}

fn fresh_folder() -> PathBuf {
    PathBuf::from("rasoat-demo").join(shared::id::to_hex(&crate::keys::random::<4>()))
}

fn tally(done: &Done) -> String {
    let tally = &done.tally;
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let share = Rate::of(count(tally.disputes_settled), count(tally.disputes));
    let share = share.percent_hundredths().map_or("–".to_owned(), hundredths_vi);
    format!(
        "\nSố liệu mô phỏng / simulated: {} thôn, {} máy, {} hộ trong danh sách đầu, {} hồ sơ, {} thay đổi\n\
         {} hộ do hai máy ghi, {} hộ khác nhau ở cùng một mục → {} thông tin chưa thống nhất: {} do quy tắc chọn vì không số liệu nào tùy vào, {} do người quyết định = {} % ({} làm đổi loại hộ)\n\
         disputes: {} arose, {} settled by the rule, {} reached a person = {} % (the class hung on {})\n\
         {} hộ cố ý đăng ký hai lần (giả lập): tìm thấy {}, chỉ nhầm {} cặp, đã gộp {} / planted duplicates: found, wrong pairs, merged\n\
         {} lần mất trả lời, {} thay đổi gửi lại đã biết, {} máy đồng bộ hai lần, {} đồng hồ sai 5 năm; {} danh sách trả lại, {} thay đổi đến muộn, {} danh sách công nhận\n",
        tally.hamlets,
        tally.devices,
        tally.opening_households,
        tally.documents,
        tally.changes,
        tally.two_devices,
        tally.same_field,
        tally.disputes,
        tally.disputes_by_rule,
        tally.disputes_settled,
        share,
        tally.class_hung,
        tally.disputes,
        tally.disputes_by_rule,
        tally.disputes_settled,
        share,
        tally.class_hung,
        tally.planted_twice,
        tally.twice_found,
        tally.twice_wrong,
        tally.merged,
        tally.lost_responses,
        tally.known,
        tally.synced_twice,
        tally.clocks_off,
        tally.lists_returned,
        tally.late_changes,
        tally.lists_recognised,
    )
}

/// Writes that a form of movement closes, with its numbers: what there was, what went out, what
/// came in, what there is.
fn movement(form: &serde_json::Value) -> String {
    let mut out = format!("Biểu {}", form["form"].as_str().unwrap_or_default());
    let rows = form["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    for row in rows.iter().filter(|row| row["kind"] == "total") {
        let count = |column: usize| row["cells"][column - 1]["count"].as_i64().unwrap_or(0);
        let what = match row["measure"].as_str() {
            Some("persons") => "nhân khẩu / persons",
            _ => "hộ / households",
        };
        let gone: Vec<String> = (2..=4).map(|column| format!("− {}", count(column))).collect();
        let come: Vec<String> = (5..=8).map(|column| format!("+ {}", count(column))).collect();
        let balance = count(1) - (2..=4).map(count).sum::<i64>() + (5..=8).map(count).sum::<i64>();
        let sign = if balance == count(9) { "=" } else { "≠ (không khớp / does not close)" };
        out.push_str(&format!(
            "\n  {what}: {} {} {} {sign} {}",
            count(1),
            gone.join(" "),
            come.join(" "),
            count(9)
        ));
    }
    out
}

/// Prints districts first, then the province, as the printed reports do.
fn table(done: &Done, rows: Vec<RateRow>) -> String {
    let mut shown: Vec<RateRow> =
        rows.into_iter().filter(|row| row.level != Level::Commune).collect();
    let first = usize::from(!shown.is_empty());
    shown.rotate_left(first);
    let made_up = done.made_up.clone();
    let note = move |code: &str| match made_up.get(code) {
        Some(MadeUp::Wholly) => " *",
        Some(MadeUp::Partly) => " °",
        None => "",
    };
    let mut out = text(&shown, &note);
    if let Some(province) = shown.last() {
        let percent = |h: Option<i64>| h.map_or("–".to_owned(), shared::aggregate::hundredths_vi);
        let counts = &province.counts;
        out.push_str(&format!(
            "\nHộ DTTS: {} hộ, nghèo {} = {} % số hộ DTTS; {} % số hộ nghèo; cận nghèo {}\n",
            shared::aggregate::thousands_vi(counts.closing.dtts_households),
            shared::aggregate::thousands_vi(counts.poor.dtts_households),
            percent(province.figures.dtts_poor),
            percent(province.figures.dtts_share_of_poor),
            shared::aggregate::thousands_vi(counts.near_poor.dtts_households),
        ));
        out.push_str(
            "Hộ DTTS = chủ hộ là người DTTS (quy tắc chưa kiểm chứng) / by the head's ethnicity (unverified rule)\n",
        );
        if counts.synthetic > 0 {
            let share = shared::aggregate::Rate::of(counts.synthetic, counts.reviewed);
            out.push_str(&format!(
                "Điểm B1 của {} % số hộ tính theo BẢNG ĐIỂM GIẢ LẬP, không phải bảng chính thức / B1 by a synthetic score table.\n",
                percent(share.percent_hundredths()),
            ));
        }
    }
    out.push_str(
        "* số liệu huyện là giả lập / the district's figures are synthetic   \
         ° một phần là giả lập / partly synthetic\n\
         Mọi hộ, người, thôn đều là giả lập / every household, person and hamlet is made up.\n\
         Quy định chưa kiểm chứng với văn bản gốc: xem \"unverified\" trong rates.json / unverified rules: see rates.json.\n",
    );
    out
}

fn accounts(done: &Done, base: &str, password: &str) {
    say(format!("\nMáy chủ vẫn chạy / still serving: {base}/   (Ctrl-C để dừng / to stop)"));
    say(format!("Mật khẩu chung của tài khoản thử / password of the demo accounts: {password}"));
    for (name, what) in done.accounts.iter().take(14) {
        say(format!("  {name:<12} {what}"));
    }
    say(format!("  … {} tài khoản xa-MÃ / accounts xa-CODE in all", done.accounts.len()));
}
