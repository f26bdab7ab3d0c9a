#pragma once
// Ints: sixteen int32 lanes beside the sixteen of Vec, spelled out one by one. The meaning of every
// operation of the ints_*.h family; the others give the same bits. In an unnamed namespace for the
// reason that vec_reference.h states.
#include <cstdint>

#include "kernels/vec_reference.h"

namespace ctt::kernels {
namespace {

struct Ints {
  std::int32_t lane[kLanes];
};

template <typename Body>
inline Ints EachInt(Body body) {
  Ints out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = body(i);
  return out;
}

inline Ints LoadInts(const std::int32_t* p) {
  return EachInt([&](int i) { return p[i]; });
}
inline void StoreInts(std::int32_t* p, const Ints& v) {
  for (int i = 0; i < kLanes; ++i) p[i] = v.lane[i];
}
inline Ints BroadcastInt(std::int32_t x) {
  return EachInt([&](int) { return x; });
}
inline Ints operator+(const Ints& a, const Ints& b) {
  return EachInt([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline Ints operator-(const Ints& a, const Ints& b) {
  return EachInt([&](int i) { return a.lane[i] - b.lane[i]; });
}
inline Ints Max(const Ints& a, const Ints& b) {
  return EachInt([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline std::int32_t MaxInt(const Ints& v) {
  std::int32_t best = v.lane[0];
  for (int i = 1; i < kLanes; ++i) best = v.lane[i] > best ? v.lane[i] : best;
  return best;
}
inline std::int32_t SumInts(const Ints& v) {
  std::int32_t sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += v.lane[i];
  return sum;
}
// Rounded to nearest, ties to even.
inline Vec ToFloats(const Ints& v) {
  return EachLane([&](int i) { return static_cast<float>(v.lane[i]); });
}
// Rounded to nearest, ties to even. REQUIRES: |v| < 2^31.
inline Ints ToInts(const Vec& v) {
  return EachInt([&](int i) { return static_cast<std::int32_t>(std::nearbyint(v.lane[i])); });
}
inline Vec Abs(const Vec& v) {
  return EachLane([&](int i) { return std::fabs(v.lane[i]); });
}
// The low byte of each lane, in order.
inline void StoreBytes(void* p, const Ints& v) {
  for (int i = 0; i < kLanes; ++i)
    static_cast<std::uint8_t*>(p)[i] = static_cast<std::uint8_t>(v.lane[i]);
}
// The low bytes of four, interleaved: a0 b0 c0 d0 a1 b1 ...
inline void StoreByteQuads(void* p, const Ints& a, const Ints& b, const Ints& c, const Ints& d) {
  auto* out = static_cast<std::uint8_t*>(p);
  for (int i = 0; i < kLanes; ++i) {
    out[4 * i] = static_cast<std::uint8_t>(a.lane[i]);
    out[4 * i + 1] = static_cast<std::uint8_t>(b.lane[i]);
    out[4 * i + 2] = static_cast<std::uint8_t>(c.lane[i]);
    out[4 * i + 3] = static_cast<std::uint8_t>(d.lane[i]);
  }
}

}  // namespace
}  // namespace ctt::kernels
