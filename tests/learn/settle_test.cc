#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "learn/row_order.h"
#include "learn/solve.h"
#include "tests/learn/random_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 12;

Settled SettleOrDie(const Statistics& statistics, const Rows& rows,
                    const SettleOptions& options = {}) {
  Result<Settled> settled = Settle(statistics, rows, options, nullptr);
  EXPECT_TRUE(settled.ok()) << settled.status().ToString();
  return std::move(settled).value();
}

// tests/golden/learn_oracle.py leaves rows out one by one in NumPy.
TEST(SettleTest, AgreesWithTheNumPyOracle) {
  std::ifstream file(CTT_SOURCE_DIR "/tests/golden/learn_oracle.txt");
  ASSERT_TRUE(file.is_open());
  constexpr std::int32_t kFeatures = 8;
  Rows rows;
  rows.labels = {"blue", "green", "red"};
  std::vector<std::vector<std::int8_t>> queries;
  std::map<std::pair<std::string, std::string>, std::pair<double, double>>
      expected;  // Loss, accuracy.
  std::string block;
  double lambda = 0;
  std::vector<std::vector<double>> probabilities;
  const auto name = [](double lambda) {
    std::ostringstream out;
    out << std::round(2 * std::log10(lambda));
    return out.str();
  };
  for (std::string line, word; std::getline(file, line);) {
    std::istringstream in(line);
    in >> word;
    if (word == "row") {
      in >> word;
      rows.label_index.push_back(static_cast<std::int32_t>(
          std::find(rows.labels.begin(), rows.labels.end(), word) - rows.labels.begin()));
      for (int x; in >> x;) rows.phi.push_back(static_cast<std::int8_t>(x));
    } else if (word == "query") {
      queries.emplace_back();
      for (int x; in >> x;) queries.back().push_back(static_cast<std::int8_t>(x));
    } else if (word == "loo") {
      double at, beta, loss, accuracy;
      in >> block >> at >> beta >> loss >> accuracy;
      expected[{block, name(at)}] = {loss, accuracy};
    } else if (word == "best") {
      in >> block >> lambda;
    } else {
      probabilities.emplace_back();
      for (double p; in >> p;) probabilities.back().push_back(p);
    }
  }
  const Settled settled = SettleOrDie(StatisticsOf(rows, kFeatures), rows);
  std::set<std::string> blocks;
  for (const Candidate& candidate : settled.report.candidates) {
    const std::string tried(BlockName(candidate.block));
    blocks.insert(tried);
    const auto& [loss, accuracy] = expected.at({tried, name(candidate.lambda_or_rho)});
    // Both find the least loss over beta; near it the loss is flat, so 1e-6 in beta is 1e-10 here.
    EXPECT_NEAR(candidate.log_loss, loss, 1e-9) << tried << " " << candidate.lambda_or_rho;
    EXPECT_NEAR(candidate.accuracy, accuracy, 1e-12);
  }
  EXPECT_EQ(blocks.size(), 3u);
  const Settings& settings = settled.head.settings();
  EXPECT_EQ(BlockName(settings.block), block);
  EXPECT_DOUBLE_EQ(settings.lambda, lambda);
  ASSERT_EQ(queries.size(), probabilities.size());
  for (std::size_t q = 0; q < queries.size(); ++q)
    for (const LabelProbability& entry : settled.head.Predict(queries[q]).ranked)
      EXPECT_NEAR(entry.probability, probabilities[q][entry.label], 1e-5);
}

// Learns and unlearns at random, in several replicas, until the rows of `rows` are what is left.
Statistics RandomHistory(const Rows& rows, std::uint32_t seed) {
  std::mt19937 random(seed);
  const Rows order = Shuffled(rows, kDim, seed);
  const std::vector<std::string> labels = LabelsOf(order);
  const Rows detours = RandomRows(40, kDim, 5, seed + 1);
  const std::vector<std::string> detour_labels = LabelsOf(detours);
  Statistics merged(kDim), replica(kDim);
  for (std::int64_t i = 0; i < order.size(); ++i) {
    const auto detour = static_cast<std::int64_t>(random() % 40);
    const auto strange = std::span(detours.phi).subspan(detour * kDim, kDim);
    const auto strange_label = std::span(detour_labels).subspan(detour, 1);
    const bool strays = random() % 3 == 0;
    bool done = !strays || replica.Add(strange, strange_label).ok();
    done =
        done &&
        replica.Add(std::span(order.phi).subspan(i * kDim, kDim), std::span(labels).subspan(i, 1))
            .ok();
    done = done && (!strays || replica.Remove(strange, strange_label).ok());
    EXPECT_TRUE(done);
    if (random() % 20 == 0) {
      EXPECT_TRUE(merged.Merge(replica).ok());
      replica = Statistics(kDim);
    }
  }
  EXPECT_TRUE(merged.Merge(replica).ok());
  return merged;
}

struct Task {
  const char* why;
  std::int64_t rows;
  std::int32_t labels;
  HeadKind kind;
};
constexpr Task kTasks[] = {{"head A", 80, 3, HeadKind::kLinearDiscriminant},
                           {"head B", 900, 12, HeadKind::kLogistic},
                           {"head C", 900, 6, HeadKind::kHybrid},
                           {"words alone", 400, 4, HeadKind::kLexical}};

// For C features and words both tell something, for words alone the features tell nothing. For B
// one row in six is thrown far out along its label's own feature: outliers that bend the means and
// the scatter of A, and that a logistic fit, which looks at the borders, shrugs off.
Rows TaskRows(const Task& task) {
  const bool words = WeighsWords(task.kind);
  Rows rows = RandomRows(task.rows, kDim, task.labels, 31, words ? 80 : 50);
  if (words) AddWords(rows, 32);
  if (task.kind == HeadKind::kLexical) {
    const Rows noise = RandomRows(task.rows, kDim, 1, 34, 80);
    rows.phi = noise.phi;
  }
  if (task.kind != HeadKind::kLogistic) return rows;
  for (std::int64_t i = 0; i < rows.size(); ++i)
    if (i / task.labels % 6 == 0) {
      std::int8_t& x = rows.phi[i * kDim + rows.label_index[i] % kDim];
      x = x > 0 ? 127 : -127;
    }
  return rows;
}

TEST(SettleTest, HistoriesLeaveNoTrace) {
  for (const Task& task : kTasks) {
    const Rows rows = TaskRows(task);
    const Settled once = SettleOrDie(StatisticsOf(rows, kDim), rows);
    EXPECT_EQ(once.head.settings().kind, task.kind) << task.why;
    for (const std::uint32_t seed : {1u, 2u, 3u}) {
      const Settled other = SettleOrDie(RandomHistory(rows, seed), Shuffled(rows, kDim, seed + 7));
      EXPECT_EQ(ToHex(other.head.ContentDigest()), ToHex(once.head.ContentDigest())) << task.why;
      EXPECT_EQ(other.report.loo_log_loss, once.report.loo_log_loss) << task.why;
    }
  }
}

TEST(SettleTest, ARenamedLabelKeepsItsNumbers) {
  for (const Task& task : kTasks) {
    const Rows rows = TaskRows(task);
    Rows renamed = rows;
    for (std::size_t c = 0; c < renamed.labels.size(); ++c)
      renamed.labels[c] = std::to_string((c * 7) % renamed.labels.size()) + "x";
    const Head before = SettleOrDie(StatisticsOf(rows, kDim), rows).head;
    const Head after = SettleOrDie(StatisticsOf(renamed, kDim), renamed).head;
    EXPECT_EQ(before.settings(), after.settings()) << task.why;
    EXPECT_EQ(before.parts().weights, after.parts().weights) << task.why;
    const std::span<const std::int8_t> phi(rows.phi.data(), kDim);
    const auto ngrams = rows.ngrams.empty() ? std::vector<std::uint32_t>() : rows.ngrams.front();
    std::map<std::string, double> seen;
    for (const auto& entry : after.Predict(phi, ngrams).ranked)
      seen[after.labels()[entry.label]] = entry.probability;
    for (const auto& entry : before.Predict(phi, ngrams).ranked) {
      const auto c =
          std::find(rows.labels.begin(), rows.labels.end(), before.labels()[entry.label]) -
          rows.labels.begin();
      EXPECT_EQ(entry.probability, seen.at(renamed.labels[c])) << task.why;
    }
  }
}

// The same on every CPU: the digests are constants. Run with CTT_FORCE_ISA to try the others.
TEST(SettleTest, EveryCpuMakesTheseBytes) {
  constexpr const char* kDigests[] = {
      "2bf20f12c272166468c731bba212ae823c089ff8bbbbebbd64411f337cf856c6",
      "6d98bc141f76f2fdae13133881d391721be6067fa8fe63234098c9d59347a7b7",
      "261896278a7f96288644d6e13bfe4512286d3589edd3ec157b5bcb0d1b13c125",
      "08ec3124c8e05404c925d43fdb0624b90e2767cb3fbaf18777ba8cc7a0c67114"};
  for (std::size_t t = 0; t < std::size(kTasks); ++t) {
    const Rows rows = TaskRows(kTasks[t]);
    EXPECT_EQ(ToHex(SettleOrDie(StatisticsOf(rows, kDim), rows).head.ContentDigest()), kDigests[t]);
  }
}

TEST(SettleTest, EveryThreadCountMakesTheSameBytes) {
  for (const Task& task : kTasks) {
    const Rows rows = TaskRows(task);
    const Statistics statistics = StatisticsOf(rows, kDim);
    const Settled alone = SettleOrDie(statistics, rows);
    for (const int threads : {2, 3}) {
      const Settled shared = SettleOrDie(statistics, rows, {.threads = threads});
      EXPECT_EQ(alone.head.ContentDigest(), shared.head.ContentDigest()) << task.why;
      EXPECT_EQ(alone.report.candidates.size(), shared.report.candidates.size()) << task.why;
    }
  }
}

// Equal features, other words: the tokenizer folds more than the n-grams do.
TEST(SettleTest, RowsOfEqualFeaturesStandInTheOrderOfTheirWords) {
  Rows rows = TaskRows(kTasks[2]);
  for (std::int64_t i = 0; i < rows.size(); ++i)
    std::copy_n(rows.phi.begin() + i % 12 * kDim, kDim, rows.phi.begin() + i * kDim);
  const Statistics statistics = StatisticsOf(rows, kDim);
  const Head once = SettleOrDie(statistics, rows).head;
  EXPECT_TRUE(once.weighs_words());
  EXPECT_EQ(SettleOrDie(statistics, Shuffled(rows, kDim, 5)).head.ContentDigest(),
            once.ContentDigest());
  rows.ngrams.pop_back();
  EXPECT_EQ(Settle(statistics, rows, {}, nullptr).status().code(), Code::kInvalidArgument);
}

TEST(SettleTest, FewRowsMustGainToLeaveTheStartingSettings) {
  // Nothing but noise: some of the choices look better on twenty rows, none is.
  const Rows noise = RandomRows(20, kDim, 2, 41, 120);
  const Statistics few = StatisticsOf(noise, kDim);
  const Settled kept = SettleOrDie(few, noise);
  const Settings starting = StartingSettings(few), settings = kept.head.settings();
  EXPECT_EQ(settings.lambda, starting.lambda);
  EXPECT_EQ(settings.temperature, starting.temperature);
  EXPECT_GT(settings.scope_threshold, -1e300);  // Found from the rows left out all the same.
  double least = 1e300;
  for (const Candidate& candidate : kept.report.candidates)
    least = std::min(least, candidate.log_loss);
  EXPECT_GT(kept.report.loo_log_loss, least);
  const Rows clear = TaskRows(kTasks[0]);
  const Statistics eighty = StatisticsOf(clear, kDim);
  EXPECT_NE(SettleOrDie(eighty, clear).head.settings().temperature,
            StartingSettings(eighty).temperature);
}

TEST(SettleTest, WithoutTheWordsAHeadOfFeaturesAnswers) {
  Rows rows = TaskRows(kTasks[2]);
  rows.ngrams.clear();
  EXPECT_FALSE(SettleOrDie(StatisticsOf(rows, kDim), rows).head.weighs_words());
}

TEST(SettleTest, LabelsWithEqualSumsAreToldApartByTheirRows) {
  // a = {x, -x}, b = {y, -y}: equal counts and sums, and b's rows are the longer ones. Names must
  // not decide which is which.
  Rows rows;
  rows.labels = {"a", "b", "c"};
  for (int i = 0; i < 30; ++i)
    for (int c = 0; c < 3; ++c)
      for (const int sign : {1, -1}) {
        std::mt19937 random(i * 3 + c);
        rows.label_index.push_back(c);
        for (int j = 0; j < kDim; ++j) {
          const int x = (static_cast<int>(random() % 81) - 40) * (c == 1 ? 3 : 1);
          rows.phi.push_back(static_cast<std::int8_t>(c < 2 ? sign * x : j == 0 ? -20 : x));
        }
      }
  Rows swapped = rows;
  swapped.labels = {"b", "a", "c"};
  const Statistics one = StatisticsOf(rows, kDim), two = StatisticsOf(swapped, kDim);
  const Result<RowOrder> first = OrderRows(one, rows), second = OrderRows(two, swapped);
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_EQ(*first->classes[1].sums, *first->classes[2].sums);
  for (std::size_t i = 0; i < first->rows.size(); ++i)
    ASSERT_EQ(first->rows[i].label, second->rows[i].label) << i;
  EXPECT_EQ(SettleOrDie(one, rows).head.settings(), SettleOrDie(two, swapped).head.settings());
}

TEST(SettleTest, TinyTasksSettleByRule) {
  struct Tiny {
    const char* why;
    std::int64_t rows;
    std::int32_t labels;
    bool judged;
  };
  for (const Tiny& tiny : {Tiny{"one row", 1, 1, false},
                           {"one label", 5, 1, false},
                           {"one example a label", 3, 3, false},
                           {"two rows and one", 3, 2, true},
                           {"two a label", 4, 2, true}}) {
    const Rows rows = RandomRows(tiny.rows, kDim, tiny.labels, 41);
    const Settled settled = SettleOrDie(StatisticsOf(rows, kDim), rows);
    EXPECT_EQ(!settled.report.candidates.empty(), tiny.judged) << tiny.why;
    EXPECT_TRUE(std::isfinite(settled.report.loo_log_loss)) << tiny.why;
    EXPECT_EQ(settled.head.settings().kind, HeadKind::kLinearDiscriminant) << tiny.why;
    double sum = 0;
    for (const auto& entry : settled.head.Predict(std::span(rows.phi).first(kDim)).ranked)
      sum += entry.probability;
    EXPECT_NEAR(sum, 1, 1e-12) << tiny.why;
  }
}

TEST(SettleTest, EqualRowsUnderTwoLabelsSettle) {
  Rows rows;
  rows.labels = {"a", "b"};
  for (int i = 0; i < 8; ++i) {
    rows.label_index.push_back(i % 2);
    rows.phi.insert(rows.phi.end(), kDim, std::int8_t{5});
  }
  const Settled settled = SettleOrDie(StatisticsOf(rows, kDim), rows);
  EXPECT_NEAR(settled.head.Predict(std::span(rows.phi).first(kDim)).ranked[0].probability, 0.5,
              1e-9);
}

TEST(SettleTest, TheThresholdRejectsItsShare) {
  const Rows rows = RandomRows(400, kDim, 4, 51);
  SettleOptions options;
  options.scope_reject_rate = 0.1;
  const Head head = SettleOrDie(StatisticsOf(rows, kDim), rows, options).head;
  int rejected = 0;
  for (std::int64_t i = 0; i < rows.size(); ++i)
    rejected += head.Predict(std::span(rows.phi).subspan(i * kDim, kDim)).in_scope ? 0 : 1;
  // Rows that were learned score a little better than when left out, so a few less than 40.
  EXPECT_LE(rejected, 40);
  EXPECT_GE(rejected, 25);
  // The mean of all rows lies between the labels and is none of them.
  std::vector<int> sum(kDim);
  for (std::size_t k = 0; k < rows.phi.size(); ++k) sum[k % kDim] += rows.phi[k];
  std::vector<std::int8_t> middle;
  for (const int x : sum) middle.push_back(static_cast<std::int8_t>(x / 400));
  EXPECT_FALSE(head.Predict(middle).in_scope);
}

TEST(SettleTest, RefusesRowsOfAnotherSet) {
  const Rows rows = RandomRows(20, kDim, 2, 61);
  const Statistics statistics = StatisticsOf(rows, kDim);
  Rows other = rows;
  other.label_index[0] = 1 - other.label_index[0];
  EXPECT_EQ(Settle(statistics, other, {}, nullptr).status().code(), Code::kInvalidArgument);
  other = rows;
  other.label_index[0] = 2;
  EXPECT_EQ(Settle(statistics, other, {}, nullptr).status().code(), Code::kInvalidArgument);
  other = rows;
  other.phi.pop_back();
  EXPECT_EQ(Settle(statistics, other, {}, nullptr).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Settle(Statistics(kDim), Rows{}, {}, nullptr).status().code(),
            Code::kFailedPrecondition);
}

TEST(SettleTest, StopsWhenCancelled) {
  const Rows rows = TaskRows(kTasks[1]);
  const std::atomic<bool> cancelled = true;
  EXPECT_EQ(Settle(StatisticsOf(rows, kDim), rows, {}, &cancelled).status().code(),
            Code::kCancelled);
}

// A lesson after settling is solved with the settled choices and answers as A.
TEST(SettleTest, SettingsServeTheNextLesson) {
  const Rows rows = TaskRows(kTasks[0]);
  const Statistics statistics = StatisticsOf(rows, kDim);
  const Settled settled = SettleOrDie(statistics, rows);
  const Result<Head> solved = Solve(statistics, settled.head.settings());
  ASSERT_TRUE(solved.ok());
  EXPECT_EQ(solved->Serialize(), settled.head.Serialize());
}

}  // namespace
}  // namespace ctt::learn
