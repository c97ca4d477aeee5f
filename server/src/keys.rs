//! The server's Ed25519 key: it signs receipts and tokens, and the other keys are worked out from it.
//!
//! The key is a file in the data folder, readable by its owner only; several processes of one
//! installation share the folder. It never enters the database or a log.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{Signer, SigningKey};
use jsonwebtoken::{DecodingKey, EncodingKey};
use mobile_schema::courier::COURIER_KEY_CONTEXT;
use mobile_schema::frame::{PAGE_CONTEXT, RECEIPT_CONTEXT, SESSION_CONTEXT};
use shared::courier;
use shared::id::{Actor, CodeId, sha256};

use crate::auth::checked::Checked;

use crate::match_key::MatchKey;

/// Bytes in front of a decision whose actor is worked out.
const DESK_ACTOR_CONTEXT: &[u8] = b"rasoat desk actor 1\0";

/// Bytes in front of a code's id, so that this signature is of use for nothing else.
const CODE_CONTEXT: &[u8] = b"rasoat code 1\0";

/// Bytes in front of a session whose form token is worked out.
const FORM_CONTEXT: &[u8] = b"rasoat form 1\0";

/// Bytes whose signature the key for matching is made of.
const MATCH_CONTEXT: &[u8] = b"rasoat match 1\0";

/// Bytes whose signature the key that courier files are sealed to is made of.
const COURIER_CONTEXT: &[u8] = b"rasoat courier secret 1\0";

/// Draws random bytes from the system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes
}

/// Why the key file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read or written.
    #[error("the key file cannot be read or written")]
    File(#[from] std::io::Error),
    /// It is not an Ed25519 key.
    #[error("the key file does not hold an Ed25519 key")]
    Content,
}

/// The signing key in the forms its users need.
#[derive(Clone)]
pub struct Keys {
    signing: SigningKey,
    /// For signing tokens.
    pub(crate) jwt_sign: EncodingKey,
    /// Access tokens that were checked before.
    pub(crate) checked: Checked,
    /// For checking tokens.
    pub(crate) jwt_check: DecodingKey,
    /// Short name of the key, put into tokens.
    pub(crate) kid: String,
    /// Opens courier files. There is one as long as there is one key file.
    pub(crate) courier: courier::Key,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Keys {
    /// Reads the key of a data folder, making one on the first start.
    pub fn open(data: &Path) -> Result<Self, KeyError> {
        let file = data.join("server.key");
        if !file.exists() {
            let pem = SigningKey::from_bytes(&random::<32>())
                .to_pkcs8_pem(LineEnding::LF)
                .map_err(|_| KeyError::Content)?;
            put_in_place(data, &file, pem.as_bytes())?;
        }
        let pem = std::fs::read_to_string(&file)?;
        let signing = SigningKey::from_pkcs8_pem(&pem).map_err(|_| KeyError::Content)?;
        Self::of(signing)
    }

    fn of(signing: SigningKey) -> Result<Self, KeyError> {
        let der = signing.to_pkcs8_der().map_err(|_| KeyError::Content)?;
        let public = signing.verifying_key().to_bytes();
        Ok(Self {
            checked: Checked::default(),
            jwt_sign: EncodingKey::from_ed_der(der.as_bytes()),
            jwt_check: DecodingKey::from_ed_der(&public),
            kid: shared::id::to_hex(&shared::id::sha256(&public)[..8]),
            courier: courier::Key::derive(&sha256(&signing.sign(COURIER_CONTEXT).to_bytes())),
            signing,
        })
    }

    /// Returns the public key that receipts are checked with.
    pub fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// Derives an enrolment code from its id: it can be shown again to whoever made it, and nothing
    /// in the database gives it away.
    pub(crate) fn enrol_code(&self, id: CodeId) -> String {
        let signature = self.signing.sign(&[CODE_CONTEXT, id.as_bytes()].concat()).to_bytes();
        shared::id::to_hex(&shared::id::sha256(&signature)[..8])
    }

    /// Returns what every form of a browser's session carries: no other site can know it.
    pub(crate) fn form_token(&self, family: [u8; 16]) -> String {
        let signature = self.signing.sign(&[FORM_CONTEXT, &family].concat()).to_bytes();
        shared::id::to_hex(&sha256(&signature)[..16])
    }

    /// Signs a receipt.
    pub(crate) fn sign_receipt(&self, receipt: &[u8]) -> [u8; 64] {
        self.signing.sign(&[RECEIPT_CONTEXT, receipt].concat()).to_bytes()
    }

    /// Signs a manifest of what came over the standard door: who brought it, no more.
    pub(crate) fn sign_session(&self, manifest: &[u8]) -> [u8; 64] {
        self.signing.sign(&[SESSION_CONTEXT, manifest].concat()).to_bytes()
    }

    /// Returns the actor a decision of an office is written by: the same for the same decision, so
    /// that one sent twice is one change, and nothing anybody else could write under before.
    pub(crate) fn desk_actor(&self, decision: &[u8]) -> Actor {
        let signature = self.signing.sign(&[DESK_ACTOR_CONTEXT, decision].concat()).to_bytes();
        let mut actor = [0; 16];
        actor.copy_from_slice(&sha256(&signature)[..16]);
        Actor(actor)
    }

    /// Returns the key that fingerprints for matching are made with.
    pub(crate) fn match_key(&self) -> MatchKey {
        MatchKey::new(&sha256(&self.signing.sign(MATCH_CONTEXT).to_bytes()))
    }

    /// Signs the public key that courier files are sealed to: a phone knows the server by its key.
    pub(crate) fn sign_courier_key(&self) -> [u8; 64] {
        let public = self.courier.public();
        self.signing.sign(&[COURIER_KEY_CONTEXT, &public].concat()).to_bytes()
    }

    /// Signs a page of documents.
    pub(crate) fn sign_page(&self, page: &[u8]) -> [u8; 64] {
        self.signing.sign(&[PAGE_CONTEXT, page].concat()).to_bytes()
    }
}

/// Writes a file beside its place, whole and synced, then gives it its name.
///
/// Whoever is first wins: a process that dies half way leaves no half a key, and one that starts
/// at the same time reads the key of the other.
fn put_in_place(data: &Path, file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let whole = data.join(format!("server.key.{}", shared::id::to_hex(&random::<8>())));
    write_private(&whole, bytes)?;
    let named = match std::fs::hard_link(&whole, file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // A file system without links, such as that of a memory card.
        Err(error)
            if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) =>
        {
            return std::fs::rename(&whole, file);
        }
        other => other,
    };
    std::fs::remove_file(&whole)?;
    sync_folder(data)?;
    named
}

#[cfg(unix)]
fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut out =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    out.write_all(bytes)?;
    out.sync_all()
}

#[cfg(not(unix))]
fn write_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).open(file)?;
    out.write_all(bytes)?;
    out.sync_all()
}

/// Makes the names in a folder durable: receipts signed with a lost key could not be checked.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn processes_that_start_at_once_share_one_key() {
        for _ in 0..20 {
            let folder = std::env::temp_dir().join(shared::id::to_hex(&random::<8>()));
            std::fs::create_dir(&folder).unwrap();
            let opening: Vec<_> = (0..8)
                .map(|_| {
                    let folder = folder.clone();
                    std::thread::spawn(move || Keys::open(&folder).map(|keys| keys.kid))
                })
                .collect();
            let kids: Vec<_> = opening.into_iter().map(|one| one.join().unwrap()).collect();
            let left = std::fs::read_dir(&folder).unwrap().count();
            std::fs::remove_dir_all(&folder).unwrap();
            let first = kids[0].as_ref().unwrap();
            assert!(kids.iter().all(|kid| kid.as_ref().unwrap() == first));
            assert_eq!(left, 1, "nothing but the key is left");
        }
    }
}
