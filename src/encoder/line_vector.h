#pragma once
// LineVector: a std::vector whose elements begin on a cache line (64 bytes), so that no full-width
// vector load of a kernel straddles two lines.
#include <cstddef>
#include <new>
#include <vector>

namespace ctt::encoder {

template <typename T>
struct LineAllocator {
  static constexpr std::align_val_t kLine{64};
  using value_type = T;

  LineAllocator() = default;
  template <typename U>
  LineAllocator(const LineAllocator<U>&) {}  // NOLINT: containers convert allocators implicitly.

  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), kLine));
  }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, kLine); }
  friend bool operator==(LineAllocator, LineAllocator) { return true; }
};

template <typename T>
using LineVector = std::vector<T, LineAllocator<T>>;

}  // namespace ctt::encoder
