#pragma once
// ExampleReader: a stream of bytes, in whatever pieces they arrive -> rows to learn.
//
//   NDJSON: one {"text","label","id","source"} a line; blank lines are passed over.
//   CSV:    RFC 4180 with a header that names text and label, and may name id and source; other
//   columns
//           are passed over. Quoted fields may hold commas, quotes ("") and line ends. A byte order
//           mark is passed over.
//
// A bad row is reported by its line and reading goes on. Memory is bounded by the longest row
// allowed: of a longer one the bytes up to the next line end are dropped.
//
// Threads: belongs to one.
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "service/targets.h"
#include "service/types.h"

namespace ctt::http {

struct ReadRow {
  std::int64_t line = 0;  // Of the body, from 1: where the row begins.
  Result<service::LearnRow> row;
};

class ExampleReader {
 public:
  static std::unique_ptr<ExampleReader> Ndjson(std::int64_t row_bytes_max);
  // `format`: how the column 'label' says what a row says.
  static std::unique_ptr<ExampleReader> Csv(std::int64_t row_bytes_max,
                                            const service::CellFormat& format = {});
  virtual ~ExampleReader() = default;

  // Appends the rows that `bytes` complete. An error ends the stream: kInvalidArgument
  // ("missing_column", with the columns found).
  virtual Status Feed(std::string_view bytes, std::vector<ReadRow>& rows) = 0;
  // The stream is over: the last row may lack its line end.
  virtual Status End(std::vector<ReadRow>& rows) = 0;
};

}  // namespace ctt::http
