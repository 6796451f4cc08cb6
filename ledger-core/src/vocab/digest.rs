//! Digests, and the canonical hasher: BLAKE3 in key-derivation mode, one context per use.
//!
//! The contexts are part of the format (`schemas/log-format.md`); a digest of one use can never be
//! taken for one of another.

use std::cell::Cell;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::Serialize;

use crate::vocab::problem::Code;
use crate::vocab::problem::Problem;

/// 32 bytes of BLAKE3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

macro_rules! digest_types {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        pub struct $name(pub Digest);

        impl $name {
            /// From its 32 bytes.
            pub fn from_bytes(bytes: [u8; 32]) -> $name {
                $name(Digest(bytes))
            }
            /// Its 32 bytes.
            pub fn bytes(&self) -> &[u8; 32] {
                &self.0.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}

digest_types! {
    /// Identifies a ledger: the hash of its record 0.
    LedgerId;
    /// The hash of a record: covers the event, its place, and through the previous hash all
    /// history before it.
    RecordHash;
    /// Identifies an event independently of its place on the log.
    EventId;
    /// What an event says, without its nonce: equal for a repeat of the same input.
    ContentDigest;
    /// One hash over all balances and open matters (`schemas/state-root.md`).
    StateRoot;
}

/// What a hash is used for; each has a BLAKE3 context of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The payload of an event.
    Payload,
    /// The content of an event (everything but the nonce).
    Content,
    /// The id of an event.
    Event,
    /// A record.
    Record,
    /// A frame header on disk.
    Header,
    /// The lines of a report that is written in parts.
    Lines,
    /// A version of the terms.
    Terms,
    /// The state root, version 1.
    StateRoot,
    /// The nonces of a report's parts, from that of the report.
    PartNonce,
    /// The sled index (a cache, not part of the format).
    Index,
    /// The state root, version 2.
    StateRoot2,
    /// What a settlement agrees on.
    Outcome,
}

impl Domain {
    /// The BLAKE3 context string.
    pub fn context(self) -> &'static str {
        match self {
            Domain::Payload => "revshare 2026-11-23 payload v1",
            Domain::Content => "revshare 2026-11-23 content v1",
            Domain::Event => "revshare 2026-11-23 event id v1",
            Domain::Record => "revshare 2026-11-23 record v1",
            Domain::Header => "revshare 2026-11-23 frame header v1",
            Domain::Lines => "revshare 2026-11-23 report lines v1",
            Domain::Terms => "revshare 2026-11-23 terms v1",
            Domain::StateRoot => "revshare 2026-11-23 state root v1",
            Domain::PartNonce => "revshare 2026-11-23 part nonce v1",
            Domain::Index => "revshare 2026-11-23 index v1",
            Domain::StateRoot2 => "revshare 2026-11-23 state root v2",
            Domain::Outcome => "revshare 2026-11-25 outcome v1",
        }
    }

    /// A hasher for this use. Deriving the key costs two compressions, so it is done once.
    #[expect(
        clippy::as_conversions,
        clippy::indexing_slicing,
        reason = "there is one for each domain"
    )]
    pub fn hasher(self) -> blake3::Hasher {
        static HASHERS: LazyLock<[blake3::Hasher; 12]> = LazyLock::new(|| {
            [
                Domain::Payload,
                Domain::Content,
                Domain::Event,
                Domain::Record,
                Domain::Header,
                Domain::Lines,
                Domain::Terms,
                Domain::StateRoot,
                Domain::PartNonce,
                Domain::Index,
                Domain::StateRoot2,
                Domain::Outcome,
            ]
            .map(|domain| blake3::Hasher::new_derive_key(domain.context()))
        });
        HASHERS[self as usize].clone()
    }

    /// The digest of what is fed to a hasher for this use. The hasher is kept: copying one costs as
    /// much as hashing a short text.
    #[expect(
        clippy::as_conversions,
        clippy::indexing_slicing,
        reason = "there is one for each domain"
    )]
    pub fn digest_of(self, feed: impl FnOnce(&mut blake3::Hasher)) -> Digest {
        thread_local! {
            static KEPT: [Cell<Option<Box<blake3::Hasher>>>; 12] =
                const { [const { Cell::new(None) }; 12] };
        }
        KEPT.with(|kept| {
            let kept = &kept[self as usize];
            let mut hasher = kept.take().unwrap_or_else(|| Box::new(self.hasher()));
            feed(&mut hasher);
            let digest = Digest(*hasher.finalize().as_bytes());
            hasher.reset();
            kept.set(Some(hasher));
            digest
        })
    }

    /// The digest of one byte string.
    pub fn digest(self, bytes: &[u8]) -> Digest {
        self.digest_of(|hasher| {
            hasher.update(bytes);
        })
    }
}

/// The byte that two hexadecimal digits give; `None` if they are anything else.
pub fn hex_byte(pair: &[u8]) -> Option<u8> {
    let [high, low] = pair else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
}

impl Digest {
    /// Reads 64 hexadecimal digits. Errors: [`Code::Digest`].
    pub fn parse(text: &str) -> Result<Digest, Problem> {
        let problem = || {
            Problem::new(Code::Digest, format!("`{}` is not a hash", text.escape_debug()))
                .hint("a hash is 64 hexadecimal digits")
        };
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return Err(problem());
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = hex_byte(pair).ok_or_else(problem)?;
        }
        Ok(Digest(bytes))
    }

    /// The first 12 hexadecimal digits: enough to type.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
