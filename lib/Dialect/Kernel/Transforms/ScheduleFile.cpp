// ScheduleFile.cpp: decisions that a person, or a tuner, made.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScheduleFile.h"

#include "rnnc/Dialect/Kernel/Kernel.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;

namespace rnnc::kernel {

InFlightDiagnostic ScheduleFile::error(unsigned line) {
  InFlightDiagnostic diagnostic =
      emitError(FileLineColLoc::get(context, path, line, 1));
  diagnostic << "[E419] ";
  return diagnostic;
}

LogicalResult ScheduleFile::read(MLIRContext *in, StringRef file) {
  context = in;
  path = file.str();
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return error(0) << "the schedule `" << path
                    << "` cannot be read: " << buffer.getError().message();
  SmallVector<StringRef> texts;
  (*buffer)->getBuffer().split(texts, '\n');
  for (auto [i, text] : llvm::enumerate(texts))
    if (failed(readLine(i + 1, text.split('#').first.trim())))
      return failure();
  return success();
}

LogicalResult ScheduleFile::readLine(unsigned number, StringRef text) {
  if (text.empty())
    return success();
  auto [who, what] = text.split(':');
  auto [name, target] = who.trim().split('@');
  if (name.trim().empty() || what.trim().empty())
    return error(number) << "a line is `NAME: DECISION = NUMBER, …`, or "
                            "`NAME@TARGET: …`";
  SmallVector<StringRef> parts;
  what.split(parts, ',');
  for (StringRef part : parts) {
    auto [key, digits] = part.split('=');
    std::optional<Decision> decision = decisionNamed(key.trim());
    if (!decision)
      return error(number) << "there is no decision `" << key.trim() << "`";
    std::optional<int64_t> said = decisionValue(*decision, digits.trim());
    if (!said)
      return error(number) << "`" << digits.trim() << "` is no number for "
                           << key.trim();
    const DecisionInfo &info = infoOf(*decision);
    int64_t value = *said;
    if (value < info.least || value > info.most)
      return error(number) << info.name << " is " << info.least << " to "
                           << info.most << ", not " << value;
    for (const Line &line : lines)
      if (line.name == name.trim() && line.target == target.trim() &&
          line.decision == *decision)
        return error(number) << "line " << line.number << " says " << info.name
                             << " of `" << who.trim() << "` too";
    lines.push_back(
        {number, name.trim().str(), target.trim().str(), *decision, value});
  }
  return success();
}

FailureOr<ScheduleAttr> ScheduleFile::apply(StringRef name, TargetAttr target,
                                            ScheduleAttr schedule) {
  // What is said of one target counts more than what is said of all.
  for (bool ofTarget : {false, true})
    for (Line &line : lines) {
      if (line.name != name)
        continue;
      line.nameKnown = true;
      if (ofTarget ? line.target != target.getName() : !line.target.empty())
        continue;
      if (!schedule.get(line.decision)) {
        error(line.number) << "`" << name << "` does not depend on "
                           << infoOf(line.decision).name;
        return failure();
      }
      line.used = true;
      schedule = schedule.with(line.decision, line.value);
      if (GPUAttr gpu = target.getGpu();
          gpu && (schedule.get(Decision::BlockThreads) % gpu.getWarp() ||
                  schedule.get(Decision::BlockThreads) > gpu.getBlock())) {
        error(line.number) << "a block of " << target.getName()
                           << " has a multiple of " << gpu.getWarp()
                           << " threads, at most " << gpu.getBlock();
        return failure();
      }
      // Tiles read so much behind a packed operand, and no more.
      int64_t panel = schedule.get(Decision::TileVectors) * target.lanes(32);
      if (panel > kPanelSlack) {
        error(line.number) << "`" << name << "` would be " << panel
                           << " columns wide on " << target.getName()
                           << ", at most " << kPanelSlack;
        return failure();
      }
    }
  return schedule;
}

LogicalResult ScheduleFile::checkUsed(ArrayRef<TargetAttr> targets) {
  for (const Line &line : lines) {
    if (line.used)
      continue;
    if (!line.nameKnown)
      return error(line.number) << "there is no `" << line.name
                                << "` to schedule; --remarks shows the names";
    std::string names;
    for (TargetAttr target : targets)
      names += (names.empty() ? "" : ", ") + target.getName().str();
    return error(line.number) << "code is made for " << names << ", not for `"
                              << line.target << "`";
  }
  return success();
}

} // namespace rnnc::kernel
