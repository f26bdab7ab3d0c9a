// Aliases, publishing by hand, the gate: which version serves, and what its report says.
#include <gtest/gtest.h>

#include "base/json.h"
#include "service/report.h"
#include "tests/service/learner_house.h"

namespace ctt::service {
namespace {

class AliasTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/ctt_alias_XXXXXX";
    root_ = ::mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::filesystem::path root_;
};

std::vector<EncodedRow> Rows(int first, int last) {
  std::vector<EncodedRow> rows;
  for (int i = first; i < last; ++i)
    rows.push_back(MakeRow("e" + std::to_string(i), i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "c"));
  return rows;
}

// Rows that say the opposite: features of one label under the name of the next.
std::vector<EncodedRow> WrongRows(int count) {
  std::vector<EncodedRow> rows = Rows(1000, 1000 + count);
  for (EncodedRow& row : rows) row.row.label = row.row.label == "a" ? "b" : "a";
  return rows;
}

AliasChange Point(const std::string& alias, std::int64_t version, double share = 0) {
  AliasChange change;
  change.alias = alias;
  change.version = version;
  change.share = share;
  return change;
}

store::Version LastVersion(LearnerHouse& house) {
  return **house.data().store().LatestVersion(house.Served("t")->id);
}

TEST_F(AliasTest, RollBackInOneCallAndForthAgain) {
  LearnerHouse house(root_ / "d");
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  ASSERT_TRUE(house.Learn("t", Rows(30, 60)).ok());
  EXPECT_EQ(house.Served("t")->previous, 1);
  AliasChange back;
  back.version_alias = "previous";
  ASSERT_TRUE(house.SetAlias("t", back).ok());
  EXPECT_EQ(house.Served("t")->version, 1);
  EXPECT_EQ(house.Served("t")->previous, 2);
  house.Reopen();
  EXPECT_EQ(house.Served("t")->version, 1);
  EXPECT_EQ(house.Served("t")->previous, 2);
  ASSERT_TRUE(house.SetAlias("t", back).ok());
  EXPECT_EQ(house.Served("t")->version, 2);
}

TEST_F(AliasTest, AnAliasMovesOnlyFromWhereItIsThoughtToBe) {
  LearnerHouse house(root_ / "d");
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  ASSERT_TRUE(house.Learn("t", Rows(30, 60)).ok());
  AliasChange change = Point("live", 1);
  change.must_be_at = 1;
  EXPECT_EQ(house.SetAlias("t", change).reason(), "alias_moved");
  EXPECT_EQ(house.Served("t")->version, 2);
  change.must_be_at = 2;
  EXPECT_TRUE(house.SetAlias("t", change).ok());
  change = Point("shadow", 2);
  change.must_be_at = 0;
  EXPECT_TRUE(house.SetAlias("t", change).ok());
  EXPECT_EQ(house.SetAlias("t", change).reason(), "alias_moved");
}

TEST_F(AliasTest, CanaryAndShadowStayBesideTheLiveVersionAcrossLessonsAndRestarts) {
  LearnerHouse house(root_ / "d");
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  const std::string first = house.Digest("t");
  ASSERT_TRUE(house.SetAlias("t", Point("canary", 1, 0.25)).ok());
  ASSERT_TRUE(house.SetAlias("t", Point("shadow", 1)).ok());
  ASSERT_TRUE(house.Learn("t", Rows(30, 60)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  house.Reopen();
  const auto served = house.Served("t");
  EXPECT_EQ(served->canary.number, 1);
  EXPECT_EQ(served->settings.canary_share, 0.25);
  EXPECT_EQ(ToHex(served->canary.head->ContentDigest()), first);
  EXPECT_EQ(ToHex(served->shadow.head->ContentDigest()), first);
  EXPECT_EQ(served->head->example_count(), 60);
  ASSERT_TRUE(house.RemoveAlias("t", "canary").ok());
  ASSERT_TRUE(house.RemoveAlias("t", "shadow").ok());
  house.Reopen();
  EXPECT_EQ(house.Served("t")->canary.head, nullptr);
  EXPECT_EQ(house.Served("t")->shadow.head, nullptr);
}

TEST_F(AliasTest, WhatMakesNoSenseIsRefused) {
  LearnerHouse house(root_ / "d");
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  EXPECT_EQ(house.SetAlias("t", Point("lve", 1)).reason(), "alias_not_found");
  EXPECT_EQ(house.SetAlias("t", Point("previous", 1)).reason(), "alias_read_only");
  EXPECT_EQ(house.SetAlias("t", Point("canary", 1)).reason(), "bad_share");
  EXPECT_EQ(house.SetAlias("t", Point("canary", 1, 1.5)).reason(), "bad_share");
  EXPECT_EQ(house.SetAlias("t", Point("live", 1, 0.5)).reason(), "bad_share");
  EXPECT_EQ(house.SetAlias("t", Point("live", 9)).reason(), "version_not_found");
  AliasChange back;
  back.version_alias = "previous";
  EXPECT_EQ(house.SetAlias("t", back).reason(), "version_not_found");
  EXPECT_EQ(house.RemoveAlias("t", "live").reason(), "alias_read_only");
}

TEST_F(AliasTest, WithoutAutoPublishALessonIsACandidate) {
  LearnerHouse house(root_ / "d");
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  const std::string first = house.Digest("t");
  ASSERT_TRUE(house.SetPublishing("t", {false, std::nullopt}).ok());
  const auto lesson = house.Learn("t", Rows(30, 60));
  ASSERT_TRUE(lesson.ok());
  EXPECT_EQ(lesson->head_version, 2);
  ASSERT_TRUE(house.Settle("t").ok());
  house.Reopen();
  EXPECT_EQ(house.Digest("t"), first);
  EXPECT_EQ(house.Served("t")->version, 1);
  EXPECT_EQ(house.Served("t")->examples, 60);
  EXPECT_TRUE(house.Served("t")->settled);
  EXPECT_FALSE(house.Served("t")->settings.auto_publish);
  ASSERT_TRUE(house.Publish("t", 3).ok());
  EXPECT_EQ(house.Served("t")->head->example_count(), 60);
  ASSERT_TRUE(house.SetPublishing("t", {true, std::nullopt}).ok());
  ASSERT_TRUE(house.Learn("t", Rows(60, 63)).ok());
  EXPECT_EQ(house.Served("t")->head->example_count(), 63);
}

TEST_F(AliasTest, UnlearningTheLastExampleServesNothingWhateverThePublishing) {
  LearnerHouse house(root_ / "d");
  ASSERT_TRUE(house.Learn("t", {MakeRow("x", "a")}).ok());
  ASSERT_TRUE(house.SetPublishing("t", {false, std::nullopt}).ok());
  ASSERT_TRUE(house.Unlearn("t", {"x"}).ok());
  EXPECT_EQ(house.Served("t")->head, nullptr);
  house.Reopen();
  EXPECT_EQ(house.Served("t")->head, nullptr);
}

TEST_F(AliasTest, TheGateKeepsAWorseVersionFromBeingServed) {
  LearnerHouse house(root_ / "d");
  ASSERT_TRUE(house.Learn("t", Rows(0, 90)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  ASSERT_TRUE(house.SetPublishing("t", {true, 0.02}).ok());
  const std::string good = house.Digest("t");
  ASSERT_TRUE(house.Learn("t", WrongRows(60)).ok());
  EXPECT_EQ(house.Digest("t"), good) << "a lesson waits until its accuracy is known";
  ASSERT_TRUE(house.Settle("t").ok());
  EXPECT_EQ(house.Digest("t"), good);
  EXPECT_NE(LastVersion(house).report.find("\"refused\""), std::string::npos);
  std::vector<std::string> ids;
  for (const EncodedRow& row : WrongRows(60)) ids.push_back(row.row.id);
  ASSERT_TRUE(house.Unlearn("t", ids).ok());
  ASSERT_TRUE(house.Learn("t", Rows(90, 93)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  EXPECT_EQ(house.Served("t")->head->example_count(), 93) << "a good one is served again";
}

TEST_F(AliasTest, ReportsTellTheAccuracyOfEachLabelAndItsChange) {
  LearnerHouse house(root_ / "d");
  ASSERT_TRUE(house.Learn("t", Rows(0, 60)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  const double before = *AccuracyOf(LastVersion(house).report);
  ASSERT_TRUE(house.Learn("t", WrongRows(30)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  const std::string report = LastVersion(house).report;
  const json::object object = json::parse(report).as_object();
  EXPECT_EQ(object.at("examples").as_int64(), 90);
  EXPECT_EQ(object.at("previous").at("version").as_int64(), 2);
  EXPECT_DOUBLE_EQ(object.at("previous").at("loo_accuracy_change").as_double(),
                   *AccuracyOf(report) - before);
  double right = 0;
  for (const json::value& label : object.at("labels").as_array()) {
    EXPECT_EQ(label.at("judged"), label.at("examples"));
    EXPECT_LT(label.at("accuracy_change").as_double(), 0.5);
    right += label.at("accuracy").as_double() * static_cast<double>(label.at("judged").as_int64());
  }
  EXPECT_NEAR(right / 90, *AccuracyOf(report), 1e-12);
  ASSERT_TRUE(house.Edit("t", {LabelEdit::Kind::kRename, "a", "z", {}}).ok());
  const std::string renamed = LastVersion(house).report;
  EXPECT_EQ(AccuracyOf(renamed), AccuracyOf(report));
  EXPECT_NE(renamed.find("\"label\":\"z\",\"examples\""), std::string::npos);
}

}  // namespace
}  // namespace ctt::service
