#pragma once
// What examples say: between a request's rows, the log's and the sums'.
//
// In the log, a single-label example says its label and nothing else. Of other kinds of task every
// example has the label of the empty name, which no user can give, and its target:
//   'M' and the ids of its labels, rising, 8 bytes each, little-endian (multi-label)
//   'R' and its number in units, 8 bytes (regression)
// so that a label's name stays in one place, whatever it is called. Threads: pure functions.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/flat_map.hpp>

#include "learn/target.h"
#include "service/types.h"
#include "store/store.h"

namespace ctt::service {

// Of a LearnRow or an EvaluateRow.
template <typename Row>
learn::TaskKind KindOf(const Row& row) {
  if (row.number) return learn::TaskKind::kRegression;
  return row.labels ? learn::TaskKind::kMulti : learn::TaskKind::kSingle;
}

// kInvalidArgument ("bad_kind").
Result<learn::TaskKind> ParseKind(std::string_view name);

// REQUIRES: the row has been checked (validate.h).
learn::Target TargetOf(const LearnRow& row);

// What the log keeps as store::Example::target.
std::string PackLabels(std::vector<store::LabelId> labels);
std::string PackNumber(std::int64_t units);
std::vector<store::LabelId> UnpackLabels(std::string_view target);  // Empty when it has none.

// Parts between separators, without the spaces around them; empty ones are passed over.
std::vector<std::string> SplitLabels(std::string_view cell, std::string_view separator);
// A decimal number with nothing around it but spaces. kInvalidArgument ("bad_number").
Result<double> ParseNumber(std::string_view cell);

// Flat: thousands of tasks keep theirs in memory.
using LabelNames = boost::container::flat_map<store::LabelId, std::string>;
// By the names that its labels have; labels that share a name count once. kDataLoss: a label that
// does not exist, or a target that nothing here wrote.
Result<learn::Target> TargetOf(const store::Example& example, const LabelNames& names);
learn::TaskKind KindOfExample(const store::Example& example);

// Sets label, labels or number of an ExampleInfo or a NearExample. kDataLoss.
template <typename Info>
Status Say(const store::Example& example, const LabelNames& names, Info& info) {
  CTT_ASSIGN_OR_RETURN(learn::Target target, TargetOf(example, names));
  switch (KindOfExample(example)) {
    case learn::TaskKind::kSingle:
      info.label = std::move(target.labels.front());
      break;
    case learn::TaskKind::kMulti:
      info.labels = std::move(target.labels);
      break;
    case learn::TaskKind::kRegression:
      info.number = learn::UnitsToNumber(static_cast<double>(target.units));
      break;
  }
  return Status::Ok();
}

// Whether a row that is held says the label. REQUIRES: its labels exist.
bool HoldsLabel(const store::Example& example, const LabelNames& names, std::string_view label);

// How a cell of a table says what a row says.
struct CellFormat {
  learn::TaskKind kind = learn::TaskKind::kSingle;
  std::string separator = "|";  // Between the labels of a multi-label row; none in an empty cell.
};
// Sets label, labels or number of a row. kInvalidArgument ("bad_number").
template <typename Row>
Status SayFromCell(std::string_view cell, const CellFormat& format, Row& row) {
  switch (format.kind) {
    case learn::TaskKind::kSingle:
      row.label = cell;
      return Status::Ok();
    case learn::TaskKind::kMulti:
      row.labels = SplitLabels(cell, format.separator);
      return Status::Ok();
    case learn::TaskKind::kRegression: {
      CTT_ASSIGN_OR_RETURN(row.number, ParseNumber(cell));
      return Status::Ok();
    }
  }
  return Internal("no such kind of task");
}

// "an array of labels", ...: what rows of such a task give as 'label'.
std::string_view WhatRowsGive(learn::TaskKind kind);
// A verb that tasks of this kind have not. kFailedPrecondition ("not_for_this_kind").
Status NotForThisKind(std::string_view task, learn::TaskKind kind, std::string_view why);

}  // namespace ctt::service
