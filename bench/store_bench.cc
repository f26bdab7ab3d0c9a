// The SQLite store: durable appends in transactions of one and of many rows, finding by id, and
// scans of the log. The database lies in TMPDIR: set it to the disk that is meant. A scan of a
// million rows takes a minute to prepare.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include "store/data_directory.h"

namespace ctt::store {
namespace {

// A data directory with one task of one label, gone with the object.
class Home {
 public:
  Home() {
    std::string name = (std::filesystem::temp_directory_path() / "ctt_bench_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    directory_ = std::make_unique<DataDirectory>(DataDirectory::Open(folder_).value());
    std::unique_ptr<Transaction> transaction = store().Begin().value();
    task_ = transaction->CreateTask("bench", "{}", 1).value().id;
    label_ = transaction->InternLabel(task_, "label").value();
    CTT_CHECK(transaction->Commit().ok());
  }
  ~Home() {
    directory_.reset();
    std::filesystem::remove_all(folder_);
  }
  Store& store() { return directory_->store(); }
  TaskId task() const { return task_; }
  Seq last() const { return last_; }

  // One transaction of `count` rows with 768 features and a text of 60 bytes.
  void Append(std::int64_t count) {
    std::vector<Example> rows(static_cast<std::size_t>(count));
    for (Example& row : rows) {
      ++last_;
      // Multiplied by an odd number: ids arrive in no order, as a caller's own ids do.
      row = {.seq = last_,
             .id = std::to_string(static_cast<std::uint64_t>(last_) * 0x9e3779b97f4a7c15),
             .text = std::string(60, 'x'),
             .phi = std::vector<std::int8_t>(768, static_cast<std::int8_t>(last_ % 100)),
             .label = label_,
             .source = "bench",
             .time_us = last_};
    }
    std::unique_ptr<Transaction> transaction = store().Begin().value();
    CTT_CHECK(transaction->AppendExamples(task_, rows).ok());
    CTT_CHECK(transaction->Commit().ok());
  }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<DataDirectory> directory_;
  TaskId task_ = 0;
  LabelId label_ = 0;
  Seq last_ = 0;
};

void BM_Append(benchmark::State& state) {
  Home home;
  for (auto _ : state) home.Append(state.range(0));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Append)->Arg(1)->Arg(16)->Arg(256)->UseRealTime()->Unit(benchmark::kMicrosecond);

Home& HomeOf(std::int64_t rows) {
  static std::map<std::int64_t, std::unique_ptr<Home>> homes;
  std::unique_ptr<Home>& home = homes[rows];
  if (home == nullptr) {
    home = std::make_unique<Home>();
    while (home->last() < rows) home->Append(std::min<std::int64_t>(rows - home->last(), 2'000));
  }
  return *home;
}

double PeakMemoryMib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void BM_ScanAt(benchmark::State& state) {
  Home& home = HomeOf(state.range(0));
  std::int64_t sum = 0;
  for (auto _ : state) {
    CTT_CHECK(home.store()
                  .ScanAt(home.task(), home.last(),
                          [&](const Example& row) {
                            sum += row.phi[0];
                            return Status::Ok();
                          })
                  .ok());
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["peak_MiB"] = PeakMemoryMib();
}
BENCHMARK(BM_ScanAt)->Arg(10'000)->Arg(1'000'000)->UseRealTime()->Unit(benchmark::kMillisecond);

void BM_FindExample(benchmark::State& state) {
  Home& home = HomeOf(state.range(0));
  Seq seq = 0;
  for (auto _ : state) {
    seq = seq % home.last() + 1;
    const std::string id = std::to_string(static_cast<std::uint64_t>(seq) * 0x9e3779b97f4a7c15);
    CTT_CHECK(home.store().FindExample(home.task(), id).value().has_value());
  }
}
BENCHMARK(BM_FindExample)->Arg(10'000)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ctt::store

BENCHMARK_MAIN();
