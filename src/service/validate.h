#pragma once
// What the verbs refuse before any work is done. Pure functions; messages name the limit and never
// hold the text.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "service/service.h"

namespace ctt::service {

// kInvalidArgument ("empty_text"), kTooLarge ("text_too_long").
Status CheckText(std::string_view text, const Limits& limits);
// Every text; the message says which ("text 3: ...", from 1) when there are several.
Status CheckTexts(const std::vector<std::string>& texts, const Limits& limits);
// kInvalidArgument ("empty_label"), kTooLarge ("label_too_long").
Status CheckLabel(std::string_view label, const Limits& limits);
// Every row ("row 3: ..."): text, label ("empty_label", "label_too_long"), id ("id_too_long"), and
// no id twice ("duplicate_id"); labels each as a label, numbers from -1e9 to 1e9
// ("number_out_of_range"); all rows of one kind of task ("mixed_kinds").
Status CheckRows(const std::vector<LearnRow>& rows, const Limits& limits);
// What one row of either type says.
template <typename Row>
Status CheckSaid(const Row& row, const Limits& limits);

}  // namespace ctt::service
