#include "encoder/i8_cache.h"

#include <filesystem>
#include <utility>

#include "base/hash.h"
#include "encoder/f32_engine.h"
#include "encoder/i8_calibration.h"
#include "encoder/weights.h"

namespace ctt::encoder {
namespace {

Result<LineVector<char>> Pack(const WeightsFile& file, const ModelConfig& config,
                              const std::vector<text::TokenId>& frame, kernels::Isa isa) {
  Result<Weights> weights = ReadWeights(file.bytes(), config);
  if (!weights.ok()) return weights.status().WithContext(file.path().string());
  const SourceFile source{file.bytes().size(), file.changed(), Sha256(file.bytes())};
  const ColumnMagnitudes magnitudes =
      MeasureColumns(F32Engine(config, file.words(), *weights, isa), config, frame);
  file.DropPages();
  return PackI8Model(config, *weights, magnitudes, source);
}

}  // namespace

Status PackedI8::View(std::string_view bytes, const ModelConfig& config) {
  CTT_ASSIGN_OR_RETURN(model_, ViewI8Model(bytes, config));
  return Status::Ok();
}

Result<PackedI8> PackedI8::Load(const WeightsFile& weights, const ModelConfig& config,
                                const std::vector<text::TokenId>& frame, kernels::Isa isa,
                                bool use_cache) {
  const std::filesystem::path cache_path = weights.path().parent_path() / "packed-i8.bin";
  PackedI8 loaded;
  const auto map_cache = [&] {
    Result<MappedFile> mapped = MappedFile::Open(cache_path);
    if (!mapped.ok()) return false;
    loaded.mapped_ = *std::move(mapped);
    return loaded.View(loaded.mapped_.bytes(), config).ok() &&
           loaded.model_.source.size == weights.bytes().size() &&
           loaded.model_.source.changed == weights.changed();
  };
  if (use_cache && map_cache()) return loaded;
  CTT_ASSIGN_OR_RETURN(loaded.packed_, Pack(weights, config, frame, isa));
  const std::string_view packed(loaded.packed_.data(), loaded.packed_.size());
  if (use_cache && WriteFileDurably(cache_path, packed).ok() && map_cache()) {
    loaded.packed_ = {};
    return loaded;
  }
  CTT_RETURN_IF_ERROR(loaded.View(packed, config));
  return loaded;
}

}  // namespace ctt::encoder
