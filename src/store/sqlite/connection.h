#pragma once
// Connection: one SQLite connection with its prepared statements, and Statement: one use of such a
// statement. All SQL of the store goes through these two.
//
// Threads: one at a time. Ownership: a Statement borrows its Connection. No two live Statements may
// share one SQL text; checked.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sqlite3.h>

#include "base/status.h"

namespace ctt::store {

struct Blob {
  std::string_view bytes;
};

// Values are copied when bound. Resets at destruction, so that no read transaction stays open.
class Statement {
 public:
  Statement(sqlite3* connection, sqlite3_stmt* statement, int code)
      : connection_(connection), statement_(statement), code_(code) {}
  Statement(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  // The next row: true; after the last: false.
  Result<bool> Step();
  // Steps to the end, past any rows.
  Status Run();

  // Columns of the row that Step reached, from 0. Views live until the next Step.
  std::int64_t Int(int column) const { return sqlite3_column_int64(statement_, column); }
  std::string_view Bytes(int column) const;
  std::string Text(int column) const { return std::string(Bytes(column)); }
  bool IsNull(int column) const;

 private:
  friend class Connection;
  void Bind(int index, std::int64_t value);
  void Bind(int index, bool value) { Bind(index, std::int64_t{value}); }
  void Bind(int index, std::string_view text);
  void Bind(int index, const std::string& text) { Bind(index, std::string_view(text)); }
  void Bind(int index, const char* text) { Bind(index, std::string_view(text)); }
  void Bind(int index, Blob blob);
  void Bind(int index, const std::optional<Blob>& blob);
  void Bind(int index, const std::optional<std::string>& text);
  void Note(int code);

  sqlite3* connection_;
  sqlite3_stmt* statement_;  // Null: preparing failed with code_.
  int code_;                 // The first error.
};

class Connection {
 public:
  enum class Mode { kWrite, kReadOnly };

  // `vfs` names a registered sqlite3_vfs; empty: the default one. The settings that every
  // connection needs are made, among them the wait for a busy file; the journal mode is the file's.
  static Result<std::unique_ptr<Connection>> Open(const std::filesystem::path& path, Mode mode,
                                                  const std::string& vfs);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // One use of `sql`, with `values` bound in order. An error shows at the first Step. REQUIRES:
  // `sql` is a literal.
  template <typename... Values>
  Statement Use(const char* sql, const Values&... values) {
    Statement statement = Prepare(sql);
    int index = 0;
    (statement.Bind(++index, values), ...);
    return statement;
  }
  // Runs one statement, or several without values.
  template <typename... Values>
  Status Run(const char* sql, const Values&... values) {
    return Use(sql, values...).Run();
  }
  Status RunScript(const char* sql);
  // The first column of the first row; kInternal when there is none.
  Result<std::int64_t> ReadInt(const char* sql);

  std::int64_t last_insert_id() const { return sqlite3_last_insert_rowid(handle_); }
  std::int64_t changes() const { return sqlite3_changes64(handle_); }
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  bool failed_by_constraint() const;  // The last call that failed did so by a UNIQUE or other rule.
  sqlite3* handle() const { return handle_; }

 private:
  explicit Connection(sqlite3* handle) : handle_(handle) {}
  Statement Prepare(const char* sql);

  sqlite3* handle_;
  std::unordered_map<std::string_view, sqlite3_stmt*> prepared_;
};

}  // namespace ctt::store
