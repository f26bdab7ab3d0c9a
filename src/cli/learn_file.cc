#include "cli/learn_file.h"

#include <charconv>
#include <chrono>
#include <deque>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include "cli/console.h"

namespace ctt::cli {
namespace {

// Large chunks: the head is solved once for each. Enough of them that encoding goes on meanwhile.
constexpr std::size_t kChunkRows = 512;
constexpr std::size_t kChunksUnderWay = 4;
constexpr auto kFullQueuePause = std::chrono::milliseconds(50);

struct Chunk {
  std::vector<service::LearnRow> rows;
  std::vector<std::int64_t> lines;  // Where each row stands in the file.
  LearnFuture answer;
};

// "row 3: why" of a chunk -> "line 17: why" of the file.
std::string WithLine(const std::string& message, const Chunk& chunk) {
  constexpr std::string_view kRow = "row ";
  std::size_t row = 0;
  if (message.starts_with(kRow)) {
    const char* end = message.data() + message.size();
    const auto [rest, error] = std::from_chars(message.data() + kRow.size(), end, row);
    if (error == std::errc() && row >= 1 && row <= chunk.lines.size())
      return "line " + std::to_string(chunk.lines[row - 1]) + std::string(rest, end);
  }
  if (chunk.lines.size() == 1) return "line " + std::to_string(chunk.lines[0]) + ": " + message;
  return "lines " + std::to_string(chunk.lines.front()) + " to " +
         std::to_string(chunk.lines.back()) + ": " + message;
}

class FileLearner {
 public:
  FileLearner(Session& session, std::string task, RowSource source)
      : session_(session),
        task_(std::move(task)),
        source_(std::move(source)),
        progress_("learn " + task_) {}

  Result<LearnedFile> Run() {
    const double start_s = SteadySeconds();
    CTT_ASSIGN_OR_RETURN(RowFile rows, RowFile::Open(source_, true));
    Status status = Feed(rows);
    while (!under_way_.empty()) {
      const Status last = TakeOldest(rows);
      if (status.ok()) status = last;
    }
    if (!status.ok()) {
      if (learned_.rows == 0) return status;
      return status.WithContext(std::to_string(learned_.rows) + " rows learned, then");
    }
    if (learned_.rows == 0) return InvalidArgument(rows.name() + " holds no row");
    CTT_ASSIGN_OR_RETURN(learned_.task, session_.Settle(task_));
    learned_.seconds = SteadySeconds() - start_s;
    return learned_;
  }

 private:
  Status Feed(RowFile& rows) {
    const std::string origin =
        source_.path == "-" ? "-" : std::filesystem::path(source_.path).filename().string();
    Chunk chunk;
    for (;;) {
      CTT_ASSIGN_OR_RETURN(std::optional<FileRow> row, rows.Next());
      if (row) {
        chunk.lines.push_back(row->line);
        chunk.rows.push_back({std::move(row->text), std::move(row->label), std::move(row->id),
                              origin, std::move(row->labels), row->number});
      }
      if (chunk.rows.size() == kChunkRows || (!row && !chunk.rows.empty())) {
        chunk.answer = session_.Learn(task_, chunk.rows);
        under_way_.push_back(std::exchange(chunk, {}));
        if (under_way_.size() >= kChunksUnderWay) CTT_RETURN_IF_ERROR(TakeOldest(rows));
      }
      if (!row) return Status::Ok();
    }
  }

  Status TakeOldest(RowFile& rows) {
    Chunk chunk = std::move(under_way_.front());
    under_way_.pop_front();
    Result<service::LearnAnswer> answer = chunk.answer.get();
    while (!answer.ok() && answer.status().code() == Code::kResourceExhausted &&
           answer.status().reason() == "queue_full") {
      std::this_thread::sleep_for(kFullQueuePause);
      answer = session_.Learn(task_, chunk.rows).get();
    }
    if (!answer.ok()) {
      return {answer.status().code(), std::string(answer.status().reason()),
              rows.name() + ", " + WithLine(answer.status().message(), chunk)};
    }
    learned_.rows += static_cast<std::int64_t>(chunk.rows.size());
    learned_.accepted += answer->accepted;
    progress_.Set(learned_.rows, rows.fraction());
    return Status::Ok();
  }

  Session& session_;
  const std::string task_;
  const RowSource source_;
  Progress progress_;
  std::deque<Chunk> under_way_;
  LearnedFile learned_;
};

}  // namespace

json::object Describe(const LearnedFile& learned) {
  const service::TaskInfo& info = learned.task;
  return {{"task", info.name},
          {"rows", learned.rows},
          {"accepted", learned.accepted},
          {"examples", info.examples},
          {"classes", info.labels.size()},
          {"head_version", info.head_version},
          {"head", info.head},
          {"block", info.block},
          {"head_digest", info.head_digest},
          {"settled", info.settled},
          {"seconds", learned.seconds}};
}

Result<LearnedFile> LearnFile(Session& session, const std::string& task, const RowSource& source) {
  return FileLearner(session, task, source).Run();
}

}  // namespace ctt::cli
