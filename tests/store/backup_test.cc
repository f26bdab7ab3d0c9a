#include "store/backup.h"

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include <gtest/gtest.h>

#include "base/file.h"
#include "store/data_directory.h"
#include "tests/store/store_home.h"

namespace ctt::store {
namespace {

namespace fs = std::filesystem;

class BackupTest : public testing::Test {
 protected:
  fs::path data() const { return parent_.path() / "data"; }
  fs::path backup() const { return parent_.path() / "backup"; }
  fs::path restored() const { return parent_.path() / "restored"; }

  DataDirectory Open(const fs::path& folder) { return Value(DataDirectory::Open(folder)); }
  static Status Append(Store& store, TaskId task, LabelId label, Seq first, Seq last) {
    CTT_ASSIGN_OR_RETURN(const auto transaction, store.Begin());
    std::vector<Example> rows;
    for (Seq seq = first; seq <= last; ++seq)
      rows.push_back(Row(seq, label, "e" + std::to_string(seq)));
    CTT_RETURN_IF_ERROR(transaction->AppendExamples(task, rows));
    return transaction->Commit();
  }
  // A task "t" with rows 1 to 50, a version whose head is an artefact, and a checkpoint.
  void Fill(DataDirectory& directory) {
    auto transaction = Value(directory.store().Begin());
    task_ = Value(transaction->CreateTask("t", "{}", 1)).id;
    label_ = Value(transaction->InternLabel(task_, "l"));
    ASSERT_OK(transaction->Commit());
    transaction.reset();
    ASSERT_OK(Append(directory.store(), task_, label_, 1, 50));
    PutVersion(directory, "head", 1);
  }
  void PutVersion(DataDirectory& directory, const std::string& head, std::int64_t number) {
    const std::string digest = ToHex(Value(directory.artifacts().Put(head)));
    const std::string sums = ToHex(Value(directory.artifacts().Put(head + " sums")));
    auto transaction = Value(directory.store().Begin());
    ASSERT_OK(transaction->PutVersion(task_, {.number = number,
                                              .watermark = 50,
                                              .settings = "s",
                                              .head_digest = digest,
                                              .has_artifact = true}));
    ASSERT_OK(transaction->PutCheckpoint(task_, {50, sums}));
    ASSERT_OK(transaction->Commit());
  }
  Result<BackupReport> Write(DataDirectory& directory) {
    return WriteBackup(directory.store(), directory.artifacts(), backup(), 1);
  }
  static std::vector<fs::path> Files(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file()) files.push_back(entry.path());
    return files;
  }

  TaskId task_ = 0;
  LabelId label_ = 0;

 private:
  TemporaryFolder parent_;
};

TEST_F(BackupTest, WhatIsRestoredIsWhatWasThere) {
  DataDirectory directory = Open(data());
  Fill(directory);
  ASSERT_OK(directory.artifacts().Put("garbage").status());
  const BackupReport report = Value(Write(directory));
  EXPECT_EQ(report.artifacts, 2);
  EXPECT_EQ(report.artifacts_copied, 2);
  ASSERT_OK(Append(directory.store(), task_, label_, 51, 60)) << "after the backup";
  ASSERT_OK(RestoreBackup(backup(), restored()).status());
  EXPECT_EQ(fs::status(restored()).permissions(), fs::perms::owner_all);
  DataDirectory copy = Open(restored());
  EXPECT_OK(copy.store().Verify());
  EXPECT_EQ(Value(copy.store().LastSeq(task_)), 50);
  for (Seq seq = 1; seq <= 50; ++seq)
    ExpectSame(*Value(copy.store().FindExample(task_, "e" + std::to_string(seq))),
               Row(seq, label_, "e" + std::to_string(seq)));
  EXPECT_EQ(Value(copy.artifacts().Get(Sha256("head"))), "head");
  EXPECT_FALSE(copy.artifacts().Get(Sha256("garbage")).ok());
  ASSERT_OK(Append(copy.store(), task_, label_, 51, 55)) << "and it can be written";
}

TEST_F(BackupTest, ASecondBackupCopiesWhatIsNewAndTakesThePlaceOfTheFirst) {
  DataDirectory directory = Open(data());
  Fill(directory);
  ASSERT_OK(Write(directory).status());
  PutVersion(directory, "second", 2);
  const BackupReport report = Value(Write(directory));
  EXPECT_EQ(report.artifacts, 3) << "two heads and the newest sums";
  EXPECT_EQ(report.artifacts_copied, 2);
  EXPECT_EQ(Files(backup() / "artifacts").size(), 3u);
  EXPECT_EQ(Files(backup() / "database").size(), 1u);
  ASSERT_OK(RestoreBackup(backup(), restored()).status());
  EXPECT_EQ(Value(Open(restored()).store().LatestVersion(task_))->number, 2);
}

TEST_F(BackupTest, IsOneInstantWhileRowsAreWritten) {
  DataDirectory directory = Open(data());
  Fill(directory);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (Seq seq = 51; !stop; seq += 3)  // Three rows a transaction.
      EXPECT_OK(Append(directory.store(), task_, label_, seq, seq + 2));
  });
  for (int round = 0; round < 5; ++round) ASSERT_OK(Write(directory).status());
  stop = true;
  writer.join();
  ASSERT_OK(RestoreBackup(backup(), restored()).status());
  DataDirectory copy = Open(restored());
  EXPECT_OK(copy.store().Verify());
  EXPECT_EQ((Value(copy.store().LastSeq(task_)) - 50) % 3, 0) << "whole transactions only";
}

TEST_F(BackupTest, ADamagedBackupIsNamedAndNothingIsMade) {
  DataDirectory directory = Open(data());
  Fill(directory);
  ASSERT_OK(Write(directory).status());
  for (const fs::path& path : Files(backup())) {
    SCOPED_TRACE(path);
    const std::string whole = Value(ReadFile(path));
    std::string damaged = whole;
    damaged[damaged.size() / 2] ^= 4;
    if (path.filename() == "backup.json") damaged.resize(whole.size() / 2);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << damaged;
    const Status status = RestoreBackup(backup(), restored()).status();
    EXPECT_EQ(status.code(), Code::kDataLoss) << status.ToString();
    EXPECT_FALSE(fs::exists(restored()));
    std::ofstream(path, std::ios::binary | std::ios::trunc) << whole;
  }
  for (const fs::path& path : Files(backup())) {
    SCOPED_TRACE(path);
    const std::string whole = Value(ReadFile(path));
    fs::remove(path);
    EXPECT_EQ(RestoreBackup(backup(), restored()).status().code(), Code::kNotFound);
    EXPECT_FALSE(fs::exists(restored()));
    std::ofstream(path, std::ios::binary | std::ios::trunc) << whole;
  }
  EXPECT_OK(RestoreBackup(backup(), restored()).status());
}

TEST_F(BackupTest, ALostDatabaseIsRestoredIntoItsDirectory) {
  {
    DataDirectory directory = Open(data());
    Fill(directory);
    ASSERT_OK(Write(directory).status());
    EXPECT_EQ(RestoreBackup(backup(), data()).status().reason(), "database_exists");
  }
  fs::remove(data() / "ctt.sqlite");
  EXPECT_EQ(DataDirectory::Open(data()).status().reason(), "database_lost");
  ASSERT_OK(RestoreBackup(backup(), data()).status());
  EXPECT_EQ(Value(Open(data()).store().LastSeq(task_)), 50);
  EXPECT_EQ(RestoreBackup(restored(), restored()).status().reason(), "backup_not_found");
}

TEST_F(BackupTest, ADamagedOrLostArtefactIsLeftToTheLog) {
  DataDirectory directory = Open(data());
  Fill(directory);
  ASSERT_OK(directory.artifacts().Remove(Sha256("head sums")));
  EXPECT_EQ(Value(Write(directory)).artifacts, 1);
  EXPECT_OK(RestoreBackup(backup(), restored()).status());
}

}  // namespace
}  // namespace ctt::store
