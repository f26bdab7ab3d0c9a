#include "learn/assemble.h"

#include <algorithm>
#include <cmath>

#include "kernels/algebra.h"

namespace ctt::learn {

std::optional<Discriminant> Discriminate(const Scatter& scatter, double lambda) {
  const std::int64_t dim = scatter.dim, classes = scatter.class_count;
  const std::optional<Cholesky> factor = Cholesky::Factor(Shrunk(scatter, lambda), dim);
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

Head AssembleDiscriminant(const std::vector<ContentClass>& classes, std::int32_t feature_dim,
                          const Scatter& scatter, const Discriminant& discriminant,
                          const Settings& settings) {
  const std::int64_t count = scatter.class_count;
  const double beta = settings.temperature * scatter.example_count;
  Head::Parts parts;
  parts.settings = settings;
  parts.settings.kind = HeadKind::kLinearDiscriminant;
  parts.feature_dim = feature_dim;
  parts.example_count = static_cast<std::int64_t>(scatter.example_count);
  for (const ContentClass& entry : classes) parts.labels.emplace_back(entry.label);
  std::sort(parts.labels.begin(), parts.labels.end());
  for (const ContentClass& entry : classes)
    parts.label_of_class.push_back(static_cast<std::int32_t>(
        std::lower_bound(parts.labels.begin(), parts.labels.end(), entry.label) -
        parts.labels.begin()));

  std::vector<double> offsets(count);
  kernels::Algebra().add_rows(count, scatter.dim, 1.0, scatter.mean.data(), 1,
                              discriminant.weights.data(), count, offsets.data());
  parts.weights.reserve(discriminant.weights.size());
  for (const double weight : discriminant.weights)
    parts.weights.push_back(static_cast<float>(beta * weight));
  parts.bias = LogPrior(scatter, settings.prior);
  for (std::int64_t c = 0; c < count; ++c) {
    const double norm = discriminant.norms[c * count + c];
    parts.bias[c] -= beta * (offsets[c] + norm / 2);
    if (count > 1) parts.scope_norms.push_back(norm);
  }
  if (count > 1) {
    parts.scope_offsets = std::move(offsets);
    parts.scope_core = ScopeCore(scatter, discriminant.norms);
  }
  return Head(std::move(parts));
}

}  // namespace ctt::learn
