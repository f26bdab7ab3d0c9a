#pragma once
// The stores that the conformance suites run on, and what their cases share.
#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "store/postgres/postgres_store.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/store/store_home.h"

namespace ctt::store {

class SqliteHome final : public StoreHome {
 public:
  SqliteHome() { Reopen(); }
  Store& store() override { return *store_; }
  void Reopen() override {
    store_.reset();
    store_ = Value(SqliteStore::Open(folder_.path() / "ctt.sqlite"));
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<SqliteStore> store_;
};

// A schema of its own in the server of CTT_TEST_POSTGRES (tests/store/with_servers.py starts one).
class PostgresHome final : public StoreHome {
 public:
  explicit PostgresHome(std::string server) : server_(std::move(server)) {
    static std::atomic<int> made = 0;
    schema_ = "t" + std::to_string(++made);
    RunSql("CREATE SCHEMA " + schema_);
    Reopen();
  }
  ~PostgresHome() override {
    store_.reset();
    RunSql("DROP SCHEMA " + schema_ + " CASCADE");
  }
  Store& store() override { return *store_; }
  void Reopen() override {
    store_.reset();
    store_ = Value(PostgresStore::Open(server_ + "?options=-csearch_path%3D" + schema_));
  }

 private:
  void RunSql(const std::string& sql) {
    EXPECT_OK(Value(PgConnection::Open(server_))->Script(sql.c_str()));
  }
  const std::string server_;
  std::string schema_;
  std::unique_ptr<PostgresStore> store_;
};

inline std::vector<Implementation> Implementations() {
  std::vector<Implementation> all = {{"Sqlite", [] { return std::make_unique<SqliteHome>(); }}};
  if (const char* server = std::getenv("CTT_TEST_POSTGRES"); server != nullptr) {
    all.push_back({"Postgres", [server] { return std::make_unique<PostgresHome>(server); }});
  }
  return all;
}

class StoreTest : public testing::TestWithParam<Implementation> {
 protected:
  StoreTest() : home_(GetParam().make()) {}

  Store& store() { return home_->store(); }
  void Reopen() { home_->Reopen(); }
  std::unique_ptr<Transaction> Begin() { return Value(store().Begin()); }

  Task MakeTask(std::string_view name) {
    auto transaction = Begin();
    Task task = Value(transaction->CreateTask(name, "{}", 5));
    EXPECT_OK(transaction->Commit());
    return task;
  }
  LabelId MakeLabel(TaskId task, std::string_view name) {
    auto transaction = Begin();
    const LabelId label = Value(transaction->InternLabel(task, name));
    EXPECT_OK(transaction->Commit());
    return label;
  }
  Status Append(TaskId task, const std::vector<Example>& rows) {
    auto transaction = Begin();
    CTT_RETURN_IF_ERROR(transaction->AppendExamples(task, rows));
    return transaction->Commit();
  }
  Status Unlearn(TaskId task, const std::vector<Seq>& seqs, Seq deleted_seq) {
    auto transaction = Begin();
    CTT_RETURN_IF_ERROR(transaction->MarkUnlearned(task, seqs, deleted_seq));
    return transaction->Commit();
  }
  std::vector<Seq> SetAt(TaskId task, Seq watermark) {
    std::vector<Seq> seqs;
    EXPECT_OK(store().ScanAt(task, watermark, [&](const Example& row) {
      seqs.push_back(row.seq);
      return Status::Ok();
    }));
    return seqs;
  }
  std::vector<std::pair<Seq, int>> Replay(TaskId task, Seq from, Seq to) {
    std::vector<std::pair<Seq, int>> steps;
    EXPECT_OK(store().ReplaySince(task, from, to, [&](const Example& row, int sign) {
      steps.emplace_back(row.seq, sign);
      return Status::Ok();
    }));
    return steps;
  }

 private:
  std::unique_ptr<StoreHome> home_;
};

}  // namespace ctt::store
