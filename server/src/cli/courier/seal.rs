//! Seals what a client would have sent: its signed frames, kept in files, become one courier file.
//!
//! Nothing of the installation is needed but its published key.

use std::path::PathBuf;

use clap::Args;
use mobile_schema::frame::SyncRequest;
use shared::courier::export;
use shared::id::{CampaignId, from_hex};
use shared::limits;
use shared::verify::manifest_device;

use super::super::{CliError, say};
use super::read;
use crate::keys::random;

#[derive(Debug, Args)]
pub(super) struct Seal {
    /// Bodies of POST /v1/sync as a client wrote them, CBOR: all of one device and campaign.
    #[arg(long = "in", required = true, num_args = 1.., value_name = "FRAME")]
    frames: Vec<PathBuf>,
    /// The server's courier key, 64 hex digits, as `rasoat courier key` prints it.
    #[arg(long)]
    key: String,
    /// The file to write, ending in .rasoat.
    #[arg(long)]
    out: PathBuf,
}

impl Seal {
    pub(super) fn run(&self) -> Result<(), CliError> {
        let key = from_hex(&self.key)
            .map_err(|_| CliError::Usage("the key is 64 hexadecimal digits".into()))?;
        let (mut of, mut lots) = (None, Vec::new());
        for file in &self.frames {
            let wrong = |what: &str| CliError::Usage(format!("{}: {what}", file.display()));
            let request: SyncRequest = ciborium::de::from_reader_with_recursion_limit(
                &read(file)?[..],
                limits::FRAME_NESTING_MAX,
            )
            .map_err(|_| wrong("no frame of a sync"))?;
            let campaign = CampaignId(*request.campaign);
            for batch in &request.batches {
                let device = manifest_device(batch).map_err(|error| wrong(&error.to_string()))?;
                if *of.get_or_insert((campaign, device)) != (campaign, device) {
                    return Err(wrong("of another device or campaign than the one before"));
                }
            }
            // A frame is a piece: what a request may hold, a piece may.
            if !request.batches.is_empty() {
                lots.push(request.batches);
            }
        }
        let of = of.ok_or_else(|| CliError::Usage("there is no work in these frames".into()))?;
        let sealed = export(of, &lots, &key, random())
            .map_err(|fault| CliError::Usage(fault.problem().en.to_owned()))?;
        std::fs::write(&self.out, &sealed)?;
        let (pieces, bytes) = (lots.len(), sealed.len());
        say(format!("{}: {pieces} pieces, {bytes} bytes", self.out.display()));
        Ok(())
    }
}
