#include "store/sqlite/schema.h"

namespace ctt::store {

// Labels change their names, and two may come to share one: a label's name is no longer its own,
// and what it was called before stays known. label_name: until `until_seq` the label had this
// `name`. The table is made anew, since SQLite cannot take a UNIQUE away; ids already given stay
// given.
const char kMigration0003[] = R"sql(
CREATE TABLE label_new (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO label_new (id, task, name, description) SELECT id, task, name, description FROM label;
DELETE FROM sqlite_sequence WHERE name = 'label_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'label_new', seq FROM sqlite_sequence WHERE name = 'label';
DROP TABLE label;
ALTER TABLE label_new RENAME TO label;
CREATE INDEX label_by_name ON label (task, name);

CREATE TABLE label_name (
  label INTEGER NOT NULL REFERENCES label (id) ON DELETE CASCADE,
  until_seq INTEGER NOT NULL CHECK (until_seq > 0),
  name TEXT NOT NULL,
  PRIMARY KEY (label, until_seq)
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace ctt::store
