// A task of 150 labels learned in ten steps of 15, with a thousand detours on the way, settles as
// one that learned everything at once: whatever the order of the steps, after each of them.
// bench/continual does the same with clinc150 through HTTP.
#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/learn/random_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kLabels = 150, kSteps = 10, kDim = 24;
constexpr std::int64_t kRows = 4 * kLabels;
constexpr int kDetours = 1000;

Rows AllRows() {
  Rows rows = RandomRows(kRows, kDim, kLabels, 17, 20);
  AddWords(rows, 18);
  return rows;
}

std::string SettledDigest(const Statistics& statistics, const Rows& rows) {
  const Result<Settled> settled = Settle(statistics, rows, {}, nullptr);
  CTT_CHECK(settled.ok());
  return ToHex(settled->head.ContentDigest());
}

// The rows at `which`, in that order, beside all labels that they have, in order of appearance.
Rows Some(const Rows& rows, const std::vector<std::int64_t>& which) {
  Rows some;
  std::map<std::int32_t, std::int32_t> places;
  for (const std::int64_t i : which) {
    some.phi.insert(some.phi.end(), rows.phi.begin() + i * kDim, rows.phi.begin() + (i + 1) * kDim);
    const auto [place, is_new] =
        places.emplace(rows.label_index[i], static_cast<std::int32_t>(places.size()));
    if (is_new) some.labels.push_back(rows.labels[rows.label_index[i]]);
    some.label_index.push_back(place->second);
    some.ngrams.push_back(rows.ngrams[i]);
  }
  return some;
}

class TenSteps {
 public:
  TenSteps(const Rows& rows, std::uint32_t seed) : rows_(rows), random_(seed), order_(kLabels) {
    std::iota(order_.begin(), order_.end(), 0);
    std::shuffle(order_.begin(), order_.end(), random_);
  }

  // Learns the next 15 labels row by row, with a tenth of the detours between.
  void Step() {
    const std::int32_t begin = kLabels / kSteps * step_++, end = begin + kLabels / kSteps;
    std::vector<std::int64_t> next;
    for (std::int64_t i = 0; i < kRows; ++i)
      if (std::find(order_.begin() + begin, order_.begin() + end, rows_.label_index[i]) !=
          order_.begin() + end)
        next.push_back(i);
    std::shuffle(next.begin(), next.end(), random_);
    for (std::size_t k = 0; k < next.size(); ++k) {
      Add(next[k]);
      learned_.push_back(next[k]);
      const std::size_t detours = kDetours / kSteps;
      for (std::size_t d = detours * k / next.size(); d < detours * (k + 1) / next.size(); ++d)
        Detour();
    }
  }
  const Statistics& statistics() const { return statistics_; }
  const std::vector<std::int64_t>& learned() const { return learned_; }

 private:
  // Some rows under some label, one of the task's or another, and away with them again in another
  // order; or rows that were learned, away and back.
  void Detour() {
    std::vector<std::int64_t> rows(1 + random_() % 3);
    const bool away_first = random_() % 2 == 0;
    for (std::int64_t& row : rows)
      row = away_first ? learned_[random_() % learned_.size()]
                       : static_cast<std::int64_t>(random_() % kRows);
    if (away_first) {
      std::sort(rows.begin(), rows.end());
      rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
      for (const std::int64_t row : rows) Remove(row, rows_.labels[rows_.label_index[row]]);
      for (const std::int64_t row : rows) Add(row);
      return;
    }
    const std::string label = "label " + std::to_string(random_() % (2 * kLabels));
    for (const std::int64_t row : rows) Add(row, label);
    std::shuffle(rows.begin(), rows.end(), random_);
    for (const std::int64_t row : rows) Remove(row, label);
  }
  std::span<const std::int8_t> Phi(std::int64_t row) const {
    return std::span(rows_.phi).subspan(row * kDim, kDim);
  }
  void Add(std::int64_t row) { Add(row, rows_.labels[rows_.label_index[row]]); }
  void Add(std::int64_t row, const std::string& label) {
    ASSERT_TRUE(statistics_.Add(Phi(row), std::vector{label}).ok());
  }
  void Remove(std::int64_t row, const std::string& label) {
    ASSERT_TRUE(statistics_.Remove(Phi(row), std::vector{label}).ok());
  }

  const Rows& rows_;
  std::mt19937 random_;
  std::vector<std::int32_t> order_;
  std::int32_t step_ = 0;
  Statistics statistics_{kDim};
  std::vector<std::int64_t> learned_;
};

TEST(TenStepsTest, EqualLearningAtOnce) {
  const Rows rows = AllRows();
  const std::string at_once = SettledDigest(StatisticsOf(rows, kDim), rows);
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    TenSteps task(rows, seed);
    for (int step = 0; step < kSteps; ++step) {
      task.Step();
      if (seed > 1) continue;
      std::vector<std::int64_t> in_order = task.learned();
      std::sort(in_order.begin(), in_order.end());
      const Rows so_far = Some(rows, in_order);
      EXPECT_EQ(SettledDigest(task.statistics(), Some(rows, task.learned())),
                SettledDigest(StatisticsOf(so_far, kDim), so_far))
          << "after step " << step + 1;
    }
    EXPECT_EQ(SettledDigest(task.statistics(), Some(rows, task.learned())), at_once) << seed;
  }
}

}  // namespace
}  // namespace ctt::learn
