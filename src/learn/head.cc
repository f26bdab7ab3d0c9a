#include "learn/head.h"

#include <algorithm>
#include <cmath>

#include "kernels/algebra.h"
#include "learn/scatter.h"
#include "learn/whitening.h"

namespace ctt::learn {
namespace {

std::vector<double> Dots(std::span<const std::int8_t> block, const std::vector<float>& weights,
                         std::size_t classes) {
  std::vector<double> dots(classes);
  kernels::Algebra().add_scores(block.data(), static_cast<std::int64_t>(block.size()),
                                weights.data(), static_cast<std::int64_t>(classes), dots.data());
  return dots;
}

// Class indices by falling score, ties by label.
std::vector<std::int32_t> Ranking(const std::vector<double>& scores,
                                  const std::vector<std::int32_t>& label_of_class) {
  std::vector<std::int32_t> ranking(scores.size());
  for (std::size_t c = 0; c < ranking.size(); ++c) ranking[c] = static_cast<std::int32_t>(c);
  std::sort(ranking.begin(), ranking.end(), [&](std::int32_t a, std::int32_t b) {
    if (scores[a] != scores[b]) return scores[a] > scores[b];
    return label_of_class[a] < label_of_class[b];
  });
  return ranking;
}

std::size_t Padded(std::size_t count) {
  return (count + kernels::kAlgebraPad - 1) / kernels::kAlgebraPad * kernels::kAlgebraPad;
}

}  // namespace

std::string_view BlockName(Block block) {
  switch (block) {
    case Block::kLast:
      return "last";
    case Block::kLayer4:
      return "layer4";
    case Block::kBoth:
      return "both";
  }
  return "unknown";
}

std::string_view HeadKindName(HeadKind kind) {
  switch (kind) {
    case HeadKind::kLinearDiscriminant:
      return "A";
    case HeadKind::kLogistic:
      return "B";
    case HeadKind::kHybrid:
      return "C";
    case HeadKind::kLexical:
      return "lexical";
    case HeadKind::kLabelwise:
      return "labelwise";
    case HeadKind::kRidge:
      return "ridge";
  }
  return "unknown";
}

TaskKind TaskKindOf(HeadKind kind) {
  if (kind == HeadKind::kLabelwise) return TaskKind::kMulti;
  return kind == HeadKind::kRidge ? TaskKind::kRegression : TaskKind::kSingle;
}

Head::Head(Parts parts) : parts_(std::move(parts)) {
  const HeadKind kind = parts_.settings.kind;
  const std::size_t labels = parts_.labels.size();
  const std::size_t outputs = kind == HeadKind::kRidge ? 1 : labels;
  const auto dim =
      static_cast<std::size_t>(BlockColumns(parts_.settings.block, parts_.feature_dim).size);
  CTT_CHECK(TaskKindOf(kind) != TaskKind::kSingle || labels >= 1);
  CTT_CHECK(kind != HeadKind::kRidge || labels == 0);
  CTT_CHECK(parts_.label_of_class.size() == labels && parts_.bias.size() == outputs);
  CTT_CHECK(parts_.weights.size() == (kind == HeadKind::kLexical ? 0 : dim * outputs));
  CTT_CHECK(parts_.term_weights.size() == parts_.lexicon.size() * labels);
  CTT_CHECK(parts_.term_scales.size() == (weighs_words() ? labels : 0));
  CTT_CHECK(parts_.scope_weights.empty() || parts_.scope_weights.size() == dim * labels);
  CTT_CHECK(parts_.scope_mean.size() ==
            (parts_.settings.scope_spread > 0 && !parts_.scope_norms.empty() ? dim : 0));
  CTT_CHECK(ScopeFits());
}

bool Head::ScopeFits() const {
  const std::size_t labels = parts_.labels.size(), norms = parts_.scope_norms.size();
  const std::size_t offsets = parts_.scope_offsets.size(), core = parts_.scope_core.size();
  if (parts_.settings.kind == HeadKind::kRidge) {
    const auto dim = static_cast<std::size_t>(ScopeColumns(parts_.feature_dim).size);
    return norms == 0 && core == 0 && offsets == dim &&
           parts_.scope_factor.size() == ScopeFactorSize(dim);
  }
  const bool labelwise = parts_.settings.kind == HeadKind::kLabelwise;
  return parts_.scope_factor.empty() && norms == offsets &&
         ((norms == 0 && core == 0) ||
          (norms == labels && core == (labelwise ? labels : labels * labels)));
}

double Head::set_quantile() const {
  const Settings& settings = parts_.settings;
  return settings.kind == HeadKind::kLinearDiscriminant ? settings.set_quantile
                                                        : settings.logistic_set_quantile;
}

// The terms' whole-numbered weights are summed first: one rounding of the scale a class.
void Head::AddWords(std::span<const std::uint32_t> ngrams, std::vector<double>& scores) const {
  std::vector<Term> terms;
  parts_.lexicon.AppendTerms(ngrams, terms);
  const std::size_t classes = scores.size();
  std::vector<float> sums(classes);
  for (const Term& term : terms) {
    const std::int8_t* row =
        parts_.term_weights.data() + static_cast<std::size_t>(term.entry) * classes;
    for (std::size_t c = 0; c < classes; ++c) sums[c] += term.value * static_cast<float>(row[c]);
  }
  for (std::size_t c = 0; c < classes; ++c)
    scores[c] += double{sums[c]} * double{parts_.term_scales[c]};
}

std::vector<NGramWeight> Head::WeighNGrams(std::span<const std::uint32_t> ngrams,
                                           std::int32_t label) const {
  std::vector<Term> terms;
  parts_.lexicon.AppendTerms(ngrams, terms);
  const std::vector<std::int32_t>& labels = parts_.label_of_class;
  const auto of =
      static_cast<std::size_t>(std::find(labels.begin(), labels.end(), label) - labels.begin());
  std::vector<NGramWeight> weights;
  for (const Term& term : terms) {
    const auto entry = static_cast<std::size_t>(term.entry);
    weights.push_back({parts_.lexicon.hashes()[entry],
                       double{term.value} * parts_.term_weights[entry * labels.size() + of] *
                           double{parts_.term_scales[of]}});
  }
  std::stable_sort(weights.begin(), weights.end(),
                   [](const NGramWeight& a, const NGramWeight& b) { return a.weight > b.weight; });
  return weights;
}

Prediction Head::Predict(std::span<const std::int8_t> phi,
                         std::span<const std::uint32_t> ngrams) const {
  CTT_CHECK(phi.size() == static_cast<std::size_t>(parts_.feature_dim));
  const Columns columns = BlockColumns(parts_.settings.block, parts_.feature_dim);
  const std::span<const std::int8_t> block = phi.subspan(columns.begin, columns.size);
  const std::size_t classes = parts_.bias.size();
  std::vector<double> dots;
  std::vector<double> scores = parts_.bias;
  if (!parts_.weights.empty()) {
    dots = Dots(block, parts_.weights, classes);
    for (std::size_t c = 0; c < classes; ++c) scores[c] = dots[c] + parts_.bias[c];
  }
  if (parts_.settings.kind == HeadKind::kLabelwise) return PredictLabels(dots);
  if (parts_.settings.kind == HeadKind::kRidge) return PredictNumber(phi, dots);
  if (weighs_words()) AddWords(ngrams, scores);

  // Summed in rank order, which no name can change.
  const std::vector<std::int32_t> ranking = Ranking(scores, parts_.label_of_class);
  std::vector<double> powers(Padded(classes));
  for (std::size_t r = 0; r < classes; ++r) powers[r] = scores[ranking[r]] - scores[ranking[0]];
  kernels::Algebra().exponential(powers.data(), static_cast<std::int64_t>(powers.size()));
  double sum = 0;
  for (std::size_t r = 0; r < classes; ++r) sum += powers[r];

  Prediction prediction;
  prediction.ranked.reserve(classes);
  for (std::size_t r = 0; r < classes; ++r)
    prediction.ranked.push_back({parts_.label_of_class[ranking[r]], powers[r] / sum});
  prediction.margin =
      classes == 1 ? 1.0 : prediction.ranked[0].probability - prediction.ranked[1].probability;
  prediction.scope_score = ScopeScore(block, dots);
  prediction.in_scope =
      parts_.scope_norms.empty() || prediction.scope_score >= parts_.settings.scope_threshold;
  return prediction;
}

// p = e / (1 + e) with e = e^-|score|, or 1 less that.
Prediction Head::PredictLabels(std::span<const double> dots) const {
  const std::size_t classes = parts_.labels.size();
  std::vector<double> scores(classes), powers(Padded(classes));
  for (std::size_t c = 0; c < classes; ++c) {
    scores[c] = dots[c] + parts_.bias[c];
    powers[c] = -std::fabs(scores[c]);
  }
  kernels::Algebra().exponential(powers.data(), static_cast<std::int64_t>(powers.size()));
  Prediction prediction;
  prediction.margin = 1;
  for (const std::int32_t c : Ranking(scores, parts_.label_of_class)) {
    const double small = powers[c] / (1 + powers[c]);
    const double probability = scores[c] >= 0 ? 1 - small : small;
    prediction.ranked.push_back({parts_.label_of_class[c], probability});
    prediction.margin = std::min(prediction.margin, 1 - 2 * small);
  }
  if (parts_.scope_norms.empty()) return prediction;
  prediction.scope_score = -1e300;
  for (std::size_t c = 0; c < classes; ++c) {
    if (parts_.scope_core[c] == 0) continue;  // Of every example: tells nothing.
    const double t = dots[c] * parts_.scope_core[c] - parts_.scope_offsets[c];
    prediction.scope_score = std::max(prediction.scope_score, 2 * t - parts_.scope_norms[c]);
  }
  prediction.in_scope = prediction.scope_score >= parts_.settings.scope_threshold;
  return prediction;
}

Prediction Head::PredictNumber(std::span<const std::int8_t> phi,
                               std::span<const double> dots) const {
  Prediction prediction;
  prediction.number = dots[0] + parts_.bias[0];
  const Columns columns = ScopeColumns(parts_.feature_dim);
  const std::vector<double> whitened =
      Whitened(phi.subspan(columns.begin, columns.size), parts_.scope_factor, parts_.scope_offsets);
  for (const double value : whitened)
    prediction.scope_score = std::fma(-value, value, prediction.scope_score);
  prediction.in_scope = prediction.scope_score >= parts_.settings.scope_threshold;
  prediction.margin = 1 / (1 - prediction.scope_score);
  return prediction;
}

double Head::ScopeScore(std::span<const std::int8_t> block, std::span<const double> dots) const {
  const std::size_t classes = parts_.scope_norms.size();
  if (classes == 0) return 0;
  std::vector<double> t(classes);
  if (parts_.scope_weights.empty()) {
    const double scale =
        1 / (parts_.settings.temperature * static_cast<double>(parts_.example_count));
    for (std::size_t c = 0; c < classes; ++c) t[c] = dots[c] * scale;
  } else {
    t = Dots(block, parts_.scope_weights, classes);
  }
  double nearest = -1e300;
  for (std::size_t c = 0; c < classes; ++c) {
    t[c] -= parts_.scope_offsets[c];
    nearest = std::max(nearest, 2 * t[c] - parts_.scope_norms[c]);
  }
  std::vector<double> within(classes);
  const auto count = static_cast<std::int64_t>(classes);
  kernels::Algebra().add_rows(count, count, 1.0, t.data(), 1, parts_.scope_core.data(), count,
                              within.data());
  double explained = 0;
  for (const double v : within) explained = std::fma(v, v, explained);
  if (parts_.scope_mean.empty()) return nearest - explained;
  double length = 0;
  for (std::size_t j = 0; j < block.size(); ++j) {
    const double x = block[j] - double{parts_.scope_mean[j]};
    length = std::fma(x, x, length);
  }
  const double spread = parts_.settings.scope_spread / static_cast<double>(parts_.example_count);
  return nearest - (explained + spread * length) / 2;
}

std::size_t Head::memory_bytes() const {
  std::size_t bytes =
      sizeof *this +
      (parts_.weights.capacity() + parts_.scope_weights.capacity() + parts_.scope_mean.capacity()) *
          sizeof(float) +
      (parts_.bias.capacity() + parts_.scope_offsets.capacity() + parts_.scope_norms.capacity() +
       parts_.scope_core.capacity()) *
          sizeof(double) +
      parts_.scope_factor.capacity() * sizeof(float) +
      parts_.label_of_class.capacity() * sizeof(std::int32_t) + parts_.lexicon.memory_bytes() +
      parts_.term_weights.capacity() + parts_.term_scales.capacity() * sizeof(float);
  for (const std::string& label : parts_.labels) bytes += sizeof(std::string) + label.capacity();
  return bytes;
}

}  // namespace ctt::learn
