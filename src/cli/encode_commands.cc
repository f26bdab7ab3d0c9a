#include <algorithm>
#include <atomic>
#include <charconv>
#include <fstream>
#include <numeric>
#include <thread>

#include <fmt/format.h>

#include "base/file.h"
#include "base/hash.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/npy.h"
#include "cli/session.h"
#include "encoder/encoder.h"

namespace ctt::cli {
namespace {

// The published weights of the default model.
constexpr std::string_view kDefaultModel = "all-MiniLM-L6-v2";
constexpr std::string_view kDefaultWeights =
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db";
constexpr std::int64_t kBatchTokens = 512;

using Texts = std::vector<std::vector<text::TokenId>>;

Result<std::unique_ptr<const encoder::Encoder>> LoadEncoder(const Settings& settings) {
  encoder::EncoderOptions options;
  CTT_ASSIGN_OR_RETURN(options.engine, encoder::ParseEngine(settings.engine));
  options.tokens_max = static_cast<std::int32_t>(settings.tokens_max);
  return encoder::Encoder::Load(ModelFolder(settings), options);
}

Result<Texts> Tokenize(const encoder::Encoder& encoder, const RowSource& source) {
  CTT_ASSIGN_OR_RETURN(RowFile rows, RowFile::Open(source, false));
  Texts texts;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const std::optional<FileRow> row, rows.Next());
    if (!row) return texts;
    texts.push_back(encoder.tokenizer().Encode(row->text, encoder.tokens_max()).ids);
  }
}

// One text a line: token ids between blanks.
Result<Texts> ReadIds(const encoder::Encoder& encoder, const std::string& file) {
  std::ifstream in(file);
  if (!in) return NotFound("cannot open " + file);
  Texts texts;
  for (std::string line; std::getline(in, line);) {
    std::vector<text::TokenId> ids;
    const char* end = line.data() + line.size();
    for (const char* at = line.data(); at != end;) {
      text::TokenId id = 0;
      const auto [next, error] = std::from_chars(at, end, id);
      if (error != std::errc() || id < 0 || id >= encoder.tokenizer().vocabulary_size()) {
        return InvalidArgument(file + ", line " + std::to_string(texts.size() + 1) +
                               ": not a token id of this model");
      }
      ids.push_back(id);
      at = std::find_if(next, end, [](char c) { return c != ' ' && c != '\t' && c != '\r'; });
    }
    if (ids.empty() || static_cast<std::int32_t>(ids.size()) > encoder.tokens_max()) {
      return InvalidArgument(file + ", line " + std::to_string(texts.size() + 1) +
                             ": a text has 1 to " + std::to_string(encoder.tokens_max()) + " ids");
    }
    texts.push_back(std::move(ids));
  }
  return texts;
}

struct Batch {
  encoder::RaggedBatch texts;
  std::vector<std::size_t> rows;  // Where each text stands in the file.
};

// By length, so that the texts of a batch are alike; longest first, so that no thread ends late.
std::vector<Batch> MakeBatches(const Texts& texts) {
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return texts[a].size() > texts[b].size(); });
  std::vector<Batch> batches;
  for (const std::size_t row : order) {
    if (batches.empty() ||
        batches.back().texts.token_count() + static_cast<std::int64_t>(texts[row].size()) >
            kBatchTokens) {
      batches.emplace_back();
    }
    batches.back().texts.Add(texts[row]);
    batches.back().rows.push_back(row);
  }
  return batches;
}

// Encodes every batch, `threads` at a time; embeddings [texts, H] land at the rows of the file.
void EncodeAll(const encoder::Encoder& encoder, const std::vector<Batch>& batches,
               std::int32_t threads, std::vector<float>& embeddings) {
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    encoder::Encoder::Workspace workspace;
    encoder::Features features;
    const std::size_t hidden = encoder.hidden_size();
    for (std::size_t i = next++; i < batches.size(); i = next++) {
      encoder.Encode(batches[i].texts, workspace, features);
      for (std::size_t t = 0; t < batches[i].rows.size(); ++t)
        std::copy_n(features.embeddings.begin() + static_cast<std::ptrdiff_t>(t * hidden), hidden,
                    embeddings.begin() + static_cast<std::ptrdiff_t>(batches[i].rows[t] * hidden));
    }
  };
  std::vector<std::thread> pool;
  for (std::int32_t i = 1; i < threads; ++i) pool.emplace_back(work);
  work();
  for (std::thread& thread : pool) thread.join();
}

std::int32_t Threads(const Settings& settings) {
  if (settings.threads > 0) return static_cast<std::int32_t>(settings.threads);
  return std::max(1, static_cast<std::int32_t>(std::thread::hardware_concurrency()));
}

struct Pass {
  std::vector<float> embeddings;
  std::int64_t tokens = 0;
  double seconds = 0;
};

Pass TimedPass(const encoder::Encoder& encoder, const Texts& texts, std::int32_t threads) {
  const std::vector<Batch> batches = MakeBatches(texts);
  Pass pass;
  pass.embeddings.resize(texts.size() * encoder.hidden_size());
  for (const auto& ids : texts) pass.tokens += static_cast<std::int64_t>(ids.size());
  // Warm: every eighth batch.
  std::vector<Batch> some;
  for (std::size_t i = 0; i < batches.size(); i += 8) some.push_back(batches[i]);
  EncodeAll(encoder, some, threads, pass.embeddings);
  const double start_s = SteadySeconds();
  EncodeAll(encoder, batches, threads, pass.embeddings);
  pass.seconds = SteadySeconds() - start_s;
  return pass;
}

}  // namespace

Status Embed(const CommandContext& context, const RowSource& source, const std::string& output) {
  CTT_ASSIGN_OR_RETURN(const auto encoder, LoadEncoder(context.settings));
  CTT_ASSIGN_OR_RETURN(const Texts texts, Tokenize(*encoder, source));
  std::vector<float> embeddings(texts.size() * encoder->hidden_size());
  EncodeAll(*encoder, MakeBatches(texts), Threads(context.settings), embeddings);
  CTT_RETURN_IF_ERROR(WriteNpy(output, embeddings, static_cast<std::int64_t>(texts.size()),
                               encoder->hidden_size()));
  if (context.json) {
    PrintJson({{"texts", texts.size()},
               {"hidden_size", encoder->hidden_size()},
               {"encoder_id", encoder->encoder_id()},
               {"output", output}});
  } else {
    fmt::print("{}: {} embeddings of {} components\n", output, texts.size(),
               encoder->hidden_size());
  }
  return Status::Ok();
}

Status BenchEncode(const CommandContext& context, const RowSource& source, const std::string& ids,
                   const std::string& output) {
  CTT_ASSIGN_OR_RETURN(const auto encoder, LoadEncoder(context.settings));
  CTT_ASSIGN_OR_RETURN(const Texts texts,
                       ids.empty() ? Tokenize(*encoder, source) : ReadIds(*encoder, ids));
  if (texts.empty()) return InvalidArgument("the file holds no text");
  const std::int32_t threads = Threads(context.settings);
  const Pass pass = TimedPass(*encoder, texts, threads);
  if (!output.empty()) {
    CTT_RETURN_IF_ERROR(WriteNpy(output, pass.embeddings, static_cast<std::int64_t>(texts.size()),
                                 encoder->hidden_size()));
  }
  const double tokens_per_second = static_cast<double>(pass.tokens) / pass.seconds;
  const double texts_per_second = static_cast<double>(texts.size()) / pass.seconds;
  if (context.json) {
    PrintJson({{"engine", encoder::EngineName(encoder->engine())},
               {"threads", threads},
               {"isa", kernels::IsaName(encoder->isa())},
               {"texts", texts.size()},
               {"tokens", pass.tokens},
               {"seconds", pass.seconds},
               {"tokens_per_second", tokens_per_second},
               {"texts_per_second", texts_per_second}});
  } else {
    fmt::print(
        "{} on {}, {} threads: {} texts, {} tokens in {:.3f} s: {:.0f} tokens/s, {:.0f} texts/s\n",
        encoder::EngineName(encoder->engine()), kernels::IsaName(encoder->isa()), threads,
        texts.size(), pass.tokens, pass.seconds, tokens_per_second, texts_per_second);
  }
  return Status::Ok();
}

Status ModelInfo(const CommandContext& context) {
  CTT_ASSIGN_OR_RETURN(const auto encoder, LoadEncoder(context.settings));
  const encoder::Encoder& model = *encoder;
  const json::object info = {{"name", model.model_name()},
                             {"encoder_id", model.encoder_id()},
                             {"engine", encoder::EngineName(model.engine())},
                             {"isa", kernels::IsaName(model.isa())},
                             {"hidden_size", model.hidden_size()},
                             {"layers", model.layer_count()},
                             {"feature_dim", model.feature_dim()},
                             {"vocabulary_size", model.tokenizer().vocabulary_size()},
                             {"tokens_max", model.tokens_max()}};
  if (context.json) {
    PrintJson(info);
    return Status::Ok();
  }
  for (const auto& [key, value] : info)
    fmt::print("{:<16} {}\n", std::string(key), json::serialize(value));
  return Status::Ok();
}

Status ModelVerify(const CommandContext& context) {
  CTT_ASSIGN_OR_RETURN(const auto encoder, LoadEncoder(context.settings));  // Checks every tensor.
  const std::string path = ModelFolder(context.settings) + "/model.safetensors";
  CTT_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const std::string digest = ToHex(Sha256(file.bytes()));
  const bool known = encoder->model_name() == kDefaultModel;
  if (known && digest != kDefaultWeights)
    return DataLoss(path + " is not the published one: its SHA-256 is " + digest);
  if (context.json) {
    PrintJson({{"model", encoder->model_name()},
               {"sha256", digest},
               {"published", known},
               {"encoder_id", encoder->encoder_id()},
               {"isa", kernels::IsaName(encoder->isa())},
               {"isa_fell_back", encoder->isa_fell_back()}});
  } else {
    fmt::print("{}: whole{}, SHA-256 {}\n", path, known ? ", as published" : "", digest);
  }
  return Status::Ok();
}

}  // namespace ctt::cli
