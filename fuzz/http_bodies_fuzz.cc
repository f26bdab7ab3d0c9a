// Bytes of a client -> targets, JSON bodies, NDJSON and CSV rows. The first byte picks the reader.
// A stream must give the same rows however it is cut into pieces, and whatever is read must be
// written back as valid JSON.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "base/json_writer.h"
#include "http/example_reader.h"
#include "http/media_type.h"
#include "http/requests.h"
#include "http/target.h"

namespace ctt::http {
namespace {

constexpr std::int64_t kRowBytesMax = 64;  // Small, so that the limit is met often.

std::string Show(const std::vector<ReadRow>& rows, const Status& status) {
  JsonWriter json;
  json.BeginArray();
  for (const ReadRow& read : rows) {
    json.Integer(read.line);
    if (read.row.ok()) {
      json.String(read.row->text).String(read.row->label).String(read.row->id);
    } else {
      json.String(read.row.status().reason()).String(read.row.status().message());
    }
  }
  json.String(status.reason()).EndArray();
  CTT_CHECK(ParseJson(json.json()).ok());
  return std::move(json).Take();
}

std::string ReadInPieces(ExampleReader& reader, std::string_view bytes, std::size_t piece) {
  std::vector<ReadRow> rows;
  Status status;
  for (; status.ok() && !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    status = reader.Feed(bytes.substr(0, piece), rows);
  if (status.ok()) status = reader.End(rows);
  return Show(rows, status);
}

using MakeReader = std::unique_ptr<ExampleReader> (*)(std::int64_t row_bytes_max);

std::unique_ptr<ExampleReader> CsvOfLabels(std::int64_t row_bytes_max) {
  return ExampleReader::Csv(row_bytes_max, {learn::TaskKind::kMulti, "|"});
}

void CompareCuts(MakeReader make, std::string_view bytes) {
  const std::string whole =
      ReadInPieces(*make(kRowBytesMax), bytes, std::max<std::size_t>(1, bytes.size()));
  for (const std::size_t piece : {1, 3, 16})
    CTT_CHECK(ReadInPieces(*make(kRowBytesMax), bytes, piece) == whole);
}

void ParseAsBody(std::string_view bytes) {
  (void)ParsePredict(bytes, 100).ok();
  (void)ParsePredictBatch(bytes, 100).ok();
  (void)ParsePredictTask("t", bytes, 100).ok();
  (void)ParseLearn(bytes).ok();
  (void)ParseEvaluate(bytes).ok();
  (void)ParseEvaluateLines(bytes).ok();
  (void)ParseNewTask(bytes).ok();
  (void)ParseUnlearn(bytes).ok();
  (void)ParseTaskRequest(bytes).ok();
  (void)ParseAliasChange("canary", bytes).ok();
  (void)ParseNewKey(bytes).ok();
  (void)ParseRoute(bytes, 100).ok();
  (void)ParseSuggest(bytes).ok();
  (void)ParseLabels(bytes).ok();
}

void ParseAsHead(std::string_view bytes) {
  (void)ParseMediaType(bytes);
  const auto target = ParseTarget(bytes);
  if (target.ok()) (void)QueryInteger(*target, "limit", 1, 1000).ok();
}

}  // namespace
}  // namespace ctt::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      ctt::http::ParseAsBody(bytes);
      break;
    case 1:
      ctt::http::CompareCuts(ctt::http::ExampleReader::Ndjson, bytes);
      break;
    case 2:
      ctt::http::CompareCuts(ctt::http::CsvOfLabels, bytes);
      break;
    default:
      ctt::http::ParseAsHead(bytes);
      break;
  }
  return 0;
}
