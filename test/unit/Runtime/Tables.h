// Tables.h: a library by hand, so that the runtime is tested alone.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_UNIT_RUNTIME_TABLES_H
#define RNNC_TEST_UNIT_RUNTIME_TABLES_H

#include "Runtime.h"

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

namespace rnnc::rt::test {

/// The two modules: `Toy` has two parameters, a state, an index and packed
/// weights; `Other` has nothing; `Paths` has functions that go straight, each
/// beside the same one that cannot.
constexpr int kToy = 0, kOther = 1, kPaths = 2;
/// Functions of `Toy`.
constexpr int kSum = 0, kStep = 1, kPick = 2;
constexpr int kSumArgs = 3; ///< T, words, out
/// Functions of `Paths`: of word, x and out; of a stream, word and out.
constexpr int kMix = 0, kMixLong = 1, kCount = 2, kCountLong = 3;

/// Options of `threads` threads.
inline rnnc_context_options
threaded(int32_t threads, rnnc_task_fn tasks = nullptr, void *user = nullptr) {
  return {sizeof(rnnc_context_options), threads, nullptr, tasks, user, nullptr};
}
/// A call that nothing is known of yet.
inline rnnc_call blankCall() {
  rnnc_call call = {};
  call.size = sizeof(call);
  return call;
}

/// Memory aligned as objects have to be, filled with a pattern.
class Memory {
public:
  explicit Memory(size_t bytes) : size(bytes) {
    data = static_cast<unsigned char *>(
        std::aligned_alloc(kAlign, alignUp(bytes + 1)));
    for (size_t i = 0; i < alignUp(bytes + 1); ++i)
      data[i] = 0xA5;
  }
  ~Memory() { std::free(data); }
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;
  template <typename Object> Object *as() {
    return reinterpret_cast<Object *>(data);
  }
  /// Nothing was written behind the end.
  bool intact() const { return data[size] == 0xA5; }

  unsigned char *data;
  size_t size;
};

} // namespace rnnc::rt::test

#endif // RNNC_TEST_UNIT_RUNTIME_TABLES_H
