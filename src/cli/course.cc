#include "cli/course.h"

#include <algorithm>
#include <numeric>

namespace ctt::cli {

double Course::Acc() const {
  std::vector<double> last = matrix.back();
  std::sort(last.begin(), last.end());  // The same bits whatever the order of the tasks.
  return std::accumulate(last.begin(), last.end(), 0.0) / static_cast<double>(order.size());
}

double Course::Bwt() const {
  if (order.size() < 2) return 0;
  double sum = 0;
  for (std::size_t j = 0; j + 1 < order.size(); ++j) sum += matrix.back()[j] - matrix[j][j];
  return sum / static_cast<double>(order.size() - 1);
}

double Course::Fwt() const {
  if (order.size() < 2) return 0;
  double sum = 0;
  for (std::size_t j = 1; j < order.size(); ++j) sum += matrix[j - 1][j];  // Less b_j = 0.
  return sum / static_cast<double>(order.size() - 1);
}

}  // namespace ctt::cli
