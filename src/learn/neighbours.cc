#include "learn/neighbours.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "kernels/gram.h"

namespace ctt::learn {
namespace {

constexpr std::size_t kBlockRows = 1024;

std::int64_t Dot(std::span<const std::int8_t> x, std::span<const std::int8_t> y) {
  std::int32_t sum = 0;  // |sum| <= 127^2 dim.
  for (std::size_t j = 0; j < x.size(); ++j) sum += x[j] * y[j];
  return sum;
}

double DistanceOf(std::int64_t xx, std::int64_t yy, std::int64_t xy) {
  if (xx + yy == 0) return 0;
  return std::sqrt(2.0 * static_cast<double>(xx + yy - 2 * xy) / static_cast<double>(xx + yy));
}

// Dot products of all pairs of some rows: their features are the "rows" of the Gram kernel.
class DotProducts {
 public:
  DotProducts(std::span<const Row> rows, std::int32_t dim)
      : count_(rows.size()), triangle_(count_ * (count_ + 1) / 2) {
    const std::int32_t pair_count = (dim + 1) / 2;
    std::vector<std::int16_t> pairs(static_cast<std::size_t>(pair_count) * count_ * 2);
    for (std::size_t i = 0; i < count_; ++i)
      for (std::int32_t j = 0; j < dim; ++j)  // NOLINTNEXTLINE(bugprone-signed-char-misuse)
        pairs[(static_cast<std::size_t>(j / 2) * count_ + i) * 2 + j % 2] = rows[i].phi[j];
    kernels::Gram().add(pairs.data(), pair_count, static_cast<std::int32_t>(count_), 1,
                        triangle_.data());
  }
  std::int64_t operator()(std::size_t i, std::size_t j) const {  // REQUIRES: i <= j.
    return triangle_[kernels::GramOffset(i, count_) + j - i];
  }

 private:
  std::size_t count_;
  std::vector<std::int32_t> triangle_;
};

bool Closer(const RowPair& a, const RowPair& b) {
  return std::tie(a.distance, a.first, a.second) < std::tie(b.distance, b.first, b.second);
}

void KeepClosest(std::vector<RowPair>& pairs, std::size_t count) {
  if (pairs.size() <= count) return;
  const auto middle = pairs.begin() + static_cast<std::ptrdiff_t>(count);
  std::nth_element(pairs.begin(), middle, pairs.end(), Closer);
  pairs.resize(count);
}

// Pairs of one row in `first` and one in `second`, blocks of `rows`; the same block: all of it.
void AddConflicts(const std::vector<Row>& rows, std::size_t first, std::size_t second,
                  std::int32_t dim, double distance_max, std::vector<RowPair>& pairs) {
  const std::size_t first_end = std::min(first + kBlockRows, rows.size());
  const std::size_t second_end = std::min(second + kBlockRows, rows.size());
  std::vector<Row> both(rows.begin() + first, rows.begin() + first_end);
  const std::size_t split = first == second ? 0 : both.size();
  if (split > 0) both.insert(both.end(), rows.begin() + second, rows.begin() + second_end);
  const DotProducts dots(both, dim);
  for (std::size_t i = 0; i < first_end - first; ++i) {
    for (std::size_t j = std::max(split, i + 1); j < both.size(); ++j) {
      if (both[i].label == both[j].label) continue;
      const double distance = DistanceOf(dots(i, i), dots(j, j), dots(i, j));
      if (distance <= distance_max) pairs.push_back({first + i, second + j - split, distance});
    }
  }
}

}  // namespace

double Distance(std::span<const std::int8_t> x, std::span<const std::int8_t> y) {
  return DistanceOf(Dot(x, x), Dot(y, y), Dot(x, y));
}

std::vector<Neighbour> NearestRows(std::span<const std::int8_t> query,
                                   std::span<const std::int8_t> phi, Columns columns,
                                   std::size_t count) {
  const std::size_t dim = query.size();
  const auto begin = static_cast<std::size_t>(columns.begin);
  const auto size = static_cast<std::size_t>(columns.size);
  std::vector<Neighbour> near;
  for (std::size_t i = 0; (i + 1) * dim <= phi.size(); ++i)
    near.push_back({static_cast<std::int64_t>(i),
                    Distance(query.subspan(begin, size), phi.subspan(i * dim + begin, size))});
  const auto middle = near.begin() + static_cast<std::ptrdiff_t>(std::min(count, near.size()));
  std::partial_sort(near.begin(), middle, near.end(), [](const Neighbour& a, const Neighbour& b) {
    return std::tie(a.distance, a.row) < std::tie(b.distance, b.row);
  });
  near.erase(middle, near.end());
  return near;
}

std::vector<RowPair> ClosestConflicts(const std::vector<Row>& rows, std::int32_t dim,
                                      double distance_max, std::size_t count) {
  std::vector<RowPair> pairs;
  for (std::size_t first = 0; first < rows.size(); first += kBlockRows) {
    for (std::size_t second = first; second < rows.size(); second += kBlockRows) {
      AddConflicts(rows, first, second, dim, distance_max, pairs);
      KeepClosest(pairs, count);
    }
  }
  std::sort(pairs.begin(), pairs.end(), Closer);
  return pairs;
}

}  // namespace ctt::learn
