#include "learn/temperature.h"

#include <algorithm>
#include <cmath>

#include "kernels/algebra.h"
#include "learn/logarithm.h"

namespace ctt::learn {
namespace {

constexpr int kStepsMax = 60;
constexpr double kTolerance = 1e-6;
// Log of how far beta may leave the typical 10 / distance: where every row is right, the loss has
// no minimum.
constexpr double kLogBetaRange = 7;

struct Moments {
  std::vector<double> largest, sum, first, second;  // [R_padded]
};

Moments MomentsAt(const Unseen& unseen, double beta) {
  const std::int64_t padded = PaddedRows(static_cast<std::int64_t>(unseen.labels.size()));
  Moments moments;
  for (auto* values : {&moments.largest, &moments.sum, &moments.first, &moments.second})
    values->resize(padded);
  kernels::Algebra().softmax_moments(
      unseen.classes, padded, beta, unseen.distances.data(), unseen.log_prior.data(),
      moments.largest.data(), moments.sum.data(), moments.first.data(), moments.second.data());
  return moments;
}

double Exp(double x) {
  double padded[kernels::kAlgebraPad] = {x};
  kernels::Algebra().exponential(padded, kernels::kAlgebraPad);
  return padded[0];
}

double OwnScore(const Unseen& unseen, std::size_t row, double beta) {
  const auto padded =
      static_cast<std::size_t>(PaddedRows(static_cast<std::int64_t>(unseen.labels.size())));
  const auto y = static_cast<std::size_t>(unseen.labels[row]);
  return std::fma(-0.5 * beta, unseen.distances[y * padded + row], unseen.log_prior[y]);
}

// Mean |distance| / 2.
double Typical(const Unseen& unseen) {
  const std::size_t rows = unseen.labels.size();
  const auto padded = static_cast<std::size_t>(PaddedRows(static_cast<std::int64_t>(rows)));
  double sum = 0;
  for (std::int64_t c = 0; c < unseen.classes; ++c)
    for (std::size_t i = 0; i < rows; ++i) sum += std::fabs(unseen.distances[c * padded + i]);
  return std::max(sum / (2 * static_cast<double>(rows) * static_cast<double>(unseen.classes)),
                  1e-12);
}

// One Newton step of the loss in log beta, at most 1 long.
double NewtonStep(const Unseen& unseen, double beta) {
  const std::size_t rows = unseen.labels.size();
  const auto padded = static_cast<std::size_t>(PaddedRows(static_cast<std::int64_t>(rows)));
  const Moments moments = MomentsAt(unseen, beta);
  double slope = 0, curvature = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const double mean = moments.first[i] / moments.sum[i];
    const double variance = moments.second[i] / moments.sum[i] - mean * mean;
    const double gap = unseen.distances[unseen.labels[i] * padded + i] - mean;
    slope += beta / 2 * gap;
    curvature += beta * beta / 4 * variance + beta / 2 * gap;
  }
  if (curvature > 1e-9 * static_cast<double>(rows)) return std::clamp(slope / curvature, -1.0, 1.0);
  return slope > 0 ? 0.5 : -0.5;
}

}  // namespace

std::int64_t PaddedRows(std::int64_t rows) {
  return (rows + kernels::kAlgebraPad - 1) / kernels::kAlgebraPad * kernels::kAlgebraPad;
}

Fit FitTemperature(const Unseen& unseen) {
  const double middle = Log(10 / Typical(unseen));
  double log_beta = middle;
  for (int step = 0; step < kStepsMax; ++step) {
    const double next = std::clamp(log_beta - NewtonStep(unseen, Exp(log_beta)),
                                   middle - kLogBetaRange, middle + kLogBetaRange);
    const double moved = std::fabs(next - log_beta);
    log_beta = next;
    if (moved < kTolerance) break;
  }
  return FitAt(unseen, Exp(log_beta));
}

Fit FitAt(const Unseen& unseen, double beta) {
  Fit fit;
  fit.beta = beta;
  const Moments moments = MomentsAt(unseen, fit.beta);
  std::int64_t right = 0;
  for (std::size_t i = 0; i < unseen.labels.size(); ++i) {
    const double score = OwnScore(unseen, i, fit.beta);
    fit.log_loss += moments.largest[i] - score + Log(moments.sum[i]);
    if (score == moments.largest[i]) ++right;
  }
  const auto n = static_cast<double>(unseen.labels.size());
  fit.log_loss /= n;
  fit.accuracy = static_cast<double>(right) / n;
  return fit;
}

std::vector<Tally> TallyByLabel(const Unseen& unseen, double beta) {
  std::vector<Tally> tallies(static_cast<std::size_t>(unseen.classes));
  const Moments moments = MomentsAt(unseen, beta);
  for (std::size_t i = 0; i < unseen.labels.size(); ++i) {
    Tally& tally = tallies[static_cast<std::size_t>(unseen.labels[i])];
    ++tally.rows;
    if (OwnScore(unseen, i, beta) == moments.largest[i]) ++tally.right;
  }
  return tallies;
}

std::vector<double> Misfits(const Unseen& unseen, double beta) {
  const std::size_t rows = unseen.labels.size();
  const Moments moments = MomentsAt(unseen, beta);
  std::vector<double> misfits(moments.sum.size());
  for (std::size_t i = 0; i < rows; ++i)
    misfits[i] = OwnScore(unseen, i, beta) - moments.largest[i];
  kernels::Algebra().exponential(misfits.data(), static_cast<std::int64_t>(misfits.size()));
  misfits.resize(rows);
  for (std::size_t i = 0; i < rows; ++i) misfits[i] = 1 - misfits[i] / moments.sum[i];
  return misfits;
}

}  // namespace ctt::learn
