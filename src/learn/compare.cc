#include "learn/compare.h"

#include <algorithm>
#include <cmath>

#include "learn/logarithm.h"

namespace ctt::learn {

std::vector<double> Losses(const Unseen& unseen, double beta) {
  std::vector<double> losses = Misfits(unseen, beta);
  for (double& loss : losses) loss = -Log(std::max(1 - loss, 1e-12));
  return losses;
}

bool Gains(const std::vector<double>& before, const std::vector<double>& after, double errors) {
  const auto n = static_cast<double>(before.size());
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < before.size(); ++i) sum += before[i] - after[i];
  const double mean = sum / n;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double off = before[i] - after[i] - mean;
    squares += off * off;
  }
  return mean > errors * std::sqrt(squares) / n;
}

}  // namespace ctt::learn
