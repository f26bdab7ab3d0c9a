#pragma once
// The labelwise head of a multi-label task: for each label, head A between the examples that hold
// it and those that do not, all from ONE factorisation of M = T + lambda tau I, T the total
// scatter.
//
// With p of n examples holding the label, q = n - p, nu = mu - m, b = p n / q: the scatter within
// the label's two classes is T - b nu nu^T, so by Sherman and Morrison, with s = nu^T M^-1 nu,
//   (Sw + lambda tau I)^-1 nu = M^-1 nu / (1 - b s)
// and the two-class head A is, with t = nu^T M^-1 (phi - m) and the label's own beta,
//   score = beta (n / q) / (1 - b s) (t - s (1 - p / q) / 2) + log(p / q)   (prior uniform: + 0)
//   probability = 1 / (1 + e^-score)
// Leave-one-out is that of leave_one_out.h under Sw + lambda tau I, whose products follow from x^T
// M^-1 x, t and s alone. docs/decisions/0113-labels-share-one-factor.md.
//
// Rules. A label that one example holds, or all but one, cannot be judged by leaving it out: it
// takes the temperature that the labels of few examples share. A label of every example is answered
// by its share, (n + 1/2) : 1/2.
//
// Scope: how much nearer a text is to the mean of some label than to the mean of all,
//   max_l |phi - m|^2_M - |phi - mu_l|^2_M = max_l (2 t_l - s_l)
// Parts (head.h): scope_core [C] is what turns dot_l into t_l + scope_offsets_l, 0 for a label that
// tells nothing; scope_norms [C] is s.
//
// A pure function of the set of examples: labels stand in byte order of their names, and every sum
// over labels is taken in an order of the values, so names leave no trace in the numbers.
#include <atomic>
#include <string_view>
#include <vector>

#include "learn/solve.h"

namespace ctt::learn {

// REQUIRES: statistics of a multi-label task with at least one example. Settings as Solve.
Result<Head> SolveLabelwise(const Statistics& statistics, const Settings& settings);

// As Settle: block, lambda and temperatures by exact leave-one-out log-loss, summed over the
// labels.
Result<Settled> SettleLabelwise(const Statistics& statistics, const Rows& rows,
                                const SettleOptions& options, const std::atomic<bool>* cancelled);

// The same head, or settings, with a label called otherwise; no score changes. REQUIRES: `to` is
// not held.
Head RenameInLabelwise(const Head& head, std::string_view from, std::string_view to);

}  // namespace ctt::learn
