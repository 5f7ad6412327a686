//! The tables that the tidy test holds the code to: modules, worldly names, homes of foreign crates, exceptions.

/// Something that breaks the general rule for a reason.
pub(super) struct Exception {
    pub module: &'static str,
    /// A path without `crate::`, or of another crate; what lies below it is let through as well.
    pub may_name: &'static str,
    pub reason: &'static str,
}

/// The modules in their order, and what each may name besides itself.
pub(super) const MODULES: &[(&str, &[&str])] = &[
    ("journal", &[]),
    ("calendar", &[]),
    ("mailbox", &[]),
    ("message", &[]),
    ("documents", &["message"]),
    ("screening", &["message", "documents"]),
    (
        "registry",
        &["journal", "calendar", "message", "documents", "screening"],
    ),
    (
        "casework",
        &["journal", "calendar", "message", "documents", "registry"],
    ),
    ("receipt", ABOVE_RECEIPT),
    ("outbox", ABOVE_OUTBOX),
    ("followup", ABOVE_FOLLOWUP),
    ("digest", ABOVE_DIGEST),
    ("store", STAGES),
    ("flow", STAGES_AND_STORE),
    ("edge", STAGES_AND_STORE),
    // The stages that have a policy, and the edge whose parts it describes.
    (
        "config",
        &[
            "calendar",
            "documents",
            "screening",
            "registry",
            "casework",
            "receipt",
            "outbox",
            "followup",
            "edge",
        ],
    ),
    // The digest is handed on from the step that looks it up. Ports are declared by mailbox (Mailbox), documents (Scanner), receipt (Signer), outbox (Transport) and store.
    (
        "daemon",
        &[
            "mailbox",
            "documents",
            "receipt",
            "outbox",
            "digest",
            "store",
            "flow",
            "edge",
            "config",
        ],
    ),
    ("cli", EVERYTHING),
];

const EVERYTHING: &[&str] = &[
    "journal",
    "calendar",
    "mailbox",
    "message",
    "documents",
    "screening",
    "registry",
    "casework",
    "receipt",
    "outbox",
    "followup",
    "digest",
    "store",
    "flow",
    "edge",
    "config",
    "daemon",
];
const ABOVE_RECEIPT: &[&str] = EVERYTHING.split_at(8).0;
const ABOVE_OUTBOX: &[&str] = EVERYTHING.split_at(9).0;
const ABOVE_FOLLOWUP: &[&str] = EVERYTHING.split_at(10).0;
const ABOVE_DIGEST: &[&str] = EVERYTHING.split_at(11).0;
const STAGES: &[&str] = EVERYTHING.split_at(12).0;
const STAGES_AND_STORE: &[&str] = EVERYTHING.split_at(13).0;

/// Modules up to and with this one are pure.
pub(super) const PURE_UNTIL: &str = "store";

pub(super) const NAMING_EXCEPTIONS: &[Exception] = &[
    Exception {
        module: "screening",
        may_name: "mailbox::Extent",
        reason: "how much of a mail was taken is among the facts that are screened",
    },
    Exception {
        module: "registry",
        may_name: "mailbox::Extent",
        reason: "it hands on to screening how much of a mail was taken",
    },
    Exception {
        module: "config",
        may_name: "flow::fetch::Measure",
        reason: "the bounds of a batch are a policy of the step that fetches",
    },
    Exception {
        module: "config",
        may_name: "flow::with_causes",
        reason: "an unreadable certificate file is told with its causes in one line",
    },
    Exception {
        module: "daemon",
        may_name: "registry",
        reason: "it puts the policy together that the steps decide by",
    },
    Exception {
        module: "daemon",
        may_name: "screening",
        reason: "it puts the policy together that the steps decide by",
    },
];

/// Roots and what below them is worldly; an empty list means all.
pub(super) const WORLDLY: &[(&str, &[&str])] = &[
    (
        "std",
        &[
            "fs",
            "net",
            "env",
            "process",
            "thread",
            "os",
            "time::SystemTime",
            "time::Instant",
            "io::stdin",
            "io::stdout",
            "io::stderr",
        ],
    ),
    ("SystemTime", &["now"]),
    ("Instant", &["now"]),
    ("Timestamp", &["now"]),
    ("Zoned", &["now"]),
    ("openssl", &["rand"]),
    ("tracing", &[]),
    ("tokio", &[]),
    ("rusqlite", &[]),
    ("rustix", &[]),
    ("rand", &[]),
    ("getrandom", &[]),
];

pub(super) const WORLD_EXCEPTIONS: &[Exception] = &[];

/// Crates that any module may name: time as a value, error types, bytes as text.
pub(super) const ANYWHERE: &[&str] = &["jiff", "thiserror", "data_encoding"];

/// Foreign crates and the paths in which they may be named.
pub(super) const CRATES: &[(&str, &[&str])] = &[
    ("async_imap", &["src/edge/imap/"]),
    ("attohttpc", &["src/edge/oauth/"]),
    ("chrono", &["src/calendar/schedule/"]),
    ("clap", &["src/cli/"]),
    ("cms", &["src/documents/", "src/receipt/"]),
    ("const_oid", &["src/documents/", "src/receipt/"]),
    ("cron", &["src/calendar/schedule/"]),
    ("csv", &["src/digest/"]),
    ("der", &["src/message/", "src/receipt/"]),
    ("encoding_rs", &["src/message/", "src/documents/"]),
    // Only a feature of it is wanted, by what packs receipts.
    ("flate2", &[]),
    ("futures_util", &["src/edge/imap/"]),
    ("hayro_syntax", &["src/documents/"]),
    ("hmac", &["src/registry/"]),
    ("krilla", &["src/receipt/"]),
    // The configuration checks addresses by the rule of the crate that will have to send to them.
    (
        "lettre",
        &["src/outbox/", "src/edge/smtp/", "src/config/places.rs"],
    ),
    ("mail_parser", &["src/message/"]),
    ("minijinja", &["src/outbox/", "src/digest/"]),
    ("memchr", &["src/message/"]),
    ("miniz_oxide", &["src/documents/"]),
    ("native_tls", &["src/edge/"]),
    // Hashes and signatures are computed in the receipt, keys are held at the edge.
    ("openssl", &["src/documents/", "src/receipt/", "src/edge/"]),
    ("png", &["src/documents/"]),
    (
        "rayon",
        &["src/flow/", "src/cli/inspect.rs", "src/cli/rehearsal/"],
    ),
    ("roxmltree", &["src/documents/"]),
    ("rusqlite", &["src/edge/sqlite/"]),
    (
        "rustix",
        &[
            "src/daemon/",
            "src/edge/disk.rs",
            "src/edge/oauth/command.rs",
            "src/flow/stopwatch.rs",
            "src/cli/owner.rs",
        ],
    ),
    ("sd_notify", &["src/daemon/"]),
    ("serde", &["src/outbox/", "src/digest/", "src/edge/", "src/cli/"]),
    (
        "serde_json",
        &[
            "src/journal/",
            "src/receipt/",
            "src/digest/",
            "src/edge/",
            "src/daemon/status_file.rs",
            "src/cli/",
        ],
    ),
    (
        "sha2",
        &[
            "src/journal/",
            "src/message/",
            "src/documents/",
            "src/registry/",
            "src/receipt/",
            "src/edge/",
            "src/cli/rehearsal/",
        ],
    ),
    ("signal_hook", &["src/daemon/"]),
    ("strsim", &["src/config/"]),
    ("tokio", &["src/edge/"]),
    ("tokio_native_tls", &["src/edge/"]),
    ("toml", &["src/config/"]),
    ("tracing", &["src/daemon/", "src/cli/"]),
    ("tracing_journald", &["src/daemon/"]),
    ("tracing_subscriber", &["src/daemon/"]),
    ("x509_cert", &["src/documents/", "src/receipt/"]),
    ("zune_jpeg", &["src/documents/"]),
];
