-- Cases after their registration, the letters planned in them, and the digests that went out.
-- Runs with foreign keys switched off, since tables that others refer to are made anew; they are checked at the end.

-- A mail may join a case (`joined`); `answered` is for what could not be taken at all.
CREATE TABLE mail_new (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival; numbers follow it
  source        TEXT NOT NULL,                      -- name of the source in the configuration
  source_key    TEXT NOT NULL,                      -- opaque: IMAP folder, UIDVALIDITY, UID; or file name and hash
  sha256        TEXT NOT NULL CHECK (length(sha256) = 64),  -- of the bytes in the archive
  size_bytes    INTEGER NOT NULL CHECK (size_bytes >= 0),
  extent        TEXT NOT NULL CHECK (extent IN ('whole', 'header-only')),
  received_at   INTEGER NOT NULL,                   -- when it reached the agency's server
  kept_at       INTEGER NOT NULL,                   -- when its bytes were durable here
  duplicate_of  INTEGER REFERENCES mail (seq),      -- the first mail with the same bytes
  standing      TEXT NOT NULL DEFAULT 'new' CHECK (standing IN ('new', 'released')),
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
  UNIQUE (source, source_key),
  CHECK ((outcome IS NULL) = (reason IS NULL))
) STRICT;
INSERT INTO mail_new SELECT * FROM mail;
DROP TABLE mail;
ALTER TABLE mail_new RENAME TO mail;
CREATE UNIQUE INDEX mail_first_by_sha256 ON mail (sha256) WHERE duplicate_of IS NULL;
CREATE INDEX mail_undecided ON mail (seq) WHERE outcome IS NULL;
CREATE INDEX mail_held ON mail (seq) WHERE outcome = 'held';
CREATE INDEX mail_by_kept_at ON mail (kept_at);

CREATE INDEX entry_by_registered_at ON entry (registered_at);

-- A later mail to a case (completare), in its order. Never changed after its commit.
CREATE TABLE submission (
  register          TEXT NOT NULL,
  year              INTEGER NOT NULL,
  number            INTEGER NOT NULL,
  ordinal           INTEGER NOT NULL CHECK (ordinal >= 1),  -- 1 … n without a gap within the case
  mail_seq          INTEGER NOT NULL UNIQUE REFERENCES mail (seq),
  applicant         TEXT,
  received_at       INTEGER NOT NULL,
  registered_at     INTEGER NOT NULL,
  processing_day    TEXT NOT NULL,
  processing_reason TEXT NOT NULL,
  PRIMARY KEY (register, year, number, ordinal),
  FOREIGN KEY (register, year, number) REFERENCES entry (register, year, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX submission_by_registered_at ON submission (registered_at);
CREATE TRIGGER submission_is_never_changed BEFORE UPDATE ON submission
  BEGIN SELECT raise(ABORT, 'a submission is never changed'); END;
CREATE TRIGGER submission_is_never_deleted BEFORE DELETE ON submission
  BEGIN SELECT raise(ABORT, 'a submission is never deleted'); END;

-- The receipt that each entry and each submission owes or has.
CREATE TABLE receipt_new (
  register   TEXT NOT NULL,
  year       INTEGER NOT NULL,
  number     INTEGER NOT NULL,
  ordinal    INTEGER NOT NULL CHECK (ordinal >= 0),  -- 0: of the entry, k: of the case's k-th submission
  state      TEXT NOT NULL CHECK (state IN ('owed', 'issued')),
  sha256     TEXT CHECK (length(sha256) = 64),      -- of the signed PDF in the archive
  issued_at  INTEGER,
  attempts   INTEGER NOT NULL DEFAULT 0,            -- failed issues
  next_at    INTEGER NOT NULL DEFAULT 0,            -- after a failure: not before this
  last_error TEXT,
  letterless INTEGER NOT NULL DEFAULT 0 CHECK (letterless IN (0, 1)),  -- issued, and no letter may carry it by itself
  PRIMARY KEY (register, year, number, ordinal),
  FOREIGN KEY (register, year, number) REFERENCES entry (register, year, number),
  CHECK ((state = 'issued') = (sha256 IS NOT NULL AND issued_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO receipt_new
  SELECT register, year, number, 0, state, sha256, issued_at, attempts, next_at, last_error,
         state = 'issued' AND NOT EXISTS (SELECT 1 FROM letter l WHERE l.register = receipt.register
                                            AND l.year = receipt.year AND l.number = receipt.number)
    FROM receipt;
DROP TABLE receipt;
ALTER TABLE receipt_new RENAME TO receipt;
CREATE INDEX receipt_owed ON receipt (register, year, number, ordinal) WHERE state = 'owed';
CREATE INDEX receipt_letterless ON receipt (register, year, number, ordinal) WHERE letterless = 1;

-- The life of one request: one row for each entry.
CREATE TABLE case_file (
  register          TEXT NOT NULL,
  year              INTEGER NOT NULL,
  number            INTEGER NOT NULL,
  due_on            TEXT NOT NULL,                  -- last day for the decision
  consent           TEXT NOT NULL CHECK (consent IN ('not-asked', 'missing', 'found')),
  consent_ordinal   INTEGER,                        -- the submission that brought it, 0: the request itself
  consent_file      TEXT,                           -- the name of the file
  consent_on        TEXT,
  decided_on        TEXT,
  decision_name     TEXT,                           -- of the document, as the clerk gave it
  decision_sha256   TEXT CHECK (length(decision_sha256) = 64),  -- of its bytes in the archive
  decision_at       INTEGER,
  decision_by       TEXT,
  handed_over_on    TEXT,
  handed_over_how   TEXT CHECK (handed_over_how IN ('in-person', 'post', 'e-mail')),
  handed_over_at    INTEGER,
  handed_over_by    TEXT,
  closed_at         INTEGER,                        -- handed over, or set aside
  closed_by         TEXT,
  closed_reason     TEXT,                           -- of a case with nothing to decide
  version           INTEGER NOT NULL DEFAULT 0,     -- grows with every change
  PRIMARY KEY (register, year, number),
  FOREIGN KEY (register, year, number) REFERENCES entry (register, year, number),
  CHECK ((consent = 'found') = (consent_ordinal IS NOT NULL AND consent_file IS NOT NULL AND consent_on IS NOT NULL)),
  CHECK ((decided_on IS NULL) = (decision_sha256 IS NULL)),
  CHECK ((handed_over_on IS NULL) = (handed_over_how IS NULL)),
  CHECK (closed_at IS NOT NULL OR (handed_over_on IS NULL AND closed_reason IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX case_open ON case_file (due_on) WHERE closed_at IS NULL;
INSERT INTO case_file (register, year, number, due_on, consent)
  SELECT register, year, number, date(registered_on, '+30 days'), 'not-asked' FROM entry;

-- What was asked of the citizen.
CREATE TABLE clarification (
  register       TEXT NOT NULL,
  year           INTEGER NOT NULL,
  number         INTEGER NOT NULL,
  ordinal        INTEGER NOT NULL CHECK (ordinal >= 1),
  what           TEXT NOT NULL,                     -- in the clerk's words, as the citizen reads them
  until          TEXT NOT NULL,                     -- last day for the answer
  asked_at       INTEGER NOT NULL,
  asked_by       TEXT NOT NULL,
  answer_ordinal INTEGER,                           -- the submission that came after the question went out
  answered_at    INTEGER,
  PRIMARY KEY (register, year, number, ordinal),
  FOREIGN KEY (register, year, number) REFERENCES entry (register, year, number),
  CHECK ((answer_ordinal IS NULL) = (answered_at IS NULL))
) STRICT, WITHOUT ROWID;

-- When the citizen is to come; the last one of a case holds.
CREATE TABLE appointment (
  register  TEXT NOT NULL,
  year      INTEGER NOT NULL,
  number    INTEGER NOT NULL,
  ordinal   INTEGER NOT NULL CHECK (ordinal >= 1),
  starts_at INTEGER NOT NULL,
  minutes   INTEGER NOT NULL CHECK (minutes > 0),
  place     TEXT NOT NULL,
  made_at   INTEGER NOT NULL,
  made_by   TEXT NOT NULL,
  PRIMARY KEY (register, year, number, ordinal),
  FOREIGN KEY (register, year, number) REFERENCES entry (register, year, number)
) STRICT, WITHOUT ROWID;

-- Letters that are to be written later.
CREATE TABLE followup (
  register   TEXT NOT NULL,
  year       INTEGER NOT NULL,
  number     INTEGER NOT NULL,
  kind       TEXT NOT NULL,                         -- that of the letter
  ordinal    INTEGER NOT NULL CHECK (ordinal >= 1), -- of the clarification or appointment
  due_at     INTEGER NOT NULL,                      -- within the office's hours
  next_at    INTEGER NOT NULL,                      -- not before this: later than due_at after a failure or an outage
  state      TEXT NOT NULL CHECK (state IN ('planned', 'done', 'void')),
  settled_at INTEGER,
  attempts   INTEGER NOT NULL DEFAULT 0,            -- failed attempts to write it
  last_error TEXT,
  PRIMARY KEY (register, year, number, kind, ordinal),
  FOREIGN KEY (register, year, number) REFERENCES entry (register, year, number),
  CHECK ((state = 'planned') = (settled_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX followup_failing ON followup (register, year, number) WHERE state = 'planned' AND attempts > 0;
CREATE INDEX followup_due ON followup (next_at) WHERE state = 'planned';

-- Letters, complete before the first attempt.
CREATE TABLE letter_new (
  message_id  TEXT PRIMARY KEY,                     -- without angle brackets
  kind        TEXT NOT NULL,
  register    TEXT,                                 -- the case; NULL for a digest
  year        INTEGER,
  number      INTEGER,
  ordinal     INTEGER NOT NULL DEFAULT 0,           -- of the submission, clarification or appointment
  mail_from   TEXT NOT NULL,                        -- envelope sender
  rcpt_to     TEXT NOT NULL,                        -- envelope recipient
  sha256      TEXT NOT NULL CHECK (length(sha256) = 64),  -- of the letter's bytes in the archive
  state       TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'given-up', 'void')),
  queued_at   INTEGER NOT NULL,
  next_at     INTEGER NOT NULL,                     -- when it is due
  not_after   INTEGER,                              -- from then on it would only puzzle whoever reads it
  lease_until INTEGER NOT NULL DEFAULT 0,           -- until then one worker has it
  attempts    INTEGER NOT NULL DEFAULT 0,
  last_answer TEXT,
  UNIQUE (register, year, number, kind, ordinal),
  FOREIGN KEY (register, year, number) REFERENCES entry (register, year, number),
  CHECK ((register IS NULL) = (year IS NULL) AND (year IS NULL) = (number IS NULL))
) STRICT;
INSERT INTO letter_new (message_id, kind, register, year, number, mail_from, rcpt_to, sha256, state, queued_at, next_at,
                        lease_until, attempts, last_answer)
  SELECT message_id, kind, register, year, number, mail_from, rcpt_to, sha256, state, queued_at, next_at, lease_until,
         attempts, last_answer FROM letter;
DROP TABLE letter;
ALTER TABLE letter_new RENAME TO letter;
CREATE INDEX letter_due ON letter (next_at) WHERE state = 'queued';
CREATE INDEX letter_by_address ON letter (rcpt_to COLLATE NOCASE, queued_at);
CREATE INDEX letter_given_up ON letter (message_id) WHERE state = 'given-up';

-- The digests that went out: each begins where the one before it ended.
CREATE TABLE digest (
  scope      TEXT NOT NULL,                         -- the office, or '' for all
  until      INTEGER NOT NULL,                      -- end of the period, its scheduled instant
  since      INTEGER NOT NULL,                      -- begin of the period
  covers     INTEGER NOT NULL CHECK (covers >= 0),  -- scheduled instants in it: 0 begins the row of digests, more than
                                                    -- one stands for those missed in an outage
  made_at    INTEGER NOT NULL,
  PRIMARY KEY (scope, until)
) STRICT, WITHOUT ROWID;

-- The history of a case is read from the journal.
CREATE INDEX journal_kept_at ON journal (at) WHERE kind = 'mail.kept';
CREATE INDEX journal_by_subject ON journal (subject);
