#pragma once
// PostgresStore: the Store in a PostgreSQL database that any number of processes share. Commits are
// synced (synchronous_commit is never less than on); a small pool of connections that comes back by
// itself when the server does (pool.h). Scans read in bounded steps.
//
// The tables lie in the schema that the URL's search_path names first. A pooler in front must keep
// sessions together: statements are prepared, locks and notifications belong to sessions.
#include <memory>
#include <string>
#include <vector>

#include "store/postgres/pool.h"
#include "store/store.h"

namespace ctt::store {

class PostgresStore final : public Store {
 public:
  // `url` as libpq reads it, postgresql://...; its sslmode decides about TLS. Makes or migrates the
  // tables. kUnavailable: no server there; kFailedPrecondition ("newer_schema").
  static Result<std::unique_ptr<PostgresStore>> Open(const std::string& url);

  bool shared() const override { return true; }
  Result<std::unique_ptr<Transaction>> Begin() override;
  void AwaitChange(std::chrono::milliseconds at_most) override;
  Result<std::vector<TaskMark>> Marks() override;
  Result<std::optional<TaskMark>> Mark(std::string_view task) override;

  Result<std::vector<Task>> Tasks() override;
  Result<std::vector<Label>> Labels(TaskId task) override;
  Result<std::vector<Label>> LabelsAt(TaskId task, Seq watermark) override;
  Result<Seq> LastSeq(TaskId task) override;
  Result<std::int64_t> CountLiving(TaskId task) override;
  Result<std::map<LabelId, std::int64_t>> CountByLabel(TaskId task) override;
  Result<ExamplePage> PageExamples(TaskId task, Seq after, std::int32_t limit) override;
  Result<std::optional<Example>> FindExample(TaskId task, std::string_view id) override;
  Status ScanAt(TaskId task, Seq watermark, const Visit& visit) override;
  Status ReplaySince(TaskId task, Seq from, Seq to, const SignedVisit& visit) override;
  Result<std::vector<Version>> Versions(TaskId task) override;
  Result<std::optional<Version>> FindVersion(TaskId task, std::int64_t number) override;
  Result<std::optional<Version>> LatestVersion(TaskId task) override;
  Result<std::map<std::string, std::int64_t>> Aliases(TaskId task) override;
  Result<std::optional<std::int64_t>> Alias(TaskId task, std::string_view alias) override;
  Result<std::optional<Checkpoint>> LatestCheckpoint(TaskId task) override;
  Result<std::optional<IdempotentAnswer>> FindIdempotent(std::string_view key) override;
  Result<std::optional<std::string>> Meta(std::string_view key) override;
  Result<std::vector<ApiKey>> ApiKeys() override;
  Result<std::vector<AuditEntry>> Audit(std::int64_t after, std::int32_t limit) override;
  Result<std::set<std::string>> NamedArtifacts() override;
  // pg_dump does it; see docs/replicas.md.
  Result<std::set<std::string>> CopyTo(const std::filesystem::path& path) override;
  // VACUUM: what was deleted leaves the tables. The server's log of writes and its backups are the
  // operator's.
  Status Scrub() override;
  Status Verify() override;

 private:
  explicit PostgresStore(const std::string& url);
  Result<PgRows> Read(const char* sql, std::initializer_list<PgValue> values);

  PgPool pool_;
  const std::string url_;
  const std::string name_;                  // Of this object among all that share the database.
  std::unique_ptr<PgConnection> listener_;  // AwaitChange's.
};

}  // namespace ctt::store
