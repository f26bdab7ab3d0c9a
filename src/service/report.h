#pragma once
// The report of a version, as JSON: how good it is and what changed.
//
//   {examples, loo_accuracy, loo_log_loss, candidates: [...],
//    loo_mae, loo_rmse, loo_r2                     of a regression task, instead of the two
//    labels: [{label, examples, judged, accuracy, accuracy_change}],
//    previous: {version, loo_accuracy_change | loo_r2_change},     the settled version before it
//    choices_of,                                   the settled version whose choices it took
//    set_quantiles, scope_thresholds, interval_halves   RatesJson, of a settled version
//    refused: {max_accuracy_fall},                 the gate kept it from being served
//    label_edit: {kind, label, to, examples}}      what made it
//
// Members that do not apply are absent; a version made by a lesson has examples and choices_of.
// Threads: pure functions.
#include <optional>
#include <string>
#include <string_view>

#include "learn/rates.h"
#include "learn/solve.h"
#include "service/types.h"
#include "store/store.h"

namespace ctt::service {

// `previous` may be null.
std::string SettledReport(const learn::Report& report, const learn::Rates& rates,
                          const store::Version* previous);
// `settled_version`: whose choices it took; 0: of none.
std::string LessonReport(std::int64_t examples, std::int64_t settled_version);
// The report of a version that an edit made: with `before` of the version whose numbers it has.
std::string EditReport(const LabelEdit& edit, std::int64_t examples, std::string_view before);
std::string RefusedReport(std::string_view report, double max_accuracy_fall);

// What the gate compares: the accuracy, of a regression task R^2. nullopt: nothing was judged.
std::optional<double> AccuracyOf(std::string_view report);
double AccuracyOf(const learn::Report& report);

}  // namespace ctt::service
