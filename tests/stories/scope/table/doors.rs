//! Routes through which work comes in.

use mobile_schema::frame::{FRAME_VERSION, SyncRequest};
use serde_bytes::{ByteArray, ByteBuf};

use super::{Call, EVERYBODY, Outside, Route, SIGNED_IN, plain};
use crate::ask::cbor;

pub(super) fn of_doors() -> Vec<Route> {
    vec![
        route!("POST" "/v1/sync", SIGNED_IN, Same, shows, |to| {
            let request = SyncRequest {
                v: FRAME_VERSION,
                campaign: ByteArray::new(to.town.campaign.0),
                cursor: ByteBuf::new(),
                batches: Vec::new(),
                all_in: false,
                pages: true,
                ..SyncRequest::default()
            };
            Call { path: "/v1/sync".to_owned(), body: cbor(&request) }
        }),
        route!("GET" "/v1/courier/key", EVERYBODY, Same, |_| plain("/v1/courier/key")),
        // Anybody may bring anybody's file: what counts is who signed what is in it.
        route!("POST" "/v1/courier", SIGNED_IN, Same, |to| Call {
            path: "/v1/courier".to_owned(),
            body: to.marked.courier[to.unit].clone(),
        }),
    ]
}
