#pragma once
// PostgreSQL's errors as Status, chosen by what the caller can do next.
//
//   no connection, shutting down, read-only standby    kUnavailable        "database_unavailable"
//   deadlock, lock or idle timeout                     kUnavailable        "database_busy"
//   full disk                                          kUnavailable        "disk_full"
//   out of memory, too many connections                kUnavailable        "database_unavailable"
//   unique violation                                   kAlreadyExists
//   not allowed                                        kPermissionDenied
//   damaged pages                                      kDataLoss           "damaged"
//   the rest                                           kInternal
//
// Messages are the server's own first line, without its details: no value of a row is in them.
// kUnavailable says to try again after kRetryAfterSeconds.
#include <string_view>

#include <libpq-fe.h>

#include "base/status.h"

namespace ctt::store {

inline constexpr std::int64_t kRetryAfterSeconds = 2;

Status DatabaseUnavailable(std::string_view why);
Status PgError(PGconn* connection, const PGresult* result, std::string_view action);

}  // namespace ctt::store
