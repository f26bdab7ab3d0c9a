#include "learn/choose_logistic.h"

#include <array>

#include "learn/choose_discriminant.h"
#include "learn/held_out.h"

namespace ctt::learn {
namespace {

constexpr std::array<double, 4> kRhos = {0.003, 0.01, 0.03, 0.1};
constexpr int kFirstTried = 1;

bool IsCancelled(const std::atomic<bool>* cancelled) {
  return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
}

// Along rho: from a middle value downhill on either side.
class RhoSearch {
 public:
  RhoSearch(const Logistic& logistic, const std::vector<Split>& splits, std::int64_t class_count,
            Block block, const SettleOptions& options, const std::atomic<bool>* cancelled,
            std::vector<Candidate>& candidates)
      : logistic_(logistic),
        splits_(splits),
        no_prior_(class_count),
        block_(block),
        options_(options),
        cancelled_(cancelled),
        candidates_(candidates) {}

  void Run() {
    Try(kFirstTried);
    for (int at = kFirstTried + 1; at < static_cast<int>(kRhos.size()) && Try(at);) ++at;
    if (best_.rho > kRhos[kFirstTried]) return;
    for (int at = kFirstTried - 1; at >= 0 && Try(at);) --at;
  }
  LogisticChoice& best() { return best_; }
  const Logistic::Bound& bound() const { return bound_; }

 private:
  // True when it is the best so far.
  bool Try(int at) {
    if (IsCancelled(cancelled_)) return false;
    Logistic::Bound bound = logistic_.BoundFor(kRhos[at]);
    const auto class_count = static_cast<std::int64_t>(no_prior_.size());
    const HeldOut held_out =
        HoldOutLogistic(logistic_, splits_, class_count, bound, options_.threads, cancelled_);
    const Unseen unseen = held_out.View(no_prior_);
    const Fit fit = FitTemperature(unseen);
    candidates_.push_back({HeadKind::kLogistic, block_, kRhos[at], fit.log_loss, fit.accuracy});
    if (fit.log_loss >= best_.log_loss) return false;
    best_.rho = kRhos[at];
    best_.temperature = fit.beta;
    best_.log_loss = fit.log_loss;
    best_.accuracy = fit.accuracy;
    best_.tallies = TallyByLabel(unseen, fit.beta);
    best_.set_quantile = SetQuantile(Misfits(unseen, fit.beta), options_.set_error_rate);
    bound_ = std::move(bound);
    return true;
  }

  const Logistic& logistic_;
  const std::vector<Split>& splits_;
  std::vector<double> no_prior_;  // [C] zeros: the fit has its own intercept.
  Block block_;
  const SettleOptions& options_;
  const std::atomic<bool>* cancelled_;
  std::vector<Candidate>& candidates_;
  LogisticChoice best_;
  Logistic::Bound bound_;
};

}  // namespace

std::optional<LogisticChoice> ChooseLogistic(const Statistics& statistics, const RowOrder& order,
                                             const Scatter& scatter, const Settings& discriminant,
                                             const SettleOptions& options,
                                             const std::atomic<bool>* cancelled,
                                             std::vector<Candidate>& candidates) {
  const std::int64_t class_count = scatter.class_count;
  if (class_count < kLogisticLabelsMin || statistics.example_count() < kLogisticRowsMin)
    return std::nullopt;
  const std::vector<Split> splits = SplitsOf(order.rows, class_count);
  if (splits.empty()) return std::nullopt;
  const std::optional<HeldOut> rival =
      HoldOutDiscriminant(statistics.feature_dim(), splits, class_count, discriminant);
  if (!rival) return std::nullopt;
  const double rival_loss =
      FitTemperature(rival->View(LogPrior(scatter, Prior::kEmpirical))).log_loss;

  const Logistic logistic(scatter, BlockColumns(discriminant.block, statistics.feature_dim()));
  RhoSearch search(logistic, splits, class_count, discriminant.block, options, cancelled,
                   candidates);
  search.Run();
  if (IsCancelled(cancelled) || search.best().log_loss >= rival_loss) return std::nullopt;
  search.best().model = logistic.Fit(order.rows, search.bound(), options.threads, cancelled);
  return std::move(search.best());
}

}  // namespace ctt::learn
