//! What is bound to statements and read back as ids: the same on both databases.

/// One value bound to a statement. Typed even when null, which PostgreSQL needs.
#[derive(Debug, Clone)]
pub(crate) enum Val {
    /// Number, time or boolean.
    Int(Option<i64>),
    /// Text.
    Text(Option<String>),
    /// Bytes.
    Blob(Option<Vec<u8>>),
}

impl From<i64> for Val {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<bool> for Val {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<Option<i64>> for Val {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Val {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<&String> for Val {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}

impl From<String> for Val {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<&[u8]> for Val {
    fn from(value: &[u8]) -> Self {
        Self::Blob(Some(value.to_vec()))
    }
}

impl From<Vec<u8>> for Val {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(Some(value))
    }
}

impl From<Option<&[u8]>> for Val {
    fn from(value: Option<&[u8]>) -> Self {
        Self::Blob(value.map(<[u8]>::to_vec))
    }
}

/// Binds a row of values: `vals![campaign, unit, 3]`.
macro_rules! vals {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::value::Val::from($value)),*] };
}
pub(crate) use vals;

/// An id kept as a blob.
pub(crate) trait Id: Sized {
    /// Takes exactly the right number of bytes.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

macro_rules! ids {
    ($($name:ident),*) => { $(
        impl Id for shared::id::$name {
            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Self::from_slice(bytes).ok()
            }
        }

        impl From<shared::id::$name> for Val {
            fn from(id: shared::id::$name) -> Self {
                Self::Blob(Some(id.as_bytes().to_vec()))
            }
        }

        impl From<Option<shared::id::$name>> for Val {
            fn from(id: Option<shared::id::$name>) -> Self {
                Self::Blob(id.map(|id| id.as_bytes().to_vec()))
            }
        }
    )* };
}
ids!(CampaignId, HouseholdId, DocumentId, DeviceId, AccountId, CodeId, Actor, ChangeHash, Digest);
