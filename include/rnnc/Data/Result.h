// Result.h: a value or an error with an exit code, for code without exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_DATA_RESULT_H
#define RNNC_DATA_RESULT_H

#include <fmt/format.h>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace rnnc {

/// Exit codes of the tools (a part of the command line's contract).
enum ExitCode {
  ExitOk = 0,
  ExitSourceError = 1,
  ExitUsage = 2,
  ExitToolFailure = 3,
  ExitBadData = 4,
  ExitCheckFailed = 5,
  ExitInternal = 70,
  ExitInterrupted = 130,
};

/// What went wrong, as one message for the user, and how the tool ends.
struct Error {
  std::string message;
  int exitCode = ExitBadData;
};

/// Bad data: `dataError("{}:{}: ...", file, line)`.
template <typename... Args>
Error dataError(fmt::format_string<Args...> text, Args &&...args) {
  return {fmt::format(text, std::forward<Args>(args)...), ExitBadData};
}

/// A wrong command line.
template <typename... Args>
Error usageError(fmt::format_string<Args...> text, Args &&...args) {
  return {fmt::format(text, std::forward<Args>(args)...), ExitUsage};
}

/// The machine failed us: no disc space, a library that does not load.
template <typename... Args>
Error toolError(fmt::format_string<Args...> text, Args &&...args) {
  return {fmt::format(text, std::forward<Args>(args)...), ExitToolFailure};
}

/// Either a T or an Error.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : content(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return content.index() == 0; }
  T &operator*() { return std::get<0>(content); }
  const T &operator*() const { return std::get<0>(content); }
  T *operator->() { return &std::get<0>(content); }
  const T *operator->() const { return &std::get<0>(content); }
  const Error &error() const { return std::get<1>(content); }

private:
  std::variant<T, Error> content;
};

/// Success without a value, or an Error.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Error error) : failure(std::move(error)) {}
  explicit operator bool() const { return !failure; }
  const Error &error() const { return *failure; }

private:
  std::optional<Error> failure;
};

} // namespace rnnc

#endif // RNNC_DATA_RESULT_H
