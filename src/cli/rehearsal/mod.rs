//! `inspect --source`: the rehearsal on a live mailbox, for the evening before the first day. What would become of each
//! mail, with no number given, no letter out, and nothing changed on the server or in the registry.
//!
//! Where there is a registry, it is asked for what it knows: mails that it has already, cases that a mail joins, letters
//! that an address has had today. Left out: whatever depends on the moment of the real run, such as a budget used up by
//! then.

mod telling;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::cli::check::ages::is_before;
use crate::cli::{Failure, open, text};
use crate::config::{Settings, Source, SourceKind};
use crate::daemon::{desks, looking_mailbox, looking_store, policy};
use crate::edge::clock::Clock;
use crate::edge::sqlite::SqliteStore;
use crate::mailbox::{Extent, Mailbox, MailboxError, RawMail, Sighting, SourceKey, Wanted};
use crate::message::{self, Message};
use crate::outbox;
use crate::outbox::Unauthenticated;
use crate::registry::{self, Decided, Desk, Draft, Examined, Incoming, Known, Like, Likeness, Policy};
use crate::screening::{Reason, Sender, Standing};
use crate::store::Store;

/// Rehearses; the exit code is 0 whatever the outcomes.
pub(super) fn main(
    config: Option<PathBuf>,
    name: &str,
    limit: Option<usize>,
    as_json: bool,
) -> Result<(), Failure> {
    let file = open::file(config);
    let (settings, withheld) = open::settings_as_far_as_possible(&file)?;
    let source = named(&settings, name)?;
    if matches!(source.kind, SourceKind::Imap(_)) && !withheld.is_empty() {
        let command = format!("inspect --source {name}");
        return Err(Failure::Said(format!(
            "the password or token of the mailbox hangs on a systemd credential, which the service alone gets; run it as the service:\n    {}",
            open::as_the_service(&file, &withheld, &command)
        )));
    }
    let desk = desks(&settings)
        .remove(name)
        .ok_or_else(|| Failure::Said(format!("the source `{name}` has no office")))?;
    let stage = Stage {
        policy: policy(&settings),
        store: looking_store(&settings)?,
        now: Clock::System.now(),
        settings: &settings,
        source,
        desk,
    };
    let mut mailbox = looking_mailbox(source)?;
    let shown = mailbox.list()?;
    let mut play = Play::new(&stage, as_json);
    let to_decide = play.sort(shown, limit)?;
    play.prologue();
    play.act(&mut *mailbox, &to_decide)?;
    play.epilogue();
    Ok(())
}

fn named<'a>(settings: &'a Settings, name: &str) -> Result<&'a Source, Failure> {
    let found = settings.sources.iter().find(|source| source.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = settings
            .sources
            .iter()
            .map(|source| source.name.as_str())
            .collect();
        Failure::Said(format!(
            "there is no source `{name}`; the configuration has {}",
            names.join(", ")
        ))
    })
}

/// The bytes of a batch; when it fails as a whole, mail by mail, so that one broken mail hides no other.
fn fetched(
    mailbox: &mut dyn Mailbox,
    batch: &[Sighting],
    mail_bytes_max: u64,
) -> Result<Vec<RawMail>, MailboxError> {
    let wanted: Vec<Wanted> = batch.iter().map(|one| wanted(one, mail_bytes_max)).collect();
    match mailbox.fetch(&wanted) {
        Err(error) if !error.is_away() => {}
        other => return other.map(|given| given.mails),
    }
    let mut mails = Vec::new();
    for one in &wanted {
        match mailbox.fetch(std::slice::from_ref(one)) {
            Ok(given) => mails.extend(given.mails),
            Err(error) if error.is_away() => return Err(error),
            // It is counted among those that gave no bytes.
            Err(_) => {}
        }
    }
    Ok(mails)
}

/// As the step that fetches asks: of an oversized mail only the header.
fn wanted(sighting: &Sighting, mail_bytes_max: u64) -> Wanted {
    let extent = if sighting.size_bytes > mail_bytes_max {
        Extent::HeaderOnly
    } else {
        Extent::Whole
    };
    Wanted {
        sighting: sighting.clone(),
        extent,
    }
}

/// What decisions are made by.
struct Stage<'a> {
    settings: &'a Settings,
    source: &'a Source,
    desk: Desk,
    policy: Policy,
    /// `None`: there is no registry yet.
    store: Option<SqliteStore>,
    now: Timestamp,
}

/// Whether and which letter would go.
enum Letter {
    Goes {
        kind: outbox::Kind,
        to: String,
    },
    /// With the reason.
    None(&'static str),
}

/// One mail, judged.
struct Scene {
    sighting: Sighting,
    received_at: Timestamp,
    /// `None`: the program failed on it.
    decided: Option<Decided>,
    sha256: String,
}

/// What has been seen so far.
struct Play<'a> {
    stage: &'a Stage<'a>,
    as_json: bool,
    shown: usize,
    known: usize,
    before_start: usize,
    /// New ones that the limit leaves out.
    left_out: usize,
    vanished: usize,
    outcomes: BTreeMap<(&'static str, &'static str), usize>,
    letters: usize,
    refused_files: usize,
    /// Bytes seen in this rehearsal.
    seen: HashSet<String>,
    /// Letters to an address, those of the last day and those of this rehearsal.
    letters_to: HashMap<String, u64>,
    /// Mails of this rehearsal that would get a number, by which later ones are recognised.
    numbered: Vec<Likeness>,
}

impl<'a> Play<'a> {
    fn new(stage: &'a Stage<'a>, as_json: bool) -> Self {
        Self {
            stage,
            as_json,
            shown: 0,
            known: 0,
            before_start: 0,
            left_out: 0,
            vanished: 0,
            outcomes: BTreeMap::new(),
            letters: 0,
            refused_files: 0,
            seen: HashSet::new(),
            letters_to: HashMap::new(),
            numbered: Vec::new(),
        }
    }

    /// Those that would be decided, in the order of arrival. The others are counted.
    fn sort(&mut self, shown: Vec<Sighting>, limit: Option<usize>) -> Result<Vec<Sighting>, Failure> {
        self.shown = shown.len();
        let keys: Vec<SourceKey> = shown.iter().map(|one| one.key.clone()).collect();
        let known: HashSet<SourceKey> = match (&self.stage.store, shown.first()) {
            (Some(store), Some(first)) => store
                .mails_known(&first.source, &keys)?
                .into_iter()
                .map(|(key, _)| key)
                .collect(),
            _ => HashSet::new(),
        };
        let (known, new): (Vec<_>, Vec<_>) = shown.into_iter().partition(|one| known.contains(&one.key));
        let start = self.stage.source.start;
        let (early, mut new): (Vec<_>, Vec<_>) = new
            .into_iter()
            .partition(|one| start.is_some_and(|start| is_before(one, start)));
        (self.known, self.before_start) = (known.len(), early.len());
        if self.as_json {
            early
                .iter()
                .for_each(|one| text::line(&self.early(one).to_string()));
        }
        if self.before_start > 0 {
            let reason = Reason::BeforeStart;
            let key = (reason.outcome().as_str(), reason.as_str());
            self.outcomes.insert(key, self.before_start);
        }
        self.left_out = new.len().saturating_sub(limit.unwrap_or(usize::MAX));
        Ok(new.split_off(self.left_out))
    }

    /// Fetches in batches, judges each on all cores, and tells it in the order of arrival.
    fn act(&mut self, mailbox: &mut dyn Mailbox, wanted: &[Sighting]) -> Result<(), Failure> {
        let measure = self.stage.settings.measure;
        let mut rest = wanted;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest
                .iter()
                .take(measure.batch_mails_max)
                .take_while(|one| {
                    bytes += one.size_bytes.min(measure.mail_bytes_max);
                    bytes <= measure.batch_bytes_max
                })
                .count();
            let (batch, later) = rest.split_at(fits.max(1));
            rest = later;
            let mails = fetched(mailbox, batch, measure.mail_bytes_max)?;
            self.vanished += batch.len().saturating_sub(mails.len());
            let stage = self.stage;
            let scenes: Vec<Result<Scene, Failure>> =
                mails.into_par_iter().map(|mail| stage.scene(mail)).collect();
            for scene in scenes {
                self.tell(scene?)?;
            }
        }
        Ok(())
    }

    fn tell(&mut self, scene: Scene) -> Result<(), Failure> {
        let ends = self.end_of(&scene)?;
        let key = (ends.reason.outcome().as_str(), ends.reason.as_str());
        *self.outcomes.entry(key).or_default() += 1;
        if let Some((decided, _)) = ends.draft(&scene) {
            self.refused_files += decided.files.iter().filter(|file| !file.accepted).count();
        }
        self.letters += usize::from(!matches!(ends.letter, Letter::None(_)));
        if self.as_json {
            text::line(&self.object(&scene, &ends).to_string());
        } else {
            text::line(&self.lines(&scene, &ends).join("\n"));
        }
        Ok(())
    }

    /// What becomes of a mail, beside what the stages say of it alone.
    fn end_of(&mut self, scene: &Scene) -> Result<Ends, Failure> {
        let Some(decided) = &scene.decided else {
            return Ok(Ends {
                reason: Reason::Failing,
                letter: Letter::None("the program fails on this mail; please report it"),
            });
        };
        let is_known = match &self.stage.store {
            Some(store) => store.mail_of_bytes(&scene.sha256)?.is_some(),
            None => false,
        };
        let is_new = self.seen.insert(scene.sha256.clone());
        if is_known || !is_new {
            return Ok(Ends {
                reason: Reason::Duplicate,
                letter: Letter::None("the same mail is there already"),
            });
        }
        let is_same = |earlier: &Likeness| decided.likeness.like(earlier).contains(&Like::Message);
        if decided.draft.is_some() && self.numbered.iter().any(is_same) {
            return Ok(Ends {
                reason: Reason::SameMessage,
                letter: Letter::None("the same message came before it in this mailbox"),
            });
        }
        if decided.draft.is_some() {
            self.numbered.push(decided.likeness.clone());
        }
        Ok(Ends {
            reason: decided.reason,
            letter: self.letter(decided)?,
        })
    }

    /// As the step that issues receipts would do it.
    fn letter(&mut self, decided: &Decided) -> Result<Letter, Failure> {
        let kind = match (
            decided.reason,
            decided.sender,
            self.stage.settings.unauthenticated,
        ) {
            (Reason::TooLarge, _, _) => outbox::Kind::TooLarge,
            (Reason::Encrypted, _, _) => outbox::Kind::Encrypted,
            _ if decided.draft.is_none() => return Ok(Letter::None("nothing is registered")),
            (_, Sender::Disowned, Unauthenticated::Hold) => {
                return Ok(Letter::None(
                    "the sender's domain does not stand by this mail (DMARC); a person hands the receipt over",
                ));
            }
            (_, Sender::Disowned, Unauthenticated::Notice) => outbox::Kind::Notice,
            (_, Sender::Undisputed, _) => outbox::Kind::Receipt,
        };
        let to = decided
            .summary
            .sender_address
            .as_deref()
            .filter(|_| decided.replies);
        let Some(to) = to else {
            return Ok(Letter::None(
                "this sender is not answered by itself; a person hands the receipt over",
            ));
        };
        if !outbox::is_usable_address(to) {
            return Ok(Letter::None(
                "no letter can go to this address; a person hands the receipt over",
            ));
        }
        let key = to.to_lowercase();
        let before = match (self.letters_to.get(&key), &self.stage.store) {
            (Some(count), _) => *count,
            (None, Some(store)) => store.letters_to(&key, self.stage.now - SignedDuration::from_hours(24))?,
            (None, None) => 0,
        };
        self.letters_to.insert(key, before + 1);
        if before >= self.stage.settings.allowance.letters_a_day {
            return Ok(Letter::None(
                "the address has had its letters of the day (letters_a_day); a person hands it over",
            ));
        }
        let to = to.to_owned();
        Ok(Letter::Goes { kind, to })
    }
}

/// The end of one mail in this mailbox.
struct Ends {
    reason: Reason,
    letter: Letter,
}

impl Ends {
    /// What is registered; of the same mail again, nothing is.
    fn draft<'a>(&self, scene: &'a Scene) -> Option<(&'a Decided, &'a Draft)> {
        let decided = scene
            .decided
            .as_ref()
            .filter(|_| !matches!(self.reason, Reason::Duplicate | Reason::SameMessage))?;
        Some((decided, decided.draft.as_ref()?))
    }
}

impl Stage<'_> {
    /// Judges one mail as the step that admits would, at this moment.
    fn scene(&self, mail: RawMail) -> Result<Scene, Failure> {
        let received_at = mail
            .sighting
            .received_at
            .or_else(|| message::received_at(&mail.bytes));
        let received_at = received_at.unwrap_or(self.now);
        let decided = match catch_unwind(|| Message::read(&mail.bytes)) {
            Ok(message) => {
                let examine = || registry::examine(&message, &self.policy);
                match catch_unwind(AssertUnwindSafe(examine)) {
                    Ok(examined) => {
                        let known = self.known(&message, &examined.likeness)?;
                        let judge = || self.judge(&message, examined, &known, mail.extent, received_at);
                        catch_unwind(AssertUnwindSafe(judge)).ok()
                    }
                    Err(_) => None,
                }
            }
            Err(_) => None,
        };
        Ok(Scene {
            sha256: data_encoding::HEXLOWER.encode(&Sha256::digest(&mail.bytes)),
            sighting: mail.sighting,
            received_at,
            decided,
        })
    }

    fn known(&self, message: &Message, likeness: &Likeness) -> Result<Known, Failure> {
        let mentions = registry::mentions(message, self.settings.only_register());
        let Some(store) = &self.store else {
            return Ok(Known::default());
        };
        Ok(Known {
            cases: if mentions.is_empty() {
                Vec::new()
            } else {
                store.cases_known(&mentions)?
            },
            alike: store.mails_alike(likeness)?,
            ..Known::default()
        })
    }

    fn judge(
        &self,
        message: &Message,
        examined: Examined,
        known: &Known,
        extent: Extent,
        received_at: Timestamp,
    ) -> Decided {
        let incoming = Incoming {
            message,
            known,
            // What a report proves changes no outcome.
            letter: None,
            extent,
            standing: Standing::New,
            instructions: None,
            received_at,
        };
        registry::decide_examined(incoming, examined, &self.desk, self.now, &self.policy)
    }
}
