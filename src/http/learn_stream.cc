#include "http/learn_stream.h"

#include <algorithm>
#include <utility>

#include "base/json_writer.h"
#include "http/answers.h"

namespace ctt::http {
namespace {

constexpr std::int64_t kRetryAfterMs = 20;  // A full queue empties at some thousand texts a second.

// Errors that one row can cause, as against those of the whole stream.
bool IsOfRow(const Status& status) {
  return status.code() == Code::kInvalidArgument || status.code() == Code::kTooLarge ||
         status.code() == Code::kAlreadyExists || status.code() == Code::kFailedPrecondition;
}

void AppendError(JsonWriter& json, const Status& status) {
  json.Key("error")
      .BeginObject()
      .Field("code", status.reason())
      .Field("detail", status.message())
      .EndObject();
}

}  // namespace

// Rows of one call to the service. Where it refuses them together, they are tried in halves, so
// that each bad row is found and the good ones around it are learned, in order.
struct LearnStream::Chunk {
  struct Line {
    std::int64_t number = 0;
    std::optional<std::size_t> row;  // Place in `rows`; absent: `error`.
    Status error;
  };
  struct Outcome {
    Status error;
    std::string id;
    service::RowState state = service::RowState::kLearned;
    std::int64_t head_version = 0;
  };
  std::vector<Line> lines;
  std::vector<service::LearnRow> rows;
  std::vector<Outcome> outcomes;   // Of the first rows.
  std::vector<std::size_t> tries;  // Sizes of the calls to make next, the next one last.
  std::int64_t accepted = 0;
  bool done = false;
};

LearnStream::LearnStream(Options options, std::unique_ptr<ExampleReader> reader, LearnVerbs verbs,
                         std::shared_ptr<Loop> loop, std::function<void()> on_change)
    : options_(std::move(options)),
      reader_(std::move(reader)),
      verbs_(std::move(verbs)),
      loop_(std::move(loop)),
      on_change_(std::move(on_change)),
      open_(std::make_shared<Chunk>()) {}

void LearnStream::Feed(std::string_view bytes) {
  std::vector<ReadRow> rows;
  const Status status = reader_->Feed(bytes, rows);
  TakeRows(std::move(rows));
  if (!status.ok()) return Break(status);
  Pump();
}

void LearnStream::End() {
  if (ended_) return;
  std::vector<ReadRow> rows;
  const Status status = reader_->End(rows);
  TakeRows(std::move(rows));
  if (!status.ok()) return Break(status);
  ended_ = true;
  Pump();
}

void LearnStream::Break(Status why) {
  if (ended_ && !broken_.ok()) return;
  ended_ = true;
  broken_ = std::move(why);
  parsed_.clear();
  open_ = std::make_shared<Chunk>();
  Pump();
}

void LearnStream::TakeRows(std::vector<ReadRow> rows) {
  for (ReadRow& row : rows) {
    if (row.row.ok())
      if (Status status = verbs_.check(*row.row); !status.ok()) row.row = std::move(status);
    parsed_.push_back(std::move(row));
  }
}

bool LearnStream::WaitsForId(const ReadRow& row) const {
  return row.row.ok() && !row.row->id.empty() && ids_.contains(row.row->id);
}

void LearnStream::FillOpenChunk() {
  while (!parsed_.empty() && !WaitsForId(parsed_.front()) &&
         open_->lines.size() < static_cast<std::size_t>(options_.chunk_rows)) {
    ReadRow row = std::move(parsed_.front());
    parsed_.pop_front();
    if (!row.row.ok()) {
      open_->lines.push_back({row.line, std::nullopt, row.row.status()});
      continue;
    }
    if (!row.row->id.empty()) ids_.insert(row.row->id);
    open_->lines.push_back({row.line, open_->rows.size(), Status::Ok()});
    open_->rows.push_back(*std::move(row.row));
  }
}

void LearnStream::Pump() {
  while (under_way_ < options_.chunks_max) {
    FillOpenChunk();
    if (open_->lines.empty()) break;
    const bool full = open_->lines.size() >= static_cast<std::size_t>(options_.chunk_rows);
    // Neither full nor alone: more rows may come while the one under way is learned.
    if (!full && under_way_ > 0 && !(ended_ && parsed_.empty())) break;
    Begin(std::exchange(open_, std::make_shared<Chunk>()));
  }
  WriteFinished();
  on_change_();
}

void LearnStream::Begin(ChunkPtr chunk) {
  chunks_.push_back(chunk);
  if (chunk->rows.empty()) {
    chunk->done = true;
    return;
  }
  ++under_way_;
  chunk->tries.push_back(chunk->rows.size());
  LearnNext(chunk);
}

void LearnStream::LearnNext(const ChunkPtr& chunk) {
  if (chunk->tries.empty()) return Finish(chunk);
  const std::size_t count = chunk->tries.back();
  const auto first = chunk->rows.begin() + static_cast<std::ptrdiff_t>(chunk->outcomes.size());
  std::vector<service::LearnRow> rows(first, first + static_cast<std::ptrdiff_t>(count));
  verbs_.learn(std::move(rows),
               [self = shared_from_this(), chunk, count](Result<service::LearnAnswer> answer) {
                 self->loop_->Post([self, chunk, count, answer = std::move(answer)] {
                   self->OnLearned(chunk, count, answer);
                 });
               });
}

void LearnStream::OnLearned(const ChunkPtr& chunk, std::size_t count,
                            const Result<service::LearnAnswer>& answer) {
  const Status status = answer.status();
  if (status.code() == Code::kResourceExhausted) {
    loop_->After(kRetryAfterMs, [self = shared_from_this(), chunk] { self->LearnNext(chunk); });
    return;
  }
  chunk->tries.pop_back();
  if (answer.ok()) {
    for (std::size_t i = 0; i < count; ++i)
      chunk->outcomes.push_back({{}, answer->ids[i], answer->states[i], answer->head_version});
    chunk->accepted += answer->accepted;
    last_answer_ = *answer;
  } else if (IsOfRow(status) && count > 1) {
    chunk->tries.push_back(count - count / 2);
    chunk->tries.push_back(count / 2);
  } else {
    chunk->outcomes.insert(chunk->outcomes.end(), count, {status, {}, {}, 0});
    if (!IsOfRow(status)) Break(status);
  }
  LearnNext(chunk);
}

void LearnStream::Finish(const ChunkPtr& chunk) {
  chunk->done = true;
  --under_way_;
  for (const service::LearnRow& row : chunk->rows) ids_.erase(row.id);
  Pump();
}

void LearnStream::WriteFinished() {
  while (!chunks_.empty() && chunks_.front()->done) {
    WriteChunk(*chunks_.front());
    chunks_.pop_front();
  }
  const bool all_done = ended_ && parsed_.empty() && open_->lines.empty() && chunks_.empty();
  if (!all_done || finished()) return;
  if (!broken_.ok() && !any_output_) {
    refusal_ = broken_;
  } else {
    WriteSummary();
  }
}

void LearnStream::WriteChunk(const Chunk& chunk) {
  for (const Chunk::Line& line : chunk.lines) {
    const Chunk::Outcome* outcome = line.row ? &chunk.outcomes[*line.row] : nullptr;
    const Status& error = outcome != nullptr ? outcome->error : line.error;
    JsonWriter json;
    json.BeginObject().Field("row", line.number);
    if (!error.ok()) {
      AppendError(json, error);
      ++rejected_;
    } else {
      json.Field("id", outcome->id)
          .Field("state", RowStateName(outcome->state))
          .Field("head_version", outcome->head_version);
      unchanged_ += outcome->state == service::RowState::kUnchanged ? 1 : 0;
    }
    output_.Append(std::move(json.EndObject()).Take() + "\n");
  }
  accepted_ += chunk.accepted;
  any_output_ = true;
}

void LearnStream::WriteSummary() {
  const service::LearnAnswer last = last_answer_ ? *last_answer_ : verbs_.describe();
  JsonWriter json;
  json.BeginObject()
      .Field("task", options_.task)
      .Field("accepted", accepted_)
      .Field("unchanged", unchanged_)
      .Field("rejected", rejected_)
      .Field("examples", last.examples)
      .Field("classes", last.classes)
      .Field("head_version", last.head_version);
  if (!broken_.ok()) AppendError(json, broken_);
  output_.Append(std::move(json.EndObject()).Take() + "\n");
  any_output_ = true;
  summary_written_ = true;
}

}  // namespace ctt::http
