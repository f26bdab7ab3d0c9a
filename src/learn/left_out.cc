#include "learn/left_out.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "kernels/algebra.h"
#include "learn/leave_one_out.h"
#include "learn/logarithm.h"

namespace ctt::learn {
namespace {

constexpr double kProbabilityFloor = 1e-15;

// scores [C] -> softmax, in place; room for kAlgebraPad more.
void Softmax(std::vector<double>& scores, std::size_t count) {
  const double largest = *std::max_element(scores.begin(), scores.begin() + count);
  for (std::size_t c = 0; c < count; ++c) scores[c] -= largest;
  std::fill(scores.begin() + count, scores.end(), 0.0);
  kernels::Algebra().exponential(scores.data(), static_cast<std::int64_t>(scores.size()));
  double sum = 0;
  for (std::size_t c = 0; c < count; ++c) sum += scores[c];
  for (std::size_t c = 0; c < count; ++c) scores[c] /= sum;
}

}  // namespace

LeftOut::LeftOut(const Scatter& scatter, const std::vector<Row>& rows, Columns columns,
                 const Settings& settings)
    : class_count_(static_cast<std::size_t>(scatter.class_count)) {
  for (const Row& row : rows)
    if (scatter.counts[row.label] >= 2) rows_.push_back(row);
  const LeaveOneOut left_out(scatter, rows_, columns);
  const std::optional<Distances> distances =
      rows_.empty() ? std::nullopt : left_out.At(settings.lambda);
  if (!distances) {
    rows_.clear();
    return;
  }
  const std::vector<double> log_prior = LogPrior(scatter, settings.prior);
  const double beta = settings.temperature * scatter.example_count;
  const auto padded = static_cast<std::size_t>(PaddedRows(static_cast<std::int64_t>(size())));
  std::vector<double> scores(
      static_cast<std::size_t>(PaddedRows(static_cast<std::int64_t>(class_count_))));
  probabilities_.reserve(size() * class_count_);
  for (std::size_t i = 0; i < size(); ++i) {
    for (std::size_t c = 0; c < class_count_; ++c)
      scores[c] = std::fma(-0.5 * beta, distances->left_out[c * padded + i], log_prior[c]);
    Softmax(scores, class_count_);
    const auto end = scores.begin() + static_cast<std::ptrdiff_t>(class_count_);
    probabilities_.insert(probabilities_.end(), scores.begin(), end);
    answers_.push_back(
        static_cast<std::int32_t>(std::max_element(scores.begin(), end) - scores.begin()));
  }
}

double LeftOut::accuracy() const {
  std::int64_t right = 0;
  for (std::size_t i = 0; i < size(); ++i) right += Answer(i) == rows_[i].label;
  return static_cast<double>(right) / static_cast<double>(size());
}

double LeftOut::log_loss() const {
  double loss = 0;
  for (std::size_t i = 0; i < size(); ++i) loss -= Log(std::max(Own(i), kProbabilityFloor));
  return loss / static_cast<double>(size());
}

}  // namespace ctt::learn
