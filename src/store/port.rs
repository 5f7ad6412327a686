//! The methods of the port; each is one transaction.

use jiff::Timestamp;

use super::*;

/// What the flow needs to remember. All methods may be called from several threads.
///
/// # Errors
/// Every method gives [`StoreError`]; after an error nothing of the call was done.
pub trait Store: Send + Sync {
    /// The secret that identifiers are made with; the same for the life of the registry.
    fn instance_secret(&self) -> InstanceSecret;

    /// Which of these messages are kept already, and how much of each; whole counts what is decided for good. For those who
    /// only look.
    fn mails_known(&self, source: &SourceId, keys: &[SourceKey]) -> Stored<Vec<(SourceKey, Extent)>>;
    /// Notes that a source lists these messages, each once and for ever, and says what is known of them; and which wanted
    /// ones it does not list, counting how often in a row.
    fn sightings_note(&self, source: &SourceId, keys: &[SourceKey], at: Timestamp) -> Stored<Listing>;
    /// Those of these messages that were not noted, or were kept and are no mail: there must be none.
    fn sightings_lost(&self, source: &SourceId, keys: &[SourceKey]) -> Stored<Vec<SourceKey>>;
    /// Counts attempts to get a message that brought no bytes.
    fn sightings_unread(&self, source: &SourceId, unread: &[Unread]) -> Stored<()>;
    /// Messages come to their outcome without bytes; one that is whole or entered meanwhile is passed over. Returns the
    /// places of the mails.
    fn mails_bodiless(&self, given_up: &[Bodiless], at: Timestamp) -> Stored<Vec<i64>>;
    /// The equation of the messages first shown from `from` on and before `to`, at one instant.
    fn ledger_between(&self, from: Timestamp, to: Timestamp) -> Stored<Ledger>;
    /// Remembers arrivals in their order. A key that is known already is passed over, unless more of it comes than was
    /// here; bytes that are known already become `ignored: duplicate`. A message that nobody noted is noted now.
    fn mail_keep(&self, arrivals: &[Arrival], at: Timestamp) -> Stored<()>;
    /// The oldest undecided mails.
    fn mails_undecided(&self, limit: usize) -> Stored<Vec<Undecided>>;
    /// Writes decisions, in the given order: numbers, entries, submissions, cases, receipts owed, journal. A mail that
    /// was decided meanwhile is passed over. Returns the entries and submissions made.
    fn mails_decide(&self, verdicts: &[MailVerdict], at: Timestamp) -> Stored<Vec<Entry>>;
    /// Counts a failed decision; at `attempts_max` the mail is held. Returns whether it is.
    fn mail_failed(&self, mail_seq: i64, why: &str, attempts_max: u32, at: Timestamp) -> Stored<bool>;
    /// The cases that a message names: those of its letters first, in the order of the names.
    fn cases_known(&self, mentions: &Mentions) -> Stored<Vec<KnownCase>>;
    /// Earlier mails, registered or joined, that a message is like: of each likeness the first ones.
    fn mails_alike(&self, likeness: &Likeness) -> Stored<Vec<Earlier>>;
    /// A person declares the clock right, although the last entry bears a later time: entries go on with it.
    fn clock_accept(&self, actor: &str, at: Timestamp) -> Stored<()>;
    /// All mails in the order of arrival, given to `each` one by one.
    fn mails_each(&self, each: &mut dyn FnMut(MailRecord)) -> Stored<()>;
    /// One mail.
    fn mail(&self, mail_seq: i64) -> Stored<Option<MailRecord>>;
    /// The held mails, oldest first.
    fn mails_held(&self) -> Stored<Vec<MailRecord>>;
    /// A clerk's act on a mail.
    fn mail_held_act(&self, act: &HeldAct) -> Stored<()>;

    /// All entries in the order of registration, given to `each` one by one.
    fn entries_each(&self, each: &mut dyn FnMut(EntryRecord)) -> Stored<()>;
    /// The links that no clerk has decided about, oldest first.
    fn links_proposed(&self) -> Stored<Vec<LinkProposal>>;
    /// A clerk confirms or rejects a link, or makes one.
    fn link_act(&self, act: &LinkAct) -> Stored<()>;
    /// Mails of another source than brought it that are the same as a mail of this case, in the order of arrival.
    fn copies_of(&self, number: &Number) -> Stored<Vec<Copy>>;
    /// Mails ignored from `from` on and before `to`, since another source had brought them before.
    fn copies_between(&self, from: Timestamp, to: Timestamp) -> Stored<Vec<Copy>>;

    /// Letters owed to senders of mails without entry, and due: those that failed least first, then in the order of
    /// arrival.
    fn answers_owed(&self, now: Timestamp, limit: usize) -> Stored<Vec<AnswerOwed>>;
    /// The letter is written: it is queued. One that is settled already is passed over; returns whether it was done.
    fn answer_done(&self, answer: &AnswerOwed, letter: &Outgoing) -> Stored<bool>;
    /// Counts a failed attempt to write the letter; it is due again at `retry_at`.
    fn answer_failed(&self, answer: &AnswerOwed, why: &str, retry_at: Timestamp) -> Stored<()>;
    /// The letter is not written at all.
    fn answer_void(&self, answer: &AnswerOwed, why: &str, at: Timestamp) -> Stored<()>;

    /// One entry.
    fn entry(&self, number: &Number) -> Stored<Option<EntryRecord>>;

    /// Everything about a case, by the number of its first entry.
    fn case(&self, number: &Number) -> Stored<Option<CaseRecord>>;
    /// The cases that are not closed, by their term, given to `each` one by one.
    fn cases_open_each(&self, each: &mut dyn FnMut(OpenCase)) -> Stored<()>;
    /// A clerk's act: refused when the case has changed since it was examined.
    fn case_act(&self, act: &CaseAct) -> Stored<()>;

    /// Planned letters that are due, oldest first.
    fn followups_due(&self, now: Timestamp, limit: usize) -> Stored<Vec<FollowupDue>>;
    /// The letter is written: it is queued, and the follow-up done. One that became void meanwhile is passed over;
    /// returns whether it was done.
    fn followup_done(&self, due: &FollowupDue, letter: &Outgoing, at: Timestamp) -> Stored<bool>;
    /// The letter is not written before `until`; nothing was tried.
    fn followup_put_off(&self, due: &FollowupDue, until: Timestamp) -> Stored<()>;
    /// The letter has become needless by the lapse of time.
    fn followup_void(&self, due: &FollowupDue, at: Timestamp) -> Stored<()>;
    /// Counts a failed attempt to write the letter; it is due again at `retry_at`.
    fn followup_failed(&self, due: &FollowupDue, why: &str, retry_at: Timestamp) -> Stored<()>;

    /// Entries and submissions that owe a receipt and are due: those that failed least first, then in the order of arrival.
    fn receipts_owed(&self, now: Timestamp, limit: usize) -> Stored<Vec<Owing>>;
    /// Records receipts and queues their letters. An entry that has its receipt already is passed over.
    fn receipts_issue(&self, issued: &[Issued]) -> Stored<()>;
    /// Counts a failed issue; it is due again at `retry_at`.
    fn receipt_failed(&self, number: &Number, submission: u32, why: &str, retry_at: Timestamp) -> Stored<()>;

    /// A clerk wants a letter to carry the receipts of an entry and its submissions that waited for a person; returns
    /// the submissions, 0 being the request itself. Refused where there is no address.
    fn receipts_want(&self, number: &Number, actor: &str, at: Timestamp) -> Stored<Vec<u32>>;
    /// Issued receipts for which a letter is wanted, and due.
    fn receipts_wanted(&self, now: Timestamp, limit: usize) -> Stored<Vec<Wanted>>;
    /// The letter is written: it is queued. Returns whether it was wanted still.
    fn receipt_carried(&self, wanted: &Wanted, letter: &Outgoing) -> Stored<bool>;
    /// No letter is wanted any more, since no server would take the address.
    fn receipt_unreachable(&self, wanted: &Wanted) -> Stored<()>;
    /// The letter could not be written; it is due again at `retry_at`.
    fn receipt_want_failed(&self, wanted: &Wanted, why: &str, retry_at: Timestamp) -> Stored<()>;

    /// Claims letters that are due until `lease_until`, as many as the pace lets go now: those never tried first. The
    /// others that are due are put off to their turn.
    fn letters_claim_due(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
        pace: &Pace,
    ) -> Stored<Vec<Due>>;
    /// No letter to this domain goes before `until`; what is claimed already stays so.
    fn letters_hold_back(&self, domain: &str, until: Timestamp) -> Stored<()>;
    /// The first of these Message-IDs that is a letter of ours.
    fn letter_known(&self, message_ids: &[String]) -> Stored<Option<String>>;
    /// The letters of a case with all that happened to each, in the order in which they were queued.
    fn letter_stories(&self, number: &Number) -> Stored<Vec<LetterStory>>;
    /// Gives claimed letters back untried.
    fn letters_release(&self, message_ids: &[String]) -> Stored<()>;
    /// For the one process that holds the registry's lock and has just started: takes back the leases of a dead one,
    /// and makes receipts due again whose fault may have been mended meanwhile.
    fn work_begin(&self) -> Stored<()>;
    /// Queues a letter of a case again, at a person's word: one that was given up or came back, else the receipt.
    /// Returns it.
    fn letter_requeue(&self, number: &Number, actor: &str, at: Timestamp) -> Stored<Outgoing>;
    /// How many letters were queued to an address since an instant or are owed to it, without regard to case.
    fn letters_to(&self, address: &str, since: Timestamp) -> Stored<u64>;
    /// How many letters that answer a mail by themselves were queued since an instant or are owed, to anybody.
    fn answers_since(&self, since: Timestamp) -> Stored<u64>;
    /// When the next queued letter is due, counting leases.
    fn letter_next_due(&self) -> Stored<Option<Timestamp>>;
    /// Ends an attempt.
    fn letter_attempt_finish(&self, message_id: &str, attempt: &Attempt, at: Timestamp) -> Stored<()>;

    /// Letters given up and letters that came back, of cases that are not closed, of mails that stand as answered and
    /// of digests, and queued ones of these that could not go so far, oldest first. Read reports are nobody's task.
    fn letters_troubled(&self) -> Stored<Vec<LetterTrouble>>;
    /// The letters that have to do with a mail.
    fn mail_letters(&self, mail_seq: i64) -> Stored<MailLetters>;
    /// Planned letters that could not be written so far.
    fn followups_troubled(&self) -> Stored<Vec<FollowupTrouble>>;
    /// Whether a claimed letter is still to be sent: an event may have made it void meanwhile.
    fn letter_is_queued(&self, message_id: &str) -> Stored<bool>;
    /// Entries and submissions whose receipt could not be made so far, and in cases that are not closed those whose
    /// issued receipt no letter carries.
    fn receipts_troubled(&self) -> Stored<Vec<EntryRecord>>;

    /// Entries and submissions registered from `from` on and before `to`, given to `each` one by one.
    fn filings_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        each: &mut dyn FnMut(EntryRecord),
    ) -> Stored<()>;
    /// Clarifications answered from `from` on and before `to`, with their ordinal.
    fn answers_between(&self, from: Timestamp, to: Timestamp) -> Stored<Vec<(Number, Answer, u32)>>;
    /// The end of the last digest of a scope.
    fn digest_last(&self, scope: &str) -> Stored<Option<Timestamp>>;
    /// A digest is written: its letters are queued. One whose end is recorded already is passed over; returns whether
    /// it was recorded now.
    fn digest_done(&self, digest: &DigestDone) -> Stored<bool>;

    /// A source was read at this time.
    fn contact_made(&self, source: &SourceId, at: Timestamp) -> Stored<()>;
    /// A source could not be read, for a reason with this stable code.
    fn contact_missed(&self, source: &SourceId, why: &str, at: Timestamp) -> Stored<()>;
    /// The contact with all sources that were ever tried, by name.
    fn contacts(&self) -> Stored<Vec<Contact>>;

    /// What waits.
    fn backlog(&self) -> Stored<Backlog>;
    /// What waits, for those who ask every few seconds.
    fn waiting(&self) -> Stored<Waiting>;
    /// What was done, counted from an earlier tally on, at most so many journal rows further.
    fn tally(&self, before: Tally, rows_max: u64) -> Stored<Tally>;
    /// Refuses a clock that stands before the last entry, as registering would.
    fn clock_check(&self, now: Timestamp) -> Stored<()>;
    /// All journal rows in order, given to `each` one by one.
    fn journal_each(&self, each: &mut dyn FnMut(journal::Row)) -> Stored<()>;
}
