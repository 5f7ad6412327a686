-- Every message a source shows, what became of letters on their way, links between entries, contact with the sources.
-- Runs with foreign keys switched off, since a table that others refer to is made anew; they are checked at the end.

-- A message may be without bytes (`nothing`), and a clerk may say how it is to be taken.
CREATE TABLE mail_new (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival; numbers follow it
  source        TEXT NOT NULL,                      -- name of the source in the configuration
  source_key    TEXT NOT NULL,                      -- opaque: IMAP folder, UIDVALIDITY, UID; or file name and hash
  sha256        TEXT NOT NULL CHECK (length(sha256) = 64),  -- of the bytes in the archive
  size_bytes    INTEGER NOT NULL CHECK (size_bytes >= 0),
  extent        TEXT NOT NULL CHECK (extent IN ('whole', 'header-only', 'nothing')),
  received_at   INTEGER NOT NULL,                   -- when it reached the agency's server
  kept_at       INTEGER NOT NULL,                   -- when its bytes were durable here
  duplicate_of  INTEGER REFERENCES mail (seq),      -- the first mail with the same bytes
  standing      TEXT NOT NULL DEFAULT 'new' CHECK (standing IN ('new', 'released')),
  recalled      INTEGER NOT NULL DEFAULT 0 CHECK (recalled IN (0, 1)),  -- a clerk wants the rest of it fetched
  instructions  TEXT CHECK (json_valid(instructions)),  -- what a clerk said of it: sender, name, type, case to join
  attempts      INTEGER NOT NULL DEFAULT 0,         -- failed decisions
  outcome       TEXT CHECK (outcome IN ('registered', 'joined', 'answered', 'filed', 'ignored', 'held')),
  reason        TEXT,                               -- stable code of the outcome
  detail        TEXT NOT NULL DEFAULT '',
  replies       INTEGER NOT NULL DEFAULT 0 CHECK (replies IN (0, 1)),  -- may a letter go out by itself
  decided_at    INTEGER,
  sender_name   TEXT,
  sender        TEXT,                               -- address in From
  subject       TEXT NOT NULL DEFAULT '',
  header_date   INTEGER,                            -- the sender's own Date
  message_id    TEXT,                               -- without angle brackets
  reference_ids TEXT NOT NULL DEFAULT '',           -- Message-IDs of the thread, one a line
  text_print    TEXT,                               -- fingerprint of the letter's text, of texts long enough to tell
  files_print   TEXT,                               -- fingerprint of the set of its files' hashes; NULL without files
  content_print TEXT,                               -- fingerprint of all its words and files
  same_as       INTEGER REFERENCES mail (seq),      -- the first mail with its Message-ID, sender and content
  disowned      INTEGER NOT NULL DEFAULT 0 CHECK (disowned IN (0, 1)),  -- a trusted server says that DMARC fails
  read_reported INTEGER NOT NULL DEFAULT 0 CHECK (read_reported IN (0, 1)),  -- $MDNSent stood on it when it was kept
  UNIQUE (source, source_key),
  CHECK ((outcome IS NULL) = (reason IS NULL))
) STRICT;
INSERT INTO mail_new (seq, source, source_key, sha256, size_bytes, extent, received_at, kept_at, duplicate_of, standing,
                      attempts, outcome, reason, detail, replies, decided_at, sender_name, sender, subject, header_date,
                      message_id, reference_ids)
  SELECT seq, source, source_key, sha256, size_bytes, extent, received_at, kept_at, duplicate_of, standing, attempts,
         outcome, reason, detail, replies, decided_at, sender_name, sender, subject, header_date, message_id,
         reference_ids FROM mail;
DROP TABLE mail;
ALTER TABLE mail_new RENAME TO mail;
CREATE UNIQUE INDEX mail_first_by_sha256 ON mail (sha256) WHERE duplicate_of IS NULL AND extent <> 'nothing';
CREATE INDEX mail_undecided ON mail (seq) WHERE outcome IS NULL;
CREATE INDEX mail_held ON mail (seq) WHERE outcome = 'held';
CREATE INDEX mail_by_kept_at ON mail (kept_at);
CREATE INDEX mail_recalled ON mail (source, source_key) WHERE recalled = 1;
-- The same letter in another mailbox, and the same text sent again.
CREATE INDEX mail_by_message_id ON mail (message_id) WHERE outcome IN ('registered', 'joined') AND message_id IS NOT NULL;
CREATE INDEX mail_by_text_print ON mail (text_print, sender COLLATE NOCASE)
  WHERE outcome IN ('registered', 'joined') AND text_print IS NOT NULL;
CREATE INDEX mail_by_files_print ON mail (files_print, sender COLLATE NOCASE)
  WHERE outcome IN ('registered', 'joined') AND files_print IS NOT NULL;
-- The same few words of the same sender, and the very same message among many under its Message-ID.
CREATE INDEX mail_by_content_print ON mail (content_print, sender COLLATE NOCASE)
  WHERE outcome IN ('registered', 'joined') AND content_print IS NOT NULL;
-- The digest of an office tells what another one has registered.
CREATE INDEX mail_copies ON mail (decided_at) WHERE reason IN ('duplicate', 'same-message');
CREATE INDEX document_by_sha256 ON document (sha256);

-- Every message that a source ever showed, noted before its bytes are asked for: the one side of the daily equation.
CREATE TABLE sighting (
  source     TEXT NOT NULL,
  source_key TEXT NOT NULL,
  shown_at   INTEGER NOT NULL,                      -- when it was first listed
  kept       INTEGER NOT NULL DEFAULT 0 CHECK (kept IN (0, 1)),  -- whether a row of `mail` was made of it
  absent     INTEGER NOT NULL DEFAULT 0,            -- passes in a row that missed it, while its bytes are awaited
  attempts   INTEGER NOT NULL DEFAULT 0,            -- failed attempts to get its bytes
  next_at    INTEGER NOT NULL DEFAULT 0,            -- not before this
  why        TEXT NOT NULL DEFAULT '',              -- the source's words at the last failure
  PRIMARY KEY (source, source_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX sighting_by_shown_at ON sighting (shown_at);
CREATE INDEX sighting_awaited ON sighting (shown_at) WHERE kept = 0;
INSERT INTO sighting (source, source_key, shown_at, kept) SELECT source, source_key, kept_at, 1 FROM mail;

-- When a source was last reached, and since when it cannot be.
CREATE TABLE source_contact (
  source        TEXT PRIMARY KEY,
  contact_at    INTEGER,                            -- last success; NULL: never
  failing_since INTEGER,                            -- first failure after it; NULL while all is well
  why           TEXT NOT NULL DEFAULT ''            -- the last failure, without personal data
) STRICT, WITHOUT ROWID;

-- Entries that belong together (conexe): proposed by the program, decided by a clerk.
CREATE TABLE link (
  register         TEXT NOT NULL,                   -- the later entry
  year             INTEGER NOT NULL,
  number           INTEGER NOT NULL,
  earlier_register TEXT NOT NULL,                   -- the earlier one
  earlier_year     INTEGER NOT NULL,
  earlier_number   INTEGER NOT NULL,
  why              TEXT NOT NULL CHECK (why IN ('reply', 'number', 'files', 'text', 'message', 'clerk')),
  told             INTEGER NOT NULL CHECK (told IN (0, 1)),  -- whether the receipt says so: only of one's own entries
  state            TEXT NOT NULL CHECK (state IN ('proposed', 'confirmed', 'rejected')),
  made_at          INTEGER NOT NULL,
  decided_at       INTEGER,
  decided_by       TEXT,
  PRIMARY KEY (register, year, number, earlier_register, earlier_year, earlier_number),
  FOREIGN KEY (register, year, number) REFERENCES entry (register, year, number),
  FOREIGN KEY (earlier_register, earlier_year, earlier_number) REFERENCES entry (register, year, number),
  CHECK ((state = 'proposed') = (decided_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX link_by_earlier ON link (earlier_register, earlier_year, earlier_number);
CREATE INDEX link_proposed ON link (made_at) WHERE state = 'proposed';

-- Letters owed to the sender of a mail that has no entry, and read reports.
CREATE TABLE answer (
  mail_seq   INTEGER NOT NULL REFERENCES mail (seq),
  kind       TEXT NOT NULL CHECK (kind IN ('too-large', 'encrypted', 'read-report')),  -- that of the letter
  state      TEXT NOT NULL CHECK (state IN ('owed', 'done', 'void')),
  settled_at INTEGER,
  attempts   INTEGER NOT NULL DEFAULT 0,            -- failed attempts to write it
  next_at    INTEGER NOT NULL DEFAULT 0,            -- after a failure: not before this
  why        TEXT NOT NULL DEFAULT '',              -- the last error, or why it is void
  PRIMARY KEY (mail_seq, kind),
  CHECK ((state = 'owed') = (settled_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_owed ON answer (next_at) WHERE state = 'owed';

ALTER TABLE letter ADD COLUMN mail_seq INTEGER REFERENCES mail (seq);  -- of an answer: the mail that it answers
ALTER TABLE letter ADD COLUMN delivery TEXT CHECK (delivery IN
  ('relayed', 'delivered', 'read', 'delayed', 'bounced'));             -- what reports say of it; NULL: none came
ALTER TABLE letter ADD COLUMN delivery_at INTEGER;
CREATE UNIQUE INDEX letter_of_mail ON letter (mail_seq, kind) WHERE mail_seq IS NOT NULL;
CREATE INDEX letter_bounced ON letter (message_id) WHERE delivery = 'bounced';

-- What reports said of a letter, each with the mail that is the evidence.
CREATE TABLE letter_event (
  message_id TEXT NOT NULL REFERENCES letter (message_id),
  ordinal    INTEGER NOT NULL CHECK (ordinal >= 1),
  at         INTEGER NOT NULL,                      -- when the report was filed
  state      TEXT NOT NULL CHECK (state IN
    ('relayed', 'delivered', 'read', 'delayed', 'bounced', 'complained', 'auto-replied')),
  mail_seq   INTEGER NOT NULL REFERENCES mail (seq),  -- the evidence
  recipient  TEXT,                                  -- as the report names it
  status     TEXT,                                  -- enhanced status code (RFC 3463)
  detail     TEXT NOT NULL DEFAULT '',              -- the server's words
  PRIMARY KEY (message_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX letter_event_by_mail ON letter_event (mail_seq);
-- What went in the last minute, for the pace.
CREATE INDEX attempt_by_finished_at ON attempt (finished_at);

-- Why no letter carries an issued receipt by itself.
ALTER TABLE receipt ADD COLUMN letterless_why TEXT CHECK (letterless_why IN
  ('no-address', 'silence', 'budget', 'unauthenticated', 'unusable-address'));
-- Those issued before had no other reasons than these.
UPDATE receipt SET letterless_why = (
    SELECT CASE WHEN m.sender IS NULL THEN 'no-address' WHEN m.replies = 0 THEN 'silence' ELSE 'budget' END
    FROM mail m WHERE m.seq = coalesce(
      (SELECT s.mail_seq FROM submission s WHERE (s.register, s.year, s.number, s.ordinal)
         = (receipt.register, receipt.year, receipt.number, receipt.ordinal)),
      (SELECT e.mail_seq FROM entry e WHERE (e.register, e.year, e.number)
         = (receipt.register, receipt.year, receipt.number))))
  WHERE letterless = 1;
-- A clerk wants a letter to carry it all the same.
ALTER TABLE receipt ADD COLUMN wanted INTEGER NOT NULL DEFAULT 0 CHECK (wanted IN (0, 1));
CREATE INDEX receipt_wanted ON receipt (register, year, number, ordinal) WHERE wanted = 1;

-- How many letters the house wrote today.
CREATE INDEX letter_by_queued_at ON letter (queued_at, kind);
