#include "cli/learn_file.h"

#include <deque>
#include <filesystem>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "cli/console.h"
#include "cli/row_file.h"

namespace ctt::cli {
namespace {

constexpr std::size_t kChunkRows = 256;
constexpr std::size_t kChunksUnderWay = 8;

using Answer = Result<service::LearnAnswer>;

struct Chunk {
  std::future<Answer> answer;
  std::int64_t first_line = 0;
  std::int64_t rows = 0;
};

class FileLearner {
 public:
  FileLearner(service::Service& service, std::string task, const std::string& file)
      : service_(service), task_(std::move(task)), file_(file), progress_("learn " + task_, 0) {}

  Result<LearnedFile> Run() {
    const double start_s = SteadySeconds();
    CTT_ASSIGN_OR_RETURN(RowFile rows, RowFile::Open(file_, true));
    Status status = Feed(rows);
    while (!under_way_.empty()) {
      const Status last = TakeOldest();
      if (status.ok()) status = last;
    }
    if (!status.ok())
      return status.WithContext(std::to_string(learned_.rows) + " rows learned, then");
    if (learned_.rows == 0) return InvalidArgument(file_ + " holds no row");
    CTT_ASSIGN_OR_RETURN(learned_.task, service_.Settle(task_));
    learned_.seconds = SteadySeconds() - start_s;
    return learned_;
  }

 private:
  Status Feed(RowFile& rows) {
    std::vector<service::LearnRow> chunk;
    std::int64_t first_line = 0;
    for (;;) {
      CTT_ASSIGN_OR_RETURN(std::optional<FileRow> row, rows.Next());
      if (row) {
        if (chunk.empty()) first_line = row->line;
        chunk.push_back(
            {std::move(row->text), std::move(row->label), std::move(row->id), source()});
      }
      if (chunk.size() == kChunkRows || (!row && !chunk.empty())) {
        Send(std::exchange(chunk, {}), first_line);
        if (under_way_.size() >= kChunksUnderWay) CTT_RETURN_IF_ERROR(TakeOldest());
      }
      if (!row) return Status::Ok();
    }
  }

  void Send(std::vector<service::LearnRow> rows, std::int64_t first_line) {
    auto promise = std::make_shared<std::promise<Answer>>();
    under_way_.push_back(
        {promise->get_future(), first_line, static_cast<std::int64_t>(rows.size())});
    service::LearnOptions options;
    options.bulk = true;
    service_.Learn(task_, std::move(rows), options,
                   [promise](Answer answer) { promise->set_value(std::move(answer)); });
  }

  Status TakeOldest() {
    Chunk chunk = std::move(under_way_.front());
    under_way_.pop_front();
    const Answer answer = chunk.answer.get();
    if (!answer.ok()) {
      return answer.status().WithContext(file_ + ", rows from line " +
                                         std::to_string(chunk.first_line));
    }
    learned_.rows += chunk.rows;
    learned_.accepted += answer->accepted;
    progress_.Set(learned_.rows);
    return Status::Ok();
  }

  std::string source() const {
    return file_ == "-" ? "-" : std::filesystem::path(file_).filename().string();
  }

  service::Service& service_;
  const std::string task_;
  const std::string file_;
  Progress progress_;
  std::deque<Chunk> under_way_;
  LearnedFile learned_;
};

}  // namespace

Result<LearnedFile> LearnFile(service::Service& service, const std::string& task,
                              const std::string& file) {
  return FileLearner(service, task, file).Run();
}

}  // namespace ctt::cli
