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
      rows.push_back({truth, Answer(p)});
    } else if (word == "class") {
      ClassMetrics metrics;
      in >> metrics.label >> metrics.support >> metrics.precision >> metrics.recall >> metrics.f1;
      classes.push_back(metrics);
    } else {
      in >> expected[word];
    }
  }
  const std::vector<std::string> labels = {"a", "b", "c"};
  const Metrics metrics = Evaluate(rows, labels);
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
  const Metrics metrics = Evaluate({}, std::vector<std::string>{"a"});
  EXPECT_EQ(metrics.n, 0);
  EXPECT_EQ(metrics.accuracy, 0);
}

TEST(MetricsTest, CountsWhatIsInScope) {
  const std::vector<Judged> rows = {{"a", Answer({0.9, 0.1})}, {"a", Answer({1.0, 0.0}, false)}};
  const Metrics metrics = Evaluate(rows, std::vector<std::string>{"a", "b"});
  EXPECT_EQ(metrics.in_scope_rate, 0.5);
  EXPECT_EQ(metrics.accuracy, 1);
}

}  // namespace
}  // namespace ctt::learn
