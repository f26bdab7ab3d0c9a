// The stored forms of Settings and Head: docs/internals/head.md.
#include <algorithm>
#include <cmath>
#include <functional>

#include "base/bytes.h"
#include "learn/head.h"
#include "learn/scatter.h"
#include "learn/whitening.h"

namespace ctt::learn {
namespace {

constexpr std::uint32_t kHeadMagic = 0x48545443;      // "CTTH".
constexpr std::uint32_t kSettingsMagic = 0x47545443;  // "CTTG".
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kWordsVersion = 2;   // Of a head that weighs words.
constexpr std::uint32_t kTaskVersion = 3;    // Of a task that is not single-label.
constexpr std::uint32_t kSpreadVersion = 4;  // With a scope_spread, words or not.
constexpr std::uint32_t kSettingsTaskVersion = 2;
constexpr std::uint32_t kSettingsSpreadVersion = 3;
constexpr std::uint32_t kLexiconMaxParsed = 1 << 20;
constexpr std::size_t kCheckBytes = 8;
constexpr std::int32_t kFeatureDimMax = 1 << 14;
constexpr std::uint32_t kClassesMax = 1 << 20;

std::string_view CheckOf(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), kCheckBytes};
}

bool IsSingle(HeadKind kind) { return TaskKindOf(kind) == TaskKind::kSingle; }

std::uint32_t HeadVersionOf(const Settings& settings) {
  if (!IsSingle(settings.kind)) return kTaskVersion;
  if (settings.scope_spread > 0) return kSpreadVersion;
  return WeighsWords(settings.kind) ? kWordsVersion : kVersion;
}

std::uint32_t SettingsVersionOf(const Settings& settings) {
  if (!IsSingle(settings.kind)) return kSettingsTaskVersion;
  return settings.scope_spread > 0 ? kSettingsSpreadVersion : kVersion;
}

// Without a spread these are the bytes of before there was one.
void WriteSettings(ByteWriter& writer, const Settings& settings) {
  writer.Write(static_cast<std::uint8_t>(settings.kind));
  writer.Write(static_cast<std::uint8_t>(settings.block));
  writer.Write(static_cast<std::uint8_t>(settings.prior));
  for (const double value :
       {settings.lambda, settings.temperature, settings.rho, settings.logistic_temperature,
        settings.scope_threshold, settings.set_quantile, settings.logistic_set_quantile})
    writer.Write(value);
  if (settings.scope_spread > 0) writer.Write(settings.scope_spread);
  if (settings.kind != HeadKind::kLabelwise) return;
  writer.Write(static_cast<std::uint32_t>(settings.label_temperatures.size()));
  for (const auto& [label, temperature] : settings.label_temperatures) {
    writer.WriteString(label);
    writer.Write(temperature);
  }
}

bool ReadTemperatures(ByteReader& reader, Settings& settings) {
  const auto count = reader.Read<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    const std::string_view label = reader.ReadString();
    const auto temperature = reader.Read<double>();
    if (reader.failed() || label.empty() || !(std::isfinite(temperature) && temperature > 0))
      return false;
    settings.label_temperatures.emplace(label, temperature);
  }
  return !reader.failed() && settings.label_temperatures.size() == count;
}

// False: bytes missing, or a value out of range.
bool ReadSettings(ByteReader& reader, bool has_spread, Settings& settings) {
  const auto kind = reader.Read<std::uint8_t>();
  const auto block = reader.Read<std::uint8_t>();
  const auto prior = reader.Read<std::uint8_t>();
  for (double* value :
       {&settings.lambda, &settings.temperature, &settings.rho, &settings.logistic_temperature,
        &settings.scope_threshold, &settings.set_quantile, &settings.logistic_set_quantile}) {
    *value = reader.Read<double>();
    if (!std::isfinite(*value)) return false;
  }
  if (has_spread) {
    settings.scope_spread = reader.Read<double>();
    if (!(std::isfinite(settings.scope_spread) && settings.scope_spread > 0)) return false;
  }
  if (reader.failed() || kind > 5 || block > 2 || prior > 1) return false;
  settings.kind = static_cast<HeadKind>(kind);
  settings.block = static_cast<Block>(block);
  settings.prior = static_cast<Prior>(prior);
  if (settings.kind == HeadKind::kLabelwise && !ReadTemperatures(reader, settings)) return false;
  return settings.lambda > 0 && settings.temperature > 0 && settings.rho >= 0 &&
         settings.logistic_temperature > 0;
}

template <typename T>
bool ReadFinite(ByteReader& reader, std::size_t count, std::vector<T>& values) {
  if (reader.remaining() / sizeof(T) < count) return false;
  values.resize(count);
  reader.ReadArray(std::span<T>(values));
  return std::all_of(values.begin(), values.end(), [](T value) { return std::isfinite(value); });
}

bool IsPermutation(std::vector<std::int32_t> order) {
  std::sort(order.begin(), order.end());
  for (std::size_t c = 0; c < order.size(); ++c)
    if (order[c] != static_cast<std::int32_t>(c)) return false;
  return true;
}

Status Damaged(const char* what) { return DataLoss(std::string("head: ") + what); }

bool ReadLabels(ByteReader& reader, std::uint32_t classes, Head::Parts& parts) {
  for (std::uint32_t c = 0; c < classes; ++c) {
    const std::string_view label = reader.ReadString();
    if (reader.failed() || label.empty() || (c > 0 && label <= parts.labels.back())) return false;
    parts.labels.emplace_back(label);
  }
  if (reader.remaining() / sizeof(std::int32_t) < classes) return false;
  parts.label_of_class.resize(classes);
  reader.ReadArray(std::span<std::int32_t>(parts.label_of_class));
  return IsPermutation(parts.label_of_class);
}

bool ReadWords(ByteReader& reader, std::size_t classes, Head::Parts& parts) {
  const auto entries = reader.Read<std::uint32_t>();
  if (reader.failed() || entries > kLexiconMaxParsed ||
      reader.remaining() / sizeof(std::uint32_t) < entries)
    return false;
  std::vector<std::uint32_t> hashes(entries);
  reader.ReadArray(std::span<std::uint32_t>(hashes));
  if (std::adjacent_find(hashes.begin(), hashes.end(), std::greater_equal<>()) != hashes.end())
    return false;
  std::vector<float> idf;
  if (!ReadFinite(reader, entries, idf) || !ReadFinite(reader, classes, parts.term_scales))
    return false;
  parts.lexicon = Lexicon(std::move(hashes), std::move(idf));
  if (reader.remaining() / classes < entries) return false;
  parts.term_weights.resize(entries * classes);
  reader.ReadArray(std::span<std::int8_t>(parts.term_weights));
  return true;
}

bool ReadNumbers(ByteReader& reader, std::size_t classes, bool has_scope, bool has_scope_weights,
                 Head::Parts& parts) {
  const auto dim =
      static_cast<std::size_t>(BlockColumns(parts.settings.block, parts.feature_dim).size);
  const bool dense = parts.settings.kind != HeadKind::kLexical;
  if (!ReadFinite(reader, dense ? dim * classes : 0, parts.weights)) return false;
  if (!ReadFinite(reader, classes, parts.bias)) return false;
  if (has_scope_weights && !ReadFinite(reader, dim * classes, parts.scope_weights)) return false;
  if (!has_scope) return true;
  const std::size_t core =
      parts.settings.kind == HeadKind::kLabelwise ? classes : classes * classes;
  return ReadFinite(reader, classes, parts.scope_offsets) &&
         ReadFinite(reader, classes, parts.scope_norms) &&
         ReadFinite(reader, core, parts.scope_core) &&
         ReadFinite(reader, parts.settings.scope_spread > 0 ? dim : 0, parts.scope_mean);
}

// Every label of a single-label task has an example, and there is at least one.
bool CountsFit(const Head::Parts& parts, std::uint32_t classes, bool has_scope) {
  if (parts.settings.kind == HeadKind::kRidge)
    return classes == 0 && !has_scope && parts.example_count >= 1;
  if (parts.settings.kind == HeadKind::kLabelwise) return parts.example_count >= 1;
  return classes >= 1 && parts.example_count >= classes;
}

bool ReadRidge(ByteReader& reader, Head::Parts& parts) {
  const auto dim =
      static_cast<std::size_t>(BlockColumns(parts.settings.block, parts.feature_dim).size);
  const auto scope_dim = static_cast<std::size_t>(ScopeColumns(parts.feature_dim).size);
  return ReadFinite(reader, dim, parts.weights) && ReadFinite(reader, 1, parts.bias) &&
         ReadFinite(reader, scope_dim, parts.scope_offsets) &&
         ReadFinite(reader, ScopeFactorSize(scope_dim), parts.scope_factor);
}

}  // namespace

std::string SerializeSettings(const Settings& settings) {
  ByteWriter writer;
  writer.Write(kSettingsMagic);
  writer.Write(SettingsVersionOf(settings));
  WriteSettings(writer, settings);
  return std::move(writer).Take();
}

Result<Settings> ParseSettings(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.Read<std::uint32_t>() != kSettingsMagic) return DataLoss("settings: not settings");
  const auto version = reader.Read<std::uint32_t>();
  if (version < kVersion || version > kSettingsSpreadVersion)
    return DataLoss("settings: written by another version");
  Settings settings;
  if (!ReadSettings(reader, version == kSettingsSpreadVersion, settings) ||
      reader.remaining() != 0 || SettingsVersionOf(settings) != version)
    return DataLoss("settings: a value makes no sense");
  return settings;
}

std::string Head::Serialize() const {
  ByteWriter writer;
  writer.Write(kHeadMagic);
  writer.Write(HeadVersionOf(parts_.settings));
  WriteSettings(writer, parts_.settings);
  writer.Write(parts_.feature_dim);
  writer.Write(parts_.example_count);
  writer.Write(static_cast<std::uint32_t>(parts_.labels.size()));
  writer.Write(static_cast<std::uint8_t>(!parts_.scope_norms.empty()));
  writer.Write(static_cast<std::uint8_t>(!parts_.scope_weights.empty()));
  for (const std::string& label : parts_.labels) writer.WriteString(label);
  writer.WriteArray(std::span<const std::int32_t>(parts_.label_of_class));
  writer.WriteArray(std::span<const float>(parts_.weights));
  writer.WriteArray(std::span<const double>(parts_.bias));
  writer.WriteArray(std::span<const float>(parts_.scope_weights));
  writer.WriteArray(std::span<const double>(parts_.scope_offsets));
  writer.WriteArray(std::span<const double>(parts_.scope_norms));
  writer.WriteArray(std::span<const double>(parts_.scope_core));
  writer.WriteArray(std::span<const float>(parts_.scope_mean));
  writer.WriteArray(std::span<const float>(parts_.scope_factor));
  if (weighs_words()) {
    writer.Write(static_cast<std::uint32_t>(parts_.lexicon.size()));
    writer.WriteArray(std::span<const std::uint32_t>(parts_.lexicon.hashes()));
    writer.WriteArray(std::span<const float>(parts_.lexicon.idf()));
    writer.WriteArray(std::span<const float>(parts_.term_scales));
    writer.WriteArray(std::span<const std::int8_t>(parts_.term_weights));
  }
  std::string bytes = std::move(writer).Take();
  bytes.append(CheckOf(Sha256(bytes)));
  return bytes;
}

Result<Head> Head::Parse(std::string_view bytes) {
  if (bytes.size() < kCheckBytes) return Damaged("too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kCheckBytes);
  ByteReader reader(body);
  if (reader.Read<std::uint32_t>() != kHeadMagic) return Damaged("not a head");
  const auto version = reader.Read<std::uint32_t>();
  if (version < kVersion || version > kSpreadVersion) return Damaged("written by another version");
  if (bytes.substr(body.size()) != CheckOf(Sha256(body))) return Damaged("the checksum differs");
  Parts parts;
  if (!ReadSettings(reader, version == kSpreadVersion, parts.settings) ||
      HeadVersionOf(parts.settings) != version)
    return Damaged("a setting makes no sense");
  parts.feature_dim = reader.Read<std::int32_t>();
  parts.example_count = reader.Read<std::int64_t>();
  const auto classes = reader.Read<std::uint32_t>();
  const auto has_scope = reader.Read<std::uint8_t>();
  const auto has_scope_weights = reader.Read<std::uint8_t>();
  if (reader.failed() || parts.feature_dim < 1 || parts.feature_dim > kFeatureDimMax ||
      classes > kClassesMax || has_scope > 1 || has_scope_weights > has_scope ||
      !CountsFit(parts, classes, has_scope != 0))
    return Damaged("the header makes no sense");
  if (!ReadLabels(reader, classes, parts)) return Damaged("a label makes no sense");
  if (parts.settings.kind == HeadKind::kRidge) {
    if (!ReadRidge(reader, parts)) return Damaged("a number is missing or not finite");
  } else if (!ReadNumbers(reader, classes, has_scope != 0, has_scope_weights != 0, parts)) {
    return Damaged("a number is missing or not finite");
  }
  if (WeighsWords(parts.settings.kind) && !ReadWords(reader, classes, parts))
    return Damaged("a word makes no sense");
  if (reader.remaining() != 0) return Damaged("the size does not fit the header");
  return Head(std::move(parts));
}

Digest Head::ContentDigest() const { return Sha256(Serialize()); }

}  // namespace ctt::learn
