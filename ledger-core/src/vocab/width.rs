//! Conversions between `usize` and the widths that formats name. They lose nothing on a machine of
//! 32 or 64 bits; the standard library, which allows for others, offers no `From` for them.

const _: () = assert!(usize::BITS >= u32::BITS && usize::BITS <= u64::BITS);

/// A length in memory as one of a file.
#[expect(clippy::as_conversions, reason = "`usize` has at most 64 bits")]
pub const fn to_u64(len: usize) -> u64 {
    len as u64
}

/// A number or length of 32 bits as one in memory.
#[expect(clippy::as_conversions, reason = "`usize` has at least 32 bits")]
pub const fn to_usize(number: u32) -> usize {
    number as usize
}
