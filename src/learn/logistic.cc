#include "learn/logistic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>

#include "base/parallel.h"
#include "kernels/algebra.h"
#include "learn/cholesky.h"
#include "learn/temperature.h"

namespace ctt::learn {
namespace {

constexpr double kSteps = 48;
constexpr double kTermRidge = 1e-4;
// A multiple of the width of every tile of multiply_add; their features stay in the L2 cache.
constexpr std::size_t kRowsAtOnce = 384;
constexpr std::size_t kLanes = 4;          // Sums of the gradient, each one thread's at a time.
constexpr std::size_t kParts = 4;          // Of the weights, each one thread's at a time.
constexpr std::size_t kTurnedAtOnce = 16;  // Rows whose bytes share a cache line of a chunk.

// scores [C, padded] += U v_i for `count` rows from `first` on.
void AddTermScores(const std::vector<float>& weights, const RowTerms& terms, std::size_t first,
                   std::size_t count, std::size_t padded, std::size_t classes,
                   std::vector<float>& scores) {
  std::vector<float> sum(PaddedRows(static_cast<std::int64_t>(classes)));
  for (std::size_t i = 0; i < count; ++i) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    const RowTerms::Of row = terms.of(first + i);
    kernels::Algebra().add_entries_f32(static_cast<std::int64_t>(sum.size()), row.size(),
                                       row.entries.data(), row.values.data(), weights.data(),
                                       sum.data());
    for (std::size_t c = 0; c < classes; ++c) scores[c * padded + i] += sum[c];
  }
}

// Part `part` of kParts of count elements.
struct Range {
  std::size_t begin, end;
  Range(std::size_t count, std::size_t part)
      : begin(count * part / kParts), end(count * (part + 1) / kParts) {}
};

// Above 0 when the step and the last move disagree.
double Uphill(Range range, const std::vector<float>& step, const std::vector<float>& ahead,
              const std::vector<float>& at) {
  double uphill = 0;
  for (std::size_t k = range.begin; k < range.end; ++k)
    uphill += double{step[k]} * (ahead[k] - step[k] - at[k]);
  return uphill;
}

void MoveBy(Range range, const std::vector<float>& step, float carry, std::vector<float>& ahead,
            std::vector<float>& at) {
  for (std::size_t k = range.begin; k < range.end; ++k) {
    const float next = ahead[k] - step[k];
    ahead[k] = next + carry * (next - at[k]);
    at[k] = next;
  }
}

}  // namespace

// Some rows: their features as bytes with the columns down, and room for both ways round in fp32.
struct Logistic::Chunk {
  std::span<const Row> rows;
  std::size_t first_row;
  std::int64_t padded = 0;
  std::vector<std::int8_t> bytes;  // [D_b, padded]; none of a fit to terms.

  Chunk(const std::vector<Row>& all, std::size_t first, Columns columns)
      : rows(std::span(all).subspan(first, std::min(kRowsAtOnce, all.size() - first))),
        first_row(first),
        padded(PaddedRows(static_cast<std::int64_t>(rows.size()))),
        bytes(columns.size * padded) {
    for (std::size_t begin = 0; begin < rows.size(); begin += kTurnedAtOnce)
      for (std::int32_t j = 0; j < columns.size; ++j)
        for (std::size_t i = begin; i < std::min(begin + kTurnedAtOnce, rows.size()); ++i)
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

Logistic::Bound Logistic::BoundFor(double rho, int threads) const {
  const std::int64_t dim = scatter_.dim;
  Bound bound;
  bound.ridge = rho * eigenvalue_;
  std::vector<double> matrix(total_);
  for (double& entry : matrix) entry *= gamma_ / (2 * scatter_.example_count);
  for (std::int64_t j = 0; j < dim; ++j) matrix[j * dim + j] += bound.ridge;
  const std::optional<Cholesky> factor = Cholesky::Factor(std::move(matrix), dim);
  CTT_CHECK(factor.has_value());  // A sum of squares plus a positive multiple of I.
  bound.inverse.resize(dim * dim);
  ParallelFor(threads, kParts, [&](std::size_t part) {  // Columns of the inverse.
    const Range range(static_cast<std::size_t>(dim), part);
    const std::size_t width = range.end - range.begin;
    std::vector<double> columns(static_cast<std::size_t>(dim) * width);
    for (std::size_t j = 0; j < width; ++j) columns[(range.begin + j) * width + j] = 1;
    factor->Solve(columns, static_cast<std::int64_t>(width));
    for (std::size_t i = 0; i < static_cast<std::size_t>(dim); ++i)
      std::copy_n(columns.begin() + static_cast<std::ptrdiff_t>(i * width), width,
                  bound.inverse.begin() + static_cast<std::ptrdiff_t>(i * dim + range.begin));
  });
  return bound;
}

// Towards the least loss, from 0: of the features' weights, or of the terms'.
class Logistic::Descent {
 public:
  Descent(const Logistic& problem, const std::vector<Row>& rows, const Bound& bound, int threads)
      : Descent(problem, rows, problem.columns_, &LogisticWeights::weights,
                problem.scatter_.class_count * problem.scatter_.dim, bound.ridge, threads) {
    bound_ = &bound;
    step_.resize(Weights().size());
  }
  Descent(const Logistic& problem, const std::vector<Row>& rows, const FittedTerms& terms,
          int threads)
      : Descent(problem, rows, {}, &LogisticWeights::term_weights,
                static_cast<std::int64_t>(terms.rows.lexicon_size()) *
                    PaddedRows(problem.scatter_.class_count),
                kTermRidge, threads) {
    terms_ = &terms.rows;
    factor_ = static_cast<float>(1 / (problem.gamma_ / 2 * terms.eigenvalue + kTermRidge));
  }

  void Step() {
    FindGradient();
    if (bound_ != nullptr) {
      std::fill(step_.begin(), step_.end(), 0.0f);
      ParallelFor(threads_, kParts, [&](std::size_t part) { SolveColumns(part); });
    } else {
      std::swap(step_, lanes_[0].gradient);
    }
    Move();
  }
  LogisticWeights Take() && { return std::move(at_); }

 private:
  struct Lane {
    std::vector<float> gradient;          // As the weights.
    std::vector<double> bias_gradient;    // [C]
    std::vector<float> features, errors;  // Of one chunk.
  };

  Descent(const Logistic& problem, const std::vector<Row>& rows, Columns dense,
          std::vector<float> LogisticWeights::*which, std::int64_t size, double ridge, int threads)
      : problem_(problem),
        which_(which),
        ridge_(static_cast<float>(ridge)),
        threads_(threads),
        n_(static_cast<double>(rows.size())) {
    for (std::size_t first = 0; first < rows.size(); first += kRowsAtOnce)
      chunks_.emplace_back(rows, first, dense);
    Weights().resize(static_cast<std::size_t>(size));
    at_.bias.resize(static_cast<std::size_t>(problem.scatter_.class_count));
    ahead_ = at_;
    lanes_.resize(std::min(kLanes, chunks_.size()));
  }

  std::vector<float>& Weights() { return at_.*which_; }

  // Lane l sums the chunks l, l + kLanes, ...; lane 0 ends up with all.
  void FindGradient() {
    ParallelFor(threads_, lanes_.size(), [&](std::size_t at) {
      lanes_[at].gradient.assign(Weights().size(), 0);
      lanes_[at].bias_gradient.assign(at_.bias.size(), 0);
      for (std::size_t chunk = at; chunk < chunks_.size(); chunk += kLanes)
        AddErrors(chunks_[chunk], lanes_[at]);
    });
    ParallelFor(threads_, kParts, [&](std::size_t part) { SumLanes(part); });
    for (const Lane& lane : std::span(lanes_).subspan(1))
      for (std::size_t c = 0; c < at_.bias.size(); ++c)
        lanes_[0].bias_gradient[c] += lane.bias_gradient[c];
  }

  // The sum over all lanes becomes factor (sum / n + ridge weights), in lane 0.
  void SumLanes(std::size_t part) {
    const auto scale = static_cast<float>(1 / n_);
    const std::vector<float>& weights = ahead_.*which_;
    std::vector<float>& sum = lanes_[0].gradient;
    const Range range(weights.size(), part);
    for (const Lane& lane : std::span(lanes_).subspan(1))
      for (std::size_t k = range.begin; k < range.end; ++k) sum[k] += lane.gradient[k];
    for (std::size_t k = range.begin; k < range.end; ++k)
      sum[k] = (sum[k] * scale + ridge_ * weights[k]) * factor_;
  }

  // Columns of step = gradient inverse.
  void SolveColumns(std::size_t part) {
    const std::int64_t dim = problem_.scatter_.dim;
    const Range range(static_cast<std::size_t>(dim), part);
    kernels::Algebra().multiply_add_f32(
        problem_.scatter_.class_count, static_cast<std::int64_t>(range.end - range.begin), dim,
        1.0f, {lanes_[0].gradient.data(), dim, 1}, {bound_->inverse.data() + range.begin, dim, 1},
        step_.data() + range.begin, dim);
  }

  // gradients += (P - Y) (x, 1)^T over the chunk, or (v, 1)^T.
  void AddErrors(const Chunk& chunk, Lane& lane) const {
    const std::int64_t classes = problem_.scatter_.class_count;
    const auto count = static_cast<std::int64_t>(chunk.rows.size());
    problem_.ScoreChunk(ahead_, chunk, terms_, lane.features, lane.errors);
    kernels::Algebra().softmax_f32(classes, chunk.padded, lane.errors.data());
    for (std::int64_t i = 0; i < count; ++i)
      lane.errors[chunk.rows[i].label * chunk.padded + i] -= 1;
    for (std::int64_t c = 0; c < classes; ++c)
      for (std::int64_t i = 0; i < count; ++i)
        lane.bias_gradient[c] += lane.errors[c * chunk.padded + i];
    if (terms_ == nullptr)
      AddFeatures(chunk, lane);
    else
      AddTerms(chunk, lane);
  }

  void AddFeatures(const Chunk& chunk, Lane& lane) const {
    const kernels::AlgebraKernels& algebra = kernels::Algebra();
    const std::int64_t dim = problem_.scatter_.dim;
    const auto count = static_cast<std::int64_t>(chunk.rows.size());
    lane.features.resize(count * dim);
    for (std::int64_t i = 0; i < count; ++i)
      algebra.subtract_mean_f32(dim, chunk.rows[i].phi + problem_.columns_.begin,
                                problem_.mean_.data(), false, lane.features.data() + i * dim);
    algebra.multiply_add_f32(problem_.scatter_.class_count, dim, count, 1.0f,
                             {lane.errors.data(), chunk.padded, 1}, {lane.features.data(), dim, 1},
                             lane.gradient.data(), dim);
  }

  void AddTerms(const Chunk& chunk, Lane& lane) const {
    const auto classes = static_cast<std::size_t>(problem_.scatter_.class_count);
    const auto padded = static_cast<std::size_t>(chunk.padded);
    std::vector<float> error(PaddedRows(problem_.scatter_.class_count));
    for (std::size_t i = 0; i < chunk.rows.size(); ++i) {
      for (std::size_t c = 0; c < classes; ++c) error[c] = lane.errors[c * padded + i];
      const RowTerms::Of row = terms_->of(chunk.first_row + i);
      kernels::Algebra().add_to_entries_f32(static_cast<std::int64_t>(error.size()), row.size(),
                                            row.entries.data(), row.values.data(), error.data(),
                                            lane.gradient.data());
    }
  }

  // next = ahead - step; the momentum starts over when the step and the last move disagree.
  void Move() {
    std::array<double, kParts> uphill;
    ParallelFor(threads_, kParts, [&](std::size_t part) {
      uphill[part] = Uphill(Range(step_.size(), part), step_, ahead_.*which_, Weights());
    });
    double next_momentum = (1 + std::sqrt(1 + 4 * momentum_ * momentum_)) / 2;
    double carry = (momentum_ - 1) / next_momentum;
    if (std::accumulate(uphill.begin(), uphill.end(), 0.0) > 0) next_momentum = 1, carry = 0;
    momentum_ = next_momentum;
    ParallelFor(threads_, kParts, [&](std::size_t part) {
      MoveBy(Range(step_.size(), part), step_, static_cast<float>(carry), ahead_.*which_,
             Weights());
    });
    for (std::size_t c = 0; c < at_.bias.size(); ++c) {
      const double next = ahead_.bias[c] - 2 * lanes_[0].bias_gradient[c] / n_;
      ahead_.bias[c] = next + carry * (next - at_.bias[c]);
      at_.bias[c] = next;
    }
  }

  const Logistic& problem_;
  std::vector<float> LogisticWeights::*which_;  // The weights that are fitted.
  const Bound* bound_ = nullptr;                // To the features,
  const RowTerms* terms_ = nullptr;             // or to these.
  float ridge_, factor_ = 1;
  int threads_;
  double n_;
  double momentum_ = 1;
  std::vector<Chunk> chunks_;
  LogisticWeights at_, ahead_;  // Where the weights are, and where momentum carries them.
  std::vector<float> step_;     // As the weights.
  std::vector<Lane> lanes_;
};

void Logistic::ScoreChunk(const LogisticWeights& model, const Chunk& chunk, const RowTerms* terms,
                          std::vector<float>& features, std::vector<float>& scores) const {
  const kernels::AlgebraKernels& algebra = kernels::Algebra();
  const std::int64_t dim = scatter_.dim, classes = scatter_.class_count, padded = chunk.padded;
  scores.resize(classes * padded);
  for (std::int64_t c = 0; c < classes; ++c)
    std::fill_n(scores.begin() + c * padded, padded, static_cast<float>(model.bias[c]));
  if (!model.weights.empty()) {
    features.resize(dim * padded);
    for (std::int64_t j = 0; j < dim; ++j)
      algebra.subtract_mean_f32(padded, chunk.bytes.data() + j * padded, mean_.data() + j, true,
                                features.data() + j * padded);
    algebra.multiply_add_f32(classes, padded, dim, 1.0f, {model.weights.data(), dim, 1},
                             {features.data(), padded, 1}, scores.data(), padded);
  }
  if (!model.term_weights.empty())
    AddTermScores(model.term_weights, *terms, chunk.first_row, chunk.rows.size(),
                  static_cast<std::size_t>(padded), static_cast<std::size_t>(classes), scores);
}

LogisticWeights Logistic::Descend(Descent descent, const std::atomic<bool>* cancelled) const {
  const auto steps = static_cast<int>(std::lround(kSteps * std::sqrt(gamma_)));
  for (int step = 0; step < steps; ++step) {
    if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) break;
    descent.Step();
  }
  return std::move(descent).Take();
}

LogisticWeights Logistic::Fit(const std::vector<Row>& rows, const Bound& bound, int threads,
                              const std::atomic<bool>* cancelled) const {
  return Descend(Descent(*this, rows, bound, threads), cancelled);
}

LogisticWeights Logistic::FitTerms(const std::vector<Row>& rows, const FittedTerms& terms,
                                   int threads, const std::atomic<bool>* cancelled) const {
  return Descend(Descent(*this, rows, terms, threads), cancelled);
}

std::vector<float> Logistic::Scores(const LogisticWeights& model, const std::vector<Row>& rows,
                                    const RowTerms* terms) const {
  const std::int64_t classes = scatter_.class_count;
  const std::int64_t padded = PaddedRows(static_cast<std::int64_t>(rows.size()));
  std::vector<float> all(classes * padded), features, scores;
  for (std::size_t first = 0; first < rows.size(); first += kRowsAtOnce) {
    const Chunk chunk(rows, first, model.weights.empty() ? Columns{} : columns_);
    ScoreChunk(model, chunk, terms, features, scores);
    for (std::int64_t c = 0; c < classes; ++c)
      std::copy_n(scores.begin() + c * chunk.padded, chunk.rows.size(),
                  all.begin() + c * padded + static_cast<std::int64_t>(first));
  }
  return all;
}

}  // namespace ctt::learn
