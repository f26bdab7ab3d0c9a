#include "store/sqlite/schema.h"

namespace ctt::store {

// The first schema. Example and version rows carry their task inside the key, so their tables have
// no foreign key to task: deleting a task deletes the key range, and Verify looks for rows without
// one. An id is never given twice (AUTOINCREMENT), so what is cached by id cannot meet a namesake.
const char kMigration0001[] = R"sql(
CREATE TABLE task (
  id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 8388607),
  name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  last_seq INTEGER NOT NULL DEFAULT 0 CHECK (last_seq BETWEEN 0 AND 1099511627775),
  living INTEGER NOT NULL DEFAULT 0 CHECK (living BETWEEN 0 AND last_seq)
) STRICT;

CREATE TABLE label (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  UNIQUE (task, name)
) STRICT;

CREATE TABLE example (
  key INTEGER PRIMARY KEY CHECK (key >> 40 > 0 AND key & 1099511627775 > 0),
  task INTEGER AS (key >> 40) VIRTUAL,
  seq INTEGER AS (key & 1099511627775) VIRTUAL,
  deleted_seq INTEGER NOT NULL DEFAULT 0 CHECK (deleted_seq = 0 OR deleted_seq > seq),
  label INTEGER NOT NULL CHECK (label > 0),
  time_us INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (id <> ''),
  source TEXT NOT NULL,
  phi BLOB NOT NULL CHECK (length(phi) > 0),
  text TEXT
) STRICT;
CREATE UNIQUE INDEX example_living ON example (task, id) WHERE deleted_seq = 0;
CREATE INDEX example_unlearned ON example (task, deleted_seq) WHERE deleted_seq > 0;

CREATE TABLE version (
  key INTEGER PRIMARY KEY CHECK (key >> 40 > 0 AND key & 1099511627775 > 0),
  task INTEGER AS (key >> 40) VIRTUAL,
  number INTEGER AS (key & 1099511627775) VIRTUAL,
  watermark INTEGER NOT NULL CHECK (watermark >= 0),
  settled INTEGER NOT NULL CHECK (settled IN (0, 1)),
  has_artifact INTEGER NOT NULL CHECK (has_artifact IN (0, 1)),
  examples INTEGER NOT NULL CHECK (examples >= 0),
  created_us INTEGER NOT NULL,
  head_digest TEXT NOT NULL,
  settings BLOB NOT NULL,
  report TEXT NOT NULL
) STRICT;

CREATE TABLE alias (
  task INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (name <> ''),
  version_key INTEGER NOT NULL REFERENCES version (key),
  PRIMARY KEY (task, name),
  CHECK (version_key >> 40 = task)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
  task INTEGER PRIMARY KEY REFERENCES task (id) ON DELETE CASCADE,
  watermark INTEGER NOT NULL CHECK (watermark >= 0),
  digest TEXT NOT NULL CHECK (length(digest) = 64)
) STRICT;

CREATE TABLE idempotent (
  key TEXT PRIMARY KEY CHECK (key <> ''),
  request_digest TEXT NOT NULL,
  answer TEXT NOT NULL,
  created_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotent_created ON idempotent (created_us);

CREATE TABLE meta (
  key TEXT PRIMARY KEY CHECK (key <> ''),
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace ctt::store
