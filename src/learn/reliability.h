#pragma once
// Reliability: how often answers of some confidence are right. Threads: a value.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "learn/metrics.h"

namespace ctt::learn {

// Confidence against accuracy, bin by bin of the top probability.
class Reliability {
 public:
  static constexpr std::size_t kBins = 15;

  void Add(double confidence, bool right) {
    const auto bin = std::min(static_cast<std::size_t>(confidence * kBins), kBins - 1);
    ++count_[bin];
    confidence_[bin] += confidence;
    right_[bin] += right ? 1 : 0;
  }
  double Error(std::int64_t n) const {
    double gap = 0;
    for (std::size_t bin = 0; bin < kBins; ++bin) gap += std::fabs(confidence_[bin] - right_[bin]);
    return gap / static_cast<double>(n);
  }
  std::vector<ReliabilityBin> Bins() const {
    std::vector<ReliabilityBin> bins(kBins);
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      if (count_[bin] == 0) continue;
      const auto n = static_cast<double>(count_[bin]);
      bins[bin] = {count_[bin], confidence_[bin] / n, right_[bin] / n};
    }
    return bins;
  }

 private:
  std::array<std::int64_t, kBins> count_{};
  std::array<double, kBins> confidence_{}, right_{};
};

}  // namespace ctt::learn
