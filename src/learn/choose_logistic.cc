#include "learn/choose_logistic.h"

#include <array>

#include "learn/compare.h"

namespace ctt::learn {
namespace {

constexpr std::array<double, 6> kRhos = {0.003, 0.01, 0.03, 0.1, 0.3, 1};
constexpr int kFirst = 1;
// How far the next ridge must have gained (compare.h) to go on that way.
constexpr double kStepGain = 0.7;

LogisticTrial Judge(const LogisticTrials& trials, HeadKind kind, double rho, Logistic::Bound bound,
                    HeldOut held_out) {
  const std::vector<double> no_prior(trials.class_count);  // The fit has its own intercept.
  const Unseen unseen = held_out.View(no_prior);
  const Fit fit = FitTemperature(unseen);
  std::vector<double> losses = Losses(unseen, fit.beta);
  trials.candidates.push_back({kind, trials.block, rho, fit.log_loss, fit.accuracy});
  return {rho, std::move(bound), std::move(held_out), fit, std::move(losses)};
}

LogisticTrial Try(const LogisticTrials& trials, double rho) {
  const int threads = trials.options.threads;
  Logistic::Bound bound = trials.logistic.BoundFor(rho, threads);
  HeldOut held_out = HoldOutLogistic(trials.logistic, trials.splits, trials.class_count, bound,
                                     threads, trials.cancelled);
  return Judge(trials, HeadKind::kLogistic, rho, std::move(bound), std::move(held_out));
}

// Along rho: from a low value downhill on either side, as long as a step gains noticeably.
class RhoSearch {
 public:
  explicit RhoSearch(const LogisticTrials& trials) : trials_(trials) {}

  std::optional<LogisticTrial> Run() {
    TryNext(kFirst);
    for (int at = kFirst + 1; at < static_cast<int>(kRhos.size()) && TryNext(at);) ++at;
    if (best_ && best_->rho == kRhos[kFirst])
      for (int at = kFirst - 1; at >= 0 && TryNext(at);) --at;
    return std::move(best_);
  }

 private:
  // True when the next step that way is worth a fit.
  bool TryNext(int at) {
    if (trials_.cancelled != nullptr && trials_.cancelled->load(std::memory_order_relaxed))
      return false;
    LogisticTrial trial = Try(trials_, kRhos[at]);
    if (best_ && trial.fit.log_loss >= best_->fit.log_loss) return false;
    const bool noticeable = !best_ || Gains(best_->losses, trial.losses, kStepGain);
    best_.emplace(std::move(trial));
    return noticeable;
  }

  const LogisticTrials& trials_;
  std::optional<LogisticTrial> best_;
};

}  // namespace

std::optional<LogisticTrial> ChooseRho(const LogisticTrials& trials) {
  return RhoSearch(trials).Run();
}

LogisticTrial TryWords(const LogisticTrials& trials, const std::vector<SplitTerms>& terms) {
  return Judge(trials, HeadKind::kLexical, 0, {},
               HoldOutWords(trials.logistic, trials.splits, terms, trials.class_count,
                            trials.options.threads, trials.cancelled));
}

}  // namespace ctt::learn
