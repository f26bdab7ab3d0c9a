#pragma once
// Whether one head answers better than another on rows that neither has seen. Threads: pure.
#include <vector>

#include "learn/temperature.h"

namespace ctt::learn {

// [rows] -log of each row's probability of its own label under beta.
std::vector<double> Losses(const Unseen& unseen, double beta);

// Whether the mean loss falls by more than this many standard errors of the paired difference.
// REQUIRES: losses of the same rows, at least one.
bool Gains(const std::vector<double>& before, const std::vector<double>& after, double errors);

}  // namespace ctt::learn
