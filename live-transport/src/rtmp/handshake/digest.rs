//! The digests inside the handshake: HMAC-SHA256 under well-known keys, so a mark of origin and no protection.

use super::SIZE;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Bytes of a digest.
const DIGEST: usize = 32;

/// The bytes behind the text of both keys.
const KEY_SUFFIX: [u8; 32] = [
    0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57, 0x6E,
    0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
];

/// A digest of a C1 or S1.
pub(super) type Digest = [u8; DIGEST];

/// Where in C1 or S1 the digest lies: two layouts are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// In the first half, placed by bytes 8 to 11.
    First,
    /// In the second half, placed by bytes 772 to 775.
    Second,
}

impl Scheme {
    fn offset(self, block: &[u8; SIZE]) -> usize {
        let at = match self {
            Self::First => 8,
            Self::Second => 772,
        };
        let sum: usize = block[at..at + 4].iter().map(|&byte| usize::from(byte)).sum();
        at + 4 + sum % 728
    }
}

/// Who signs: the text its key starts with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signer(&'static [u8]);

impl Signer {
    pub(super) const CLIENT: Self = Self(b"Genuine Adobe Flash Player 001");
    pub(super) const SERVER: Self = Self(b"Genuine Adobe Flash Media Server 001");

    /// Puts the digest of `block` into its place.
    pub(super) fn sign_block(self, block: &mut [u8; SIZE], scheme: Scheme) {
        let at = scheme.offset(block);
        let digest = self.digest_around(block, at);
        block[at..at + DIGEST].copy_from_slice(&digest);
    }

    /// `block` made the answer to a peer whose C1 or S1 had the digest `theirs`.
    pub(super) fn answer_to(self, theirs: &Digest, mut block: [u8; SIZE]) -> [u8; SIZE] {
        let key = hmac(&[self.0, &KEY_SUFFIX].concat(), &[theirs]);
        let (body, signature) = block.split_at_mut(SIZE - DIGEST);
        signature.copy_from_slice(&hmac(&key, &[body]));
        block
    }

    /// The digest of everything but the place at `at`.
    fn digest_around(self, block: &[u8; SIZE], at: usize) -> Digest {
        hmac(self.0, &[&block[..at], &block[at + DIGEST..]])
    }
}

/// The digest that `signer` put into `block`, if it did.
pub(super) fn find(signer: Signer, block: &[u8; SIZE]) -> Option<(Scheme, Digest)> {
    [Scheme::First, Scheme::Second].into_iter().find_map(|scheme| {
        let at = scheme.offset(block);
        let digest = signer.digest_around(block, at);
        (block[at..at + DIGEST] == digest).then_some((scheme, digest))
    })
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Digest {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_schemes_are_found_and_a_changed_byte_is_not() {
        for scheme in [Scheme::First, Scheme::Second] {
            let mut block = [0xFF; SIZE];
            Signer::CLIENT.sign_block(&mut block, scheme);
            assert_eq!(find(Signer::CLIENT, &block).map(|(found, _)| found), Some(scheme));
            assert!(find(Signer::SERVER, &block).is_none());
            block[1535] ^= 1;
            assert!(find(Signer::CLIENT, &block).is_none());
        }
    }
}
