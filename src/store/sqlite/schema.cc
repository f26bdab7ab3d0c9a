#include "store/sqlite/schema.h"

#include <string>

#include "store/sqlite/checked_vfs.h"
#include "store/sqlite/error.h"

namespace ctt::store {
namespace {

constexpr const char* kMigrations[] = {kMigration0001, kMigration0002, kMigration0003,
                                       kMigration0004};

// The room for page checks and the page size hold from the first page on: set before there is one.
Status Format(Connection& writer) {
  int reserved = kPageCheckSize;
  const int code =
      sqlite3_file_control(writer.handle(), "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
  if (code != SQLITE_OK) return SqliteError(code, writer.handle(), "reserving page checks");
  return writer.RunScript(("PRAGMA page_size = " + std::to_string(kPageSize)).c_str());
}

Status UseWal(Connection& writer) {
  Statement statement = writer.Use("PRAGMA journal_mode = WAL");
  CTT_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (row && statement.Bytes(0) == "wal") return Status::Ok();
  return {Code::kUnavailable, "database_unavailable",
          "the file system of the data directory does not support SQLite's WAL mode"};
}

Status RunStep(Connection& writer, std::size_t step) {
  const std::string script = "BEGIN IMMEDIATE;" + std::string(kMigrations[step]) +
                             "PRAGMA application_id = " + std::to_string(kApplicationId) +
                             "; PRAGMA user_version = " + std::to_string(step + 1) + "; COMMIT;";
  const Status status = writer.RunScript(script.c_str());
  if (!status.ok() && writer.in_transaction()) {
    (void)writer.RunScript("ROLLBACK");  // The first error is the one to tell.
  }
  return status.ok() ? status : status.WithContext("migration " + std::to_string(step + 1));
}

}  // namespace

std::span<const char* const> Migrations() { return kMigrations; }

Status BringToLastVersion(Connection& writer) {
  CTT_ASSIGN_OR_RETURN(const std::int64_t tables,
                       writer.ReadInt("SELECT count(*) FROM sqlite_schema"));
  CTT_ASSIGN_OR_RETURN(const std::int64_t owner, writer.ReadInt("PRAGMA application_id"));
  CTT_ASSIGN_OR_RETURN(const std::int64_t version, writer.ReadInt("PRAGMA user_version"));
  const bool empty = tables == 0 && owner == 0 && version == 0;
  if (!empty && owner != kApplicationId) {
    return {Code::kDataLoss, "not_a_database", "the database is not one of ctt"};
  }
  const auto last = static_cast<std::int64_t>(Migrations().size());
  if (version > last) {
    return {Code::kFailedPrecondition, "newer_schema",
            "the database has schema version " + std::to_string(version) +
                ", this ctt knows up to " + std::to_string(last) + ": use a later ctt"};
  }
  if (empty) CTT_RETURN_IF_ERROR(Format(writer));
  CTT_RETURN_IF_ERROR(UseWal(writer));
  for (std::int64_t step = version; step < last; ++step) {
    CTT_RETURN_IF_ERROR(RunStep(writer, static_cast<std::size_t>(step)));
  }
  return Status::Ok();
}

}  // namespace ctt::store
