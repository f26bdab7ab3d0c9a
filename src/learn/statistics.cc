#include "learn/statistics.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "kernels/gram.h"

namespace ctt::learn {
namespace {

constexpr std::int64_t kRowsAtOnce = 64;      // Packed as int16 pairs: 96 KiB at D = 768.
constexpr std::uint32_t kMagic = 0x53545443;  // "CTTS".
constexpr std::uint32_t kVersion = 1;
constexpr std::int32_t kFeatureDimMax = 1 << 14;
constexpr std::size_t kCheckBytes = 8;
constexpr std::size_t kMapNodeBytes = 48;  // Beside the key and the value.

// triangle += sign * X^T X for rows phi [n, D].
void AddRows(std::span<const std::int8_t> phi, std::int64_t n, std::int32_t dim, int sign,
             std::int32_t* triangle) {
  std::vector<std::int16_t> pairs(static_cast<std::size_t>(std::min(n + 1, kRowsAtOnce)) * dim);
  for (std::int64_t first = 0; first < n; first += kRowsAtOnce) {
    const std::int64_t count = std::min(n - first, kRowsAtOnce);
    const std::int64_t pair_count = (count + 1) / 2;
    for (std::int64_t p = 0; p < pair_count; ++p) {
      const std::int8_t* even = phi.data() + (first + 2 * p) * dim;
      const bool has_odd = 2 * p + 1 < count;
      std::int16_t* out = pairs.data() + p * dim * 2;
      for (std::int32_t j = 0; j < dim; ++j) {
        // NOLINTBEGIN(bugprone-signed-char-misuse): numbers, not characters.
        out[2 * j] = even[j];
        out[2 * j + 1] = has_odd ? even[dim + j] : std::int8_t{0};
        // NOLINTEND(bugprone-signed-char-misuse)
      }
    }
    kernels::Gram().add(pairs.data(), static_cast<std::int32_t>(pair_count), dim, sign, triangle);
  }
}

template <typename T>
std::uint8_t WidthOf(const std::vector<T>& values) {
  T low = 0, high = 0;
  for (const T value : values) low = std::min(low, value), high = std::max(high, value);
  const auto fits = [&](std::int64_t least, std::int64_t most) {
    return low >= least && high <= most;
  };
  if (fits(INT8_MIN, INT8_MAX)) return 1;
  if (fits(INT16_MIN, INT16_MAX)) return 2;
  return fits(INT32_MIN, INT32_MAX) ? 4 : 8;
}

template <typename Narrow, typename T>
void WriteAs(ByteWriter& writer, const std::vector<T>& values) {
  std::vector<Narrow> narrow(values.begin(), values.end());
  writer.WriteArray(std::span<const Narrow>(narrow));
}

template <typename T>
void WriteIntegers(ByteWriter& writer, const std::vector<T>& values, std::uint8_t width) {
  if (width == 1) return WriteAs<std::int8_t>(writer, values);
  if (width == 2) return WriteAs<std::int16_t>(writer, values);
  if (width == 4) return WriteAs<std::int32_t>(writer, values);
  WriteAs<std::int64_t>(writer, values);
}

template <typename Narrow, typename T>
std::vector<T> ReadAs(ByteReader& reader, std::size_t count) {
  if (reader.remaining() / sizeof(Narrow) < count) {
    reader.ReadArray(
        std::span<Narrow>(static_cast<Narrow*>(nullptr), count));  // Marks the failure.
    return {};
  }
  std::vector<Narrow> narrow(count);
  reader.ReadArray(std::span<Narrow>(narrow));
  return {narrow.begin(), narrow.end()};
}

template <typename T>
std::vector<T> ReadIntegers(ByteReader& reader, std::size_t count, std::uint8_t width) {
  if (width == 1) return ReadAs<std::int8_t, T>(reader, count);
  if (width == 2) return ReadAs<std::int16_t, T>(reader, count);
  if (width == 4) return ReadAs<std::int32_t, T>(reader, count);
  return ReadAs<std::int64_t, T>(reader, count);
}

bool IsWidth(std::uint8_t width) { return width == 1 || width == 2 || width == 4 || width == 8; }

Status Damaged(const char* what) { return DataLoss(std::string("statistics: ") + what); }

std::string_view CheckOf(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), kCheckBytes};
}

}  // namespace

Statistics::Statistics(std::int32_t feature_dim) : feature_dim_(feature_dim) {
  CTT_CHECK(feature_dim >= 1 && feature_dim <= kFeatureDimMax);
  narrow_gram_.assign(kernels::GramOffset(feature_dim, feature_dim), 0);
}

Status Statistics::CheckRows(std::span<const std::int8_t> phi,
                             std::span<const std::string> labels) const {
  if (phi.size() != labels.size() * static_cast<std::size_t>(feature_dim_))
    return InvalidArgument("features hold " + std::to_string(phi.size()) + " numbers where " +
                           std::to_string(labels.size()) + " rows of " +
                           std::to_string(feature_dim_) + " are wanted");
  if (std::find(phi.begin(), phi.end(), std::int8_t{-128}) != phi.end())
    return InvalidArgument("a feature is -128; features lie in -127 .. 127");
  for (const std::string& label : labels)
    if (label.empty()) return InvalidArgument("a label is empty");
  return Status::Ok();
}

void Statistics::UpdateGram(std::span<const std::int8_t> phi, std::int64_t n, int sign) {
  if (wide_gram_.empty()) return AddRows(phi, n, feature_dim_, sign, narrow_gram_.data());
  std::vector<std::int32_t> part(wide_gram_.size());
  for (std::int64_t first = 0; first < n; first += kernels::kGramRowsMax) {
    const std::int64_t count = std::min(n - first, kernels::kGramRowsMax);
    std::fill(part.begin(), part.end(), 0);
    AddRows(phi.subspan(static_cast<std::size_t>(first) * feature_dim_), count, feature_dim_, 1,
            part.data());
    for (std::size_t i = 0; i < part.size(); ++i) wide_gram_[i] += sign * std::int64_t{part[i]};
  }
}

void Statistics::FitGramTo(std::int64_t example_count) {
  const bool wide = example_count > kernels::kGramRowsMax;
  if (wide == !wide_gram_.empty()) return;
  if (wide) {
    wide_gram_.assign(narrow_gram_.begin(), narrow_gram_.end());
    std::vector<std::int32_t>().swap(narrow_gram_);
  } else {
    narrow_gram_.assign(wide_gram_.begin(), wide_gram_.end());
    std::vector<std::int64_t>().swap(wide_gram_);
  }
}

Status Statistics::Add(std::span<const std::int8_t> phi, std::span<const std::string> labels) {
  CTT_RETURN_IF_ERROR(CheckRows(phi, labels));
  const auto n = static_cast<std::int64_t>(labels.size());
  FitGramTo(example_count_ + n);
  UpdateGram(phi, n, 1);
  for (std::int64_t i = 0; i < n; ++i) {
    Class& held = classes_[labels[i]];
    held.sum.resize(feature_dim_);
    ++held.count;
    const std::int8_t* row = phi.data() + i * feature_dim_;
    for (std::int32_t j = 0; j < feature_dim_; ++j) held.sum[j] += row[j];
  }
  example_count_ += n;
  return Status::Ok();
}

Status Statistics::Remove(std::span<const std::int8_t> phi, std::span<const std::string> labels) {
  CTT_RETURN_IF_ERROR(CheckRows(phi, labels));
  std::map<std::string_view, std::int64_t> wanted;
  for (const std::string& label : labels) ++wanted[label];
  for (const auto& [label, count] : wanted) {
    const auto held = classes_.find(label);
    const std::int64_t present = held == classes_.end() ? 0 : held->second.count;
    if (present < count)
      return FailedPrecondition("label '" + std::string(label) + "' holds " +
                                std::to_string(present) + " examples, fewer than the " +
                                std::to_string(count) + " to unlearn");
  }
  const auto n = static_cast<std::int64_t>(labels.size());
  UpdateGram(phi, n, -1);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto held = classes_.find(labels[i]);
    const std::int8_t* row = phi.data() + i * feature_dim_;
    for (std::int32_t j = 0; j < feature_dim_; ++j) held->second.sum[j] -= row[j];
    if (--held->second.count == 0) classes_.erase(held);
  }
  example_count_ -= n;
  FitGramTo(example_count_);
  return Status::Ok();
}

Status Statistics::Merge(const Statistics& other) {
  if (other.feature_dim_ != feature_dim_)
    return InvalidArgument("features of " + std::to_string(other.feature_dim_) +
                           " numbers cannot join features of " + std::to_string(feature_dim_));
  FitGramTo(example_count_ + other.example_count_);
  const auto add = [](auto& into, const auto& from) {
    for (std::size_t i = 0; i < from.size(); ++i) into[i] += from[i];
  };
  if (wide_gram_.empty()) {
    add(narrow_gram_, other.narrow_gram_);
  } else {
    add(wide_gram_, other.narrow_gram_);
    add(wide_gram_, other.wide_gram_);
  }
  example_count_ += other.example_count_;
  if (&other == this) {
    for (auto& [label, held] : classes_) AddClass(held, Class(held));
  } else {
    for (const auto& [label, held] : other.classes_) AddClass(classes_[label], held);
  }
  return Status::Ok();
}

void Statistics::AddClass(Class& into, const Class& from) {
  into.count += from.count;
  into.sum.resize(from.sum.size());
  for (std::size_t j = 0; j < from.sum.size(); ++j) into.sum[j] += from.sum[j];
}

Status Statistics::RenameLabel(std::string_view from, std::string_view to) {
  const auto held = classes_.find(from);
  if (held == classes_.end()) return NotFound("no label '" + std::string(from) + "'");
  if (to.empty()) return InvalidArgument("a label is empty");
  if (from == to) return Status::Ok();
  if (classes_.contains(to))
    return {Code::kAlreadyExists, "label_exists",
            "label '" + std::string(to) + "' is held; merge the two"};
  auto node = classes_.extract(held);
  node.key() = to;
  classes_.insert(std::move(node));
  return Status::Ok();
}

Status Statistics::MergeLabel(std::string_view from, std::string_view to) {
  const auto held = classes_.find(from);
  if (held == classes_.end()) return NotFound("no label '" + std::string(from) + "'");
  if (to.empty()) return InvalidArgument("a label is empty");
  if (from == to) return Status::Ok();
  const auto node = classes_.extract(held);
  AddClass(classes_[std::string(to)], node.mapped());
  return Status::Ok();
}

std::int64_t Statistics::Gram(std::int32_t i, std::int32_t j) const {
  CTT_CHECK(0 <= i && i <= j && j < feature_dim_);
  const std::size_t at = kernels::GramOffset(i, feature_dim_) + static_cast<std::size_t>(j - i);
  return wide_gram_.empty() ? narrow_gram_[at] : wide_gram_[at];
}

void Statistics::GramRow(std::int32_t i, std::span<double> row) const {
  CTT_CHECK(0 <= i && i < feature_dim_ && row.size() == static_cast<std::size_t>(feature_dim_ - i));
  const std::size_t at = kernels::GramOffset(i, feature_dim_);
  if (wide_gram_.empty())
    std::copy_n(narrow_gram_.begin() + static_cast<std::ptrdiff_t>(at), row.size(), row.begin());
  else
    std::copy_n(wide_gram_.begin() + static_cast<std::ptrdiff_t>(at), row.size(), row.begin());
}

std::string Statistics::Serialize() const {
  std::uint8_t sum_width = 1;
  for (const auto& [label, held] : classes_) sum_width = std::max(sum_width, WidthOf(held.sum));
  const std::uint8_t gram_width = wide_gram_.empty() ? WidthOf(narrow_gram_) : WidthOf(wide_gram_);
  ByteWriter writer;
  writer.Write(kMagic);
  writer.Write(kVersion);
  writer.Write(feature_dim_);
  writer.Write(static_cast<std::uint32_t>(classes_.size()));
  writer.Write(sum_width);
  writer.Write(gram_width);
  for (const auto& [label, held] : classes_) {
    writer.WriteString(label);
    writer.Write(held.count);
    WriteIntegers(writer, held.sum, sum_width);
  }
  if (wide_gram_.empty())
    WriteIntegers(writer, narrow_gram_, gram_width);
  else
    WriteIntegers(writer, wide_gram_, gram_width);
  std::string bytes = std::move(writer).Take();
  bytes.append(CheckOf(Sha256(bytes)));
  return bytes;
}

Result<Statistics> Statistics::Parse(std::string_view bytes) {
  if (bytes.size() < kCheckBytes) return Damaged("too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kCheckBytes);
  ByteReader reader(body);
  if (reader.Read<std::uint32_t>() != kMagic) return Damaged("not statistics");
  if (reader.Read<std::uint32_t>() != kVersion) return Damaged("written by another version");
  if (bytes.substr(body.size()) != CheckOf(Sha256(body))) return Damaged("the checksum differs");
  const auto feature_dim = reader.Read<std::int32_t>();
  const auto class_count = reader.Read<std::uint32_t>();
  const auto sum_width = reader.Read<std::uint8_t>();
  const auto gram_width = reader.Read<std::uint8_t>();
  if (reader.failed() || feature_dim < 1 || feature_dim > kFeatureDimMax || !IsWidth(sum_width) ||
      !IsWidth(gram_width))
    return Damaged("the header makes no sense");
  Statistics statistics(feature_dim);
  std::string_view previous;
  for (std::uint32_t c = 0; c < class_count; ++c) {
    const std::string_view label = reader.ReadString();
    Class held;
    held.count = reader.Read<std::int64_t>();
    held.sum = ReadIntegers<std::int64_t>(reader, feature_dim, sum_width);
    if (reader.failed()) return Damaged("cut short");
    if (label.empty() || label <= previous || held.count < 1 ||
        held.count >
            std::numeric_limits<std::int64_t>::max() / kClassCountShare - statistics.example_count_)
      return Damaged("a label makes no sense");
    statistics.example_count_ += held.count;
    statistics.classes_.emplace_hint(statistics.classes_.end(), label, std::move(held));
    previous = label;
  }
  const std::size_t entries = statistics.narrow_gram_.size();
  if (statistics.example_count_ > kernels::kGramRowsMax) {
    std::vector<std::int32_t>().swap(statistics.narrow_gram_);
    statistics.wide_gram_ = ReadIntegers<std::int64_t>(reader, entries, gram_width);
  } else if (gram_width == 8) {
    return Damaged("the Gram matrix is wider than its examples allow");
  } else {
    statistics.narrow_gram_ = ReadIntegers<std::int32_t>(reader, entries, gram_width);
  }
  if (reader.failed() || reader.remaining() != 0)
    return Damaged("the size does not fit the header");
  return statistics;
}

Digest Statistics::ContentDigest() const { return Sha256(Serialize()); }

std::size_t Statistics::memory_bytes() const {
  std::size_t bytes = sizeof *this + narrow_gram_.capacity() * sizeof(std::int32_t) +
                      wide_gram_.capacity() * sizeof(std::int64_t);
  for (const auto& [label, held] : classes_)
    bytes += kMapNodeBytes + sizeof(std::string) + label.capacity() + sizeof(Class) +
             held.sum.capacity() * sizeof(std::int64_t);
  return bytes;
}

}  // namespace ctt::learn
