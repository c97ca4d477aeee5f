//! Scans of signed papers: what kind of file one is, by its first bytes and nothing else.
//!
//! What a browser or a file name says about a file is not asked. Nothing in it is read or run.

use serde::{Deserialize, Serialize};

/// Largest scan, in bytes: forty pages in black and white at 300 dots an inch.
pub const SCAN_BYTES_MAX: usize = 10 * 1024 * 1024;

/// What a scan can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// PDF.
    Pdf,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

/// Which paper a scan shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaperKind {
    /// The district's opinion, agreed or returned (ý kiến của huyện).
    Opinion,
    /// The decision of recognition (Mẫu 02).
    Decision,
    /// Minutes of a hamlet meeting or of posting (biên bản).
    Minutes,
}

/// Why a file is no scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Over [`SCAN_BYTES_MAX`].
    #[error("a scan is at most {SCAN_BYTES_MAX} bytes")]
    TooLarge,
    /// Neither PDF nor JPEG nor PNG.
    #[error("a scan is a PDF, a JPEG or a PNG")]
    Kind,
}

impl Media {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pdf, Self::Jpeg, Self::Png];

    fn magic(self) -> &'static [u8] {
        match self {
            Self::Pdf => b"%PDF-",
            Self::Jpeg => &[0xff, 0xd8, 0xff],
            Self::Png => b"\x89PNG\r\n\x1a\n",
        }
    }

    /// Returns the content type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// Returns the ending of a file's name, which is the stable name too.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// Reads the stable name.
    pub fn from_ending(ending: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.ending() == ending)
    }
}

impl PaperKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Opinion, Self::Decision, Self::Minutes];

    /// Returns the stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opinion => "opinion",
            Self::Decision => "decision",
            Self::Minutes => "minutes",
        }
    }

    /// Reads the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the role that keeps papers of this kind: whoever signs them.
    pub fn role(self) -> crate::scope::Role {
        match self {
            Self::Opinion => crate::scope::Role::District,
            Self::Decision | Self::Minutes => crate::scope::Role::Officer,
        }
    }
}

/// Tells what a file is, by its first bytes.
///
/// ```
/// use shared::scan::{Media, ScanError, media_of};
///
/// assert_eq!(media_of(b"%PDF-1.7 ..."), Ok(Media::Pdf));
/// assert_eq!(media_of(b"<html>%PDF-1.7"), Err(ScanError::Kind));
/// ```
pub fn media_of(bytes: &[u8]) -> Result<Media, ScanError> {
    if bytes.len() > SCAN_BYTES_MAX {
        return Err(ScanError::TooLarge);
    }
    let found = Media::ALL.into_iter().find(|media| bytes.starts_with(media.magic()));
    found.ok_or(ScanError::Kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_is_what_it_begins_as_and_not_too_large() {
        assert_eq!(media_of(&[0xff, 0xd8, 0xff, 0xe0]), Ok(Media::Jpeg));
        assert_eq!(media_of(b"\x89PNG\r\n\x1a\n...."), Ok(Media::Png));
        for no_scan in [&b""[..], b"%PDF", b"MZ\x90", b"PK\x03\x04", b"<svg", b"GIF89a"] {
            assert_eq!(media_of(no_scan), Err(ScanError::Kind));
        }
        let mut large = b"%PDF-".to_vec();
        large.resize(SCAN_BYTES_MAX, 0);
        assert_eq!(media_of(&large), Ok(Media::Pdf));
        large.push(0);
        assert_eq!(media_of(&large), Err(ScanError::TooLarge));
    }

    #[test]
    fn names_read_back() {
        for media in Media::ALL {
            assert_eq!(Media::from_ending(media.ending()), Some(media));
        }
        for kind in PaperKind::ALL {
            assert_eq!(PaperKind::from_name(kind.name()), Some(kind));
        }
    }
}
