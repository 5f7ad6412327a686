//! Where signing keys live: a PKCS#12 file, or a throw-away key for the demonstration.
//!
//! Each gives a [`Signer`](crate::receipt::signature::Signer); tokens (PKCS#11) will stand beside them.

pub mod pkcs12;
pub mod throwaway;

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::pkcs12::Pkcs12Signer;
    use super::throwaway::{ThrowawayKey, make};
    use crate::receipt::page::render;
    use crate::receipt::proof::{Found, GivenFile, SealFault, Trust, prove};
    use crate::receipt::signature::{Algorithm, SealError, SealText, SignError, Signer, qualified, seal};
    use crate::receipt::specimen;

    fn at() -> Timestamp {
        specimen::ordinary().issued_at
    }

    fn signer(kind: ThrowawayKey) -> Pkcs12Signer {
        Pkcs12Signer::open(&make(kind, "p", at()).unwrap(), "p").unwrap()
    }

    fn text() -> SealText {
        SealText {
            reason: "Recipisă nr. 1/20.11.2026".into(),
            location: "Țăndărei".into(),
            contact: "registratura@exemplu.test".into(),
            alternate: "Semnătura electronică a instituției".into(),
        }
    }

    fn sealed(kind: ThrowawayKey) -> Vec<u8> {
        seal(
            render(&specimen::ordinary()).unwrap(),
            &signer(kind),
            at(),
            &text(),
        )
        .unwrap()
    }

    #[test]
    fn each_kind_of_key_seals_and_is_proved() {
        for kind in [ThrowawayKey::P256, ThrowawayKey::Rsa2048, ThrowawayKey::Rsa3072] {
            let signer = signer(kind);
            let pdf = seal(render(&specimen::ordinary()).unwrap(), &signer, at(), &text()).unwrap();
            let root = signer.certificate_chain()[1].clone();
            let proof = prove(&pdf, &[], &[root]);
            let finding = proof.seal.as_ref().unwrap();
            assert_eq!(finding.trust, Trust::Anchored);
            assert_eq!(finding.signer.name, signer.name());
            assert_eq!(finding.claimed_at, "D:20261120090021+02'00'");
            assert!(!finding.signer.qualified && proof.holds());
            assert_eq!(proof.twin.unwrap().number, "1/20.11.2026");
        }
    }

    #[test]
    fn no_byte_can_change_unseen() {
        let pdf = sealed(ThrowawayKey::P256);
        let gap = pdf.len() - 5_200;
        let places = (0..gap).step_by(97).chain(gap..pdf.len());
        for place in places {
            let mut changed = pdf.clone();
            for bit in [0x01, 0x20] {
                changed[place] = pdf[place] ^ bit;
                assert!(
                    prove(&changed, &[], &[]).seal.is_err(),
                    "byte {place}, bit {bit:#x}"
                );
            }
        }
    }

    #[test]
    fn nothing_can_be_appended_cut_or_sealed_twice() {
        let pdf = sealed(ThrowawayKey::P256);
        for tail in [b"\n".as_slice(), b"%", b"\n%%EOF\n"] {
            assert!(prove(&[&pdf, tail].concat(), &[], &[]).seal.is_err());
        }
        assert!(prove(&pdf[..pdf.len() - 1], &[], &[]).seal.is_err());
        let again = seal(pdf, &signer(ThrowawayKey::P256), at(), &text());
        assert!(matches!(again, Err(SealError::AlreadySealed)));
        let unsigned = prove(&render(&specimen::ordinary()).unwrap(), &[], &[]);
        assert_eq!(unsigned.seal, Err(SealFault::Unsigned));
    }

    #[test]
    fn a_foreign_signature_is_refused_for_its_value() {
        struct Forger(Pkcs12Signer, Pkcs12Signer);
        impl Signer for Forger {
            fn certificate_chain(&self) -> &[Vec<u8>] {
                self.0.certificate_chain()
            }
            fn algorithm(&self) -> Algorithm {
                self.0.algorithm()
            }
            fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
                self.1.sign(message)
            }
        }
        let forger = Forger(signer(ThrowawayKey::P256), signer(ThrowawayKey::P256));
        let pdf = seal(render(&specimen::ordinary()).unwrap(), &forger, at(), &text()).unwrap();
        assert_eq!(prove(&pdf, &[], &[]).seal, Err(SealFault::Value));
    }

    #[test]
    fn files_are_found_by_their_content() {
        let mut receipt = specimen::ordinary();
        let mine = GivenFile::of("acasă.pdf".into(), b"content");
        receipt.files[1].sha256.clone_from(&mine.sha256);
        let pdf = seal(
            render(&receipt).unwrap(),
            &signer(ThrowawayKey::P256),
            at(),
            &text(),
        )
        .unwrap();
        let proof = prove(&pdf, &[mine, GivenFile::of("alta.pdf".into(), b"other")], &[]);
        assert_eq!(proof.files[0].found, Found::Parts(vec![2]));
        assert_eq!(proof.files[1].found, Found::Nowhere);
        assert!(proof.seal.is_ok() && !proof.holds());
    }

    #[test]
    fn a_qualified_certificate_is_told_by_its_statement() {
        use openssl::asn1::{Asn1Object, Asn1OctetString};
        use openssl::x509::{X509, X509Extension};
        let key = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
        // SEQUENCE { SEQUENCE { OID 0.4.0.1862.1.1 } } and the same with .1.4 (QcSSCD) alone.
        for (last, expected) in [(1u8, true), (4, false)] {
            let statements = [0x30, 10, 0x30, 8, 0x06, 6, 0x04, 0, 0x8E, 0x46, 1, last];
            let mut certificate = X509::builder().unwrap();
            certificate.set_version(2).unwrap();
            certificate.set_pubkey(&key).unwrap();
            certificate
                .set_not_before(&openssl::asn1::Asn1Time::from_unix(0).unwrap())
                .unwrap();
            certificate
                .set_not_after(&openssl::asn1::Asn1Time::from_unix(1_000_000_000).unwrap())
                .unwrap();
            let oid = Asn1Object::from_str("1.3.6.1.5.5.7.1.3").unwrap();
            let value = Asn1OctetString::new_from_bytes(&statements).unwrap();
            certificate
                .append_extension(X509Extension::new_from_der(&oid, false, &value).unwrap())
                .unwrap();
            certificate
                .sign(&key, openssl::hash::MessageDigest::sha256())
                .unwrap();
            assert_eq!(qualified(&certificate.build().to_der().unwrap()), expected);
        }
    }
}
