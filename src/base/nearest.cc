#include "base/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ctt {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replace = diagonal + (Lower(a[i]) == Lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> NearestNames(std::string_view wanted, std::span<const std::string> names,
                                      std::size_t count_max) {
  wanted = wanted.substr(0, 200);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& name : names) {
    const std::size_t distance = EditDistance(wanted, std::string_view(name).substr(0, 200));
    if (2 * distance <= std::max<std::size_t>(wanted.size(), 2)) near.emplace_back(distance, name);
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string> result;
  for (auto& [distance, name] : near) {
    if (result.size() == count_max) break;
    result.push_back(std::move(name));
  }
  return result;
}

std::string DidYouMean(std::string_view wanted, std::span<const std::string> names) {
  const std::vector<std::string> near = NearestNames(wanted, names);
  std::string text;
  for (std::size_t i = 0; i < near.size(); ++i) {
    text += i == 0 ? "; did you mean " : i + 1 == near.size() ? " or " : ", ";
    text += "'" + near[i] + "'";
  }
  return text.empty() ? text : text + "?";
}

}  // namespace ctt
