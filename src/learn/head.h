#pragma once
// Head: what answers for one task. Features phi int8 [D] -> scores [C] -> calibrated probabilities,
// and whether the text is in scope at all. Immutable; a pure function of (set of examples,
// settings).
//
//   score_c = w_c . phi_b + u_c . v + bias_c   w [D_b, C] fp32, over the chosen block b of phi; v
//   the
//           terms of the text under the head's lexicon, u [K, C] int8 with a scale for each class
//           (heads C and lexical; the lexical one has no w); sums in fp64
//   probability = softmax(score)   the temperature and the log prior are already inside w, u, bias
//   scope = how much nearer the text is to its nearest label than to the task as a whole, always by
//           head A: with x = q - m, and in scope when >= threshold,
//           relative = x^T (M + B)^-1 x - min_c |q - mu_c|^2_M
//           absolute = x^T M^-1 x - min_c |q - mu_c|^2_M - spread |x|^2
//           scope = (relative + absolute) / 2
//
// The relative distance alone (Ren et al. 2021) tells other subjects best, and fails for text of
// the task's own subject, which the whole of the task explains well: there the distance to the
// nearest label counts (docs/decisions/0114-half-relative-scope.md). `spread` makes |x|^2, plain
// length, as large as x^T M^-1 x is on average.
//
// The heads of other kinds of task (TaskKind) are linear maps of the block too:
//   labelwise  probability_c = 1 / (1 + e^-score_c), a question of its own for each label
//   ridge      number = score_0
// their scope is described in labelwise.h and ridge.h.
//
// B = sum_c N_c nu_c nu_c^T (nu_c = mu_c - m) has rank < C, so by Woodbury the C numbers t_c =
// nu_c^T M^-1 x are enough, x^T M^-1 x cancels, and no [D, D] matrix is kept:
//   scope = max_c (2 t_c - nu_c^T M^-1 nu_c) - (|K t|^2 + spread |x|^2) / 2,
//   K = L^-1 diag(sqrt N), lower triangular, L L^T = I + diag(sqrt N) nu^T M^-1 nu diag(sqrt N).
// Sources: METHOD, recommendation; docs/internals/head.md.
//
// Inside, classes stand in content order (scatter.h), so that a renamed label keeps its scores to
// the bit; labels() are in byte order of their names.
//
// Threads: immutable; share as const.
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/status.h"
#include "learn/lexicon.h"
#include "learn/target.h"

namespace ctt::learn {

enum class Block : std::uint8_t { kLast, kLayer4, kBoth };  // phi[0,H), phi[H,2H), phi.
std::string_view BlockName(Block block);                    // "last", "layer4", "both".

// A; pools of A with fitted heads (pool.h): B of the features, C of features and words, and words
// alone; of a multi-label and a regression task.
enum class HeadKind : std::uint8_t {
  kLinearDiscriminant,
  kLogistic,
  kHybrid,
  kLexical,
  kLabelwise,
  kRidge
};
std::string_view HeadKindName(HeadKind kind);  // "A", "B", "C", "lexical", "labelwise", "ridge".
constexpr bool WeighsWords(HeadKind kind) {
  return kind == HeadKind::kHybrid || kind == HeadKind::kLexical;
}
TaskKind TaskKindOf(HeadKind kind);

enum class Prior : std::uint8_t { kEmpirical, kUniform };

// All choices that solving takes; chosen by Settle, kept with the head version, reused by the
// lessons after it until the next Settle.
struct Settings {
  HeadKind kind = HeadKind::kLinearDiscriminant;
  Block block = Block::kBoth;
  double lambda = 1.0;  // Ridge of head A, relative to the mean eigenvalue tau.
  // Head A's scores are -beta * distance / 2 + log prior with beta = temperature * n: distances
  // fall as 1 / n, so the same temperature serves while a task grows.
  double temperature = 1.0;
  double rho = 0.0;  // Ridge of the logistic head in B and C, relative; 0 when there is none.
  double logistic_temperature = 1.0;  // Of heads older than pools, which hold it in the weights.
  Prior prior = Prior::kEmpirical;
  double scope_threshold = -1e300;  // In scope when the scope score is at least this.
  // spread * n, as distances fall as 1 / n; 0: the scope score is the relative distance alone, as
  // in heads that were never settled, and in those of other kinds of task.
  double scope_spread = 0;
  // LAC: a label is in the 90 % set when 1 - p <= this; one quantile for head A, one for the fitted
  // head (B, C or lexical), as with the temperatures.
  double set_quantile = 1.0;
  double logistic_set_quantile = 1.0;
  // Of a labelwise head: labels with many examples have a temperature of their own.
  std::map<std::string, double, std::less<>> label_temperatures;
  friend bool operator==(const Settings&, const Settings&) = default;
};
// docs/internals/head.md. kDataLoss: damaged, of a later version, or a value that no Settle makes.
std::string SerializeSettings(const Settings& settings);
Result<Settings> ParseSettings(std::string_view bytes);

struct LabelProbability {
  std::int32_t label = 0;  // Index into labels().
  double probability = 0;
};

struct NGramWeight {
  std::uint32_t hash = 0;
  double weight = 0;
};

struct Prediction {
  // Falling probability, ties by label index; all C of them. None in a regression task.
  std::vector<LabelProbability> ranked;
  double scope_score = 0;
  bool in_scope = true;  // Always true when the head has no threshold yet.
  // First less second probability, 1 when C = 1. Labelwise: the least |2 p - 1|, 1 without labels.
  // Ridge: 1 / (1 - scope_score), small where little was learned.
  double margin = 0;
  double number = 0;  // Of a ridge head.
};

class Head {
 public:
  // The parts, as Solve and Settle make them. All but labels in content order. Without a scope (one
  // label) the scope parts are empty.
  struct Parts {
    Settings settings;
    std::int32_t feature_dim = 0;              // D
    std::int64_t example_count = 0;            // n
    std::vector<std::string> labels;           // [C]
    std::vector<std::int32_t> label_of_class;  // [C]: class in content order -> index into labels.
    std::vector<float> weights;                // [D_b, C]; empty in a lexical head.
    std::vector<double> bias;                  // [C]
    std::vector<float>
        scope_weights;  // [D_b, C]: M^-1 nu; empty when it is weights / beta (head A).
    std::vector<double> scope_offsets;  // [C]: m^T M^-1 nu_c, taken off so that t_c is about q - m.
    std::vector<double> scope_norms;    // [C]: nu_c^T M^-1 nu_c
    std::vector<double> scope_core;     // [C, C]: K^T; labelwise [C], ridge none.
    std::vector<float> scope_mean;      // [D_b]: m; empty when scope_spread is 0.
    std::vector<float> scope_factor;    // Of a ridge head (ridge.h).
    Lexicon lexicon;                    // Of a head that weighs words; else these three are empty.
    std::vector<std::int8_t> term_weights;  // [K, C], in units of
    std::vector<float> term_scales;         // [C]
  };
  explicit Head(Parts parts);

  const Settings& settings() const { return parts_.settings; }
  const std::vector<std::string>& labels() const { return parts_.labels; }
  std::int64_t example_count() const { return parts_.example_count; }
  std::int32_t feature_dim() const { return parts_.feature_dim; }
  const Parts& parts() const { return parts_; }

  // The LAC quantile of the head that answers.
  double set_quantile() const;

  // Predict takes the text's n-grams into account; otherwise they need not be made.
  bool weighs_words() const { return WeighsWords(parts_.settings.kind); }

  // `ngrams` as text/ngrams.h makes them. REQUIRES: phi.size() == feature_dim().
  Prediction Predict(std::span<const std::int8_t> phi,
                     std::span<const std::uint32_t> ngrams = {}) const;

  // What each n-gram of the text adds to the score of a label, those alone that the head weighs: by
  // falling weight, then by hash. Their sum is what the words of the text add to that score, up to
  // fp32 rounding. REQUIRES: label is an index into labels().
  std::vector<NGramWeight> WeighNGrams(std::span<const std::uint32_t> ngrams,
                                       std::int32_t label) const;

  // docs/internals/head.md; equal heads give equal bytes.
  std::string Serialize() const;
  static Result<Head> Parse(std::string_view bytes);  // kDataLoss: damaged, or of a later version.
  Digest ContentDigest() const;
  std::size_t memory_bytes() const;

 private:
  void AddWords(std::span<const std::uint32_t> ngrams, std::vector<double>& scores) const;
  double ScopeScore(std::span<const std::int8_t> block, std::span<const double> dots) const;
  bool ScopeFits() const;
  Prediction PredictLabels(std::span<const double> dots) const;
  Prediction PredictNumber(std::span<const std::int8_t> phi, std::span<const double> dots) const;

  Parts parts_;
};

}  // namespace ctt::learn
