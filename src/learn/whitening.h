#pragma once
// K with K^T K = M^-1, M = T + lambda tau I the ridged scatter of all rows on the last layer, as a
// ridge head keeps it: |K (q - m)|^2 is how far a text lies from all that was learned.
//
// K = R^-T of the Cholesky factor, lower triangular, by blocks of 64 outputs: block b holds the
// columns [0, 64 (b + 1)) of its rows, transposed, so that an output is one chain over the
// features. Threads: pure functions.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "learn/scatter.h"

namespace ctt::learn {

Columns ScopeColumns(std::int32_t feature_dim);  // Those of the last layer.
std::size_t ScopeFactorSize(std::size_t dim);    // Numbers in K as it is kept.

struct Whitening {
  std::vector<float> factor;    // [ScopeFactorSize(dim)]: K
  std::vector<double> offsets;  // [dim]: K m
};
// nullopt: M is not positive definite. Takes the scatter's `within` for its work.
std::optional<Whitening> WhitenBy(Scatter& scatter, double lambda);

// K q - offsets, [dim].
std::vector<double> Whitened(std::span<const std::int8_t> q, std::span<const float> factor,
                             std::span<const double> offsets);

}  // namespace ctt::learn
