// Check.cpp - the logic of `rnnc check`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Frontend/Check.h"

#include "Lexer.h"

#include <charconv>
#include <cstdlib>
#include <unistd.h>

using namespace rnnc;

static std::optional<bool> chosenColor;

void rnnc::chooseColor(bool color) { chosenColor = color; }

bool rnnc::wantsColor(std::FILE *stream) {
  if (chosenColor)
    return *chosenColor;
  // https://no-color.org: set and not empty turns colour off.
  const char *none = std::getenv("NO_COLOR");
  if (none && *none)
    return false;
  const char *terminal = std::getenv("TERM");
  return isatty(fileno(stream)) && terminal && std::string(terminal) != "dumb";
}

int rnnc::runCheck(const std::string &path, const CheckOptions &options) {
  SourceManager sources;
  Diagnostics diags(sources);
  std::optional<CheckedProgram> program =
      check(sources, path, options.frontend, diags);
  if (program && options.complete) {
    reportUnsupported(*program, diags);
    diags.sort();
  }
  std::string text = diags.render(wantsColor(stderr));
  std::fwrite(text.data(), 1, text.size(), stderr);
  return diags.hasErrors() ? 1 : 0;
}

std::optional<std::pair<std::string, int64_t>>
rnnc::splitDim(const std::string &text) {
  size_t equal = text.find('=');
  if (equal == std::string::npos || equal == 0)
    return std::nullopt;
  int64_t value = 0;
  const char *begin = text.data() + equal + 1;
  const char *end = text.data() + text.size();
  if (begin == end)
    return std::nullopt;
  auto [rest, error] = std::from_chars(begin, end, value);
  if (error == std::errc() && rest != end && isWholeText(begin)) {
    double number = std::strtod(begin, nullptr); // `V=1e4`
    if (number > 9007199254740992.0)
      return std::nullopt;
    value = static_cast<int64_t>(number);
    rest = end;
  }
  if (error != std::errc() || rest != end)
    return std::nullopt;
  return std::make_pair(text.substr(0, equal), value);
}
