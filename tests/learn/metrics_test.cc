#include "learn/metrics.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

namespace ctt::learn {
namespace {

Prediction Answer(const std::vector<double>& probabilities, bool in_scope = true) {
  Prediction prediction;
  for (std::size_t c = 0; c < probabilities.size(); ++c)
    prediction.ranked.push_back({static_cast<std::int32_t>(c), probabilities[c]});
  std::stable_sort(prediction.ranked.begin(), prediction.ranked.end(),
                   [](const auto& a, const auto& b) { return a.probability > b.probability; });
  prediction.in_scope = in_scope;
  return prediction;
}

// tests/golden/learn_metrics.py: scikit-learn's figures, equal up to the order of summation.
TEST(MetricsTest, AgreesWithScikitLearn) {
  std::ifstream file(CTT_SOURCE_DIR "/tests/golden/learn_metrics.txt");
  ASSERT_TRUE(file.is_open());
  std::vector<Judged> rows;
  std::map<std::string, double> expected;
  std::vector<ClassMetrics> classes;
  for (std::string line, word; std::getline(file, line);) {
    std::istringstream in(line);
    in >> word;
    if (word == "row") {
      std::string truth;
      std::vector<double> p(3);
      in >> truth >> p[0] >> p[1] >> p[2];
      rows.push_back({truth, Answer(p), {}});
    } else if (word == "class") {
      ClassMetrics metrics;
      in >> metrics.label >> metrics.support >> metrics.precision >> metrics.recall >> metrics.f1;
      classes.push_back(metrics);
    } else {
      in >> expected[word];
    }
  }
  const std::vector<std::string> labels = {"a", "b", "c"};
  const Metrics metrics = Evaluate(rows, {}, labels);
  ASSERT_EQ(metrics.n, 60);
  EXPECT_NEAR(metrics.accuracy, expected.at("accuracy"), 1e-12);
  EXPECT_NEAR(metrics.macro_f1, expected.at("macro_f1"), 1e-12);
  EXPECT_NEAR(metrics.weighted_f1, expected.at("weighted_f1"), 1e-12);
  EXPECT_NEAR(metrics.log_loss, expected.at("log_loss"), 1e-12);
  EXPECT_NEAR(metrics.ece, expected.at("ece"), 1e-12);
  EXPECT_EQ(metrics.in_scope_rate, 1);
  ASSERT_EQ(metrics.classes.size(), classes.size());
  for (std::size_t c = 0; c < classes.size(); ++c) {
    EXPECT_EQ(metrics.classes[c].label, classes[c].label);
    EXPECT_EQ(metrics.classes[c].support, classes[c].support);
    EXPECT_NEAR(metrics.classes[c].precision, classes[c].precision, 1e-12);
    EXPECT_NEAR(metrics.classes[c].recall, classes[c].recall, 1e-12);
    EXPECT_NEAR(metrics.classes[c].f1, classes[c].f1, 1e-12);
  }
}

TEST(MetricsTest, NoRowsNoFigures) {
  const Metrics metrics = Evaluate({}, {}, std::vector<std::string>{"a"});
  EXPECT_EQ(metrics.n, 0);
  EXPECT_EQ(metrics.accuracy, 0);
}

TEST(MetricsTest, CountsWhatIsInScope) {
  const std::vector<Judged> rows = {{"a", Answer({0.9, 0.1}), {}},
                                    {"a", Answer({1.0, 0.0}, false), {}}};
  const Metrics metrics = Evaluate(rows, {}, std::vector<std::string>{"a", "b"});
  EXPECT_EQ(metrics.in_scope_rate, 0.5);
  EXPECT_EQ(metrics.accuracy, 1);
}

TEST(MetricsTest, ConfusionFallsByCountAndBinsHoldTheirRows) {
  const std::vector<Judged> rows = {{"b", Answer({0.9, 0.1}), {}},
                                    {"a", Answer({0.4, 0.6}), {}},
                                    {"a", Answer({0.3, 0.7}), {}},
                                    {"a", Answer({0.95, 0.05}), {}}};
  const Metrics metrics = Evaluate(rows, {}, std::vector<std::string>{"a", "b"});
  ASSERT_EQ(metrics.confusion.size(), 2u);
  EXPECT_EQ(metrics.confusion[0].truth, "a");
  EXPECT_EQ(metrics.confusion[0].answer, "b");
  EXPECT_EQ(metrics.confusion[0].count, 2);
  EXPECT_EQ(metrics.confusion[1].count, 1);
  ASSERT_EQ(metrics.reliability.size(), 15u);
  EXPECT_EQ(metrics.reliability[9].count, 1);   // 0.6
  EXPECT_EQ(metrics.reliability[13].count, 1);  // 0.9
  EXPECT_DOUBLE_EQ(metrics.reliability[13].confidence, 0.9);
  EXPECT_EQ(metrics.reliability[13].accuracy, 0);
  EXPECT_EQ(metrics.reliability[14].accuracy, 1);
  EXPECT_FALSE(metrics.scope.has_value());
}

TEST(MetricsTest, SetsAreCounted) {
  const std::vector<Judged> rows = {{"b", Answer({0.9, 0.1}), {0, 1}},
                                    {"b", Answer({0.9, 0.1}), {0}},
                                    {"unknown", Answer({0.9, 0.1}), {0, 1}}};
  const Metrics metrics = Evaluate(rows, {}, std::vector<std::string>{"a", "b"});
  EXPECT_DOUBLE_EQ(metrics.set_coverage, 1.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.set_size, 5.0 / 3);
}

// By hand: of the 4 x 2 pairs, 6 in order and 1 tied.
TEST(MetricsTest, ScopeIsJudgedAgainstTextsOfNoLabel) {
  std::vector<Judged> rows;
  for (const double score : {4.0, 3.0, 2.0, 0.5}) {
    rows.push_back({"a", Answer({0.9, 0.1}, score > 1), {}});
    rows.back().prediction.scope_score = score;
  }
  rows[0].truth = "b";
  std::vector<Prediction> others = {Answer({0.5, 0.5}, true), Answer({0.5, 0.5}, false)};
  others[0].scope_score = 2.0;
  others[1].scope_score = 0.4;
  const Metrics metrics = Evaluate(rows, others, std::vector<std::string>{"a", "b"});
  ASSERT_TRUE(metrics.scope.has_value());
  EXPECT_EQ(metrics.scope->n, 2);
  EXPECT_DOUBLE_EQ(metrics.scope->auroc, 6.5 / 8);
  EXPECT_DOUBLE_EQ(metrics.scope->recall, 0.5);
  EXPECT_DOUBLE_EQ(metrics.scope->right_and_kept, 0.5);
  EXPECT_DOUBLE_EQ(metrics.scope->fpr95, 0.5);
}

// The worked values of Wilson's formula at z = 1.96, to the digits that tables print.
TEST(MetricsTest, WilsonIntervals) {
  EXPECT_NEAR(WilsonInterval(81, 263).low, 0.2553, 1e-4);
  EXPECT_NEAR(WilsonInterval(81, 263).high, 0.3662, 1e-4);
  EXPECT_EQ(WilsonInterval(0, 10).low, 0);
  EXPECT_NEAR(WilsonInterval(0, 10).high, 0.2775, 1e-4);
  EXPECT_EQ(WilsonInterval(10, 10).high, 1);
  EXPECT_EQ(WilsonInterval(0, 0).high, 1);
}

}  // namespace
}  // namespace ctt::learn
