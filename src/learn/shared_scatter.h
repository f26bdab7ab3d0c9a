#pragma once
// What the heads of multi-label and regression tasks see of the sums: the scatter of all rows about
// their mean, one for every label and number, so that one factorisation of it serves them all.
//
//   T = G - s s^T / n     tau = tr T / D_b, as in head A
//   multi:      offset l = nu_l = S_l / N_l - m, labels in byte order
//   regression: offset 0 = c = V - Y s / n = sum_i (y_i - mean y) x_i, in units
//
// Threads: values and pure functions.
#include "learn/scatter.h"

namespace ctt::learn {

// `within` is T, `counts` N_l (regression: n). REQUIRES: at least one example, not single-label.
Scatter SharedScatterOf(const Statistics& statistics, Block block);

// Of a regression task, in units.
double MeanUnits(const Statistics& statistics);

}  // namespace ctt::learn
