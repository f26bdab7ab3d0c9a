#include "store/postgres/schema.h"

namespace ctt::store {

// What SQLite has after its third step. Deleting a task deletes all that it holds; an id is never
// given twice.
const char kPgMigration0001[] = R"sql(
CREATE TABLE task (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL,
  created_us BIGINT NOT NULL,
  last_seq BIGINT NOT NULL DEFAULT 0 CHECK (last_seq BETWEEN 0 AND 1099511627775),
  living BIGINT NOT NULL DEFAULT 0 CHECK (living BETWEEN 0 AND last_seq)
);

CREATE TABLE label (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  task BIGINT NOT NULL REFERENCES task (id) ON DELETE CASCADE,
  name BYTEA NOT NULL,
  description BYTEA NOT NULL DEFAULT ''
);
CREATE INDEX label_by_name ON label (task, name);

CREATE TABLE label_name (
  label BIGINT NOT NULL REFERENCES label (id) ON DELETE CASCADE,
  until_seq BIGINT NOT NULL CHECK (until_seq > 0),
  name BYTEA NOT NULL,
  PRIMARY KEY (label, until_seq)
);

CREATE TABLE example (
  task BIGINT NOT NULL,
  seq BIGINT NOT NULL CHECK (seq > 0),
  deleted_seq BIGINT NOT NULL DEFAULT 0 CHECK (deleted_seq = 0 OR deleted_seq > seq),
  label BIGINT NOT NULL CHECK (label > 0),
  time_us BIGINT NOT NULL,
  id BYTEA NOT NULL CHECK (id <> ''),
  source BYTEA NOT NULL,
  phi BYTEA NOT NULL CHECK (length(phi) > 0),
  text BYTEA,
  PRIMARY KEY (task, seq)
);
ALTER TABLE example ALTER COLUMN phi SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX example_living ON example (task, id) WHERE deleted_seq = 0;
CREATE INDEX example_unlearned ON example (task, deleted_seq, seq) WHERE deleted_seq > 0;

CREATE TABLE version (
  task BIGINT NOT NULL,
  number BIGINT NOT NULL CHECK (number > 0),
  watermark BIGINT NOT NULL CHECK (watermark >= 0),
  settled BOOLEAN NOT NULL,
  has_artifact BOOLEAN NOT NULL,
  examples BIGINT NOT NULL CHECK (examples >= 0),
  created_us BIGINT NOT NULL,
  head_digest TEXT NOT NULL,
  settings BYTEA NOT NULL,
  report BYTEA NOT NULL,
  PRIMARY KEY (task, number)
);

CREATE TABLE alias (
  task BIGINT NOT NULL REFERENCES task (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (name <> ''),
  version BIGINT NOT NULL,
  PRIMARY KEY (task, name),
  FOREIGN KEY (task, version) REFERENCES version (task, number)
);

CREATE TABLE checkpoint (
  task BIGINT PRIMARY KEY REFERENCES task (id) ON DELETE CASCADE,
  watermark BIGINT NOT NULL CHECK (watermark >= 0),
  digest TEXT NOT NULL CHECK (length(digest) = 64)
);

CREATE TABLE idempotent (
  key BYTEA PRIMARY KEY CHECK (key <> ''),
  request_digest BYTEA NOT NULL,
  answer BYTEA NOT NULL,
  created_us BIGINT NOT NULL
);
CREATE INDEX idempotent_created ON idempotent (created_us);

CREATE TABLE meta (
  key TEXT PRIMARY KEY CHECK (key <> ''),
  value TEXT NOT NULL
);

CREATE TABLE api_key (
  id TEXT PRIMARY KEY CHECK (id <> ''),
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  name BYTEA NOT NULL,
  scopes BYTEA NOT NULL,
  tasks BYTEA NOT NULL,
  requests_per_second BIGINT NOT NULL CHECK (requests_per_second >= 0),
  requests_per_day BIGINT NOT NULL CHECK (requests_per_day >= 0),
  created_us BIGINT NOT NULL,
  revoked_us BIGINT NOT NULL CHECK (revoked_us >= 0),
  last_used_us BIGINT NOT NULL CHECK (last_used_us >= 0),
  day BIGINT NOT NULL,
  day_requests BIGINT NOT NULL CHECK (day_requests >= 0)
);

CREATE TABLE audit (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  time_us BIGINT NOT NULL,
  who TEXT NOT NULL CHECK (who <> ''),
  request BYTEA NOT NULL,
  action TEXT NOT NULL CHECK (action <> ''),
  subject BYTEA NOT NULL,
  rows BIGINT NOT NULL CHECK (rows >= 0),
  digest_before TEXT NOT NULL,
  digest_after TEXT NOT NULL
);
)sql";

}  // namespace ctt::store
