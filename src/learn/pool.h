#pragma once
// Pool: what several heads say of the same text, added up with weights that rows held out choose.
//
//   score_c = sum_k w_k z_kc = -1/2 sum_k w_k d_kc
//   minimise over w >= 0   sum_i -log softmax(score(i))[y_i] + sum_k (w_k / beta_k)^2
//
// d_k are distances as in temperature.h and beta_k is part k's own temperature: w_k / beta_k is its
// share. The second term weighs about as much as one row. It keeps the minimum finite where every
// row is right, and single where parts say the same. The loss is convex: Newton's method, each step
// the least of the quadratic model over w >= 0, by cyclic descent, and halved until the loss falls.
// Sums run in the order of rows, classes and parts.
//
// Source: Genest & Zidek 1986 (logarithmic opinion pool). Threads: pure.
#include <cstdint>
#include <span>
#include <vector>

namespace ctt::learn {

inline constexpr std::size_t kPoolPartsMax = 3;

struct PoolPart {
  std::span<const double> distances;  // [C, PaddedRows(R)]
  double beta;                        // > 0
};

// [K] weights. REQUIRES: 1 to kPoolPartsMax parts, at least one label.
std::vector<double> PoolWeights(std::span<const PoolPart> parts,
                                std::span<const std::int32_t> labels, std::int64_t class_count);

// [C, PaddedRows(R)] sum_k w_k d_k
std::vector<double> PooledDistances(std::span<const PoolPart> parts,
                                    std::span<const double> weights);

}  // namespace ctt::learn
