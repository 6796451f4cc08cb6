//! Records: an event in its place. Linking, hashing, signing and checking, over bytes as they are
//! stored (`schemas/log-format.md`, "Frames" and "Hashes").

pub mod frame;
pub mod record;
pub mod sign;
pub mod key_file;

pub use frame::FRAME_HEADER_LEN;
pub use frame::FRAME_TRAILER_LEN;
pub use frame::frame_len;
pub use key_file::KeyFile;
pub use record::CheckedRecord;
pub use record::Place;
pub use record::StoredRecord;
pub use record::UnsignedRecord;
pub use record::write;
pub use record::write_unsigned;
pub use sign::Signer;
