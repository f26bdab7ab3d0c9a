#include "service/learner.h"

#include <fstream>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "tests/service/learner_house.h"
#include "text/ngrams.h"

namespace ctt::service {
namespace {

class LearnerTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/ctt_learner_XXXXXX";
    root_ = ::mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::filesystem::path Folder(const std::string& name) const { return root_ / name; }

  std::filesystem::path root_;
};

std::vector<EncodedRow> Rows(int first, int last) {
  std::vector<EncodedRow> rows;
  for (int i = first; i < last; ++i)
    rows.push_back(MakeRow("e" + std::to_string(i), i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "c"));
  return rows;
}

TEST_F(LearnerTest, ALessonIsServedWhenItIsAnswered) {
  LearnerHouse house(Folder("d"));
  const auto answer = house.Learn("t", Rows(0, 30));
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_TRUE(answer->created);
  EXPECT_EQ(answer->accepted, 30);
  EXPECT_EQ(answer->classes, 3);
  EXPECT_EQ(answer->head_version, 1);
  const auto served = house.Served("t");
  EXPECT_EQ(served->version, 1);
  EXPECT_EQ(served->head->example_count(), 30);
  const EncodedRow row = MakeRow("e3", "a");
  const learn::Prediction prediction = served->head->Predict(row.phi);
  EXPECT_EQ(served->head->labels()[prediction.ranked[0].label], "a");
}

TEST_F(LearnerTest, HistoryLeavesNoTraceInSettledHeads) {
  LearnerHouse straight(Folder("straight"));
  ASSERT_TRUE(straight.Learn("t", Rows(0, 60)).ok());
  ASSERT_TRUE(straight.Settle("t").ok());

  LearnerHouse detour(Folder("detour"));
  ASSERT_TRUE(detour.Learn("t", Rows(90, 95)).ok());
  ASSERT_TRUE(detour.Learn("t", Rows(30, 60)).ok());
  ASSERT_TRUE(detour.Settle("t").ok());
  detour.Reopen();
  ASSERT_TRUE(detour.Learn("t", Rows(0, 40)).ok());  // Ten of them are held: unchanged.
  ASSERT_TRUE(detour.Unlearn("t", {"e90", "e91", "e92", "e93", "e94"}).ok());
  ASSERT_TRUE(detour.Settle("t").ok());
  EXPECT_TRUE(detour.Served("t")->settled);
  EXPECT_EQ(detour.Digest("t"), straight.Digest("t"));
}

// Labels that begin alike get features that tell nothing: the words decide.
std::vector<EncodedRow> WordRows(int first, int last) {
  std::vector<EncodedRow> rows;
  for (int i = first; i < last; ++i) {
    rows.push_back(MakeRow("w" + std::to_string(i), i % 2 == 0 ? "x-even" : "x-odd"));
    rows.back().row.text =
        std::string(i % 2 == 0 ? "Jambo" : "kwaheri") + " rafiki " + std::to_string(i / 2);
  }
  return rows;
}

TEST_F(LearnerTest, WordsAnswerWhereFeaturesCannot) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", WordRows(0, 160)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  house.Reopen();
  const auto served = house.Served("t");
  ASSERT_TRUE(served->head->weighs_words());
  ASSERT_NE(served->rates, nullptr);
  EXPECT_LT(served->rates->SetQuantile(served->head->settings().kind, 0.1), 1);
  const EncodedRow unseen = MakeRow("u", "x-odd");
  const auto answer = [&](const char* text) {
    const auto ranked = served->head->Predict(unseen.phi, text::HashedNGrams(text)).ranked;
    return served->head->labels()[ranked[0].label];
  };
  EXPECT_EQ(answer("JAMBO sana"), "x-even");
  EXPECT_EQ(answer("Kwaheri!"), "x-odd");
}

TEST_F(LearnerTest, HistoryLeavesNoTraceInHeadsOfWords) {
  LearnerHouse straight(Folder("straight"));
  ASSERT_TRUE(straight.Learn("t", WordRows(0, 140)).ok());
  ASSERT_TRUE(straight.Settle("t").ok());
  LearnerHouse detour(Folder("detour"));
  ASSERT_TRUE(detour.Learn("t", WordRows(70, 144)).ok());
  ASSERT_TRUE(detour.Settle("t").ok());
  detour.Reopen();
  ASSERT_TRUE(detour.Learn("t", WordRows(0, 70)).ok());
  ASSERT_TRUE(detour.Settle("t").ok());
  ASSERT_TRUE(detour.Unlearn("t", {"w140", "w141", "w142", "w143"}).ok());
  EXPECT_FALSE(detour.Served("t")->head->weighs_words());  // Until it settles, the sums answer.
  ASSERT_TRUE(detour.Settle("t").ok());
  EXPECT_TRUE(detour.Served("t")->head->weighs_words());
  EXPECT_EQ(detour.Digest("t"), straight.Digest("t"));
}

TEST_F(LearnerTest, ARowWithoutItsTextLeavesTheWordsOut) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", WordRows(0, 4)).ok());
  const store::TaskId task = house.Served("t")->id;
  EXPECT_EQ(RowsAt(house.data().store(), task, 4)->ngrams.size(), 4u);
  const auto transaction = house.data().store().Begin();
  ASSERT_TRUE(transaction.ok());
  const EncodedRow row = MakeRow("silent", "x-odd");
  const auto label = (*transaction)->InternLabel(task, "x-odd");
  ASSERT_TRUE(label.ok());
  const store::Example silent = {5, 0, "silent", std::nullopt, row.phi, *label, "", 1};
  ASSERT_TRUE((*transaction)->AppendExamples(task, {&silent, 1}).ok());
  ASSERT_TRUE((*transaction)->Commit().ok());
  const auto rows = RowsAt(house.data().store(), task, 5);
  EXPECT_EQ(rows->size(), 5);
  EXPECT_TRUE(rows->ngrams.empty());
}

TEST_F(LearnerTest, AnotherTaskChangesNothing) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  const std::string before = house.Digest("t");
  ASSERT_TRUE(house.Learn("other", Rows(30, 60)).ok());
  ASSERT_TRUE(house.Settle("other").ok());
  EXPECT_EQ(house.Digest("t"), before);
  EXPECT_EQ(house.Served("t")->version, 1);
}

TEST_F(LearnerTest, RestartServesTheSameBits) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("unsettled", Rows(0, 30)).ok());
  ASSERT_TRUE(house.Learn("settled", Rows(0, 30)).ok());
  ASSERT_TRUE(house.Settle("settled").ok());
  ASSERT_TRUE(house.Learn("on_top", Rows(0, 30)).ok());
  ASSERT_TRUE(house.Settle("on_top").ok());
  ASSERT_TRUE(house.Learn("on_top", Rows(30, 40)).ok());
  std::map<std::string, std::string> before;
  for (const auto& task : house.catalog().List()) before[task->name] = house.Digest(task->name);
  house.Reopen();
  for (const auto& [task, digest] : before) EXPECT_EQ(house.Digest(task), digest) << task;
  EXPECT_EQ(house.Served("settled")->label_counts.at("a"), 10);
}

TEST_F(LearnerTest, RestartsLeaveNoTraceInUnsettledHeads) {
  LearnerHouse detour(Folder("detour"));
  for (int first = 0; first < 60; first += 10) {
    ASSERT_TRUE(detour.Learn("t", Rows(first, first + 10)).ok());
    detour.Reopen();
  }
  LearnerHouse straight(Folder("straight"));
  ASSERT_TRUE(straight.Learn("t", Rows(0, 60)).ok());
  EXPECT_EQ(detour.Digest("t"), straight.Digest("t"));
}

TEST_F(LearnerTest, SettlingOvertakenByALessonKeepsTheLesson) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  const auto snapshot = Wait<Learner::Snapshot>([&](Done<Learner::Snapshot> done) {
    house.learner().TakeSnapshot(house.Served("t")->id, std::move(done));
  });
  ASSERT_TRUE(snapshot.ok());
  const auto rows = RowsAt(house.data().store(), snapshot->id, snapshot->watermark);
  ASSERT_TRUE(rows.ok());
  auto settled = learn::Settle(*snapshot->statistics, *rows, {}, nullptr);
  ASSERT_TRUE(settled.ok());
  ASSERT_TRUE(house.Learn("t", Rows(30, 40)).ok());
  const auto published = Wait<bool>([&](Done<bool> done) {
    house.learner().Adopt(snapshot->id, snapshot->watermark, *std::move(settled), std::move(done));
  });
  ASSERT_TRUE(published.ok());
  EXPECT_FALSE(*published);
  EXPECT_EQ(house.Served("t")->head->example_count(), 40);
  const std::string digest = house.Digest("t");
  house.Reopen();
  EXPECT_EQ(house.Digest("t"), digest);
}

TEST_F(LearnerTest, AnIdThatLivesIsReplacedOrLeftAlone) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  std::vector<EncodedRow> rows = {MakeRow("e0", "a"), MakeRow("e1", "a")};  // e1 was "b".
  const auto answer = house.Learn("t", rows);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->states, (std::vector{RowState::kUnchanged, RowState::kReplaced}));
  EXPECT_EQ(answer->accepted, 1);
  EXPECT_EQ(answer->examples, 30);
  EXPECT_EQ(house.Served("t")->label_counts.at("a"), 11);
}

TEST_F(LearnerTest, UnlearningTheLastExampleServesNothing) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", {MakeRow("x", "a")}).ok());
  const auto receipt = house.Unlearn("t", {"x", "unknown"});
  ASSERT_TRUE(receipt.ok());
  EXPECT_EQ(receipt->ids, std::vector<std::string>{"x"});
  EXPECT_EQ(receipt->missing, std::vector<std::string>{"unknown"});
  EXPECT_NE(receipt->statistics_before, receipt->statistics_after);
  EXPECT_EQ(receipt->head_version, 0);
  EXPECT_EQ(house.Served("t")->head, nullptr);
  house.Reopen();
  EXPECT_EQ(house.Served("t")->head, nullptr);
  EXPECT_EQ(house.Unlearn("t", {"x"}).status().reason(), "example_not_found");
}

TEST_F(LearnerTest, AnIdempotencyKeyLearnsOnce) {
  LearnerHouse house(Folder("d"));
  LearnOptions options;
  options.idempotency_key = "k1";
  std::vector<EncodedRow> rows = {MakeRow("x", "a"), MakeRow("y", "b")};
  for (EncodedRow& row : rows) row.row.id.clear();
  const auto first = house.Learn("t", rows, options);
  house.Reopen();
  const auto again = house.Learn("t", rows, options);
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(again->ids, first->ids);
  EXPECT_EQ(again->head_version, first->head_version);
  EXPECT_EQ(house.Served("t")->examples, 2);
  rows.pop_back();
  EXPECT_EQ(house.Learn("t", rows, options).status().reason(), "idempotency_key_reused");
}

TEST_F(LearnerTest, AnIdempotencyKeyLastsADay) {
  LearnerHouse house(Folder("d"));
  LearnOptions options;
  options.idempotency_key = "k1";
  std::vector<EncodedRow> rows = {MakeRow("x", "a")};
  rows[0].row.id.clear();
  const auto first = house.Learn("t", rows, options);
  house.Pass(store::kIdempotentKeptMicros - 60'000'000);
  EXPECT_EQ(house.Learn("t", rows, options)->ids, first->ids);  // A repeat.
  house.Pass(60'000'000);
  EXPECT_NE(house.Learn("t", rows, options)->ids, first->ids);  // A lesson of its own.
  EXPECT_EQ(house.Served("t")->examples, 2);
  EXPECT_EQ(house.Learn("t", {MakeRow("y", "b")}, options).status().reason(),
            "idempotency_key_reused");
}

TEST_F(LearnerTest, RollBackServesTheEarlierBitsUntilTheNextLesson) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  const std::string first = house.Digest("t");
  ASSERT_TRUE(house.Learn("t", Rows(30, 60)).ok());
  ASSERT_TRUE(house.Publish("t", 1).ok());
  EXPECT_EQ(house.Digest("t"), first);
  ASSERT_TRUE(house.Settle("t").ok());
  EXPECT_EQ(house.Digest("t"), first) << "settling must not undo a roll-back";
  house.Reopen();
  EXPECT_EQ(house.Digest("t"), first);
  ASSERT_TRUE(house.Learn("t", Rows(60, 61)).ok());
  EXPECT_EQ(house.Served("t")->head->example_count(), 61);
  EXPECT_EQ(house.Publish("t", 99).reason(), "version_not_found");
}

TEST_F(LearnerTest, TasksAreRenamedAndDeleted) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  const std::string digest = house.Digest("t");
  ASSERT_TRUE(house.Rename("t", "u").ok());
  EXPECT_FALSE(house.catalog().Find("t").ok());
  EXPECT_EQ(house.Digest("u"), digest);
  ASSERT_TRUE(house.Learn("t", Rows(0, 3)).ok());
  EXPECT_EQ(house.Rename("t", "u").reason(), "task_exists");
  ASSERT_TRUE(house.Delete("u").ok());
  house.Reopen();
  EXPECT_EQ(house.catalog().List().size(), 1u);
  EXPECT_EQ(house.Delete("u").reason(), "task_not_found");
}

TEST_F(LearnerTest, AnotherRateNeedsNoLearningAndSurvivesARestart) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", Rows(0, 60)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  const std::string digest = house.Digest("t");
  TaskChange change;
  change.out_of_scope_rate = 0.2;
  change.groups = {"b", "a", "b"};
  ASSERT_TRUE(house.Change("t", change).ok());
  EXPECT_EQ(house.Digest("t"), digest);
  const std::vector<std::string> groups = {"a", "b"};
  const auto rates = house.Served("t")->rates;
  ASSERT_NE(rates, nullptr);
  EXPECT_FALSE(rates->scope_thresholds.empty());
  house.Reopen();
  const auto served = house.Served("t");
  EXPECT_EQ(served->settings.out_of_scope_rate, 0.2);
  EXPECT_EQ(served->settings.groups, groups);
  EXPECT_EQ(*served->rates, *rates);
  // A lesson on top takes the choices of the settled version, and its rates with them.
  ASSERT_TRUE(house.Learn("t", Rows(60, 63)).ok());
  EXPECT_EQ(*house.Served("t")->rates, *rates);
  house.Reopen();
  EXPECT_EQ(*house.Served("t")->rates, *rates);
  EXPECT_EQ(house.Served("t")->settings.out_of_scope_rate, 0.2);
}

TEST_F(LearnerTest, AnotherPriorIsServedAtOnceAndSettledLikeOneChosenFirst) {
  std::vector<EncodedRow> rows = Rows(0, 60);
  rows.resize(50);
  rows.erase(rows.begin(), rows.begin() + 9);  // Labels of different sizes.
  for (EncodedRow& row : rows)
    if (row.row.id == "e10" || row.row.id == "e13") row = MakeRow(row.row.id + "x", "a");
  TaskChange uniform;
  uniform.prior = learn::Prior::kUniform;
  LearnerHouse after(Folder("after"));
  ASSERT_TRUE(after.Learn("t", rows).ok());
  ASSERT_TRUE(after.Settle("t").ok());
  const std::string empirical = after.Digest("t");
  ASSERT_TRUE(after.Change("t", uniform).ok());
  EXPECT_NE(after.Digest("t"), empirical);
  EXPECT_EQ(after.Served("t")->head->settings().prior, learn::Prior::kUniform);
  EXPECT_FALSE(after.Served("t")->settled);
  after.Reopen();
  ASSERT_TRUE(after.Settle("t").ok());

  LearnerHouse before(Folder("before"));
  ASSERT_TRUE(before.Learn("t", {rows.begin(), rows.begin() + 1}).ok());
  ASSERT_TRUE(before.Change("t", uniform).ok());
  ASSERT_TRUE(before.Learn("t", rows).ok());
  ASSERT_TRUE(before.Settle("t").ok());
  EXPECT_EQ(before.Digest("t"), after.Digest("t"));
}

TEST_F(LearnerTest, SettlingOvertakenByAnotherPriorIsDoneAgain) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  const auto snapshot = Wait<Learner::Snapshot>([&](Done<Learner::Snapshot> done) {
    house.learner().TakeSnapshot(house.Served("t")->id, std::move(done));
  });
  const auto rows = RowsAt(house.data().store(), snapshot->id, snapshot->watermark);
  auto settled = learn::Settle(*snapshot->statistics, *rows, {}, nullptr);
  TaskChange uniform;
  uniform.prior = learn::Prior::kUniform;
  ASSERT_TRUE(house.Change("t", uniform).ok());
  const auto published = Wait<bool>([&](Done<bool> done) {
    house.learner().Adopt(snapshot->id, snapshot->watermark, *std::move(settled), std::move(done));
  });
  ASSERT_TRUE(published.ok());
  EXPECT_FALSE(*published);
  EXPECT_EQ(house.Served("t")->head->settings().prior, learn::Prior::kUniform);
}

TEST_F(LearnerTest, AChangeIsWholeOrNone) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  ASSERT_TRUE(house.Learn("u", Rows(0, 30)).ok());
  TaskChange change;
  change.name = "u";
  change.out_of_scope_rate = 0.3;
  EXPECT_EQ(house.Change("t", change).code(), Code::kAlreadyExists);
  EXPECT_EQ(house.Served("t")->settings.out_of_scope_rate, 0.05);
}

TEST_F(LearnerTest, ADamagedArtefactIsSolvedAgainFromTheLog) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", Rows(0, 60)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  const std::string digest = house.Digest("t");
  house.Close();
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(Folder("d") / "artifacts")) {
    if (!entry.is_regular_file()) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.put('\x55');
  }
  house.Open();
  EXPECT_EQ(house.Digest("t"), digest);
}

TEST_F(LearnerTest, ATaskWhoseHeadIsLostToAnOlderReleaseIsSolvedAnew) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", Rows(0, 60)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  const std::string digest = house.Digest("t");
  const auto served = house.Served("t");
  {  // As if an older release had settled the same rows to other bits, and they were gone.
    store::Store& log = house.data().store();
    auto version = log.FindVersion(served->id, served->version);
    ASSERT_TRUE(version.ok() && *version);
    (*version)->number += 1;
    (*version)->head_digest = std::string(64, 'a');
    auto transaction = log.Begin();
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE((*transaction)->PutVersion(served->id, **version).ok());
    for (const std::string_view alias : {kLiveAlias, kSettledAlias})
      ASSERT_TRUE((*transaction)->SetAlias(served->id, alias, (*version)->number).ok());
    ASSERT_TRUE((*transaction)->Commit().ok());
  }
  house.Reopen();
  // A command of its own, after which the one that solves anew has been applied.
  ASSERT_TRUE(house.Learn("other", Rows(0, 10)).ok());
  ASSERT_TRUE(house.catalog().Find("t").ok());
  EXPECT_EQ(house.Served("t")->version, served->version + 2);
  EXPECT_EQ(house.Served("t")->examples, 60);
  ASSERT_TRUE(house.Settle("t").ok());
  EXPECT_EQ(house.Digest("t"), digest);
}

// Rows that fill a page each, so that a page is of one task.
std::vector<EncodedRow> LongRows(const std::string& name) {
  std::vector<EncodedRow> rows;
  for (int i = 0; i < 20; ++i) {
    rows.push_back(MakeRow(name + std::to_string(i), i % 2 == 0 ? "a" : "b"));
    rows.back().row.text += std::string(2'500, '.');
  }
  return rows;
}

TEST_F(LearnerTest, ADamagedPageIsNamedAndTheOtherTasksGoOn) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("good", LongRows("good")).ok());
  ASSERT_TRUE(house.Learn("bad", LongRows("bad")).ok());
  const std::string digest = house.Digest("good");
  house.Close();
  {
    std::fstream file(Folder("d") / "ctt.sqlite", std::ios::in | std::ios::out | std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    const std::size_t at = bytes.find("text of bad7.");
    ASSERT_NE(at, std::string::npos);
    file.seekp(static_cast<std::streamoff>(at));
    file.put('T');
  }
  house.Open();
  const auto names_the_page = [](const Status& status) {
    return status.code() == Code::kDataLoss && status.message().find("page") != std::string::npos;
  };
  EXPECT_TRUE(names_the_page(house.catalog().Find("bad").status()));
  EXPECT_EQ(house.Digest("good"), digest);
  // Whichever commands share a commit.
  std::vector<std::future<Result<LearnAnswer>>> answers;
  for (int i = 0; i < 6; ++i) {
    auto promise = std::make_shared<std::promise<Result<LearnAnswer>>>();
    answers.push_back(promise->get_future());
    house.learner().Learn(i % 2 == 0 ? "bad" : "good", Rows(i, i + 1), {},
                          [promise](Result<LearnAnswer> answer) { promise->set_value(answer); });
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto answer = answers[i].get();
    if (i % 2 == 0) {
      EXPECT_TRUE(names_the_page(answer.status())) << answer.status().ToString();
    } else {
      EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    }
  }
  EXPECT_EQ(house.Served("good")->examples, 23);
}

TEST_F(LearnerTest, ManyWritersLoseNothing) {
  LearnerHouse house(Folder("d"));
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&house, w] {
      for (int i = 0; i < 25; ++i) {
        const auto answer =
            house.Learn(i % 2 == 0 ? "even" : "odd", Rows(100 * w + i, 100 * w + i + 1));
        EXPECT_TRUE(answer.ok()) << answer.status().ToString();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(house.Served("even")->examples, 52);
  EXPECT_EQ(house.Served("odd")->examples, 48);
  EXPECT_EQ(house.Served("even")->head->example_count(), 52);
}

TEST_F(LearnerTest, TooManyLabelsAreRefusedWithoutATrace) {
  LearnerHouse house(Folder("d"));
  std::vector<EncodedRow> rows;
  for (int i = 0; i < 101; ++i)
    rows.push_back(MakeRow("e" + std::to_string(i), "l" + std::to_string(i)));
  EXPECT_EQ(house.Learn("t", rows).status().reason(), "too_many_labels");
  EXPECT_FALSE(house.catalog().Find("t").ok());
}

}  // namespace
}  // namespace ctt::service
