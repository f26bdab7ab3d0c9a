#include "store/sqlite/error.h"

#include <filesystem>
#include <string>

#include "store/sqlite/checked_vfs.h"

namespace ctt::store {
namespace {

constexpr std::int64_t kBusyRetrySeconds = 5;

struct Meaning {
  Code code;
  const char* reason;
  const char* text;
};

Meaning MeaningOf(int code) {
  if (code == SQLITE_IOERR_DATA) return {Code::kDataLoss, "damaged", "a page fails its check"};
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {Code::kUnavailable, "disk_full", "the disk is full"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Code::kUnavailable, "database_unavailable", "the file is locked"};
    case SQLITE_CANTOPEN:
      return {Code::kUnavailable, "database_unavailable", "cannot open"};
    case SQLITE_IOERR:
      return {Code::kUnavailable, "database_unavailable", "input/output error"};
    case SQLITE_CORRUPT:
      return {Code::kDataLoss, "damaged", "the file is damaged"};
    case SQLITE_NOTADB:
      return {Code::kDataLoss, "not_a_database", "the file is not a database"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {Code::kPermissionDenied, "", "the file cannot be written"};
    case SQLITE_NOMEM:
      return {Code::kResourceExhausted, "out_of_memory", "out of memory"};
    case SQLITE_TOOBIG:
      return {Code::kTooLarge, "", "a value is too big"};
    default:
      return {Code::kInternal, "", "unexpected"};
  }
}

}  // namespace

Status SqliteError(int code, sqlite3* connection, std::string_view action) {
  const Meaning meaning = MeaningOf(code);
  const char* path = connection == nullptr ? nullptr : sqlite3_db_filename(connection, "main");
  std::string message = path == nullptr || *path == '\0'
                            ? "database"
                            : std::filesystem::path(path).filename().string();
  message += ": ";
  message += meaning.text;
  if (code == SQLITE_IOERR_DATA) message += " (page " + std::to_string(LastDamagedPage()) + ")";
  message += " (";
  message += action;
  message += "; sqlite ";
  message += std::to_string(code);
  if (connection != nullptr) message += std::string(": ") + sqlite3_errmsg(connection);
  const Status status(meaning.code, meaning.reason, message + ")");
  return meaning.code == Code::kUnavailable ? status.WithRetryAfter(kBusyRetrySeconds) : status;
}

}  // namespace ctt::store
