//! The receipt that a citizen gets: what it says, its page, its machine-readable twin, its signature, its proof.
//!
//! The way of a receipt: [`content`] is composed by the caller; [`page`] renders it as PDF/A-3b and PDF/UA-1
//! with the [`twin`] inside; [`signature`] seals the PDF with a [`Signer`](signature::Signer) from the edge;
//! [`proof`] checks a sealed PDF, and the citizen's own files against it. [`objects`] reads the PDFs that we
//! write, `wording` says days, instants, counts and sizes in Romanian. Everything here is pure: bytes and
//! instants come in, bytes come out. It leaves out when a receipt is due, where it is kept and how it is sent.

pub mod content;
pub mod objects;
pub mod page;
pub mod proof;
pub mod signature;
pub mod twin;

pub(crate) mod wording;

#[cfg(test)]
pub(crate) mod specimen;
