// The contract of store/store.h, run on every implementation listed at the end.
#include <algorithm>
#include <array>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/store/every_store.h"

namespace ctt::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST_P(StoreTest, AnEmptyStoreHoldsNothing) {
  EXPECT_THAT(Value(store().Tasks()), IsEmpty());
  EXPECT_EQ(Value(store().Meta("encoder_id")), std::nullopt);
  EXPECT_FALSE(Value(store().FindIdempotent("k")).has_value());
  EXPECT_OK(store().Verify());
}

TEST_P(StoreTest, ATaskIsMadeRenamedSetAndDeleted) {
  const Task task = MakeTask("intents");
  EXPECT_EQ(task.name, "intents");
  {
    auto transaction = Begin();
    ASSERT_OK(transaction->RenameTask(task.id, "banking"));
    ASSERT_OK(transaction->SetTaskSettings(task.id, R"({"keep_text":false})"));
    ASSERT_OK(transaction->Commit());
  }
  Reopen();
  const std::vector<Task> tasks = Value(store().Tasks());
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].id, task.id);
  EXPECT_EQ(tasks[0].name, "banking");
  EXPECT_EQ(tasks[0].settings, R"({"keep_text":false})");
  EXPECT_EQ(tasks[0].created_us, 5);
  {
    auto transaction = Begin();
    ASSERT_OK(transaction->DeleteTask(task.id));
    ASSERT_OK(transaction->Commit());
  }
  EXPECT_THAT(Value(store().Tasks()), IsEmpty());
  EXPECT_GT(MakeTask("banking").id, task.id) << "an id is given once";
}

TEST_P(StoreTest, ATakenTaskNameIsRefusedAndTheTransactionGoesOn) {
  MakeTask("a");
  const Task b = MakeTask("b");
  auto transaction = Begin();
  const Status made = transaction->CreateTask("a", "{}", 0).status();
  EXPECT_EQ(made.code(), Code::kAlreadyExists);
  EXPECT_EQ(made.reason(), "task_exists");
  EXPECT_EQ(transaction->RenameTask(b.id, "a").reason(), "task_exists");
  ASSERT_TRUE(transaction->CreateTask("c", "{}", 0).ok());
  ASSERT_OK(transaction->Commit());
  EXPECT_EQ(Value(store().Tasks()).size(), 3u);
}

TEST_P(StoreTest, ATaskThatDoesNotExistIsNotFound) {
  auto transaction = Begin();
  EXPECT_EQ(transaction->RenameTask(7, "x").reason(), "task_not_found");
  EXPECT_EQ(transaction->SetTaskSettings(7, "x").reason(), "task_not_found");
  EXPECT_EQ(transaction->DeleteTask(7).reason(), "task_not_found");
  EXPECT_EQ(transaction->InternLabel(7, "x").status().reason(), "task_not_found");
  EXPECT_EQ(transaction->LastSeq(7).status().reason(), "task_not_found");
  EXPECT_EQ(transaction->AppendExamples(7, {}).reason(), "task_not_found");
  EXPECT_EQ(transaction->PutVersion(7, {.number = 1}).reason(), "task_not_found");
  EXPECT_EQ(transaction->PutCheckpoint(7, {}).reason(), "task_not_found");
  EXPECT_EQ(transaction->SetAlias(7, "live", 1).reason(), "task_not_found");
  EXPECT_EQ(store().LastSeq(7).status().reason(), "task_not_found");
  EXPECT_EQ(store().CountLiving(7).status().reason(), "task_not_found");
  EXPECT_THAT(Value(store().Labels(7)), IsEmpty());
  EXPECT_THAT(SetAt(7, 100), IsEmpty());
}

TEST_P(StoreTest, ALabelNameHasOneIdPerTask) {
  const TaskId a = MakeTask("a").id;
  const TaskId b = MakeTask("b").id;
  const LabelId yes = MakeLabel(a, "yes");
  const LabelId no = MakeLabel(a, "no");
  EXPECT_NE(yes, no);
  EXPECT_EQ(MakeLabel(a, "yes"), yes);
  EXPECT_NE(MakeLabel(b, "yes"), yes);
  const std::vector<Label> labels = Value(store().Labels(a));
  ASSERT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels[0].id, yes);
  EXPECT_EQ(labels[0].name, "yes");
  EXPECT_EQ(labels[1].name, "no");
}

TEST_P(StoreTest, LabelsKeepTheNamesThatTheyHadAtEachWatermark) {
  const TaskId task = MakeTask("t").id;
  const LabelId a = MakeLabel(task, "a"), b = MakeLabel(task, "b");
  ASSERT_OK(Append(task, {Row(1, a, "x"), Row(2, b, "y")}));
  const auto rename = [&](std::vector<LabelId> labels, std::string_view name, Seq seq) {
    auto transaction = Begin();
    CTT_RETURN_IF_ERROR(transaction->RenameLabels(task, labels, name, seq));
    return transaction->Commit();
  };
  const auto names_at = [&](Seq watermark) {
    std::vector<std::string> names;
    for (const Label& label : Value(store().LabelsAt(task, watermark))) names.push_back(label.name);
    return names;
  };
  ASSERT_OK(rename({a}, "c", 3));
  ASSERT_OK(rename({a}, "b", 4)) << "two labels may share a name";
  ASSERT_OK(rename({a, b}, "a", 5));
  Reopen();
  EXPECT_EQ(Value(store().LastSeq(task)), 5);
  EXPECT_THAT(names_at(2), ElementsAre("a", "b"));
  EXPECT_THAT(names_at(3), ElementsAre("c", "b"));
  EXPECT_THAT(names_at(4), ElementsAre("b", "b"));
  EXPECT_THAT(names_at(5), ElementsAre("a", "a"));
  EXPECT_EQ(MakeLabel(task, "a"), a) << "the first of that name";
  EXPECT_EQ(Value(store().Labels(task)).size(), 2u);
  const LabelId fresh = MakeLabel(task, "b");
  EXPECT_NE(fresh, b) << "a name that was given away is free";
  EXPECT_EQ(rename({a}, "d", 5).code(), Code::kInvalidArgument) << "seq 5 is taken";
  EXPECT_EQ(rename({a}, "", 6).code(), Code::kInvalidArgument);
  EXPECT_EQ(rename({fresh + 1}, "d", 6).code(), Code::kInvalidArgument);
  EXPECT_OK(store().Verify());
  auto transaction = Begin();
  ASSERT_OK(transaction->DeleteTask(task));
  ASSERT_OK(transaction->Commit());
  EXPECT_OK(store().Verify());
}

TEST_P(StoreTest, ExamplesComeBackByteForByte) {
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  Example plain = Row(1, label, "one");
  plain.target = std::string("M\0\xff", 3);
  Example bare = Row(2, label, std::string("id with \0 zero", 14));
  bare.text.reset();
  bare.source.clear();
  Example odd = Row(3, label, "\xff\xfe invalid UTF-8");
  odd.text = std::string("\0\xc3(", 3) + std::string(30'000, 'x');
  Example empty = Row(4, label, "empty text");
  empty.text = "";
  ASSERT_OK(Append(task, {plain, bare, odd, empty}));
  Reopen();
  for (const Example& want : {plain, bare, odd, empty}) {
    const std::optional<Example> got = Value(store().FindExample(task, want.id));
    ASSERT_TRUE(got) << want.id;
    ExpectSame(*got, want);
  }
  EXPECT_FALSE(Value(store().FindExample(task, "two")));
  EXPECT_EQ(Value(store().LastSeq(task)), 4);
  EXPECT_EQ(Value(store().CountLiving(task)), 4);
}

TEST_P(StoreTest, AScanShowsPhiAndTextAReplayPhiAlone) {
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  Example row = Row(1, label, "one"), silent = Row(2, label, "two");
  silent.text.reset();
  silent.target = "R";
  ASSERT_OK(Append(task, {row, silent}));
  std::vector<Example> scanned, replayed;
  ASSERT_OK(store().ScanAt(task, 2, [&](const Example& got) {
    scanned.push_back(got);
    return Status::Ok();
  }));
  ASSERT_OK(store().ReplaySince(task, 0, 2, [&](const Example& got, int) {
    replayed.push_back(got);
    return Status::Ok();
  }));
  ASSERT_EQ(scanned.size(), 2u);
  ExpectSame(scanned[0], row);
  ExpectSame(scanned[1], silent);
  ASSERT_EQ(replayed.size(), 2u);
  row.text.reset();
  ExpectSame(replayed[0], row);
}

TEST_P(StoreTest, AppendRefusesWhatWouldBreakTheLog) {
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  const LabelId foreign = MakeLabel(MakeTask("b").id, "l");
  const auto code = [&](const Example& row) { return Append(task, {row}).code(); };
  EXPECT_EQ(code(Row(2, label, "gap")), Code::kInvalidArgument);
  EXPECT_EQ(code(Row(0, label, "before")), Code::kInvalidArgument);
  EXPECT_EQ(code(Row(1, label, "")), Code::kInvalidArgument);
  EXPECT_EQ(code(Row(1, foreign, "foreign label")), Code::kInvalidArgument);
  Example dead = Row(1, label, "dead");
  dead.deleted_seq = 2;
  EXPECT_EQ(code(dead), Code::kInvalidArgument);
  Example hollow = Row(1, label, "hollow");
  hollow.phi.clear();
  EXPECT_EQ(code(hollow), Code::kInvalidArgument);
  EXPECT_EQ(Value(store().LastSeq(task)), 0);
}

TEST_P(StoreTest, ALivingIdIsTakenAndNothingOfItsTransactionStays) {
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  ASSERT_OK(Append(task, {Row(1, label, "x")}));
  {
    auto transaction = Begin();
    const Status status =
        transaction->AppendExamples(task, std::vector{Row(2, label, "new"), Row(3, label, "x")});
    EXPECT_EQ(status.reason(), "example_exists");
    EXPECT_EQ(transaction->Commit().reason(), "example_exists") << "half of it must not stay";
  }
  EXPECT_EQ(Value(store().LastSeq(task)), 1);
  EXPECT_FALSE(Value(store().FindExample(task, "new")));
  ASSERT_OK(Unlearn(task, {1}, 2));
  EXPECT_OK(Append(task, {Row(3, label, "x")})) << "unlearned: the id is free again";
}

TEST_P(StoreTest, UnlearningTakesLivingRowsOnly) {
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  ASSERT_OK(Append(task, {Row(1, label, "x"), Row(2, label, "y")}));
  EXPECT_EQ(Unlearn(task, {3}, 3).code(), Code::kNotFound);
  EXPECT_EQ(Unlearn(task, {1}, 4).code(), Code::kInvalidArgument) << "a gap";
  EXPECT_EQ(Unlearn(task, {}, 3).code(), Code::kInvalidArgument);
  EXPECT_EQ(Unlearn(task, {1, 1}, 3).code(), Code::kNotFound) << "twice in one call";
  EXPECT_EQ(Value(store().CountLiving(task)), 2);
  ASSERT_OK(Unlearn(task, {1}, 3));
  EXPECT_EQ(Unlearn(task, {1}, 4).code(), Code::kNotFound) << "twice";
  EXPECT_EQ(Value(store().CountLiving(task)), 1);
  EXPECT_EQ(Value(store().LastSeq(task)), 3);
  EXPECT_FALSE(Value(store().FindExample(task, "x")));
}

TEST_P(StoreTest, SetsAtWatermarksFollowTheLog) {
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  ASSERT_OK(Append(task, {Row(1, label, "a"), Row(2, label, "b"), Row(3, label, "c")}));
  ASSERT_OK(Unlearn(task, {1, 3}, 4));
  ASSERT_OK(Append(task, {Row(5, label, "c")}));
  ASSERT_OK(Unlearn(task, {5}, 6));
  EXPECT_THAT(SetAt(task, 0), IsEmpty());
  EXPECT_THAT(SetAt(task, 2), ElementsAre(1, 2));
  EXPECT_THAT(SetAt(task, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(SetAt(task, 4), ElementsAre(2));
  EXPECT_THAT(SetAt(task, 5), ElementsAre(2, 5));
  EXPECT_THAT(SetAt(task, 6), ElementsAre(2));
  EXPECT_THAT(SetAt(task, 1'000), ElementsAre(2));
  EXPECT_THAT(Replay(task, 0, 4), ElementsAre(Pair(2, +1)));
  EXPECT_THAT(Replay(task, 3, 5), ElementsAre(Pair(5, +1), Pair(1, -1), Pair(3, -1)));
  EXPECT_THAT(Replay(task, 4, 6), IsEmpty()) << "came and went in between";
  EXPECT_THAT(Replay(task, 5, 3), ElementsAre(Pair(5, -1), Pair(1, +1), Pair(3, +1))) << "back";
}

// Every pair of watermarks of a random history against a plain list of rows; long enough to need
// several steps of a scan.
TEST_P(StoreTest, RandomHistoriesAgreeWithAPlainTwin) {
  std::mt19937_64 random(20);
  for (const int batch_max : {3, 1500}) {
    const TaskId task = MakeTask("t" + std::to_string(batch_max)).id;
    const LabelId label = MakeLabel(task, "l");
    std::vector<Example> twin;
    Seq last = 0;
    for (int write = 0; write < 12; ++write) {
      std::vector<Seq> living;
      for (const Example& row : twin) {
        if (row.deleted_seq == 0 && random() % 3 == 0) living.push_back(row.seq);
      }
      if (random() % 3 == 0 && !living.empty()) {
        ASSERT_OK(Unlearn(task, living, ++last));
        for (Example& row : twin) {
          if (std::count(living.begin(), living.end(), row.seq) > 0) row.deleted_seq = last;
        }
        continue;
      }
      std::vector<Example> rows(1 + random() % batch_max);
      for (Example& row : rows) {
        ++last;
        row = Row(last, label, "id" + std::to_string(last));
      }
      ASSERT_OK(Append(task, rows));
      twin.insert(twin.end(), rows.begin(), rows.end());
    }
    const auto in_set = [](const Example& row, Seq at) {
      return row.seq <= at && (row.deleted_seq == 0 || row.deleted_seq > at);
    };
    for (int trial = 0; trial < 20; ++trial) {
      const auto from = static_cast<Seq>(random() % (last + 2));
      const auto to = static_cast<Seq>(random() % (last + 2));
      std::vector<Seq> want;
      std::map<Seq, int> want_steps;
      for (const Example& row : twin) {
        if (in_set(row, to)) want.push_back(row.seq);
        const int change = in_set(row, to) - in_set(row, from);
        if (change != 0) want_steps[row.seq] = change;
      }
      EXPECT_EQ(SetAt(task, to), want);
      const auto steps = Replay(task, from, to);
      EXPECT_EQ((std::map<Seq, int>(steps.begin(), steps.end())), want_steps);
      EXPECT_EQ(steps.size(), want_steps.size()) << "no row twice";
    }
    EXPECT_EQ(Value(store().LastSeq(task)), last);
  }
  EXPECT_OK(store().Verify());
}

// More rows unlearned at once, and at two moments, than one step of a replay holds.
TEST_P(StoreTest, ALongUnlearningIsReplayedWhole) {
  constexpr Seq kCount = 5'000;
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  std::vector<Example> rows;
  std::vector<Seq> early;
  std::vector<Seq> late;
  for (Seq seq = 1; seq <= kCount; ++seq) {
    rows.push_back(Row(seq, label, std::to_string(seq)));
    (seq % 2 == 0 ? early : late).push_back(seq);
  }
  ASSERT_OK(Append(task, rows));
  ASSERT_OK(Unlearn(task, early, kCount + 1));
  ASSERT_OK(Unlearn(task, late, kCount + 2));
  std::vector<std::pair<Seq, int>> want;
  for (const Seq seq : early) want.emplace_back(seq, -1);
  for (const Seq seq : late) want.emplace_back(seq, -1);
  EXPECT_EQ(Replay(task, kCount, kCount + 2), want);
}

TEST_P(StoreTest, TasksAreApart) {
  const TaskId a = MakeTask("a").id;
  const TaskId b = MakeTask("b").id;
  const LabelId in_a = MakeLabel(a, "l");
  const LabelId in_b = MakeLabel(b, "l");
  ASSERT_OK(Append(a, {Row(1, in_a, "x"), Row(2, in_a, "y")}));
  ASSERT_OK(Append(b, {Row(1, in_b, "x")}));
  ASSERT_OK(Unlearn(b, {1}, 2));
  EXPECT_THAT(SetAt(a, 9), ElementsAre(1, 2));
  EXPECT_THAT(SetAt(b, 9), IsEmpty());
  EXPECT_THAT(Replay(a, 1, 9), ElementsAre(Pair(2, +1)));
  auto transaction = Begin();
  ASSERT_OK(transaction->DeleteTask(b));
  ASSERT_OK(transaction->Commit());
  EXPECT_THAT(SetAt(a, 9), ElementsAre(1, 2));
  EXPECT_OK(store().Verify());
}

TEST_P(StoreTest, AVisitEndsAScanWithItsError) {
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  ASSERT_OK(Append(task, {Row(1, label, "x"), Row(2, label, "y")}));
  int visits = 0;
  const Status stop(Code::kCancelled, "enough");
  EXPECT_EQ(store().ScanAt(task, 2, [&](const Example&) { return ++visits, stop; }).code(),
            Code::kCancelled);
  EXPECT_EQ(
      store().ReplaySince(task, 0, 2, [&](const Example&, int) { return ++visits, stop; }).code(),
      Code::kCancelled);
  EXPECT_EQ(visits, 2);
}

TEST_P(StoreTest, PagesShowTheLivingInOrderWithText) {
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  std::vector<Example> rows;
  for (Seq seq = 1; seq <= 6; ++seq) rows.push_back(Row(seq, label, "id" + std::to_string(seq)));
  ASSERT_OK(Append(task, rows));
  ASSERT_OK(Unlearn(task, {2}, 7));
  std::vector<Seq> seqs;
  std::vector<std::size_t> sizes;
  Seq after = 0;
  do {
    const ExamplePage page = Value(store().PageExamples(task, after, 2));
    sizes.push_back(page.examples.size());
    for (const Example& row : page.examples) {
      seqs.push_back(row.seq);
      EXPECT_THAT(row.phi, IsEmpty());
      EXPECT_EQ(row.text, "text of " + std::to_string(row.seq));
    }
    after = page.next_after;
  } while (after != 0);
  EXPECT_THAT(seqs, ElementsAre(1, 3, 4, 5, 6));
  EXPECT_THAT(sizes, ElementsAre(2u, 2u, 1u));
  EXPECT_EQ(Value(store().PageExamples(task, 0, 5)).next_after, 0) << "exactly the last page";
  EXPECT_EQ(store().PageExamples(task, 0, 0).status().code(), Code::kInvalidArgument);
}

TEST_P(StoreTest, CountsByLabelSeeTheLivingOnly) {
  const TaskId task = MakeTask("a").id;
  const LabelId yes = MakeLabel(task, "yes");
  const LabelId no = MakeLabel(task, "no");
  const TaskId other = MakeTask("b").id;
  ASSERT_OK(Append(task, {Row(1, yes, "a"), Row(2, no, "b"), Row(3, yes, "c")}));
  ASSERT_OK(Append(other, {Row(1, MakeLabel(other, "yes"), "a")}));
  ASSERT_OK(Unlearn(task, {2}, 4));
  EXPECT_THAT(Value(store().CountByLabel(task)), ElementsAre(Pair(yes, 2)));
}

TEST_P(StoreTest, FindLivingKeepsTheOrderOfTheIds) {
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  const Example x = Row(1, label, "x");
  ASSERT_OK(Append(task, {x, Row(2, label, "y"), Row(3, label, "z")}));
  ASSERT_OK(Unlearn(task, {2}, 4));
  auto transaction = Begin();
  ASSERT_OK(transaction->AppendExamples(task, std::vector{Row(5, label, "uncommitted")}));
  const std::vector<std::string> ids = {"z", "y", "none", "uncommitted", "x"};
  const std::vector<Example> found = Value(transaction->FindLiving(task, ids));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].id, "z");
  EXPECT_EQ(found[1].id, "uncommitted");
  ExpectSame(found[2], x);
}

TEST_P(StoreTest, VersionsAndAliasesComeBack) {
  const TaskId task = MakeTask("a").id;
  ASSERT_OK(Append(task, {Row(1, MakeLabel(task, "l"), "x")}));
  const Version first = {.number = 1,
                         .watermark = 1,
                         .settled = true,
                         .settings = std::string("binary\0settings", 15),
                         .head_digest = "ab",
                         .has_artifact = true,
                         .examples = 1,
                         .report = "{}",
                         .created_us = 9};
  {
    auto transaction = Begin();
    EXPECT_EQ(transaction->PutVersion(task, {.number = 2}).code(), Code::kInvalidArgument);
    EXPECT_EQ(transaction->PutVersion(task, {.number = 1, .watermark = 2}).code(),
              Code::kInvalidArgument);
    ASSERT_OK(transaction->PutVersion(task, first));
    ASSERT_OK(transaction->PutVersion(task, {.number = 2, .watermark = 1, .settings = "s"}));
    EXPECT_EQ(transaction->PutVersion(task, first).code(), Code::kInvalidArgument);
    EXPECT_EQ(transaction->SetAlias(task, "live", 3).reason(), "version_not_found");
    ASSERT_OK(transaction->SetAlias(task, "live", 1));
    ASSERT_OK(transaction->SetAlias(task, "previous", 1));
    ASSERT_OK(transaction->SetAlias(task, "live", 2));
    ASSERT_OK(transaction->Commit());
  }
  Reopen();
  const std::optional<Version> found = Value(store().FindVersion(task, 1));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->number, 1);
  EXPECT_EQ(found->watermark, 1);
  EXPECT_TRUE(found->settled);
  EXPECT_EQ(found->settings, first.settings);
  EXPECT_EQ(found->head_digest, "ab");
  EXPECT_TRUE(found->has_artifact);
  EXPECT_EQ(found->examples, 1);
  EXPECT_EQ(found->report, "{}");
  EXPECT_EQ(found->created_us, 9);
  EXPECT_FALSE(Value(store().FindVersion(task, 3)));
  EXPECT_EQ(Value(store().LatestVersion(task))->number, 2);
  EXPECT_FALSE(Value(store().LatestVersion(task))->settled);
  EXPECT_EQ(Value(store().Versions(task)).size(), 2u);
  EXPECT_EQ(Value(store().Alias(task, "live")), 2);
  EXPECT_EQ(Value(store().Alias(task, "previous")), 1);
  EXPECT_EQ(Value(store().Alias(task, "canary")), std::nullopt);
  const TaskId other = MakeTask("b").id;
  EXPECT_FALSE(Value(store().LatestVersion(other)));
  auto transaction = Begin();
  ASSERT_OK(transaction->DeleteTask(task));
  ASSERT_OK(transaction->Commit());
  EXPECT_THAT(Value(store().Versions(task)), IsEmpty());
  EXPECT_EQ(Value(store().Alias(task, "live")), std::nullopt);
}

TEST_P(StoreTest, TheNewestCheckpointCounts) {
  const TaskId task = MakeTask("a").id;
  ASSERT_OK(Append(task, {Row(1, MakeLabel(task, "l"), "x")}));
  EXPECT_FALSE(Value(store().LatestCheckpoint(task)));
  for (const char digit : {'a', 'b'}) {
    auto transaction = Begin();
    EXPECT_EQ(transaction->PutCheckpoint(task, {2, std::string(64, digit)}).code(),
              Code::kInvalidArgument)
        << "past the log";
    ASSERT_OK(transaction->PutCheckpoint(task, {digit == 'a' ? 0 : 1, std::string(64, digit)}));
    ASSERT_OK(transaction->Commit());
  }
  const std::optional<Checkpoint> checkpoint = Value(store().LatestCheckpoint(task));
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->watermark, 1);
  EXPECT_EQ(checkpoint->digest, std::string(64, 'b'));
}

TEST_P(StoreTest, AnIdempotencyKeyIsRememberedOnce) {
  auto transaction = Begin();
  ASSERT_OK(transaction->PutIdempotent("k", "digest", "answer", 1));
  EXPECT_EQ(transaction->PutIdempotent("k", "other", "other", 2).code(), Code::kAlreadyExists);
  ASSERT_OK(transaction->Commit());
  transaction.reset();  // Ends before its store.
  Reopen();
  const std::optional<IdempotentAnswer> found = Value(store().FindIdempotent("k"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->request_digest, "digest");
  EXPECT_EQ(found->answer, "answer");
  EXPECT_EQ(found->created_us, 1);
}

TEST_P(StoreTest, IdempotencyKeysAreForgottenWithTime) {
  auto transaction = Begin();
  ASSERT_OK(transaction->PutIdempotent("old", "digest", "answer", 1));
  ASSERT_OK(transaction->PutIdempotent("young", "digest", "answer", 2));
  ASSERT_OK(transaction->PutIdempotent("new", "digest", "answer", 1 + kIdempotentKeptMicros));
  EXPECT_OK(transaction->PutIdempotent("old", "other", "other", 1 + kIdempotentKeptMicros));
  EXPECT_EQ(transaction->PutIdempotent("young", "other", "other", 1 + kIdempotentKeptMicros).code(),
            Code::kAlreadyExists);
  ASSERT_OK(transaction->Commit());
  EXPECT_EQ(Value(store().FindIdempotent("old"))->request_digest, "other");
  EXPECT_EQ(Value(store().FindIdempotent("young"))->created_us, 2);
}

TEST_P(StoreTest, MetaIsOverwritten) {
  for (const char* value : {"one", "two"}) {
    auto transaction = Begin();
    ASSERT_OK(transaction->SetMeta("encoder_id", value));
    ASSERT_OK(transaction->Commit());
  }
  EXPECT_EQ(Value(store().Meta("encoder_id")), "two");
}

TEST_P(StoreTest, WithoutCommitNothingHappened) {
  const TaskId task = MakeTask("a").id;
  const LabelId label = MakeLabel(task, "l");
  {
    auto transaction = Begin();
    ASSERT_OK(transaction->AppendExamples(task, std::vector{Row(1, label, "x")}));
    ASSERT_TRUE(transaction->CreateTask("b", "{}", 0).ok());
    EXPECT_EQ(Value(store().LastSeq(task)), 0) << "readers see committed data only";
  }
  EXPECT_EQ(Value(store().LastSeq(task)), 0);
  EXPECT_EQ(Value(store().Tasks()).size(), 1u);
  EXPECT_OK(Append(task, {Row(1, label, "x")}));
}

TEST_P(StoreTest, ACommittedTransactionIsOver) {
  const TaskId task = MakeTask("a").id;
  auto transaction = Begin();
  ASSERT_OK(transaction->Commit());
  EXPECT_EQ(transaction->Commit().code(), Code::kFailedPrecondition);
  EXPECT_EQ(transaction->SetTaskSettings(task, "late").code(), Code::kFailedPrecondition);
  EXPECT_OK(Begin()->Commit()) << "the next need not wait until the object goes";
  EXPECT_EQ(Value(store().Tasks())[0].settings, "{}");
}

TEST_P(StoreTest, AKeyIsKeptAndReplacedByItsId) {
  EXPECT_THAT(Value(store().ApiKeys()), IsEmpty());
  ApiKey key{"k1", std::string(64, 'a'), "name", R"(["learn"])", R"(["t:*"])", 1, 2, 3, 0, 4, 5, 6};
  {
    auto transaction = Begin();
    EXPECT_OK(transaction->PutApiKey(key));
    EXPECT_OK(transaction->PutApiKey({.id = "k0", .digest = std::string(64, 'b')}));
    EXPECT_FALSE(transaction->PutApiKey({.digest = std::string(64, 'c')}).ok());
    EXPECT_OK(transaction->Commit());
  }
  {
    auto transaction = Begin();
    key.revoked_us = 9;
    EXPECT_OK(transaction->PutApiKey(key));
    EXPECT_OK(transaction->Commit());
  }
  Reopen();
  const std::vector<ApiKey> keys = Value(store().ApiKeys());
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].id, "k0");
  EXPECT_EQ(keys[1].name, "name");
  EXPECT_EQ(keys[1].scopes, R"(["learn"])");
  EXPECT_EQ(keys[1].tasks, R"(["t:*"])");
  EXPECT_EQ(
      (std::array{keys[1].requests_per_second, keys[1].requests_per_day, keys[1].created_us,
                  keys[1].revoked_us, keys[1].last_used_us, keys[1].day, keys[1].day_requests}),
      (std::array<std::int64_t, 7>{1, 2, 3, 9, 4, 5, 6}));
}

TEST_P(StoreTest, TheAuditLogKeepsTheOrderOfItsCommits) {
  for (int i = 1; i <= 3; ++i) {
    auto transaction = Begin();
    EXPECT_OK(transaction->AppendAudit({0, i, "who", "request", "learn", "task", 7, "", "after"}));
    if (i == 2) continue;  // Rolled back.
    EXPECT_OK(transaction->Commit());
  }
  Reopen();
  const std::vector<AuditEntry> all = Value(store().Audit(0, 10));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].time_us, 1);
  EXPECT_EQ(all[1].time_us, 3);
  EXPECT_LT(all[0].seq, all[1].seq);
  EXPECT_EQ(all[1].who + all[1].request + all[1].action + all[1].subject, "whorequestlearntask");
  EXPECT_EQ(all[1].rows, 7);
  EXPECT_EQ(all[1].digest_before, "");
  EXPECT_EQ(all[1].digest_after, "after");
  EXPECT_EQ(Value(store().Audit(0, 1)).size(), 1u);
  EXPECT_EQ(Value(store().Audit(all[0].seq, 10)).at(0).seq, all[1].seq);
}

INSTANTIATE_TEST_SUITE_P(All, StoreTest, testing::ValuesIn(Implementations()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace ctt::store
