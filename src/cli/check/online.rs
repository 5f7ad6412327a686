//! The servers as they answer now: login, what they offer, folders and the age of mail, limits of the way out.

use jiff::Timestamp;

use crate::cli::check::ages;
use crate::cli::report::Report;
use crate::cli::text;
use crate::config::{Carrier, Settings, Source, SourceKind};
use crate::daemon::{House, consent_form};
use crate::edge::imap::Account;
use crate::edge::imap::probe::{self as mailbox, Folder, Target};
use crate::edge::smtp::Server;
use crate::edge::smtp::probe as carrier;
use crate::edge::{disk, tls};
use crate::flow::with_causes;
use crate::mailbox::MailboxError;
use crate::outbox::TransportError;
use crate::outbox::receipt_letter;

/// Asks one after the other; a server that does not answer holds up the next for half a minute at most.
pub(super) fn check(settings: &Settings, house: Option<&House>, now: Timestamp, report: &mut Report) {
    for source in &settings.sources {
        let place = match &source.kind {
            SourceKind::Imap(account) => imap(source, account, report).then(|| account.folder.clone()),
            SourceKind::Folder { path, .. } => {
                // A folder that cannot be read is told without --online already.
                std::fs::read_dir(path).ok().map(|_| path.display().to_string())
            }
        };
        if let Some(place) = place {
            ages::check(source, &place, house, now, report);
        }
    }
    match &settings.transport {
        Carrier::Smtp(server) => smtp(server, settings, report),
        Carrier::Folder { path } => match disk::may_change_folder(path) {
            Ok(()) => report.ok("transport", &format!("{} can be written", path.display())),
            Err(error) => report.error(
                "transport",
                &format!("{} cannot be written: {error}", path.display()),
                "let recipisa's user write the folder",
            ),
        },
    }
}

/// Whether the folder can be listed.
fn imap(source: &Source, account: &Account, report: &mut Report) -> bool {
    let name = &source.name;
    let facts = match mailbox::probe(account) {
        Ok(facts) => facts,
        Err(error) => {
            report.error(
                "source",
                &format!("{name}: {}", with_causes(&error)),
                mailbox_remedy(&error),
            );
            return false;
        }
    };
    let offers = [
        ("MOVE", facts.can_move),
        ("UIDPLUS", facts.can_expunge_by_uid),
        ("IDLE", facts.can_idle),
    ];
    let has: Vec<&str> = offers
        .iter()
        .filter(|(_, has)| *has)
        .map(|(word, _)| *word)
        .collect();
    let has = if has.is_empty() {
        "nothing beyond the least".to_owned()
    } else {
        has.join(", ")
    };
    report.ok(
        "source",
        &format!(
            "{name}: {}:{} lets us in over TLS and offers {has}; it is looked at every {} s",
            account.host, account.port, source.poll_seconds
        ),
    );
    if account.move_to.is_some() && !facts.can_move && !facts.can_expunge_by_uid {
        report.warning(
            "source",
            &format!(
                "{name}: the server has neither MOVE nor UIDPLUS, so kept mail stays in {} and makes each look slower",
                account.folder
            ),
            "nothing is registered twice; move old mail away by hand now and then, or use another server",
        );
    }
    target(name, account, facts.target, report);
    opened(source, account, facts.folder, report)
}

fn opened(source: &Source, account: &Account, folder: Folder, report: &mut Report) -> bool {
    match folder {
        Folder::Opened => true,
        Folder::Refused(answer) => {
            report.error(
                "folder",
                &format!("{}: {} cannot be opened: {answer}", source.name, account.folder),
                "write `folder` as the server spells it, or have the folder made or shared with this user",
            );
            false
        }
    }
}

fn target(name: &str, account: &Account, target: Option<Target>, report: &mut Report) {
    let path = account.move_to.as_deref().unwrap_or_default();
    match target {
        None => report.ok(
            "folder",
            &format!("{name}: kept mail stays in {}", account.folder),
        ),
        Some(Target::Exists) => report.ok("folder", &format!("{name}: kept mail goes to {path}")),
        Some(Target::Missing) => report.ok(
            "folder",
            &format!("{name}: kept mail goes to {path}, which the first one makes"),
        ),
        Some(Target::NotForMail) => report.error(
            "folder",
            &format!("{name}: {path} holds other folders and can hold no mail"),
            "name another folder with `move_to`",
        ),
    }
}

fn mailbox_remedy(error: &MailboxError) -> &'static str {
    match error {
        MailboxError::Away { doing, .. } | MailboxError::Unreachable { doing, .. }
            if *doing == tls::AGREEING =>
        {
            CERTIFICATE
        }
        MailboxError::Away { .. } | MailboxError::Unreachable { .. } => NO_WAY,
        MailboxError::Login { .. } => {
            "check `user` and `password` of this source; some providers want a password made for programs"
        }
        MailboxError::TokenRefused { .. } => TOKEN_REFUSED,
        MailboxError::NoToken { .. } => NO_TOKEN,
        MailboxError::Unprotected { .. } => {
            "write `security = \"tls\"` (port 993), or have STARTTLS switched on at the server"
        }
        MailboxError::Refused { .. } => "ask whoever runs the server what its answer means",
        MailboxError::Limit { .. } => {
            "close other programs that read this mailbox, or have the server's limit of connections raised"
        }
        MailboxError::Folder { .. } => "check the owner of the folder",
    }
}

const CERTIFICATE: &str = "write `host` as in the server's certificate; where it comes from an authority of your own, name \
                           that with `ca_file`; where the port begins in clear, `security = \"starttls\"`";
const NO_WAY: &str =
    "check `host` and `port`, whether the server runs, and whether a firewall stands between";

const TOKEN_REFUSED: &str = "write `user` as the whole address of the mailbox; at the provider, let this program use the \
                             mailbox by IMAP and SMTP (docs/operators.md), and check `scope`";
const NO_TOKEN: &str = "mend the [[oauth]] as its own line says";

fn smtp(server: &Server, settings: &Settings, report: &mut Report) {
    let facts = match carrier::probe(server) {
        Ok(facts) => facts,
        Err(error) => return report.error("transport", &with_causes(&error), transport_remedy(&error)),
    };
    let login = match (&server.login, facts.offers_login) {
        (Some(_), _) => "the login is right",
        (None, true) => "no login is configured, and it offers one",
        (None, false) => "it wants no login",
    };
    let reports = if facts.reports_delivery {
        "can report delivery (DSN)"
    } else {
        "cannot report delivery (DSN); bounces still come back"
    };
    report.ok(
        "transport",
        &format!(
            "{}:{} answers over TLS; {login}; it {reports}",
            server.host, server.port
        ),
    );
    // A form that cannot be read is told of by the check of the texts.
    let form = consent_form(settings).map_or(0, |form| form.bytes.len());
    let largest = receipt_letter::size_bytes_max(settings.files_max, form);
    let weight = format!("the largest letter may weigh {}", text::bytes_of(largest));
    match facts.size_bytes_max {
        None => report.ok("transport", &format!("it names no limit of size; {weight}")),
        Some(limit) if limit >= largest => report.ok(
            "transport",
            &format!("it takes letters up to {}; {weight}", text::bytes_of(limit)),
        ),
        Some(limit) => report.warning(
            "transport",
            &format!("it takes letters up to {}, and {weight}", text::bytes_of(limit)),
            "have the server's limit raised, or lower `files_max` under [limits]",
        ),
    }
}

fn transport_remedy(error: &TransportError) -> &'static str {
    match error {
        TransportError::Unreachable { doing, .. } if *doing == tls::AGREEING => CERTIFICATE,
        TransportError::Unreachable { .. }
        | TransportError::Broken { .. }
        | TransportError::Silent { .. } => NO_WAY,
        TransportError::Login { .. } => "check `user` and `password` under [transport]",
        TransportError::TokenRefused { .. } => TOKEN_REFUSED,
        TransportError::NoToken { .. } => NO_TOKEN,
        TransportError::Unprotected { .. } => {
            "write `security = \"tls\"` (port 465), or have STARTTLS switched on at the server"
        }
        TransportError::NotForUs { .. } | TransportError::PutOff { .. } | TransportError::Refused { .. } => {
            "ask whoever runs the server what its answer means; it may want another `hello`"
        }
        TransportError::Folder { .. } => "check `path` under [transport] and its owner",
    }
}
