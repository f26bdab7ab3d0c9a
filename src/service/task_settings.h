#pragma once
// TaskSettings <-> the JSON that the store keeps with a task. Pure functions.
#include <string>
#include <string_view>

#include "base/json.h"
#include "learn/rates.h"
#include "service/types.h"

namespace ctt::service {

std::string_view PriorName(learn::Prior prior);  // "empirical", "uniform".
// kInvalidArgument ("bad_prior").
Result<learn::Prior> ParsePrior(std::string_view name);

// kInvalidArgument ("out_of_range", "bad_group_name", "too_many_groups"). The name is checked by
// CheckTaskName.
Status CheckChange(const TaskChange& change);
// The settings with the parts that the change gives.
TaskSettings Changed(TaskSettings settings, const TaskChange& change);

std::string TaskSettingsJson(const TaskSettings& settings);
// kDataLoss: TaskSettingsJson of this version did not write it.
Result<TaskSettings> ParseTaskSettings(std::string_view json);

// The members of a version's report that hold rates, and back; empty rates when they are absent.
json::object RatesJson(const learn::Rates& rates);
learn::Rates ParseRates(const json::object& report);

}  // namespace ctt::service
