#pragma once
// The database's schema and its history: a list of numbered steps that only grows. The number of
// the last step done stands in PRAGMA user_version, who we are in PRAGMA application_id.
//
// A step is one transaction. A new step is a new file migration_NNNN.cc and a line in schema.cc; a
// released step never changes. Docs: docs/internals/data-directory.md.
#include <cstdint>
#include <span>

#include "base/status.h"
#include "store/log_rules.h"
#include "store/sqlite/connection.h"

namespace ctt::store {

inline constexpr std::int64_t kApplicationId = 0x43545431;  // "CTT1".

// An example or version is stored under one integer, so that a task's rows lie together in order:
//   key = task << 40 | number,  number = seq or version number
inline constexpr int kKeyShift = 40;
static_assert(kNumberMax == (std::int64_t{1} << kKeyShift) - 1);
inline constexpr std::int64_t kTaskMax = (std::int64_t{1} << 23) - 1;
constexpr std::int64_t Key(std::int64_t task, std::int64_t number) {
  return task << kKeyShift | number;
}

extern const char kMigration0001[];
extern const char kMigration0002[];
extern const char kMigration0003[];
extern const char kMigration0004[];

// Every step's SQL; entry i leads from version i to i + 1.
std::span<const char* const> Migrations();

// Formats an empty database (page size, WAL) or checks that it is ours, and brings it to the last
// version. kDataLoss ("not_a_database"): of another program. kFailedPrecondition ("newer_schema").
Status BringToLastVersion(Connection& writer);

}  // namespace ctt::store
