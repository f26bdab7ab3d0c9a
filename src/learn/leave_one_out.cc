#include "learn/leave_one_out.h"

#include <algorithm>
#include <cmath>

#include "kernels/algebra.h"
#include "learn/assemble.h"
#include "learn/logarithm.h"

namespace ctt::learn {
namespace {

constexpr double kLeverageFloor = 1e-9;
constexpr int kNewtonStepsMax = 60;
constexpr double kNewtonTolerance = 1e-6;
// Log of how far beta may leave the typical 10 / distance: where every row is right without its own
// help, the loss has no minimum.
constexpr double kLogBetaRange = 7;

std::int64_t Padded(std::int64_t count) {
  return (count + kernels::kAlgebraPad - 1) / kernels::kAlgebraPad * kernels::kAlgebraPad;
}

}  // namespace

LeaveOneOut::LeaveOneOut(const Scatter& scatter, const std::vector<Row>& rows, Columns columns)
    : scatter_(scatter), padded_(0), reduced_(scatter.within, scatter.dim) {
  std::vector<const std::int8_t*> phi;
  for (const Row& row : rows) {
    if (scatter.counts[row.label] < 2) continue;
    labels_.push_back(row.label);
    phi.push_back(row.phi + columns.begin);
  }
  padded_ = Padded(row_count());
  rows_.resize(scatter.dim * padded_);
  for (std::int64_t i = 0; i < row_count(); ++i)
    for (std::int64_t j = 0; j < scatter.dim; ++j)
      rows_[j * padded_ + i] = phi[i][j] - scatter.mean[j];
  offsets_.resize(scatter.dim * scatter.class_count);
  for (std::int64_t c = 0; c < scatter.class_count; ++c)
    for (std::int64_t j = 0; j < scatter.dim; ++j)
      offsets_[j * scatter.class_count + c] = scatter.offsets[c * scatter.dim + j];
  reduced_.Rotate(rows_, padded_);
  reduced_.Rotate(offsets_, scatter.class_count);
}

std::optional<Distances> LeaveOneOut::At(double lambda) const {
  const kernels::AlgebraKernels& algebra = kernels::Algebra();
  const std::int64_t classes = scatter_.class_count, dim = scatter_.dim;
  const auto factor = reduced_.Shifted(lambda * scatter_.tau);
  if (!factor) return std::nullopt;
  std::vector<double> weights = offsets_;
  factor->Solve(weights, classes);
  Distances distances;
  distances.own.resize(padded_);
  algebra.tridiagonal_norms(dim, padded_, rows_.data(), factor->lower.data(),
                            factor->inverse.data(), distances.own.data());
  distances.dots.resize(classes * padded_);
  algebra.multiply_add(classes, padded_, dim, 1.0, {weights.data(), 1, classes},
                       {rows_.data(), padded_, 1}, distances.dots.data(), padded_);
  distances.norms.resize(classes * classes);
  algebra.multiply_add(classes, classes, dim, 1.0, {offsets_.data(), 1, classes},
                       {weights.data(), classes, 1}, distances.norms.data(), classes);
  LeaveOut(distances);
  return distances;
}

double LeaveOneOut::OwnDistance(const Distances& distances, std::int64_t row) const {
  const std::int32_t y = labels_[row];
  return distances.own[row] - 2 * distances.dots[y * padded_ + row] +
         distances.norms[y * scatter_.class_count + y];
}

void LeaveOneOut::LeaveOut(Distances& distances) const {
  const std::int64_t classes = scatter_.class_count, rows = row_count();
  std::vector<double> gain(rows), lead(rows), base(rows);
  distances.left_out.resize(classes * padded_);
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int32_t y = labels_[i];
    const double k = scatter_.counts[y] / (scatter_.counts[y] - 1);
    gain[i] = k / std::max(1 - k * OwnDistance(distances, i), kLeverageFloor);
    lead[i] = distances.own[i] - distances.dots[y * padded_ + i];
  }
  for (std::int64_t j = 0; j < classes; ++j) {
    const double* dots = distances.dots.data() + j * padded_;
    const double* norms = distances.norms.data() + j * classes;
    double* out = distances.left_out.data() + j * padded_;
    for (std::int64_t i = 0; i < rows; ++i) {
      const double g = lead[i] - dots[i] + norms[labels_[i]];
      out[i] = distances.own[i] - 2 * dots[i] + norms[j] + gain[i] * g * g;
    }
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int32_t y = labels_[i];
    const double k = scatter_.counts[y] / (scatter_.counts[y] - 1);
    const double r = OwnDistance(distances, i);
    distances.left_out[y * padded_ + i] = k * k * (r + gain[i] * r * r);
  }
}

struct LeaveOneOut::Moments {
  std::vector<double> largest, sum, first, second;  // [R]
};

LeaveOneOut::Moments LeaveOneOut::MomentsAt(const Distances& distances,
                                            const std::vector<double>& log_prior,
                                            double beta) const {
  Moments moments;
  for (auto* values : {&moments.largest, &moments.sum, &moments.first, &moments.second})
    values->resize(padded_);
  kernels::Algebra().softmax_moments(scatter_.class_count, padded_, beta, distances.left_out.data(),
                                     log_prior.data(), moments.largest.data(), moments.sum.data(),
                                     moments.first.data(), moments.second.data());
  return moments;
}

Fit LeaveOneOut::FitTemperature(const Distances& distances, const std::vector<double>& log_prior,
                                double start) const {
  const std::int64_t rows = row_count();
  const auto n = static_cast<double>(rows);
  double typical = 0;
  for (std::int64_t c = 0; c < scatter_.class_count; ++c)
    for (std::int64_t i = 0; i < rows; ++i)
      typical += std::fabs(distances.left_out[c * padded_ + i]);
  typical = std::max(typical / (2 * n * static_cast<double>(scatter_.class_count)), 1e-12);
  const double middle = Log(10 / typical);
  double log_beta =
      start > 0 ? std::clamp(Log(start), middle - kLogBetaRange, middle + kLogBetaRange) : middle;
  const auto beta_of = [](double log_beta) {
    std::vector<double> x(kernels::kAlgebraPad, log_beta);
    kernels::Algebra().exponential(x.data(), kernels::kAlgebraPad);
    return x[0];
  };
  for (int step = 0; step < kNewtonStepsMax; ++step) {
    const double beta = beta_of(log_beta);
    const Moments moments = MomentsAt(distances, log_prior, beta);
    double slope = 0, curvature = 0;  // Of the loss in log beta.
    for (std::int64_t i = 0; i < rows; ++i) {
      const double mean = moments.first[i] / moments.sum[i];
      const double variance = moments.second[i] / moments.sum[i] - mean * mean;
      const double gap = distances.left_out[labels_[i] * padded_ + i] - mean;
      slope += beta / 2 * gap;
      curvature += beta * beta / 4 * variance + beta / 2 * gap;
    }
    const double newton = curvature > 1e-9 * n ? slope / curvature : slope > 0 ? 0.5 : -0.5;
    const double next = std::clamp(log_beta - std::clamp(newton, -1.0, 1.0), middle - kLogBetaRange,
                                   middle + kLogBetaRange);
    const double moved = std::fabs(next - log_beta);
    log_beta = next;
    if (moved < kNewtonTolerance) break;
  }
  Fit fit;
  fit.beta = beta_of(log_beta);
  const Moments moments = MomentsAt(distances, log_prior, fit.beta);
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int32_t y = labels_[i];
    const double score =
        std::fma(-0.5 * fit.beta, distances.left_out[y * padded_ + i], log_prior[y]);
    fit.log_loss += moments.largest[i] - score + Log(moments.sum[i]);
    if (score == moments.largest[i]) ++right;
  }
  fit.log_loss /= n;
  fit.accuracy = static_cast<double>(right) / n;
  return fit;
}

std::vector<double> LeaveOneOut::Misfits(const Distances& distances,
                                         const std::vector<double>& log_prior, double beta) const {
  const Moments moments = MomentsAt(distances, log_prior, beta);
  std::vector<double> misfits(padded_);
  for (std::int64_t i = 0; i < row_count(); ++i) {
    const std::int32_t y = labels_[i];
    misfits[i] = std::fma(-0.5 * beta, distances.left_out[y * padded_ + i], log_prior[y]) -
                 moments.largest[i];
  }
  kernels::Algebra().exponential(misfits.data(), padded_);
  misfits.resize(row_count());
  for (std::int64_t i = 0; i < row_count(); ++i) misfits[i] = 1 - misfits[i] / moments.sum[i];
  std::sort(misfits.begin(), misfits.end());
  return misfits;
}

// e = x^T (M + B)^-1 x = x^T M^-1 x - |K t|^2; leaving the row out of the total scatter too:
// k^2 e / (1 - k e) with k = n / (n - 1).
std::vector<double> LeaveOneOut::ScopeScores(const Distances& distances) const {
  const std::int64_t classes = scatter_.class_count;
  const std::vector<double> core = ScopeCore(scatter_, distances.norms);  // K^T
  std::vector<double> explained(classes * padded_);
  kernels::Algebra().multiply_add(classes, padded_, classes, 1.0, {core.data(), 1, classes},
                                  {distances.dots.data(), padded_, 1}, explained.data(), padded_);
  const double k = scatter_.example_count / (scatter_.example_count - 1);
  std::vector<double> scores(row_count());
  for (std::int64_t i = 0; i < row_count(); ++i) {
    double e = distances.own[i], nearest = distances.left_out[i];
    for (std::int64_t c = 0; c < classes; ++c) {
      const double part = explained[c * padded_ + i];
      e -= part * part;
      nearest = std::min(nearest, distances.left_out[c * padded_ + i]);
    }
    scores[i] = k * k * e / std::max(1 - k * e, kLeverageFloor) - nearest;
  }
  std::sort(scores.begin(), scores.end());
  return scores;
}

}  // namespace ctt::learn
