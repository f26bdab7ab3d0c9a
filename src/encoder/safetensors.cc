#include "encoder/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/json.h"

namespace ctt::encoder {
namespace {

// What the format's own library allows.
constexpr std::uint64_t kHeaderBytesMax = 100'000'000;

// "tensor 'a.b': what".
Status Bad(std::string_view name, const std::string& what) {
  return {Code::kInvalidArgument, "bad_tensor",
          "tensor '" + std::string(name.substr(0, 200)) + "': " + what};
}

std::uint64_t BytesOf(std::string_view dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "I8" || dtype == "U8" || dtype == "BOOL") return 1;
  return 0;
}

// Non-negative integers below 2^53; false for anything else.
bool ReadIntegers(const json::value* value, std::vector<std::int64_t>& integers) {
  if (value == nullptr || !value->is_array()) return false;
  for (const json::value& item : value->get_array()) {
    if (!item.is_int64() || item.get_int64() < 0 || item.get_int64() >= (1LL << 53)) return false;
    integers.push_back(item.get_int64());
  }
  return true;
}

// The product of a shape and an item's size; 0 for an overflow past 2^53.
std::uint64_t BytesOfShape(const std::vector<std::int64_t>& shape, std::uint64_t item) {
  std::uint64_t bytes = item;
  for (const std::int64_t size : shape) {
    if (size != 0 && bytes > (1ULL << 53) / static_cast<std::uint64_t>(size)) return 0;
    bytes *= static_cast<std::uint64_t>(size);
  }
  return bytes;
}

std::string ShapeText(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

Result<Safetensors::Tensor> ParseTensor(std::string_view name, const json::value& value) {
  if (!value.is_object()) return Bad(name, "its entry is not an object");
  const json::object& entry = value.get_object();
  Safetensors::Tensor tensor;
  const json::value* dtype = entry.if_contains("dtype");
  if (dtype == nullptr || !dtype->is_string()) return Bad(name, "'dtype' is missing");
  tensor.dtype = std::string(dtype->get_string());
  const std::uint64_t item = BytesOf(tensor.dtype);
  if (item == 0) return Bad(name, "unknown dtype '" + tensor.dtype.substr(0, 20) + "'");
  if (!ReadIntegers(entry.if_contains("shape"), tensor.shape)) return Bad(name, "bad 'shape'");
  std::vector<std::int64_t> offsets;
  if (!ReadIntegers(entry.if_contains("data_offsets"), offsets) || offsets.size() != 2 ||
      offsets[0] > offsets[1]) {
    return Bad(name, "bad 'data_offsets'");
  }
  tensor.first = static_cast<std::uint64_t>(offsets[0]);
  tensor.last = static_cast<std::uint64_t>(offsets[1]);
  if (tensor.last - tensor.first != BytesOfShape(tensor.shape, item)) {
    return Bad(name, "holds " + std::to_string(tensor.last - tensor.first) +
                         " bytes, which is not its shape " + ShapeText(tensor.shape) + " of " +
                         tensor.dtype);
  }
  return tensor;
}

}  // namespace

Result<Safetensors> Safetensors::Parse(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto header_bytes = reader.Read<std::uint64_t>();
  if (reader.failed() || header_bytes > kHeaderBytesMax || header_bytes > reader.remaining())
    return InvalidArgument("truncated, or not a safetensors file: the header passes the end");
  Result<json::value> header = ParseJson(bytes.substr(8, header_bytes));
  if (!header.ok()) return header.status().WithContext("header");
  if (!header->is_object()) return InvalidArgument("the header is not a JSON object");
  Safetensors file;
  file.data_ = bytes.substr(8 + header_bytes);
  for (const auto& member : header->get_object()) {
    if (member.key() == "__metadata__") continue;
    CTT_ASSIGN_OR_RETURN(Tensor tensor, ParseTensor(member.key(), member.value()));
    if (tensor.last > file.data_.size())
      return Bad(member.key(), "passes the end of the file: truncated");
    file.tensors_.emplace(std::string(member.key()), std::move(tensor));
  }
  CTT_RETURN_IF_ERROR(file.CheckLayout());
  return file;
}

// Sorted by place, each tensor must begin where the one before it ends.
Status Safetensors::CheckLayout() const {
  std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, std::string_view>> places;
  for (const auto& [name, tensor] : tensors_) places.push_back({{tensor.first, tensor.last}, name});
  std::sort(places.begin(), places.end());
  std::uint64_t end = 0;
  for (const auto& [place, name] : places) {
    if (place.first < end) return Bad(name, "overlaps the tensor before it");
    if (place.first > end) return Bad(name, "leaves a gap before it");
    end = place.second;
  }
  if (end != data_.size()) return InvalidArgument("bytes after the last tensor");
  return Status::Ok();
}

Result<std::string_view> Safetensors::FloatBytes(std::string_view name,
                                                 std::span<const std::int64_t> shape) const {
  static_assert(std::endian::native == std::endian::little);
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) return Bad(name, "is missing");
  const Tensor& tensor = found->second;
  if (tensor.dtype != "F32") return Bad(name, "is " + tensor.dtype + "; only F32 is supported");
  if (!std::equal(shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end())) {
    return Bad(name, "has shape " + ShapeText(tensor.shape) + "; the configuration asks for " +
                         ShapeText(shape));
  }
  return data_.substr(tensor.first, tensor.last - tensor.first);
}

Status Safetensors::CheckFinite(std::string_view name, std::span<const std::int64_t> shape) const {
  CTT_ASSIGN_OR_RETURN(const std::string_view bytes, FloatBytes(name, shape));
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(float)) {
    float value;
    std::memcpy(&value, bytes.data() + i, sizeof(value));
    if (!std::isfinite(value)) return Bad(name, "holds a value that is not finite");
  }
  return Status::Ok();
}

Result<std::vector<float>> Safetensors::Floats(std::string_view name,
                                               std::span<const std::int64_t> shape) const {
  CTT_RETURN_IF_ERROR(CheckFinite(name, shape));
  CTT_ASSIGN_OR_RETURN(const std::string_view bytes, FloatBytes(name, shape));
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace ctt::encoder
