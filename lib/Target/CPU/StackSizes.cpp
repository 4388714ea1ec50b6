// StackSizes.cpp: the frames of an object that was made before.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A section `.stack_sizes` has an address and a ULEB128 number for each
// function, and the address is a relocation: of the function, or of its section
// and where in it the function begins.
#include "Stack.h"

#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/MemoryBuffer.h"

#include <map>

using namespace rnnc;
using namespace rnnc::target;

using llvm::object::ELFObjectFileBase;
using llvm::object::SectionRef;

namespace {
/// Which function begins where.
class Functions {
public:
  explicit Functions(const ELFObjectFileBase &object) {
    for (const llvm::object::ELFSymbolRef &symbol : object.symbols()) {
      if (symbol.getELFType() != llvm::ELF::STT_FUNC)
        continue;
      auto section = llvm::cantFail(symbol.getSection());
      if (section != object.section_end())
        names[{section->getIndex(), llvm::cantFail(symbol.getAddress())}] =
            llvm::cantFail(symbol.getName());
    }
  }

  /// The function that a relocation is the address of, or no name.
  llvm::StringRef at(const ELFObjectFileBase &object,
                     const llvm::object::ELFRelocationRef &address) const {
    llvm::object::ELFSymbolRef symbol = *address.getSymbol();
    auto section = llvm::cantFail(symbol.getSection());
    auto addend = address.getAddend();
    if (section == object.section_end() || !addend) {
      llvm::consumeError(addend.takeError());
      return "";
    }
    auto name = names.find(
        {section->getIndex(), llvm::cantFail(symbol.getAddress()) + *addend});
    return name == names.end() ? "" : name->second;
  }

private:
  std::map<std::pair<uint64_t, uint64_t>, llvm::StringRef> names;
};
} // namespace

static llvm::Error broken(const llvm::Twine &what) {
  return llvm::createStringError("the frames of the runtime: " + what);
}

/// The number behind the address at `offset`.
static llvm::Expected<uint64_t> sizeAt(llvm::StringRef contents,
                                       uint64_t offset) {
  constexpr uint64_t kAddressBytes = 8;
  if (offset + kAddressBytes >= contents.size())
    return broken("the section ends early");
  const char *error = nullptr;
  uint64_t size =
      llvm::decodeULEB128(contents.bytes_begin() + offset + kAddressBytes,
                          nullptr, contents.bytes_end(), &error);
  if (error)
    return broken(error);
  return size;
}

llvm::Error StackUse::readFrames(llvm::StringRef bytes) {
  auto object = llvm::object::ObjectFile::createELFObjectFile(
      llvm::MemoryBufferRef(bytes, "runtime"));
  if (!object)
    return object.takeError();
  auto &elf = llvm::cast<ELFObjectFileBase>(**object);
  Functions functions(elf);
  for (const SectionRef &section : elf.sections()) {
    auto target = section.getRelocatedSection();
    if (!target)
      return target.takeError();
    if (*target == elf.section_end() ||
        llvm::cantFail((*target)->getName()) != ".stack_sizes")
      continue;
    auto contents = (*target)->getContents();
    if (!contents)
      return contents.takeError();
    for (const llvm::object::ELFRelocationRef address : section.relocations()) {
      llvm::StringRef name = functions.at(elf, address);
      auto size = sizeAt(*contents, address.getOffset());
      if (!size)
        return size.takeError();
      if (name.empty())
        return broken("one of no function");
      nodes[name].frame = *size + kReturnBytes;
    }
  }
  return llvm::Error::success();
}
