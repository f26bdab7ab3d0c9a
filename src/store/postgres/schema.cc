#include "store/postgres/schema.h"

#include <string>

namespace ctt::store {
namespace {

constexpr const char* kMigrations[] = {kPgMigration0001, kPgMigration0002};

Result<std::int64_t> ReadVersion(PgConnection& connection) {
  CTT_RETURN_IF_ERROR(
      connection.Script("CREATE TABLE IF NOT EXISTS ctt_schema (version BIGINT NOT NULL)"));
  CTT_ASSIGN_OR_RETURN(const PgRows rows,
                       connection.Run("SELECT coalesce(max(version), 0) FROM ctt_schema"));
  return rows.Int(0, 0);
}

Status Migrate(PgConnection& connection) {
  CTT_RETURN_IF_ERROR(connection
                          .Run("SELECT pg_advisory_xact_lock(hashtextextended("
                               "current_schema() || ' migration of ctt', 0))")
                          .status());
  CTT_ASSIGN_OR_RETURN(const std::int64_t version, ReadVersion(connection));
  const auto last = static_cast<std::int64_t>(PgMigrations().size());
  if (version > last) {
    return {Code::kFailedPrecondition, "newer_schema",
            "the database has schema " + std::to_string(version) + ", this ctt knows " +
                std::to_string(last) + ": a later ctt wrote it"};
  }
  for (std::int64_t step = version; step < last; ++step) {
    CTT_RETURN_IF_ERROR(connection.Script(PgMigrations()[static_cast<std::size_t>(step)]));
    CTT_RETURN_IF_ERROR(
        connection.Run("INSERT INTO ctt_schema (version) VALUES ($1)", {step + 1}).status());
  }
  return Status::Ok();
}

}  // namespace

std::span<const char* const> PgMigrations() { return kMigrations; }

Status BringToLastVersion(PgConnection& connection) {
  CTT_RETURN_IF_ERROR(connection.Script("BEGIN"));
  const Status migrated = Migrate(connection);
  const Status ended = connection.Script(migrated.ok() ? "COMMIT" : "ROLLBACK");
  return migrated.ok() ? ended : migrated;
}

}  // namespace ctt::store
