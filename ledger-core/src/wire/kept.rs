//! How this machine keeps terms: as the bytes that an event has them in, so that they are judged
//! again when they are read.

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;
use serde::ser::Error as _;

use crate::terms::TermsVersion;
use crate::terms::Version;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Level;
use crate::vocab::digest::Domain;
use crate::wire::terms::decode_terms;
use crate::wire::terms::encode_terms;

impl Serialize for TermsVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = encode_terms(&self.terms, self.level);
        let bytes = bytes.map_err(|problem| S::Error::custom(problem.message))?;
        (self.level, serde_bytes::Bytes::new(&bytes)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TermsVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TermsVersion, D::Error> {
        let (level, bytes) = <(Level, &serde_bytes::Bytes)>::deserialize(deserializer)?;
        let terms = decode_terms(bytes, level);
        let terms = terms.map_err(|problem| D::Error::custom(problem.message))?;
        Ok(TermsVersion { terms, digest: Domain::Terms.digest(bytes), level })
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Version { event, seq, effective_from, terms, digest, level } = self.clone();
        (event, seq, effective_from, TermsVersion { terms, digest, level }).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
        type Row = (EventId, u64, Date, TermsVersion);
        let (event, seq, effective_from, version) = Row::deserialize(deserializer)?;
        let TermsVersion { terms, digest, level } = version;
        Ok(Version { event, seq, effective_from, terms, digest, level })
    }
}
