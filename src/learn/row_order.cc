#include "learn/row_order.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace ctt::learn {
namespace {

// The finaliser of splitmix64 over the bytes, eight at a time.
std::uint64_t HashOf(const std::int8_t* phi, std::size_t dim) {
  std::uint64_t hash = 0x9e3779b97f4a7c15ull + dim;
  for (std::size_t i = 0; i < dim; i += 8) {
    std::uint64_t word = 0;
    for (std::size_t b = 0; b < 8 && i + b < dim; ++b)
      word |= std::uint64_t{static_cast<std::uint8_t>(phi[i + b])} << (8 * b);
    hash = (hash ^ word) + 0x9e3779b97f4a7c15ull;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ull;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebull;
    hash ^= hash >> 31;
  }
  return hash;
}

Status CheckCounts(const Statistics& statistics, const Rows& rows) {
  if (rows.phi.size() !=
      rows.label_index.size() * static_cast<std::size_t>(statistics.feature_dim()))
    return InvalidArgument("the rows' features do not fit their number");
  std::vector<std::int64_t> counts(rows.labels.size());
  for (const std::int32_t index : rows.label_index) {
    if (index < 0 || index >= static_cast<std::int32_t>(counts.size()))
      return InvalidArgument("a row refers to a label that is not there");
    ++counts[index];
  }
  std::map<std::string_view, std::int64_t> held;
  for (std::size_t c = 0; c < counts.size(); ++c)
    if (counts[c] > 0) held[rows.labels[c]] += counts[c];
  const auto& classes = statistics.classes();
  const auto same = [](const auto& row, const auto& sum) {
    return row.first == sum.first && row.second == sum.second.count;
  };
  if (!std::equal(held.begin(), held.end(), classes.begin(), classes.end(), same))
    return InvalidArgument("the rows hold other examples than the statistics");
  return Status::Ok();
}

// Orders each run of classes with equal counts and sums by their sorted rows.
void SeparateTies(std::vector<ContentClass>& classes,
                  const std::map<std::string_view, std::vector<const std::int8_t*>>& rows,
                  std::size_t dim) {
  const auto less = [&](const ContentClass& a, const ContentClass& b) {
    const auto &left = rows.at(a.label), &right = rows.at(b.label);
    return std::lexicographical_compare(
        left.begin(), left.end(), right.begin(), right.end(),
        [&](const std::int8_t* x, const std::int8_t* y) { return std::memcmp(x, y, dim) < 0; });
  };
  for (auto first = classes.begin(); first != classes.end();) {
    auto last = first + 1;
    while (last != classes.end() && *last->sums == *first->sums) ++last;
    std::stable_sort(first, last, less);
    first = last;
  }
}

}  // namespace

Result<RowOrder> OrderRows(const Statistics& statistics, const Rows& rows) {
  CTT_RETURN_IF_ERROR(CheckCounts(statistics, rows));
  const auto dim = static_cast<std::size_t>(statistics.feature_dim());
  const auto less = [&](const std::int8_t* x, const std::int8_t* y) {
    return std::memcmp(x, y, dim) < 0;
  };
  std::map<std::string_view, std::vector<const std::int8_t*>> by_label;
  for (std::size_t i = 0; i < rows.label_index.size(); ++i)
    by_label[rows.labels[rows.label_index[i]]].push_back(rows.phi.data() + i * dim);
  for (auto& [label, held] : by_label) std::sort(held.begin(), held.end(), less);

  RowOrder order;
  order.classes = ContentOrder(statistics);
  SeparateTies(order.classes, by_label, dim);
  for (std::size_t c = 0; c < order.classes.size(); ++c)
    for (const std::int8_t* phi : by_label.at(order.classes[c].label))
      order.rows.push_back({phi, static_cast<std::int32_t>(c), HashOf(phi, dim)});
  std::sort(order.rows.begin(), order.rows.end(), [&](const Row& a, const Row& b) {
    const int compared = std::memcmp(a.phi, b.phi, dim);
    return compared != 0 ? compared < 0 : a.label < b.label;
  });
  return order;
}

std::vector<Row> LeastHashed(const std::vector<Row>& rows, std::size_t count_max) {
  if (rows.size() <= count_max) return rows;
  std::vector<std::size_t> chosen(rows.size());
  for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = i;
  const auto middle = chosen.begin() + static_cast<std::ptrdiff_t>(count_max);
  std::nth_element(chosen.begin(), middle, chosen.end(), [&](std::size_t a, std::size_t b) {
    return rows[a].hash != rows[b].hash ? rows[a].hash < rows[b].hash : a < b;
  });
  std::sort(chosen.begin(), middle);
  std::vector<Row> sample;
  for (auto at = chosen.begin(); at != middle; ++at) sample.push_back(rows[*at]);
  return sample;
}

}  // namespace ctt::learn
