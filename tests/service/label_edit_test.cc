// Label edits: what is served after them equals what a directory serves that learned the edited
// set.
#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "learn/solve.h"
#include "tests/service/learner_house.h"

namespace ctt::service {
namespace {

using Kind = LabelEdit::Kind;

class LabelEditTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/ctt_labels_XXXXXX";
    root_ = ::mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::filesystem::path Folder(const std::string& name) const { return root_ / name; }

  // The digest of a directory's head that learned `labels` (id -> label; features by the id's first
  // label) in one call and settled.
  std::string FreshDigest(const std::map<std::string, std::string>& labels) {
    LearnerHouse fresh(Folder("fresh" + std::to_string(++fresh_)));
    std::vector<EncodedRow> rows;
    for (const auto& [id, label] : labels) rows.push_back(RowOf(id, label));
    EXPECT_TRUE(fresh.Learn("t", rows).ok());
    EXPECT_TRUE(fresh.Settle("t").ok());
    return fresh.Digest("t");
  }
  // Features are those of the label that the id was made for, whatever it is called now.
  static EncodedRow RowOf(const std::string& id, const std::string& label) {
    EncodedRow row = MakeRow(id, id.substr(0, 1));
    row.row.label = label;
    return row;
  }
  // Ids a0, b1, c2, a3 ...: the letter is the label.
  static std::map<std::string, std::string> Start(int count) {
    std::map<std::string, std::string> labels;
    for (int i = 0; i < count; ++i) {
      const std::string label(1, static_cast<char>('a' + i % 3));
      labels[label + std::to_string(i)] = label;
    }
    return labels;
  }
  static std::vector<EncodedRow> RowsOf(const std::map<std::string, std::string>& labels) {
    std::vector<EncodedRow> rows;
    for (const auto& [id, label] : labels) rows.push_back(RowOf(id, label));
    return rows;
  }

 private:
  std::filesystem::path root_;
  int fresh_ = 0;
};

TEST_F(LabelEditTest, ARenameChangesNoScoreAndStaysSettled) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", RowsOf(Start(60))).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  const EncodedRow row = RowOf("a0", "a");
  const auto before = house.Served("t");
  ASSERT_TRUE(house.Edit("t", {Kind::kRename, "a", "z", {}}).ok());
  const auto after = house.Served("t");
  EXPECT_EQ(after->version, before->version + 1);
  EXPECT_TRUE(after->settled);
  const learn::Prediction was = before->head->Predict(row.phi);
  const learn::Prediction is = after->head->Predict(row.phi);
  for (std::size_t i = 0; i < was.ranked.size(); ++i) {
    EXPECT_EQ(is.ranked[i].probability, was.ranked[i].probability);
    const std::string& name = before->head->labels()[was.ranked[i].label];
    EXPECT_EQ(after->head->labels()[is.ranked[i].label], name == "a" ? "z" : name);
  }
  EXPECT_EQ(is.scope_score, was.scope_score);
  EXPECT_EQ(after->label_counts, (LabelCounts{{"b", 20}, {"c", 20}, {"z", 20}}));
  const std::string digest = house.Digest("t");
  house.Reopen();
  EXPECT_EQ(house.Digest("t"), digest);
  EXPECT_EQ(house.Served("t")->label_counts, after->label_counts);
  ASSERT_TRUE(house.Publish("t", before->version).ok());
  EXPECT_EQ(house.Served("t")->head->labels()[0], "a") << "history keeps the old name";
}

TEST_F(LabelEditTest, ARenameOfAnUnsettledTaskIsSolvedTheSameAgain) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", RowsOf(Start(30))).ok());
  const std::string first = house.Digest("t");
  ASSERT_TRUE(house.Edit("t", {Kind::kRename, "b", "m", {}}).ok());
  EXPECT_FALSE(house.Served("t")->settled);
  const std::string digest = house.Digest("t");
  house.Reopen();  // Neither version has an artefact: both are solved from the log.
  EXPECT_EQ(house.Digest("t"), digest);
  ASSERT_TRUE(house.Publish("t", 1).ok());
  EXPECT_EQ(house.Digest("t"), first);
}

// Labels of equal sums stand in the order of their rows, and those of equal rows in that of their
// names: a rename may move the latter only.
TEST_F(LabelEditTest, LabelsOfEqualSumsKeepTheirPlaces) {
  std::map<std::string, std::string> labels = Start(30);
  std::vector<EncodedRow> rows = RowsOf(labels);
  for (const auto& [label, at] : std::map<std::string, int>{{"p", 3}, {"q", 5}, {"same", 5}}) {
    for (const int value : {-20, 20}) {
      EncodedRow row = MakeRow(label + std::to_string(value), label);
      row.phi.assign(kTestDim, 10);
      row.phi[static_cast<std::size_t>(at)] = static_cast<std::int8_t>(10 + value);
      rows.push_back(row);
    }
  }
  for (const auto& [from, to] :
       std::map<std::string, std::string>{{"p", "r"}, {"q", "o"}, {"same", "k"}, {"a", "z"}}) {
    SCOPED_TRACE(from);
    LearnerHouse house(Folder("d" + from));
    ASSERT_TRUE(house.Learn("t", rows).ok());
    ASSERT_TRUE(house.Settle("t").ok());
    ASSERT_TRUE(house.Edit("t", {Kind::kRename, from, to, {}}).ok());
    std::vector<EncodedRow> renamed = rows;
    for (EncodedRow& row : renamed)
      if (row.row.label == from) row.row.label = to;
    LearnerHouse fresh(Folder("fresh" + from));
    ASSERT_TRUE(fresh.Learn("t", renamed).ok());
    ASSERT_TRUE(fresh.Settle("t").ok());
    EXPECT_EQ(house.Digest("t"), fresh.Digest("t"));
  }
}

TEST_F(LabelEditTest, EveryEditIsRefusedWhereItMakesNoSense) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", RowsOf(Start(30))).ok());
  const std::string digest = house.Digest("t");
  const auto reason = [&](LabelEdit edit) -> std::string {
    return std::string(house.Edit("t", std::move(edit)).reason());
  };
  EXPECT_EQ(reason({Kind::kRename, "nope", "z", {}}), "label_not_found");
  EXPECT_EQ(reason({Kind::kRename, "a", "b", {}}), "label_exists");
  EXPECT_EQ(reason({Kind::kRename, "a", "a", {}}), "same_label");
  EXPECT_EQ(reason({Kind::kMerge, "a", "nope", {}}), "label_not_found");
  EXPECT_EQ(reason({Kind::kMerge, "a", "a", {}}), "same_label");
  EXPECT_EQ(reason({Kind::kSplit, "a", "z", {"a0", "b1"}}), "example_not_found");
  EXPECT_EQ(reason({Kind::kSplit, "a", "z", {"a0", "unknown"}}), "example_not_found");
  EXPECT_EQ(reason({Kind::kDelete, "nope", "", {}}), "label_not_found");
  EXPECT_EQ(house.Edit("u", {Kind::kDelete, "a", "", {}}).reason(), "task_not_found");
  EXPECT_EQ(house.Digest("t"), digest);
  EXPECT_EQ(house.Served("t")->version, 1);
}

TEST_F(LabelEditTest, DeletingTheLastLabelServesNothing) {
  LearnerHouse house(Folder("d"));
  ASSERT_TRUE(house.Learn("t", {MakeRow("x", "a"), MakeRow("y", "a")}).ok());
  ASSERT_TRUE(house.Edit("t", {Kind::kDelete, "a", "", {}}).ok());
  EXPECT_EQ(house.Served("t")->head, nullptr);
  house.Reopen();
  EXPECT_EQ(house.Served("t")->head, nullptr);
  ASSERT_TRUE(house.Learn("t", {MakeRow("x", "a")}).ok());
  EXPECT_EQ(house.Served("t")->examples, 1);
}

// Random edits, lessons, settling and restarts: the settled head is that of the set alone, and
// every version of the way can be served again with the digest that it was published with.
TEST_F(LabelEditTest, RandomEditsEqualLearningTheEditedSet) {
  for (const unsigned seed : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u}) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    LearnerHouse house(Folder("d" + std::to_string(seed)));
    std::map<std::string, std::string> labels = Start(24);
    ASSERT_TRUE(house.Learn("t", RowsOf(labels)).ok());
    std::map<std::int64_t, std::string> published;
    const auto any_label = [&] {
      return std::next(labels.begin(), static_cast<int>(random() % labels.size()))->second;
    };
    for (int step = 0; step < 12; ++step) {
      const std::string from = any_label(), to = any_label();
      const std::string fresh = "n" + std::to_string(random() % 6);
      const auto held = [&](const std::string& label) {
        return std::any_of(labels.begin(), labels.end(),
                           [&](const auto& row) { return row.second == label; });
      };
      switch (random() % 7) {
        case 0: {
          if (held(fresh)) break;
          ASSERT_TRUE(house.Edit("t", {Kind::kRename, from, fresh, {}}).ok());
          for (auto& [id, label] : labels)
            if (label == from) label = fresh;
          break;
        }
        case 1: {
          if (from == to) break;
          ASSERT_TRUE(house.Edit("t", {Kind::kMerge, from, to, {}}).ok());
          for (auto& [id, label] : labels)
            if (label == from) label = to;
          break;
        }
        case 2: {
          if (from == fresh) break;
          std::vector<std::string> ids;
          for (auto& [id, label] : labels) {
            if (label != from || (!ids.empty() && random() % 2 == 0)) continue;
            ids.push_back(id);
            label = fresh;
          }
          ASSERT_TRUE(house.Edit("t", {Kind::kSplit, from, fresh, ids}).ok());
          break;
        }
        case 3: {
          if (std::all_of(labels.begin(), labels.end(),
                          [&](const auto& row) { return row.second == from; }))
            break;
          ASSERT_TRUE(house.Edit("t", {Kind::kDelete, from, "", {}}).ok());
          std::erase_if(labels, [&](const auto& row) { return row.second == from; });
          break;
        }
        case 4: {
          std::map<std::string, std::string> more;
          for (int i = 0; i < 4; ++i)
            more["b" + std::to_string(random() % 100)] = random() % 2 == 0 ? fresh : to;
          ASSERT_TRUE(house.Learn("t", RowsOf(more)).ok());
          for (const auto& [id, label] : more) labels[id] = label;
          break;
        }
        case 5:
          ASSERT_TRUE(house.Settle("t").ok());
          break;
        default:
          house.Reopen();
          break;
      }
      published[house.Served("t")->version] = house.Digest("t");
    }
    ASSERT_TRUE(house.Settle("t").ok());
    EXPECT_EQ(house.Digest("t"), FreshDigest(labels));
    EXPECT_TRUE(house.data().store().Verify().ok());
    LabelCounts counts;
    for (const auto& [id, label] : labels) ++counts[label];
    EXPECT_EQ(house.Served("t")->label_counts, counts);
    house.Reopen();
    for (const auto& [version, digest] : published) {
      ASSERT_TRUE(house.Publish("t", version).ok()) << version;
      EXPECT_EQ(house.Digest("t"), digest) << version;
    }
  }
}

}  // namespace
}  // namespace ctt::service
