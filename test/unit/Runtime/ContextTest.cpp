// ContextTest.cpp: threads, the caller's tasks, variants.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>

using namespace rnnc::rt;
using namespace rnnc::rt::test;

namespace {

struct Counts {
  std::vector<std::atomic<int>> seen;
  explicit Counts(size_t n) : seen(n) {}
};

void count(void *data, int64_t i) {
  ++static_cast<Counts *>(data)->seen[size_t(i)];
}

void expectAllOnce(rnnc_context *ctx, int64_t n) {
  Counts counts{size_t(n)};
  CallSite run{ctx, FloatState::current()};
  rnnc_rt_parallel_for(&run, n, count, &counts, INT32_MAX);
  for (auto &c : counts.seen)
    EXPECT_EQ(c.load(), 1);
}

void countTrips(void *data, int64_t from, int64_t to) {
  ASSERT_LT(from, to);
  for (int64_t i = from; i < to; ++i)
    count(data, i);
}

TEST(Context, EveryTripOnce) {
  for (int threads : {1, 3}) {
    rnnc_context_options options = threaded(threads);
    rnnc_context *ctx = rnnc_rt_context_create(&options, nullptr);
    ASSERT_NE(ctx, nullptr);
    for (int64_t trips : {0, 1, 2, 7, 8, 9, 63, 64, 65, 1000})
      for (int64_t tasks : {1, 2, 8, 100}) {
        Counts counts{size_t(trips)};
        CallSite run{ctx, FloatState::current()};
        rnnc_rt_cut_loop(&run, trips, tasks, countTrips, &counts, INT32_MAX);
        for (auto &c : counts.seen)
          EXPECT_EQ(c.load(), 1) << trips << " trips, " << tasks << " tasks";
      }
    rnnc_rt_context_destroy(ctx);
  }
}

TEST(Context, EveryIndexOnce) {
  for (int threads : {0, 1, 2, 5, 1000}) {
    rnnc_context_options options = threaded(threads);
    rnnc_context *ctx = rnnc_rt_context_create(&options, nullptr);
    ASSERT_NE(ctx, nullptr);
    for (int64_t n : {0, 1, 2, 3, 100, 65535, 65536, 200000})
      for (int again = 0; again < (n < 1000 ? 20 : 2); ++again)
        expectAllOnce(ctx, n);
    rnnc_rt_context_destroy(ctx);
  }
}

TEST(Context, SharedByThreads) {
  rnnc_context_options options = threaded(3);
  rnnc_context *ctx = rnnc_rt_context_create(&options, nullptr);
  std::vector<std::thread> users;
  for (int i = 0; i < 4; ++i)
    users.emplace_back([ctx] {
      for (int again = 0; again < 200; ++again)
        expectAllOnce(ctx, 17);
    });
  for (std::thread &user : users)
    user.join();
  rnnc_rt_context_destroy(ctx);
}

void backwards(void *user, int64_t n, void (*body)(void *, int64_t),
               void *data) {
  ++*static_cast<int *>(user);
  while (n-- > 0)
    body(data, n);
}

TEST(Context, TasksOfTheCaller) {
  int calls = 0;
  rnnc_context_options options = threaded(4, backwards, &calls);
  rnnc_context *ctx = rnnc_rt_context_create(&options, nullptr);
  expectAllOnce(ctx, 9);
  EXPECT_EQ(calls, 1);
  expectAllOnce(ctx, 1); // nothing to share
  EXPECT_EQ(calls, 1);
  rnnc_rt_context_destroy(ctx);
}

TEST(Context, Variants) {
  Memory memory(rnnc_rt_context_size());
  auto *ctx = memory.as<rnnc_context>();
  rnnc_context_options options = threaded(1);
  options.variant = "v1";
  EXPECT_EQ(rnnc_rt_context_init(ctx, memory.size, &options, nullptr), RNNC_OK);
  EXPECT_STREQ(rnnc_rt_context_variant(ctx), "v1");
  rnnc_rt_context_finish(ctx);
  EXPECT_STREQ(rnnc_rt_context_variant(ctx), ""); // it is over
  options.variant = "v9";
  EXPECT_EQ(rnnc_rt_context_init(ctx, memory.size, &options, nullptr),
            RNNC_ERR_UNSUPPORTED);
  options = threaded(-1);
  EXPECT_EQ(rnnc_rt_context_init(ctx, memory.size, &options, nullptr),
            RNNC_ERR_ARGUMENT);
  EXPECT_EQ(rnnc_rt_context_init(ctx, memory.size - 1, nullptr, nullptr),
            RNNC_ERR_WORKSPACE);
  EXPECT_EQ(rnnc_rt_context_init(nullptr, memory.size, nullptr, nullptr),
            RNNC_ERR_ARGUMENT);
  EXPECT_EQ(rnnc_rt_context_create(&options, nullptr), nullptr);
  rnnc_rt_context_destroy(nullptr);
}

TEST(Status, EveryCodeHasItsWords) {
  std::string unknown = rnnc_rt_strerror(99);
  EXPECT_EQ(unknown, rnnc_rt_strerror(-1));
  std::vector<std::string> all;
  for (int status = RNNC_OK; status <= RNNC_ERR_DEVICE; ++status)
    all.push_back(rnnc_rt_strerror(status));
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_NE(all[i], unknown) << i;
    for (size_t j = 0; j < i; ++j)
      EXPECT_NE(all[i], all[j]);
  }
}

TEST(Status, LongNamesAreCut) {
  rnnc_error error;
  std::string name(400, 'x');
  EXPECT_EQ(fail(&error, RNNC_ERR_INDEX, 1, name.c_str(), 2, 3, 4, "%s",
                 name.c_str()),
            RNNC_ERR_INDEX);
  EXPECT_EQ(strlen(error.name), sizeof(error.name) - 1);
  EXPECT_EQ(strlen(error.message), sizeof(error.message) - 1);
  EXPECT_EQ(fail(nullptr, RNNC_ERR_INDEX, 1, "", 2, 3, 4, "%s", ""),
            RNNC_ERR_INDEX);
}

TEST(Describe, TheWholeTable) {
  rnnc_library library;
  memset(static_cast<void *>(&library), 0, sizeof(library));
  library.size = sizeof(library);
  EXPECT_EQ(rnnc_rt_describe(&library), RNNC_OK);
  EXPECT_EQ(library.abi_version, RNNC_ABI_VERSION);
  // Every pointer of it is set, but those of libraries with code for GPUs.
  auto *words = reinterpret_cast<const uintptr_t *>(&library);
  for (size_t i = 1; i < offsetof(rnnc_library, gpu_keep) / sizeof(uintptr_t);
       ++i)
    EXPECT_NE(words[i], 0u) << i;
  EXPECT_EQ(library.stream_copy, rnnc_rt_stream_copy);
  EXPECT_EQ(rnnc_rt_describe(nullptr), RNNC_ERR_ARGUMENT);
}

// Philox4x32-10, from the known answers of the Random123 library.
TEST(Philox, KnownAnswers) {
  uint32_t zeros[4] = {}, out[4];
  philox(zeros, zeros, out);
  const uint32_t first[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  EXPECT_EQ(memcmp(out, first, sizeof(out)), 0);
  uint32_t ones[4] = {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};
  philox(ones, ones, out);
  const uint32_t second[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  EXPECT_EQ(memcmp(out, second, sizeof(out)), 0);
  const uint32_t key[2] = {0xa4093822, 0x299f31d0};
  const uint32_t counter[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
  philox(key, counter, out);
  const uint32_t third[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
  EXPECT_EQ(memcmp(out, third, sizeof(out)), 0);
}

TEST(Philox, AnyPartOfADrawIsTheSame) {
  const int64_t key[2] = {5, 6};
  float whole[40], part[40];
  double wide[40];
  rnnc_rt_philox_uniform_f32(key, 1, 2, 3, 0, 40, whole);
  rnnc_rt_philox_uniform_f64(key, 1, 2, 3, 0, 40, wide);
  for (int64_t first = 0; first < 9; ++first) {
    rnnc_rt_philox_uniform_f32(key, 1, 2, 3, first, 7, part);
    EXPECT_EQ(memcmp(part, whole + first, 7 * sizeof(float)), 0) << first;
  }
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(double(whole[i]), wide[i]);
    EXPECT_GE(whole[i], 0.0f);
    EXPECT_LT(whole[i], 1.0f);
  }
  rnnc_rt_philox_uniform_f32(key, 1, 2, 4, 0, 40, part);
  EXPECT_NE(memcmp(part, whole, sizeof(part)), 0);
}

} // namespace
