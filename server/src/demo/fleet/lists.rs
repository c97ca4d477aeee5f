//! The offices' work after the phones: disputes settled, lists submitted, approved, recognised.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::page::Page;

use super::super::office::Office;
use super::super::phone::Phone;
use super::{AT_ONCE, Fleet, FleetError, Found};

impl Fleet<'_> {
    /// Lets every officer settle what the phones disagree on, each at the heads shown.
    pub(super) async fn settle(&mut self, found: &Found) -> Result<(), FleetError> {
        let what = "giải quyết thông tin chưa thống nhất / disputes";
        let bar = self.bar(what, found.slips.len());
        let right: BTreeMap<(String, String), Value> = found
            .slips
            .iter()
            .map(|slip| {
                let value = serde_json::to_value(&slip.right).unwrap_or_default();
                ((slip.document.to_string(), slip.path.clone()), value)
            })
            .collect();
        let right = std::sync::Arc::new(right);
        let mut units: Vec<String> = found.slips.iter().map(|slip| slip.unit.clone()).collect();
        units.sort();
        units.dedup();
        let mut tasks = tokio::task::JoinSet::new();
        for unit in units {
            if tasks.len() >= AT_ONCE
                && let Some(done) = tasks.join_next().await
            {
                let decided: Result<Decided, FleetError> = done?;
                self.count_settled(decided?, &bar);
            }
            let office = self.office(&format!("xa-{unit}"))?.clone();
            let (campaign, right) = (self.campaign, std::sync::Arc::clone(&right));
            tasks.spawn(async move {
                let path = format!("/v1/campaigns/{campaign}/units/{unit}/review-desk");
                let desk = office.get(&path).await?;
                settle_all(&office, campaign, &desk, &right).await
            });
        }
        while let Some(done) = tasks.join_next().await {
            self.count_settled(done??, &bar);
        }
        self.stage(&bar, what);
        Ok(())
    }

    fn count_settled(&mut self, decided: Decided, bar: &indicatif::ProgressBar) {
        self.tally.disputes += decided.by_person + decided.by_rule;
        self.tally.disputes_settled += decided.by_person;
        self.tally.disputes_by_rule += decided.by_rule;
        self.tally.class_hung += decided.class_hung;
        bar.inc(u64::try_from(decided.by_person + decided.by_rule).unwrap_or(0));
    }

    /// Takes every list through its legal steps; one is returned first and submitted again.
    pub(super) async fn decide(&mut self, mut found: Found) -> Result<(), FleetError> {
        let what = "chốt, thống nhất, công nhận / list decisions";
        let bar = self.bar(what, self.plan.communes.len());
        let returned = found.late.keys().next().cloned();
        let mut tasks = tokio::task::JoinSet::new();
        let units: Vec<String> = self.plan.communes.iter().map(|c| c.unit.clone()).collect();
        for unit in units {
            if tasks.len() >= AT_ONCE
                && let Some(done) = tasks.join_next().await
            {
                self.count_list(done??, &bar);
            }
            let district = self.tree.district_of(&unit).map(|d| d.code().to_owned());
            let district = district.unwrap_or_else(|| unit.clone());
            let steps = Steps {
                officer: self.office(&format!("xa-{unit}"))?.clone(),
                district: self.office(&format!("huyen-{district}"))?.clone(),
                campaign: self.campaign,
                late: if returned.as_ref() == Some(&unit) {
                    found.late.remove(&unit)
                } else {
                    None
                },
                unit,
            };
            tasks.spawn(steps.run());
        }
        while let Some(done) = tasks.join_next().await {
            self.count_list(done??, &bar);
        }
        self.stage(&bar, what);
        Ok(())
    }

    fn count_list(&mut self, late: Option<usize>, bar: &indicatif::ProgressBar) {
        self.tally.lists_recognised += 1;
        self.tally.lists_returned += usize::from(late.is_some());
        self.tally.late_changes += late.unwrap_or(0);
        bar.inc(1);
    }
}

/// What became of a commune's disputes.
#[derive(Default)]
struct Decided {
    /// Settled by the officer: something hung on them.
    by_person: usize,
    /// Of these, those on which the class hung.
    class_hung: usize,
    /// Settled by the rule.
    by_rule: usize,
}

/// Lists the disputes of one section of the desk, each with its household.
fn questions(section: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let households = section.as_array().into_iter().flatten();
    households.flat_map(|household| {
        let questions = household["questions"].as_array().into_iter().flatten();
        questions.map(move |question| (household, question))
    })
}

/// Settles what waits for a person, as whoever visits the family again finds it.
async fn settle_all(
    office: &Office,
    campaign: shared::id::CampaignId,
    desk: &Value,
    right: &BTreeMap<(String, String), Value>,
) -> Result<Decided, FleetError> {
    let by_rule = questions(&desk["by_rule"]).count();
    let mut decided = Decided { by_rule, ..Decided::default() };
    for (household, question) in questions(&desk["waiting"]) {
        let document = household["document"].as_str().unwrap_or("").to_owned();
        let path = question["path"].as_str().unwrap_or("").to_owned();
        let value = right.get(&(document.clone(), path.clone()));
        let value = value.ok_or_else(|| {
            FleetError::Short(format!("a dispute nobody caused: {document} {path}"))
        })?;
        let form = json!({
            "heads": household["heads"],
            "path": path,
            "value": value,
            "reason": "Đã đến xem lại tại nhà (synthetic)",
        });
        office.settle(campaign, &document, &form).await?;
        decided.by_person += 1;
        let hangs = question["hangs"].as_array().into_iter().flatten();
        let class = hangs.filter(|hang| hang["figure"] == "class").count();
        decided.class_hung += class;
    }
    Ok(decided)
}

/// One list on its way to recognition.
struct Steps {
    officer: Office,
    district: Office,
    campaign: shared::id::CampaignId,
    unit: String,
    /// A phone that comes late, for the list that is returned.
    late: Option<Phone>,
}

impl Steps {
    /// Returns how many late changes were seen, for a list that was returned.
    async fn run(mut self) -> Result<Option<usize>, FleetError> {
        let mut root = self.officer.submit(self.campaign, &self.unit).await?;
        let late = match self.late.take() {
            None => None,
            Some(phone) => {
                let late = self.come_late(phone).await?;
                let act = json!({
                    "act": "return",
                    "root": root,
                    "comment": "Đề nghị rà soát lại hộ có thông tin đến muộn (synthetic)",
                });
                self.district.act(self.campaign, &self.unit, &act).await?;
                root = self.officer.submit(self.campaign, &self.unit).await?;
                Some(late)
            }
        };
        self.district.approve(self.campaign, &self.unit, &root).await?;
        self.officer.recognise(self.campaign, &self.unit, &root).await?;
        Ok(late)
    }

    /// A phone writes down one more visit after the list was frozen.
    async fn come_late(&self, mut phone: Phone) -> Result<usize, FleetError> {
        if let Some(document) = phone.households.keys().next().copied() {
            let mut page = Page::default();
            page.answers.insert("revisits".to_owned(), 1.into());
            phone.save(document, &[page])?;
            phone.sync_as_told().await?;
        }
        let list = self.officer.list(self.campaign, &self.unit).await?;
        let late = list["late"].as_u64().and_then(|late| usize::try_from(late).ok());
        Ok(late.unwrap_or(0))
    }
}
