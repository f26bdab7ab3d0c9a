#include "learn/whitening.h"

#include <algorithm>

#include "kernels/algebra.h"
#include "learn/cholesky.h"

namespace ctt::learn {
namespace {

constexpr std::size_t kBlock = 64;

// visit(first output, outputs, features) for each block.
template <typename Visit>
void ForEachBlock(std::size_t dim, const Visit& visit) {
  for (std::size_t first = 0; first < dim; first += kBlock) {
    const std::size_t outputs = std::min(kBlock, dim - first);
    visit(first, outputs, first + outputs);
  }
}

}  // namespace

Columns ScopeColumns(std::int32_t feature_dim) { return BlockColumns(Block::kLast, feature_dim); }

std::size_t ScopeFactorSize(std::size_t dim) {
  std::size_t size = 0;
  ForEachBlock(dim, [&](std::size_t, std::size_t outputs, std::size_t features) {
    size += outputs * features;
  });
  return size;
}

std::optional<Whitening> WhitenBy(Scatter& scatter, double lambda) {
  const auto dim = static_cast<std::size_t>(scatter.dim);
  const std::optional<Cholesky> factor = Cholesky::Factor(TakeShrunk(scatter, lambda), scatter.dim);
  if (!factor) return std::nullopt;
  std::vector<double> inverse(dim * dim);  // R^-T
  for (std::size_t i = 0; i < dim; ++i) inverse[i * dim + i] = 1;
  factor->SolveLower(inverse, scatter.dim);
  Whitening whitening;
  whitening.factor.reserve(ScopeFactorSize(dim));
  ForEachBlock(dim, [&](std::size_t first, std::size_t outputs, std::size_t features) {
    for (std::size_t d = 0; d < features; ++d)
      for (std::size_t j = first; j < first + outputs; ++j)
        whitening.factor.push_back(static_cast<float>(inverse[j * dim + d]));
  });
  for (std::size_t j = 0; j < dim; ++j) {
    double offset = 0;
    for (std::size_t d = 0; d <= j; ++d) offset += inverse[j * dim + d] * scatter.mean[d];
    whitening.offsets.push_back(offset);
  }
  return whitening;
}

std::vector<double> Whitened(std::span<const std::int8_t> q, std::span<const float> factor,
                             std::span<const double> offsets) {
  std::vector<double> out(q.size());
  ForEachBlock(q.size(), [&](std::size_t first, std::size_t outputs, std::size_t features) {
    kernels::Algebra().add_scores(q.data(), static_cast<std::int64_t>(features), factor.data(),
                                  static_cast<std::int64_t>(outputs), out.data() + first);
    factor = factor.subspan(outputs * features);
  });
  for (std::size_t j = 0; j < out.size(); ++j) out[j] -= offsets[j];
  return out;
}

}  // namespace ctt::learn
