// Library.cpp: loads a compiled library and finds its functions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Training/Library.h"
#include "rnnc/Data/Spelling.h"

#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <link.h>

using namespace rnnc;
using namespace rnnc::training;

/// The library's name as a C identifier: `libmy-net.so` is `my_net`.
static std::string identifierOf(const std::string &path) {
  std::string name = std::filesystem::path(path).filename().string();
  name = name.substr(0, name.find('.'));
  if (name.starts_with("lib"))
    name.erase(0, 3);
  for (char &c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)))
      c = '_';
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])))
    name.insert(name.begin(), '_');
  return name;
}

/// A file that was renamed keeps its symbols: look for the one exported symbol
/// that ends in `_describe`.
static void *findDescribe(void *handle) {
  link_map *map = nullptr;
  if (dlinfo(handle, RTLD_DI_LINKMAP, static_cast<void *>(&map)) != 0 || !map)
    return nullptr;
  const ElfW(Sym) *symbols = nullptr;
  const char *names = nullptr;
  const uint32_t *gnuHash = nullptr;
  for (const ElfW(Dyn) *dyn = map->l_ld; dyn->d_tag != DT_NULL; ++dyn) {
    if (dyn->d_tag == DT_SYMTAB)
      symbols = reinterpret_cast<const ElfW(Sym) *>(dyn->d_un.d_ptr);
    else if (dyn->d_tag == DT_STRTAB)
      names = reinterpret_cast<const char *>(dyn->d_un.d_ptr);
    else if (dyn->d_tag == DT_GNU_HASH)
      gnuHash = reinterpret_cast<const uint32_t *>(dyn->d_un.d_ptr);
  }
  if (!symbols || !names || !gnuHash)
    return nullptr;
  // The hash table lists the exported symbols; a chain ends at an odd hash.
  uint32_t buckets = gnuHash[0], first = gnuHash[1], bloom = gnuHash[2];
  const uint32_t *bucket = gnuHash + 4 + bloom * (sizeof(ElfW(Addr)) / 4);
  const uint32_t *chain = bucket + buckets;
  for (uint32_t b = 0; b < buckets; ++b) {
    for (uint32_t i = bucket[b]; i >= first && i != 0; ++i) {
      std::string_view name = names + symbols[i].st_name;
      if (name.ends_with("_describe") && symbols[i].st_shndx != SHN_UNDEF)
        return dlsym(handle, std::string(name).c_str());
      if (chain[i - first] & 1)
        break;
    }
  }
  return nullptr;
}

#if defined(__x86_64__)
static constexpr unsigned kOwnMachine = EM_X86_64;
#elif defined(__aarch64__)
static constexpr unsigned kOwnMachine = EM_AARCH64;
#else
#error "the number of this machine in ELF files is not known"
#endif

static std::string machineName(unsigned machine) {
  return machine == EM_X86_64    ? "x86_64"
         : machine == EM_AARCH64 ? "aarch64"
                                 : fmt::format("ELF machine {}", machine);
}

/// Why a file cannot be loaded, if that is because it is for another machine:
/// the loader's own words are that it cannot open the file.
static std::optional<std::string> foreignMachine(const std::string &path) {
  ElfW(Ehdr) header{};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char *>(&header), sizeof(header));
  if (file.gcount() != sizeof(header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_machine == kOwnMachine)
    return std::nullopt;
  return fmt::format("is for another machine ({}; this one is {})",
                     machineName(header.e_machine), machineName(kOwnMachine));
}

Result<std::shared_ptr<Library>> Library::open(const std::string &path,
                                               const std::string &shown) {
  std::error_code code;
  if (!std::filesystem::exists(path, code))
    return Error{fmt::format("{}: error: there is no such file", path),
                 ExitUsage};
  std::shared_ptr<Library> library(new Library);
  library->file = shown.empty() ? path : shown;
  // Without a slash dlopen would search the system's directories.
  std::string absolute = std::filesystem::absolute(path).string();
  library->handle = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library->handle)
    if (std::optional<std::string> why = foreignMachine(path))
      return toolError("{}: error: {}", path, *why);
  if (!library->handle)
    return toolError("{}: error: cannot be loaded: {}", path, dlerror());
  std::string symbol = identifierOf(path) + "_describe";
  void *describe = dlsym(library->handle, symbol.c_str());
  if (!describe)
    describe = findDescribe(library->handle);
  if (!describe)
    return toolError("{}: error: not a library made by rnnc: it has no symbol "
                     "`{}`",
                     path, symbol);
  rnnc_library &functions = library->functions;
  functions.size = sizeof(functions);
  reinterpret_cast<rnnc_describe_fn>(describe)(&functions);
  // Libraries of the first versions write their version where the size is.
  bool sized = functions.size >= offsetof(rnnc_library, params_save_size);
  int32_t version =
      sized ? functions.abi_version : static_cast<int32_t>(functions.size);
  if (version != RNNC_ABI_VERSION)
    return toolError("{}: error: made for ABI {}; this rnnc speaks ABI {}",
                     path, version, RNNC_ABI_VERSION);
  Result<Manifest> manifest = parseManifest(library->functions.manifest, path);
  if (!manifest)
    return manifest.error();
  library->info = std::move(*manifest);
  return library;
}

Library::~Library() {
  if (handle)
    dlclose(handle);
}

static std::string withoutSpaces(std::string_view text) {
  std::string result;
  for (char c : text)
    if (c != ' ')
      result += c;
  return result;
}

/// All names a module answers to: `lstm_64_128`, `lstm[64,128]`, `lstm`.
static bool answersTo(const ModuleInfo &module, const std::string &name) {
  std::string source = withoutSpaces(module.source);
  return name == module.name || name == source ||
         name == source.substr(0, source.find('['));
}

/// What the library has.
static std::vector<std::string> functionNames(const Manifest &manifest) {
  std::vector<std::string> names;
  for (const ModuleInfo &module : manifest.modules)
    for (const FunctionInfo &function : module.functions)
      names.push_back(module.name + "." + function.name);
  return names;
}

/// `lstm.forwrd` may be any of the names a function answers to.
static std::string suggestion(const Manifest &manifest,
                              const std::string &typed) {
  std::vector<std::string> names = functionNames(manifest);
  for (const ModuleInfo &module : manifest.modules) {
    std::string source = withoutSpaces(module.source);
    for (const FunctionInfo &function : module.functions) {
      names.push_back(source.substr(0, source.find('[')) + "." + function.name);
      names.push_back(source + "." + function.name);
      names.push_back(function.name);
    }
  }
  return data::didYouMean(typed, names);
}

Result<Library::Place> Library::find(std::string_view wanted) const {
  std::string name = withoutSpaces(wanted);
  size_t dot = name.rfind('.');
  std::string function = dot == std::string::npos ? name : name.substr(dot + 1);
  std::string module = dot == std::string::npos ? "" : name.substr(0, dot);
  std::vector<Place> places;
  for (size_t m = 0; m < info.modules.size(); ++m) {
    const ModuleInfo &candidate = info.modules[m];
    if (!module.empty() && !answersTo(candidate, module))
      continue;
    for (size_t f = 0; f < candidate.functions.size(); ++f) {
      const FunctionInfo &entry = candidate.functions[f];
      // `export M.sample as draw` names the symbol `<library>_draw`.
      bool alias = module.empty() && entry.symbol == info.library + "_" + name;
      if (entry.name == function || alias)
        places.push_back({static_cast<int>(m), static_cast<int>(f)});
    }
  }
  if (places.size() == 1)
    return places[0];
  if (places.empty())
    return usageError("{}: error: there is no function `{}`; the library has "
                      "{}{}",
                      file, wanted, fmt::join(functionNames(info), ", "),
                      suggestion(info, name));
  return usageError("{}: error: `{}` is ambiguous; the library has {}", file,
                    wanted, fmt::join(functionNames(info), ", "));
}
