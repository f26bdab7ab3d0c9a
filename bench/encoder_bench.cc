// The encoder: latency of one text and throughput of a batch, one thread, by engine.
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "encoder/encoder.h"

namespace ctt::encoder {
namespace {

const Encoder* LoadOnce(Engine engine) {
  static std::map<Engine, std::unique_ptr<const Encoder>> loaded;
  if (loaded.count(engine) == 0) {
    EncoderOptions options;
    options.engine = engine;
    auto encoder =
        Encoder::Load(std::filesystem::path(CTT_SOURCE_DIR) / "models/all-MiniLM-L6-v2", options);
    if (encoder.ok()) loaded[engine] = *std::move(encoder);
  }
  return loaded[engine].get();
}

RaggedBatch MadeBatch(std::int32_t texts, std::int32_t tokens) {
  RaggedBatch batch;
  std::uint32_t state = 1;
  for (std::int32_t t = 0; t < texts; ++t) {
    std::vector<text::TokenId> ids = {101};
    while (static_cast<std::int32_t>(ids.size()) + 1 < tokens) {
      state = state * 1664525u + 1013904223u;
      ids.push_back(2000 + static_cast<text::TokenId>(state >> 16) % 20000);
    }
    ids.push_back(102);
    batch.Add(ids);
  }
  return batch;
}

void RunBatch(benchmark::State& state, Engine engine, std::int32_t texts, std::int32_t tokens) {
  const Encoder* encoder = LoadOnce(engine);
  if (encoder == nullptr) return state.SkipWithError("no model: run tools/setup");
  const RaggedBatch batch = MadeBatch(texts, tokens);
  Encoder::Workspace workspace;
  Features features;
  for (auto _ : state) {
    encoder->Encode(batch, workspace, features);
    benchmark::DoNotOptimize(features.phi.data());
  }
  state.SetLabel(std::string(kernels::IsaName(encoder->isa())));
  state.counters["tokens/s"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * batch.token_count(), benchmark::Counter::kIsRate);
}

const bool kRegistered = [] {
  for (const Engine engine : {Engine::kI8, Engine::kF32}) {
    const std::string name(EngineName(engine));
    for (const int tokens : {4, 12, 32, 64, 256})
      benchmark::RegisterBenchmark(("Latency/" + name + "/" + std::to_string(tokens)).c_str(),
                                   [=](auto& state) { RunBatch(state, engine, 1, tokens); })
          ->Unit(benchmark::kMillisecond);
    for (const int tokens : {12, 70, 256})
      benchmark::RegisterBenchmark(
          ("Throughput/" + name + "/" + std::to_string(tokens)).c_str(),
          [=](auto& state) { RunBatch(state, engine, 1536 / tokens, tokens); })
          ->Unit(benchmark::kMillisecond);
  }
  return true;
}();

}  // namespace
}  // namespace ctt::encoder

BENCHMARK_MAIN();
