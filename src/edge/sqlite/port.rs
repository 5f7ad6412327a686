//! Each method of the store's port, as one transaction of the writer or one look of the reader.

use jiff::Timestamp;

use super::{
    SqliteStore, acts, answers, cases, contacts, desk, digests, entries, evidence, figures, followups,
    journal_rows, letters, links, lost, mails, pacing, registering, sightings, stories, wanted,
};
use crate::casework::Answer;
use crate::journal;
use crate::mailbox::{Extent, SourceId, SourceKey};
use crate::outbox::Outgoing;
use crate::outbox::pace::Pace;
use crate::registry::{Earlier, Entry, InstanceSecret, KnownCase, Likeness, Mentions, Number};
use crate::store::{
    AnswerOwed, Arrival, Attempt, Backlog, Bodiless, CaseAct, CaseRecord, Contact, Copy, DigestDone, Due,
    EntryRecord, FollowupDue, FollowupTrouble, HeldAct, Issued, Ledger, LetterStory, LetterTrouble, LinkAct,
    LinkProposal, Listing, MailLetters, MailRecord, MailVerdict, OpenCase, Owing, Store, Stored, Tally,
    Undecided, Unread, Waiting, Wanted,
};

impl Store for SqliteStore {
    fn instance_secret(&self) -> InstanceSecret {
        self.secret.clone()
    }

    fn mails_known(&self, source: &SourceId, keys: &[SourceKey]) -> Stored<Vec<(SourceKey, Extent)>> {
        sightings::mails_known(&self.reader(), source, keys)
    }

    fn sightings_note(&self, source: &SourceId, keys: &[SourceKey], at: Timestamp) -> Stored<Listing> {
        // Nearly always nothing is new, and then there is nothing to write.
        let (listing, news) = sightings::look(&self.reader(), source, keys, at)?;
        if !news.is_empty() {
            self.transaction("noting what a source shows", |transaction| {
                sightings::note(transaction, source, &news, at)
            })?;
        }
        Ok(listing)
    }

    fn sightings_lost(&self, source: &SourceId, keys: &[SourceKey]) -> Stored<Vec<SourceKey>> {
        sightings::lost(&self.reader(), source, keys)
    }

    fn sightings_unread(&self, source: &SourceId, unread: &[Unread]) -> Stored<()> {
        self.transaction("counting failed attempts to fetch", |transaction| {
            sightings::unread(transaction, source, unread)
        })
    }

    fn mails_bodiless(&self, given_up: &[Bodiless], at: Timestamp) -> Stored<Vec<i64>> {
        self.transaction("recording messages without bytes", |transaction| {
            sightings::bodiless(transaction, given_up, at)
        })
    }

    fn ledger_between(&self, from: Timestamp, to: Timestamp) -> Stored<Ledger> {
        sightings::ledger(&self.reader(), from, to)
    }

    fn mail_keep(&self, arrivals: &[Arrival], at: Timestamp) -> Stored<()> {
        self.transaction("keeping mails", |transaction| {
            mails::keep(transaction, arrivals, at)
        })
    }

    fn mails_undecided(&self, limit: usize) -> Stored<Vec<Undecided>> {
        mails::undecided(&self.reader(), limit)
    }

    fn mails_decide(&self, verdicts: &[MailVerdict], at: Timestamp) -> Stored<Vec<Entry>> {
        self.transaction("writing decisions", |transaction| {
            mails::decide(transaction, verdicts, at)
        })
    }

    fn mail_failed(&self, mail_seq: i64, why: &str, attempts_max: u32, at: Timestamp) -> Stored<bool> {
        self.transaction("counting a failed decision", |transaction| {
            mails::failed(transaction, mail_seq, why, attempts_max, at)
        })
    }

    fn mails_alike(&self, likeness: &Likeness) -> Stored<Vec<Earlier>> {
        links::alike(&self.reader(), likeness)
    }

    fn links_proposed(&self) -> Stored<Vec<LinkProposal>> {
        links::proposed(&self.reader())
    }

    fn link_act(&self, act: &LinkAct) -> Stored<()> {
        self.transaction("recording what a clerk says of a link", |transaction| {
            links::act(transaction, act)
        })
    }

    fn copies_of(&self, number: &Number) -> Stored<Vec<Copy>> {
        links::copies_of(&self.reader(), number)
    }

    fn copies_between(&self, from: Timestamp, to: Timestamp) -> Stored<Vec<Copy>> {
        links::copies(&self.reader(), from, to)
    }

    fn answers_owed(&self, now: Timestamp, limit: usize) -> Stored<Vec<AnswerOwed>> {
        answers::owed(&self.reader(), now, limit)
    }

    fn answer_done(&self, answer: &AnswerOwed, letter: &Outgoing) -> Stored<bool> {
        self.transaction("recording a letter as written", |transaction| {
            answers::done(transaction, answer, letter)
        })
    }

    fn answer_failed(&self, answer: &AnswerOwed, why: &str, retry_at: Timestamp) -> Stored<()> {
        self.transaction("counting a letter that could not be written", |transaction| {
            answers::failed(transaction, answer, why, retry_at)
        })
    }

    fn answer_void(&self, answer: &AnswerOwed, why: &str, at: Timestamp) -> Stored<()> {
        self.transaction("making a letter void", |transaction| {
            answers::void(transaction, answer, why, at)
        })
    }

    fn clock_accept(&self, actor: &str, at: Timestamp) -> Stored<()> {
        self.transaction("accepting the clock", |transaction| {
            registering::accept_clock(transaction, actor, at)
        })
    }

    fn mails_each(&self, each: &mut dyn FnMut(MailRecord)) -> Stored<()> {
        mails::each(&self.reader(), mails::Which::All, each)
    }

    fn mail(&self, mail_seq: i64) -> Stored<Option<MailRecord>> {
        let mut found = None;
        mails::each(&self.reader(), mails::Which::One(mail_seq), &mut |record| {
            found = Some(record)
        })?;
        Ok(found)
    }

    fn mails_held(&self) -> Stored<Vec<MailRecord>> {
        let mut held = Vec::new();
        mails::each(&self.reader(), mails::Which::Held, &mut |record| {
            held.push(record)
        })?;
        Ok(held)
    }

    fn mail_held_act(&self, act: &HeldAct) -> Stored<()> {
        self.transaction("recording a clerk's act", |transaction| {
            desk::act(transaction, act)
        })
    }

    fn entries_each(&self, each: &mut dyn FnMut(EntryRecord)) -> Stored<()> {
        entries::each(&self.reader(), entries::Which::All, each)
    }

    fn entry(&self, number: &Number) -> Stored<Option<EntryRecord>> {
        let mut found = None;
        entries::each(&self.reader(), entries::Which::One(number), &mut |record| {
            found = Some(record)
        })?;
        Ok(found)
    }

    fn cases_known(&self, mentions: &Mentions) -> Stored<Vec<KnownCase>> {
        cases::known(&self.reader(), mentions)
    }

    fn case(&self, number: &Number) -> Stored<Option<CaseRecord>> {
        cases::record(&self.reader(), number)
    }

    fn cases_open_each(&self, each: &mut dyn FnMut(OpenCase)) -> Stored<()> {
        cases::open_each(&self.reader(), each)
    }

    fn case_act(&self, act: &CaseAct) -> Stored<()> {
        self.transaction("recording an act on a case", |transaction| {
            acts::act(transaction, act)
        })
    }

    fn followups_due(&self, now: Timestamp, limit: usize) -> Stored<Vec<FollowupDue>> {
        followups::due(&self.reader(), now, limit)
    }

    fn followup_done(&self, due: &FollowupDue, letter: &Outgoing, at: Timestamp) -> Stored<bool> {
        self.transaction("recording a letter as written", |transaction| {
            followups::done(transaction, due, letter, at)
        })
    }

    fn followup_put_off(&self, due: &FollowupDue, until: Timestamp) -> Stored<()> {
        self.transaction("putting a planned letter off", |transaction| {
            followups::put_off(transaction, due, until)
        })
    }

    fn followup_void(&self, due: &FollowupDue, at: Timestamp) -> Stored<()> {
        self.transaction("making a planned letter void", |transaction| {
            followups::void_one(transaction, due, at)
        })
    }

    fn followup_failed(&self, due: &FollowupDue, why: &str, retry_at: Timestamp) -> Stored<()> {
        self.transaction("counting a letter that could not be written", |transaction| {
            followups::failed(transaction, due, why, retry_at)
        })
    }

    fn receipts_owed(&self, now: Timestamp, limit: usize) -> Stored<Vec<Owing>> {
        entries::owing(&self.reader(), now, limit)
    }

    fn receipts_issue(&self, issued: &[Issued]) -> Stored<()> {
        self.transaction("recording receipts", |transaction| {
            entries::issue(transaction, issued)
        })
    }

    fn receipt_failed(&self, number: &Number, submission: u32, why: &str, retry_at: Timestamp) -> Stored<()> {
        self.transaction("counting a failed receipt", |transaction| {
            entries::failed(transaction, number, submission, why, retry_at)
        })
    }

    fn letters_claim_due(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
        pace: &Pace,
    ) -> Stored<Vec<Due>> {
        self.transaction("claiming letters", |transaction| {
            pacing::put_off(transaction, now, pace)?;
            letters::claim(transaction, now, lease_until, limit)
        })
    }

    fn letters_hold_back(&self, domain: &str, until: Timestamp) -> Stored<()> {
        self.transaction("holding letters back", |transaction| {
            pacing::hold_back(transaction, domain, until)
        })
    }

    fn letter_known(&self, message_ids: &[String]) -> Stored<Option<String>> {
        evidence::letter_known(&self.reader(), message_ids)
    }

    fn letter_stories(&self, number: &Number) -> Stored<Vec<LetterStory>> {
        stories::of_case(&self.reader(), number)
    }

    fn work_begin(&self) -> Stored<()> {
        self.transaction("beginning the work", letters::begin)
    }

    fn letter_requeue(&self, number: &Number, actor: &str, at: Timestamp) -> Stored<Outgoing> {
        self.transaction("queueing a letter again", |transaction| {
            letters::requeue(transaction, number, actor, at)
        })
    }

    fn receipts_want(&self, number: &Number, actor: &str, at: Timestamp) -> Stored<Vec<u32>> {
        self.transaction("noting that a letter is wanted", |transaction| {
            wanted::want(transaction, number, actor, at)
        })
    }

    fn receipts_wanted(&self, now: Timestamp, limit: usize) -> Stored<Vec<Wanted>> {
        wanted::due(&self.reader(), now, limit)
    }

    fn receipt_carried(&self, wanted: &Wanted, letter: &Outgoing) -> Stored<bool> {
        self.transaction("recording a letter as written", |transaction| {
            wanted::carried(transaction, wanted, letter)
        })
    }

    fn receipt_unreachable(&self, wanted: &Wanted) -> Stored<()> {
        self.transaction("recording that no letter can go", |transaction| {
            wanted::unreachable(transaction, wanted)
        })
    }

    fn receipt_want_failed(&self, wanted: &Wanted, why: &str, retry_at: Timestamp) -> Stored<()> {
        self.transaction("counting a letter that could not be written", |transaction| {
            wanted::failed(transaction, wanted, why, retry_at)
        })
    }

    fn answers_since(&self, since: Timestamp) -> Stored<u64> {
        answers::since(&self.reader(), since)
    }

    fn letters_to(&self, address: &str, since: Timestamp) -> Stored<u64> {
        letters::to_address(&self.reader(), address, since)
    }

    fn letters_release(&self, message_ids: &[String]) -> Stored<()> {
        self.transaction("giving letters back", |transaction| {
            letters::release(transaction, message_ids)
        })
    }

    fn letter_next_due(&self) -> Stored<Option<Timestamp>> {
        letters::next_due(&self.reader())
    }

    fn letter_attempt_finish(&self, message_id: &str, attempt: &Attempt, at: Timestamp) -> Stored<()> {
        self.transaction("recording an attempt to send", |transaction| {
            letters::finish(transaction, message_id, attempt, at)
        })
    }

    fn letters_troubled(&self) -> Stored<Vec<LetterTrouble>> {
        lost::troubled(&self.reader())
    }

    fn mail_letters(&self, mail_seq: i64) -> Stored<MailLetters> {
        lost::of_mail(&self.reader(), mail_seq)
    }

    fn followups_troubled(&self) -> Stored<Vec<FollowupTrouble>> {
        followups::troubled(&self.reader())
    }

    fn letter_is_queued(&self, message_id: &str) -> Stored<bool> {
        letters::is_queued(&self.reader(), message_id)
    }

    fn receipts_troubled(&self) -> Stored<Vec<EntryRecord>> {
        digests::receipts_troubled(&self.reader())
    }

    fn filings_between(
        &self,
        from: Timestamp,
        to: Timestamp,
        each: &mut dyn FnMut(EntryRecord),
    ) -> Stored<()> {
        let (reader, which) = (self.reader(), entries::Which::Between(from, to));
        entries::each(&reader, which, each)?;
        entries::submissions_each(&reader, which, each)
    }

    fn answers_between(&self, from: Timestamp, to: Timestamp) -> Stored<Vec<(Number, Answer, u32)>> {
        digests::answers(&self.reader(), from, to)
    }

    fn digest_last(&self, scope: &str) -> Stored<Option<Timestamp>> {
        digests::last(&self.reader(), scope)
    }

    fn digest_done(&self, digest: &DigestDone) -> Stored<bool> {
        self.transaction("recording a digest", |transaction| {
            digests::done(transaction, digest)
        })
    }

    fn backlog(&self) -> Stored<Backlog> {
        letters::backlog(&self.reader())
    }

    fn contact_made(&self, source: &SourceId, at: Timestamp) -> Stored<()> {
        self.transaction("noting the contact with a source", |transaction| {
            contacts::made(transaction, source, at)
        })
    }

    fn contact_missed(&self, source: &SourceId, why: &str, at: Timestamp) -> Stored<()> {
        self.transaction("noting the contact with a source", |transaction| {
            contacts::missed(transaction, source, why, at)
        })
    }

    fn contacts(&self) -> Stored<Vec<Contact>> {
        contacts::all(&self.reader())
    }

    fn waiting(&self) -> Stored<Waiting> {
        figures::waiting(&self.reader())
    }

    fn tally(&self, before: Tally, rows_max: u64) -> Stored<Tally> {
        figures::tally(&self.reader(), before, rows_max)
    }

    fn clock_check(&self, now: Timestamp) -> Stored<()> {
        registering::refuse_a_clock_that_went_back(&self.reader(), now)
    }

    fn journal_each(&self, each: &mut dyn FnMut(journal::Row)) -> Stored<()> {
        journal_rows::each(&self.reader(), each)
    }
}
