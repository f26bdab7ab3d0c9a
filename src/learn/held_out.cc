#include "learn/held_out.h"

#include <algorithm>
#include <string>

#include "kernels/algebra.h"
#include "learn/assemble.h"

namespace ctt::learn {
namespace {

constexpr std::size_t kFolds = 5;
constexpr std::size_t kFoldedRowsMax = 3000;
constexpr std::size_t kHeldOutMax = 4096;
constexpr std::size_t kFittedMax = 4608;

void DropUnanswerable(std::int64_t class_count, Split& split) {
  std::vector<bool> seen(class_count);
  for (const Row& row : split.fitted) seen[row.label] = true;
  std::erase_if(split.held_out, [&](const Row& row) { return !seen[row.label]; });
}

Split HoldOutLeastHashed(const std::vector<Row>& rows, std::size_t count) {
  Split split;
  split.held_out = LeastHashed(rows, count);
  auto next = split.held_out.begin();
  for (const Row& row : rows) {
    if (next != split.held_out.end() && next->phi == row.phi)
      ++next;
    else
      split.fitted.push_back(row);
  }
  split.fitted = LeastHashed(split.fitted, kFittedMax);
  return split;
}

// [rows, classes of the part]: |q - mu_c|^2 - |q - m|^2 under M.
std::vector<double> DistancesTo(const Scatter& scatter, const Discriminant& solved, Columns columns,
                                const std::vector<Row>& rows) {
  const std::int64_t count = scatter.class_count;
  std::vector<double> distances(rows.size() * count), centred(scatter.dim);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::int64_t j = 0; j < scatter.dim; ++j)
      centred[j] = rows[i].phi[columns.begin + j] - scatter.mean[j];
    double* row = distances.data() + i * count;
    kernels::Algebra().add_rows(count, scatter.dim, 1.0, centred.data(), 1, solved.weights.data(),
                                count, row);
    for (std::int64_t p = 0; p < count; ++p) row[p] = solved.norms[p * count + p] - 2 * row[p];
  }
  return distances;
}

}  // namespace

Statistics StatisticsOf(std::int32_t feature_dim, const std::vector<Row>& rows) {
  Statistics statistics(feature_dim);
  std::vector<std::int8_t> phi;
  std::vector<std::string> labels;
  for (const Row& row : rows) {
    phi.insert(phi.end(), row.phi, row.phi + feature_dim);
    labels.push_back(std::to_string(row.label));
  }
  const Status added = statistics.Add(phi, labels);
  CTT_CHECK(added.ok());  // The rows come from statistics that took them once.
  return statistics;
}

std::vector<Split> SplitsOf(const std::vector<Row>& rows, std::int64_t class_count) {
  std::vector<Split> splits;
  if (rows.size() > kFoldedRowsMax) {
    splits.push_back(HoldOutLeastHashed(rows, std::min(rows.size() / kFolds, kHeldOutMax)));
  } else {
    splits.resize(kFolds);
    for (const Row& row : rows)
      for (std::size_t fold = 0; fold < kFolds; ++fold)
        (row.hash % kFolds == fold ? splits[fold].held_out : splits[fold].fitted).push_back(row);
  }
  for (Split& split : splits) DropUnanswerable(class_count, split);
  std::erase_if(splits, [](const Split& split) { return split.held_out.empty(); });
  return splits;
}

HeldOut::HeldOut(const std::vector<Split>& splits, std::int64_t class_count)
    : class_count_(class_count) {
  for (const Split& split : splits)
    for (const Row& row : split.held_out) labels_.push_back(row.label);
  padded_ = PaddedRows(static_cast<std::int64_t>(labels_.size()));
  distances_.resize(class_count * padded_);
}

std::optional<HeldOut> HoldOutDiscriminant(std::int32_t feature_dim,
                                           const std::vector<Split>& splits,
                                           std::int64_t class_count, const Settings& settings) {
  HeldOut result(splits, class_count);
  const Columns columns = BlockColumns(settings.block, feature_dim);
  for (const Split& split : splits) {
    const Statistics part = StatisticsOf(feature_dim, split.fitted);
    const std::vector<ContentClass> order = ContentOrder(part);
    Scatter scatter = ScatterOf(part, order, settings.block);
    const std::optional<Discriminant> solved = Discriminate(scatter, settings.lambda);
    if (!solved) return std::nullopt;
    std::vector<std::int64_t> place(class_count, -1);  // Of each class in the part's own order.
    for (std::int64_t p = 0; p < scatter.class_count; ++p)
      place[std::stoll(std::string(order[p].label))] = p;
    const std::vector<double> distances = DistancesTo(scatter, *solved, columns, split.held_out);
    result.Append(split.held_out.size(), [&](std::int64_t c, std::size_t i) {
      const double* row = distances.data() + i * scatter.class_count;
      // A label without a fitted row is as far as the farthest.
      const double distance =
          place[c] >= 0 ? row[place[c]] : *std::max_element(row, row + scatter.class_count);
      return distance * scatter.example_count;
    });
  }
  return result;
}

std::vector<SplitTerms> TermsOf(const std::vector<Split>& splits, std::int64_t class_count) {
  std::vector<SplitTerms> terms;
  for (const Split& split : splits) {
    const Lexicon lexicon = ChooseLexicon(split.fitted, class_count, 1);
    terms.push_back({FittedTerms(lexicon, split.fitted), RowTerms(lexicon, split.held_out)});
  }
  return terms;
}

namespace {

// fit(s) and the terms of the rows held out, or null, of each split s.
template <typename Fit, typename Terms>
HeldOut HoldOut(const Logistic& logistic, const std::vector<Split>& splits,
                std::int64_t class_count, Fit fit, Terms terms) {
  HeldOut result(splits, class_count);
  for (std::size_t s = 0; s < splits.size(); ++s) {
    const LogisticWeights model = fit(s);
    const std::vector<float> scores = logistic.Scores(model, splits[s].held_out, terms(s));
    const std::int64_t padded = PaddedRows(static_cast<std::int64_t>(splits[s].held_out.size()));
    result.Append(splits[s].held_out.size(), [&](std::int64_t c, std::size_t i) {
      return -2.0 * scores[c * padded + static_cast<std::int64_t>(i)];
    });
  }
  return result;
}

}  // namespace

HeldOut HoldOutLogistic(const Logistic& logistic, const std::vector<Split>& splits,
                        std::int64_t class_count, const Logistic::Bound& bound, int threads,
                        const std::atomic<bool>* cancelled) {
  return HoldOut(
      logistic, splits, class_count,
      [&](std::size_t s) { return logistic.Fit(splits[s].fitted, bound, threads, cancelled); },
      [](std::size_t) -> const RowTerms* { return nullptr; });
}

HeldOut HoldOutWords(const Logistic& logistic, const std::vector<Split>& splits,
                     const std::vector<SplitTerms>& terms, std::int64_t class_count, int threads,
                     const std::atomic<bool>* cancelled) {
  return HoldOut(
      logistic, splits, class_count,
      [&](std::size_t s) {
        return logistic.FitTerms(splits[s].fitted, terms[s].fitted, threads, cancelled);
      },
      [&](std::size_t s) { return &terms[s].held_out; });
}

}  // namespace ctt::learn
