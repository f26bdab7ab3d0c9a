#include "learn/pool.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/algebra.h"
#include "learn/logarithm.h"
#include "learn/temperature.h"

namespace ctt::learn {
namespace {

constexpr int kStepsMax = 30, kHalvingsMax = 20, kSweepsMax = 200;
constexpr double kTolerance = 1e-6;
constexpr std::int64_t kLanes = kernels::kAlgebraPad;

using Shares = std::array<double, kPoolPartsMax>;  // w_k / beta_k
using Lanes = std::array<double, kLanes>;

// Of the summed loss, in the shares.
struct Quadratic {
  double loss = 0;
  Shares slope{};
  std::array<Shares, kPoolPartsMax> curvature{};
};

class PoolLoss {
 public:
  PoolLoss(std::span<const PoolPart> parts, std::span<const std::int32_t> labels,
           std::int64_t class_count)
      : parts_(parts),
        labels_(labels),
        class_count_(class_count),
        padded_(PaddedRows(static_cast<std::int64_t>(labels.size()))),
        powers_(class_count * kLanes) {}

  Quadratic At(const Shares& shares) {
    Quadratic result;
    for (std::int64_t row = 0; row < padded_; row += kLanes) AddRows(row, shares, result);
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      result.loss += shares[k] * shares[k];
      result.slope[k] += 2 * shares[k];
      result.curvature[k][k] += 2;
    }
    return result;
  }

 private:
  // z_k = -beta_k d_k / 2 of one class and kLanes rows.
  Lanes Scores(std::size_t k, std::int64_t c, std::int64_t row) const {
    const double* distances = parts_[k].distances.data() + c * padded_ + row;
    const double scale = -0.5 * parts_[k].beta;
    Lanes scores;
    for (std::int64_t i = 0; i < kLanes; ++i) scores[i] = scale * distances[i];
    return scores;
  }

  // powers_ = e^(score - largest); adds log sum e^score to `norms`.
  void TakePowers(std::int64_t row, const Shares& shares, Lanes& norms) {
    Lanes largest, sum{};
    largest.fill(-1e300);
    for (std::int64_t c = 0; c < class_count_; ++c) {
      double* score = powers_.data() + c * kLanes;
      std::fill_n(score, kLanes, 0);
      for (std::size_t k = 0; k < parts_.size(); ++k) {
        const Lanes scores = Scores(k, c, row);
        for (std::int64_t i = 0; i < kLanes; ++i) score[i] += shares[k] * scores[i];
      }
      for (std::int64_t i = 0; i < kLanes; ++i) largest[i] = std::max(largest[i], score[i]);
    }
    for (std::int64_t c = 0; c < class_count_; ++c)
      for (std::int64_t i = 0; i < kLanes; ++i) powers_[c * kLanes + i] -= largest[i];
    kernels::Algebra().exponential(powers_.data(), class_count_ * kLanes);
    for (std::int64_t c = 0; c < class_count_; ++c)
      for (std::int64_t i = 0; i < kLanes; ++i) sum[i] += powers_[c * kLanes + i];
    for (std::int64_t c = 0; c < class_count_; ++c)
      for (std::int64_t i = 0; i < kLanes; ++i) powers_[c * kLanes + i] /= sum[i];
    for (std::int64_t i = 0; i < kLanes; ++i) norms[i] = largest[i] + Log(sum[i]);
  }

  void AddRows(std::int64_t row, const Shares& shares, Quadratic& result) {
    Lanes norms;
    TakePowers(row, shares, norms);
    std::array<Lanes, kPoolPartsMax> first{};
    std::array<std::array<Lanes, kPoolPartsMax>, kPoolPartsMax> second{};
    std::array<Lanes, kPoolPartsMax> scores;
    for (std::int64_t c = 0; c < class_count_; ++c) {
      const double* p = powers_.data() + c * kLanes;
      for (std::size_t k = 0; k < parts_.size(); ++k) {
        scores[k] = Scores(k, c, row);
        Lanes weighed;
        for (std::int64_t i = 0; i < kLanes; ++i) weighed[i] = p[i] * scores[k][i];
        for (std::int64_t i = 0; i < kLanes; ++i) first[k][i] += weighed[i];
        for (std::size_t l = 0; l <= k; ++l)
          for (std::int64_t i = 0; i < kLanes; ++i) second[k][l][i] += weighed[i] * scores[l][i];
      }
    }
    const auto rows = static_cast<std::int64_t>(labels_.size());
    for (std::int64_t i = 0; i < std::min(kLanes, rows - row); ++i) {
      const std::int64_t own = labels_[row + i] * padded_ + row + i;
      result.loss += norms[i];
      for (std::size_t k = 0; k < parts_.size(); ++k) {
        const double score = -0.5 * parts_[k].beta * parts_[k].distances[own];
        result.loss -= shares[k] * score;
        result.slope[k] += first[k][i] - score;
        for (std::size_t l = 0; l <= k; ++l)
          result.curvature[k][l] += second[k][l][i] - first[k][i] * first[l][i];
      }
    }
  }

  std::span<const PoolPart> parts_;
  std::span<const std::int32_t> labels_;
  std::int64_t class_count_, padded_;
  std::vector<double> powers_;  // [C, kLanes]
};

// The least of the model over steps that leave the shares >= 0.
Shares StepOf(const Quadratic& model, const Shares& shares, std::size_t count) {
  Shares step{};
  for (int sweep = 0; sweep < kSweepsMax; ++sweep) {
    double moved = 0;
    for (std::size_t k = 0; k < count; ++k) {
      double slope = model.slope[k];
      for (std::size_t l = 0; l < count; ++l)
        slope += model.curvature[std::max(k, l)][std::min(k, l)] * step[l];
      const double next = std::max(step[k] - slope / model.curvature[k][k], -shares[k]);
      moved = std::max(moved, std::fabs(next - step[k]));
      step[k] = next;
    }
    if (moved < kTolerance / 100) break;
  }
  return step;
}

Shares Stepped(const Shares& shares, const Shares& step, double length) {
  Shares result;
  for (std::size_t k = 0; k < result.size(); ++k)
    result[k] = std::max(shares[k] + length * step[k], 0.0);
  return result;
}

}  // namespace

std::vector<double> PoolWeights(std::span<const PoolPart> parts,
                                std::span<const std::int32_t> labels, std::int64_t class_count) {
  PoolLoss loss(parts, labels, class_count);
  Shares shares{};
  std::fill_n(shares.begin(), parts.size(), 1.0 / static_cast<double>(parts.size()));
  Quadratic model = loss.At(shares);
  for (int round = 0; round < kStepsMax; ++round) {
    const Shares step = StepOf(model, shares, parts.size());
    double longest = 0;
    for (const double part : step) longest = std::max(longest, std::fabs(part));
    double length = 1;
    Quadratic next = loss.At(Stepped(shares, step, length));
    for (int halving = 0; halving < kHalvingsMax && next.loss >= model.loss; ++halving) {
      length /= 2;
      next = loss.At(Stepped(shares, step, length));
    }
    if (next.loss >= model.loss) break;
    shares = Stepped(shares, step, length);
    model = next;
    if (longest < kTolerance) break;
  }
  std::vector<double> weights;
  for (std::size_t k = 0; k < parts.size(); ++k) weights.push_back(shares[k] * parts[k].beta);
  return weights;
}

std::vector<double> PooledDistances(std::span<const PoolPart> parts,
                                    std::span<const double> weights) {
  std::vector<double> pooled(parts[0].distances.size());
  for (std::size_t k = 0; k < parts.size(); ++k)
    for (std::size_t at = 0; at < pooled.size(); ++at)
      pooled[at] += weights[k] * parts[k].distances[at];
  return pooled;
}

}  // namespace ctt::learn
