#include "store/sqlite/connection.h"

#include <utility>

#include "store/sqlite/error.h"

namespace ctt::store {
namespace {

// One process holds the directory, so waits are short: another connection ends a checkpoint.
constexpr int kBusyWaitMs = 10'000;

// secure_delete: what is deleted is overwritten with zeros. cell_size_check: a damaged page is
// found when it is read. query_only comes last for readers.
constexpr char kSettings[] =
    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
    "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;"
    "PRAGMA journal_size_limit = 16777216; PRAGMA mmap_size = 0;";

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      code_(other.code_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Result<bool> Statement::Step() {
  if (code_ == SQLITE_OK) {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    code_ = code;
  }
  return SqliteError(code_, connection_, statement_ == nullptr ? "preparing" : "running");
}

Status Statement::Run() {
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return Status::Ok();
  }
}

std::string_view Statement::Bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Statement::Note(int code) {
  if (code_ == SQLITE_OK) code_ = code;
}
void Statement::Bind(int index, std::int64_t value) {
  Note(sqlite3_bind_int64(statement_, index, value));
}
void Statement::Bind(int index, std::string_view text) {
  // A null pointer would bind NULL: an empty view may hold one.
  const char* data = text.data() == nullptr ? "" : text.data();
  Note(sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}
void Statement::Bind(int index, Blob blob) {
  const char* data = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  Note(sqlite3_bind_blob64(statement_, index, data, blob.bytes.size(), SQLITE_TRANSIENT));
}
void Statement::Bind(int index, const std::optional<Blob>& blob) {
  if (blob) {
    Bind(index, *blob);
  } else {
    Note(sqlite3_bind_null(statement_, index));
  }
}
void Statement::Bind(int index, const std::optional<std::string>& text) {
  if (text) {
    Bind(index, *text);
  } else {
    Note(sqlite3_bind_null(statement_, index));
  }
}

Result<std::unique_ptr<Connection>> Connection::Open(const std::filesystem::path& path, Mode mode,
                                                     const std::string& vfs) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (mode == Mode::kWrite ? SQLITE_OPEN_CREATE : 0);
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, flags, vfs.empty() ? nullptr : vfs.c_str());
  std::unique_ptr<Connection> connection(new Connection(handle));
  if (code != SQLITE_OK) return SqliteError(code, handle, "opening");
  sqlite3_busy_timeout(handle, kBusyWaitMs);
  CTT_RETURN_IF_ERROR(connection->RunScript(kSettings));
  if (mode == Mode::kReadOnly) {
    CTT_RETURN_IF_ERROR(connection->RunScript("PRAGMA query_only = ON"));
  }
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Statement Connection::Prepare(const char* sql) {
  if (const auto found = prepared_.find(sql); found != prepared_.end()) {
    CTT_CHECK(sqlite3_stmt_busy(found->second) == 0);
    return {handle_, found->second, SQLITE_OK};
  }
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code == SQLITE_OK) prepared_.emplace(sql, statement);
  return {handle_, statement, code};
}

Status Connection::RunScript(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status::Ok() : SqliteError(code, handle_, "running");
}

Result<std::int64_t> Connection::ReadInt(const char* sql) {
  Statement statement = Use(sql);
  CTT_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return Internal("a query gave no row");
  return statement.Int(0);
}

bool Connection::failed_by_constraint() const {
  return (sqlite3_errcode(handle_) & 0xff) == SQLITE_CONSTRAINT;
}

}  // namespace ctt::store
