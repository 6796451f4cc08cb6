//! Signatures are taken as `verify_strict` of ed25519-dalek takes them, which computes more.

use curve25519_dalek::EdwardsPoint;
use curve25519_dalek::Scalar;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::constants::EIGHT_TORSION;
use ed25519_dalek::Digest;
use ed25519_dalek::Sha512;
use ed25519_dalek::Signature;
use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::Verifier as _;
use ed25519_dalek::VerifyingKey;
use ledger_core::chain::sign::is_valid;
use ledger_core::vocab::Code;
use ledger_core::vocab::PublicKey;
use ledger_core::vocab::RecordHash;
use proptest::prelude::any;

use crate::runs::holds;

const CONTEXT: &[u8; 19] = b"revshare record v1\0";
/// The order of the group of the base point, little-endian (RFC 8032, section 5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn message(hash: [u8; 32]) -> Vec<u8> {
    [&CONTEXT[..], &hash].concat()
}

/// What the ledger says, and what `verify_strict` says of the same bytes.
fn both(key: [u8; 32], hash: [u8; 32], signature: [u8; 64]) -> (bool, bool) {
    let own = is_valid(&key, RecordHash::from_bytes(hash), &signature);
    let strict = VerifyingKey::from_bytes(&key).is_ok_and(|key| {
        key.verify_strict(&message(hash), &Signature::from_bytes(&signature)).is_ok()
    });
    (own, strict)
}

fn joined(r: EdwardsPoint, s: Scalar) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r.compress().0);
    signature[32..].copy_from_slice(&s.to_bytes());
    signature
}

fn challenge(r: EdwardsPoint, key: EdwardsPoint, hash: [u8; 32]) -> Scalar {
    let mut hasher = Sha512::new();
    hasher.update(r.compress().0);
    hasher.update(key.compress().0);
    hasher.update(message(hash));
    Scalar::from_hash(hasher)
}

/// A sound signature is taken, and with any one bit of it, of the key or of the hash turned it is not.
#[test]
fn a_signature_with_a_bit_turned_is_none() {
    let (key, hash) = (SigningKey::from_bytes(&[7; 32]), [5; 32]);
    let sound = key.sign(&message(hash)).to_bytes();
    let public = key.verifying_key().to_bytes();
    assert_eq!(both(public, hash, sound), (true, true));
    for bit in 0..512 {
        let (at, flip) = (bit / 8, 1u8 << (bit % 8));
        let mut signature = sound;
        signature[at] ^= flip;
        assert_eq!(both(public, hash, signature), (false, false), "bit {bit} of the signature");
        if at < 32 {
            let (mut public, mut hash) = (public, hash);
            public[at] ^= flip;
            assert_eq!(both(public, [5; 32], sound), (false, false), "bit {bit} of the key");
            hash[at] ^= flip;
            assert_eq!(both(key.verifying_key().to_bytes(), hash, sound), (false, false));
        }
    }
}

/// A second way to write the same number: S and the order of the group.
#[test]
fn a_signature_has_one_number() {
    let (key, hash) = (SigningKey::from_bytes(&[7; 32]), [5; 32]);
    let mut signature = key.sign(&message(hash)).to_bytes();
    let mut carry = 0u16;
    for (byte, more) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
    assert_eq!(both(key.verifying_key().to_bytes(), hash, signature), (false, false));
}

/// Keys and points with a part of small order, for which the equation of a signature holds: whoever
/// knows the secret can make them. Plain verification takes those whose R is of small order; neither
/// the ledger nor strict verification does. A signature with another R is taken or not by both.
#[test]
fn points_of_small_order_sign_nothing() {
    let secret = Scalar::from_bytes_mod_order([9; 32]);
    let (mut plain, mut mixed) = (0, 0);
    for of_key in EIGHT_TORSION {
        let key = ED25519_BASEPOINT_POINT * secret + of_key;
        let bytes = key.compress().0;
        let verifying = VerifyingKey::from_bytes(&bytes).expect("a point");
        for number in 0..16 {
            let hash = [number; 32];
            for small in EIGHT_TORSION {
                // R is small; and R is a point of the base and something small.
                for own in [Scalar::ZERO, Scalar::from(77u8)] {
                    let r = ED25519_BASEPOINT_POINT * own + small;
                    let challenge = challenge(r, key, hash);
                    let signature = joined(r, own + challenge * secret);
                    let holds = small + of_key * challenge == EIGHT_TORSION[0];
                    let (ledger, strict) = both(bytes, hash, signature);
                    assert_eq!(ledger, strict);
                    assert_eq!(ledger, holds && own != Scalar::ZERO);
                    if holds && own == Scalar::ZERO {
                        let signature = Signature::from_bytes(&signature);
                        assert!(verifying.verify(&message(hash), &signature).is_ok());
                        plain += 1;
                    }
                    mixed += u32::from(ledger);
                }
            }
        }
    }
    assert!(plain >= 100 && mixed >= 100, "{plain} of small order, {mixed} of mixed order");
    // Under a key of small order anything is signed by nothing.
    for key in EIGHT_TORSION {
        for number in 0..16 {
            for r in EIGHT_TORSION {
                let signature = joined(r, Scalar::ZERO);
                assert_eq!(both(key.compress().0, [number; 32], signature), (false, false));
            }
        }
        let problem = PublicKey::from_bytes(key.compress().0).expect_err("a weak key");
        assert_eq!(problem.code, Code::KeyWeak);
    }
}

/// A number above the prime of the field names the point of the number below it: no second encoding
/// of R or of a key is taken.
#[test]
fn points_have_one_encoding() {
    let mut points = 0;
    for low in 0..19u8 {
        for sign in [0x7f, 0xff] {
            let mut above = [0xff; 32];
            (above[0], above[31]) = (0xed + low, sign);
            let Ok(key) = VerifyingKey::from_bytes(&above) else { continue };
            points += 1;
            let problem = PublicKey::from_bytes(above).expect_err("a second encoding");
            assert_eq!(problem.code, Code::KeyWeak);
            let once = key.to_edwards().compress().0;
            assert_ne!(once, above);
            assert_eq!(PublicKey::from_bytes(once).is_ok(), !key.is_weak());
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&above);
            let public = SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes();
            assert_eq!(both(public, [5; 32], signature), (false, false));
        }
    }
    assert!(points >= 19, "{points}");
}

/// Both say the same of any bytes.
#[test]
fn any_bytes_are_judged_as_strictly() {
    let bytes = (any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u8; 32]>());
    holds(400, bytes, |(key, hash, r, s)| {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(&s);
        signature[63] &= 0x0f;
        let (ledger, strict) = both(key, hash, signature);
        assert_eq!(ledger, strict);
    });
}
