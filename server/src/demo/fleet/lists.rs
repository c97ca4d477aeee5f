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
                let settled: Result<usize, FleetError> = done?;
                self.count_settled(settled?, &bar);
            }
            let office = self.office(&format!("xa-{unit}"))?.clone();
            let (campaign, right) = (self.campaign, std::sync::Arc::clone(&right));
            tasks.spawn(async move {
                let path = format!("/v1/campaigns/{campaign}/units/{unit}/disputes");
                let disputed = office.get(&path).await?;
                settle_all(&office, campaign, &disputed, &right).await
            });
        }
        while let Some(done) = tasks.join_next().await {
            self.count_settled(done??, &bar);
        }
        self.stage(&bar, what);
        Ok(())
    }

    fn count_settled(&mut self, settled: usize, bar: &indicatif::ProgressBar) {
        self.tally.disputes_settled += settled;
        bar.inc(u64::try_from(settled).unwrap_or(0));
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

async fn settle_all(
    office: &Office,
    campaign: shared::id::CampaignId,
    disputed: &Value,
    right: &BTreeMap<(String, String), Value>,
) -> Result<usize, FleetError> {
    let mut settled = 0;
    for household in disputed.as_array().into_iter().flatten() {
        let document = household["document"].as_str().unwrap_or("").to_owned();
        for dispute in household["disputes"].as_array().into_iter().flatten() {
            let path = dispute["path"].as_str().unwrap_or("").to_owned();
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
            settled += 1;
        }
    }
    Ok(settled)
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
