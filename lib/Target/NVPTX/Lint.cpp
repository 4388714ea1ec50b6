// Lint.cpp: what PTX may contain.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver takes many a text that does not do what was meant, or is refused
// only where there is a GPU. So every text is looked through when it is made.
#include "rnnc/Target/NVPTX/PTX.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace rnnc;
using namespace rnnc::target;

namespace {

/// Bytes of shared memory that a block has without asking.
constexpr uint64_t kSharedBytes = 48 << 10;

/// One pass over the lines.
class Lint {
public:
  Lint(llvm::StringRef text, const nvptx::Chip &chip)
      : text(text), chip(chip) {}
  llvm::Error run();

private:
  llvm::Error line(llvm::StringRef words);
  llvm::Error beginKernel(llvm::StringRef words);
  llvm::Error endKernel();
  llvm::Error variable(llvm::StringRef words);
  llvm::Error instruction(llvm::StringRef words);
  llvm::Error access(llvm::StringRef name, llvm::StringRef words);
  llvm::Error matrices(llvm::StringRef name);
  llvm::Error problem(const llvm::Twine &what) const {
    return llvm::createStringError("PTX, line " + llvm::Twine(number) +
                                   (kernel.empty() ? "" : ", kernel `") +
                                   kernel + (kernel.empty() ? "" : "`") + ": " +
                                   what);
  }

  llvm::StringRef text;
  const nvptx::Chip &chip;
  unsigned number = 0;
  std::string kernel;
  bool isEntry = false, hasThreads = false, hasVersion = false;
  uint64_t shared = 0;
  unsigned sinceFence = ~0u; ///< instructions since fence.acq_rel.gpu
  bool readsOnly = false, writes = false, counts = false, acquires = false;
  llvm::StringMap<uint64_t> aligned; ///< places in shared memory
};

} // namespace

static uint64_t bytesOfType(llvm::StringRef type) {
  unsigned bits = 8;
  type.drop_while([](char c) { return !llvm::isDigit(c); })
      .getAsInteger(10, bits);
  return bits / 8;
}

llvm::Error Lint::beginKernel(llvm::StringRef words) {
  isEntry = words.contains(".entry");
  kernel = words.split(isEntry ? ".entry" : ".func").second.trim().str();
  kernel = llvm::StringRef(kernel)
               .take_until([](char c) { return c == '(' || c == ' '; })
               .str();
  hasThreads = readsOnly = writes = counts = acquires = false;
  aligned.clear();
  shared = 0;
  sinceFence = ~0u;
  if (!isEntry)
    return problem("a function that is no kernel was not meant to be left");
  return llvm::Error::success();
}

llvm::Error Lint::endKernel() {
  llvm::Error error = llvm::Error::success();
  if (isEntry && !hasThreads)
    error = problem("says not how many threads a block has (.reqntid)");
  else if (shared > kSharedBytes)
    error = problem("has " + llvm::Twine(shared) +
                    " bytes of shared memory, more than there are without "
                    "asking");
  else if (counts && !acquires)
    error = problem("counts who arrives, and nobody waits with ld.acquire.gpu");
  kernel.clear();
  return error;
}

/// `.shared .align 4 .b8 name[512];`
llvm::Error Lint::variable(llvm::StringRef words) {
  if (words.starts_with(".local"))
    return problem("keeps values in local memory, which is slow and was not "
                   "meant");
  if (!words.starts_with(".shared"))
    return llvm::Error::success();
  if (words.starts_with(".shared") && words.contains("[]"))
    return problem("has shared memory of unknown size");
  llvm::SmallVector<llvm::StringRef> parts;
  words.split(parts, ' ', -1, false);
  uint64_t count = 1, size = 1, align = 1;
  llvm::StringRef name;
  for (llvm::StringRef part : parts) {
    if (part.starts_with(".b") || part.starts_with(".f") ||
        part.starts_with(".u") || part.starts_with(".s"))
      if (part.size() > 2 && llvm::isDigit(part.back()))
        size = bytesOfType(part);
    if (part.contains('[')) {
      llvm::StringRef inside = part.split('[').second.split(']').first;
      inside.getAsInteger(10, count);
      name = part.split('[').first;
    }
  }
  words.split(".align ").second.split(' ').first.getAsInteger(10, align);
  shared += count * size;
  aligned[name] = align;
  return llvm::Error::success();
}

/// `ld.shared.v4.b32 {%r1, %r2, %r3, %r4}, [name+16];`: LLVM may take four
/// numbers for one access without a place that is aligned for it.
llvm::Error Lint::access(llvm::StringRef name, llvm::StringRef words) {
  auto [before, rest] = words.split('[');
  auto [place, offset] = rest.split(']').first.split('+');
  auto known = aligned.find(place);
  uint64_t at = 0, bytes = bytesOfType(name.rsplit('.').second);
  bytes *= name.contains(".v4") ? 4 : name.contains(".v2") ? 2 : 1;
  offset.getAsInteger(10, at);
  if (known == aligned.end() || !bytes ||
      (known->second % bytes == 0 && at % bytes == 0))
    return llvm::Error::success();
  return problem("`" + name + "` at `" + place + "`, which is aligned to " +
                 llvm::Twine(known->second) + " bytes");
}

/// `mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32`: rounds what it
/// multiplies, which a kernel's name says where it was asked for.
llvm::Error Lint::matrices(llvm::StringRef name) {
  for (llvm::StringRef type : {"tf32", "bf16"})
    if (name.ends_with(("f32." + type + "." + type + ".f32").str()) &&
        llvm::StringRef(kernel).ends_with(("_tiles_" + type).str()))
      return llvm::Error::success();
  return problem("`" + name + "` rounds numbers, and nobody asked for it");
}

llvm::Error Lint::instruction(llvm::StringRef words) {
  if (words.starts_with("@"))
    words = words.split(' ').second.ltrim();
  llvm::StringRef name = words.take_until(
      [](char c) { return c == ' ' || c == ';' || c == '\t'; });
  if (name.starts_with("fence.acq_rel.gpu"))
    sinceFence = 0;
  else if (sinceFence != ~0u)
    ++sinceFence;
  bool isAtomic = name.starts_with("atom.") || name.starts_with("red.");
  bool adds = isAtomic && name.contains(".add");
  if (adds && (name.contains(".f32") || name.contains(".f64")))
    return problem("adds numbers atomically: sums would differ from run to "
                   "run");
  if (adds && name.contains(".global") && sinceFence > 2)
    return problem("an atomic addition without a fence before it orders "
                   "nothing");
  counts |= adds && name.contains(".global");
  acquires |= name.starts_with("ld.acquire.gpu");
  if (name.starts_with("ld.shared") || name.starts_with("st.shared"))
    if (llvm::Error error = access(name, words))
      return error;
  if (name.starts_with("call"))
    return problem("calls a function");
  readsOnly |= name.starts_with("ld.global.nc");
  writes |= name.starts_with("st.global");
  if (readsOnly && writes)
    return problem("reads memory as if nobody wrote it, and writes some");
  if (name.starts_with("mma."))
    if (llvm::Error error = matrices(name))
      return error;
  if (name.contains(".approx"))
    return problem("`" + name + "` is not exact");
  return llvm::Error::success();
}

llvm::Error Lint::line(llvm::StringRef words) {
  words = words.split("//").first.trim();
  if (words.empty() || words == "{" || words == ")")
    return llvm::Error::success();
  // What a launch asks for has no size in the text.
  bool isAskedFor = words.starts_with(".extern .shared .align 16 .b8 ") &&
                    words.contains("[]");
  if (isAskedFor)
    return llvm::Error::success();
  if (words.starts_with(".extern"))
    return problem("needs what is defined nowhere: " + words);
  if (words.starts_with(".version"))
    hasVersion = true;
  if (words.starts_with(".target") && !words.contains(chip.name))
    return problem("is for another chip than " + chip.name);
  if (words.contains(".entry ") || words.contains(".func "))
    return beginKernel(words);
  if (words.starts_with(".reqntid"))
    hasThreads = true;
  if (words == "}")
    return kernel.empty() ? llvm::Error::success() : endKernel();
  if (words.starts_with("."))
    return variable(words);
  return words.ends_with(":") ? llvm::Error::success() : instruction(words);
}

llvm::Error Lint::run() {
  llvm::StringRef rest = text;
  while (!rest.empty()) {
    auto [words, more] = rest.split('\n');
    rest = more;
    ++number;
    if (llvm::Error error = line(words))
      return error;
  }
  number = 1;
  return hasVersion ? llvm::Error::success() : problem("says no .version");
}

llvm::Error nvptx::checkPTX(llvm::StringRef text, const Chip &chip) {
  return Lint(text, chip).run();
}
