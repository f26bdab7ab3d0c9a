#pragma once
// RowFile: labelled or plain texts from a file, row by row: .jsonl (and - for standard input) with
// {"text", "label"?, "id"?}, the label a string, an array of strings or a number; .csv and .tsv
// with a header that has those columns, .txt with one text a line.
//
// Errors are kInvalidArgument and carry the file and the line; a missing column or key is named
// with those that were found. Memory: one row. Threads: one.
#include <cstdint>
#include <fstream>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "service/targets.h"
#include "service/types.h"

namespace ctt::cli {

struct FileRow {
  std::string text;
  std::string label;  // Empty when the file has none, or says it by one of the two below.
  std::string id;
  std::int64_t line = 0;                           // Where it begins, from 1.
  std::optional<std::vector<std::string>> labels;  // As in service::LearnRow.
  std::optional<double> number;
};
service::EvaluateRow ToEvaluate(FileRow row);

// A file and what its columns (or keys) are called.
struct RowSource {
  std::string path;
  std::string text_column = "text";
  std::string label_column = "label";
  service::CellFormat cells{};  // Of the label column of a table.
};

class RowFile {
 public:
  // kNotFound; kInvalidArgument: an ending that is not known, or no usable header.
  static Result<RowFile> Open(const RowSource& source, bool needs_label);

  // The next row, or nothing at the end.
  Result<std::optional<FileRow>> Next();
  // All that is left.
  Result<std::vector<FileRow>> ReadAll();

  // How much of the file has been read, in [0, 1]; below 0 when its size is not known.
  double fraction();
  const std::string& name() const { return name_; }  // For messages.

 private:
  enum class Kind { kJson, kTable, kText };
  RowFile() = default;
  std::istream& input();
  Status ReadHeader();
  Status Fail(std::int64_t line, const std::string& what) const;
  Result<std::optional<FileRow>> NextJson();
  Result<std::optional<FileRow>> NextTable();
  Result<FileRow> ParseObject(const std::string& line) const;
  Result<bool> ReadRecord(std::vector<std::string>& fields);

  RowSource source_;
  std::string name_;
  double bytes_ = -1;
  Kind kind_ = Kind::kJson;
  char separator_ = ',';
  bool needs_label_ = false;
  std::ifstream file_;  // Unused for standard input.
  std::int64_t line_ = 0;
  std::vector<std::string> columns_;
  std::int32_t text_column_ = -1, label_column_ = -1, id_column_ = -1;
};

}  // namespace ctt::cli
