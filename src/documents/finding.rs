//! What an examination finds: a closed list of codes, how grave each is, and what the citizen reads.
//! The remedies for kinds that are not accepted are in [`super::foreign`].

use super::detect::Detected;
use super::foreign;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth keeping; nobody has to do anything.
    Note,
    /// A person should look; the document is accepted.
    Warning,
    /// The document is refused.
    Refusal,
}

impl Severity {
    /// Stable code, for JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Refusal => "refusal",
        }
    }
}

/// One thing found in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub code: Code,
    /// For the operator: offsets, counts, a parser's words. Holds no content of the document.
    pub detail: String,
}

impl Finding {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }

    /// How grave it is; decided by the code alone.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Whether what the citizen reads of a finding says that there is nothing to do.
pub fn asks_nothing(citizen_ro: &str) -> bool {
    citizen_ro.ends_with("nu trebuie să faceți nimic.")
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident, $text:literal, $severity:ident, $citizen:literal;)*) => {
        /// Everything that an examination can find.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            /// The file is of a kind that is not accepted; the kind is named so that the remedy fits.
            FormatNotAccepted(Detected),
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code without a kind, for tables and tests.
            pub const PLAIN: &[Code] = &[$(Code::$name),*];

            /// Stable code, for JSON and statistics.
            pub fn as_str(self) -> &'static str {
                match self {
                    Self::FormatNotAccepted(_) => "format-not-accepted",
                    $(Self::$name => $text,)*
                }
            }

            /// How grave the finding is.
            pub fn severity(self) -> Severity {
                match self {
                    Self::FormatNotAccepted(_) => Severity::Refusal,
                    $(Self::$name => Severity::$severity,)*
                }
            }

            /// What the citizen reads: what is wrong, and the one step to do.
            pub fn citizen_ro(self) -> &'static str {
                match self {
                    Self::FormatNotAccepted(detected) => foreign::remedy_ro(detected),
                    $(Self::$name => $citizen,)*
                }
            }
        }
    };
}

codes! {
    /// Larger than [`super::Limits::size_bytes_max`].
    TooLarge, "too-large", Refusal,
        "Fișierul este prea mare pentru a fi verificat. Vă rugăm să îl trimiteți din nou, împărțit în \
         fișiere mai mici sau scanat la o rezoluție mai mică.";
    /// More containers around it than [`super::Limits::nesting_max`].
    NestingTooDeep, "nesting-too-deep", Refusal,
        "Documentul se află în prea multe fișiere puse unul în altul. Vă rugăm să trimiteți documentul \
         însuși.";
    /// The files behind the last one that one mail may have.
    TooManyFiles, "too-many-files", Refusal,
        "Mesajul are mai multe fișiere decât pot fi verificate odată; acestea nu au fost verificate. Vă rugăm să le \
         trimiteți într-un mesaj separat.";
    /// The ending of the name promises another kind than the content is.
    NameDisagrees, "name-disagrees", Warning,
        "Numele fișierului arată alt tip decât conținutul. Am ținut cont de conținut; nu trebuie să faceți \
         nimic.";
    /// The declared media type promises another kind than the content is.
    DeclaredDisagrees, "declared-disagrees", Note,
        "Programul de e-mail a anunțat alt tip de fișier decât conținutul. Am ținut cont de conținut; nu \
         trebuie să faceți nimic.";
    /// The bytes fit two accepted kinds; judged as the claimed one.
    Polyglot, "polyglot", Warning,
        "Fișierul poate fi citit în două feluri. L-am verificat după tipul arătat de numele lui; dacă nu \
         ați dorit acest lucru, vă rugăm să îl salvați din nou.";

    /// A picture beyond the pixel budget.
    ImageTooLarge, "image-too-large", Refusal,
        "Imaginea are dimensiuni prea mari. Vă rugăm să o micșorați sau să o scanați la o rezoluție mai \
         mică și să o trimiteți din nou.";
    /// A JPEG that ends before its end marker.
    JpegTruncated, "jpeg-truncated", Refusal,
        "Fotografia nu a ajuns întreagă. Vă rugăm să o trimiteți din nou.";
    /// A JPEG whose segments or picture data do not decode.
    JpegDamaged, "jpeg-damaged", Refusal,
        "Fotografia este deteriorată și nu poate fi deschisă. Vă rugăm să o fotografiați sau să o scanați \
         din nou și să o trimiteți.";
    /// A JPEG of a rare process (lossless, arithmetic, 12 bits) that common viewers do not open.
    JpegUnsupported, "jpeg-unsupported", Refusal,
        "Fotografia este într-o variantă rară de JPEG, pe care programele obișnuite nu o deschid. Vă rugăm \
         să o salvați ca JPEG obișnuit sau ca PDF și să o trimiteți din nou.";
    /// A JPEG in printing colours.
    JpegCmyk, "jpeg-cmyk", Note,
        "Fotografia are culori pentru tipar (CMYK). Este în regulă; nu trebuie să faceți nimic.";
    /// Bytes after the end of a JPEG.
    JpegTrailingBytes, "jpeg-trailing-bytes", Note,
        "După sfârșitul fotografiei mai există date suplimentare. Este în regulă; nu trebuie să faceți \
         nimic.";

    /// A PNG that ends before its IEND chunk.
    PngTruncated, "png-truncated", Refusal,
        "Imaginea nu a ajuns întreagă. Vă rugăm să o trimiteți din nou.";
    /// A PNG whose chunks, checksums or picture data are wrong.
    PngDamaged, "png-damaged", Refusal,
        "Imaginea este deteriorată și nu poate fi deschisă. Vă rugăm să o salvați sau să o scanați din nou \
         și să o trimiteți.";
    /// Bytes after the end of a PNG.
    PngTrailingBytes, "png-trailing-bytes", Note,
        "După sfârșitul imaginii mai există date suplimentare. Este în regulă; nu trebuie să faceți nimic.";

    /// Bytes before `%PDF-`.
    PdfLeadingBytes, "pdf-leading-bytes", Note,
        "Documentul PDF are câteva date în plus la început. Este în regulă; nu trebuie să faceți nimic.";
    /// Bytes after the last `%%EOF`.
    PdfTrailingBytes, "pdf-trailing-bytes", Warning,
        "Documentul PDF are date în plus la sfârșit. L-am acceptat; dacă îl vedeți incomplet, vă rugăm să \
         îl salvați și să îl trimiteți din nou.";
    /// The cross-reference table is damaged; the objects were found by searching.
    PdfRepaired, "pdf-repaired", Warning,
        "Documentul PDF are mici defecte, pe care programele obișnuite le repară singure. L-am acceptat; nu \
         trebuie să faceți nimic.";
    /// Encrypted, but opens with the empty user password (ISO 32000-1 §7.6.3).
    PdfRestricted, "pdf-restricted", Note,
        "Documentul PDF are restricții de editare, dar se deschide fără parolă. Este în regulă; nu trebuie \
         să faceți nimic.";
    /// Needs a user password.
    PdfPassword, "pdf-password", Refusal,
        "Documentul PDF cere o parolă pentru a fi deschis. Vă rugăm să îl salvați fără parolă și să îl \
         trimiteți din nou.";
    /// Encrypted in a way that is not known.
    PdfEncryptionUnsupported, "pdf-encryption-unsupported", Refusal,
        "Documentul PDF este protejat într-un mod pe care nu îl putem deschide. Vă rugăm să îl salvați fără \
         protecție și să îl trimiteți din nou.";
    /// Ends before its trailer.
    PdfTruncated, "pdf-truncated", Refusal,
        "Documentul PDF nu a ajuns întreg. Vă rugăm să îl trimiteți din nou.";
    /// Does not open, or its trailer, catalog or page tree is wrong.
    PdfDamaged, "pdf-damaged", Refusal,
        "Documentul PDF este deteriorat și nu poate fi deschis. Vă rugăm să îl salvați sau să îl scanați \
         din nou și să îl trimiteți.";
    /// Opens but has no page.
    PdfNoPages, "pdf-no-pages", Refusal,
        "Documentul PDF nu are nicio pagină. Vă rugăm să verificați fișierul și să trimiteți documentul \
         complet.";
    /// More pages than [`super::Limits::pages_max`].
    PdfPagesTooMany, "pdf-pages-too-many", Refusal,
        "Documentul PDF are prea multe pagini. Vă rugăm să îl împărțiți în mai multe fișiere.";
    /// A page's content stream is missing or does not decode.
    PdfContentDamaged, "pdf-content-damaged", Refusal,
        "Cel puțin o pagină din documentul PDF este deteriorată. Vă rugăm să îl salvați sau să îl scanați \
         din nou și să îl trimiteți.";
    /// Streams unfold to more than [`super::Limits::unfolded_bytes_max`].
    PdfUnfoldsTooFar, "pdf-unfolds-too-far", Refusal,
        "Documentul PDF este prea mare după decomprimare și nu poate fi verificat. Vă rugăm să îl tipăriți \
         din nou ca PDF și să îl trimiteți.";

    /// The encoding is unknown, or the bytes are not in the declared one.
    XmlEncoding, "xml-encoding", Refusal,
        "Literele din documentul XML nu pot fi citite corect. Vă rugăm să îl salvați din nou cu codarea \
         UTF-8 și să îl trimiteți.";
    /// Has a document type declaration.
    XmlDoctype, "xml-doctype", Refusal,
        "Documentul XML conține o declarație DOCTYPE, care nu este permisă din motive de siguranță. Vă \
         rugăm să îl salvați fără ea sau ca PDF și să îl trimiteți din nou.";
    /// Not well formed.
    XmlMalformed, "xml-malformed", Refusal,
        "Documentul XML este scris greșit și nu poate fi citit. Vă rugăm să îl salvați din nou din \
         programul în care a fost creat și să îl trimiteți.";
    /// Deeper or with more nodes than the limits.
    XmlTooComplex, "xml-too-complex", Refusal,
        "Documentul XML este prea mare sau prea complicat pentru a fi verificat. Vă rugăm să îl trimiteți \
         ca PDF.";

    /// Not a well-formed CMS message.
    CmsDamaged, "cms-damaged", Refusal,
        "Fișierul semnat electronic este deteriorat și nu poate fi citit. Vă rugăm să semnați documentul \
         din nou și să îl trimiteți.";
    /// Ends before its outermost length.
    CmsTruncated, "cms-truncated", Refusal,
        "Fișierul semnat electronic nu a ajuns întreg. Vă rugăm să îl trimiteți din nou.";
    /// Bytes after the outermost element.
    CmsTrailingBytes, "cms-trailing-bytes", Note,
        "După sfârșitul fișierului semnat mai există date suplimentare. Este în regulă; nu trebuie să \
         faceți nimic.";
    /// SignedData without a signer: only certificates.
    CmsCertificatesOnly, "cms-certificates-only", Refusal,
        "Fișierul conține doar certificate, fără un document semnat. Vă rugăm să trimiteți documentul \
         semnat.";
    /// Encrypted for someone.
    CmsEnveloped, "cms-enveloped", Refusal,
        "Fișierul este criptat și nu îl putem deschide. Vă rugăm să trimiteți documentul semnat, dar \
         necriptat.";
    /// Another content type of CMS than SignedData.
    CmsNotSigned, "cms-not-signed", Refusal,
        "Fișierul nu conține un document semnat. Vă rugăm să trimiteți documentul ca PDF sau semnat \
         electronic.";
    /// Carries a signature but not the document that it signs.
    CmsDetached, "cms-detached", Note,
        "Fișierul conține doar semnătura. Vă rugăm să vă asigurați că ați trimis și documentul semnat.";
    /// The document inside is refused.
    CmsContentRefused, "cms-content-refused", Refusal,
        "Documentul aflat în fișierul semnat nu poate fi primit. Vă rugăm să semnați un document PDF, JPEG, \
         PNG sau XML corect și să îl trimiteți.";
}
