#include "service/validate.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "service/targets.h"

namespace ctt::service {
namespace {

std::int64_t CodePoints(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

Status CheckLength(std::string_view value, std::int64_t bytes_max, const std::string& what) {
  if (static_cast<std::int64_t>(value.size()) <= bytes_max) return Status::Ok();
  return {Code::kTooLarge, what + "_too_long",
          "the " + what + " has " + std::to_string(value.size()) + " bytes; at most " +
              std::to_string(bytes_max) + " are allowed"};
}

Status CheckRow(const LearnRow& row, const Limits& limits) {
  CTT_RETURN_IF_ERROR(CheckText(row.text, limits));
  CTT_RETURN_IF_ERROR(CheckSaid(row, limits));
  CTT_RETURN_IF_ERROR(CheckLength(row.source, limits.id_bytes_max, "source"));
  return CheckLength(row.id, limits.id_bytes_max, "id");
}

}  // namespace

Status CheckTaskName(std::string_view name) {
  const bool good = !name.empty() && name.size() <= 128 && name[0] != '.' &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':' || c == '-';
                    });
  if (good) return Status::Ok();
  return {Code::kInvalidArgument, "bad_task_name",
          "a task name is 1 to 128 letters, digits, '_', '.', ':' or '-', and does not begin "
          "with '.'"};
}

Status CheckLabel(std::string_view label, const Limits& limits) {
  if (label.empty()) return {Code::kInvalidArgument, "empty_label", "the label is empty"};
  return CheckLength(label, limits.label_bytes_max, "label");
}

template <typename Row>
Status CheckSaid(const Row& row, const Limits& limits) {
  if (row.number && !(std::fabs(*row.number) <= learn::kNumberMax))
    return {Code::kInvalidArgument, "number_out_of_range", "a number must be from -1e9 to 1e9"};
  if (row.number) return Status::Ok();
  if (!row.labels) return CheckLabel(row.label, limits);
  for (const std::string& label : *row.labels) CTT_RETURN_IF_ERROR(CheckLabel(label, limits));
  return Status::Ok();
}
template Status CheckSaid(const LearnRow& row, const Limits& limits);
template Status CheckSaid(const EvaluateRow& row, const Limits& limits);

Status CheckText(std::string_view text, const Limits& limits) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return {Code::kInvalidArgument, "empty_text", "the text is empty"};
  const std::int64_t chars = CodePoints(text);
  if (chars <= limits.text_chars_max) return Status::Ok();
  return {Code::kTooLarge, "text_too_long",
          "the text has " + std::to_string(chars) + " characters; at most " +
              std::to_string(limits.text_chars_max) + " are allowed"};
}

Status CheckTexts(const std::vector<std::string>& texts, const Limits& limits) {
  if (texts.empty()) return {Code::kInvalidArgument, "empty_request", "no text was given"};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Status status = CheckText(texts[i], limits);
    if (!status.ok())
      return texts.size() == 1 ? status : status.WithContext("text " + std::to_string(i + 1));
  }
  return Status::Ok();
}

Status CheckRows(const std::vector<LearnRow>& rows, const Limits& limits) {
  if (rows.empty()) return {Code::kInvalidArgument, "empty_request", "no example was given"};
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Status status = CheckRow(rows[i], limits);
    if (status.ok() && !rows[i].id.empty() && !ids.insert(rows[i].id).second)
      status = {Code::kInvalidArgument, "duplicate_id", "its id stands in an earlier row too"};
    if (status.ok() && KindOf(rows[i]) != KindOf(rows[0]))
      status = {Code::kInvalidArgument, "mixed_kinds",
                "it gives " + std::string(WhatRowsGive(KindOf(rows[i]))) +
                    " as 'label' where the first row gives " +
                    std::string(WhatRowsGive(KindOf(rows[0])))};
    if (!status.ok())
      return rows.size() == 1 ? status : status.WithContext("row " + std::to_string(i + 1));
  }
  return Status::Ok();
}

}  // namespace ctt::service
