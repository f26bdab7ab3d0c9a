#include "store/postgres/connection.h"

#include <cstdlib>

#include <poll.h>

#include "store/postgres/error.h"

namespace ctt::store {
namespace {

// Of pg_type.dat; they never change.
constexpr Oid kBool = 16, kBytea = 17, kInt8 = 20, kText = 25;
constexpr Oid kByteaArray = 1001, kTextArray = 1009, kInt8Array = 1016;

void AppendBig(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 0xff);
}

std::string BigEndian(std::int64_t value) {
  std::string out;
  AppendBig(out, static_cast<std::uint64_t>(value), 8);
  return out;
}

// The head of a one-dimensional array; see array_send in PostgreSQL's arrayfuncs.c.
std::string ArrayHead(Oid element, std::size_t count, bool has_null) {
  std::string out;
  AppendBig(out, count == 0 ? 0 : 1, 4);
  AppendBig(out, has_null ? 1 : 0, 4);
  AppendBig(out, element, 4);
  if (count == 0) return out;
  AppendBig(out, count, 4);
  AppendBig(out, 1, 4);
  return out;
}

void AppendElement(std::string& out, std::string_view bytes) {
  AppendBig(out, bytes.size(), 4);
  out += bytes;
}

}  // namespace

PgValue::PgValue(std::int64_t value) : type_(kInt8), binary_(BigEndian(value)) {}
PgValue::PgValue(bool value) : type_(kBool), binary_(1, value ? '\1' : '\0') {}
PgValue::PgValue(std::string_view value) : type_(kText), binary_(value) {}

PgValue::PgValue(std::span<const std::int64_t> values)
    : type_(kInt8Array), binary_(ArrayHead(kInt8, values.size(), false)) {
  for (const std::int64_t value : values) AppendElement(binary_, BigEndian(value));
}

PgValue PgValue::Bytes(std::string_view bytes) { return {kBytea, std::string(bytes)}; }

PgValue PgValue::BytesArray(std::span<const std::optional<std::string_view>> values) {
  std::string out = ArrayHead(kBytea, values.size(), true);
  for (const auto& value : values) {
    if (value) {
      AppendElement(out, *value);
    } else {
      AppendBig(out, 0xffffffff, 4);
    }
  }
  return {kByteaArray, std::move(out)};
}

PgValue PgValue::TextArray(std::span<const std::string> values) {
  std::string out = ArrayHead(kText, values.size(), false);
  for (const std::string& value : values) AppendElement(out, value);
  return {kTextArray, std::move(out)};
}

std::int64_t PgRows::affected() const {
  return std::strtoll(PQcmdTuples(result_.get()), nullptr, 10);
}

std::int64_t PgRows::Int(int row, int column) const {
  CTT_CHECK(PQgetlength(result_.get(), row, column) == 8);
  std::uint64_t value = 0;
  for (const char byte : Bytes(row, column)) value = value << 8 | static_cast<std::uint8_t>(byte);
  return static_cast<std::int64_t>(value);
}

std::string_view PgRows::Bytes(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

Result<std::unique_ptr<PgConnection>> PgConnection::Open(const std::string& url) {
  // What the URL says comes last and wins.
  const char* const keys[] = {"application_name",
                              "connect_timeout",
                              "tcp_user_timeout",
                              "keepalives_idle",
                              "client_encoding",
                              "dbname",
                              nullptr};
  const char* const values[] = {"ctt", "5", "15000", "15", "UTF8", url.c_str(), nullptr};
  std::unique_ptr<PgConnection> connection(
      new PgConnection(PQconnectdbParams(keys, values, /*expand_dbname=*/1)));
  if (PQstatus(connection->handle()) != CONNECTION_OK)
    return DatabaseUnavailable(PQerrorMessage(connection->handle()));
  // Who waits for a lock longer than this had better answer "try later".
  CTT_RETURN_IF_ERROR(
      connection->Script("SELECT set_config('synchronous_commit', 'on', false)"
                         " WHERE current_setting('synchronous_commit') IN ('off', 'local');"
                         "SET client_min_messages = warning; SET lock_timeout = '20s'; SET "
                         "idle_in_transaction_session_timeout = '120s';"
                         "SET default_transaction_isolation = 'read committed'"));
  return connection;
}

Result<PgRows> PgConnection::Check(PGresult* result, std::string_view action) {
  PgRows rows(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return rows;
  return PgError(handle(), result, action);
}

Result<PgRows> PgConnection::Run(const char* sql, std::span<const PgValue> values) {
  constexpr int kBinary = 1;
  std::vector<Oid> types;
  std::vector<const char*> data;
  std::vector<int> lengths, formats;
  for (const PgValue& value : values) {
    types.push_back(value.type());
    data.push_back(value.binary().data());
    lengths.push_back(static_cast<int>(value.binary().size()));
    formats.push_back(kBinary);
  }
  const int count = static_cast<int>(values.size());
  auto known = prepared_.find(sql);
  if (known == prepared_.end()) {
    std::string name = "s" + std::to_string(prepared_.size());
    CTT_RETURN_IF_ERROR(
        Check(PQprepare(handle(), name.c_str(), sql, count, types.data()), sql).status());
    known = prepared_.emplace(sql, std::move(name)).first;
  }
  return Check(PQexecPrepared(handle(), known->second.c_str(), count, data.data(), lengths.data(),
                              formats.data(), kBinary),
               sql);
}

Status PgConnection::Script(const char* sql) { return Check(PQexec(handle(), sql), sql).status(); }

bool PgConnection::alive() {
  pollfd socket{PQsocket(handle()), POLLIN, 0};
  // Between statements a server only speaks to say good-bye, or to notify.
  if (::poll(&socket, 1, 0) > 0) (void)PQconsumeInput(handle());
  return PQstatus(handle()) == CONNECTION_OK;
}

}  // namespace ctt::store
