#include "store/sqlite/schema.h"

namespace ctt::store {

// API keys, and the log of who wrote what. Both outlive the tasks that they name.
const char kMigration0002[] = R"sql(
CREATE TABLE api_key (
  id TEXT PRIMARY KEY CHECK (id <> ''),
  digest TEXT NOT NULL CHECK (length(digest) = 64),
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  tasks TEXT NOT NULL,
  requests_per_second INTEGER NOT NULL CHECK (requests_per_second >= 0),
  requests_per_day INTEGER NOT NULL CHECK (requests_per_day >= 0),
  created_us INTEGER NOT NULL,
  revoked_us INTEGER NOT NULL CHECK (revoked_us >= 0),
  last_used_us INTEGER NOT NULL CHECK (last_used_us >= 0),
  day INTEGER NOT NULL,
  day_requests INTEGER NOT NULL CHECK (day_requests >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  time_us INTEGER NOT NULL,
  who TEXT NOT NULL CHECK (who <> ''),
  request TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action <> ''),
  subject TEXT NOT NULL,
  rows INTEGER NOT NULL CHECK (rows >= 0),
  digest_before TEXT NOT NULL,
  digest_after TEXT NOT NULL
) STRICT;
)sql";

}  // namespace ctt::store
