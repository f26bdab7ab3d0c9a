#include "learn/choose_logistic.h"

#include <algorithm>
#include <array>

#include "learn/choose_discriminant.h"
#include "learn/choose_lexicon.h"
#include "learn/compare.h"
#include "learn/held_out.h"

namespace ctt::learn {
namespace {

// The last stands for the words alone: an endless ridge on the features.
constexpr std::array<double, 7> kRhos = {0.003, 0.01, 0.03, 0.1, 0.3, 1, Logistic::kTermsAlone};

bool IsCancelled(const std::atomic<bool>* cancelled) {
  return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
}

// Along rho: from a middle value downhill on either side.
class RhoSearch {
 public:
  struct Best {
    LogisticChoice choice;
    std::vector<double> losses;  // [held-out rows]
    double rho = 0;              // As in kRhos.
  };

  RhoSearch(const Logistic& logistic, const std::vector<Split>& splits,
            const std::vector<SplitTerms>& terms, std::int64_t class_count, Block block,
            const SettleOptions& options, const std::atomic<bool>* cancelled,
            std::vector<Candidate>& candidates)
      : logistic_(logistic),
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

 private:
  // True when it is the best so far.
  bool Try(int at) {
    if (IsCancelled(cancelled_)) return false;
    const auto class_count = static_cast<std::int64_t>(no_prior_.size());
    const HeldOut held_out =
        HoldOutLogistic(logistic_, splits_, terms_, class_count, logistic_.BoundFor(kRhos[at]),
                        options_.threads, cancelled_);
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
    choice.kind = kind;
    choice.rho = rho;
    choice.temperature = fit.beta;
    choice.log_loss = fit.log_loss;
    choice.accuracy = fit.accuracy;
    choice.tallies = TallyByLabel(unseen, fit.beta);
    choice.set_quantile = SetQuantile(Misfits(unseen, fit.beta), options_.set_error_rate);
    best_.losses = Losses(unseen, fit.beta);
    best_.rho = kRhos[at];
    return true;
  }

  const Logistic& logistic_;
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
  const std::optional<HeldOut> rival =
      HoldOutDiscriminant(statistics.feature_dim(), splits, class_count, discriminant);
  if (!rival) return std::nullopt;
  const std::vector<double> log_prior = LogPrior(scatter, Prior::kEmpirical);
  const Unseen unseen = rival->View(log_prior);
  const Fit rival_fit = FitTemperature(unseen);
  candidates.push_back({HeadKind::kLinearDiscriminant, discriminant.block, discriminant.lambda,
                        rival_fit.log_loss, rival_fit.accuracy});
  std::vector<double> least = Losses(unseen, rival_fit.beta);

  const Logistic logistic(scatter, BlockColumns(discriminant.block, statistics.feature_dim()));
  std::optional<RhoSearch::Best> chosen;
  for (const bool words : {false, true}) {
    if (words && std::all_of(order.rows.begin(), order.rows.end(),
                             [](const Row& row) { return row.ngrams.empty(); }))
      continue;
    const std::vector<SplitTerms> terms =
        words ? TermsOf(splits, class_count) : std::vector<SplitTerms>();
    RhoSearch::Best best = RhoSearch(logistic, splits, terms, class_count, discriminant.block,
                                     options, cancelled, candidates)
                               .Run();
    if (IsCancelled(cancelled)) return std::nullopt;
    if (!Gains(least, best.losses, kRicherGain)) continue;
    least = best.losses;
    chosen = std::move(best);
  }
  if (!chosen) return std::nullopt;
  LogisticChoice& choice = chosen->choice;
  std::optional<RowTerms> terms;
  if (WeighsWords(choice.kind)) {
    choice.lexicon = ChooseLexicon(order.rows, class_count);
    terms.emplace(choice.lexicon, order.rows);
  }
  choice.model = logistic.Fit(order.rows, terms ? &*terms : nullptr, logistic.BoundFor(chosen->rho),
                              options.threads, cancelled);
  if (IsCancelled(cancelled)) return std::nullopt;
  return std::move(choice);
}

}  // namespace ctt::learn
