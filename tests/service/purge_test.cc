// Unlearning by filter, purging, verifying, garbage.
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/service/learner_house.h"

namespace ctt::service {
namespace {

namespace fs = std::filesystem;

class PurgeTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/ctt_purge_XXXXXX";
    root_ = ::mkdtemp(pattern);
  }
  void TearDown() override { fs::remove_all(root_); }
  // Files of the directory that hold these bytes.
  std::vector<std::string> FilesWith(std::string_view bytes) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string content((std::istreambuf_iterator<char>(file)), {});
      if (content.find(bytes) != std::string::npos) found.push_back(entry.path().filename());
    }
    return found;
  }
  fs::path root_;
};

std::vector<EncodedRow> Rows(int first, int last) {
  std::vector<EncodedRow> rows;
  for (int i = first; i < last; ++i)
    rows.push_back(MakeRow("e" + std::to_string(i), i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "c"));
  return rows;
}

std::string_view Bytes(const EncodedRow& row) {
  return {reinterpret_cast<const char*>(row.phi.data()), row.phi.size()};
}

TEST_F(PurgeTest, AFilterUnlearnsWhatFitsAllOfIt) {
  LearnerHouse fresh(root_ / "fresh");
  ASSERT_TRUE(fresh.Learn("t", Rows(0, 30)).ok());
  ASSERT_TRUE(fresh.Settle("t").ok());
  LearnerHouse house(root_ / "d");
  std::vector<EncodedRow> bad = Rows(100, 160);
  for (EncodedRow& row : bad) row.row.source = "bad batch";
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  ASSERT_TRUE(house.Learn("t", bad).ok());
  ExampleFilter filter;
  filter.source = "bad batch";
  filter.label = "a";
  auto receipt = house.UnlearnWhere("t", filter);
  ASSERT_TRUE(receipt.ok()) << receipt.status().ToString();
  EXPECT_EQ(receipt->ids.size(), 20u);
  EXPECT_EQ(receipt->examples, 70);
  EXPECT_NE(receipt->statistics_before, receipt->statistics_after);
  const std::string between = receipt->statistics_after;
  filter.label.reset();
  receipt = house.UnlearnWhere("t", filter);
  ASSERT_TRUE(receipt.ok());
  EXPECT_EQ(receipt->statistics_before, between);
  EXPECT_EQ(receipt->ids.size(), 40u);
  ASSERT_TRUE(house.Settle("t").ok());
  EXPECT_EQ(house.Digest("t"), fresh.Digest("t"));
  EXPECT_EQ(house.UnlearnWhere("t", filter).status().reason(), "example_not_found");
  EXPECT_EQ(house.Digest("t"), fresh.Digest("t"));
}

TEST_F(PurgeTest, AFilterOfTimesTakesItsStartAndNotItsEnd) {
  LearnerHouse house(root_ / "d");
  ASSERT_TRUE(house.Learn("t", Rows(0, 3)).ok());
  ASSERT_TRUE(house.Learn("t", Rows(3, 6)).ok());
  const store::TaskId task = house.Served("t")->id;
  const auto first = house.data().store().FindExample(task, "e0");
  const auto second = house.data().store().FindExample(task, "e3");
  ExampleFilter filter;
  filter.since_us = (*first)->time_us;
  filter.before_us = (*second)->time_us;
  const auto receipt = house.UnlearnWhere("t", filter);
  ASSERT_TRUE(receipt.ok());
  EXPECT_EQ(receipt->ids, (std::vector<std::string>{"e0", "e1", "e2"}));
}

TEST_F(PurgeTest, NothingOfAPurgedExampleIsLeftInTheFiles) {
  LearnerHouse house(root_);
  const EncodedRow secret = MakeRow("secret id", "only this");  // Its sums are its features.
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  EncodedRow marked = secret;
  marked.row.source = "secret source";
  ASSERT_TRUE(house.Learn("t", {marked}).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  const std::int64_t holder = house.Served("t")->version;
  ASSERT_TRUE(house.Unlearn("t", {"secret id"}).ok());
  const std::string digest = house.Digest("t");
  EXPECT_FALSE(FilesWith("text of secret id").empty()) << "unlearned rows stay in the log";
  EXPECT_FALSE(FilesWith(Bytes(secret)).empty());

  const auto purged = house.Purge("t");
  ASSERT_TRUE(purged.ok()) << purged.status().ToString();
  EXPECT_EQ(purged->examples, 1);
  EXPECT_GE(purged->artifacts, 1);
  for (const std::string_view what :
       {std::string_view("text of secret id"), std::string_view("secret id"),
        std::string_view("secret source"), Bytes(secret)})
    EXPECT_EQ(FilesWith(what), std::vector<std::string>()) << what;
  EXPECT_EQ(house.Digest("t"), digest);
  house.Reopen();
  EXPECT_EQ(house.Digest("t"), digest);
  EXPECT_EQ(house.Publish("t", holder).reason(), "version_purged");
  EXPECT_TRUE(house.data().store().Verify().ok());
  EXPECT_TRUE(house.Verify("t")->ok());
  EXPECT_EQ(house.Purge("t")->examples, 0);
  ASSERT_TRUE(house.Learn("t", Rows(30, 40)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  house.Close();
  LearnerHouse fresh(root_ / "fresh");
  ASSERT_TRUE(fresh.Learn("t", Rows(0, 40)).ok());
  ASSERT_TRUE(fresh.Settle("t").ok());
  house.Open();
  EXPECT_EQ(house.Digest("t"), fresh.Digest("t"));
}

TEST_F(PurgeTest, AnAliasOfAVersionThatHeldPurgedRowsGoes) {
  LearnerHouse house(root_);
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  AliasChange change;
  change.version = 1;
  change.alias = "shadow";
  ASSERT_TRUE(house.SetAlias("t", change).ok());
  ASSERT_TRUE(house.Unlearn("t", {"e0"}).ok());
  EXPECT_EQ(house.Served("t")->previous, 1);
  ASSERT_TRUE(house.Purge("t").ok());
  EXPECT_EQ(house.Served("t")->previous, 0);
  EXPECT_EQ(house.Served("t")->shadow.head, nullptr);
  house.Reopen();
  EXPECT_EQ(house.Served("t")->version, 2);
}

TEST_F(PurgeTest, WhatIsServedIsNotPurgedAway) {
  LearnerHouse house(root_);
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  ASSERT_TRUE(house.SetPublishing("t", {false, std::nullopt}).ok());
  ASSERT_TRUE(house.Unlearn("t", {"e0"}).ok());
  const std::string digest = house.Digest("t");
  EXPECT_EQ(house.Purge("t").status().reason(), "live_holds_purged");
  house.Reopen();
  EXPECT_EQ(house.Digest("t"), digest);
  ASSERT_TRUE(house.Publish("t", 2).ok());
  EXPECT_TRUE(house.Purge("t").ok());
}

TEST_F(PurgeTest, VerifyNamesSumsThatAreNotThoseOfTheLog) {
  LearnerHouse house(root_);
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  const auto good = house.Verify("t");
  ASSERT_TRUE(good.ok()) << good.status().ToString();
  EXPECT_TRUE(good->ok());
  EXPECT_EQ(good->examples, 30);
  EXPECT_EQ(good->head_digest, house.Digest("t"));
  const store::TaskId task = house.Served("t")->id;
  learn::Statistics wrong(kTestDim);
  const EncodedRow row = MakeRow("x", "a");
  ASSERT_TRUE(wrong.Add(row.phi, std::vector<std::string>{"a"}).ok());
  const auto digest = house.data().artifacts().Put(wrong.Serialize());
  auto transaction = *house.data().store().Begin();
  ASSERT_TRUE(transaction->PutCheckpoint(task, {30, ToHex(*digest)}).ok());
  ASSERT_TRUE(transaction->Commit().ok());
  transaction.reset();
  house.Reopen();
  const auto bad = house.Verify("t");
  ASSERT_TRUE(bad.ok()) << bad.status().ToString();
  EXPECT_FALSE(bad->ok());
  EXPECT_EQ(bad->statistics_log, good->statistics_log);
}

TEST_F(PurgeTest, GarbageGoesAndWhatIsNamedStays) {
  LearnerHouse house(root_);
  ASSERT_TRUE(house.Learn("t", Rows(0, 30)).ok());
  ASSERT_TRUE(house.Settle("t").ok());
  ASSERT_TRUE(house.Learn("gone", Rows(0, 15)).ok());
  ASSERT_TRUE(house.Settle("gone").ok());
  const std::string digest = house.Digest("t");
  const auto left_by_a_crash = house.data().artifacts().Put("nothing names this");
  house.Reopen();
  EXPECT_EQ(house.data().artifacts().Get(*left_by_a_crash).status().code(), Code::kNotFound);
  EXPECT_EQ(house.data().artifacts().List()->size(), 4u) << "a head and sums of either task";
  ASSERT_TRUE(house.Delete("gone").ok());
  EXPECT_EQ(house.data().artifacts().List()->size(), 2u);
  house.Reopen();
  EXPECT_EQ(house.Digest("t"), digest);
}

}  // namespace
}  // namespace ctt::service
