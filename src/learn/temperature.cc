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

// Of the summed loss, in log beta.
struct Slopes {
  double slope = 0, curvature = 0;
};

Slopes SlopesAt(const Unseen& unseen, double beta) {
  const std::size_t rows = unseen.labels.size();
  const auto padded = static_cast<std::size_t>(PaddedRows(static_cast<std::int64_t>(rows)));
  const Moments moments = MomentsAt(unseen, beta);
  Slopes slopes;
  for (std::size_t i = 0; i < rows; ++i) {
    const double mean = moments.first[i] / moments.sum[i];
    const double variance = moments.second[i] / moments.sum[i] - mean * mean;
    const double gap = unseen.distances[unseen.labels[i] * padded + i] - mean;
    slopes.slope += beta / 2 * gap;
    slopes.curvature += beta * beta / 4 * variance + beta / 2 * gap;
  }
  return slopes;
}

// One Newton step of the loss over so many rows, at most 1 long.
double NewtonStep(const Slopes& slopes, std::size_t rows) {
  if (slopes.curvature > 1e-9 * static_cast<double>(rows))
    return std::clamp(slopes.slope / slopes.curvature, -1.0, 1.0);
  return slopes.slope > 0 ? 0.5 : -0.5;
}

// step_at(beta) is what to take off log beta.
template <typename StepAt>
double LeastBeta(double typical, const StepAt& step_at) {
  const double middle = Log(10 / typical);
  double log_beta = middle;
  for (int step = 0; step < kStepsMax; ++step) {
    const double next = std::clamp(log_beta - step_at(Exp(log_beta)), middle - kLogBetaRange,
                                   middle + kLogBetaRange);
    const double moved = std::fabs(next - log_beta);
    log_beta = next;
    if (moved < kTolerance) break;
  }
  return Exp(log_beta);
}

}  // namespace

std::int64_t PaddedRows(std::int64_t rows) {
  return (rows + kernels::kAlgebraPad - 1) / kernels::kAlgebraPad * kernels::kAlgebraPad;
}

Fit FitTemperature(const Unseen& unseen) {
  const double beta = LeastBeta(Typical(unseen), [&](double at) {
    return NewtonStep(SlopesAt(unseen, at), unseen.labels.size());
  });
  return FitAt(unseen, beta);
}

double SumInAnyOrder(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

double FitSharedTemperature(std::span<const Unseen> problems) {
  std::size_t rows = 0;
  std::vector<double> typical;
  for (const Unseen& problem : problems) {
    rows += problem.labels.size();
    typical.push_back(Typical(problem));
  }
  return LeastBeta(SumInAnyOrder(typical) / static_cast<double>(problems.size()), [&](double beta) {
    std::vector<double> slopes, curvatures;
    for (const Unseen& problem : problems) {
      const Slopes part = SlopesAt(problem, beta);
      slopes.push_back(part.slope);
      curvatures.push_back(part.curvature);
    }
    return NewtonStep({SumInAnyOrder(slopes), SumInAnyOrder(curvatures)}, rows);
  });
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
