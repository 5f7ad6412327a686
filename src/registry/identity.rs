//! Identifiers that people and mail servers see: unguessable, and the same again after a crash.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Thirty-two random bytes made when the registry was set up; never shown, never logged.
#[derive(Clone)]
pub struct InstanceSecret([u8; 32]);

impl InstanceSecret {
    /// Takes the bytes that the store keeps.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// `base32(HMAC-SHA-256(secret, kind ‖ 0 ‖ key))`, lower case, 26 characters (130 bits).
    pub fn id(&self, kind: &str, key: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(key.as_bytes());
        let mut spelled = data_encoding::BASE32_NOPAD.encode(&mac.finalize().into_bytes());
        spelled.truncate(26);
        spelled.to_ascii_lowercase()
    }
}

impl std::fmt::Debug for InstanceSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InstanceSecret")
    }
}

#[cfg(test)]
mod tests {
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::sign::Signer;

    use super::*;

    #[test]
    fn it_is_hmac_as_openssl_computes_it() {
        let secret = InstanceSecret::new([7; 32]);
        let key = PKey::hmac(&[7; 32]).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
        signer.update(b"letter\0receipt/1").unwrap();
        let expected = data_encoding::BASE32_NOPAD
            .encode(&signer.sign_to_vec().unwrap())
            .to_ascii_lowercase();
        assert_eq!(secret.id("letter", "receipt/1"), expected[..26]);
        assert_ne!(secret.id("letter", "receipt/1"), secret.id("letter", "receipt/2"));
    }
}
