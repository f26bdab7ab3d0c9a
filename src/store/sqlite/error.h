#pragma once
// SQLite's result codes as Status, chosen by what the caller can do next.
//
//   full disk                          kUnavailable        "disk_full"
//   busy, locked, cannot open, I/O     kUnavailable        "database_unavailable"
//   failed page check, corrupt         kDataLoss           "damaged"
//   not a database                     kDataLoss           "not_a_database"
//   read-only                          kPermissionDenied
//   value too big                      kTooLarge
//   the rest                           kInternal
//
// Messages name the file and what was being done; no value of a row is in them.
#include <string_view>

#include <sqlite3.h>

#include "base/status.h"

namespace ctt::store {

// REQUIRES: `code` is an error. `connection` may be null; its file name and message are added.
Status SqliteError(int code, sqlite3* connection, std::string_view action);

}  // namespace ctt::store
