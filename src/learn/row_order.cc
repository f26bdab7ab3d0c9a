#include "learn/row_order.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace ctt::learn {
namespace {

Status CheckCounts(const Statistics& statistics, const Rows& rows) {
  if (rows.phi.size() !=
      rows.label_index.size() * static_cast<std::size_t>(statistics.feature_dim()))
    return InvalidArgument("the rows' features do not fit their number");
  if (!rows.ngrams.empty() && rows.ngrams.size() != rows.label_index.size())
    return InvalidArgument("the rows' n-grams do not fit their number");
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

// Less and equal by content: features, then n-grams.
class ByContent {
 public:
  ByContent(const Rows& rows, std::size_t dim) : rows_(rows), dim_(dim) {}

  const std::int8_t* phi(std::int32_t row) const { return rows_.phi.data() + row * dim_; }
  std::span<const std::uint32_t> ngrams(std::int32_t row) const {
    if (rows_.ngrams.empty()) return {};
    return rows_.ngrams[row];
  }
  bool operator()(std::int32_t a, std::int32_t b) const {
    const int compared = std::memcmp(phi(a), phi(b), dim_);
    if (compared != 0) return compared < 0;
    const auto left = ngrams(a), right = ngrams(b);
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
  }

 private:
  const Rows& rows_;
  std::size_t dim_;
};

// Orders each run of classes with equal counts and sums by their sorted rows.
void SeparateTies(std::vector<ContentClass>& classes,
                  const std::map<std::string_view, std::vector<std::int32_t>>& rows,
                  const ByContent& by_content) {
  const auto less = [&](const ContentClass& a, const ContentClass& b) {
    const auto &left = rows.at(a.label), &right = rows.at(b.label);
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                        by_content);
  };
  for (auto first = classes.begin(); first != classes.end();) {
    auto last = first + 1;
    while (last != classes.end() && *last->sums == *first->sums) ++last;
    std::stable_sort(first, last, less);
    first = last;
  }
}

}  // namespace

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

Result<RowOrder> OrderRows(const Statistics& statistics, const Rows& rows) {
  CTT_RETURN_IF_ERROR(CheckCounts(statistics, rows));
  const auto dim = static_cast<std::size_t>(statistics.feature_dim());
  const ByContent by_content(rows, dim);
  std::map<std::string_view, std::vector<std::int32_t>> by_label;
  for (std::size_t i = 0; i < rows.label_index.size(); ++i)
    by_label[rows.labels[rows.label_index[i]]].push_back(static_cast<std::int32_t>(i));
  for (auto& [label, held] : by_label) std::sort(held.begin(), held.end(), by_content);

  RowOrder order;
  order.classes = ContentOrder(statistics);
  SeparateTies(order.classes, by_label, by_content);
  for (std::size_t c = 0; c < order.classes.size(); ++c)
    for (const std::int32_t row : by_label.at(order.classes[c].label)) {
      const std::int8_t* phi = by_content.phi(row);
      order.rows.push_back(
          {phi, static_cast<std::int32_t>(c), HashOf(phi, dim), by_content.ngrams(row)});
    }
  std::stable_sort(order.rows.begin(), order.rows.end(), [&](const Row& a, const Row& b) {
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
