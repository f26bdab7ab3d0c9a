#include "store/sqlite/sqlite_store.h"

#include <thread>

#include "store/sqlite/checked_vfs.h"
#include "store/sqlite/error.h"
#include "store/sqlite/file_audit.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/scan.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_transaction.h"
#include "store/sqlite/verify.h"
#include "store/sqlite/version_rows.h"

namespace ctt::store {

Result<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::filesystem::path& path,
                                                       const std::string& base_vfs) {
  CTT_RETURN_IF_ERROR(AuditFiles(path));
  const std::string vfs = RegisterCheckedVfs(base_vfs);
  if (vfs.empty()) return Internal("SQLite has no file layer '" + base_vfs + "'");
  CTT_ASSIGN_OR_RETURN(std::unique_ptr<Connection> writer,
                       Connection::Open(path, Connection::Mode::kWrite, vfs));
  CTT_RETURN_IF_ERROR(BringToLastVersion(*writer));
  CTT_RETURN_IF_ERROR(QuickVerify(*writer));
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(writer), path, vfs));
}

Result<std::unique_ptr<Transaction>> SqliteStore::Begin() {
  std::unique_lock lock(writing_);
  return SqliteTransaction::Begin(std::move(lock), *writer_);
}

void SqliteStore::AwaitChange(std::chrono::milliseconds at_most) {
  std::this_thread::sleep_for(at_most);  // Nobody else writes.
}

namespace {

#define CTT_MARK_QUERY                                                                            \
  "SELECT id, task.name, settings, created_us, last_seq, coalesce((SELECT max(key) & "            \
  "1099511627775"                                                                                 \
  " FROM version WHERE key BETWEEN id << 40 AND (id + 1 << 40) - 1), 0), alias.name, version_key" \
  " FROM task LEFT JOIN alias ON alias.task = id"

// One row an alias, or one without.
Result<std::vector<TaskMark>> ReadMarks(Statement rows) {
  std::vector<TaskMark> marks;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return marks;
    if (marks.empty() || marks.back().task.id != rows.Int(0)) {
      marks.push_back(
          {{rows.Int(0), rows.Text(1), rows.Text(2), rows.Int(3)}, rows.Int(4), rows.Int(5), {}});
    }
    if (!rows.IsNull(6)) marks.back().aliases[rows.Text(6)] = rows.Int(7) & kNumberMax;
  }
}

}  // namespace

Result<std::vector<TaskMark>> SqliteStore::Marks() {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  return ReadMarks(reader->Use(CTT_MARK_QUERY " ORDER BY id"));
}

Result<std::optional<TaskMark>> SqliteStore::Mark(std::string_view task) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  CTT_ASSIGN_OR_RETURN(std::vector<TaskMark> marks,
                       ReadMarks(reader->Use(CTT_MARK_QUERY " WHERE task.name = ?1", task)));
  return marks.empty() ? std::nullopt : std::optional(std::move(marks.front()));
}

Result<std::vector<Task>> SqliteStore::Tasks() {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  Statement rows = reader->Use("SELECT id, name, settings, created_us FROM task ORDER BY id");
  std::vector<Task> tasks;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return tasks;
    tasks.push_back({rows.Int(0), rows.Text(1), rows.Text(2), rows.Int(3)});
  }
}

Result<std::vector<Label>> SqliteStore::Labels(TaskId task) { return LabelsAt(task, kNumberMax); }

Result<std::vector<Label>> SqliteStore::LabelsAt(TaskId task, Seq watermark) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  // The first renaming after the watermark tells what the label was called at it.
  Statement rows = reader->Use(
      "SELECT id, coalesce((SELECT label_name.name FROM label_name WHERE label = id"
      " AND until_seq > ?2 ORDER BY until_seq LIMIT 1), name), description"
      " FROM label WHERE task = ?1 ORDER BY id",
      task, watermark);
  std::vector<Label> labels;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return labels;
    labels.push_back({rows.Int(0), rows.Text(1), rows.Text(2)});
  }
}

Result<Seq> SqliteStore::LastSeq(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  return ReadLastSeq(*reader, task);
}

Result<std::int64_t> SqliteStore::CountLiving(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  Statement row = reader->Use("SELECT living FROM task WHERE id = ?1", task);
  CTT_ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return NoSuchTask(task);
  return row.Int(0);
}

Result<std::map<LabelId, std::int64_t>> SqliteStore::CountByLabel(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  Statement rows = reader->Use(
      "SELECT label, COUNT(*) FROM example WHERE key BETWEEN ?1 AND ?2 AND deleted_seq = 0"
      " GROUP BY label",
      Key(task, 0), Key(task + 1, 0) - 1);
  std::map<LabelId, std::int64_t> counts;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool found, rows.Step());
    if (!found) return counts;
    counts[rows.Int(0)] = rows.Int(1);
  }
}

Result<ExamplePage> SqliteStore::PageExamples(TaskId task, Seq after, std::int32_t limit) {
  if (after < 0 || limit < 1) return InvalidArgument("a page needs after >= 0 and limit >= 1");
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  // One row more than asked for tells whether a next page exists.
  Statement rows = reader->Use("SELECT " CTT_EXAMPLE_COLUMNS
                               ", NULL, text FROM example NOT INDEXED"
                               " WHERE key > ?1 AND key <= ?2 AND deleted_seq = 0"
                               " ORDER BY key LIMIT ?3",
                               Key(task, std::min(after, kNumberMax)), Key(task, kNumberMax),
                               std::int64_t{limit} + 1);
  ExamplePage page;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return page;
    if (page.examples.size() == static_cast<std::size_t>(limit)) break;
    ReadExample(rows, page.examples.emplace_back());
  }
  page.next_after = page.examples.back().seq;
  return page;
}

Result<std::optional<Example>> SqliteStore::FindExample(TaskId task, std::string_view id) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  return ReadLiving(*reader, task, id);
}

Status SqliteStore::ScanAt(TaskId task, Seq watermark, const Visit& visit) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  return ScanLog(*reader, task, watermark, visit);
}

Status SqliteStore::ReplaySince(TaskId task, Seq from, Seq to, const SignedVisit& visit) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  return ReplayLog(*reader, task, from, to, visit);
}

Result<std::vector<Version>> SqliteStore::Versions(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  return ReadVersions(*reader, task);
}

Result<std::optional<Version>> SqliteStore::FindVersion(TaskId task, std::int64_t number) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  return ReadVersion(*reader, task, number);
}

Result<std::optional<Version>> SqliteStore::LatestVersion(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  return ReadLatestVersion(*reader, task);
}

Result<std::map<std::string, std::int64_t>> SqliteStore::Aliases(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  Statement rows = reader->Use("SELECT name, version_key FROM alias WHERE task = ?1", task);
  std::map<std::string, std::int64_t> aliases;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return aliases;
    aliases[rows.Text(0)] = rows.Int(1) & kNumberMax;
  }
}

Result<std::optional<std::int64_t>> SqliteStore::Alias(TaskId task, std::string_view alias) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  Statement row =
      reader->Use("SELECT version_key FROM alias WHERE task = ?1 AND name = ?2", task, alias);
  CTT_ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? std::optional(row.Int(0) & kNumberMax) : std::nullopt;
}

Result<std::optional<Checkpoint>> SqliteStore::LatestCheckpoint(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  Statement row = reader->Use("SELECT watermark, digest FROM checkpoint WHERE task = ?1", task);
  CTT_ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? std::optional(Checkpoint{row.Int(0), row.Text(1)}) : std::nullopt;
}

Result<std::optional<IdempotentAnswer>> SqliteStore::FindIdempotent(std::string_view key) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  Statement row =
      reader->Use("SELECT request_digest, answer, created_us FROM idempotent WHERE key = ?1", key);
  CTT_ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? std::optional(IdempotentAnswer{row.Text(0), row.Text(1), row.Int(2)})
               : std::nullopt;
}

Result<std::optional<std::string>> SqliteStore::Meta(std::string_view key) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  Statement row = reader->Use("SELECT value FROM meta WHERE key = ?1", key);
  CTT_ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? std::optional(row.Text(0)) : std::nullopt;
}

Result<std::vector<ApiKey>> SqliteStore::ApiKeys() {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  Statement row = reader->Use(
      "SELECT id, digest, name, scopes, tasks, requests_per_second, requests_per_day, created_us,"
      " revoked_us, last_used_us, day, day_requests FROM api_key ORDER BY id");
  std::vector<ApiKey> keys;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return keys;
    keys.push_back({row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Text(4), row.Int(5),
                    row.Int(6), row.Int(7), row.Int(8), row.Int(9), row.Int(10), row.Int(11)});
  }
}

Result<std::vector<AuditEntry>> SqliteStore::Audit(std::int64_t after, std::int32_t limit) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  Statement row = reader->Use(
      "SELECT seq, time_us, who, request, action, subject, rows, digest_before, digest_after"
      " FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2",
      after, std::int64_t{limit});
  std::vector<AuditEntry> entries;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return entries;
    entries.push_back({row.Int(0), row.Int(1), row.Text(2), row.Text(3), row.Text(4), row.Text(5),
                       row.Int(6), row.Text(7), row.Text(8)});
  }
}

namespace {

Result<std::set<std::string>> ReadNamedArtifacts(Connection& connection) {
  Statement rows = connection.Use(
      "SELECT head_digest FROM version WHERE has_artifact = 1 UNION SELECT digest FROM checkpoint");
  std::set<std::string> digests;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return digests;
    digests.insert(rows.Text(0));
  }
}

// SQLite's own copy of one snapshot, page by page.
Status CopyPages(Connection& from, Connection& to) {
  sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
  if (backup == nullptr) return SqliteError(sqlite3_errcode(to.handle()), to.handle(), "copying");
  const int copied = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (copied == SQLITE_DONE && finished == SQLITE_OK) return Status::Ok();
  return SqliteError(finished, to.handle(), "copying");
}

}  // namespace

Result<std::set<std::string>> SqliteStore::NamedArtifacts() {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  return ReadNamedArtifacts(*reader);
}

Result<std::set<std::string>> SqliteStore::CopyTo(const std::filesystem::path& path) {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  CTT_ASSIGN_OR_RETURN(const std::unique_ptr<Connection> copy,
                       Connection::Open(path, Connection::Mode::kWrite, vfs_));
  CTT_RETURN_IF_ERROR(CopyPages(*reader, *copy));
  return ReadNamedArtifacts(*copy);
}

// Deleted content is zeros in the database already (secure_delete); the log still has the pages of
// before.
Status SqliteStore::Scrub() {
  const std::unique_lock lock(writing_);
  Statement row = writer_->Use("PRAGMA wal_checkpoint(TRUNCATE)");
  CTT_ASSIGN_OR_RETURN(const bool answered, row.Step());
  if (answered && row.Int(0) == 0) return Status::Ok();
  return {Code::kUnavailable, "readers_busy", "the write-ahead log is still being read"};
}

Status SqliteStore::Verify() {
  CTT_ASSIGN_OR_RETURN(const ReaderPool::Lease reader, readers_.Take());
  return FullVerify(*reader);
}

}  // namespace ctt::store
