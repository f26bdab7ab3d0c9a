#pragma once
// PgConnection: one connection to PostgreSQL with its prepared statements, and PgRows: the answer
// to one of them. All SQL of the store goes through these two; values travel in binary.
//
// Threads: one at a time.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <libpq-fe.h>

#include "base/status.h"

namespace ctt::store {

// One parameter in PostgreSQL's binary format.
class PgValue {
 public:
  PgValue(std::int64_t value);      // NOLINT: implicit by design, as the next ones. BIGINT.
  PgValue(bool value);              // NOLINT: BOOLEAN.
  PgValue(std::string_view value);  // NOLINT: TEXT: valid UTF-8 without NUL.
  PgValue(const std::string& value) : PgValue(std::string_view(value)) {}  // NOLINT
  PgValue(const char* value) : PgValue(std::string_view(value)) {}         // NOLINT
  PgValue(std::span<const std::int64_t> values);                           // NOLINT: BIGINT[].
  static PgValue Bytes(std::string_view bytes);                            // BYTEA.
  // BYTEA[]; an absent value is NULL.
  static PgValue BytesArray(std::span<const std::optional<std::string_view>> values);
  static PgValue TextArray(std::span<const std::string> values);

  Oid type() const { return type_; }
  const std::string& binary() const { return binary_; }

 private:
  PgValue(Oid type, std::string binary) : type_(type), binary_(std::move(binary)) {}
  Oid type_;
  std::string binary_;
};

class PgRows {
 public:
  explicit PgRows(PGresult* result) : result_(result) {}
  int size() const { return PQntuples(result_.get()); }
  std::int64_t affected() const;
  std::int64_t Int(int row, int column) const;  // REQUIRES: the column is BIGINT.
  bool Bool(int row, int column) const { return *PQgetvalue(result_.get(), row, column) != 0; }
  std::string_view Bytes(int row, int column) const;
  std::string Text(int row, int column) const { return std::string(Bytes(row, column)); }
  bool IsNull(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

class PgConnection {
 public:
  // Connects, waiting a few seconds at most, and makes the session durable: a commit is synced
  // before it is acknowledged. kUnavailable ("database_unavailable").
  static Result<std::unique_ptr<PgConnection>> Open(const std::string& url);
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  // REQUIRES: `sql` is a literal. Errors: see postgres/error.h.
  Result<PgRows> Run(const char* sql, std::span<const PgValue> values = {});
  Result<PgRows> Run(const char* sql, std::initializer_list<PgValue> values) {
    return Run(sql, std::span<const PgValue>(values.begin(), values.size()));
  }
  // Several statements without parameters.
  Status Script(const char* sql);

  // false: the server went away, as far as is known without asking it.
  bool alive();
  PGconn* handle() const { return handle_.get(); }

 private:
  struct Finish {
    void operator()(PGconn* handle) const { PQfinish(handle); }
  };
  explicit PgConnection(PGconn* handle) : handle_(handle) {}
  Result<PgRows> Check(PGresult* result, std::string_view action);

  std::unique_ptr<PGconn, Finish> handle_;
  std::unordered_map<std::string_view, std::string> prepared_;  // SQL -> name.
};

}  // namespace ctt::store
