#pragma once
// Head: what answers for one task. Features phi int8 [D] -> scores [C] -> calibrated probabilities, and
// whether the text is in scope at all. Immutable; a pure function of (set of examples, settings).
//
//   score_c = w_c . phi_b + bias_c      w [C, D_b] fp32, over the chosen block b of phi
//   probability = softmax(score)        the temperature and the log prior are already inside w and bias
//   scope = relative Mahalanobis distance, from the same class scores of head A:
//           (q - m)^T (M + B)^-1 (q - m) - min_c |q - mu_c|^2_M; in scope when >= threshold
//
// B = U U^T has rank C, so by Woodbury the distance needs only the C numbers mu_c^T M^-1 q: no [D, D]
// matrix is kept. Sources: METHOD, recommendation; Ren et al. 2021 (relative Mahalanobis).
//
// Threads: immutable; share as const. Labels are in byte order of their names.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/status.h"

namespace ctt::learn {

enum class Block : std::uint8_t { kLast, kLayer4, kBoth };  // phi[0,H), phi[H,2H), phi.
std::string_view BlockName(Block block);                    // "last", "layer4", "both".

enum class HeadKind : std::uint8_t { kLinearDiscriminant, kLogistic };  // Heads A and B.
std::string_view HeadKindName(HeadKind kind);  // "A", "B".

enum class Prior : std::uint8_t { kEmpirical, kUniform };

// All choices that solving takes; chosen by Settle, kept with the head version, reused by the lessons
// after it until the next Settle.
struct Settings {
  HeadKind kind = HeadKind::kLinearDiscriminant;
  Block block = Block::kBoth;
  double lambda = 1.0;       // Ridge of head A, relative to the mean eigenvalue tau.
  double temperature = 1.0;  // beta of head A: scores are beta * (-distance / 2) + log prior.
  double rho = 0.0;          // Ridge of head B, relative; 0 when B was not fitted.
  double logistic_temperature = 1.0;
  Prior prior = Prior::kEmpirical;
  double scope_threshold = -1e300;  // In scope when the scope score is at least this.
  double set_quantile = 1.0;        // LAC: a label is in the 90 % set when 1 - p <= this.
  friend bool operator==(const Settings&, const Settings&) = default;
};
std::string SerializeSettings(const Settings& settings);
Result<Settings> ParseSettings(std::string_view bytes);

struct LabelProbability {
  std::int32_t label = 0;  // Index into labels().
  double probability = 0;
};

struct Prediction {
  std::vector<LabelProbability> ranked;  // Falling probability, ties by label index; all C of them.
  double scope_score = 0;
  bool in_scope = true;  // Always true when the head has no threshold yet.
  double margin = 0;     // First less second probability; 1 when C = 1.
};

class Head {
 public:
  // The parts, as Solve and Settle make them. Sizes: see above; scope parts may be empty.
  struct Parts {
    Settings settings;
    std::int32_t feature_dim = 0;
    std::int64_t example_count = 0;
    std::vector<std::string> labels;       // [C]
    std::vector<float> weights;            // [C, D_b]
    std::vector<float> bias;               // [C]
    std::vector<float> scope_weights;      // [C, D_b]: w_c = M^-1 mu_c; empty when equal to weights / beta
    std::vector<double> scope_constants;   // [C]: mu_c^T M^-1 mu_c, and what else the distance needs
    std::vector<double> scope_matrix;      // [C, C]: the Woodbury core
  };
  explicit Head(Parts parts);

  const Settings& settings() const { return parts_.settings; }
  const std::vector<std::string>& labels() const { return parts_.labels; }
  std::int64_t example_count() const { return parts_.example_count; }
  std::int32_t feature_dim() const { return parts_.feature_dim; }

  // REQUIRES: phi.size() == feature_dim().
  Prediction Predict(std::span<const std::int8_t> phi) const;

  std::string Serialize() const;  // docs/internals/head.md; equal heads give equal bytes.
  static Result<Head> Parse(std::string_view bytes);  // kDataLoss.
  Digest ContentDigest() const;
  std::size_t memory_bytes() const;

 private:
  Parts parts_;
};

}  // namespace ctt::learn
