// SizesTest.cpp: structs of callers of other versions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace rnnc::rt;
using namespace rnnc::rt::test;

namespace {

constexpr unsigned char kPattern = 0xA5;

/// A struct of a caller who has `size` bytes for it, in a larger place.
template <typename Struct> class Sized {
public:
  explicit Sized(size_t size) {
    memset(place, kPattern, sizeof(place));
    memcpy(place, &size, sizeof(size));
  }
  Struct *get() { return reinterpret_cast<Struct *>(place); }
  Struct *operator->() { return get(); }
  /// Nothing was written from this byte on.
  bool isUntouchedFrom(size_t first) const {
    for (size_t i = first; i < sizeof(place); ++i)
      if (place[i] != kPattern)
        return false;
    return true;
  }

private:
  alignas(16) unsigned char place[sizeof(Struct) + 64];
};

TEST(Sizes, ErrorsOfCallersWithLess) {
  for (int32_t status : {RNNC_OK, RNNC_ERR_ARGUMENT}) {
    auto fill = [&](rnnc_error *error) {
      if (status)
        fail(error, status, 1, "x", 2, 3, 4, "%s", "words");
      else
        succeed(error);
    };
    for (size_t size : {size_t(0), size_t(8), kErrorBytes, kErrorBytes + 4}) {
      Sized<rnnc_error> error(size);
      fill(error.get());
      EXPECT_EQ(error->status, status);
      EXPECT_STREQ(error->message, status ? "words" : "");
      EXPECT_EQ(error->size, kErrorBytes);
      EXPECT_TRUE(error.isUntouchedFrom(kErrorBytes)) << size;
    }
    for (size_t size :
         {sizeof(rnnc_error), sizeof(rnnc_error) + 64, SIZE_MAX}) {
      Sized<rnnc_error> error(size);
      fill(error.get());
      EXPECT_EQ(error->size, sizeof(rnnc_error));
      EXPECT_EQ(error->device, -1);
      EXPECT_EQ(error->device_code, 0);
      EXPECT_TRUE(error.isUntouchedFrom(sizeof(rnnc_error))) << size;
    }
  }
}

TEST(Sizes, TensorsOfCallersWithLess) {
  for (const char *name : {"a.b", "nobody"})
    for (size_t size : {size_t(0), kTensorBytes, sizeof(rnnc_tensor),
                        sizeof(rnnc_tensor) + 64}) {
      Sized<rnnc_tensor> tensor(size);
      rnnc_rt_params_find(kToy, nullptr, name, tensor.get());
      EXPECT_EQ(tensor->position, *name == 'a' ? 1 : -1);
      size_t filled =
          size < sizeof(rnnc_tensor) ? kTensorBytes : sizeof(rnnc_tensor);
      EXPECT_EQ(tensor->size, filled);
      EXPECT_TRUE(tensor.isUntouchedFrom(filled)) << size;
    }
}

TEST(Sizes, LibrariesOfCallersWithLess) {
  for (size_t size : {size_t(0), size_t(2), kLibraryBytes - 1}) {
    Sized<rnnc_library> library(size);
    EXPECT_EQ(rnnc_rt_describe(library.get()), RNNC_ERR_ARGUMENT);
    EXPECT_EQ(library->size, size);
    EXPECT_TRUE(library.isUntouchedFrom(sizeof(size_t))) << size;
  }
  for (size_t size = kLibraryBytes; size <= sizeof(rnnc_library) + 16; ++size) {
    Sized<rnnc_library> library(size);
    EXPECT_EQ(rnnc_rt_describe(library.get()), RNNC_OK);
    size_t filled = size / 8 * 8 < sizeof(rnnc_library) ? size / 8 * 8
                                                        : sizeof(rnnc_library);
    EXPECT_EQ(library->size, filled);
    EXPECT_EQ(library->abi_version, RNNC_ABI_VERSION);
    EXPECT_EQ(library->call, rnnc_rt_call);
    EXPECT_TRUE(library.isUntouchedFrom(filled)) << size;
  }
}

TEST(Sizes, OptionsOfOtherVersions) {
  Memory memory(rnnc_rt_context_size());
  auto *ctx = memory.as<rnnc_context>();
  rnnc_error error = {};
  struct Later {
    rnnc_context_options options;
    int64_t more[600];
  } later = {threaded(1), {}};
  auto status = [&](size_t size) {
    later.options.size = size;
    int32_t result =
        rnnc_rt_context_init(ctx, memory.size, &later.options, &error);
    if (result == RNNC_OK)
      rnnc_rt_context_finish(ctx);
    return result;
  };
  for (size_t size : {size_t(0), size_t(1), kOptionsBytes - 1,
                      size_t(RNNC_LARGEST_STRUCT) + 1}) {
    EXPECT_EQ(status(size), RNNC_ERR_ARGUMENT) << size;
    EXPECT_STREQ(error.name, "size");
    EXPECT_EQ(error.value, int64_t(size));
  }
  for (size_t size :
       {kOptionsBytes, sizeof(rnnc_context_options),
        sizeof(rnnc_context_options) + 8, size_t(RNNC_LARGEST_STRUCT)})
    EXPECT_EQ(status(size), RNNC_OK) << size;
  later.more[0] = 256;
  EXPECT_EQ(status(sizeof(rnnc_context_options)), RNNC_OK);
  EXPECT_EQ(status(sizeof(rnnc_context_options) + 8), RNNC_ERR_UNSUPPORTED);
  EXPECT_EQ(error.value, int64_t(sizeof(rnnc_context_options) + 1));
  later.more[0] = 0;
  later.options.device = &later;
  EXPECT_EQ(status(kOptionsBytes), RNNC_OK); // it does not have that
  EXPECT_EQ(status(sizeof(rnnc_context_options)), RNNC_ERR_UNSUPPORTED);
  EXPECT_STREQ(error.name, "options");
}

/// A call of a function that goes straight, and of one that cannot.
class CallSizes : public testing::TestWithParam<int> {
protected:
  CallSizes() {
    EXPECT_EQ(rnnc_rt_context_init(ctx(), context.size, nullptr, nullptr),
              RNNC_OK);
    EXPECT_EQ(rnnc_rt_params_init(kPaths, params.as<rnnc_params>(), params.size,
                                  1, nullptr),
              RNNC_OK);
    EXPECT_EQ(rnnc_rt_stream_init(ctx(), kPaths, nullptr,
                                  stream.as<rnnc_stream>(), stream.size, 1,
                                  nullptr),
              RNNC_OK);
    memset(static_cast<void *>(&later), 0, sizeof(later));
    later.call.params = params.as<rnnc_params>();
    later.call.stream = stream.as<rnnc_stream>();
    later.call.workspace = workspace.data;
    later.call.workspace_bytes = workspace.size;
    later.call.batch = 1;
    later.call.args = args;
    later.call.num_args = 2;
    later.call.error = &error;
  }
  ~CallSizes() override { rnnc_rt_context_finish(ctx()); }
  rnnc_context *ctx() { return context.as<rnnc_context>(); }
  int32_t status(size_t size) {
    later.call.size = size;
    memset(&error, 0x5a, sizeof(error));
    return rnnc_rt_call(ctx(), kPaths, GetParam(), &later.call);
  }

  Memory context{rnnc_rt_context_size()}, params{rnnc_rt_params_size(kPaths)};
  Memory stream{rnnc_rt_stream_size(kPaths, 1)}, workspace{4096};
  int32_t word = 1;
  float out = 0;
  void *args[2] = {&word, &out};
  rnnc_error error;
  struct Later {
    rnnc_call call;
    int64_t more[600];
  } later;
};

TEST_P(CallSizes, OfOtherVersions) {
  for (size_t size : {kCallBytes, sizeof(rnnc_call), sizeof(rnnc_call) + 8,
                      size_t(RNNC_LARGEST_STRUCT)}) {
    out = 0;
    EXPECT_EQ(status(size), RNNC_OK) << size;
    EXPECT_NE(out, 0);
  }
  out = 0;
  for (size_t size :
       {size_t(0), kCallBytes - 1, size_t(RNNC_LARGEST_STRUCT) + 1, SIZE_MAX}) {
    EXPECT_EQ(status(size), RNNC_ERR_ARGUMENT) << size;
    EXPECT_EQ(error.status, 0x5a5a5a5a) << "nobody knows where errors go";
  }
  later.more[0] = 1;
  EXPECT_EQ(status(sizeof(rnnc_call) + 8), RNNC_ERR_UNSUPPORTED);
  EXPECT_EQ(error.value, int64_t(sizeof(rnnc_call)));
  EXPECT_STREQ(error.message,
               ("the call asks for what this library does not have: byte " +
                std::to_string(sizeof(rnnc_call)) + " of it is not 0")
                   .c_str());
  EXPECT_EQ(out, 0);
  EXPECT_EQ(status(sizeof(rnnc_call)), RNNC_OK);
}

TEST_P(CallSizes, Devices) {
  later.call.device_stream = &later;
  EXPECT_EQ(status(sizeof(rnnc_call)), RNNC_ERR_UNSUPPORTED);
  EXPECT_EQ(status(kCallBytes), RNNC_OK); // it does not have that
  later.call.device_stream = nullptr;
  later.call.memory = 1;
  EXPECT_EQ(status(sizeof(rnnc_call)), RNNC_ERR_UNSUPPORTED);
}

INSTANTIATE_TEST_SUITE_P(Ways, CallSizes, testing::Values(kCount, kCountLong));

TEST(Sizes, OfWhatLibrariesMake) {
  Memory optimizer(rnnc_rt_optimizer_size(kToy));
  auto *object = optimizer.as<rnnc_optimizer>();
  ASSERT_EQ(rnnc_rt_optimizer_init(kToy, object, optimizer.size, nullptr),
            RNNC_OK);
  EXPECT_EQ(rnnc_rt_optimizer_counters(kToy, object)->size,
            sizeof(rnnc_optimizer_counters));
}

} // namespace
