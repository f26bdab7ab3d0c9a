#include "store/sqlite/schema.h"

namespace ctt::store {

// What an example says when that is not one label: labels, or a number, in the service's form.
// NULL: its label says all.
const char kMigration0004[] = R"sql(
ALTER TABLE example ADD COLUMN target BLOB CHECK (target IS NULL OR length(target) > 0);
)sql";

}  // namespace ctt::store
