// Files.cpp: whole files in, whole files out.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Data/Files.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace rnnc;

Result<std::string> data::readFile(const std::string &path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return dataError("{}: error: {}", path, std::strerror(errno));
  std::string bytes;
  struct stat info = {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
    bytes.reserve(static_cast<size_t>(info.st_size));
  char buffer[1 << 16];
  while (true) {
    ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n == 0)
      break;
    if (n < 0) {
      if (errno == EINTR)
        continue;
      Error error = dataError("{}: error: {}", path, std::strerror(errno));
      ::close(fd);
      return error;
    }
    bytes.append(buffer, static_cast<size_t>(n));
    // Such as /dev/zero: all memory would not be enough.
    constexpr size_t mostOfDevice = 1 << 26;
    if (bytes.size() > mostOfDevice && S_ISCHR(info.st_mode)) {
      ::close(fd);
      return dataError("{}: error: this is a device that does not end, no file",
                       path);
    }
  }
  ::close(fd);
  return bytes;
}

Status data::keepInputs(const std::string &output,
                        const std::vector<std::string> &inputs) {
  for (const std::string &input : inputs) {
    std::error_code code; // equivalent() says no where one does not exist
    if (!input.empty() && std::filesystem::equivalent(output, input, code))
      return usageError(
          "rnnc: error: `{}` is read, and would be overwritten{}", input,
          input == output ? std::string()
                          : fmt::format(": `{}` is the same file", output));
  }
  return {};
}

/// Writes all bytes and flushes; errno tells what failed.
static bool writeAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return ::fsync(fd) == 0;
}

/// Devices and pipes are written to: a file in their place would be the end of
/// /dev/null.
static Status writeInPlace(const std::string &path, std::string_view bytes) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  bool written = fd >= 0 && (writeAll(fd, bytes) || errno == EINVAL ||
                             errno == ENOTSUP); // of fsync
  int failure = errno;
  if (fd >= 0)
    ::close(fd);
  if (written)
    return {};
  return toolError("{}: error: cannot write: {}", path, std::strerror(failure));
}

Status data::writeFileAtomically(const std::string &name,
                                 std::string_view bytes) {
  std::error_code code;
  std::filesystem::file_status status = std::filesystem::status(name, code);
  if (std::filesystem::is_other(status))
    return writeInPlace(name, bytes);
  // What a link leads to is written, not the link.
  std::string path = name;
  if (std::filesystem::is_symlink(name, code) &&
      std::filesystem::is_regular_file(status))
    path = std::filesystem::canonical(name, code).string();
  if (code)
    path = name;
  std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  int fd =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0)
    return toolError("{}: error: cannot write: {}", path, std::strerror(errno));
  bool written = writeAll(fd, bytes);
  int failure = errno;
  if (::close(fd) != 0 && written) {
    written = false;
    failure = errno;
  }
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = false;
    failure = errno;
  }
  if (!written) {
    ::unlink(temporary.c_str());
    return toolError("{}: error: cannot write: {}", path,
                     std::strerror(failure));
  }
  // The directory entry has to reach the disc as well.
  std::string parent = std::filesystem::path(path).parent_path().string();
  int dir = ::open(parent.empty() ? "." : parent.c_str(),
                   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir >= 0) {
    ::fsync(dir);
    ::close(dir);
  }
  return {};
}

Status data::makeDirectory(const std::string &path) {
  if (path.empty())
    return usageError("rnnc: error: --out names no directory");
  std::error_code known;
  if (std::filesystem::exists(path, known) &&
      !std::filesystem::is_directory(path, known))
    return toolError("{}: error: cannot make the directory: there is a file of "
                     "this name; give another --out",
                     path);
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code)
    return toolError("{}: error: cannot make the directory: {}", path,
                     code.message());
  return {};
}

/// The process in the name of a temporary file, `NAME.PID.tmp`; 0 if there is
/// none.
static pid_t writerOf(std::string_view name) {
  if (!name.ends_with(".tmp"))
    return 0;
  name.remove_suffix(4);
  size_t dot = name.rfind('.');
  if (dot == std::string_view::npos)
    return 0;
  pid_t pid = 0;
  auto [end, code] =
      std::from_chars(name.data() + dot + 1, name.data() + name.size(), pid);
  bool whole = code == std::errc() && end == name.data() + name.size();
  return whole && pid > 0 ? pid : 0;
}

void data::removeLeftovers(const std::string &directory) {
  std::error_code code;
  std::vector<std::filesystem::path> leftovers;
  for (const auto &entry :
       std::filesystem::directory_iterator(directory, code)) {
    pid_t writer = writerOf(entry.path().filename().string());
    if (writer > 0 && ::kill(writer, 0) != 0 && errno == ESRCH)
      leftovers.push_back(entry.path());
  }
  for (const std::filesystem::path &path : leftovers)
    std::filesystem::remove(path, code);
}
