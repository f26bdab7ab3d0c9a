#pragma once
// Answers to texts that came together, corrected for the labels' shares among them
// (learn/prior_shift.h). Pure functions.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "learn/head.h"
#include "service/catalog.h"
#include "service/types.h"

namespace ctt::service {

// [C] by label: the shares that a head with this prior assumes, from the task's examples. A label
// of which the task holds none any more counts as one.
std::vector<double> AssumedShares(std::span<const std::string> labels, const LabelCounts& examples,
                                  learn::Prior prior);

// Corrects the answers, cuts them to the first top_k labels, and gives the shares that it found, by
// name. REQUIRES: answers of one single-label head, with all labels.
std::vector<LabelScore> AdjustPrior(const LabelCounts& examples, learn::Prior prior,
                                    std::int32_t top_k, std::vector<TextAnswer>& texts);

}  // namespace ctt::service
