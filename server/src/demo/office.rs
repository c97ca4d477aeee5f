//! A simulated person in an office: signs in and does through the API what the office does.

use hyper::Method;
use mobile_schema::courier::COURIER_CONTENT_TYPE;
use serde_json::{Value, json};
use shared::id::CampaignId;

use super::client::{Client, ClientError};

/// Somebody signed in by name and password.
#[derive(Debug, Clone)]
pub struct Office {
    client: Client,
    token: String,
}

impl Office {
    /// Signs in.
    pub async fn sign_in(client: &Client, name: &str, password: &str) -> Result<Self, ClientError> {
        let form = json!({ "name": name, "password": password });
        let tokens: crate::auth::Tokens =
            client.json(Method::POST, "/v1/sessions", None, &form).await?;
        Ok(Self { client: client.clone(), token: tokens.access })
    }

    /// Returns the same session with another server of the installation, or a copy of it.
    #[must_use]
    pub fn on(&self, client: &Client) -> Self {
        Self { client: client.clone(), token: self.token.clone() }
    }

    /// Returns the access token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Reads a route.
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.client.json(Method::GET, path, Some(&self.token), &Value::Null).await
    }

    /// Posts JSON to a route.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        self.client.json(Method::POST, path, Some(&self.token), body).await
    }

    /// Posts a file to a route.
    pub async fn import(&self, path: &str, text: String) -> Result<Value, ClientError> {
        self.client.text(path, &self.token, text).await
    }

    /// Brings a courier file, for whomever.
    pub async fn bring(&self, file: Vec<u8>) -> Result<Value, ClientError> {
        self.client.file("/v1/courier", &self.token, COURIER_CONTENT_TYPE, file).await
    }

    /// Adds a campaign.
    pub async fn add_campaign(&self, form: &Value) -> Result<CampaignId, ClientError> {
        let added = self.post("/v1/campaigns", form).await?;
        let id = added["id"].as_str().and_then(|id| id.parse().ok());
        id.ok_or(ClientError::Unreadable)
    }

    /// Loads a score table, and lets a second person of the province confirm it.
    pub async fn load_score_table(
        &self,
        second: &Self,
        campaign: CampaignId,
        table: String,
    ) -> Result<(), ClientError> {
        let path = format!("/v1/campaigns/{campaign}/score-table");
        let loaded = self.import(&path, table).await?;
        let named = json!({ "digest": loaded["digest"] });
        second.post(&format!("{path}/confirm"), &named).await.map(drop)
    }

    /// Makes enrolment codes, in the order of the names.
    pub async fn codes(&self, names: &[String]) -> Result<Vec<String>, ClientError> {
        let codes = self.post("/v1/devices/codes", &json!({ "accounts": names })).await?;
        let codes = codes.as_array().ok_or(ClientError::Unreadable)?.iter();
        codes
            .map(|code| code["code"].as_str().map(ToOwned::to_owned).ok_or(ClientError::Unreadable))
            .collect()
    }

    /// Reads a unit's list.
    pub async fn list(&self, campaign: CampaignId, unit: &str) -> Result<Value, ClientError> {
        self.get(&format!("/v1/campaigns/{campaign}/units/{unit}/list")).await
    }

    /// Takes a legal step.
    pub async fn act(
        &self,
        campaign: CampaignId,
        unit: &str,
        act: &Value,
    ) -> Result<Value, ClientError> {
        self.post(&format!("/v1/campaigns/{campaign}/units/{unit}/list"), act).await
    }

    /// Submits the draft as it is shown now; returns its root.
    pub async fn submit(&self, campaign: CampaignId, unit: &str) -> Result<String, ClientError> {
        let list = self.list(campaign, unit).await?;
        let root = list["root"].as_str().ok_or(ClientError::Unreadable)?.to_owned();
        self.act(campaign, unit, &json!({ "act": "submit", "root": root })).await?;
        Ok(root)
    }

    /// Gives the district's opinion: agreed.
    pub async fn approve(
        &self,
        campaign: CampaignId,
        unit: &str,
        root: &str,
    ) -> Result<Value, ClientError> {
        let opinion = paper("YK", unit);
        self.act(campaign, unit, &json!({ "act": "approve", "root": root, "opinion": opinion }))
            .await
    }

    /// Recognises a list by the commune's decision.
    pub async fn recognise(
        &self,
        campaign: CampaignId,
        unit: &str,
        root: &str,
    ) -> Result<Value, ClientError> {
        let decision = paper("QĐ", unit);
        let act = json!({ "act": "recognise", "root": root, "decision": decision });
        self.act(campaign, unit, &act).await
    }

    /// Settles one answer at the heads shown.
    pub async fn settle(
        &self,
        campaign: CampaignId,
        document: &str,
        form: &Value,
    ) -> Result<Value, ClientError> {
        self.post(&format!("/v1/campaigns/{campaign}/households/{document}/settle"), form).await
    }
}

/// A made-up paper of the demonstration.
fn paper(kind: &str, unit: &str) -> Value {
    json!({
        "number": format!("{kind} {unit}/DEMO"),
        "date": "2022-12-12",
        "signer": "Người ký giả lập (synthetic)",
    })
}
