#pragma once
// Vec: sixteen fp32 lanes, spelled out one by one. The meaning of every operation of the vec_*.h
// family; the others must give the same bits for all finite inputs.
//
// A kernel body (NAME_body.inc) is written over Vec alone and includes exactly one of these headers
// through its NAME_ISA.cc. Sixteen lanes on every ISA is what fixes the order of each sum: see
// SumLanes. Everything is in an unnamed namespace, so that no code built for a wide ISA can be
// merged into a program path that runs on a narrow one. For the same reason a body calls no inline
// function of the library.
#include <cmath>

namespace ctt::kernels {
namespace {

inline constexpr int kLanes = 16;
// The rows and panels of 16 columns that a matrix tile keeps in registers (f32_tile.inc).
inline constexpr int kTileRows = 4;
inline constexpr int kTilePanels = 1;

struct Vec {
  float lane[kLanes];
};

template <typename Body>
inline Vec EachLane(Body body) {
  Vec out;
  for (int i = 0; i < kLanes; ++i) out.lane[i] = body(i);
  return out;
}

inline Vec Load(const float* p) {
  return EachLane([&](int i) { return p[i]; });
}
inline void Store(float* p, const Vec& v) {
  for (int i = 0; i < kLanes; ++i) p[i] = v.lane[i];
}
inline Vec Broadcast(float x) {
  return EachLane([&](int) { return x; });
}
inline Vec operator+(const Vec& a, const Vec& b) {
  return EachLane([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline Vec operator-(const Vec& a, const Vec& b) {
  return EachLane([&](int i) { return a.lane[i] - b.lane[i]; });
}
inline Vec operator*(const Vec& a, const Vec& b) {
  return EachLane([&](int i) { return a.lane[i] * b.lane[i]; });
}
// a * b + c, rounded once.
inline Vec Fma(const Vec& a, const Vec& b, const Vec& c) {
  return EachLane([&](int i) { return std::fma(a.lane[i], b.lane[i], c.lane[i]); });
}
inline Vec Max(const Vec& a, const Vec& b) {
  return EachLane([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Vec Min(const Vec& a, const Vec& b) {
  return EachLane([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
// To the nearest integer, ties to even.
inline Vec Round(const Vec& v) {
  return EachLane([&](int i) { return std::nearbyint(v.lane[i]); });
}
// v * 2^n. REQUIRES: n holds integers; v and the answer are normal numbers.
inline Vec Scale2(const Vec& v, const Vec& n) {
  return EachLane([&](int i) { return std::ldexp(v.lane[i], static_cast<int>(n.lane[i])); });
}
// Lanes below `count` of v, the others of `fill`.
inline Vec KeepFirst(const Vec& v, int count, const Vec& fill) {
  return EachLane([&](int i) { return i < count ? v.lane[i] : fill.lane[i]; });
}
// One fixed tree: lane i with lane i + 8, then i + 4, i + 2, i + 1.
inline float SumLanes(const Vec& v) {
  float sum[kLanes];
  Store(sum, v);
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) sum[i] += sum[i + half];
  return sum[0];
}
inline float MaxLane(const Vec& v) {
  float best = v.lane[0];
  for (int i = 1; i < kLanes; ++i) best = v.lane[i] > best ? v.lane[i] : best;
  return best;
}

}  // namespace
}  // namespace ctt::kernels
