#include "learn/head.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "tests/learn/random_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 6;

Head SmallHead(std::int32_t labels, double scope_spread = 0) {
  const Rows rows = RandomRows(20, kDim, labels, 71);
  Settings settings;
  settings.lambda = 0.5, settings.temperature = 0.25, settings.scope_threshold = -3;
  settings.set_quantile = 0.75, settings.logistic_set_quantile = 0.5;
  settings.scope_spread = scope_spread;
  Result<Head> head = Solve(StatisticsOf(rows, kDim), settings);
  EXPECT_TRUE(head.ok());
  return std::move(head).value();
}

// SmallHead(3) with words; the features take no part in `alone`.
Head WordHead(bool alone) {
  Head::Parts parts = SmallHead(3, alone ? 0 : 0.25).parts();
  parts.settings.kind = alone ? HeadKind::kLexical : HeadKind::kHybrid;
  if (alone) {
    parts.scope_weights = parts.weights;
    parts.weights.clear();
  }
  parts.lexicon = Lexicon({6, 7, 40}, {1, 2, 1});
  parts.term_weights = {127, 0, -127, 10, 20, 30, 0, 0, 127};
  parts.term_scales = {0.5f, 1, 0.25f};
  return Head(parts);
}

// Two labels, every score equal.
Head TiedHead() {
  Head::Parts parts;
  parts.feature_dim = 2, parts.example_count = 2;
  parts.labels = {"a", "b"};
  parts.label_of_class = {1, 0};
  parts.weights.assign(4, 0), parts.bias.assign(2, 0);
  return Head(parts);
}

TEST(HeadTest, RanksByProbabilityThenByLabel) {
  const Prediction prediction = TiedHead().Predict(std::vector<std::int8_t>{1, 2});
  EXPECT_EQ(prediction.ranked[0].label, 0);
  EXPECT_EQ(prediction.ranked[1].label, 1);
  EXPECT_EQ(prediction.ranked[0].probability, 0.5);
  EXPECT_EQ(prediction.margin, 0);
  EXPECT_TRUE(prediction.in_scope);  // There is no scope.
}

TEST(HeadTest, ClassesAnswerForTheirOwnLabels) {
  Head::Parts parts = TiedHead().parts();
  parts.weights = {1, 0, 0, 1};  // Feature 0 speaks for class 0, which is label "b".
  const Prediction prediction = Head(parts).Predict(std::vector<std::int8_t>{9, 1});
  EXPECT_EQ(prediction.ranked[0].label, 1);
  EXPECT_NEAR(prediction.ranked[0].probability, 1 / (1 + 3.3546262790251185e-4), 1e-15);  // e^-8
}

TEST(HeadTest, WordsAddToTheScores) {
  const std::vector<std::int8_t> phi = {3, 1, -4, 1, 5, -9};
  const Head head = WordHead(false);
  const Prediction without = head.Predict(phi), with = head.Predict(phi, {{6, 8, 40, 41}});
  const auto log_ratio = [](const Prediction& prediction, std::int32_t a, std::int32_t b) {
    std::map<std::int32_t, double> p;
    for (const LabelProbability& entry : prediction.ranked) p[entry.label] = entry.probability;
    return std::log(p.at(a) / p.at(b));
  };
  // 6 and 40 are words of equal idf: sqrt(1/2) of (127, 0, -127) and (0, 0, 127), times the scales.
  const std::vector<std::int32_t>& label = head.parts().label_of_class;
  const double gain = std::sqrt(0.5) * 127 * 0.5;
  EXPECT_NEAR(log_ratio(with, label[0], label[1]) - log_ratio(without, label[0], label[1]), gain,
              1e-5);
  EXPECT_NEAR(log_ratio(with, label[2], label[1]) - log_ratio(without, label[2], label[1]), 0,
              1e-9);
  EXPECT_EQ(with.scope_score, without.scope_score);
  EXPECT_EQ(with.in_scope, without.in_scope);
}

// What n-grams add, one by one, is what the words add to each label's score, in one pass.
TEST(HeadTest, NGramsAddUpToTheWords) {
  const Head head = WordHead(true);
  const std::vector<std::int8_t> phi(6);
  const std::vector<std::uint32_t> ngrams = {6, 6, 7, 8, 40};
  std::map<std::int32_t, double> with, without;
  for (const auto& row : head.Predict(phi, ngrams).ranked) with[row.label] = row.probability;
  for (const auto& row : head.Predict(phi).ranked) without[row.label] = row.probability;
  std::vector<double> sums;
  for (std::int32_t label = 0; label < 3; ++label) {
    const std::vector<NGramWeight> weights = head.WeighNGrams(ngrams, label);
    ASSERT_EQ(weights.size(), 3);  // Of 6, 7 and 40; the head does not know 8.
    double& sum = sums.emplace_back();
    double last = 1e300;
    for (const NGramWeight& row : weights) {
      EXPECT_LE(row.weight, last);
      last = row.weight;
      sum += row.weight;
    }
    const double gain = std::log(with[label] / without[label]) - std::log(with[0] / without[0]);
    EXPECT_NEAR(sum - sums[0], gain, 1e-4) << label;
  }
  EXPECT_TRUE(SmallHead(3).WeighNGrams(ngrams, 0).empty());
}

TEST(HeadTest, StoredBytesOfWordsComeBack) {
  for (const bool alone : {false, true}) {
    const Head head = WordHead(alone);
    const std::string bytes = head.Serialize();
    const Result<Head> parsed = Head::Parse(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    EXPECT_EQ(parsed->Serialize(), bytes);
    const std::vector<std::int8_t> phi = {3, 1, -4, 1, 5, -9};
    const std::vector<std::uint32_t> ngrams = {6, 6, 7};
    EXPECT_EQ(parsed->Predict(phi, ngrams).ranked[0].probability,
              head.Predict(phi, ngrams).ranked[0].probability);
  }
}

TEST(HeadTest, StoredBytesComeBack) {
  for (const auto& [labels, spread] : {std::pair{1, 0.0}, {2, 0.0}, {5, 0.0}, {1, 0.5}, {3, 0.5}}) {
    const Head head = SmallHead(labels, spread);
    const std::string bytes = head.Serialize();
    const Result<Head> parsed = Head::Parse(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    EXPECT_EQ(parsed->Serialize(), bytes);
    EXPECT_EQ(parsed->settings(), head.settings());
    EXPECT_EQ(parsed->labels(), head.labels());
    EXPECT_EQ(parsed->example_count(), 20);
    EXPECT_EQ(head.ContentDigest(), Sha256(bytes));
    const std::vector<std::int8_t> phi = {3, 1, -4, 1, 5, -9};
    EXPECT_EQ(parsed->Predict(phi).scope_score, head.Predict(phi).scope_score);
    EXPECT_EQ(parsed->Predict(phi).ranked[0].probability, head.Predict(phi).ranked[0].probability);
  }
}

TEST(HeadTest, DamageIsFoundWhereverItIs) {
  for (const Head& head : {SmallHead(2), WordHead(false)}) {
    const std::string bytes = head.Serialize();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
      EXPECT_EQ(Head::Parse(damaged).status().code(), Code::kDataLoss) << "flip at " << i;
      EXPECT_EQ(Head::Parse(bytes.substr(0, i)).status().code(), Code::kDataLoss) << "cut at " << i;
    }
  }
}

// Bytes with a valid checksum over nonsense: what a later, wrong or hostile writer could leave.
TEST(HeadTest, NonsenseUnderAValidChecksumIsRefused) {
  for (const Head& head : {SmallHead(2), WordHead(false), WordHead(true)}) {
    const std::string bytes = head.Serialize();
    const std::string body = bytes.substr(0, bytes.size() - 8);
    for (std::size_t i = 0; i < body.size(); ++i)
      for (const unsigned char value : {0x00, 0x02, 0x03, 0x7f, 0xff}) {
        std::string changed = body;
        changed[i] = static_cast<char>(value);
        const Digest digest = Sha256(changed);
        changed.append(reinterpret_cast<const char*>(digest.data()), 8);
        const Result<Head> parsed = Head::Parse(changed);
        if (parsed.ok()) {
          EXPECT_EQ(parsed->Serialize(), changed) << i;
        } else {
          EXPECT_EQ(parsed.status().code(), Code::kDataLoss) << i;
        }
      }
  }
}

TEST(HeadTest, RefusesLabelsThatNoHeadHas) {
  struct Wrong {
    const char* why;
    std::vector<std::string> labels;
    std::vector<std::int32_t> label_of_class;
  };
  for (const Wrong& wrong : {Wrong{"out of order", {"b", "a"}, {0, 1}},
                             {"twice", {"a", "a"}, {0, 1}},
                             {"empty", {"", "a"}, {0, 1}},
                             {"two classes of one label", {"a", "b"}, {1, 1}},
                             {"a class of no label", {"a", "b"}, {0, 2}}}) {
    Head::Parts parts = TiedHead().parts();
    parts.labels = wrong.labels, parts.label_of_class = wrong.label_of_class;
    EXPECT_EQ(Head::Parse(Head(parts).Serialize()).status().code(), Code::kDataLoss) << wrong.why;
  }
}

TEST(HeadTest, SettingsComeBack) {
  Settings settings;
  settings.kind = HeadKind::kLogistic, settings.block = Block::kLayer4,
  settings.prior = Prior::kUniform;
  settings.lambda = 0.01, settings.temperature = 2, settings.rho = 0.03,
  settings.logistic_temperature = 1.5;
  settings.scope_threshold = -2.5, settings.set_quantile = 0.9,
  settings.logistic_set_quantile = 0.8;
  for (const double spread : {0.0, 1.5}) {
    settings.scope_spread = spread;
    const std::string bytes = SerializeSettings(settings);
    const Result<Settings> parsed = ParseSettings(bytes);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, settings);
    for (std::size_t i = 0; i < bytes.size(); ++i)
      EXPECT_EQ(ParseSettings(bytes.substr(0, i)).status().code(), Code::kDataLoss) << i;
  }
  settings.lambda = 0;
  EXPECT_EQ(ParseSettings(SerializeSettings(settings)).status().code(), Code::kDataLoss);
}

TEST(HeadTest, TheQuantileIsThatOfTheHeadWhichAnswers) {
  Head::Parts parts = SmallHead(2).parts();
  EXPECT_EQ(Head(parts).set_quantile(), 0.75);
  parts.settings.kind = HeadKind::kLogistic;
  EXPECT_EQ(Head(parts).set_quantile(), 0.5);
}

}  // namespace
}  // namespace ctt::learn
