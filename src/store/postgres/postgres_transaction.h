#pragma once
// The Transaction of PostgresStore: one connection of the pool, from Begin until it is destroyed.
// Every call about a task takes the task's row first, so that two transactions can never number
// their writes alike even if neither called Lock.
//
// A call that is refused before it wrote leaves the transaction as it was. After any other error it
// is spoiled: every later call, Commit too, answers that first error.
#include <set>
#include <string>
#include <utility>

#include "store/postgres/pool.h"
#include "store/store.h"

namespace ctt::store {

class PostgresTransaction final : public Transaction {
 public:
  static Result<std::unique_ptr<Transaction>> Begin(PgPool::Lease connection,
                                                    const std::string& store_name);
  ~PostgresTransaction() override;

  Status Lock(std::span<const std::string> names) override;
  Status LockAll() override;
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
  PostgresTransaction(PgPool::Lease connection, const std::string& store_name)
      : connection_(std::move(connection)), store_name_(store_name) {}

  // Runs a statement; an error spoils the transaction.
  Result<PgRows> Run(const char* sql, std::initializer_list<PgValue> values);
  Status Write(const char* sql, std::initializer_list<PgValue> values) {
    return Run(sql, values).status();
  }
  Status Spoil(Status status);
  Status RequireTask(TaskId task) { return LastSeq(task).status(); }
  Status CheckLabels(TaskId task, std::set<LabelId> labels);
  Status Insert(TaskId task, std::span<const Example> examples);

  PgPool::Lease connection_;
  Status failed_;
  bool committed_ = false;
  bool wrote_ = false;
  const std::string& store_name_;  // Goes with the notification, so that its writer knows its own.
  std::set<std::pair<TaskId, LabelId>> labels_seen_;  // Known to belong together.
};

}  // namespace ctt::store
