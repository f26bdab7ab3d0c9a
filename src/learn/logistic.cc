#include "learn/logistic.h"

#include <algorithm>
#include <cmath>

#include "kernels/algebra.h"
#include "learn/cholesky.h"
#include "learn/temperature.h"

namespace ctt::learn {
namespace {

constexpr int kSteps = 40;
constexpr std::size_t kRowsAtOnce = 256;

}  // namespace

// Some rows at work, both ways round, and their scores or errors.
struct Logistic::Chunk {
  std::int64_t count = 0, padded = 0;
  std::vector<float> across;  // [count, D_b]
  std::vector<float> down;    // [D_b, padded]
  std::vector<float> scores;  // [C, padded]
};

Logistic::Logistic(const Scatter& scatter, Columns columns)
    : scatter_(scatter),
      columns_(columns),
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
  for (double& entry : matrix) entry /= 2 * scatter_.example_count;
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

void Logistic::Load(const std::vector<Row>& rows, std::size_t first, Chunk& chunk) const {
  const std::int64_t dim = scatter_.dim;
  chunk.count = static_cast<std::int64_t>(std::min(kRowsAtOnce, rows.size() - first));
  chunk.padded = PaddedRows(chunk.count);
  chunk.across.resize(chunk.count * dim);
  chunk.down.assign(dim * chunk.padded, 0);
  for (std::int64_t i = 0; i < chunk.count; ++i) {
    const std::int8_t* phi = rows[first + i].phi + columns_.begin;
    float* out = chunk.across.data() + i * dim;
    for (std::int64_t j = 0; j < dim; ++j) out[j] = static_cast<float>(phi[j]) - mean_[j];
  }
  constexpr std::int64_t kTile = 16;
  for (std::int64_t i = 0; i < chunk.count; i += kTile)
    for (std::int64_t j = 0; j < dim; ++j)
      for (std::int64_t r = i; r < std::min(i + kTile, chunk.count); ++r)
        chunk.down[j * chunk.padded + r] = chunk.across[r * dim + j];
}

void Logistic::ScoreChunk(const LogisticWeights& model, Chunk& chunk) const {
  const std::int64_t dim = scatter_.dim, classes = scatter_.class_count;
  chunk.scores.resize(classes * chunk.padded);
  for (std::int64_t c = 0; c < classes; ++c)
    std::fill_n(chunk.scores.begin() + c * chunk.padded, chunk.padded,
                static_cast<float>(model.bias[c]));
  kernels::Algebra().multiply_add_f32(
      classes, chunk.padded, dim, 1.0f, {model.weights.data(), dim, 1},
      {chunk.down.data(), chunk.padded, 1}, chunk.scores.data(), chunk.padded);
}

LogisticWeights Logistic::Fit(const std::vector<Row>& rows, const Bound& bound,
                              const std::atomic<bool>* cancelled) const {
  const kernels::AlgebraKernels& algebra = kernels::Algebra();
  const std::int64_t dim = scatter_.dim, classes = scatter_.class_count;
  const auto n = static_cast<double>(rows.size());
  const auto ridge = static_cast<float>(bound.ridge);
  LogisticWeights at{std::vector<float>(classes * dim), std::vector<double>(classes)};  // W, b
  LogisticWeights ahead = at;                                                           // V, vb
  double momentum = 1;
  std::vector<float> gradient(classes * dim), step(classes * dim);
  Chunk chunk;
  for (int iteration = 0; iteration < kSteps; ++iteration) {
    if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) break;
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    std::vector<double> bias_gradient(classes);
    for (std::size_t first = 0; first < rows.size(); first += kRowsAtOnce) {
      Load(rows, first, chunk);
      ScoreChunk(ahead, chunk);
      algebra.softmax_f32(classes, chunk.padded, chunk.scores.data());
      for (std::int64_t i = 0; i < chunk.count; ++i)
        chunk.scores[rows[first + i].label * chunk.padded + i] -= 1;
      for (std::int64_t c = 0; c < classes; ++c)
        for (std::int64_t i = 0; i < chunk.count; ++i)
          bias_gradient[c] += chunk.scores[c * chunk.padded + i];
      algebra.multiply_add_f32(classes, dim, chunk.count, 1.0f,
                               {chunk.scores.data(), chunk.padded, 1},
                               {chunk.across.data(), dim, 1}, gradient.data(), dim);
    }
    const float scale = static_cast<float>(1 / n);
    for (std::size_t k = 0; k < gradient.size(); ++k)
      gradient[k] = gradient[k] * scale + ridge * ahead.weights[k];
    std::fill(step.begin(), step.end(), 0.0f);
    algebra.multiply_add_f32(classes, dim, dim, 1.0f, {gradient.data(), dim, 1},
                             {bound.inverse.data(), dim, 1}, step.data(), dim);

    // next = ahead - step; restarted when the step and the last move disagree.
    double uphill = 0;
    for (std::size_t k = 0; k < step.size(); ++k)
      uphill += static_cast<double>(step[k]) * (ahead.weights[k] - step[k] - at.weights[k]);
    double next_momentum = (1 + std::sqrt(1 + 4 * momentum * momentum)) / 2;
    double carry = (momentum - 1) / next_momentum;
    if (uphill > 0) next_momentum = 1, carry = 0;
    momentum = next_momentum;
    const auto carry_f32 = static_cast<float>(carry);
    for (std::size_t k = 0; k < step.size(); ++k) {
      const float next = ahead.weights[k] - step[k];
      ahead.weights[k] = next + carry_f32 * (next - at.weights[k]);
      at.weights[k] = next;
    }
    for (std::int64_t c = 0; c < classes; ++c) {
      const double next = ahead.bias[c] - 2 * bias_gradient[c] / n;
      ahead.bias[c] = next + carry * (next - at.bias[c]);
      at.bias[c] = next;
    }
  }
  return at;
}

std::vector<float> Logistic::Scores(const LogisticWeights& model,
                                    const std::vector<Row>& rows) const {
  const std::int64_t classes = scatter_.class_count;
  const std::int64_t padded = PaddedRows(static_cast<std::int64_t>(rows.size()));
  std::vector<float> scores(classes * padded);
  Chunk chunk;
  for (std::size_t first = 0; first < rows.size(); first += kRowsAtOnce) {
    Load(rows, first, chunk);
    ScoreChunk(model, chunk);
    for (std::int64_t c = 0; c < classes; ++c)
      std::copy_n(chunk.scores.begin() + c * chunk.padded, chunk.count,
                  scores.begin() + c * padded + static_cast<std::int64_t>(first));
  }
  return scores;
}

}  // namespace ctt::learn
