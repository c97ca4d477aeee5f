//! Sealing and opening pieces: HPKE by the library, gzip under a hard cap, the frames.
//!
//! The seal keeps the families' answers from whoever carries the file. It proves nothing about who
//! wrote them: that is what the manifests' signatures are for.

use std::convert::Infallible;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use hpke::aead::AesGcm128;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open};
use mobile_schema::courier::{COURIER_HEAD_BYTES, COURIER_INFO, Parcel};
use mobile_schema::frame::{Batch, FRAME_VERSION};

use super::{Fault, Head, KeyId, Piece, key_id};
use crate::id::{CampaignId, DeviceId, sha256};
use crate::limits;

/// Bytes of the encapsulated key in front of the ciphertext.
const ENCAPSULATED_BYTES: usize = 32;

/// Bytes that the ciphertext has more than what was sealed.
const TAG_BYTES: usize = 16;

/// Bytes in front of what a piece's own randomness is made of.
const FRESH_CONTEXT: &[u8] = b"rasoat courier fresh 1\0";

/// The private key of a server that pieces are opened with.
#[derive(Clone)]
pub struct Key {
    private: <X25519HkdfSha256 as Kem>::PrivateKey,
    public: [u8; 32],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &crate::id::to_hex(&self.id())).finish_non_exhaustive()
    }
}

impl Key {
    /// Derives the key pair from a secret, as RFC 9180, 7.1.3 does (`DeriveKeyPair`).
    pub fn derive(secret: &[u8; 32]) -> Self {
        let (private, public) = X25519HkdfSha256::derive_keypair(secret);
        Self { private, public: public.to_bytes().into() }
    }

    /// Returns the public key, which is published.
    pub fn public(&self) -> [u8; 32] {
        self.public
    }

    /// Returns its short name.
    pub fn id(&self) -> KeyId {
        key_id(&self.public)
    }
}

/// Opens a piece: what comes out is what was sealed to this key, and fits the bounds of a request.
/// Counts the bytes it was inflated to, whatever comes of it.
pub fn open(
    head: &Head,
    piece: &Piece<'_>,
    key: &Key,
    inflated: &mut usize,
) -> Result<Vec<Batch>, Fault> {
    if head.key != key.id() {
        return Err(Fault::OtherServer);
    }
    let (encapsulated, ciphertext) =
        piece.sealed.split_at_checked(ENCAPSULATED_BYTES).ok_or(Fault::Damaged)?;
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated)
        .map_err(|_| Fault::Damaged)?;
    let opened = single_shot_open::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &key.private,
        &encapsulated,
        COURIER_INFO,
        ciphertext,
        piece.head,
    );
    let bytes = inflate(&opened.map_err(|_| Fault::Damaged)?, inflated)?;
    let parcel: Parcel =
        ciborium::de::from_reader_with_recursion_limit(&bytes[..], limits::FRAME_NESTING_MAX)
            .map_err(|_| Fault::Damaged)?;
    if parcel.v != FRAME_VERSION {
        return Err(Fault::Version);
    }
    if parcel.batches.len() > limits::REQUEST_BATCHES_MAX {
        return Err(Fault::TooLarge);
    }
    Ok(parcel.batches)
}

/// Inflates under a cap: a bomb ends at the byte that passes it.
fn inflate(bytes: &[u8], count: &mut usize) -> Result<Vec<u8>, Fault> {
    let max = limits::COURIER_PIECE_INFLATED_BYTES_MAX;
    let cap = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut inflated = Vec::new();
    let read = GzDecoder::new(bytes).take(cap).read_to_end(&mut inflated);
    *count += inflated.len();
    read.map_err(|_| Fault::Damaged)?;
    if inflated.len() > max { Err(Fault::TooLarge) } else { Ok(inflated) }
}

/// Seals batches into one piece. `fresh` is random and used for nothing else, ever.
pub fn seal(
    head: &Head,
    batches: &[Batch],
    public: &[u8; 32],
    fresh: [u8; 32],
) -> Result<Vec<u8>, Fault> {
    let parcel = Parcel { v: FRAME_VERSION, batches: batches.to_vec() };
    let mut frame = Vec::new();
    ciborium::into_writer(&parcel, &mut frame).map_err(|_| Fault::Damaged)?;
    if frame.len() > limits::COURIER_PIECE_INFLATED_BYTES_MAX {
        return Err(Fault::TooLarge);
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&frame).map_err(|_| Fault::Damaged)?;
    seal_bytes(head, &packed.finish().map_err(|_| Fault::Damaged)?, public, fresh)
}

/// Seals whatever bytes: tests put into a piece what no honest client does.
pub fn seal_bytes(
    head: &Head,
    bytes: &[u8],
    public: &[u8; 32],
    fresh: [u8; 32],
) -> Result<Vec<u8>, Fault> {
    let length = ENCAPSULATED_BYTES + bytes.len() + TAG_BYTES;
    if length > limits::COURIER_PIECE_BYTES_MAX {
        return Err(Fault::TooLarge);
    }
    let mut piece = head.write(u32::try_from(length).map_err(|_| Fault::TooLarge)?);
    let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(public);
    let sealed = hpke::single_shot_seal_with_rng::<AesGcm128, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &public.map_err(|_| Fault::OtherServer)?,
        COURIER_INFO,
        bytes,
        &piece[..COURIER_HEAD_BYTES],
        &mut Given { seed: fresh, drawn: 0 },
    );
    let (encapsulated, ciphertext) = sealed.map_err(|_| Fault::OtherServer)?;
    piece.extend(encapsulated.to_bytes());
    piece.extend(ciphertext);
    Ok(piece)
}

/// Writes a file, a piece for each lot of batches. `fresh` is random, and drawn anew for every file.
pub fn export(
    (campaign, device): (CampaignId, DeviceId),
    lots: &[Vec<Batch>],
    public: &[u8; 32],
    fresh: [u8; 32],
) -> Result<Vec<u8>, Fault> {
    let of = |number: u16| sha256(&[FRESH_CONTEXT, &fresh, &number.to_be_bytes()].concat());
    let drawn = of(0);
    let count = u16::try_from(lots.len()).map_err(|_| Fault::TooLarge)?;
    let mut head = Head {
        number: 0,
        count,
        key: key_id(public),
        campaign,
        device,
        file: std::array::from_fn(|at| drawn[at]),
    };
    let mut bytes = Vec::new();
    for lot in lots {
        head.number += 1;
        bytes.extend(seal(&head, lot, public, of(head.number))?);
    }
    Ok(bytes)
}

/// Randomness that was handed in, stretched by SHA-256 and used once.
struct Given {
    seed: [u8; 32],
    drawn: u64,
}

impl Given {
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let block = sha256(&[&self.seed[..], &self.drawn.to_be_bytes()].concat());
        self.drawn += 1;
        std::array::from_fn(|at| block[at])
    }
}

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.next()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.next()))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        for part in to.chunks_mut(32) {
            part.copy_from_slice(&self.next::<32>()[..part.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Given {}
