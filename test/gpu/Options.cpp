// Options.cpp: what the environment asks of the interpreter.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Options.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

using namespace rnnc::ptx;

static std::string_view variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

/// What is no number is said: an option that is ignored tests nothing.
static void number(const char *name, uint64_t &value) {
  std::string text(variable(name));
  if (text.empty())
    return;
  char *end = nullptr;
  uint64_t read = std::strtoull(text.c_str(), &end, 0);
  if (*end) {
    std::fprintf(stderr, "rnnc PTX interpreter: %s=%s is no number\n", name,
                 text.c_str());
    std::exit(2);
  }
  value = read;
}

static bool flag(const char *name) {
  std::string_view text = variable(name);
  return !text.empty() && text != "0";
}

/// entry[:call]=code,…
static std::vector<Options::Failure> readFailures(std::string_view text) {
  std::vector<Options::Failure> read;
  while (!text.empty()) {
    std::string one(text.substr(0, text.find(',')));
    text.remove_prefix(one.size() + (one.size() < text.size()));
    size_t is = one.find('=');
    if (is == one.npos) {
      std::fprintf(stderr,
                   "rnnc PTX interpreter: RNNC_PTX_FAIL has `%s`, "
                   "which is no ENTRY:CALL=CODE\n",
                   one.c_str());
      std::exit(2);
    }
    size_t colon = one.find(':');
    Options::Failure failure;
    failure.entry = one.substr(0, colon < is ? colon : is);
    if (colon < is)
      failure.call = std::strtoull(one.c_str() + colon + 1, nullptr, 10);
    failure.code = std::atoi(one.c_str() + is + 1);
    read.push_back(failure);
  }
  return read;
}

Options Options::fromEnvironment() {
  Options options;
  uint64_t sms = options.sms;
  number("RNNC_PTX_SEED", options.seed);
  number("RNNC_PTX_SMS", sms);
  number("RNNC_PTX_MEMORY", options.memory);
  number("RNNC_PTX_LIMIT", options.limit);
  options.sms = unsigned(sms);
  std::string capability(variable("RNNC_PTX_CAPABILITY"));
  unsigned major = 0, minor = 0;
  int read = std::sscanf(capability.c_str(), "%u.%u", &major, &minor);
  if (read == 2)
    options.capability = major * 10 + minor;
  else if (read == 1)
    options.capability = major < 10 ? major * 10 : major;
  options.weak = flag("RNNC_PTX_WEAK");
  options.races = flag("RNNC_PTX_RACES");
  options.perturb = flag("RNNC_PTX_PERTURB");
  options.noCooperative = flag("RNNC_PTX_NO_COOPERATIVE");
  options.noDevice = flag("RNNC_PTX_NO_DEVICE");
  options.log = variable("RNNC_PTX_LOG");
  options.save = variable("RNNC_PTX_SAVE");
  options.instead = variable("RNNC_PTX_INSTEAD");
  options.failures = readFailures(variable("RNNC_PTX_FAIL"));
  return options;
}
