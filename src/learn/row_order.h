#pragma once
// The rows of a task in an order that only their content decides: by features, label in content
// order, n-grams. Sums over rows run in this order, so that they are a pure function of the set.
// Threads: values and pure functions; RowOrder borrows from statistics and rows.
#include <cstdint>
#include <span>
#include <vector>

#include "learn/scatter.h"
#include "learn/solve.h"

namespace ctt::learn {

struct Row {
  const std::int8_t* phi;  // [D]
  std::int32_t label;      // Class in content order.
  std::uint64_t hash;  // Of phi alone, so that equal texts fall to the same side of every split.
  std::span<const std::uint32_t> ngrams;  // As Rows holds them; empty when it holds none.
};

// Of features [dim]: the finaliser of splitmix64 over the bytes, eight at a time.
std::uint64_t HashOf(const std::int8_t* phi, std::size_t dim);

struct RowOrder {
  std::vector<ContentClass>
      classes;            // Content order; labels with equal sums are told apart by their rows.
  std::vector<Row> rows;  // [n], sorted.
};

// kInvalidArgument: rows do not hold as many examples of each label as the statistics.
Result<RowOrder> OrderRows(const Statistics& statistics, const Rows& rows);

// The `count_max` rows of least hash, still in content order; all when there are no more than that.
std::vector<Row> LeastHashed(const std::vector<Row>& rows, std::size_t count_max);

}  // namespace ctt::learn
