#pragma once
// Small made-up multi-label and regression tasks for the tests of learn.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "learn/solve.h"
#include "learn/statistics.h"

namespace ctt::learn {

inline int Uniform(std::mt19937& random, int bound) {
  return static_cast<int>(random() % (2 * bound + 1)) - bound;
}

// Each label has a direction; a row holds the labels whose direction it leans to, with some noise.
inline Rows MultiRows(std::int64_t count, std::int32_t dim, std::int32_t labels,
                      std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int> directions(static_cast<std::size_t>(labels * dim));
  for (int& x : directions) x = Uniform(random, 3);
  Rows rows;
  for (std::int32_t c = 0; c < labels; ++c) rows.labels.push_back("label " + std::to_string(c));
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<int> x;
    for (std::int32_t j = 0; j < dim; ++j) x.push_back(Uniform(random, 60));
    std::vector<std::int32_t> held;
    for (std::int32_t c = 0; c < labels; ++c) {
      int lean = Uniform(random, 150);
      for (std::int32_t j = 0; j < dim; ++j) lean += directions[c * dim + j] * x[j];
      if (lean > 100) held.push_back(c);
    }
    rows.phi.insert(rows.phi.end(), x.begin(), x.end());
    rows.label_sets.push_back(std::move(held));
  }
  return rows;
}

// y = slope . x + noise, in thousandths.
inline Rows NumberRows(std::int64_t count, std::int32_t dim, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int> slope(static_cast<std::size_t>(dim));
  for (int& x : slope) x = Uniform(random, 9);
  Rows rows;
  for (std::int64_t i = 0; i < count; ++i) {
    int number = 5000 + Uniform(random, 200);
    for (std::int32_t j = 0; j < dim; ++j) {
      const int x = Uniform(random, 60);
      number += slope[j] * x;
      rows.phi.push_back(static_cast<std::int8_t>(x));
    }
    rows.units.push_back(NumberToUnits(number / 1000.0));
  }
  return rows;
}

inline Target TargetOf(const Rows& rows, std::size_t row) {
  Target target;
  if (!rows.units.empty()) target.units = rows.units[row];
  if (!rows.label_sets.empty())
    for (const std::int32_t index : rows.label_sets[row])
      target.labels.push_back(rows.labels[index]);
  std::sort(target.labels.begin(), target.labels.end());
  return target;
}

inline std::vector<Target> TargetsOf(const Rows& rows) {
  std::vector<Target> targets;
  for (std::int64_t i = 0; i < rows.size(); ++i)
    targets.push_back(TargetOf(rows, static_cast<std::size_t>(i)));
  return targets;
}

inline Statistics KindStatistics(const Rows& rows, std::int32_t dim) {
  Statistics statistics(dim, rows.units.empty() ? TaskKind::kMulti : TaskKind::kRegression);
  const Status added = statistics.Add(rows.phi, TargetsOf(rows));
  EXPECT_TRUE(added.ok()) << added.ToString();
  return statistics;
}

inline Settled SettledOf(const Rows& rows, std::int32_t dim, int threads = 1) {
  SettleOptions options;
  options.threads = threads;
  auto settled = Settle(KindStatistics(rows, dim), rows, options, nullptr);
  EXPECT_TRUE(settled.ok()) << settled.status().ToString();
  return *std::move(settled);
}

// Of the rows in `chosen`, in that order.
inline Rows Picked(const Rows& rows, std::int32_t dim, const std::vector<std::size_t>& chosen) {
  Rows picked;
  picked.labels = rows.labels;
  for (const std::size_t i : chosen) {
    const auto phi = rows.phi.begin() + static_cast<std::ptrdiff_t>(i) * dim;
    picked.phi.insert(picked.phi.end(), phi, phi + dim);
    if (!rows.label_sets.empty()) picked.label_sets.push_back(rows.label_sets[i]);
    if (!rows.units.empty()) picked.units.push_back(rows.units[i]);
  }
  return picked;
}

inline std::vector<std::size_t> Mixed(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  return order;
}

}  // namespace ctt::learn
