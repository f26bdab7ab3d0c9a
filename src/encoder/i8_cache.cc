#include "encoder/i8_cache.h"

#include <string_view>
#include <utility>

#include "base/hash.h"
#include "encoder/f32_engine.h"
#include "encoder/i8_calibration.h"
#include "encoder/weights.h"

namespace ctt::encoder {
namespace {

Result<SourceFile> Inspect(const std::filesystem::path& path) {
  std::error_code error;
  SourceFile source;
  source.size = std::filesystem::file_size(path, error);
  if (error) return NotFound(path.string() + ": " + error.message());
  source.changed = std::filesystem::last_write_time(path, error).time_since_epoch().count();
  if (error) return Internal(path.string() + ": " + error.message());
  return source;
}

Result<LineVector<char>> Pack(const std::filesystem::path& weights_path, SourceFile source,
                              const ModelConfig& config, const std::vector<text::TokenId>& frame,
                              kernels::Isa isa) {
  CTT_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(weights_path));
  Result<Weights> weights = ReadWeights(file.bytes(), config);
  if (!weights.ok()) return weights.status().WithContext(weights_path.string());
  source.digest = Sha256(file.bytes());
  const ColumnMagnitudes magnitudes =
      MeasureColumns(F32Engine(config, *weights, isa), config, frame);
  return PackI8Model(config, *weights, magnitudes, source);
}

}  // namespace

Status PackedI8::View(std::string_view bytes, const ModelConfig& config) {
  CTT_ASSIGN_OR_RETURN(model_, ViewI8Model(bytes, config));
  return Status::Ok();
}

Result<PackedI8> PackedI8::Load(const std::filesystem::path& model_folder,
                                const ModelConfig& config, const std::vector<text::TokenId>& frame,
                                kernels::Isa isa, bool use_cache) {
  const std::filesystem::path weights_path = model_folder / "model.safetensors";
  const std::filesystem::path cache_path = model_folder / "packed-i8.bin";
  CTT_ASSIGN_OR_RETURN(const SourceFile source, Inspect(weights_path));
  PackedI8 loaded;
  const auto map_cache = [&] {
    Result<MappedFile> mapped = MappedFile::Open(cache_path);
    if (!mapped.ok()) return false;
    loaded.mapped_ = *std::move(mapped);
    return loaded.View(loaded.mapped_.bytes(), config).ok() &&
           loaded.model_.source.size == source.size &&
           loaded.model_.source.changed == source.changed;
  };
  if (use_cache && map_cache()) return loaded;
  CTT_ASSIGN_OR_RETURN(loaded.packed_, Pack(weights_path, source, config, frame, isa));
  const std::string_view packed(loaded.packed_.data(), loaded.packed_.size());
  if (use_cache && WriteFileDurably(cache_path, packed).ok() && map_cache()) {
    loaded.packed_ = {};
    return loaded;
  }
  CTT_RETURN_IF_ERROR(loaded.View(packed, config));
  return loaded;
}

}  // namespace ctt::encoder
