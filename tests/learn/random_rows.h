#pragma once
// Small made-up tasks for the tests of learn: the same rows on every machine.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "learn/solve.h"
#include "learn/statistics.h"

namespace ctt::learn {

// `count` rows of `dim` features around `labels` centres; label of row i is i % labels.
inline Rows RandomRows(std::int64_t count, std::int32_t dim, std::int32_t labels,
                       std::uint32_t seed, int spread = 30) {
  std::mt19937 random(seed);
  const auto uniform = [&](int bound) {
    return static_cast<int>(random() % (2 * bound + 1)) - bound;
  };
  std::vector<int> centres(static_cast<std::size_t>(labels) * dim);
  for (int& x : centres) x = uniform(40);
  Rows rows;
  for (std::int32_t c = 0; c < labels; ++c) rows.labels.push_back("label " + std::to_string(c));
  for (std::int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::int32_t>(i % labels);
    rows.label_index.push_back(label);
    for (std::int32_t j = 0; j < dim; ++j)
      rows.phi.push_back(static_cast<std::int8_t>(std::clamp(
          centres[static_cast<std::size_t>(label) * dim + j] + uniform(spread), -127, 127)));
  }
  return rows;
}

// Gives every row a few n-grams: two of its label's eight in two rows of three, any label's
// otherwise, and two that say nothing.
inline void AddWords(Rows& rows, std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto labels = static_cast<std::uint32_t>(rows.labels.size());
  for (const std::int32_t label : rows.label_index) {
    std::vector<std::uint32_t> ngrams = {900 + static_cast<std::uint32_t>(random() % 50),
                                         900 + static_cast<std::uint32_t>(random() % 50)};
    const std::uint32_t of = random() % 3 != 0 ? static_cast<std::uint32_t>(label)
                                               : static_cast<std::uint32_t>(random() % labels);
    for (int k = 0; k < 2; ++k) ngrams.push_back(8 * of + static_cast<std::uint32_t>(random() % 8));
    std::sort(ngrams.begin(), ngrams.end());
    rows.ngrams.push_back(std::move(ngrams));
  }
}

inline std::vector<std::string> LabelsOf(const Rows& rows) {
  std::vector<std::string> labels;
  for (const std::int32_t index : rows.label_index) labels.push_back(rows.labels[index]);
  return labels;
}

inline Statistics StatisticsOf(const Rows& rows, std::int32_t dim) {
  Statistics statistics(dim);
  const Status added = statistics.Add(rows.phi, LabelsOf(rows));
  EXPECT_TRUE(added.ok()) << added.ToString();
  return statistics;
}

// The same rows in the order that `seed` shuffles them into.
inline Rows Shuffled(const Rows& rows, std::int32_t dim, std::uint32_t seed) {
  std::vector<std::int64_t> order(rows.size());
  for (std::int64_t i = 0; i < rows.size(); ++i) order[i] = i;
  std::mt19937 random(seed);
  for (std::int64_t i = rows.size() - 1; i > 0; --i)
    std::swap(order[i],
              order[static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(i + 1))]);
  Rows shuffled;
  shuffled.labels = rows.labels;
  for (const std::int64_t i : order) {
    shuffled.phi.insert(shuffled.phi.end(), rows.phi.begin() + i * dim,
                        rows.phi.begin() + (i + 1) * dim);
    shuffled.label_index.push_back(rows.label_index[i]);
    if (!rows.ngrams.empty()) shuffled.ngrams.push_back(rows.ngrams[i]);
  }
  return shuffled;
}

}  // namespace ctt::learn
