#include "learn/choose_logistic.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/parallel.h"
#include "learn/choose_lexicon.h"
#include "learn/compare.h"
#include "learn/held_out.h"
#include "learn/rates.h"

namespace ctt::learn {
namespace {

// The last stands for the words alone: an endless ridge on the features.
constexpr std::array<double, 7> kRhos = {0.003, 0.01, 0.03, 0.1, 0.3, 1, Logistic::kTermsAlone};

bool HasWords(const std::vector<Row>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const Row& row) { return !row.ngrams.empty(); });
}

bool IsCancelled(const std::atomic<bool>* cancelled) {
  return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
}

// The bounds that were asked for: B, C and the last fit meet at the same values of rho.
class Bounds {
 public:
  Bounds(const Logistic& logistic, int threads) : logistic_(logistic), threads_(threads) {}
  const Logistic::Bound& At(double rho) {
    const auto [at, added] = made_.try_emplace(rho);
    if (added) at->second = logistic_.BoundFor(rho, threads_);
    return at->second;
  }

 private:
  const Logistic& logistic_;
  int threads_;
  std::map<double, Logistic::Bound> made_;
};

// Along rho: from a middle value downhill on either side, as long as a step gains noticeably.
class RhoSearch {
 public:
  struct Best {
    LogisticChoice choice;
    std::vector<double> losses;  // [held-out rows]
    double rho = 0;              // As in kRhos.
  };

  RhoSearch(const Logistic& logistic, Bounds& bounds, const std::vector<Split>& splits,
            const std::vector<SplitTerms>& terms, std::int64_t class_count, Block block,
            const SettleOptions& options, const std::atomic<bool>* cancelled,
            std::vector<Candidate>& candidates)
      : logistic_(logistic),
        bounds_(bounds),
        splits_(splits),
        terms_(terms),
        no_prior_(class_count),
        block_(block),
        options_(options),
        cancelled_(cancelled),
        candidates_(candidates) {}

  Best Run() {
    const int first = terms_.empty() ? 1 : 2;
    const int count = static_cast<int>(kRhos.size()) - (terms_.empty() ? 1 : 0);
    Try(first);
    for (int at = first + 1; at < count && Try(at);) ++at;
    if (best_.rho <= kRhos[first])
      for (int at = first - 1; at >= 0 && Try(at);) --at;
    return std::move(best_);
  }
  Best RunAt(double rho) {
    Try(static_cast<int>(std::find(kRhos.begin(), kRhos.end(), rho) - kRhos.begin()));
    return std::move(best_);
  }

 private:
  // True when the next step that way is worth a fit.
  bool Try(int at) {
    if (IsCancelled(cancelled_)) return false;
    const auto class_count = static_cast<std::int64_t>(no_prior_.size());
    const HeldOut held_out = HoldOutLogistic(logistic_, splits_, terms_, class_count,
                                             bounds_.At(kRhos[at]), options_.threads, cancelled_);
    const Unseen unseen = held_out.View(no_prior_);
    const Fit fit = FitTemperature(unseen);
    const bool alone = kRhos[at] == Logistic::kTermsAlone;
    const HeadKind kind = terms_.empty() ? HeadKind::kLogistic
                          : alone        ? HeadKind::kLexical
                                         : HeadKind::kHybrid;
    const double rho = alone ? 0 : kRhos[at];
    candidates_.push_back({kind, block_, rho, fit.log_loss, fit.accuracy});
    LogisticChoice& choice = best_.choice;
    if (fit.log_loss >= choice.log_loss) return false;
    std::vector<double> losses = Losses(unseen, fit.beta);
    const bool noticeable = best_.losses.empty() || Gains(best_.losses, losses, kRicherGain);
    choice.kind = kind;
    choice.rho = rho;
    choice.temperature = fit.beta;
    choice.log_loss = fit.log_loss;
    choice.accuracy = fit.accuracy;
    choice.tallies = TallyByLabel(unseen, fit.beta);
    const std::vector<double> misfits = Misfits(unseen, fit.beta);
    choice.set_quantile = SetQuantile(misfits, options_.set_error_rate);
    choice.set_quantiles = SetQuantiles(misfits);
    best_.losses = std::move(losses);
    best_.rho = kRhos[at];
    return noticeable;
  }

  const Logistic& logistic_;
  Bounds& bounds_;
  const std::vector<Split>& splits_;
  const std::vector<SplitTerms>& terms_;
  std::vector<double> no_prior_;  // [C] zeros: the fit has its own intercept.
  Block block_;
  const SettleOptions& options_;
  const std::atomic<bool>* cancelled_;
  std::vector<Candidate>& candidates_;
  Best best_;
};

}  // namespace

std::optional<LogisticChoice> ChooseLogistic(const Statistics& statistics, const RowOrder& order,
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
  std::vector<double> least = Losses(unseen, rival_fit.beta);

  const Logistic logistic(scatter, BlockColumns(discriminant.block, statistics.feature_dim()));
  Bounds bounds(logistic, options.threads);
  const std::vector<SplitTerms> no_terms;
  const auto search = [&](const std::vector<SplitTerms>& with) {
    return RhoSearch(logistic, bounds, splits, with, class_count, discriminant.block, options,
                     cancelled, candidates);
  };
  std::optional<RhoSearch::Best> with_words, chosen;
  if (!terms.empty()) with_words = search(terms).Run();
  // The features want the same ridge beside the words as without them, near enough to tell whether
  // the words are worth it.
  const bool known = with_words && with_words->choice.kind == HeadKind::kHybrid;
  RhoSearch::Best plain = known ? search(no_terms).RunAt(with_words->rho) : search(no_terms).Run();
  if (IsCancelled(cancelled)) return std::nullopt;
  if (Gains(least, plain.losses, kRicherGain)) {
    least = plain.losses;
    chosen = std::move(plain);
  }
  if (with_words && Gains(least, with_words->losses, kRicherGain)) chosen = std::move(with_words);
  if (!chosen) return std::nullopt;
  LogisticChoice& choice = chosen->choice;
  std::optional<FittedTerms> all_terms;
  if (WeighsWords(choice.kind)) {
    choice.lexicon = ChooseLexicon(order.rows, class_count, options.threads);
    all_terms.emplace(choice.lexicon, order.rows);
  }
  choice.model = logistic.Fit(order.rows, all_terms ? &*all_terms : nullptr, bounds.At(chosen->rho),
                              options.threads, cancelled);
  if (IsCancelled(cancelled)) return std::nullopt;
  return std::move(choice);
}

}  // namespace ctt::learn
