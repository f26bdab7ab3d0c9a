#pragma once
// SqliteStore: the Store in one SQLite file. WAL mode with synchronous = FULL (a commit is synced
// before it is acknowledged), one connection for writing, a few for reading, every page checked
// (checked_vfs.h). Reads never wait for writes. Scans read in bounded steps and hold no snapshot
// for long, so that the WAL stays small under them; memory is flat whatever the number of rows.
//
// Beyond Store: calls about a task that does not exist answer kNotFound ("task_not_found") where a
// single value is asked for, and nothing where a list is.
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/sqlite/reader_pool.h"
#include "store/store.h"

namespace ctt::store {

class SqliteStore final : public Store {
 public:
  // Makes the file when it is absent, else audits, recovers and migrates it. The caller sees to it
  // that one process opens it (DataDirectory). `base_vfs` is the VFS below the page check, for
  // tests. Errors as DataDirectory::Open, and those of SqliteError.
  static Result<std::unique_ptr<SqliteStore>> Open(const std::filesystem::path& path,
                                                   const std::string& base_vfs = "");

  bool shared() const override { return false; }
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
  Result<std::set<std::string>> CopyTo(const std::filesystem::path& path) override;
  Status Scrub() override;
  Status Verify() override;

 private:
  SqliteStore(std::unique_ptr<Connection> writer, std::filesystem::path path, std::string vfs)
      : vfs_(vfs), writer_(std::move(writer)), readers_(std::move(path), std::move(vfs)) {}

  const std::string vfs_;
  std::mutex writing_;  // Held by the one open Transaction.
  std::unique_ptr<Connection> writer_;
  ReaderPool readers_;  // Closed before the writer, which then folds the WAL into the file.
};

}  // namespace ctt::store
