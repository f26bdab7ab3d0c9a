#include "learn/choose_pool.h"

#include <algorithm>

#include "base/parallel.h"
#include "learn/choose_lexicon.h"
#include "learn/choose_logistic.h"
#include "learn/compare.h"
#include "learn/held_out.h"
#include "learn/pool.h"
#include "learn/rates.h"

namespace ctt::learn {
namespace {

bool HasWords(const std::vector<Row>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const Row& row) { return !row.ngrams.empty(); });
}

bool IsCancelled(const std::atomic<bool>* cancelled) {
  return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
}

HeadKind KindOf(const Pool& pool) {
  if (pool.words == 0) return HeadKind::kLogistic;
  return pool.discriminant > 0 || pool.features > 0 ? HeadKind::kHybrid : HeadKind::kLexical;
}

// Fits the parts that have a weight to all rows, beside each other.
void FitParts(const LogisticTrials& trials, const LogisticTrial& features,
              const std::vector<Row>& rows, Pool& pool) {
  const int both = pool.features > 0 && pool.words > 0 ? 2 : 1;
  const int threads = std::max(1, trials.options.threads / both);
  ParallelFor(trials.options.threads, 2, [&](std::size_t part) {
    if (part == 0 && pool.features > 0)
      pool.of_features = trials.logistic.Fit(rows, features.bound, threads, trials.cancelled);
    if (part == 0 || pool.words == 0) return;
    pool.lexicon = ChooseLexicon(rows, trials.class_count, threads);
    const FittedTerms terms(pool.lexicon, rows);
    pool.of_words = trials.logistic.FitTerms(rows, terms, threads, trials.cancelled);
  });
}

}  // namespace

std::optional<PoolChoice> ChoosePool(const Statistics& statistics, const RowOrder& order,
                                     const Scatter& scatter, const Settings& discriminant,
                                     const SettleOptions& options,
                                     const std::atomic<bool>* cancelled,
                                     std::vector<Candidate>& candidates) {
  const std::int64_t class_count = scatter.class_count;
  if (class_count < 2 || statistics.example_count() < kFittedRowsMin) return std::nullopt;
  const std::vector<Split> splits = SplitsOf(order.rows, class_count);
  if (splits.empty()) return std::nullopt;
  std::optional<HeldOut> rival;
  std::vector<SplitTerms> terms;
  ParallelFor(options.threads, 2, [&](std::size_t task) {
    if (task == 0)
      rival = HoldOutDiscriminant(statistics.feature_dim(), splits, class_count, discriminant);
    else if (HasWords(order.rows))
      terms = TermsOf(splits, class_count);
  });
  if (!rival) return std::nullopt;
  const std::vector<double> log_prior = LogPrior(scatter, Prior::kEmpirical);
  const Unseen unseen = rival->View(log_prior);
  const Fit rival_fit = FitTemperature(unseen);
  candidates.push_back({HeadKind::kLinearDiscriminant, discriminant.block, discriminant.lambda,
                        rival_fit.log_loss, rival_fit.accuracy});

  const Logistic logistic(scatter, BlockColumns(discriminant.block, statistics.feature_dim()));
  const LogisticTrials trials{logistic, splits,    class_count, discriminant.block,
                              options,  cancelled, candidates};
  const std::optional<LogisticTrial> features = ChooseRho(trials);
  std::optional<LogisticTrial> words;
  if (!terms.empty()) words = TryWords(trials, terms);
  if (!features || IsCancelled(cancelled)) return std::nullopt;

  const std::vector<double> no_prior(class_count);
  std::vector<PoolPart> parts = {{unseen.distances, rival_fit.beta},
                                 {features->held_out.View(no_prior).distances, features->fit.beta}};
  if (words) parts.push_back({words->held_out.View(no_prior).distances, words->fit.beta});
  const std::vector<double> weights = PoolWeights(parts, unseen.labels, class_count);
  const std::vector<double> distances = PooledDistances(parts, weights);
  const Unseen pooled{class_count, distances, unseen.labels, no_prior};
  const Fit fit = FitAt(pooled, 1);
  PoolChoice choice;
  choice.pool.discriminant = weights[0];
  choice.pool.features = weights[1];
  choice.pool.words = words ? weights[2] : 0;
  choice.kind = KindOf(choice.pool);
  choice.rho = choice.pool.features > 0 ? features->rho : 0;
  candidates.push_back({choice.kind, discriminant.block, choice.rho, fit.log_loss, fit.accuracy});
  if (choice.pool.features == 0 && choice.pool.words == 0) return std::nullopt;
  if (!Gains(Losses(unseen, rival_fit.beta), Losses(pooled, 1), kPoolGain)) return std::nullopt;
  choice.log_loss = fit.log_loss;
  choice.accuracy = fit.accuracy;
  choice.tallies = TallyByLabel(pooled, 1);
  const std::vector<double> misfits = Misfits(pooled, 1);
  choice.set_quantile = SetQuantile(misfits, options.set_error_rate);
  choice.set_quantiles = SetQuantiles(misfits);
  FitParts(trials, *features, order.rows, choice.pool);
  if (IsCancelled(cancelled)) return std::nullopt;
  return choice;
}

}  // namespace ctt::learn
