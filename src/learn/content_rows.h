#pragma once
// Rows in the order of their features, whatever they say: for kinds of task whose sums run over
// rows by features alone. Rows with equal features stand together in no order of their own; who
// sums over them must give them one that names do not enter. Threads: values.
#include <cstdint>
#include <vector>

#include "learn/solve.h"

namespace ctt::learn {

struct ContentRows {
  std::vector<std::int64_t> rows;       // Indices into Rows, sorted by features.
  std::vector<std::size_t> groups;      // Where runs of equal features begin, and rows.size().
  std::vector<const std::int8_t*> phi;  // [rows.size()], [D] each; borrowed from Rows.
  std::vector<const std::int8_t*> PhiFrom(std::int32_t column) const;
};

// At most `count_max` rows, or one run when that is longer: the runs of least hash, each whole.
ContentRows SampleByContent(const Rows& rows, std::int32_t feature_dim, std::size_t count_max);

}  // namespace ctt::learn
