#include "service/targets.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/bytes.h"

namespace ctt::service {
namespace {

constexpr char kLabels = 'M', kNumber = 'R';

void SortOnce(std::vector<std::string>& labels) {
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

}  // namespace

std::vector<std::string> SplitLabels(std::string_view cell, std::string_view separator) {
  std::vector<std::string> labels;
  for (bool more = true; more;) {
    const std::size_t end = separator.empty() ? cell.npos : cell.find(separator);
    const std::string_view label = Trimmed(cell.substr(0, end));
    if (!label.empty()) labels.emplace_back(label);
    more = end != cell.npos;
    if (more) cell.remove_prefix(end + separator.size());
  }
  return labels;
}

Result<double> ParseNumber(std::string_view cell) {
  const std::string_view text = Trimmed(cell);
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && at == end && std::isfinite(number)) return number;
  return Status(Code::kInvalidArgument, "bad_number",
                "'" + std::string(text.substr(0, 50)) + "' is no number");
}

Result<learn::TaskKind> ParseKind(std::string_view name) {
  if (const auto kind = learn::ParseTaskKind(name); kind) return *kind;
  return Status(Code::kInvalidArgument, "bad_kind",
                "a task's kind is 'single', 'multi' or 'regression'");
}

learn::Target TargetOf(const LearnRow& row) {
  learn::Target target;
  if (row.number) {
    target.units = learn::NumberToUnits(*row.number);
  } else if (row.labels) {
    target.labels = *row.labels;
    SortOnce(target.labels);
  } else {
    target.labels = {row.label};
  }
  return target;
}

std::string PackLabels(std::vector<store::LabelId> labels) {
  std::sort(labels.begin(), labels.end());
  ByteWriter writer;
  writer.Write(kLabels);
  writer.WriteArray(std::span<const store::LabelId>(labels));
  return std::move(writer).Take();
}

std::string PackNumber(std::int64_t units) {
  ByteWriter writer;
  writer.Write(kNumber);
  writer.Write(units);
  return std::move(writer).Take();
}

std::vector<store::LabelId> UnpackLabels(std::string_view target) {
  if (target.empty() || target.front() != kLabels) return {};
  ByteReader reader(target.substr(1));
  std::vector<store::LabelId> labels(reader.remaining() / sizeof(store::LabelId));
  reader.ReadArray(std::span<store::LabelId>(labels));
  return labels;
}

learn::TaskKind KindOfExample(const store::Example& example) {
  if (example.target.empty()) return learn::TaskKind::kSingle;
  return example.target.front() == kNumber ? learn::TaskKind::kRegression : learn::TaskKind::kMulti;
}

Result<learn::Target> TargetOf(const store::Example& example, const LabelNames& names) {
  learn::Target target;
  std::vector<store::LabelId> ids = {example.label};
  if (!example.target.empty()) {
    const std::string_view bytes = std::string_view(example.target).substr(1);
    if (bytes.size() % sizeof(std::int64_t) != 0)
      return DataLoss("an example's target makes no sense");
    ids = UnpackLabels(example.target);
    if (KindOfExample(example) == learn::TaskKind::kRegression)
      target.units = ByteReader(bytes).Read<std::int64_t>();
  }
  for (const store::LabelId id : ids) {
    const auto name = names.find(id);
    if (name == names.end()) return DataLoss("an example has a label that does not exist");
    target.labels.push_back(name->second);
  }
  SortOnce(target.labels);
  return target;
}

bool HoldsLabel(const store::Example& example, const LabelNames& names, std::string_view label) {
  if (KindOfExample(example) == learn::TaskKind::kSingle) return names.at(example.label) == label;
  const std::vector<store::LabelId> ids = UnpackLabels(example.target);
  return std::any_of(ids.begin(), ids.end(),
                     [&](store::LabelId id) { return names.at(id) == label; });
}

std::string_view WhatRowsGive(learn::TaskKind kind) {
  switch (kind) {
    case learn::TaskKind::kSingle:
      return "one label";
    case learn::TaskKind::kMulti:
      return "an array of labels";
    case learn::TaskKind::kRegression:
      return "a number";
  }
  return "nothing";
}

Status NotForThisKind(std::string_view task, learn::TaskKind kind, std::string_view why) {
  return {Code::kFailedPrecondition, "not_for_this_kind",
          "task '" + std::string(task) + "' is of kind '" + std::string(TaskKindName(kind)) +
              "': " + std::string(why)};
}

}  // namespace ctt::service
