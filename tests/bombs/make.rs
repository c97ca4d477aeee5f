//! Writes changes byte by byte, as nobody's client does.

use flate2::write::DeflateEncoder;
use flate2::{Compress, Compression, FlushCompress};
use shared::id::sha256;
use shared::merge::genesis_hash;

/// A change in parts; [`Parts::chunk`] gives it the length and checksum it needs.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) dependencies: Vec<[u8; 32]>,
    pub(crate) actor: Vec<u8>,
    pub(crate) seq: u64,
    pub(crate) first_operation: u64,
    pub(crate) time: i64,
    pub(crate) message: Vec<u8>,
    pub(crate) others: Vec<Vec<u8>>,
    /// Columns by their specification number, in its order.
    pub(crate) columns: Vec<(u64, Vec<u8>)>,
    pub(crate) behind: Vec<u8>,
}

impl Parts {
    /// An empty first change of somebody, on top of genesis.
    pub(crate) fn new() -> Self {
        Self {
            dependencies: vec![genesis_hash().0],
            actor: vec![0xb0; 16],
            seq: 1,
            first_operation: 100,
            time: 0,
            message: Vec::new(),
            others: Vec::new(),
            columns: Vec::new(),
            behind: Vec::new(),
        }
    }

    /// The same with other columns.
    pub(crate) fn with(columns: Vec<(u64, Vec<u8>)>) -> Self {
        Self { columns, ..Self::new() }
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = leb(length(&self.dependencies));
        body.extend(self.dependencies.iter().flatten());
        body.extend(prefixed(&self.actor));
        body.extend(leb(self.seq));
        body.extend(leb(self.first_operation));
        body.extend(signed(self.time));
        body.extend(prefixed(&self.message));
        body.extend(leb(length(&self.others)));
        body.extend(self.others.iter().flat_map(|other| prefixed(other)));
        body.extend(leb(length(&self.columns)));
        for (spec, bytes) in &self.columns {
            body.extend([leb(*spec), leb(length(bytes))].concat());
        }
        body.extend(self.columns.iter().flat_map(|(_, bytes)| bytes.clone()));
        body.extend(&self.behind);
        body
    }

    pub(crate) fn chunk(&self) -> Vec<u8> {
        sealed(&self.body())
    }
}

/// Frames any bytes as a change with the checksum that fits them.
pub(crate) fn sealed(body: &[u8]) -> Vec<u8> {
    frame(&hash_of(body)[..4], 1, body)
}

/// Frames a body deflated; the checksum is that of the change inside.
pub(crate) fn deflated(body: &[u8]) -> Vec<u8> {
    frame(&hash_of(body)[..4], 2, &deflate(body))
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

/// What inflates to that many megabytes of zeros: one of them deflated, again and again.
pub(crate) fn deflated_zeros(megabytes: usize) -> Vec<u8> {
    let mut one = Vec::with_capacity(1 << 14);
    Compress::new(Compression::best(), false)
        .compress_vec(&vec![0; 1 << 20], &mut one, FlushCompress::Full)
        .unwrap();
    // The last block is an empty one.
    [one.repeat(megabytes), vec![3, 0]].concat()
}

/// The same with the head and end of a gzip file; the sum at its end is wrong, if anybody gets there.
pub(crate) fn gzipped_zeros(megabytes: usize) -> Vec<u8> {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    [&head[..], &deflated_zeros(megabytes), &[0; 8]].concat()
}

/// Writes a frame, sound or not.
pub(crate) fn frame(checksum: &[u8], kind: u8, body: &[u8]) -> Vec<u8> {
    [&[0x85, 0x6f, 0x4a, 0x83], checksum, &[kind], &prefixed(body)].concat()
}

fn hash_of(body: &[u8]) -> [u8; 32] {
    sha256(&[&[1], &prefixed(body)[..]].concat())
}

fn length<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap()
}

pub(crate) fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [leb(length(bytes)), bytes.to_vec()].concat()
}

/// Writes a number.
pub(crate) fn leb(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 0x7f {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
    out
}

/// Writes a signed number.
pub(crate) fn signed(mut number: i64) -> Vec<u8> {
    let mut out = Vec::new();
    while !(-64..64).contains(&number) {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number & 0x7f).unwrap());
    out
}

/// Writes runs of a column: how often, and the entry's bytes; none for nothing.
pub(crate) fn runs(runs: &[(u64, Option<&[u8]>)]) -> Vec<u8> {
    let mut column = Vec::new();
    for (count, entry) in runs {
        match entry {
            None => column.extend([vec![0], leb(*count)].concat()),
            Some(entry) if *count == 1 => column.extend([&[0x7f], *entry].concat()),
            Some(entry) => {
                column.extend(signed(i64::try_from(*count).unwrap()));
                column.extend(*entry);
            }
        }
    }
    column
}

/// A list of `count` nulls, made and filled in one change: valid to the last bit.
pub(crate) fn nulls(count: u64) -> Parts {
    let object = Parts::new().first_operation;
    let list = leb(object);
    Parts::with(vec![
        (0x01, runs(&[(1, None), (count, Some(&[0]))])),
        (0x02, runs(&[(1, None), (count, Some(&list))])),
        (0x13, runs(&[(1, None), (count, Some(&[0]))])),
        (0x15, runs(&[(1, Some(b"\x01l")), (count, None)])),
        (0x34, [leb(1), leb(count)].concat()),
        (0x42, runs(&[(1, Some(&[2])), (count, Some(&[1]))])),
        (0x56, runs(&[(count + 1, Some(&[0]))])),
        (0x70, runs(&[(count + 1, Some(&[0]))])),
    ])
}

/// One answer at the root, `key` = null, and more columns beside it.
pub(crate) fn put(key: &[u8], more: Vec<(u64, Vec<u8>)>) -> Parts {
    let mut columns = vec![
        (0x15, [vec![0x7f], key.to_vec()].concat()),
        (0x34, vec![1]),
        (0x42, vec![0x7f, 1]),
        (0x56, vec![0x7f, 0]),
        (0x70, vec![0x7f, 0]),
    ];
    for (spec, bytes) in more {
        match columns.iter_mut().find(|column| column.0 == spec) {
            Some(column) => column.1 = bytes,
            None => columns.push((spec, bytes)),
        }
    }
    columns.sort();
    Parts::with(columns)
}
