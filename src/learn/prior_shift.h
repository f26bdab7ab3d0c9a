#pragma once
// Prior shift: texts that come together, whose labels have other shares than those that the head
// has learned. Which shares, their answers tell.
//
//   p'_ic = p_ic s_c / t_c over its sum over c        t the shares that the head assumes
//   s_c <- (C t_c + sum_i p'_ic) / (C + n)            from s = t, until it stays
//
// which is expectation-maximisation of  sum_i log sum_c p_ic s_c / t_c + C sum_c t_c log s_c.
// The second sum weighs as much as one row for each label, with the assumed shares: few texts move
// little, and no share becomes 0. The whole is strictly concave, so there is one answer; when the
// mean of p is t already, it is t. It holds when only the shares have changed, not what the texts
// of a label are like. Texts out of scope tell nothing.
//
// Source: Saerens, Latinne & Decaestecker 2002. Sums run in the order of the texts. Threads: pure.
#include <span>
#include <vector>

#include "learn/head.h"

namespace ctt::learn {

// [C] shares by label index; as assumed when no text is in scope. REQUIRES: predictions of one
// single-label head; `assumed` [C] above 0 with sum 1.
std::vector<double> EstimateShares(std::span<const Prediction> predictions,
                                   std::span<const double> assumed);

// What the head would have said, had it assumed `shares`: probabilities, their order, the margin.
void ApplyShares(std::span<const double> shares, std::span<const double> assumed,
                 Prediction& prediction);

}  // namespace ctt::learn
