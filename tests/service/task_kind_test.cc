// Multi-label and regression tasks through the learner: whatever happened, what is served equals
// what a directory serves that learned the same set at once.
#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "tests/service/learner_house.h"

namespace ctt::service {
namespace {

using Kind = LabelEdit::Kind;
using Sets = std::map<std::string, std::vector<std::string>>;  // Id -> its labels.

// Features lean to each label of the set that the id was made with: "ab7" to a and b.
EncodedRow MultiRow(const std::string& id, std::vector<std::string> labels) {
  EncodedRow row = MakeRow(id, "z");
  for (const char c : id)
    if (c >= 'a' && c <= 'd') row.phi[static_cast<std::size_t>(c - 'a')] += 50;
  row.row.label.clear();
  row.row.labels = std::move(labels);
  return row;
}

EncodedRow NumberRow(const std::string& id, double number) {
  EncodedRow row = MakeRow(id, "z");
  row.phi[0] = static_cast<std::int8_t>(std::clamp(number * 10, -120.0, 120.0));
  row.row.label.clear();
  row.row.number = number;
  return row;
}

std::vector<EncodedRow> RowsOf(const Sets& sets) {
  std::vector<EncodedRow> rows;
  for (const auto& [id, labels] : sets) rows.push_back(MultiRow(id, labels));
  return rows;
}

// Ids a0, b1, ab2, 3 (of no label), a4 ...
Sets Start(int count) {
  Sets sets;
  const std::vector<std::string> cycle[] = {{"a"}, {"b"}, {"a", "b"}, {}, {"c"}};
  for (int i = 0; i < count; ++i) {
    const auto& labels = cycle[i % 5];
    std::string id;
    for (const std::string& label : labels) id += label;
    sets[id + std::to_string(i)] = labels;
  }
  return sets;
}

class TaskKindTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/ctt_kinds_XXXXXX";
    root_ = ::mkdtemp(pattern);
    house_ = std::make_unique<LearnerHouse>(root_ / "house");
  }
  void TearDown() override {
    house_.reset();
    std::filesystem::remove_all(root_);
  }
  LearnerHouse& house() { return *house_; }

  std::string FreshDigest(std::vector<EncodedRow> rows) {
    LearnerHouse fresh(root_ / ("fresh" + std::to_string(++fresh_)));
    EXPECT_TRUE(fresh.Learn("t", std::move(rows)).ok());
    EXPECT_TRUE(fresh.Settle("t").ok());
    return fresh.Digest("t");
  }
  void ExpectServes(const std::vector<EncodedRow>& rows) {
    const Status settled = house().Settle("t");
    ASSERT_TRUE(settled.ok()) << settled.ToString();
    const std::string digest = house().Digest("t");
    EXPECT_EQ(digest, FreshDigest(rows));
    const auto verified = house().Verify("t");
    ASSERT_TRUE(verified.ok()) << verified.status().ToString();
    EXPECT_TRUE(verified->ok());
    house().Reopen();
    EXPECT_EQ(house().Digest("t"), digest);
    EXPECT_EQ(std::ssize(rows), house().Served("t")->examples);
  }
  void Edit(LabelEdit edit) {
    const Status edited = house().Edit("t", std::move(edit));
    ASSERT_TRUE(edited.ok()) << edited.ToString();
  }

 private:
  std::filesystem::path root_;
  std::unique_ptr<LearnerHouse> house_;
  int fresh_ = 0;
};

TEST_F(TaskKindTest, MultiLabelDetoursLeaveNoTrace) {
  const Sets sets = Start(130);
  std::mt19937 random(7);
  for (const auto& [id, labels] : sets) {
    ASSERT_TRUE(house().Learn("t", {MultiRow(id, labels)}).ok());
    if (random() % 4 != 0) continue;
    ASSERT_TRUE(house().Learn("t", {MultiRow("detour", {"d", "a"})}).ok());
    if (random() % 2 == 0) house().Reopen();
    if (random() % 3 == 0) {
      ASSERT_TRUE(house().Settle("t").ok());
    }
    ASSERT_TRUE(house().Unlearn("t", {"detour"}).ok());
  }
  EXPECT_EQ(house().Served("t")->label_counts, (LabelCounts{{"a", 52}, {"b", 52}, {"c", 26}}));
  ExpectServes(RowsOf(sets));
}

TEST_F(TaskKindTest, NumberDetoursLeaveNoTrace) {
  std::vector<EncodedRow> rows;
  for (int i = 0; i < 120; ++i)
    rows.push_back(NumberRow("r" + std::to_string(i), i % 23 / 2.0 - 5));
  for (const EncodedRow& row : rows) {
    ASSERT_TRUE(house().Learn("t", {row}).ok());
    if (row.row.id.back() != '3') continue;
    ASSERT_TRUE(house().Learn("t", {NumberRow("detour", 1e9)}).ok());
    ASSERT_TRUE(house().Settle("t").ok());
    house().Reopen();
    ASSERT_TRUE(house().Unlearn("t", {"detour"}).ok());
  }
  ExpectServes(rows);
}

TEST_F(TaskKindTest, AnExampleLearnedAgainSaysTheLast) {
  ASSERT_TRUE(house().Learn("t", RowsOf(Start(40))).ok());
  auto answer = house().Learn("t", {MultiRow("a0", {"a"}), MultiRow("b1", {"c", "b"})});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->states, (std::vector{RowState::kUnchanged, RowState::kReplaced}));
  Sets sets = Start(40);
  sets["b1"] = {"b", "c"};
  ExpectServes(RowsOf(sets));
}

TEST_F(TaskKindTest, AMixOfKindsIsRefusedAndChangesNothing) {
  ASSERT_TRUE(house().Learn("t", RowsOf(Start(30))).ok());
  const std::string digest = house().Digest("t");
  for (const EncodedRow& other : {MakeRow("x", "a"), NumberRow("x", 1)}) {
    const auto refused = house().Learn("t", {other});
    EXPECT_EQ(refused.status().reason(), "other_kind");
    EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
  }
  EXPECT_EQ(house().Digest("t"), digest);
  ASSERT_TRUE(house().Learn("s", {MakeRow("x", "a")}).ok());
  EXPECT_EQ(house().Learn("s", {MultiRow("y", {"a"})}).status().reason(), "other_kind");
}

TEST_F(TaskKindTest, TheKindStaysWhenNothingIsLeft) {
  ASSERT_TRUE(house().Learn("t", {NumberRow("one", 2)}).ok());
  ASSERT_TRUE(house().Unlearn("t", {"one"}).ok());
  house().Reopen();
  EXPECT_TRUE(house().Verify("t")->ok());
  EXPECT_EQ(house().Learn("t", {MakeRow("x", "a")}).status().reason(), "other_kind");
  ASSERT_TRUE(house().Learn("t", {NumberRow("two", 3)}).ok());
  EXPECT_TRUE(house().Settle("t").ok());
}

TEST_F(TaskKindTest, EditsEqualLearningTheEditedSet) {
  Sets sets = Start(130);
  ASSERT_TRUE(house().Learn("t", RowsOf(sets)).ok());
  ASSERT_TRUE(house().Settle("t").ok());
  const auto apply = [&](const auto& change) {
    for (auto& [id, labels] : sets) {
      change(id, labels);
      std::sort(labels.begin(), labels.end());
      labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
    }
    ExpectServes(RowsOf(sets));
  };
  const auto replace = [](std::vector<std::string>& labels, const char* from, const char* to) {
    std::replace(labels.begin(), labels.end(), std::string(from), std::string(to));
  };
  Edit({Kind::kRename, "a", "zz", {}});
  apply([&](auto&, auto& labels) { replace(labels, "a", "zz"); });
  Edit({Kind::kSplit, "zz", "new", {"ab2", "a0"}});
  apply([&](auto& id, auto& labels) {
    if (id == "ab2" || id == "a0") replace(labels, "zz", "new");
  });
  Edit({Kind::kMerge, "b", "zz", {}});  // Some examples hold both.
  apply([&](auto&, auto& labels) { replace(labels, "b", "zz"); });
  Edit({Kind::kDelete, "c", {}, {}});  // Its examples stay.
  apply([&](auto&, auto& labels) { std::erase(labels, "c"); });
}

TEST_F(TaskKindTest, LessonsAfterARenameTakeTheLabelsOwnTemperature) {
  Sets sets = Start(130);
  ASSERT_TRUE(house().Learn("t", RowsOf(sets)).ok());
  ASSERT_TRUE(house().Settle("t").ok());
  const auto& before = house().Served("t")->head->settings().label_temperatures;
  ASSERT_TRUE(before.contains("a"));
  const double own = before.at("a");
  ASSERT_TRUE(house().Learn("t", {MultiRow("a900", {"a"})}).ok());  // Not settled any more.
  Edit({Kind::kRename, "a", "zz", {}});
  for (const bool reopened : {false, true}) {
    if (reopened) house().Reopen();
    ASSERT_TRUE(house().Learn("t", {MultiRow(reopened ? "a902" : "a901", {"zz"})}).ok());
    const auto& now = house().Served("t")->head->settings().label_temperatures;
    EXPECT_FALSE(now.contains("a"));
    ASSERT_TRUE(now.contains("zz"));
    EXPECT_EQ(now.at("zz"), own);
  }
  EXPECT_TRUE(house().Verify("t")->ok());
}

TEST_F(TaskKindTest, ARegressionTaskHasNoLabelsToEdit) {
  ASSERT_TRUE(house().Learn("t", {NumberRow("one", 2)}).ok());
  EXPECT_EQ(house().Edit("t", {Kind::kRename, "a", "b", {}}).reason(), "not_for_this_kind");
}

TEST_F(TaskKindTest, PurgeTakesWhatUnlearnedExamplesSaid) {
  ASSERT_TRUE(house().Learn("t", {NumberRow("one", 2), NumberRow("two", 7)}).ok());
  ASSERT_TRUE(house().Unlearn("t", {"two"}).ok());
  ASSERT_TRUE(house().Purge("t").ok());
  ExpectServes({NumberRow("one", 2)});
}

}  // namespace
}  // namespace ctt::service
