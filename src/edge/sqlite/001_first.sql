-- The registry's memory. Instants are UTC microseconds since 1970, legal days are ISO dates.
-- Migrations go forward only: this file is never edited after a release, the next one is added beside it.

-- What is true of the whole registry.
CREATE TABLE instance (
  key   TEXT PRIMARY KEY,            -- 'secret': 32 random bytes in hexadecimal; 'clock-accepted': see the journal
  value TEXT NOT NULL
) STRICT;

-- One row for every message that a source ever showed, in the order of arrival.
CREATE TABLE mail (
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
  outcome       TEXT CHECK (outcome IN ('registered', 'filed', 'ignored', 'held')),  -- NULL: not yet decided
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
CREATE UNIQUE INDEX mail_first_by_sha256 ON mail (sha256) WHERE duplicate_of IS NULL;
CREATE INDEX mail_undecided ON mail (seq) WHERE outcome IS NULL;
CREATE INDEX mail_held ON mail (seq) WHERE outcome = 'held';

-- The files of a decided mail; a file inside another has a row of its own.
CREATE TABLE document (
  mail_seq   INTEGER NOT NULL REFERENCES mail (seq),
  ordinal    INTEGER NOT NULL CHECK (ordinal >= 1),
  name       TEXT NOT NULL,                         -- as received
  container  TEXT,                                  -- the message or envelope it came in
  declared   TEXT NOT NULL,                         -- media type that the mail declared
  detected   TEXT NOT NULL,                         -- code of what the content is
  kind_ro    TEXT NOT NULL,                         -- the same in Romanian, as the citizen was told
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
  accepted   INTEGER NOT NULL CHECK (accepted IN (0, 1)),
  findings   TEXT NOT NULL CHECK (json_valid(findings)),  -- [[code, severity, sentence for the citizen], …]
  PRIMARY KEY (mail_seq, ordinal)
) STRICT, WITHOUT ROWID;

-- The last number given in each register and year; the row is locked while an entry is made.
CREATE TABLE series (
  register TEXT NOT NULL,
  year     INTEGER NOT NULL,
  last     INTEGER NOT NULL CHECK (last >= 0),
  PRIMARY KEY (register, year)
) STRICT, WITHOUT ROWID;

-- The register itself. Never changed after its commit.
CREATE TABLE entry (
  register          TEXT NOT NULL,
  year              INTEGER NOT NULL,
  number            INTEGER NOT NULL CHECK (number >= 1),  -- 1 … n without a gap within register and year
  registered_on     TEXT NOT NULL,                  -- the date in the number, Europe/Bucharest
  mail_seq          INTEGER NOT NULL UNIQUE REFERENCES mail (seq),  -- one mail, one entry
  office            TEXT NOT NULL,
  applicant         TEXT,
  request_type      TEXT NOT NULL,                  -- proposed; 'nedeterminat' where nothing fits
  received_at       INTEGER NOT NULL,
  registered_at     INTEGER NOT NULL,
  processing_day    TEXT NOT NULL,
  processing_reason TEXT NOT NULL,
  PRIMARY KEY (register, year, number)
) STRICT;
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
  BEGIN SELECT raise(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON entry
  BEGIN SELECT raise(ABORT, 'an entry is never deleted'); END;

-- The receipt that each entry owes or has.
CREATE TABLE receipt (
  register   TEXT NOT NULL,
  year       INTEGER NOT NULL,
  number     INTEGER NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('owed', 'issued')),
  sha256     TEXT CHECK (length(sha256) = 64),      -- of the signed PDF in the archive
  issued_at  INTEGER,
  attempts   INTEGER NOT NULL DEFAULT 0,            -- failed issues
  next_at    INTEGER NOT NULL DEFAULT 0,            -- after a failure: not before this
  last_error TEXT,
  PRIMARY KEY (register, year, number),
  FOREIGN KEY (register, year, number) REFERENCES entry (register, year, number),
  CHECK ((state = 'issued') = (sha256 IS NOT NULL AND issued_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX receipt_owed ON receipt (register, year, number) WHERE state = 'owed';

-- Letters, complete before the first attempt.
CREATE TABLE letter (
  message_id  TEXT PRIMARY KEY,                     -- without angle brackets
  kind        TEXT NOT NULL CHECK (kind IN ('receipt')),
  register    TEXT NOT NULL,
  year        INTEGER NOT NULL,
  number      INTEGER NOT NULL,
  mail_from   TEXT NOT NULL,                        -- envelope sender
  rcpt_to     TEXT NOT NULL,                        -- envelope recipient
  sha256      TEXT NOT NULL CHECK (length(sha256) = 64),  -- of the letter's bytes in the archive
  state       TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'given-up')),
  queued_at   INTEGER NOT NULL,
  next_at     INTEGER NOT NULL,                     -- when it is due
  lease_until INTEGER NOT NULL DEFAULT 0,           -- until then one worker has it
  attempts    INTEGER NOT NULL DEFAULT 0,
  last_answer TEXT,
  UNIQUE (kind, register, year, number),
  FOREIGN KEY (register, year, number) REFERENCES entry (register, year, number)
) STRICT;
CREATE INDEX letter_due ON letter (next_at) WHERE state = 'queued';
CREATE INDEX letter_by_address ON letter (rcpt_to COLLATE NOCASE, queued_at);
CREATE INDEX letter_given_up ON letter (message_id) WHERE state = 'given-up';

-- Every attempt to send, for the auditor.
CREATE TABLE attempt (
  message_id  TEXT NOT NULL REFERENCES letter (message_id),
  ordinal     INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  result      TEXT NOT NULL CHECK (result IN ('sent', 'retry', 'given-up')),
  answer      TEXT NOT NULL,
  PRIMARY KEY (message_id, ordinal)
) STRICT, WITHOUT ROWID;

-- What happened, chained by hash.
CREATE TABLE journal (
  seq       INTEGER PRIMARY KEY,                    -- 1 … n
  at        INTEGER NOT NULL,
  actor     TEXT NOT NULL,
  kind      TEXT NOT NULL,
  subject   TEXT NOT NULL,
  body      TEXT NOT NULL CHECK (json_valid(body)), -- canonical JSON
  prev_hash TEXT NOT NULL,
  hash      TEXT NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal
  BEGIN SELECT raise(ABORT, 'the journal is never changed'); END;
CREATE TRIGGER journal_is_never_deleted BEFORE DELETE ON journal
  BEGIN SELECT raise(ABORT, 'the journal is never deleted'); END;
