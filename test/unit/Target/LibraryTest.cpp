// LibraryTest.cpp: libraries made of a module written by hand.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/CPU/Library.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <gtest/gtest.h>

using namespace rnnc;
using namespace rnnc::target;

namespace {

std::string read(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

std::string source(const std::string &name) {
  return std::string(RNNC_SOURCE_DIR) + "/" + name;
}

void prepare(mlir::MLIRContext &context) {
  context.loadDialect<interface::InterfaceDialect, mlir::LLVM::LLVMDialect,
                      mlir::arith::ArithDialect, mlir::func::FuncDialect,
                      mlir::memref::MemRefDialect>();
  registerTranslations(context);
}

mlir::OwningOpRef<mlir::ModuleOp> interfaceOf(mlir::MLIRContext &context) {
  return mlir::parseSourceFile<mlir::ModuleOp>(source("TinyInterface.mlir"),
                                               &context);
}

class LibraryTest : public testing::Test {
protected:
  void SetUp() override {
    llvm::SmallString<64> path;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("rnnc-test", path));
    directory = path.str().str();
  }
  void TearDown() override { llvm::sys::fs::remove_directories(directory); }

  std::string in(const std::string &name) { return directory + "/" + name; }

  /// Makes the library; the header stands beside it.
  void make(const std::string &file, Output output, int optLevel,
            const std::string &march) {
    mlir::MLIRContext context;
    prepare(context);
    mlir::OwningOpRef<mlir::ModuleOp> offered = interfaceOf(context);
    ASSERT_TRUE(offered);
    auto library = readInterface(*offered, symbolPrefix(file), false);
    ASSERT_TRUE(bool(library)) << llvm::toString(library.takeError());
    auto module =
        mlir::parseSourceFile<mlir::ModuleOp>(source("Tiny.mlir"), &context);
    ASSERT_TRUE(module);
    auto variants = variantsFor(hostArchitecture(), march);
    ASSERT_TRUE(bool(variants)) << llvm::toString(variants.takeError());
    std::vector<VariantModule> modules;
    for (const VariantInfo &info : *variants) {
      auto translated = translate(*module, info);
      ASSERT_TRUE(bool(translated));
      modules.push_back(std::move(*translated));
    }
    EmitOptions options;
    options.path = in(file);
    options.output = output;
    options.optLevel = optLevel;
    llvm::Error error = emitLibrary(std::move(modules), *library, options);
    ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
    llvm::Error header = writeFile(in("libtiny.h"), headerText(*library));
    ASSERT_FALSE(bool(header));
  }

  int run(const std::string &command) {
    return std::system((command + " > " + in("log") + " 2>&1").c_str());
  }
  std::string log() { return read(in("log")); }

  /// Compiles the C program against what was made, and runs it.
  void runProgram(const std::string &link) {
    std::string compile = std::string(RNNC_C_COMPILER) +
                          " -std=c99 -pedantic -Wall -Wextra -Werror "
                          "-D_POSIX_C_SOURCE=200112L -I" +
                          directory + " " + source("tiny.c") + " -o " +
                          in("tiny") + " " + link + " -lm";
    ASSERT_EQ(run(compile), 0) << log();
    ASSERT_EQ(run(in("tiny")), 0) << log();
  }

  std::string directory;
};

TEST_F(LibraryTest, SharedLibraryFromC) {
  make("libtiny.so", Output::SharedLibrary, 2, "");
  runProgram("-L" + directory + " -ltiny -Wl,-rpath," + directory);
  // As C++ too.
  std::string compile =
      std::string(RNNC_CXX_COMPILER) +
      " -std=c++17 -Wall -Wextra -Werror -fsyntax-only -x c++ -I" + directory +
      " " + source("tiny.c");
  EXPECT_EQ(run(compile), 0) << log();
}

TEST_F(LibraryTest, ObjectAndArchiveFromC) {
  make("tiny.o", Output::Object, 0, "x86-64-v2");
  runProgram(in("tiny.o") + " -lpthread");
  make("libtiny.a", Output::StaticArchive, 3, "x86-64-v2");
  runProgram(in("libtiny.a") + " -lpthread");
}

TEST_F(LibraryTest, OnlyTheApiIsVisible) {
  make("libtiny.so", Output::SharedLibrary, 1, "");
  ASSERT_EQ(run("nm -D --defined-only " + in("libtiny.so")), 0) << log();
  std::istringstream lines(log());
  std::string address, kind, name;
  int count = 0;
  while (lines >> address >> kind >> name) {
    EXPECT_EQ(name.rfind("tiny_", 0), 0u) << name;
    ++count;
  }
  EXPECT_GT(count, 20);
  ASSERT_EQ(run("readelf -d " + in("libtiny.so")), 0) << log();
  std::string dynamic = log();
  EXPECT_EQ(dynamic.find("libstdc++"), std::string::npos) << dynamic;
  EXPECT_NE(dynamic.find("libc.so.6"), std::string::npos) << dynamic;
}

TEST_F(LibraryTest, TheSameBytesTwice) {
  make("libtiny.so", Output::SharedLibrary, 2, "");
  std::string first = read(in("libtiny.so")), header = read(in("libtiny.h"));
  make("libtiny.so", Output::SharedLibrary, 2, "");
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(first, read(in("libtiny.so")));
  EXPECT_EQ(header, read(in("libtiny.h")));
}

// A function that was not expanded would be a call of libm.
TEST_F(LibraryTest, CompiledCodeCallsTheRuntimeOnly) {
  std::string text = read(source("Tiny.mlir"));
  size_t at = text.find("  llvm.store %sum, %loss");
  ASSERT_NE(at, std::string::npos);
  text.insert(at, "  %s = llvm.call @sinf(%sum) : (f32) -> f32\n"
                  "  llvm.store %s, %x : f32, !llvm.ptr\n");
  text += "llvm.func @sinf(f32) -> f32\n";
  mlir::MLIRContext context;
  prepare(context);
  mlir::OwningOpRef<mlir::ModuleOp> offered = interfaceOf(context);
  ASSERT_TRUE(offered);
  auto library = readInterface(*offered, "tiny", false);
  ASSERT_TRUE(bool(library)) << llvm::toString(library.takeError());
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  ASSERT_TRUE(module);
  auto variants = variantsFor(x86_64, "v3");
  ASSERT_TRUE(bool(variants));
  auto translated = translate(*module, variants->front());
  ASSERT_TRUE(bool(translated));
  std::vector<VariantModule> modules;
  modules.push_back(std::move(*translated));
  EmitOptions options;
  options.path = in("libtiny.so");
  llvm::Error error = emitLibrary(std::move(modules), *library, options);
  EXPECT_EQ(
      llvm::toString(std::move(error)),
      "`.text.Tiny.loss.entry.v3` calls `sinf`, which no library may need");
  EXPECT_FALSE(llvm::sys::fs::exists(options.path));
}

/// Both halves declare what they take from each other, and nothing else is
/// seen; what needs data of the module stays with it.
TEST(Parts, Split) {
  mlir::MLIRContext context;
  prepare(context);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(R"(
    llvm.mlir.global private @data(1 : i64) : i64
    llvm.func @rnnc_rt_members() -> i64
    llvm.func @M.f.entry() -> i64 {
      %0 = llvm.call @late() : () -> i64
      llvm.return %0 : i64
    }
    llvm.func @common() -> i64 attributes {sym_visibility = "private"} {
      %0 = llvm.call @rnnc_rt_members() : () -> i64
      llvm.return %0 : i64
    }
    llvm.func @reads() -> i64 attributes {sym_visibility = "private"} {
      %0 = llvm.mlir.addressof @data : !llvm.ptr
      %1 = llvm.load %0 : !llvm.ptr -> i64
      llvm.return %1 : i64
    }
    llvm.func @late() -> i64 attributes {sym_visibility = "private"} {
      %0 = llvm.call @common() : () -> i64
      %1 = llvm.call @reads() : () -> i64
      %2 = llvm.add %0, %1 : i64
      %3 = llvm.add %2, %1 : i64
      %4 = llvm.add %3, %1 : i64
      %5 = llvm.add %4, %1 : i64
      llvm.return %5 : i64
    })",
                                                        &context);
  ASSERT_TRUE(module);
  EXPECT_FALSE(splitOff(*module));
  mlir::OwningOpRef<mlir::ModuleOp> half = splitOff(*module, 0);
  ASSERT_TRUE(half);
  auto describe = [](mlir::ModuleOp part) {
    std::string text;
    for (auto f : part.getOps<mlir::LLVM::LLVMFuncOp>()) {
      text += f.isExternal() ? " ?" : " ";
      text += f.getName();
      if (f.getVisibility_() == mlir::LLVM::Visibility::Hidden)
        text += "*";
    }
    return text;
  };
  EXPECT_EQ(describe(*module), " ?late* ?rnnc_rt_members M.f.entry reads*");
  EXPECT_EQ(describe(*half), " ?rnnc_rt_members ?reads* common late*");
}

TEST_F(LibraryTest, NoLinker) {
  std::string path = getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  EmitOptions options;
  options.path = in("libtiny.so");
  llvm::Error error = linkShared({in("none.o")}, options);
  setenv("PATH", path.c_str(), 1);
  EXPECT_NE(llvm::toString(std::move(error)).find("no linker was found"),
            std::string::npos);
}

TEST(Variants, March) {
  auto all = variantsFor(x86_64, "");
  ASSERT_TRUE(bool(all));
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ((*all)[2].vectorBits, 512);
  auto v3 = variantsFor(x86_64, "x86-64-v3");
  ASSERT_TRUE(bool(v3));
  EXPECT_EQ(v3->front().level, 3);
  EXPECT_EQ(v3->front().name, "v3");
  auto skylake = variantsFor(x86_64, "skylake-avx512");
  ASSERT_TRUE(bool(skylake));
  EXPECT_EQ(skylake->front().level, 4);
  auto bad = variantsFor(x86_64, "z80");
  ASSERT_FALSE(bool(bad));
  EXPECT_NE(llvm::toString(bad.takeError()).find("z80"), std::string::npos);
}

TEST(Variants, AArch64) {
  auto all = variantsFor(aarch64, "");
  ASSERT_TRUE(bool(all));
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ(all->front().name, "neon");
  EXPECT_EQ(all->front().cpu, "generic");
  EXPECT_TRUE(all->front().fma);
  auto one = variantsFor(aarch64, "neoverse-n1");
  ASSERT_TRUE(bool(one));
  EXPECT_EQ(one->front().cpu, "neoverse-n1");
  EXPECT_EQ(one->front().vectorBits, 128);
  auto bad = variantsFor(aarch64, "x86-64-v3");
  ASSERT_FALSE(bool(bad));
  EXPECT_NE(llvm::toString(bad.takeError()).find("neoverse-n1"),
            std::string::npos);
  const Architecture &other = &hostArchitecture() == &x86_64 ? aarch64 : x86_64;
  auto native = variantsFor(other, "native");
  ASSERT_FALSE(bool(native));
  EXPECT_NE(llvm::toString(native.takeError()).find("this machine"),
            std::string::npos);
}

TEST(Architectures, Triples) {
  for (const char *text : {"aarch64-linux-gnu", "aarch64-unknown-linux-gnu"}) {
    auto found = architectureFor(text);
    ASSERT_TRUE(bool(found)) << llvm::toString(found.takeError());
    EXPECT_EQ(*found, &aarch64);
  }
  auto pc = architectureFor("x86_64-pc-linux-gnu");
  ASSERT_TRUE(bool(pc));
  EXPECT_EQ(*pc, &x86_64);
  for (const char *text :
       {"aarch64", "aarch64_be-linux-gnu", "arm64ec-linux-gnu",
        "aarch64-linux-musl", "aarch64-apple-darwin", "x86_64-linux-gnux32",
        "i686-linux-gnu", "riscv64-linux-gnu", "nvptx64-nvidia-cuda", "x", "-",
        "---"}) {
    auto found = architectureFor(text);
    ASSERT_FALSE(bool(found)) << text;
    std::string words = llvm::toString(found.takeError());
    EXPECT_NE(words.find("x86_64-linux-gnu and aarch64-linux-gnu"),
              std::string::npos)
        << words;
  }
}

TEST(Names, Prefix) {
  EXPECT_EQ(symbolPrefix("/a/b/libchar-lm.so"), "char_lm");
  EXPECT_EQ(symbolPrefix("2x.so"), "m2x");
  EXPECT_EQ(cName("lstm[64, 128]"), "lstm_64_128");
}

} // namespace
