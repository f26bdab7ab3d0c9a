#include "learn/content_rows.h"

#include <algorithm>
#include <cstring>

#include "learn/row_order.h"

namespace ctt::learn {
namespace {

struct Run {
  std::uint64_t hash;
  std::size_t begin, end;
};

// The runs to keep, in the order of their features.
std::vector<Run> LeastRuns(std::vector<Run> runs, std::size_t count_max) {
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.begin < b.begin;
  });
  std::size_t kept = 0, rows = 0;
  for (; kept < runs.size(); ++kept) {
    rows += runs[kept].end - runs[kept].begin;
    if (kept > 0 && rows > count_max) break;
  }
  runs.resize(kept);
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.begin < b.begin; });
  return runs;
}

}  // namespace

std::vector<const std::int8_t*> ContentRows::PhiFrom(std::int32_t column) const {
  std::vector<const std::int8_t*> from = phi;
  for (const std::int8_t*& row : from) row += column;
  return from;
}

ContentRows SampleByContent(const Rows& rows, std::int32_t feature_dim, std::size_t count_max) {
  const auto dim = static_cast<std::size_t>(feature_dim);
  const auto phi = [&](std::int64_t row) {
    return rows.phi.data() + static_cast<std::size_t>(row) * dim;
  };
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows.size()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  std::sort(order.begin(), order.end(),
            [&](std::int64_t a, std::int64_t b) { return std::memcmp(phi(a), phi(b), dim) < 0; });
  std::vector<Run> runs;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || std::memcmp(phi(order[i - 1]), phi(order[i]), dim) != 0)
      runs.push_back({HashOf(phi(order[i]), dim), i, i});
    runs.back().end = i + 1;
  }
  if (order.size() > count_max) runs = LeastRuns(std::move(runs), count_max);
  ContentRows sample;
  for (const Run& run : runs) {
    sample.groups.push_back(sample.rows.size());
    for (std::size_t i = run.begin; i < run.end; ++i) {
      sample.rows.push_back(order[i]);
      sample.phi.push_back(phi(order[i]));
    }
  }
  sample.groups.push_back(sample.rows.size());
  return sample;
}

}  // namespace ctt::learn
