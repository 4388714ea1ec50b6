// SaveTest.cpp: parameters and streams as bytes, and back.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using namespace rnnc::rt;
using namespace rnnc::rt::test;

namespace {

struct SaveTest : testing::Test {
  SaveTest() : params(rnnc_rt_params_size(kToy)) {
    EXPECT_EQ(rnnc_rt_params_init(kToy, par(), params.size, 1, nullptr),
              RNNC_OK);
  }
  rnnc_params *par() { return params.as<rnnc_params>(); }
  Memory params;
  rnnc_error error = {};
};

TEST_F(SaveTest, HeaderAndData) {
  Memory file(rnnc_rt_params_save_size(kToy));
  EXPECT_EQ(rnnc_rt_params_save(kToy, par(), file.data, file.size - 1, &error),
            RNNC_ERR_WORKSPACE);
  EXPECT_EQ(error.value, int64_t(file.size));
  EXPECT_EQ(file.data[0], 0xA5) << "written although refused";
  ASSERT_EQ(rnnc_rt_params_save(kToy, par(), file.data, file.size, &error),
            RNNC_OK);
  EXPECT_EQ(error.status, RNNC_OK);
  EXPECT_TRUE(file.intact());
  uint64_t length;
  memcpy(&length, file.data, 8);
  EXPECT_EQ(length % 8, 0u);
  std::string header(reinterpret_cast<char *>(file.data) + 8, length);
  while (header.back() == ' ')
    header.pop_back();
  EXPECT_EQ(header,
            R"({"__metadata__":{"format":"rnnc","model":"Toy"},)"
            R"("a.w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
            R"("a.b":{"dtype":"F32","shape":[2,3],"data_offsets":[24,48]}})");
  EXPECT_EQ(file.size, 8 + length + 48);
  Memory other(params.size);
  rnnc_rt_params_init(kToy, other.as<rnnc_params>(), other.size, 2, nullptr);
  ASSERT_EQ(rnnc_rt_params_load(kToy, other.as<rnnc_params>(), file.data,
                                file.size, &error),
            RNNC_OK)
      << error.message;
  for (int p = 0; p < 2; ++p)
    EXPECT_EQ(memcmp(rnnc_rt_params_data(kToy, other.as<rnnc_params>(), p),
                     rnnc_rt_params_data(kToy, par(), p), 24),
              0);
}

TEST_F(SaveTest, WrongObjects) {
  char file[512];
  EXPECT_EQ(rnnc_rt_params_save_size(7), 0u);
  EXPECT_EQ(rnnc_rt_params_save(7, par(), file, 512, &error),
            RNNC_ERR_ARGUMENT);
  EXPECT_EQ(rnnc_rt_params_save(kToy, nullptr, file, 512, &error),
            RNNC_ERR_ARGUMENT);
  EXPECT_EQ(rnnc_rt_params_save(kOther, par(), file, 512, &error),
            RNNC_ERR_STATE);
  EXPECT_EQ(rnnc_rt_params_save(kToy, par(), nullptr, 512, &error),
            RNNC_ERR_ARGUMENT);
  EXPECT_EQ(rnnc_rt_params_save_file(kToy, par(), nullptr, &error),
            RNNC_ERR_ARGUMENT);
  EXPECT_EQ(rnnc_rt_params_save_file(kToy, par(), "/nowhere/w", nullptr),
            RNNC_ERR_FILE);
  EXPECT_EQ(rnnc_rt_params_save_file(kToy, par(),
                                     std::string(5000, 'x').c_str(), &error),
            RNNC_ERR_FILE);
}

TEST_F(SaveTest, FilesAndAFullDisc) {
  char folder[] = "/tmp/rnnc-save-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  std::string path = std::string(folder) + "/w", link = path + ".tmp";
  // The file that is written first is a device without room.
  ASSERT_EQ(symlink("/dev/full", link.c_str()), 0);
  EXPECT_EQ(rnnc_rt_params_save_file(kToy, par(), path.c_str(), &error),
            RNNC_ERR_FILE);
  EXPECT_NE(strstr(error.message, "No space left"), nullptr) << error.message;
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  ASSERT_EQ(rnnc_rt_params_save_file(kToy, par(), path.c_str(), &error),
            RNNC_OK)
      << error.message;
  Memory other(params.size);
  rnnc_rt_params_init(kToy, other.as<rnnc_params>(), other.size, 2, nullptr);
  ASSERT_EQ(rnnc_rt_params_load_file(kToy, other.as<rnnc_params>(),
                                     path.c_str(), &error),
            RNNC_OK)
      << error.message;
  EXPECT_EQ(memcmp(rnnc_rt_params_data(kToy, other.as<rnnc_params>(), 0),
                   rnnc_rt_params_data(kToy, par(), 0), 24),
            0);
  unlink(path.c_str());
  rmdir(folder);
}

TEST_F(SaveTest, PipesAndLinks) {
  char folder[] = "/tmp/rnnc-save-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  std::string path = std::string(folder) + "/w", link = path + ".link";
  size_t size = rnnc_rt_params_save_size(kToy);
  // A pipe is written to, and stays one.
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  int fd = open(path.c_str(), O_RDWR | O_NONBLOCK);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(rnnc_rt_params_save_file(kToy, par(), path.c_str(), &error),
            RNNC_OK)
      << error.message;
  Memory got(size), wanted(size);
  EXPECT_EQ(read(fd, got.data, size), ssize_t(size));
  close(fd);
  ASSERT_EQ(rnnc_rt_params_save(kToy, par(), wanted.data, size, &error),
            RNNC_OK);
  EXPECT_EQ(memcmp(got.data, wanted.data, size), 0);
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_TRUE(S_ISFIFO(info.st_mode));
  unlink(path.c_str());
  // What a link leads to is replaced, not the link.
  ASSERT_EQ(rnnc_rt_params_save_file(kToy, par(), path.c_str(), &error),
            RNNC_OK);
  ASSERT_EQ(symlink("w", link.c_str()), 0);
  ASSERT_EQ(truncate(path.c_str(), 3), 0);
  ASSERT_EQ(rnnc_rt_params_save_file(kToy, par(), link.c_str(), &error),
            RNNC_OK);
  ASSERT_EQ(lstat(link.c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(size_t(info.st_size), size);
  unlink(link.c_str());
  unlink(path.c_str());
  rmdir(folder);
}

TEST(Find, ByName) {
  rnnc_tensor info;
  EXPECT_EQ(rnnc_rt_params_find(kToy, nullptr, "a.b", &info), nullptr);
  EXPECT_EQ(info.position, 1);
  EXPECT_EQ(info.offset, 64);
  EXPECT_EQ(info.count, 6);
  EXPECT_EQ(rnnc_rt_params_find(kToy, nullptr, "a", &info), nullptr);
  EXPECT_EQ(info.position, -1);
  EXPECT_EQ(rnnc_rt_params_find(kToy, nullptr, nullptr, &info), nullptr);
  EXPECT_EQ(info.position, -1);
  EXPECT_EQ(rnnc_rt_params_find(9, nullptr, "a", nullptr), nullptr);
}

struct KeptStream : testing::Test {
  KeptStream()
      : context(rnnc_rt_context_size()), params(rnnc_rt_params_size(kToy)),
        stream(rnnc_rt_stream_size(kToy, 3)) {
    EXPECT_EQ(rnnc_rt_context_init(ctx(), context.size, nullptr, nullptr),
              RNNC_OK);
    rnnc_rt_params_init(kToy, params.as<rnnc_params>(), params.size, 1,
                        nullptr);
    EXPECT_EQ(rnnc_rt_stream_init(ctx(), kToy, params.as<rnnc_params>(), str(),
                                  stream.size, 3, nullptr),
              RNNC_OK);
  }
  rnnc_context *ctx() { return context.as<rnnc_context>(); }
  rnnc_stream *str() { return stream.as<rnnc_stream>(); }
  Memory context, params, stream;
  rnnc_error error = {};
};

TEST_F(KeptStream, KeptBytes) {
  auto *state = static_cast<float *>(rnnc_rt_stream_state(kToy, str(), 0));
  state[0] = 1, state[1] = 2, state[2] = 3;
  std::string kept(reinterpret_cast<char *>(stream.data), stream.size);
  Memory to(stream.size);
  auto *other = to.as<rnnc_stream>();
  ASSERT_EQ(rnnc_rt_stream_load(kToy, other, to.size, kept.data(), kept.size(),
                                &error),
            RNNC_OK)
      << error.message;
  EXPECT_EQ(rnnc_rt_stream_batch(kToy, other), 3);
  EXPECT_EQ(rnnc_rt_stream_batch(kOther, other), -1);
  EXPECT_EQ(rnnc_rt_stream_batch(kToy, nullptr), -1);
  rnnc_tensor info;
  auto *found =
      static_cast<const float *>(rnnc_rt_stream_find(kToy, other, "s", &info));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found[2], 3);
  EXPECT_EQ(info.count, 1);
}

/// Every byte of the flags and elements, changed, is refused or harmless; other
/// sizes are refused; what was refused has written nothing.
TEST_F(KeptStream, DamagedBytes) {
  const std::string kept(reinterpret_cast<char *>(stream.data), stream.size);
  Memory to(stream.size);
  auto load = [&](const std::string &bytes) {
    return rnnc_rt_stream_load(kToy, to.as<rnnc_stream>(), to.size,
                               bytes.data(), bytes.size(), &error);
  };
  for (size_t n = 0; n < kept.size(); ++n)
    EXPECT_EQ(load(kept.substr(0, n)), RNNC_ERR_STATE) << n;
  EXPECT_EQ(load(kept + "x"), RNNC_ERR_STATE);
  for (size_t at : {0, 5, 12, 15, 16, 23}) {
    std::string bytes = kept;
    bytes[at] = char(bytes[at] ^ 0x81);
    EXPECT_EQ(load(bytes), RNNC_ERR_STATE) << at;
  }
  for (size_t row = 0; row < 3; ++row) {
    std::string bytes = kept;
    bytes[64 + 4 * row + 1] = 1;
    EXPECT_EQ(load(bytes), RNNC_ERR_STATE);
  }
  EXPECT_EQ(to.data[0], 0xA5);
  EXPECT_EQ(rnnc_rt_stream_load(kToy, to.as<rnnc_stream>(), to.size - 1,
                                kept.data(), kept.size(), &error),
            RNNC_ERR_WORKSPACE);
  EXPECT_EQ(rnnc_rt_stream_load(kToy, nullptr, to.size, kept.data(),
                                kept.size(), nullptr),
            RNNC_ERR_ARGUMENT);
  EXPECT_EQ(rnnc_rt_stream_load(kToy,
                                reinterpret_cast<rnnc_stream *>(to.data + 8),
                                to.size, kept.data(), kept.size(), nullptr),
            RNNC_ERR_ARGUMENT);
  EXPECT_EQ(rnnc_rt_stream_load(kOther, to.as<rnnc_stream>(), to.size,
                                kept.data(), kept.size(), &error),
            RNNC_ERR_STATE);
}

} // namespace
