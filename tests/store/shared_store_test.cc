// What several writers of one store rely on: marks, locks, turns; on every implementation.
#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/store/every_store.h"

namespace ctt::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class SharedStoreTest : public StoreTest {};

TEST_P(SharedStoreTest, AMarkTellsWhereATaskStands) {
  EXPECT_THAT(Value(store().Marks()), IsEmpty());
  EXPECT_FALSE(Value(store().Mark("a")));
  const Task task = MakeTask("a");
  MakeTask("b");
  const auto mark = [&] { return *Value(store().Mark("a")); };
  EXPECT_EQ(mark().task.id, task.id);
  EXPECT_EQ(mark().task.name, "a");
  EXPECT_EQ(mark().task.settings, "{}");
  EXPECT_EQ(mark().task.created_us, 5);
  EXPECT_EQ(mark().last_seq, 0);
  EXPECT_EQ(mark().last_version, 0);
  EXPECT_THAT(mark().aliases, IsEmpty());
  ASSERT_OK(Append(task.id, {Row(1, MakeLabel(task.id, "l"), "x")}));
  auto transaction = Begin();
  ASSERT_OK(transaction->PutVersion(task.id, {.number = 1, .watermark = 1, .settings = "s"}));
  ASSERT_OK(transaction->PutVersion(task.id, {.number = 2, .watermark = 1, .settings = "s"}));
  ASSERT_OK(transaction->SetAlias(task.id, "live", 2));
  ASSERT_OK(transaction->SetAlias(task.id, "previous", 1));
  EXPECT_EQ(mark().last_version, 0) << "committed data only";
  ASSERT_OK(transaction->Commit());
  EXPECT_EQ(mark().last_seq, 1);
  EXPECT_EQ(mark().last_version, 2);
  EXPECT_THAT(mark().aliases, ElementsAre(Pair("live", 2), Pair("previous", 1)));
  const std::vector<TaskMark> marks = Value(store().Marks());
  ASSERT_EQ(marks.size(), 2u);
  EXPECT_EQ(marks[0].aliases.size(), 2u);
  EXPECT_EQ(marks[1].task.name, "b");
  EXPECT_THAT(marks[1].aliases, IsEmpty());
}

// Two transactions lock crossing sets of names again and again; a third locks everything.
TEST_P(SharedStoreTest, LockedNamesAreWrittenInTurn) {
  constexpr int kTurns = 40;
  std::atomic<int> inside_a = 0, inside_any = 0;
  std::vector<std::jthread> threads;
  for (const bool backwards : {false, true}) {
    threads.emplace_back([&, backwards] {
      for (int turn = 0; turn < kTurns; ++turn) {
        auto transaction = Begin();
        std::vector<std::string> names = {"a", "b", "a"};
        if (backwards) names = {"b", "c", "a"};
        EXPECT_OK(transaction->Lock(names));
        EXPECT_EQ(++inside_a, 1);
        ++inside_any;
        std::this_thread::yield();
        --inside_any;
        --inside_a;
        EXPECT_OK(transaction->Commit());
      }
    });
  }
  threads.emplace_back([&] {
    for (int turn = 0; turn < kTurns; ++turn) {
      auto transaction = Begin();
      EXPECT_OK(transaction->LockAll());
      EXPECT_EQ(inside_any, 0);
      EXPECT_OK(transaction->Commit());
    }
  });
}

// Four writers and four readers: every write takes the next seq, every reader sees whole
// transactions (each writes a pair).
TEST_P(SharedStoreTest, ThreadsWriteInTurnAndReadWholeTransactions) {
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  constexpr int kWriters = 4;
  constexpr int kPairs = 25;
  std::atomic<int> writing = kWriters;
  std::vector<std::jthread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&] {
      for (int pair = 0; pair < kPairs; ++pair) {
        auto transaction = Begin();
        EXPECT_OK(transaction->Lock(std::vector<std::string>{"a"}));
        const Seq last = Value(transaction->LastSeq(task));
        EXPECT_OK(transaction->AppendExamples(
            task, std::vector{Row(last + 1, label, "id" + std::to_string(last + 1)),
                              Row(last + 2, label, "id" + std::to_string(last + 2))}));
        EXPECT_OK(transaction->Commit());
      }
      --writing;
    });
    threads.emplace_back([&] {
      Seq seen = 0;
      while (writing > 0) {
        const auto count = static_cast<Seq>(SetAt(task, 1'000'000).size());
        EXPECT_EQ(count % 2, 0);
        EXPECT_GE(count, seen);
        seen = count;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(Value(store().LastSeq(task)), 2 * kWriters * kPairs);
  EXPECT_OK(store().Verify());
}

INSTANTIATE_TEST_SUITE_P(All, SharedStoreTest, testing::ValuesIn(Implementations()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ctt::store
