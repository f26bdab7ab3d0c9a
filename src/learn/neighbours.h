#pragma once
// Which rows lie near each other in the space of features.
//
//   distance(x, y) = |x - y| / sqrt((|x|^2 + |y|^2) / 2)
// 0 for equal rows, sqrt 2 for unrelated ones; a paraphrase is some 0.4 to 0.8 away. From exact
// integers, so the same bits everywhere. Threads: pure functions.
#include <cstdint>
#include <span>
#include <vector>

#include "learn/row_order.h"
#include "learn/scatter.h"

namespace ctt::learn {

double Distance(std::span<const std::int8_t> x, std::span<const std::int8_t> y);

struct Neighbour {
  std::int64_t row = 0;  // Index.
  double distance = 0;
};
// The `count` rows of phi [n, dim] nearest to `query` [dim] within `columns`; rising distance, ties
// by index.
std::vector<Neighbour> NearestRows(std::span<const std::int8_t> query,
                                   std::span<const std::int8_t> phi, Columns columns,
                                   std::size_t count);

struct RowPair {
  std::size_t first = 0, second = 0;  // Indices into `rows`, first < second.
  double distance = 0;
};
// The `count` closest pairs of different labels that are at most `distance_max` apart; rising
// distance, ties by indices. All features [dim] count. Cost: dim n^2 / 2 multiplications by the
// Gram kernel, 2,048 rows at a time.
std::vector<RowPair> ClosestConflicts(const std::vector<Row>& rows, std::int32_t dim,
                                      double distance_max, std::size_t count);

}  // namespace ctt::learn
