#include "store/data_directory.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/file.h"
#include "store/sqlite/checked_vfs.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/store/store_home.h"

namespace ctt::store {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

void Overwrite(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// One task "kept" with the living examples "a" and "c" and the unlearned "b", a version, a
// checkpoint.
void Fill(Store& store) {
  auto transaction = Value(store.Begin());
  const TaskId task = Value(transaction->CreateTask("kept", "{}", 1)).id;
  const LabelId label = Value(transaction->InternLabel(task, "l"));
  ASSERT_OK(transaction->AppendExamples(
      task, std::vector{Row(1, label, "a"), Row(2, label, "b"), Row(3, label, "c")}));
  ASSERT_OK(transaction->MarkUnlearned(task, std::vector<Seq>{2}, 4));
  ASSERT_OK(transaction->PutVersion(task, {.number = 1, .watermark = 4, .settings = "s"}));
  ASSERT_OK(transaction->SetAlias(task, "live", 1));
  ASSERT_OK(transaction->PutCheckpoint(task, {4, std::string(64, 'd')}));
  ASSERT_OK(transaction->PutIdempotent("key", "request", "answer", 2));
  ASSERT_OK(transaction->SetMeta("encoder_id", "e"));
  ASSERT_OK(transaction->Commit());
}

void ExpectFilled(Store& store) {
  EXPECT_OK(store.Verify());
  const std::vector<Task> tasks = Value(store.Tasks());
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].name, "kept");
  const TaskId task = tasks[0].id;
  const LabelId label = Value(store.Labels(task)).at(0).id;
  ExpectSame(*Value(store.FindExample(task, "a")), Row(1, label, "a"));
  ExpectSame(*Value(store.FindExample(task, "c")), Row(3, label, "c"));
  EXPECT_FALSE(Value(store.FindExample(task, "b")));
  EXPECT_EQ(Value(store.LastSeq(task)), 4);
  EXPECT_EQ(Value(store.LatestVersion(task))->settings, "s");
  EXPECT_EQ(Value(store.Alias(task, "live")), 1);
  EXPECT_EQ(Value(store.LatestCheckpoint(task))->watermark, 4);
  EXPECT_EQ(Value(store.FindIdempotent("key"))->answer, "answer");
  EXPECT_EQ(Value(store.Meta("encoder_id")), "e");
}

class DataDirectoryTest : public testing::Test {
 protected:
  fs::path folder() const { return parent_.path() / "data" / "ctt"; }
  fs::path database() const { return folder() / "ctt.sqlite"; }
  Status OpenStatus() { return DataDirectory::Open(folder()).status(); }
  void RunSql(const char* sql) {
    auto connection =
        Value(Connection::Open(database(), Connection::Mode::kWrite, RegisterCheckedVfs("")));
    ASSERT_OK(connection->RunScript(sql));
  }

 private:
  TemporaryFolder parent_;
};

TEST_F(DataDirectoryTest, IsMadePrivateAndKeepsWhatItWasGiven) {
  {
    DataDirectory directory = Value(DataDirectory::Open(folder()));
    EXPECT_EQ(fs::status(folder()).permissions(), fs::perms::owner_all);
    EXPECT_EQ(directory.folder(), folder());
    Fill(directory.store());
    ASSERT_OK(directory.artifacts().Put("head").status());
  }
  EXPECT_FALSE(fs::exists(database().string() + "-wal")) << "closing folds the log into the file";
  DataDirectory directory = Value(DataDirectory::Open(folder()));
  ExpectFilled(directory.store());
  EXPECT_EQ(Value(directory.artifacts().Get(Sha256("head"))), "head");
}

TEST_F(DataDirectoryTest, HasOneHolder) {
  Result<DataDirectory> held = DataDirectory::Open(folder());
  ASSERT_OK(held.status());
  const Status second = OpenStatus();
  EXPECT_EQ(second.code(), Code::kFailedPrecondition);
  EXPECT_EQ(second.reason(), "locked");
  EXPECT_THAT(second.message(), HasSubstr("process " + std::to_string(::getpid())));
  held = Internal("closed");
  EXPECT_OK(OpenStatus());
}

TEST_F(DataDirectoryTest, ALaterSchemaIsRefusedUntouched) {
  ASSERT_OK(OpenStatus());
  RunSql("PRAGMA user_version = 999");
  const Result<std::string> before = ReadFile(database());
  const Status status = OpenStatus();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_EQ(status.reason(), "newer_schema");
  EXPECT_EQ(*ReadFile(database()), *before);
}

TEST_F(DataDirectoryTest, WhatIsNotADatabaseOfOursIsNamedUntouched) {
  fs::create_directories(folder());
  for (const std::string& bytes : {std::string("hello"), std::string(20'000, '\0'),
                                   "SQLite format 3" + std::string(9'000, '\0')}) {
    Overwrite(database(), bytes);
    const Status status = OpenStatus();
    EXPECT_EQ(status.code(), Code::kDataLoss);
    EXPECT_EQ(status.reason(), "not_a_database");
    EXPECT_EQ(*ReadFile(database()), bytes);
  }
  fs::remove(database());
  sqlite3* foreign = nullptr;
  ASSERT_EQ(sqlite3_open(database().c_str(), &foreign), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(foreign, "CREATE TABLE t (x)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(foreign);
  EXPECT_EQ(OpenStatus().reason(), "not_a_database");
}

TEST_F(DataDirectoryTest, ADatabaseOfOursWithoutItsMarkIsNotOurs) {
  for (const char* mark : {"PRAGMA application_id = 7", "PRAGMA application_id = 0"}) {
    ASSERT_OK(OpenStatus());
    RunSql(mark);
    EXPECT_EQ(OpenStatus().reason(), "not_a_database");
    fs::remove(database());
  }
}

TEST_F(DataDirectoryTest, ALostDatabaseIsNotMadeAnew) {
  {
    DataDirectory directory = Value(DataDirectory::Open(folder()));
    ASSERT_OK(directory.artifacts().Put("head").status());
  }
  fs::remove(database());
  EXPECT_EQ(OpenStatus().reason(), "database_lost");
  Overwrite(database(), "");
  EXPECT_EQ(OpenStatus().reason(), "database_lost");
}

TEST_F(DataDirectoryTest, ALogWithoutItsDatabaseIsDamage) {
  fs::create_directories(folder());
  Overwrite(database().string() + "-wal", std::string(9'000, 'x'));
  const Status status = OpenStatus();
  EXPECT_EQ(status.code(), Code::kDataLoss);
  EXPECT_TRUE(fs::exists(database().string() + "-wal"));
}

TEST_F(DataDirectoryTest, APathThatCannotBeAFolderIsNamed) {
  const TemporaryFolder parent;
  Overwrite(parent.path() / "file", "x");
  const Status status = DataDirectory::Open(parent.path() / "file" / "data").status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr((parent.path() / "file").string()));
}

// tests/golden/store_version_N.sqlite: what Fill left under schema version N. The test below writes
// the one of the present version:
//   test_store --gtest_also_run_disabled_tests --gtest_filter='*WriteTheFileOfThisVersion'
fs::path GoldenFile(std::size_t version) {
  return fs::path(CTT_SOURCE_DIR) / "tests" / "golden" /
         ("store_version_" + std::to_string(version) + ".sqlite");
}

TEST(MigrationTest, DISABLED_WriteTheFileOfThisVersion) {
  const TemporaryFolder folder;
  {
    auto store = Value(SqliteStore::Open(folder.path() / "ctt.sqlite"));
    Fill(*store);
  }
  fs::copy_file(folder.path() / "ctt.sqlite", GoldenFile(Migrations().size()),
                fs::copy_options::overwrite_existing);
}

TEST(MigrationTest, AFileOfEveryVersionOpens) {
  for (std::size_t version = 1; version <= Migrations().size(); ++version) {
    SCOPED_TRACE(version);
    const TemporaryFolder folder;
    ASSERT_TRUE(fs::exists(GoldenFile(version)));
    fs::copy_file(GoldenFile(version), folder.path() / "ctt.sqlite");
    auto store = Value(SqliteStore::Open(folder.path() / "ctt.sqlite"));
    ExpectFilled(*store);
  }
}

// A step that was released never changes: the schema made today is the schema of the newest file.
TEST(MigrationTest, TheSchemaMadeTodayIsTheOneOfTheFile) {
  const auto schema = [](const fs::path& path) {
    auto connection =
        Value(Connection::Open(path, Connection::Mode::kReadOnly, RegisterCheckedVfs("")));
    Statement rows = connection->Use("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name");
    std::string all;
    while (Value(rows.Step())) all += rows.Text(0) + "\n";
    return all;
  };
  const TemporaryFolder folder;
  ASSERT_OK(SqliteStore::Open(folder.path() / "new.sqlite").status());
  fs::copy_file(GoldenFile(Migrations().size()), folder.path() / "golden.sqlite");
  EXPECT_EQ(schema(folder.path() / "new.sqlite"), schema(folder.path() / "golden.sqlite"));
}

TEST(ConnectionTest, IsDurableAndStrict) {
  const TemporaryFolder folder;
  auto store = Value(SqliteStore::Open(folder.path() / "ctt.sqlite"));
  auto connection = Value(Connection::Open(folder.path() / "ctt.sqlite", Connection::Mode::kWrite,
                                           RegisterCheckedVfs("")));
  EXPECT_EQ(Value(connection->ReadInt("PRAGMA synchronous")), 2) << "FULL";
  EXPECT_EQ(Value(connection->ReadInt("PRAGMA foreign_keys")), 1);
  EXPECT_EQ(Value(connection->ReadInt("PRAGMA secure_delete")), 1);
  EXPECT_EQ(Value(connection->ReadInt("PRAGMA page_size")), kPageSize);
  Statement mode = connection->Use("PRAGMA journal_mode");
  ASSERT_TRUE(Value(mode.Step()));
  EXPECT_EQ(mode.Text(0), "wal");
  auto reader = Value(Connection::Open(folder.path() / "ctt.sqlite", Connection::Mode::kReadOnly,
                                       RegisterCheckedVfs("")));
  EXPECT_FALSE(reader->Run("DELETE FROM meta").ok());
}

}  // namespace
}  // namespace ctt::store
