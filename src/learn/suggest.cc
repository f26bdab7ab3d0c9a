#include "learn/suggest.h"

#include <algorithm>

#include "learn/neighbours.h"

namespace ctt::learn {

std::vector<std::size_t> SuggestRows(std::span<const std::int8_t> phi, std::int32_t dim,
                                     std::span<const double> uncertainty, std::size_t count) {
  const auto row = [&](std::size_t i) {
    return phi.subspan(i * static_cast<std::size_t>(dim), static_cast<std::size_t>(dim));
  };
  std::vector<double> distance(uncertainty.size(), 1.0);
  std::vector<std::size_t> chosen;
  while (chosen.size() < std::min(count, uncertainty.size())) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < distance.size(); ++i)
      if (uncertainty[i] * distance[i] > uncertainty[best] * distance[best]) best = i;
    if (uncertainty[best] * distance[best] <= 0) break;
    chosen.push_back(best);
    for (std::size_t i = 0; i < distance.size(); ++i)
      distance[i] = std::min(distance[i], Distance(row(i), row(best)));
  }
  return chosen;
}

}  // namespace ctt::learn
