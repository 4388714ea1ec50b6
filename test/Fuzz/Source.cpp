// Source.cpp: any text as a source: it is accepted, or refused with a message.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Fuzz.h"
#include "Tokens.h"

#include "rnnc/Frontend/Frontend.h"

#include <cstring>

using namespace rnnc;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

static std::string_view view(const uint8_t *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

static size_t store(const std::string &text, uint8_t *data, size_t most) {
  size_t size = std::min(text.size(), most);
  std::memcpy(data, text.data(), size);
  return size;
}

/// Bytes now and then, tokens and lines else.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t most, unsigned seed) {
  fuzz::Random random(seed);
  if (random() % 8 == 0)
    return LLVMFuzzerMutate(data, size, most);
  return store(fuzz::changeTokens(view(data, size), random), data, most);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t oneSize,
                                            const uint8_t *other,
                                            size_t otherSize, uint8_t *out,
                                            size_t most, unsigned seed) {
  fuzz::Random random(seed);
  return store(
      fuzz::crossLines(view(one, oneSize), view(other, otherSize), random), out,
      most);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  SourceManager sources;
  Diagnostics diags(sources);
  std::optional<CheckedProgram> program =
      checkText(sources, "fuzz.rnn", std::string(view(data, size)), {}, diags);
  fuzz::require(program.has_value() != diags.hasErrors(),
                "refused without a message, or accepted with errors");
  if (program)
    reportUnsupported(*program, diags);
  std::string shown = diags.render(/*color=*/false);
  fuzz::require(shown.empty() == diags.all().empty(), "a message is empty");
  fuzz::requirePrintable(shown);
  diags.render(/*color=*/true);
  return 0;
}
