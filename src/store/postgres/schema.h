#pragma once
// The schema in PostgreSQL and its history: numbered steps that only grow, as in SQLite's. The
// number of the last step done stands in the table ctt_schema.
//
// What a user wrote (ids, texts, labels, answers) is BYTEA: any bytes come back as they were, NUL
// and invalid UTF-8 among them. Names that ctt makes or checks are TEXT.
#include <span>

#include "base/status.h"
#include "store/postgres/connection.h"

namespace ctt::store {

extern const char kPgMigration0001[];
extern const char kPgMigration0002[];

// Every step's SQL; entry i leads from version i to i + 1.
std::span<const char* const> PgMigrations();

// Brings the database to the last version; processes that start at once do it one after another.
// kFailedPrecondition ("newer_schema").
Status BringToLastVersion(PgConnection& connection);

}  // namespace ctt::store
