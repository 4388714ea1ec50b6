// Source.cpp: any text as a source: it is accepted, or refused with a message.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Fuzz.h"

#include "rnnc/Frontend/Frontend.h"

using namespace rnnc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  SourceManager sources;
  Diagnostics diags(sources);
  std::string text(reinterpret_cast<const char *>(data), size);
  std::optional<CheckedProgram> program =
      checkText(sources, "fuzz.rnn", std::move(text), {}, diags);
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
