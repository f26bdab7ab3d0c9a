#include "learn/router.h"

#include <gtest/gtest.h>

#include "tests/learn/random_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 12;

struct Task {
  std::string name;
  Rows rows;
};

// Each task has centres of its own around which its labels lie.
std::vector<Task> ThreeTasks() {
  return {{"7", RandomRows(60, kDim, 3, 1, 25)},
          {"12", RandomRows(200, kDim, 2, 2, 25)},
          {"9", RandomRows(40, kDim, 4, 3, 25)}};
}

Head Fit(const std::vector<Task>& tasks) {
  Statistics sums(kDim);
  Rows sample;
  for (const Task& task : tasks) {
    const Statistics statistics = StatisticsOf(task.rows, kDim);
    EXPECT_TRUE(AddTask(statistics, task.name, sums).ok());
    const auto rows = RouterSample(statistics, task.rows, 32);
    EXPECT_TRUE(rows.ok());
    sample.labels.push_back(task.name);
    sample.phi.insert(sample.phi.end(), rows->begin(), rows->end());
    sample.label_index.resize(sample.phi.size() / kDim,
                              static_cast<std::int32_t>(sample.labels.size()) - 1);
  }
  Result<Head> head = FitRouter(sums, sample);
  EXPECT_TRUE(head.ok()) << head.status().ToString();
  return std::move(head).value();
}

std::span<const std::int8_t> RowOf(const Rows& rows, std::int64_t i) {
  return {rows.phi.data() + i * kDim, static_cast<std::size_t>(kDim)};
}

TEST(RouterTest, TheSumsOfATaskStandAsOneClass) {
  const Task task = ThreeTasks()[0];
  Statistics sums(kDim);
  ASSERT_TRUE(AddTask(StatisticsOf(task.rows, kDim), "7", sums).ok());
  Statistics expected(kDim);
  const std::vector<std::string> names(task.rows.label_index.size(), "7");
  ASSERT_TRUE(expected.Add(task.rows.phi, names).ok());
  EXPECT_EQ(sums, expected);
}

TEST(RouterTest, ALabelMayBeCalledAsItsTask) {
  Rows rows = RandomRows(20, kDim, 2, 4);
  rows.labels = {"7", "x"};
  Statistics sums(kDim);
  ASSERT_TRUE(AddTask(StatisticsOf(rows, kDim), "7", sums).ok());
  EXPECT_EQ(sums.label_count(), 1);
  EXPECT_EQ(sums.example_count(), 20);
}

TEST(RouterTest, FindsTheTaskOfNewRows) {
  const std::vector<Task> tasks = ThreeTasks();
  const Head head = Fit(tasks);
  std::int64_t right = 0, asked = 0;
  for (const Task& task : tasks) {
    for (std::int64_t i = 0; i < task.rows.size(); i += 2, ++asked) {
      const Prediction prediction = head.Predict(RowOf(task.rows, i));
      right += head.labels()[prediction.ranked[0].label] == task.name;
    }
  }
  EXPECT_GT(right, asked * 9 / 10);
  EXPECT_EQ(head.settings().prior, Prior::kUniform);
}

TEST(RouterTest, OrderOfTasksAndRowsLeavesNoTrace) {
  std::vector<Task> tasks = ThreeTasks();
  const Digest digest = Fit(tasks).ContentDigest();
  std::swap(tasks[0], tasks[2]);
  for (Task& task : tasks) task.rows = Shuffled(task.rows, kDim, 5);
  EXPECT_EQ(Fit(tasks).ContentDigest(), digest);
}

TEST(RouterTest, OneTaskIsAlwaysTheTask) {
  const Head head = Fit({ThreeTasks()[0]});
  const Prediction prediction = head.Predict(RowOf(ThreeTasks()[1].rows, 0));
  EXPECT_EQ(prediction.ranked[0].probability, 1);
}

TEST(RouterTest, NoTaskIsAnError) {
  EXPECT_EQ(FitRouter(Statistics(kDim), Rows()).status().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace ctt::learn
