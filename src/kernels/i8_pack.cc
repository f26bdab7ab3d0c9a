// Quantising weights within the bound that makes saturation impossible.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "kernels/i8_kernels.h"

namespace ctt::kernels {
namespace {

// The largest quantised weight of a column, of the scales that are tried: 127 is the finest grid,
// where groups past the bound lose the most; the smaller ones are coarser and lose less.
constexpr std::array<float, 10> kStepsTried = {127, 118, 110, 102, 95, 88, 80, 72, 63, 54};

// Takes from the largest weight of that sign, one step at a time, until the group keeps the bound.
void Shave(std::array<std::int32_t*, 4> group, std::int32_t sign) {
  std::int32_t sum = 0;
  for (const std::int32_t* w : group) sum += std::max(0, sign * *w);
  for (; sum > kGroupSumMax; --sum)
    **std::max_element(group.begin(), group.end(), [sign](const auto* a, const auto* b) {
      return sign * *a < sign * *b;
    }) -= sign;
}

void KeepBound(std::vector<std::int32_t>& column) {
  for (std::size_t k = 0; k < column.size(); k += 8)
    for (const std::size_t first : {k, k + 2}) {
      std::int32_t* w = column.data() + first;
      Shave({w, w + 1, w + 4, w + 5}, 1);
      Shave({w, w + 1, w + 4, w + 5}, -1);
    }
}

// Quantises one column at `scale`; returns the sum of squared differences.
double QuantiseColumn(std::span<const float> weights, float scale,
                      std::vector<std::int32_t>& column) {
  for (std::size_t k = 0; k < weights.size(); ++k)
    column[k] = static_cast<std::int32_t>(std::nearbyint(weights[k] / scale));
  KeepBound(column);
  double error = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double off = static_cast<double>(weights[k]) - static_cast<double>(column[k]) * scale;
    error += off * off;
  }
  return error;
}

// The best of the scales tried; leaves the column of it in `best`.
float ChooseScale(std::span<const float> weights, std::vector<std::int32_t>& best) {
  float largest = 0;
  for (const float w : weights) largest = std::max(largest, std::fabs(w));
  std::fill(best.begin(), best.end(), 0);
  float chosen = 0;
  double least = std::numeric_limits<double>::infinity();
  std::vector<std::int32_t> column(weights.size());
  for (const float steps : kStepsTried) {
    const float scale = largest / steps;
    if (scale < std::numeric_limits<float>::min()) break;
    const double error = QuantiseColumn(weights, scale, column);
    if (error >= least) continue;
    least = error;
    chosen = scale;
    best.swap(column);
  }
  return chosen;
}

}  // namespace

void PackI8(std::span<const float> weights, std::int32_t n, std::int32_t k,
            std::span<std::int8_t> panels, std::span<std::int32_t> start, std::span<float> scale) {
  std::vector<std::int32_t> column(k);
  for (std::int32_t j = 0; j < n; ++j) {
    scale[j] = ChooseScale(weights.subspan(static_cast<std::size_t>(j) * k, k), column);
    std::int32_t sum = 0;
    const std::size_t panel = static_cast<std::size_t>(j / kPanelWidth) * kPanelWidth * k;
    for (std::int32_t i = 0; i < k; ++i) {
      panels[panel + (i / 4 * kPanelWidth + j % kPanelWidth) * 4 + i % 4] =
          static_cast<std::int8_t>(column[i]);
      sum += column[i];
    }
    start[j] = -128 * sum;
  }
}

bool PackedI8IsSafe(std::span<const std::int8_t> panels, std::int32_t n, std::int32_t k) {
  if (panels.size() != static_cast<std::size_t>(n) * k) return false;
  for (std::size_t octet = 0; octet < panels.size(); octet += 8 * kPanelWidth)
    for (std::size_t j = 0; j < kPanelWidth; ++j)
      for (const std::size_t first : {0, 2}) {
        std::int32_t above = 0, below = 0;
        for (const std::size_t i :
             {first, first + 1, first + 4 * kPanelWidth, first + 4 * kPanelWidth + 1}) {
          const std::int32_t w = panels[octet + 4 * j + i];
          (w > 0 ? above : below) += w;
        }
        if (above > kGroupSumMax || below < -kGroupSumMax) return false;
      }
  return true;
}

}  // namespace ctt::kernels
