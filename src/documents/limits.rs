//! The bounds within which a document is examined, so that a hostile file costs bounded time and memory.
//! How many files a mail may carry is not here: that is a question about mails.

/// Bounds of one examination. The defaults suit a mailbox that takes scans and phone photographs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes; also the largest text that an XML file may decode to.
    pub size_bytes_max: u64,
    /// How many containers (a CMS in a CMS …) may lie around a document.
    pub nesting_max: u8,
    /// Largest picture, in pixels (width × height).
    pub pixels_max: u64,
    /// Largest progressive JPEG, in pixels: its decoder holds every coefficient in memory, so it is dearer.
    pub pixels_progressive_max: u64,
    /// How many times a progressive JPEG may paint its pixels over, summed over all scans (pixels × scans).
    pub pixels_painted_max: u64,
    /// Most pages of a PDF.
    pub pages_max: u32,
    /// Most bytes that all non-picture streams of a PDF may unfold to together.
    pub unfolded_bytes_max: u64,
    /// Deepest element of an XML file, the root being 1.
    pub xml_depth_max: u32,
    /// Most nodes (elements, attributes, comments, instructions, texts) of an XML file.
    pub xml_nodes_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            size_bytes_max: 25 * 1024 * 1024,
            nesting_max: 3,
            pixels_max: 64_000_000,
            pixels_progressive_max: 32_000_000,
            pixels_painted_max: 400_000_000,
            pages_max: 2_000,
            unfolded_bytes_max: 96 * 1024 * 1024,
            xml_depth_max: 256,
            xml_nodes_max: 1_000_000,
        }
    }
}
