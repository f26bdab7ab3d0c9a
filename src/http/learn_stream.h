#pragma once
// LearnStream: a body of any length -> examples learned, answered line by line.
//
//   bytes -> rows -> chunks -> Service::Learn, a few at a time -> one line a row, in the order of
//   the rows
//
//   {"row":1,"id":"...","state":"learned","head_version":7}      after the commit
//   {"row":3,"error":{"code":"empty_label","detail":"..."}}      the others are learned all the
//   same
//   {"task","accepted","unchanged","rejected","examples","classes","head_version"}    last
//
// A row waits for nothing when no chunk is under way, so a client may send one and wait for its
// line; rows that arrive faster are gathered. The order of equal ids is kept: a row whose id is
// under way waits for it. A full queue slows the stream down. When the stream breaks off or the
// service stops, chunks under way are still answered and the last line has "error".
//
// Threads: belongs to its loop. Errors: refusal().
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "http/answer_spool.h"
#include "http/example_reader.h"
#include "http/loop.h"
#include "service/types.h"

namespace ctt::http {

// What a stream needs of the service; see Service::Learn and service::CheckRows.
struct LearnVerbs {
  std::function<Status(const service::LearnRow&)> check;
  std::function<void(std::vector<service::LearnRow>, service::Done<service::LearnAnswer>)> learn;
  // Of a stream that learned nothing.
  std::function<service::LearnAnswer()> describe;
};

class LearnStream : public std::enable_shared_from_this<LearnStream> {
 public:
  struct Options {
    std::string task;
    std::int32_t chunk_rows = 256;
    std::int32_t chunks_max = 3;
  };
  // `on_change` is called on the loop when output waits, input is wanted again, or the stream is
  // finished.
  LearnStream(Options options, std::unique_ptr<ExampleReader> reader, LearnVerbs verbs,
              std::shared_ptr<Loop> loop, std::function<void()> on_change);

  void Feed(std::string_view bytes);  // REQUIRES: wants_input(). Pieces of at most some 64 KiB.
  void End();                         // The body is complete.
  void Break(Status why);             // No more will come; what was not begun is dropped.

  bool wants_input() const { return !ended_ && parsed_.size() < kParsedRowsMax; }
  bool finished() const { return summary_written_ || refusal_.has_value(); }
  // The whole stream is refused and no line was written: answer this as a problem.
  const std::optional<Status>& refusal() const { return refusal_; }
  AnswerSpool& output() { return output_; }
  std::int64_t rejected() const { return rejected_; }

 private:
  static constexpr std::size_t kParsedRowsMax = 512;
  struct Chunk;
  using ChunkPtr = std::shared_ptr<Chunk>;

  void TakeRows(std::vector<ReadRow> rows);
  void Pump();
  void FillOpenChunk();
  bool WaitsForId(const ReadRow& row) const;
  void Begin(ChunkPtr chunk);
  void LearnNext(const ChunkPtr& chunk);
  void OnLearned(const ChunkPtr& chunk, std::size_t count,
                 const Result<service::LearnAnswer>& answer);
  void Finish(const ChunkPtr& chunk);
  void WriteFinished();
  void WriteChunk(const Chunk& chunk);
  void WriteSummary();

  const Options options_;
  const std::unique_ptr<ExampleReader> reader_;
  const LearnVerbs verbs_;
  const std::shared_ptr<Loop> loop_;
  const std::function<void()> on_change_;

  std::deque<ReadRow> parsed_;
  ChunkPtr open_;                // Being filled.
  std::deque<ChunkPtr> chunks_;  // Begun, in the order of their rows.
  std::int32_t under_way_ = 0;
  std::set<std::string> ids_;  // Of open_ and of chunks under way.
  bool ended_ = false;
  Status broken_;  // Why the stream ended early.
  std::optional<Status> refusal_;
  AnswerSpool output_;
  bool any_output_ = false;
  bool summary_written_ = false;
  std::int64_t accepted_ = 0;
  std::int64_t unchanged_ = 0;
  std::int64_t rejected_ = 0;
  std::optional<service::LearnAnswer> last_answer_;
};

}  // namespace ctt::http
