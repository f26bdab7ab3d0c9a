#pragma once
// A label may be described, or only named: the description is an example of it like any other,
// under an id of its own. So a task answers before it has seen a text, and the description fades as
// 1 / n among the examples that follow; it is replaced, paged, audited and unlearned like them.
//
// With the names alone (underscores as spaces), accuracy without / with them at 0, 1, 5 and 10
// examples a label: hwu64 - / 52, 50 / 64, 77 / 80, 82 / 83; banking77 - / 62, 47 / 67, 79 / 81,
// 84 / 84; clinc150 - / 66, 70 / 80, 87 / 89, 91 / 92. Pure functions.
#include <string>
#include <vector>

#include "service/types.h"

namespace ctt::service {

// The id of the example that describes a label: "label:NAME".
std::string DescriptionId(const std::string& label);

// The label's name as words: "lost_card" is "lost card".
std::string SpelledOut(const std::string& label);

// One row a label, with the source "description"; a label without a description is spelled out.
// kTooLarge ("label_too_long"): the id would pass `id_bytes_max`. kInvalidArgument
// ("empty_request").
Result<std::vector<LearnRow>> DescriptionRows(const std::vector<LabelDescription>& labels,
                                              std::int64_t id_bytes_max);

}  // namespace ctt::service
