#include "store/postgres/error.h"

#include <string>

namespace ctt::store {
namespace {

struct Meaning {
  std::string_view state;  // An SQLSTATE, or its class.
  Code code;
  const char* reason;
};
// The first that fits. https://www.postgresql.org/docs/15/errcodes-appendix.html
constexpr Meaning kMeanings[] = {
    {"40", Code::kUnavailable, "database_busy"},     // Deadlock, serialisation.
    {"55P03", Code::kUnavailable, "database_busy"},  // Lock not available.
    {"25P03", Code::kUnavailable, "database_busy"},  // Idle in transaction.
    {"57014", Code::kUnavailable, "database_busy"},  // Cancelled by a timeout.
    {"53100", Code::kUnavailable, "disk_full"},
    {"53", Code::kUnavailable, "database_unavailable"},
    {"57P", Code::kUnavailable, "database_unavailable"},
    {"08", Code::kUnavailable, "database_unavailable"},
    {"25006", Code::kUnavailable, "database_unavailable"},  // Read-only: a standby.
    {"23505", Code::kAlreadyExists, ""},
    {"42501", Code::kPermissionDenied, ""},
    {"54", Code::kTooLarge, ""},
    {"XX001", Code::kDataLoss, "damaged"},
    {"XX002", Code::kDataLoss, "damaged"},
};

std::string FirstLine(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

Status DatabaseUnavailable(std::string_view why) {
  return Status(Code::kUnavailable, "database_unavailable", "the database: " + FirstLine(why))
      .WithRetryAfter(kRetryAfterSeconds);
}

Status PgError(PGconn* connection, const PGresult* result, std::string_view action) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state == nullptr || PQstatus(connection) != CONNECTION_OK)
    return DatabaseUnavailable(PQerrorMessage(connection));
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string message = "the database: " + FirstLine(primary == nullptr ? "" : primary) +
                              " (" + std::string(action.substr(0, 60)) + "; " + state + ")";
  for (const Meaning& meaning : kMeanings) {
    if (!std::string_view(state).starts_with(meaning.state)) continue;
    const Status status(meaning.code, meaning.reason, message);
    return meaning.code == Code::kUnavailable ? status.WithRetryAfter(kRetryAfterSeconds) : status;
  }
  return {Code::kInternal, message};
}

}  // namespace ctt::store
