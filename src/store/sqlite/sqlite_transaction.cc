#include "store/sqlite/sqlite_transaction.h"

#include <algorithm>
#include <string>

#include "store/log_rules.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/version_rows.h"

namespace ctt::store {
namespace {

std::string_view PhiBytes(const Example& example) {
  return {reinterpret_cast<const char*>(example.phi.data()), example.phi.size()};
}

std::optional<Blob> TargetOf(const Example& example) {
  if (example.target.empty()) return std::nullopt;
  return Blob{example.target};
}

}  // namespace

Result<std::unique_ptr<Transaction>> SqliteTransaction::Begin(std::unique_lock<std::mutex> lock,
                                                              Connection& writer) {
  CTT_RETURN_IF_ERROR(writer.Run("BEGIN IMMEDIATE"));
  return std::unique_ptr<Transaction>(new SqliteTransaction(std::move(lock), writer));
}

SqliteTransaction::~SqliteTransaction() {
  // SQLite itself rolls back on some errors; a rollback that fails leaves nothing committed either.
  if (!committed_ && writer_.in_transaction()) (void)writer_.Run("ROLLBACK");
}

Status SqliteTransaction::Spoil(Status status) {
  if (!status.ok() && failed_.ok()) failed_ = status;
  return status;
}

Status SqliteTransaction::Taken(Status status, Status taken) {
  if (!status.ok() && writer_.failed_by_constraint()) return taken;
  return Spoil(std::move(status));
}

Status SqliteTransaction::RequireTask(TaskId task) { return LastSeq(task).status(); }

Status SqliteTransaction::ChangedOne(Status status, Status otherwise) {
  CTT_RETURN_IF_ERROR(Spoil(std::move(status)));
  return writer_.changes() == 1 ? Status::Ok() : std::move(otherwise);
}

Result<Task> SqliteTransaction::CreateTask(std::string_view name, std::string_view settings,
                                           std::int64_t now_us) {
  CTT_RETURN_IF_ERROR(failed_);
  CTT_RETURN_IF_ERROR(
      Taken(writer_.Run("INSERT INTO task (name, settings, created_us) VALUES (?1, ?2, ?3)", name,
                        settings, now_us),
            TaskNameTaken()));
  return Task{writer_.last_insert_id(), std::string(name), std::string(settings), now_us};
}

Status SqliteTransaction::RenameTask(TaskId task, std::string_view name) {
  CTT_RETURN_IF_ERROR(failed_);
  CTT_RETURN_IF_ERROR(RequireTask(task));
  return Taken(writer_.Run("UPDATE task SET name = ?2 WHERE id = ?1", task, name), TaskNameTaken());
}

Status SqliteTransaction::SetTaskSettings(TaskId task, std::string_view settings) {
  CTT_RETURN_IF_ERROR(failed_);
  return ChangedOne(writer_.Run("UPDATE task SET settings = ?2 WHERE id = ?1", task, settings),
                    NoSuchTask(task));
}

Status SqliteTransaction::DeleteTask(TaskId task) {
  CTT_RETURN_IF_ERROR(failed_);
  CTT_RETURN_IF_ERROR(RequireTask(task));
  const std::int64_t first = Key(task, 0);
  const std::int64_t last = Key(task, kNumberMax);
  CTT_RETURN_IF_ERROR(Spoil(writer_.Run("DELETE FROM alias WHERE task = ?1", task)));
  CTT_RETURN_IF_ERROR(
      Spoil(writer_.Run("DELETE FROM version WHERE key BETWEEN ?1 AND ?2", first, last)));
  CTT_RETURN_IF_ERROR(
      Spoil(writer_.Run("DELETE FROM example WHERE key BETWEEN ?1 AND ?2", first, last)));
  // Labels and the checkpoint go with it (ON DELETE CASCADE).
  return Spoil(writer_.Run("DELETE FROM task WHERE id = ?1", task));
}

Result<LabelId> SqliteTransaction::InternLabel(TaskId task, std::string_view name) {
  CTT_RETURN_IF_ERROR(failed_);
  CTT_RETURN_IF_ERROR(RequireTask(task));
  Statement row = writer_.Use(
      "SELECT id FROM label WHERE task = ?1 AND name = ?2 ORDER BY id LIMIT 1", task, name);
  const Result<bool> found = row.Step();
  CTT_RETURN_IF_ERROR(Spoil(found.status()));
  if (*found) return row.Int(0);
  CTT_RETURN_IF_ERROR(
      Spoil(writer_.Run("INSERT INTO label (task, name) VALUES (?1, ?2)", task, name)));
  return writer_.last_insert_id();
}

Status SqliteTransaction::CheckNextSeq(TaskId task, Seq seq) {
  CTT_ASSIGN_OR_RETURN(const Seq last, LastSeq(task));
  return store::CheckNextSeq(last, seq);
}

Status SqliteTransaction::RenameLabels(TaskId task, std::span<const LabelId> labels,
                                       std::string_view name, Seq seq) {
  CTT_RETURN_IF_ERROR(failed_);
  if (labels.empty() || name.empty()) return InvalidArgument("renaming needs labels and a name");
  CTT_RETURN_IF_ERROR(CheckNextSeq(task, seq));
  for (const LabelId label : labels) CTT_RETURN_IF_ERROR(CheckLabel(task, label));
  for (const LabelId label : labels) {
    CTT_RETURN_IF_ERROR(Spoil(
        writer_.Run("INSERT INTO label_name (label, until_seq, name) SELECT id, ?2, name FROM label"
                    " WHERE id = ?1",
                    label, seq)));
    CTT_RETURN_IF_ERROR(
        Spoil(writer_.Run("UPDATE label SET name = ?2 WHERE id = ?1", label, name)));
  }
  return Spoil(writer_.Run("UPDATE task SET last_seq = ?2 WHERE id = ?1", task, seq));
}

Result<Seq> SqliteTransaction::LastSeq(TaskId task) {
  CTT_RETURN_IF_ERROR(failed_);
  return ReadLastSeq(writer_, task);
}

Result<std::vector<Example>> SqliteTransaction::FindLiving(TaskId task,
                                                           std::span<const std::string> ids) {
  CTT_RETURN_IF_ERROR(failed_);
  std::vector<Example> found;
  for (const std::string& id : ids) {
    CTT_ASSIGN_OR_RETURN(std::optional<Example> example, ReadLiving(writer_, task, id));
    if (example) found.push_back(*std::move(example));
  }
  return found;
}

Status SqliteTransaction::CheckLabel(TaskId task, LabelId label) {
  if (labels_seen_.contains({task, label})) return Status::Ok();
  Statement row = writer_.Use("SELECT 1 FROM label WHERE id = ?1 AND task = ?2", label, task);
  CTT_ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return NoSuchLabel(label);
  labels_seen_.insert({task, label});
  return Status::Ok();
}

Status SqliteTransaction::CheckAppend(TaskId task, std::span<const Example> examples) {
  CTT_ASSIGN_OR_RETURN(const Seq last, LastSeq(task));
  CTT_RETURN_IF_ERROR(store::CheckAppend(last, examples));
  for (const Example& example : examples) CTT_RETURN_IF_ERROR(CheckLabel(task, example.label));
  return Status::Ok();
}

Status SqliteTransaction::Insert(TaskId task, const Example& example) {
  Status status = writer_.Run(
      "INSERT INTO example (key, label, time_us, id, source, phi, text, target)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
      Key(task, example.seq), example.label, example.time_us, example.id, example.source,
      Blob{PhiBytes(example)}, example.text, TargetOf(example));
  if (!status.ok() && writer_.failed_by_constraint()) return ExampleIdTaken();
  return status;
}

Status SqliteTransaction::AppendExamples(TaskId task, std::span<const Example> examples) {
  CTT_RETURN_IF_ERROR(failed_);
  if (examples.empty()) return RequireTask(task);
  CTT_RETURN_IF_ERROR(CheckAppend(task, examples));
  for (const Example& example : examples) CTT_RETURN_IF_ERROR(Spoil(Insert(task, example)));
  return Spoil(writer_.Run("UPDATE task SET last_seq = ?2, living = living + ?3 WHERE id = ?1",
                           task, examples.back().seq, static_cast<std::int64_t>(examples.size())));
}

Status SqliteTransaction::MarkUnlearned(TaskId task, std::span<const Seq> seqs, Seq deleted_seq) {
  CTT_RETURN_IF_ERROR(failed_);
  if (seqs.empty()) return InvalidArgument("unlearning needs at least one example");
  CTT_RETURN_IF_ERROR(CheckNextSeq(task, deleted_seq));
  for (const Seq seq : seqs) {
    if (seq < 1 || seq >= deleted_seq) return Spoil(NoLivingExample());
    const Status status = ChangedOne(
        writer_.Run("UPDATE example SET deleted_seq = ?2 WHERE key = ?1 AND deleted_seq = 0",
                    Key(task, seq), deleted_seq),
        NoLivingExample());
    CTT_RETURN_IF_ERROR(Spoil(status));
  }
  return Spoil(writer_.Run("UPDATE task SET last_seq = ?2, living = living - ?3 WHERE id = ?1",
                           task, deleted_seq, static_cast<std::int64_t>(seqs.size())));
}

// Keys of the versions that held a row which is unlearned by now.
Result<std::vector<std::int64_t>> SqliteTransaction::FindHolders(TaskId task) {
  // A version held a row when its watermark lies between the row's two writes.
  Statement rows = writer_.Use(
      "SELECT key FROM version WHERE key BETWEEN ?1 AND ?2"
      " AND EXISTS (SELECT 1 FROM example INDEXED BY example_unlearned WHERE example.task = ?3"
      " AND deleted_seq > 0 AND deleted_seq > version.watermark AND example.key & ?4 <= "
      "version.watermark)",
      Key(task, 0), Key(task, kNumberMax), task, kNumberMax);
  std::vector<std::int64_t> keys;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return keys;
    keys.push_back(rows.Int(0));
  }
}

// A purged row keeps its place in the log and its label; one byte stands for its features.
Result<std::int64_t> SqliteTransaction::PurgeUnlearned(TaskId task) {
  CTT_RETURN_IF_ERROR(failed_);
  CTT_RETURN_IF_ERROR(RequireTask(task));
  CTT_ASSIGN_OR_RETURN(const std::vector<std::int64_t> holders, FindHolders(task));
  {
    Statement live =
        writer_.Use("SELECT version_key FROM alias WHERE task = ?1 AND name = 'live'", task);
    CTT_ASSIGN_OR_RETURN(const bool found, live.Step());
    if (found && std::find(holders.begin(), holders.end(), live.Int(0)) != holders.end()) {
      return LiveHoldsPurged();
    }
  }
  for (const std::int64_t key : holders) {
    CTT_RETURN_IF_ERROR(Spoil(
        writer_.Run("DELETE FROM alias WHERE task = ?1 AND version_key = ?2 AND name <> 'settled'",
                    task, key)));
    CTT_RETURN_IF_ERROR(
        Spoil(writer_.Run("UPDATE version SET has_artifact = 0 WHERE key = ?1", key)));
  }
  CTT_RETURN_IF_ERROR(
      Spoil(writer_.Run("UPDATE example SET phi = x'00', text = NULL, target = NULL, id = 'purged',"
                        " source = ''"
                        " WHERE task = ?1 AND deleted_seq > 0 AND length(phi) > 1",
                        task)));
  return writer_.changes();
}

Status SqliteTransaction::PutVersion(TaskId task, const Version& version) {
  CTT_RETURN_IF_ERROR(failed_);
  CTT_ASSIGN_OR_RETURN(const Seq last, LastSeq(task));
  CTT_ASSIGN_OR_RETURN(const std::optional<Version> latest, ReadLatestVersion(writer_, task));
  CTT_RETURN_IF_ERROR(CheckNextVersion(last, latest ? latest->number : 0, version));
  return Spoil(InsertVersion(writer_, task, version));
}

Status SqliteTransaction::SetAlias(TaskId task, std::string_view alias, std::int64_t version) {
  CTT_RETURN_IF_ERROR(failed_);
  if (alias.empty()) return InvalidArgument("an alias needs a name");
  CTT_RETURN_IF_ERROR(RequireTask(task));
  CTT_ASSIGN_OR_RETURN(const std::optional<Version> found, ReadVersion(writer_, task, version));
  if (!found) return NoSuchVersion(version);
  return Spoil(
      writer_.Run("INSERT INTO alias (task, name, version_key) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT DO UPDATE SET version_key = excluded.version_key",
                  task, alias, Key(task, version)));
}

Status SqliteTransaction::RemoveAlias(TaskId task, std::string_view alias) {
  CTT_RETURN_IF_ERROR(failed_);
  return Spoil(writer_.Run("DELETE FROM alias WHERE task = ?1 AND name = ?2", task, alias));
}

Status SqliteTransaction::PutCheckpoint(TaskId task, const Checkpoint& checkpoint) {
  CTT_RETURN_IF_ERROR(failed_);
  CTT_ASSIGN_OR_RETURN(const Seq last, LastSeq(task));
  CTT_RETURN_IF_ERROR(CheckCheckpoint(last, checkpoint));
  return Spoil(writer_.Run(
      "INSERT INTO checkpoint (task, watermark, digest) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE"
      " SET watermark = excluded.watermark, digest = excluded.digest",
      task, checkpoint.watermark, checkpoint.digest));
}

Status SqliteTransaction::PutIdempotent(std::string_view key, std::string_view request_digest,
                                        std::string_view answer, std::int64_t now_us) {
  CTT_RETURN_IF_ERROR(failed_);
  if (key.empty()) return InvalidArgument("an idempotency key cannot be empty");
  CTT_RETURN_IF_ERROR(Spoil(writer_.Run("DELETE FROM idempotent WHERE created_us <= ?1",
                                        now_us - kIdempotentKeptMicros)));
  return Taken(writer_.Run("INSERT INTO idempotent (key, request_digest, answer, created_us)"
                           " VALUES (?1, ?2, ?3, ?4)",
                           key, request_digest, answer, now_us),
               IdempotencyKeyTaken());
}

Status SqliteTransaction::SetMeta(std::string_view key, std::string_view value) {
  CTT_RETURN_IF_ERROR(failed_);
  if (key.empty()) return InvalidArgument("a meta key cannot be empty");
  return Spoil(
      writer_.Run("INSERT INTO meta (key, value) VALUES (?1, ?2)"
                  " ON CONFLICT DO UPDATE SET value = excluded.value",
                  key, value));
}

Status SqliteTransaction::PutApiKey(const ApiKey& key) {
  CTT_RETURN_IF_ERROR(failed_);
  if (key.id.empty()) return InvalidArgument("an API key needs an id");
  return Spoil(writer_.Run(
      "INSERT OR REPLACE INTO api_key (id, digest, name, scopes, tasks, requests_per_second,"
      " requests_per_day, created_us, revoked_us, last_used_us, day, day_requests)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
      key.id, key.digest, key.name, key.scopes, key.tasks, key.requests_per_second,
      key.requests_per_day, key.created_us, key.revoked_us, key.last_used_us, key.day,
      key.day_requests));
}

Status SqliteTransaction::AppendAudit(const AuditEntry& entry) {
  CTT_RETURN_IF_ERROR(failed_);
  return Spoil(
      writer_.Run("INSERT INTO audit (time_us, who, request, action, subject, rows, digest_before,"
                  " digest_after) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                  entry.time_us, entry.who, entry.request, entry.action, entry.subject, entry.rows,
                  entry.digest_before, entry.digest_after));
}

Status SqliteTransaction::Commit() {
  CTT_RETURN_IF_ERROR(failed_);
  if (committed_) return CommittedBefore();
  CTT_RETURN_IF_ERROR(Spoil(writer_.Run("COMMIT")));
  committed_ = true;
  lock_.unlock();  // The next one need not wait until this object goes.
  failed_ = CommittedBefore();
  return Status::Ok();
}

}  // namespace ctt::store
