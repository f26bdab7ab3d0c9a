#include "learn/logistic.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/parallel.h"
#include "kernels/algebra.h"
#include "learn/cholesky.h"
#include "learn/temperature.h"

namespace ctt::learn {
namespace {

constexpr double kSteps = 48;
constexpr std::size_t kRowsAtOnce = 256;
constexpr std::size_t kLanes = 4;          // Sums of the gradient, each one thread's at a time.
constexpr std::size_t kTurnedAtOnce = 16;  // Rows whose bytes share a cache line of a chunk.

}  // namespace

// Some rows: their features as bytes with the columns down, and room for both ways round in fp32.
struct Logistic::Chunk {
  std::span<const Row> rows;
  std::int64_t padded = 0;
  std::vector<std::int8_t> bytes;  // [D_b, padded]

  Chunk(std::span<const Row> part, Columns columns)
      : rows(part),
        padded(PaddedRows(static_cast<std::int64_t>(part.size()))),
        bytes(columns.size * padded) {
    for (std::size_t first = 0; first < rows.size(); first += kTurnedAtOnce)
      for (std::int32_t j = 0; j < columns.size; ++j)
        for (std::size_t i = first; i < std::min(first + kTurnedAtOnce, rows.size()); ++i)
          bytes[j * padded + static_cast<std::int64_t>(i)] = rows[i].phi[columns.begin + j];
  }
};

Logistic::Logistic(const Scatter& scatter, Columns columns)
    : scatter_(scatter),
      columns_(columns),
      gamma_(std::clamp(16.0 / static_cast<double>(scatter.class_count), 0.25, 1.0)),
      mean_(scatter.mean.begin(), scatter.mean.end()),
      total_(scatter.within) {
  const std::int64_t dim = scatter.dim, classes = scatter.class_count;
  std::vector<double> weighted(scatter.offsets);
  for (std::int64_t c = 0; c < classes; ++c)
    for (std::int64_t j = 0; j < dim; ++j) weighted[c * dim + j] *= scatter.counts[c];
  kernels::Algebra().multiply_add(dim, dim, classes, 1.0, {weighted.data(), 1, dim},
                                  {scatter.offsets.data(), dim, 1}, total_.data(), dim);
  double trace = 0;
  for (std::int64_t j = 0; j < dim; ++j) trace += total_[j * dim + j];
  eigenvalue_ = std::max(trace / scatter.example_count / static_cast<double>(dim), 1e-9);
}

Logistic::Bound Logistic::BoundFor(double rho) const {
  const std::int64_t dim = scatter_.dim;
  Bound bound;
  bound.ridge = rho * eigenvalue_;
  std::vector<double> matrix(total_), inverse(dim * dim);
  for (double& entry : matrix) entry *= gamma_ / (2 * scatter_.example_count);
  for (std::int64_t j = 0; j < dim; ++j) {
    matrix[j * dim + j] += bound.ridge;
    inverse[j * dim + j] = 1;
  }
  const std::optional<Cholesky> factor = Cholesky::Factor(std::move(matrix), dim);
  CTT_CHECK(factor.has_value());  // A sum of squares plus a positive multiple of I.
  factor->Solve(inverse, dim);
  bound.inverse.assign(inverse.begin(), inverse.end());
  return bound;
}

class Logistic::Descent {
 public:
  Descent(const Logistic& problem, const std::vector<Row>& rows, const Bound& bound, int threads)
      : problem_(problem), bound_(bound), threads_(threads), n_(static_cast<double>(rows.size())) {
    for (std::size_t first = 0; first < rows.size(); first += kRowsAtOnce)
      chunks_.emplace_back(
          std::span<const Row>(rows).subspan(first, std::min(kRowsAtOnce, rows.size() - first)),
          problem.columns_);
    const auto size = static_cast<std::size_t>(problem.scatter_.class_count * problem.scatter_.dim);
    at_ = {std::vector<float>(size), std::vector<double>(problem.scatter_.class_count)};
    ahead_ = at_;
    step_.resize(size);
    lanes_.resize(std::min(kLanes, chunks_.size()));
  }

  void Step() {
    FindGradient();
    const std::int64_t dim = problem_.scatter_.dim;
    std::fill(step_.begin(), step_.end(), 0.0f);
    kernels::Algebra().multiply_add_f32(problem_.scatter_.class_count, dim, dim, 1.0f,
                                        {lanes_[0].gradient.data(), dim, 1},
                                        {bound_.inverse.data(), dim, 1}, step_.data(), dim);
    Move();
  }
  LogisticWeights Take() && { return std::move(at_); }

 private:
  struct Lane {
    std::vector<float> gradient;          // [C, D_b]
    std::vector<double> bias_gradient;    // [C]
    std::vector<float> features, errors;  // Of one chunk.
  };

  // Lane l sums the chunks l, l + kLanes, ...; lane 0 ends up with all.
  void FindGradient() {
    ParallelFor(threads_, lanes_.size(), [&](std::size_t at) {
      lanes_[at].gradient.assign(step_.size(), 0);
      lanes_[at].bias_gradient.assign(at_.bias.size(), 0);
      for (std::size_t chunk = at; chunk < chunks_.size(); chunk += kLanes)
        AddErrors(chunks_[chunk], lanes_[at]);
    });
    Lane& all = lanes_[0];
    for (const Lane& lane : std::span(lanes_).subspan(1)) {
      for (std::size_t k = 0; k < step_.size(); ++k) all.gradient[k] += lane.gradient[k];
      for (std::size_t c = 0; c < at_.bias.size(); ++c)
        all.bias_gradient[c] += lane.bias_gradient[c];
    }
    const auto scale = static_cast<float>(1 / n_), ridge = static_cast<float>(bound_.ridge);
    for (std::size_t k = 0; k < step_.size(); ++k)
      all.gradient[k] = all.gradient[k] * scale + ridge * ahead_.weights[k];
  }

  // gradient += (P - Y) x^T over the chunk.
  void AddErrors(const Chunk& chunk, Lane& lane) const {
    const kernels::AlgebraKernels& algebra = kernels::Algebra();
    const std::int64_t dim = problem_.scatter_.dim, classes = problem_.scatter_.class_count;
    const auto count = static_cast<std::int64_t>(chunk.rows.size());
    problem_.ScoreChunk(ahead_, chunk, lane.features, lane.errors);
    algebra.softmax_f32(classes, chunk.padded, lane.errors.data());
    for (std::int64_t i = 0; i < count; ++i)
      lane.errors[chunk.rows[i].label * chunk.padded + i] -= 1;
    for (std::int64_t c = 0; c < classes; ++c)
      for (std::int64_t i = 0; i < count; ++i)
        lane.bias_gradient[c] += lane.errors[c * chunk.padded + i];
    lane.features.resize(count * dim);
    for (std::int64_t i = 0; i < count; ++i)
      algebra.subtract_mean_f32(dim, chunk.rows[i].phi + problem_.columns_.begin,
                                problem_.mean_.data(), false, lane.features.data() + i * dim);
    algebra.multiply_add_f32(classes, dim, count, 1.0f, {lane.errors.data(), chunk.padded, 1},
                             {lane.features.data(), dim, 1}, lane.gradient.data(), dim);
  }

  // next = ahead - step; the momentum starts over when the step and the last move disagree.
  void Move() {
    double uphill = 0;
    for (std::size_t k = 0; k < step_.size(); ++k)
      uphill += double{step_[k]} * (ahead_.weights[k] - step_[k] - at_.weights[k]);
    double next_momentum = (1 + std::sqrt(1 + 4 * momentum_ * momentum_)) / 2;
    double carry = (momentum_ - 1) / next_momentum;
    if (uphill > 0) next_momentum = 1, carry = 0;
    momentum_ = next_momentum;
    const auto carry_f32 = static_cast<float>(carry);
    for (std::size_t k = 0; k < step_.size(); ++k) {
      const float next = ahead_.weights[k] - step_[k];
      ahead_.weights[k] = next + carry_f32 * (next - at_.weights[k]);
      at_.weights[k] = next;
    }
    for (std::size_t c = 0; c < at_.bias.size(); ++c) {
      const double next = ahead_.bias[c] - 2 * lanes_[0].bias_gradient[c] / n_;
      ahead_.bias[c] = next + carry * (next - at_.bias[c]);
      at_.bias[c] = next;
    }
  }

  const Logistic& problem_;
  const Bound& bound_;
  int threads_;
  double n_;
  double momentum_ = 1;
  std::vector<Chunk> chunks_;
  LogisticWeights at_, ahead_;  // Where the weights are, and where momentum carries them.
  std::vector<float> step_;     // [C, D_b]
  std::vector<Lane> lanes_;
};

void Logistic::ScoreChunk(const LogisticWeights& model, const Chunk& chunk,
                          std::vector<float>& features, std::vector<float>& scores) const {
  const kernels::AlgebraKernels& algebra = kernels::Algebra();
  const std::int64_t dim = scatter_.dim, classes = scatter_.class_count, padded = chunk.padded;
  features.resize(dim * padded);
  for (std::int64_t j = 0; j < dim; ++j)
    algebra.subtract_mean_f32(padded, chunk.bytes.data() + j * padded, mean_.data() + j, true,
                              features.data() + j * padded);
  scores.resize(classes * padded);
  for (std::int64_t c = 0; c < classes; ++c)
    std::fill_n(scores.begin() + c * padded, padded, static_cast<float>(model.bias[c]));
  algebra.multiply_add_f32(classes, padded, dim, 1.0f, {model.weights.data(), dim, 1},
                           {features.data(), padded, 1}, scores.data(), padded);
}

LogisticWeights Logistic::Fit(const std::vector<Row>& rows, const Bound& bound, int threads,
                              const std::atomic<bool>* cancelled) const {
  Descent descent(*this, rows, bound, threads);
  const auto steps = static_cast<int>(std::lround(kSteps * std::sqrt(gamma_)));
  for (int step = 0; step < steps; ++step) {
    if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) break;
    descent.Step();
  }
  return std::move(descent).Take();
}

std::vector<float> Logistic::Scores(const LogisticWeights& model,
                                    const std::vector<Row>& rows) const {
  const std::int64_t classes = scatter_.class_count;
  const std::int64_t padded = PaddedRows(static_cast<std::int64_t>(rows.size()));
  std::vector<float> all(classes * padded), features, scores;
  for (std::size_t first = 0; first < rows.size(); first += kRowsAtOnce) {
    const Chunk chunk(
        std::span<const Row>(rows).subspan(first, std::min(kRowsAtOnce, rows.size() - first)),
        columns_);
    ScoreChunk(model, chunk, features, scores);
    for (std::int64_t c = 0; c < classes; ++c)
      std::copy_n(scores.begin() + c * chunk.padded, chunk.rows.size(),
                  all.begin() + c * padded + static_cast<std::int64_t>(first));
  }
  return all;
}

}  // namespace ctt::learn
