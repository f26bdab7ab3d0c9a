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

double Course::Forgetting() const {
  if (order.size() < 2) return 0;
  double sum = 0;
  for (std::size_t j = 0; j + 1 < order.size(); ++j) {
    double best = matrix[j][j];
    for (std::size_t l = j; l + 1 < order.size(); ++l) best = std::max(best, matrix[l][j]);
    sum += best - matrix.back()[j];
  }
  return sum / static_cast<double>(order.size() - 1);
}

double Course::Intransigence() const {
  double sum = 0;
  for (std::size_t j = 0; j < order.size(); ++j) sum += joint[j] - matrix[j][j];
  return sum / static_cast<double>(order.size());
}

double Course::Retention() const {
  double sum = 0;
  int counted = 0;
  for (std::size_t j = 0; j + 1 < order.size(); ++j) {
    if (matrix[j][j] <= 0) continue;
    sum += matrix.back()[j] / matrix[j][j];
    ++counted;
  }
  return counted == 0 ? 1 : sum / counted;
}

}  // namespace ctt::cli
