#include "learn/head.h"

#include <algorithm>
#include <cmath>

#include "kernels/algebra.h"
#include "learn/scatter.h"

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
  }
  return "unknown";
}

Head::Head(Parts parts) : parts_(std::move(parts)) {
  const std::size_t classes = parts_.labels.size();
  const auto dim =
      static_cast<std::size_t>(BlockColumns(parts_.settings.block, parts_.feature_dim).size);
  CTT_CHECK(classes >= 1 && parts_.label_of_class.size() == classes &&
            parts_.bias.size() == classes);
  const bool dense = parts_.settings.kind != HeadKind::kLexical;
  CTT_CHECK(parts_.weights.size() == (dense ? dim * classes : 0));
  CTT_CHECK(parts_.term_weights.size() == parts_.lexicon.size() * classes);
  CTT_CHECK(parts_.term_scales.size() == (weighs_words() ? classes : 0));
  CTT_CHECK(parts_.scope_weights.empty() || parts_.scope_weights.size() == dim * classes);
  CTT_CHECK(parts_.scope_norms.size() == parts_.scope_offsets.size());
  CTT_CHECK(parts_.scope_norms.empty() || (parts_.scope_norms.size() == classes &&
                                           parts_.scope_core.size() == classes * classes));
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

Prediction Head::Predict(std::span<const std::int8_t> phi,
                         std::span<const std::uint32_t> ngrams) const {
  CTT_CHECK(phi.size() == static_cast<std::size_t>(parts_.feature_dim));
  const Columns columns = BlockColumns(parts_.settings.block, parts_.feature_dim);
  const std::span<const std::int8_t> block = phi.subspan(columns.begin, columns.size);
  const std::size_t classes = parts_.labels.size();
  std::vector<double> dots;
  std::vector<double> scores = parts_.bias;
  if (!parts_.weights.empty()) {
    dots = Dots(block, parts_.weights, classes);
    for (std::size_t c = 0; c < classes; ++c) scores[c] = dots[c] + parts_.bias[c];
  }
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
  return nearest - explained;
}

std::size_t Head::memory_bytes() const {
  std::size_t bytes =
      sizeof *this + (parts_.weights.capacity() + parts_.scope_weights.capacity()) * sizeof(float) +
      (parts_.bias.capacity() + parts_.scope_offsets.capacity() + parts_.scope_norms.capacity() +
       parts_.scope_core.capacity()) *
          sizeof(double) +
      parts_.label_of_class.capacity() * sizeof(std::int32_t) + parts_.lexicon.memory_bytes() +
      parts_.term_weights.capacity() + parts_.term_scales.capacity() * sizeof(float);
  for (const std::string& label : parts_.labels) bytes += sizeof(std::string) + label.capacity();
  return bytes;
}

}  // namespace ctt::learn
