#include "learn/assemble.h"

#include <algorithm>
#include <cmath>

#include "kernels/algebra.h"
#include "learn/temperature.h"

namespace ctt::learn {

std::optional<Discriminant> Discriminate(Scatter& scatter, double lambda) {
  const std::int64_t dim = scatter.dim, classes = scatter.class_count;
  const std::optional<Cholesky> factor = Cholesky::Factor(TakeShrunk(scatter, lambda), dim);
  if (!factor) return std::nullopt;
  Discriminant result;
  result.weights.resize(dim * classes);
  for (std::int64_t c = 0; c < classes; ++c)
    for (std::int64_t j = 0; j < dim; ++j)
      result.weights[j * classes + c] = scatter.offsets[c * dim + j];
  factor->Solve(result.weights, classes);
  result.norms.resize(classes * classes);
  kernels::Algebra().multiply_add(classes, classes, dim, 1.0, {scatter.offsets.data(), dim, 1},
                                  {result.weights.data(), classes, 1}, result.norms.data(),
                                  classes);
  return result;
}

std::vector<double> ScopeCore(const Scatter& scatter, const std::vector<double>& norms) {
  const std::int64_t classes = scatter.class_count;
  std::vector<double> roots(classes), inner(classes * classes), core(classes * classes);
  for (std::int64_t c = 0; c < classes; ++c) roots[c] = std::sqrt(scatter.counts[c]);
  for (std::int64_t i = 0; i < classes; ++i)
    for (std::int64_t j = i; j < classes; ++j)
      inner[i * classes + j] = roots[i] * norms[i * classes + j] * roots[j] + (i == j ? 1.0 : 0.0);
  for (std::int64_t c = 0; c < classes; ++c) core[c * classes + c] = roots[c];
  const std::optional<Cholesky> factor = Cholesky::Factor(std::move(inner), classes);
  CTT_CHECK(factor.has_value());  // I plus a positive semidefinite matrix.
  factor->SolveLower(core, classes);
  std::vector<double> transposed(classes * classes);
  for (std::int64_t i = 0; i < classes; ++i)
    for (std::int64_t j = 0; j <= i; ++j) transposed[j * classes + i] = core[i * classes + j];
  return transposed;
}

namespace {

// All that does not depend on the kind of head: labels, and the scope when there are two labels or
// more.
Head::Parts CommonParts(const std::vector<ContentClass>& classes, std::int32_t feature_dim,
                        const Scatter& scatter, const Discriminant& discriminant,
                        const std::vector<double>& offsets, const Settings& settings) {
  const std::int64_t count = scatter.class_count;
  Head::Parts parts;
  parts.settings = settings;
  parts.feature_dim = feature_dim;
  parts.example_count = static_cast<std::int64_t>(scatter.example_count);
  parts.labels.reserve(classes.size());  // Thousands of heads lie in memory: no room left over.
  parts.label_of_class.reserve(classes.size());
  for (const ContentClass& entry : classes) parts.labels.emplace_back(entry.label);
  std::sort(parts.labels.begin(), parts.labels.end());
  for (const ContentClass& entry : classes) {
    const auto at = std::lower_bound(parts.labels.begin(), parts.labels.end(), entry.label);
    parts.label_of_class.push_back(static_cast<std::int32_t>(at - parts.labels.begin()));
  }
  if (count == 1) return parts;
  parts.scope_offsets = offsets;
  parts.scope_norms.reserve(count);
  for (std::int64_t c = 0; c < count; ++c)
    parts.scope_norms.push_back(discriminant.norms[c * count + c]);
  parts.scope_core = ScopeCore(scatter, discriminant.norms);
  if (settings.scope_spread > 0) parts.scope_mean.assign(scatter.mean.begin(), scatter.mean.end());
  return parts;
}

// [C]: m^T W
std::vector<double> MeanScores(const Scatter& scatter, const Discriminant& discriminant) {
  std::vector<double> scores(scatter.class_count);
  kernels::Algebra().add_rows(scatter.class_count, scatter.dim, 1.0, scatter.mean.data(), 1,
                              discriminant.weights.data(), scatter.class_count, scores.data());
  return scores;
}

}  // namespace

Head AssembleDiscriminant(const std::vector<ContentClass>& classes, std::int32_t feature_dim,
                          const Scatter& scatter, const Discriminant& discriminant,
                          const Settings& settings) {
  const std::int64_t count = scatter.class_count;
  const double beta = settings.temperature * scatter.example_count;
  const std::vector<double> offsets = MeanScores(scatter, discriminant);
  Head::Parts parts = CommonParts(classes, feature_dim, scatter, discriminant, offsets, settings);
  parts.settings.kind = HeadKind::kLinearDiscriminant;
  parts.weights.reserve(discriminant.weights.size());
  for (const double weight : discriminant.weights)
    parts.weights.push_back(static_cast<float>(beta * weight));
  parts.bias = LogPrior(scatter, settings.prior);
  for (std::int64_t c = 0; c < count; ++c)
    parts.bias[c] -= beta * (offsets[c] + discriminant.norms[c * count + c] / 2);
  return Head(std::move(parts));
}

namespace {

// `weight` times the terms' weights [K, padded classes] as whole numbers, each class in units of a
// 127th of its largest.
void RoundTermWeights(const std::vector<float>& weights, double weight, std::size_t classes,
                      Head::Parts& parts) {
  const auto padded = static_cast<std::size_t>(PaddedRows(static_cast<std::int64_t>(classes)));
  std::vector<double> largest(classes);
  for (std::size_t row = 0; row < weights.size(); row += padded)
    for (std::size_t c = 0; c < classes; ++c)
      largest[c] = std::max(largest[c], std::fabs(weight * weights[row + c]));
  for (const double value : largest)
    parts.term_scales.push_back(value > 0 ? static_cast<float>(value / 127) : 1.0f);
  for (std::size_t row = 0; row < weights.size(); row += padded)
    for (std::size_t c = 0; c < classes; ++c)
      parts.term_weights.push_back(static_cast<std::int8_t>(std::clamp(
          std::nearbyint(weight * weights[row + c] / double{parts.term_scales[c]}), -127., 127.)));
}

// The weights of the features and what they say at the mean, which the bias takes off.
void AddDense(const Scatter& scatter, const Discriminant& discriminant, double beta,
              const Pool& pool, const std::vector<double>& offsets, Head::Parts& parts) {
  const std::int64_t count = scatter.class_count, dim = scatter.dim;
  const std::vector<float>& fitted = pool.of_features.weights;
  parts.weights.resize(dim * count);
  for (std::int64_t c = 0; c < count; ++c) {
    double at_mean = 0;
    for (std::int64_t j = 0; j < dim; ++j) {
      double weight = beta * discriminant.weights[j * count + c];
      if (!fitted.empty()) {
        weight += pool.features * fitted[c * dim + j];
        at_mean += fitted[c * dim + j] * scatter.mean[j];
      }
      parts.weights[j * count + c] = static_cast<float>(weight);
    }
    parts.bias[c] -= beta * (offsets[c] + discriminant.norms[c * count + c] / 2);
    if (!fitted.empty()) parts.bias[c] += pool.features * (pool.of_features.bias[c] - at_mean);
  }
}

}  // namespace

// The fits know the labels' shares as they are; a uniform prior takes them off again.
Head AssemblePool(const std::vector<ContentClass>& classes, std::int32_t feature_dim,
                  const Scatter& scatter, const Discriminant& discriminant, Pool pool,
                  const Settings& settings) {
  const std::int64_t count = scatter.class_count;
  const std::vector<double> offsets = MeanScores(scatter, discriminant);
  Head::Parts parts = CommonParts(classes, feature_dim, scatter, discriminant, offsets, settings);
  parts.scope_weights.assign(discriminant.weights.begin(), discriminant.weights.end());
  parts.bias.assign(count, 0);
  if (settings.kind != HeadKind::kLexical)
    AddDense(scatter, discriminant, pool.discriminant * scatter.example_count, pool, offsets,
             parts);
  if (WeighsWords(settings.kind)) {
    for (std::int64_t c = 0; c < count; ++c) parts.bias[c] += pool.words * pool.of_words.bias[c];
    RoundTermWeights(pool.of_words.term_weights, pool.words, static_cast<std::size_t>(count),
                     parts);
    parts.lexicon = std::move(pool.lexicon);
  }
  if (settings.prior == Prior::kUniform) {
    const std::vector<double> log_prior = LogPrior(scatter, Prior::kEmpirical);
    for (std::int64_t c = 0; c < count; ++c) parts.bias[c] -= log_prior[c];
  }
  return Head(std::move(parts));
}

Status SingularStatus() {
  return Internal(
      "the scatter of the task's sums is not positive definite; its statistics are damaged");
}

}  // namespace ctt::learn
