// What is left when the disk fails at the k-th call, or the power goes there, for every k.
#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "store/sqlite/sqlite_store.h"
#include "tests/store/fault_disk.h"
#include "tests/store/store_home.h"

namespace ctt::store {
namespace {

namespace fs = std::filesystem;

// In memory where there is such a place: the disk here is a played one, real syncs test nothing.
fs::path Parent() {
  return ::access("/dev/shm", W_OK) == 0 ? fs::path("/dev/shm") : fs::temp_directory_path();
}

// Transactions of known content: number i appends three rows, and every third one unlearns a row of
// the one before it and adds a version.
constexpr int kTransactions = 5;
constexpr int kRows = 3;

std::string IdOf(int number, int row) { return std::to_string(number) + "-" + std::to_string(row); }

Status WriteOne(Store& store, TaskId task, int number) {
  CTT_ASSIGN_OR_RETURN(std::unique_ptr<Transaction> transaction, store.Begin());
  CTT_ASSIGN_OR_RETURN(const LabelId label, transaction->InternLabel(task, "l"));
  CTT_ASSIGN_OR_RETURN(Seq seq, transaction->LastSeq(task));
  std::vector<Example> rows;
  for (int row = 0; row < kRows; ++row) rows.push_back(Row(++seq, label, IdOf(number, row)));
  rows.back().text = std::string(9'000, 'x');  // Several pages.
  CTT_RETURN_IF_ERROR(transaction->AppendExamples(task, rows));
  if (number % 3 == 2) {
    const std::vector<std::string> ids = {IdOf(number, 0)};
    CTT_ASSIGN_OR_RETURN(const std::vector<Example> found, transaction->FindLiving(task, ids));
    const std::vector<Seq> seqs = {found.at(0).seq};
    CTT_RETURN_IF_ERROR(transaction->MarkUnlearned(task, seqs, ++seq));
  }
  return transaction->Commit();
}

struct Outcome {
  bool task_made = false;
  std::vector<bool> acknowledged = std::vector<bool>(kTransactions);
  std::vector<std::size_t> calls_when_acknowledged = std::vector<std::size_t>(kTransactions);
};

// Goes on after an error, as a server does. `store` is closed at the end.
void Work(const fs::path& path, Outcome& outcome) {
  Result<std::unique_ptr<SqliteStore>> store =
      SqliteStore::Open(path, FaultDisk::Instance().name());
  if (!store.ok()) return;
  TaskId task = 0;
  for (int attempt = 0; attempt < 2 && task == 0; ++attempt) {
    Result<std::unique_ptr<Transaction>> transaction = (*store)->Begin();
    if (!transaction.ok()) continue;
    const Result<Task> made = (*transaction)->CreateTask("t", "{}", 1);
    if (made.ok() && (*transaction)->Commit().ok()) task = made->id;
  }
  outcome.task_made = task != 0;
  for (int number = 0; task != 0 && number < kTransactions; ++number) {
    outcome.acknowledged[number] = WriteOne(**store, task, number).ok();
    outcome.calls_when_acknowledged[number] = FaultDisk::Instance().calls().size();
  }
}

// Opens what was left without faults: whatever was acknowledged is there, the rest wholly or not at
// all, nothing is damaged, and writing goes on.
void CheckLeft(const fs::path& path, const Outcome& outcome) {
  Result<std::unique_ptr<SqliteStore>> opened = SqliteStore::Open(path);
  ASSERT_OK(opened.status());
  Store& store = **opened;
  ASSERT_OK(store.Verify());
  const std::vector<Task> tasks = Value(store.Tasks());
  ASSERT_GE(tasks.size(), outcome.task_made ? 1u : 0u);
  if (tasks.empty()) return;
  const TaskId task = tasks[0].id;
  for (int number = 0; number < kTransactions; ++number) {
    int found = number % 3 == 2 ? 1 : 0;  // Row 0 is unlearned in the same transaction.
    const int missing = found;
    for (int row = 0; row < kRows; ++row) {
      found += Value(store.FindExample(task, IdOf(number, row))).has_value();
    }
    EXPECT_TRUE(found == kRows || (found == missing && !outcome.acknowledged[number]))
        << "transaction " << number << ": " << found << " of " << kRows;
  }
  EXPECT_OK(WriteOne(store, task, 100));
}

struct FaultCase {
  const char* name;
  FaultDisk::Fault fault;
  bool and_after;
};

class FaultTest : public testing::TestWithParam<FaultCase> {};

TEST_P(FaultTest, AtEveryCallTheAcknowledgedIsKept) {
  FaultDisk& disk = FaultDisk::Instance();
  int call = 0;
  for (bool untouched = false; !untouched && !HasFailure();) {
    SCOPED_TRACE("call " + std::to_string(++call));
    const TemporaryFolder folder(Parent());
    const fs::path path = folder.path() / "ctt.sqlite";
    disk.Reset();
    disk.FailAt(call, GetParam().fault, GetParam().and_after);
    Outcome outcome;
    Work(path, outcome);
    untouched = !disk.failed();
    disk.Reset();
    CheckLeft(path, outcome);
    if (untouched) {
      EXPECT_EQ(std::count(outcome.acknowledged.begin(), outcome.acknowledged.end(), true),
                kTransactions);
    }
  }
  EXPECT_GT(call, 30) << "faults did not reach the work";
}

INSTANTIATE_TEST_SUITE_P(
    All, FaultTest,
    testing::Values(FaultCase{"OneIoError", FaultDisk::Fault::kIoError, false},
                    FaultCase{"IoErrorsFromThereOn", FaultDisk::Fault::kIoError, true},
                    FaultCase{"OneTornWrite", FaultDisk::Fault::kTornWrite, false},
                    FaultCase{"TornWritesFromThereOn", FaultDisk::Fault::kTornWrite, true},
                    FaultCase{"OneWriteToAFullDisk", FaultDisk::Fault::kDiskFull, false},
                    FaultCase{"ADiskThatStaysFull", FaultDisk::Fault::kDiskFull, true},
                    FaultCase{"OneFailedSync", FaultDisk::Fault::kNoSync, false},
                    FaultCase{"NoSyncFromThereOn", FaultDisk::Fault::kNoSync, true}),
    [](const auto& info) { return info.param.name; });

TEST(FullDiskTest, IsNamedAndReadingGoesOn) {
  FaultDisk& disk = FaultDisk::Instance();
  disk.Reset();
  const TemporaryFolder folder(Parent());
  auto store = Value(SqliteStore::Open(folder.path() / "ctt.sqlite", disk.name()));
  auto transaction = Value(store->Begin());
  const TaskId task = Value(transaction->CreateTask("t", "{}", 1)).id;
  ASSERT_OK(transaction->Commit());
  ASSERT_OK(WriteOne(*store, task, 0));
  disk.FailAt(1, FaultDisk::Fault::kDiskFull, true);
  const Status full = WriteOne(*store, task, 1);
  EXPECT_EQ(full.code(), Code::kUnavailable);
  EXPECT_EQ(full.reason(), "disk_full");
  EXPECT_EQ(Value(store->CountLiving(task)), kRows);
  disk.Reset();
  EXPECT_OK(WriteOne(*store, task, 1)) << "there is room again";
}

// The power goes after each call in turn; what was not synced is left in part. Only this test sees
// a sync that is missing: a killed process leaves all its writes to the kernel.
class PowerCutTest : public testing::TestWithParam<bool> {};

TEST_P(PowerCutTest, AtEveryCallTheAcknowledgedIsKept) {
  FaultDisk& disk = FaultDisk::Instance();
  disk.Reset();
  disk.SetPowersafe(GetParam());
  const TemporaryFolder first(Parent());
  Outcome whole;
  Work(first.path() / "ctt.sqlite", whole);
  const std::vector<DiskCall> calls = disk.calls();
  disk.SetPowersafe(true);
  ASSERT_TRUE(whole.task_made);
  std::mt19937_64 random(7);
  for (std::size_t count = 0; count <= calls.size() && !HasFailure(); ++count) {
    for (int trial = 0; trial < 8; ++trial) {
      SCOPED_TRACE("after call " + std::to_string(count));
      const TemporaryFolder folder(Parent());
      for (const auto& [file, bytes] : LeftAfterPowerCut(calls, count, random)) {
        std::ofstream(folder.path() / file, std::ios::binary) << bytes;
      }
      Outcome outcome;
      for (int number = 0; number < kTransactions; ++number) {
        outcome.acknowledged[number] = whole.calls_when_acknowledged[number] <= count;
      }
      CheckLeft(folder.path() / "ctt.sqlite", outcome);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PowerCutTest, testing::Bool(), [](const auto& info) {
  return info.param ? "WritesHarmNothingBeside" : "WritesMayHarmTheirSector";
});

}  // namespace
}  // namespace ctt::store
