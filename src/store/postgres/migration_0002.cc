#include "store/postgres/schema.h"

namespace ctt::store {

// As migration 4 of SQLite: labels, or a number, in the service's form. NULL: its label says all.
const char kPgMigration0002[] = R"sql(
ALTER TABLE example ADD COLUMN target BYTEA CHECK (target IS NULL OR length(target) > 0);
)sql";

}  // namespace ctt::store
