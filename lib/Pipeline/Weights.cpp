// Weights.cpp: trained weights become a part of the library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Weights.h"

#include "rnnc/Data/Tensor.h"
#include "rnnc/Support/Text.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace rnnc;
using namespace rnnc::target;

namespace {

/// Code reaches data that is at most 2 GiB away; the compiled code and the
/// program around it need room too.
constexpr int64_t kMostBytes = int64_t(1) << 30;

std::string withoutSpaces(llvm::StringRef text) {
  std::string out;
  llvm::copy_if(text, std::back_inserter(out), [](char c) { return c != ' '; });
  return out;
}

std::string namesOf(llvm::ArrayRef<Module *> modules) {
  return llvm::join(
      llvm::map_range(modules, [](Module *m) { return "`" + m->name + "`"; }),
      ", ");
}

/// The modules that FILE alone can mean: the model, else what has parameters.
llvm::SmallVector<Module *> candidates(Library &library) {
  llvm::SmallVector<Module *> models, all;
  for (Module &m : library.modules) {
    if (m.parameters.empty())
      continue;
    all.push_back(&m);
    if (m.kind == "model")
      models.push_back(&m);
  }
  return models.empty() ? all : models;
}

/// Arrays that stand beside the weights in checkpoints.
bool isWeight(llvm::StringRef name) {
  return !name.starts_with("state.") && !name.starts_with("optimizer.") &&
         !name.starts_with("trainer.");
}

class Baker {
public:
  Baker(Library &library, llvm::raw_ostream &err)
      : library(library), err(err) {}

  int run(llvm::StringRef text);

private:
  int fail(int code, const llvm::Twine &message) {
    err << "rnnc: error: " << shown(message.str(), /*lines=*/true) << "\n";
    return code;
  }
  int choose(llvm::StringRef name);
  int check(const data::TensorFile &file);
  std::string problems(const data::TensorFile &file);
  std::string labelProblems(const data::TensorFile &file);
  std::string sizesHint(const data::TensorFile &file);
  int store(const Parameter &p, const data::Tensor &given);

  Library &library;
  llvm::raw_ostream &err;
  std::string path;
  Module *module = nullptr;
};

int Baker::choose(llvm::StringRef name) {
  llvm::SmallVector<Module *> fit;
  for (Module &m : library.modules)
    if (m.name == name || withoutSpaces(m.source) == withoutSpaces(name))
      fit.push_back(&m);
  if (name.empty())
    fit = candidates(library);
  if (fit.size() == 1) {
    module = fit.front();
    return ExitOk;
  }
  llvm::SmallVector<Module *> all;
  for (Module &m : library.modules)
    all.push_back(&m);
  if (!name.empty())
    return fail(ExitUsage, "--weights " + name + "=" + path +
                               ": there is no module `" + name +
                               "`; the library has " + namesOf(all));
  if (fit.empty())
    return fail(ExitUsage, "--weights " + path + ": no module has parameters");
  return fail(ExitUsage, "--weights " + path +
                             ": whose are they? Write "
                             "--weights MODULE=FILE; there are " +
                             namesOf(fit));
}

/// `[2, V = 3]`: sizes, with the names of axes that have one.
std::string shapeText(const Parameter &p) {
  std::string out = "[";
  for (auto [i, size] : llvm::enumerate(p.shape)) {
    out += i ? ", " : "";
    if (i < p.axes.size() && isCIdentifier(p.axes[i]))
      out += p.axes[i] + " = ";
    out += std::to_string(size);
  }
  return out + "]";
}

/// All that does not fit, a line each.
std::string Baker::problems(const data::TensorFile &file) {
  std::string out;
  llvm::StringMap<bool> known;
  for (const Parameter &p : module->parameters) {
    known[p.name] = true;
    const data::Tensor *given = file.find(p.name);
    if (!given)
      out += "\n  missing: `" + p.name + "` " + shapeText(p);
    else if (given->shape != p.shape)
      out += "\n  `" + p.name + "`: expected " + shapeText(p) + ", found " +
             data::shapeText(given->shape);
    else if (given->type != data::DType::F32 && given->type != data::DType::F64)
      out += "\n  `" + p.name + "`: expected real numbers, found " +
             std::string(data::nameOf(given->type));
  }
  for (const auto &[name, tensor] : file.tensors)
    if (isWeight(name) && !known.contains(name))
      out += "\n  unknown: `" + name + "` " + data::shapeText(tensor.shape);
  return out;
}

/// Labels that the weights were trained with, in the metadata of `rnnc train`,
/// against those of the source: as many in another order would be other ones.
std::string Baker::labelProblems(const data::TensorFile &file) {
  std::string out;
  auto axes = module->declared.getSettings().getAs<mlir::ArrayAttr>("axes");
  if (!axes)
    return out;
  for (auto axis : axes.getAsRange<mlir::DictionaryAttr>()) {
    auto name = axis.getAs<mlir::StringAttr>("name");
    auto labels = axis.getAs<mlir::ArrayAttr>("labels");
    if (!name || !labels)
      continue;
    auto found = file.metadata.find("vocabulary." + name.str());
    if (found == file.metadata.end())
      continue;
    bool deep = findDeeper(found->second, 100) != std::string::npos;
    llvm::Expected<llvm::json::Value> trained =
        llvm::json::parse(deep ? "" : found->second);
    if (trained && *trained == target::toJson(labels))
      continue;
    if (!trained)
      llvm::consumeError(trained.takeError());
    std::string own;
    llvm::raw_string_ostream(own) << target::toJson(labels);
    out += "\n  the labels of `" + name.str() + "` are " + own +
           " here, in the weights " + found->second;
  }
  return out;
}

/// A size that the file has everywhere where an axis stands may be what the
/// dim should be.
std::string Baker::sizesHint(const data::TensorFile &file) {
  llvm::StringMap<int64_t> found, wanted;
  llvm::StringMap<bool> mixed;
  for (const Parameter &p : module->parameters) {
    const data::Tensor *given = file.find(p.name);
    if (!given || given->shape.size() != p.axes.size())
      continue;
    for (size_t i = 0; i < p.axes.size(); ++i) {
      auto [place, isNew] = found.try_emplace(p.axes[i], given->shape[i]);
      mixed[p.axes[i]] |= !isNew && place->second != given->shape[i];
      wanted[p.axes[i]] = p.shape[i];
    }
  }
  std::vector<std::string> options;
  for (const auto &axis : found)
    if (isCIdentifier(axis.first()) && !mixed[axis.first()] &&
        wanted[axis.first()] != axis.second)
      options.push_back(
          ("`-D " + axis.first() + "=" + std::to_string(axis.second) + "`")
              .str());
  llvm::sort(options);
  return options.empty() ? ""
                         : "\n  = help: if the file is right, compile with " +
                               llvm::join(options, " ");
}

int Baker::check(const data::TensorFile &file) {
  std::string text = problems(file) + labelProblems(file);
  if (!text.empty())
    return fail(ExitBadData, path + ": the weights do not fit `" +
                                 module->name + "`:" + text + sizesHint(file));
  int64_t bytes = module->arena * (library.real() == rt::F64 ? 8 : 4);
  if (bytes > kMostBytes)
    return fail(ExitUsage,
                "--weights " + path + ": " + llvm::Twine(bytes >> 20) +
                    " MiB are more than a library can hold (1024 MiB); load "
                    "the file at run time");
  return ExitOk;
}

/// Copies one parameter; numbers have to be finite, and exact in the library's
/// type.
int Baker::store(const Parameter &p, const data::Tensor &given) {
  for (int64_t i = 0; i < p.count(); ++i)
    if (!std::isfinite(given.number(i)))
      return fail(ExitBadData,
                  path + ": entry " + llvm::Twine(i) + " of `" + p.name +
                      "` is " + (std::isnan(given.number(i)) ? "nan" : "inf") +
                      ": these weights cannot be used");
  bool wide = library.real() == rt::F64;
  Result<data::Tensor> exact = data::convertExact(
      given, wide ? data::DType::F64 : data::DType::F32, p.name);
  if (!exact)
    return fail(ExitBadData, path + ": " + exact.error().message);
  size_t width = wide ? 8 : 4;
  std::memcpy(module->baked.data() + size_t(p.offset) * width,
              exact->bytes.data(), size_t(p.count()) * width);
  return ExitOk;
}

int Baker::run(llvm::StringRef text) {
  auto [name, rest] = text.split('=');
  // A file's name may hold a `=`.
  bool named = text.contains('=') && !llvm::sys::fs::exists(text);
  path = named ? rest.str() : text.str();
  if (int code = choose(named ? name : ""))
    return code;
  if (!module->baked.empty())
    return fail(ExitUsage,
                "--weights is given twice for `" + module->name + "`");
  if (llvm::sys::fs::is_directory(path))
    return fail(ExitUsage, "--weights " + path +
                               " is a folder; name the file in it, such as " +
                               path + "/best.safetensors");
  if (!llvm::sys::fs::exists(path))
    return fail(ExitUsage, "--weights " + path + ": there is no such file");
  Result<data::TensorFile> file = data::readTensorFile(path);
  if (!file) {
    err << file.error().message << "\n";
    return file.error().exitCode;
  }
  if (int code = check(*file))
    return code;
  module->baked.assign(
      size_t(module->arena) * (library.real() == rt::F64 ? 8 : 4), '\0');
  for (const Parameter &p : module->parameters)
    if (int code = store(p, *file->find(p.name)))
      return code;
  return ExitOk;
}

} // namespace

int pipeline::bakeWeights(Library &library, llvm::ArrayRef<std::string> files,
                          llvm::raw_ostream &err) {
  for (const std::string &file : files)
    if (int code = Baker(library, err).run(file))
      return code;
  return ExitOk;
}
