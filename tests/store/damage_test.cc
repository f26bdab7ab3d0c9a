// Bits flipped in the files of a database: named as kDataLoss, never a crash, never a wrong answer.
#include <fstream>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "base/file.h"
#include "store/sqlite/checked_vfs.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/store/store_home.h"

namespace ctt::store {
namespace {

namespace fs = std::filesystem;

constexpr Seq kRows = 60;

// Everything a store answers, so that two stores can be compared; or the first error.
Result<std::string> ReadAll(Store& store) {
  std::string all;
  const auto add = [&](const Example& row) {
    all += row.id + row.text.value_or("-") + row.source + std::to_string(row.label) + ',' +
           std::to_string(row.deleted_seq) + std::string(row.phi.begin(), row.phi.end());
    return Status::Ok();
  };
  CTT_ASSIGN_OR_RETURN(const std::vector<Task> tasks, store.Tasks());
  for (const Task& task : tasks) {
    all += task.name + task.settings;
    CTT_ASSIGN_OR_RETURN(const std::vector<Label> labels, store.Labels(task.id));
    for (const Label& label : labels) all += label.name;
    CTT_ASSIGN_OR_RETURN(const Seq last, store.LastSeq(task.id));
    CTT_RETURN_IF_ERROR(store.ScanAt(task.id, last, add));
    CTT_RETURN_IF_ERROR(store.ReplaySince(task.id, last / 2, last,
                                          [&](const Example& row, int) { return add(row); }));
    CTT_ASSIGN_OR_RETURN(const ExamplePage page, store.PageExamples(task.id, 0, 1'000));
    for (const Example& row : page.examples) {
      CTT_RETURN_IF_ERROR(add(row));
      CTT_ASSIGN_OR_RETURN(const std::optional<Example> found, store.FindExample(task.id, row.id));
      if (!found) return Internal("a living example was not found by its id");
      CTT_RETURN_IF_ERROR(add(*found));
    }
  }
  return all;
}

TaskId MakeTask(Store& store) {
  auto transaction = Value(store.Begin());
  const TaskId task = Value(transaction->CreateTask("t", "{}", 1)).id;
  EXPECT_OK(transaction->Commit());
  return task;
}

// One transaction with one row, odd rows long.
void AppendOne(Store& store, TaskId task, Seq seq) {
  auto transaction = Value(store.Begin());
  const LabelId label = Value(transaction->InternLabel(task, "label" + std::to_string(seq % 5)));
  Example row = Row(seq, label, "id" + std::to_string(seq));
  if (seq % 2 == 1) row.text = std::string(9'000, static_cast<char>('a' + seq % 26));
  ASSERT_OK(transaction->AppendExamples(task, std::vector{row}));
  ASSERT_OK(transaction->Commit());
}

std::string Flipped(std::string bytes, std::size_t bit) {
  bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
  return bytes;
}

void Write(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class DamageTest : public testing::Test {
 protected:
  fs::path path() const { return folder_.path() / "ctt.sqlite"; }
  TemporaryFolder folder_;
};

TEST_F(DamageTest, ABitFlippedInTheDatabaseIsNamed) {
  std::string truth;
  {
    auto store = Value(SqliteStore::Open(path()));
    const TaskId task = MakeTask(*store);
    for (Seq seq = 1; seq <= kRows; ++seq) AppendOne(*store, task, seq);
    auto transaction = Value(store->Begin());
    ASSERT_OK(transaction->MarkUnlearned(task, std::vector<Seq>{3, 40}, kRows + 1));
    ASSERT_OK(transaction->Commit());
    truth = Value(ReadAll(*store));
  }
  const std::string whole = Value(ReadFile(path()));
  std::vector<std::size_t> bits;
  for (std::size_t bit = 0; bit < 100 * 8; bit += 3) bits.push_back(bit);  // The file's header.
  std::mt19937_64 random(3);
  for (int i = 0; i < 1'000; ++i) bits.push_back(random() % (whole.size() * 8));
  std::map<std::string, int> where;
  for (const std::size_t bit : bits) {
    SCOPED_TRACE("bit " + std::to_string(bit));
    Write(path(), Flipped(whole, bit));
    Result<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(path());
    if (!store.ok()) {
      ++where["open"];
      EXPECT_EQ(store.status().code(), Code::kDataLoss) << store.status().ToString();
      continue;
    }
    const Result<std::string> read = ReadAll(**store);
    ++where[read.ok() ? "verify" : "read"];
    if (read.ok()) {
      EXPECT_EQ(*read, truth);
    } else {
      EXPECT_EQ(read.status().code(), Code::kDataLoss) << read.status().ToString();
    }
    EXPECT_EQ((*store)->Verify().code(), Code::kDataLoss);
    // Not written to the file: it is whole again with the next bit.
  }
  EXPECT_GT(where["open"], 0);
  EXPECT_GT(where["read"], 0);
}

// The log of a process that was killed. A flip may be taken for the end that a crash leaves only
// within the last commit, or the header of the frame before.
TEST_F(DamageTest, ABitFlippedInTheLogIsNamedOrCostsNoEarlierCommit) {
  std::string database;
  std::string wal;
  {
    auto store = Value(SqliteStore::Open(path()));
    const TaskId task = MakeTask(*store);
    for (Seq seq = 1; seq <= 12; ++seq) AppendOne(*store, task, seq);
    database = Value(ReadFile(path()));
    wal = Value(ReadFile(path().string() + "-wal"));
  }
  std::mt19937_64 random(4);
  std::map<Seq, int> kept;
  for (int trial = 0; trial < 600; ++trial) {
    const std::size_t bit =
        trial < 256 ? static_cast<std::size_t>(trial) : random() % (wal.size() * 8);
    SCOPED_TRACE("bit " + std::to_string(bit));
    Write(path(), database);
    Write(path().string() + "-wal", Flipped(wal, bit));
    fs::remove(path().string() + "-shm");
    Result<std::unique_ptr<SqliteStore>> store = SqliteStore::Open(path());
    if (!store.ok()) {
      EXPECT_EQ(store.status().code(), Code::kDataLoss) << store.status().ToString();
      ++kept[-1];
      continue;
    }
    const Seq last = Value((*store)->LastSeq(Value((*store)->Tasks()).at(0).id));
    EXPECT_GE(last, 10);
    EXPECT_OK((*store)->Verify());
    ++kept[last];
  }
  EXPECT_GT(kept[-1], 450);
}

TEST_F(DamageTest, AFileThatIsCutOffIsNamed) {
  {
    auto store = Value(SqliteStore::Open(path()));
    const TaskId task = MakeTask(*store);
    for (Seq seq = 1; seq <= 20; ++seq) AppendOne(*store, task, seq);
  }
  const std::string whole = Value(ReadFile(path()));
  for (std::size_t size = 1; size < whole.size(); size += 4'000) {
    SCOPED_TRACE(size);
    Write(path(), whole.substr(0, size));
    EXPECT_EQ(SqliteStore::Open(path()).status().code(), Code::kDataLoss);
  }
}

// With a log beside it, a page may have been cut off by a crash, so opening lets it pass; reading
// it does not.
TEST_F(DamageTest, APageThatIsCutOffIsNotReadAsZeros) {
  {
    auto store = Value(SqliteStore::Open(path()));
    const TaskId task = MakeTask(*store);
    for (Seq seq = 1; seq <= 19; ++seq) AppendOne(*store, task, seq);  // The last is long.
  }
  Write(path().string() + "-wal", "x");
  fs::resize_file(path(), fs::file_size(path()) - 8'000);
  auto store = Value(SqliteStore::Open(path()));
  EXPECT_EQ(store->Verify().code(), Code::kDataLoss);
  EXPECT_EQ(ReadAll(*store).status().code(), Code::kDataLoss);
}

TEST_F(DamageTest, DamageInASmallTableIsNamedAtTheStart) {
  const std::string value(200, 'v');
  {
    auto store = Value(SqliteStore::Open(path()));
    auto transaction = Value(store->Begin());
    ASSERT_OK(transaction->SetMeta("encoder_id", value));
    ASSERT_OK(transaction->Commit());
  }
  std::string bytes = Value(ReadFile(path()));
  ++bytes[bytes.find(value)];
  Write(path(), bytes);
  EXPECT_EQ(SqliteStore::Open(path()).status().code(), Code::kDataLoss);
}

TEST_F(DamageTest, OtherTasksAreReadBesideADamagedPage) {
  TaskId good = 0;
  TaskId bad = 0;
  {
    auto store = Value(SqliteStore::Open(path()));
    good = MakeTask(*store);
    for (Seq seq = 1; seq <= 30; ++seq) AppendOne(*store, good, seq);
    auto transaction = Value(store->Begin());
    bad = Value(transaction->CreateTask("bad", "{}", 1)).id;
    ASSERT_OK(transaction->Commit());
    for (Seq seq = 1; seq <= 30; ++seq) AppendOne(*store, bad, seq);
  }
  std::string bytes = Value(ReadFile(path()));
  const std::vector<std::int8_t> phi = Phi(20);
  const std::string pattern(phi.begin(), phi.end());
  const std::size_t last = bytes.rfind(pattern);  // Row 20 of the later task.
  ASSERT_NE(last, std::string::npos);
  bytes[last + 100] ^= 1;
  Write(path(), bytes);
  auto store = Value(SqliteStore::Open(path()));
  const auto count = [&](TaskId task) {
    return store->ScanAt(task, 30, [](const Example&) { return Status::Ok(); });
  };
  EXPECT_OK(count(good));
  const Status status = count(bad);
  EXPECT_EQ(status.code(), Code::kDataLoss);
  EXPECT_NE(status.message().find("page " + std::to_string(last / kPageSize + 1)),
            std::string::npos)
      << status.message();
}

TEST(PageCheckTest, EveryFlippedBitAndTheWrongPlaceChangeTheDigest) {
  std::mt19937_64 random(5);
  std::vector<unsigned char> page(kPageSize);
  for (unsigned char& byte : page) byte = static_cast<unsigned char>(random());
  const std::uint64_t check = PageCheck(page, 9);
  for (std::size_t bit = 0; bit < 8 * (kPageSize - kPageCheckSize); ++bit) {
    page[bit / 8] ^= static_cast<unsigned char>(1 << bit % 8);
    ASSERT_NE(PageCheck(page, 9), check) << bit;
    page[bit / 8] ^= static_cast<unsigned char>(1 << bit % 8);
  }
  EXPECT_EQ(PageCheck(page, 9), check);
  EXPECT_NE(PageCheck(page, 10), check);
}

}  // namespace
}  // namespace ctt::store
