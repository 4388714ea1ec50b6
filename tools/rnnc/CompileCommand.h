// CompileCommand.h: `rnnc model.rnn -o libmodel.so`.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TOOLS_RNNC_COMPILECOMMAND_H
#define RNNC_TOOLS_RNNC_COMPILECOMMAND_H

namespace rnnc::tool {

/// True if the first word is an option or a source, and no verb.
bool isCompileCommand(int argc, char **argv);
/// Compiles; returns the exit code.
int runCompileCommand(int argc, char **argv);

} // namespace rnnc::tool

#endif // RNNC_TOOLS_RNNC_COMPILECOMMAND_H
