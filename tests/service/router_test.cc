#include "service/router.h"

#include <gtest/gtest.h>

#include "tests/service/learner_house.h"

namespace ctt::service {
namespace {

using Shared = std::shared_ptr<const Routes>;

class RouterTest : public testing::Test {
 protected:
  RouterTest() : root_(MakeFolder()), house_(root_ / "d") {}
  ~RouterTest() override {
    router_.reset();
    house_.Close();
    std::filesystem::remove_all(root_);
  }
  static std::filesystem::path MakeFolder() {
    char pattern[] = "/tmp/ctt_router_XXXXXX";
    return ::mkdtemp(pattern);
  }
  void Learn(const std::string& task, const std::string& label, int first, int last) {
    std::vector<EncodedRow> rows;
    for (int i = first; i < last; ++i) rows.push_back(MakeRow(task + std::to_string(i), label));
    ASSERT_TRUE(house_.Learn(task, rows).ok());
  }
  void Open() {
    const Stores stores{house_.data().store(), house_.data().artifacts(), log_};
    router_ = std::make_unique<Router>(stores, house_.catalog(), kTestDim, clock_);
  }
  Result<Shared> Find(const std::string& group = "", const Caller& caller = Caller("local", {})) {
    return Wait<Shared>([&](Done<Shared> done) { router_->Find(group, caller, std::move(done)); });
  }
  // Asks until the routes know what their tasks hold now.
  Shared FindFresh() {
    for (;;) {
      const Result<Shared> routes = Find();
      bool fresh = true;
      for (const auto& task : house_.catalog().List())
        for (const Routes::Member& member : (*routes)->members)
          if (member.id == task->id) fresh &= member.watermark == task->watermark;
      if (fresh) return *routes;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  std::string TaskOf(const Routes& routes, const EncodedRow& row) {
    const learn::Prediction prediction = routes.head->Predict(row.phi);
    const store::TaskId id = std::stoll(routes.head->labels()[prediction.ranked[0].label]);
    for (const auto& task : house_.catalog().List())
      if (task->id == id) return task->name;
    return "";
  }

  std::filesystem::path root_;
  LearnerHouse house_;
  SystemClock clock_;
  telemetry::Log log_{telemetry::LogLevel::kOff};
  std::unique_ptr<Router> router_;
};

TEST_F(RouterTest, ATaskThatComesOrGoesIsKnownByTheNextRequest) {
  Learn("first", "a", 0, 20);
  Learn("second", "b", 0, 20);
  Open();
  auto routes = Find();
  ASSERT_TRUE(routes.ok()) << routes.status().ToString();
  EXPECT_EQ(TaskOf(**routes, MakeRow("x", "a")), "first");
  EXPECT_EQ(TaskOf(**routes, MakeRow("x", "b")), "second");
  const std::string two = (*routes)->digest;
  Learn("third", "c", 0, 20);
  routes = Find();
  EXPECT_EQ((*routes)->members.size(), 3u);
  EXPECT_EQ(TaskOf(**routes, MakeRow("x", "c")), "third");
  ASSERT_TRUE(house_.Delete("third").ok());
  EXPECT_EQ((*Find())->digest, two);
  // One went and one came: as many tasks as before.
  ASSERT_TRUE(house_.Delete("second").ok());
  Learn("fourth", "d", 0, 20);
  EXPECT_EQ(TaskOf(**Find(), MakeRow("x", "d")), "fourth");
}

TEST_F(RouterTest, ALessonReachesItInTheBackgroundAndHistoryLeavesNoTrace) {
  Learn("first", "a", 0, 20);
  Learn("second", "b", 0, 20);
  Open();
  const std::string before = (*Find())->digest;
  Learn("first", "a", 20, 40);
  EXPECT_EQ((*Find())->digest, before);  // The head at hand answers, and the next one is made.
  const std::string after = FindFresh()->digest;
  EXPECT_NE(after, before);
  std::vector<std::string> ids;
  for (int i = 20; i < 40; ++i) ids.push_back("first" + std::to_string(i));
  ASSERT_TRUE(house_.Unlearn("first", ids).ok());
  EXPECT_EQ(FindFresh()->digest, before);
  router_.reset();
  house_.Reopen();
  Open();
  EXPECT_EQ((*Find())->digest, before);
}

TEST_F(RouterTest, GroupsSeeTheirOwnTasksOnly) {
  Learn("first", "a", 0, 20);
  Learn("second", "b", 0, 20);
  Learn("third", "c", 0, 20);
  TaskChange change;
  change.groups = {"g"};
  ASSERT_TRUE(house_.Change("first", change).ok());
  ASSERT_TRUE(house_.Change("third", change).ok());
  Open();
  const auto routes = Find("g");
  ASSERT_TRUE(routes.ok());
  EXPECT_EQ((*routes)->members.size(), 2u);
  EXPECT_EQ(TaskOf(**routes, MakeRow("x", "c")), "third");
  EXPECT_EQ(Find("h").status().reason(), "group_not_found");
  // More groups than are kept: each still answers.
  for (int i = 0; i < 20; ++i) {
    change.groups = {"g" + std::to_string(i)};
    ASSERT_TRUE(house_.Change("first", change).ok());
    EXPECT_TRUE(Find("g" + std::to_string(i)).ok()) << i;
  }
}

TEST_F(RouterTest, ACallerIsRoutedAmongTheTasksThatItMayName) {
  Learn("shop:first", "a", 0, 20);
  Learn("shop:second", "b", 0, 20);
  Learn("bank:third", "c", 0, 20);
  Open();
  EXPECT_EQ((*Find())->members.size(), 3u);
  const auto routes = Find("", Caller("key1", {"shop:*"}));
  ASSERT_TRUE(routes.ok());
  EXPECT_EQ((*routes)->members.size(), 2u);
  EXPECT_EQ((*Find("", Caller("key2", {"bank:*"})))->members.size(), 1u);
  EXPECT_EQ((*Find("", Caller("key1", {"shop:*"})))->digest, (*routes)->digest);
  EXPECT_EQ((*Find())->members.size(), 3u);
  EXPECT_EQ(Find("", Caller("key3", {"other:*"})).status().reason(), "group_not_found");
}

TEST_F(RouterTest, AfterItStoppedNobodyWaits) {
  Learn("first", "a", 0, 20);
  Open();
  router_->Stop();
  EXPECT_EQ(Find().status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace ctt::service
