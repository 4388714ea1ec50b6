// SafetyTest.cpp: what callers do wrong, odd floating-point states, forks.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace rnnc::rt;
using namespace rnnc::rt::test;

namespace {

/// Rounding up, every exception unmasked: arithmetic that is not exact traps.
#if defined(__x86_64__)
constexpr FloatState kHostile{0x4000};
#else
constexpr FloatState kHostile{(1u << 22) | (0x1fu << 8), 0};
#endif

class SafetyTest : public testing::Test {
protected:
  SafetyTest()
      : context(rnnc_rt_context_size()), params(rnnc_rt_params_size(kToy)),
        stream(rnnc_rt_stream_size(kToy, 2)) {
    memset(&error, 0x5a, sizeof(error));
    EXPECT_EQ(rnnc_rt_context_init(ctx(), context.size, nullptr, &error),
              RNNC_OK);
    EXPECT_EQ(rnnc_rt_params_init(kToy, par(), params.size, 1, &error),
              RNNC_OK);
    EXPECT_EQ(
        rnnc_rt_stream_init(ctx(), kToy, par(), str(), stream.size, 2, &error),
        RNNC_OK);
    call.params = par();
    call.num_times = 1;
    call.times = &time;
    call.batch = 2;
    call.args = args;
    call.num_args = kSumArgs;
    call.error = &error;
    args[1] = words;
    args[2] = out;
  }
  ~SafetyTest() override { rnnc_rt_context_finish(ctx()); }

  rnnc_context *ctx() { return context.as<rnnc_context>(); }
  rnnc_params *par() { return params.as<rnnc_params>(); }
  rnnc_stream *str() { return stream.as<rnnc_stream>(); }

  int32_t run(int32_t function = kSum) {
    size_t bytes =
        rnnc_rt_workspace_size(ctx(), kToy, function, call.batch, call.times);
    Memory workspace{bytes ? bytes : 64};
    call.workspace = workspace.data;
    call.workspace_bytes = workspace.size;
    memset(&error, 0x5a, sizeof(error));
    int32_t status = rnnc_rt_call(ctx(), kToy, function, &call);
    EXPECT_TRUE(workspace.intact());
    EXPECT_EQ(error.status, status);
    EXPECT_EQ(error.message[0] == 0, status == RNNC_OK);
    return status;
  }
  int32_t step() {
    call.num_times = call.num_args = 0;
    return run(kStep);
  }

  Memory context, params, stream;
  int32_t time = 3, words[6] = {1, 2, 3, 4, 0, 1}, lengths[2] = {3, 1};
  float out[2] = {};
  void *args[kSumArgs] = {};
  rnnc_error error;
  rnnc_call call = blankCall();
};

// ---- floating-point state

TEST_F(SafetyTest, FloatStateOfTheCaller) {
  static_cast<float *>(rnnc_rt_params_data(kToy, par(), 0))[0] = 0.1f;
  ASSERT_EQ(run(), RNNC_OK);
  float expected[2] = {out[0], out[1]};
  Memory again(params.size), packed(rnnc_rt_prepared_size(ctx(), kToy));
  auto *prepared = packed.as<rnnc_prepared>();
  FloatState normal = FloatState::current();
  kHostile.set();
  int32_t status = run();
  FloatState after = FloatState::current();
  int32_t drawn = rnnc_rt_params_init(kToy, again.as<rnnc_params>(), again.size,
                                      1, nullptr);
  int32_t prepares =
      rnnc_rt_prepare(ctx(), kToy, par(), prepared, packed.size, nullptr);
  FloatState last = FloatState::current();
  normal.set();
  EXPECT_EQ(status, RNNC_OK);
  EXPECT_EQ(drawn, RNNC_OK);
  EXPECT_EQ(prepares, RNNC_OK);
  EXPECT_TRUE(after == kHostile);
  EXPECT_TRUE(last == kHostile);
  EXPECT_EQ(memcmp(out, expected, sizeof(out)), 0);
  ASSERT_EQ(rnnc_rt_params_init(kToy, par(), params.size, 1, nullptr), RNNC_OK);
  EXPECT_EQ(memcmp(again.data, params.data, params.size), 0);
}

TEST_F(SafetyTest, FloatStateAfterARefusal) {
  kHostile.set();
  words[0] = 99;
  int32_t status = run();
  FloatState after = FloatState::current();
  kExactFloats.set();
  EXPECT_EQ(status, RNNC_ERR_INDEX);
  EXPECT_TRUE(after == kHostile);
}

struct States {
  std::atomic<int> right{0};
};

void seesKernelState(void *data, int64_t) {
  FloatState state = FloatState::current();
  // Flags may have been raised before: only rounding, masks and modes count.
#if defined(__x86_64__)
  bool same = (state.mxcsr & ~0x3fu) == (kKernelFloats.mxcsr & ~0x3fu);
#else
  bool same = state.control == kKernelFloats.control;
#endif
  static_cast<States *>(data)->right += same;
}

TEST(FloatStates, OfWorkers) {
  rnnc_context_options options = threaded(4);
  kHostile.set();
  rnnc_context *ctx = rnnc_rt_context_create(&options, nullptr);
  kExactFloats.set();
  States states;
  CallSite run{ctx, kExactFloats};
  kKernelFloats.set();
  for (int again = 0; again < 100; ++again)
    rnnc_rt_parallel_for(&run, 64, seesKernelState, &states, INT32_MAX);
  kExactFloats.set();
  EXPECT_EQ(states.right, 6400);
  rnnc_rt_context_destroy(ctx);
}

/// A caller's task function: it has the caller's state, on any thread.
void taskFunction(void *user, int64_t n, void (*body)(void *, int64_t),
                  void *data) {
  *static_cast<bool *>(user) = FloatState::current() == kHostile;
  std::thread other([&] {
    kHostile.set();
    for (int64_t i = 0; i < n; i += 2)
      body(data, i);
    *static_cast<bool *>(user) &= FloatState::current() == kHostile;
  });
  for (int64_t i = 1; i < n; i += 2)
    body(data, i);
  other.join();
}

TEST(FloatStates, AroundTasksOfTheCaller) {
  bool mine = false;
  rnnc_context_options options = threaded(2, taskFunction, &mine);
  rnnc_context *ctx = rnnc_rt_context_create(&options, nullptr);
  States states;
  CallSite run{ctx, kHostile};
  kKernelFloats.set();
  rnnc_rt_parallel_for(&run, 9, seesKernelState, &states, INT32_MAX);
  FloatState after = FloatState::current();
  kExactFloats.set();
  EXPECT_TRUE(mine);
  EXPECT_EQ(states.right, 9);
  EXPECT_TRUE(after == kKernelFloats);
  rnnc_rt_context_destroy(ctx);
}

// ---- forks

void count(void *data, int64_t) { ++*static_cast<std::atomic<int> *>(data); }

/// What a child does with its parent's context; its exit code.
int childCode(rnnc_context *ctx) {
  alarm(20); // a child that hangs ends by a signal
  std::atomic<int> seen{0};
  CallSite run{ctx, FloatState::current()};
  for (int again = 0; again < 3; ++again)
    rnnc_rt_parallel_for(&run, 50, count, &seen, INT32_MAX);
  rnnc_rt_context_destroy(ctx);
  return seen == 150 ? 0 : 1;
}

int codeOf(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

TEST(Fork, TheChildWorksAlone) {
  rnnc_context_options options = threaded(4);
  rnnc_context *ctx = rnnc_rt_context_create(&options, nullptr);
  // Also while another thread has the workers, and their locks.
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    std::atomic<int> seen{0};
    CallSite run{ctx, FloatState::current()};
    while (!stop)
      rnnc_rt_parallel_for(&run, 20, count, &seen, INT32_MAX);
  });
  for (int i = 0; i < 20; ++i) {
    pid_t child = fork();
    if (child == 0)
      _exit(childCode(ctx));
    EXPECT_EQ(codeOf(child), 0);
  }
  stop = true;
  busy.join();
  std::atomic<int> seen{0};
  CallSite run{ctx, FloatState::current()};
  rnnc_rt_parallel_for(&run, 10, count, &seen, INT32_MAX);
  EXPECT_EQ(seen, 10);
  rnnc_rt_context_destroy(ctx);
}

// ---- sizes

TEST(Sizes, StopAtTheLargest) {
  EXPECT_EQ(addSizes(SIZE_MAX - 1, 2), SIZE_MAX);
  EXPECT_EQ(multiplySizes(size_t(1) << 40, size_t(1) << 40), SIZE_MAX);
  EXPECT_EQ(alignUp(SIZE_MAX - 3), SIZE_MAX);
  EXPECT_EQ(heldSize(size_t(PTRDIFF_MAX) + 1), 0u);
  Bump bump{nullptr};
  bump.take(SIZE_MAX - 100);
  EXPECT_EQ(bump.take(200), nullptr);
  EXPECT_EQ(bump.used, SIZE_MAX);
  char memory[256];
  Bump small{memory, sizeof(memory)};
  EXPECT_EQ(small.take(10), memory);
  EXPECT_EQ(small.take(150), memory + 64);
  EXPECT_EQ(small.take(65), nullptr);
  EXPECT_EQ(small.take(0), nullptr); // nothing lies behind what did not fit
}

TEST_F(SafetyTest, SizesThatCannotBeHeld) {
  call.batch = INT32_MAX;
  time = INT32_MAX; // 2^62 words of 4 bytes
  EXPECT_EQ(rnnc_rt_workspace_size(ctx(), kToy, kSum, INT32_MAX, &time), 0u);
  EXPECT_EQ(run(), RNNC_ERR_ARGUMENT);
  EXPECT_STREQ(error.message,
               "the size of the argument `words` cannot be held");
  time = 1;
  EXPECT_GT(rnnc_rt_workspace_size(ctx(), kToy, kSum, INT32_MAX, &time),
            200u << 30);
  call.batch = 2;
  time = -5;
  EXPECT_EQ(rnnc_rt_workspace_size(ctx(), kToy, kSum, 2, &time), 0u);
  EXPECT_EQ(run(), RNNC_ERR_ARGUMENT);
  EXPECT_EQ(error.value, -5);
}

// ---- arguments

TEST_F(SafetyTest, MisalignedObjects) {
  Memory wide(8192);
  auto at = [&](size_t offset) {
    return static_cast<void *>(wide.data + offset);
  };
  rnnc_error e;
  auto refused = [&](int32_t status, const char *name) {
    EXPECT_EQ(status, RNNC_ERR_ARGUMENT);
    EXPECT_EQ(e.message,
              "`" + std::string(name) + "` is not aligned to 64 bytes");
  };
  auto *misplaced = static_cast<rnnc_params *>(at(8));
  refused(rnnc_rt_context_init(static_cast<rnnc_context *>(at(32)), 8000,
                               nullptr, &e),
          "context");
  refused(rnnc_rt_params_init(kToy, misplaced, 8000, 1, &e), "params");
  refused(rnnc_rt_optimizer_init(kToy, static_cast<rnnc_optimizer *>(at(4)),
                                 8000, &e),
          "optimizer");
  refused(
      rnnc_rt_carry_init(kToy, static_cast<rnnc_carry *>(at(1)), 8000, 1, &e),
      "carry");
  auto *badStream = static_cast<rnnc_stream *>(at(48));
  refused(rnnc_rt_stream_init(ctx(), kToy, par(), badStream, 8000, 1, &e),
          "stream");
  refused(rnnc_rt_stream_copy(kToy, badStream, 8000, str(), &e), "to");
  refused(rnnc_rt_stream_copy(kToy, str(), stream.size, badStream, &e), "from");
  refused(rnnc_rt_stream_reset(kToy, badStream, nullptr, &e), "stream");
  refused(rnnc_rt_prepare(ctx(), kToy, par(),
                          static_cast<rnnc_prepared *>(at(16)), 8000, &e),
          "prepared");
  refused(rnnc_rt_prepare(ctx(), kToy, misplaced, wide.as<rnnc_prepared>(),
                          8000, &e),
          "params");
  refused(rnnc_rt_params_load(kToy, misplaced, "", 0, &e), "params");
  EXPECT_EQ(rnnc_rt_params_data(kToy, misplaced, 0), nullptr);
  EXPECT_EQ(rnnc_rt_stream_state_const(kToy, badStream, 0), nullptr);
  call.params = misplaced;
  EXPECT_EQ(run(), RNNC_ERR_ARGUMENT);
  EXPECT_STREQ(error.name, "params");
  call.params = par();
  memcpy(wide.data + 64 + 8, context.data,
         context.size < 8000 ? context.size : 8000);
  auto *elsewhere = static_cast<rnnc_context *>(at(64 + 8));
  EXPECT_EQ(rnnc_rt_call(elsewhere, kToy, kSum, &call), RNNC_ERR_ARGUMENT);
  EXPECT_STREQ(error.message, "`context` is not aligned to 64 bytes");
  EXPECT_EQ(rnnc_rt_workspace_size(elsewhere, kToy, kSum, 1, &time), 0u);
}

TEST_F(SafetyTest, MisalignedArrays) {
  char bytes[64] = {};
  args[1] = bytes + 1;
  EXPECT_EQ(run(), RNNC_ERR_ARGUMENT);
  EXPECT_STREQ(error.message,
               "the argument `words` is not aligned to its entries");
  EXPECT_EQ(error.argument, 1);
}

TEST_F(SafetyTest, ResultsOverlapNothingThatIsRead) {
  const void *data = args[1];
  args[2] = const_cast<void *>(data);
  EXPECT_EQ(run(), RNNC_ERR_ARGUMENT);
  EXPECT_STREQ(error.message, "the argument `out` overlaps `words`, which is "
                              "read while it is written");
  EXPECT_EQ(error.argument, 2);
}

TEST_F(SafetyTest, ResultsThatAreNotWanted) {
  args[2] = nullptr;
  EXPECT_EQ(run(), RNNC_OK);
  args[2] = out;
  args[0] = lengths;
  EXPECT_EQ(run(), RNNC_OK);
}

TEST_F(SafetyTest, WorkspaceIsAnyMemory) {
  size_t bytes = rnnc_rt_workspace_size(ctx(), kToy, kSum, 2, &time);
  Memory workspace(bytes + 64);
  for (size_t offset : {1u, 3u, 63u}) {
    call.workspace = workspace.data + offset;
    call.workspace_bytes = bytes;
    EXPECT_EQ(rnnc_rt_call(ctx(), kToy, kSum, &call), RNNC_OK);
    for (size_t i = offset + bytes; i < workspace.size; ++i)
      EXPECT_EQ(workspace.data[i], 0xA5) << i;
  }
  call.workspace = nullptr;
  EXPECT_EQ(rnnc_rt_call(ctx(), kToy, kSum, &call), RNNC_ERR_ARGUMENT);
  EXPECT_EQ(error.value, int64_t(bytes));
  call.workspace = workspace.data;
  for (size_t few : {size_t(0), size_t(1), size_t(64), bytes / 2, bytes - 1}) {
    call.workspace_bytes = few;
    EXPECT_EQ(rnnc_rt_call(ctx(), kToy, kSum, &call), RNNC_ERR_WORKSPACE)
        << few;
  }
}

TEST_F(SafetyTest, StepNeedsAStream) {
  EXPECT_EQ(step(), RNNC_ERR_ARGUMENT);
  EXPECT_STREQ(error.message, "`stream` is NULL");
  call.stream = str();
  EXPECT_EQ(step(), RNNC_OK);
}

TEST_F(SafetyTest, NoRowsMoveNothing) {
  call.stream = str();
  ASSERT_EQ(step(), RNNC_OK);
  std::vector<unsigned char> before(stream.data, stream.data + stream.size);
  call.batch = 0;
  EXPECT_EQ(step(), RNNC_OK);
  EXPECT_EQ(memcmp(before.data(), stream.data, stream.size), 0);
  call.batch = 1;
  EXPECT_EQ(step(), RNNC_ERR_ARGUMENT);
}

TEST_F(SafetyTest, FlagsAreZeroOrOne) {
  call.stream = str();
  ASSERT_EQ(step(), RNNC_OK);
  std::vector<unsigned char> before(stream.data, stream.data + stream.size);
  for (int32_t odd : {-1, 2, 0x01010101}) {
    const int32_t rows[2] = {1, odd};
    EXPECT_EQ(rnnc_rt_stream_reset(kToy, str(), rows, &error), RNNC_ERR_INDEX);
    EXPECT_EQ(error.example, 1);
    EXPECT_EQ(error.value, odd);
  }
  EXPECT_EQ(memcmp(before.data(), stream.data, stream.size), 0);
}

TEST_F(SafetyTest, ReadingAStateChangesNothing) {
  std::vector<unsigned char> before(stream.data, stream.data + stream.size);
  auto *state =
      static_cast<const float *>(rnnc_rt_stream_state_const(kToy, str(), 0));
  ASSERT_NE(state, nullptr);
  EXPECT_EQ(memcmp(before.data(), stream.data, stream.size), 0);
  EXPECT_EQ(rnnc_rt_stream_state(kToy, str(), 0), state);
  EXPECT_NE(memcmp(before.data(), stream.data, stream.size), 0);
}

TEST_F(SafetyTest, ErrorsAreAlwaysFilled) {
  rnnc_error e;
  auto cleared = [&](int32_t status) {
    return status == RNNC_OK && e.status == RNNC_OK && e.message[0] == 0 &&
           e.name[0] == 0 && e.argument == -1 && e.example == -1 &&
           e.step == -1;
  };
  auto dirty = [&] { memset(&e, 0x5a, sizeof(e)); };
  Memory packed(rnnc_rt_prepared_size(ctx(), kToy));
  Memory optimizer(rnnc_rt_optimizer_size(kToy)),
      carry(rnnc_rt_carry_size(kToy, 2));
  dirty();
  EXPECT_TRUE(cleared(rnnc_rt_params_init(kToy, par(), params.size, 1, &e)));
  dirty();
  EXPECT_TRUE(cleared(rnnc_rt_prepare(
      ctx(), kToy, par(), packed.as<rnnc_prepared>(), packed.size, &e)));
  dirty();
  EXPECT_TRUE(cleared(rnnc_rt_optimizer_init(
      kToy, optimizer.as<rnnc_optimizer>(), optimizer.size, &e)));
  dirty();
  EXPECT_TRUE(cleared(
      rnnc_rt_carry_init(kToy, carry.as<rnnc_carry>(), carry.size, 2, &e)));
  dirty();
  EXPECT_TRUE(cleared(rnnc_rt_stream_reset(kToy, str(), nullptr, &e)));
  dirty();
  EXPECT_TRUE(
      cleared(rnnc_rt_stream_copy(kToy, str(), stream.size, str(), &e)));
  rnnc_context_options odd = threaded(-1);
  dirty();
  EXPECT_EQ(rnnc_rt_context_create(&odd, &e), nullptr);
  EXPECT_EQ(e.status, RNNC_ERR_ARGUMENT);
  odd = threaded(1);
  odd.variant = "v9";
  EXPECT_EQ(rnnc_rt_context_create(&odd, &e), nullptr);
  EXPECT_EQ(e.status, RNNC_ERR_UNSUPPORTED);
  EXPECT_STREQ(e.message, "the library has no code `v9`");
  EXPECT_EQ(rnnc_rt_call(nullptr, kToy, kSum, &call), RNNC_ERR_ARGUMENT);
  EXPECT_STREQ(error.message, "`context` is NULL");
}

} // namespace
