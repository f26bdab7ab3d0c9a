#pragma once
// The Transaction of SqliteStore. It holds the store's writing lock from Begin until it is
// destroyed.
//
// A call that is refused before it wrote (a name taken, an unknown task, wrong sequence numbers)
// leaves the transaction as it was. After any other error it is spoiled: every later call, Commit
// too, answers that first error, so half of a call's work can never become durable.
#include <mutex>
#include <set>
#include <utility>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace ctt::store {

class SqliteTransaction final : public Transaction {
 public:
  static Result<std::unique_ptr<Transaction>> Begin(std::unique_lock<std::mutex> lock,
                                                    Connection& writer);
  ~SqliteTransaction() override;

  // One transaction at a time: there is nobody to wait for.
  Status Lock(std::span<const std::string>) override { return Status::Ok(); }
  Status LockAll() override { return Status::Ok(); }
  Result<Task> CreateTask(std::string_view name, std::string_view settings,
                          std::int64_t now_us) override;
  Status RenameTask(TaskId task, std::string_view name) override;
  Status SetTaskSettings(TaskId task, std::string_view settings) override;
  Status DeleteTask(TaskId task) override;
  Result<LabelId> InternLabel(TaskId task, std::string_view name) override;
  Status RenameLabels(TaskId task, std::span<const LabelId> labels, std::string_view name,
                      Seq seq) override;
  Result<Seq> LastSeq(TaskId task) override;
  Result<std::vector<Example>> FindLiving(TaskId task, std::span<const std::string> ids) override;
  Status AppendExamples(TaskId task, std::span<const Example> examples) override;
  Status MarkUnlearned(TaskId task, std::span<const Seq> seqs, Seq deleted_seq) override;
  Result<std::int64_t> PurgeUnlearned(TaskId task) override;
  Status PutVersion(TaskId task, const Version& version) override;
  Status SetAlias(TaskId task, std::string_view alias, std::int64_t version) override;
  Status RemoveAlias(TaskId task, std::string_view alias) override;
  Status PutCheckpoint(TaskId task, const Checkpoint& checkpoint) override;
  Status PutIdempotent(std::string_view key, std::string_view request_digest,
                       std::string_view answer, std::int64_t now_us) override;
  Status SetMeta(std::string_view key, std::string_view value) override;
  Status PutApiKey(const ApiKey& key) override;
  Status AppendAudit(const AuditEntry& entry) override;
  Status Commit() override;

 private:
  SqliteTransaction(std::unique_lock<std::mutex> lock, Connection& writer)
      : lock_(std::move(lock)), writer_(writer) {}

  // Answers `status`; an error spoils the transaction.
  Status Spoil(Status status);
  // As Spoil, but a name or key that is taken becomes kAlreadyExists and spoils nothing. REQUIRES:
  // the statement writes one row.
  Status Taken(Status status, Status taken);
  Status RequireTask(TaskId task);
  Result<std::vector<std::int64_t>> FindHolders(TaskId task);
  Status CheckNextSeq(TaskId task, Seq seq);
  Status CheckAppend(TaskId task, std::span<const Example> examples);
  Status CheckLabel(TaskId task, LabelId label);
  Status Insert(TaskId task, const Example& example);
  // Spoils with kNotFound when `status` is ok but no row of task was changed.
  Status ChangedOne(Status status, Status otherwise);

  std::unique_lock<std::mutex> lock_;
  Connection& writer_;
  Status failed_;
  bool committed_ = false;
  std::set<std::pair<TaskId, LabelId>> labels_seen_;  // Known to belong together.
};

}  // namespace ctt::store
