// AST.h - the syntax tree of the language, one node a grammar rule.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tree says what was written and nothing else: names are not resolved, and
// generics are not instantiated. Walk it with `switch (node.kind)` and `as<T>`.
// Every node carries the range of source text it came from.
#ifndef RNNC_FRONTEND_AST_H
#define RNNC_FRONTEND_AST_H

#include "rnnc/Support/SourceManager.h"

#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rnnc::ast {

/// Views a node as the class that its kind names: `as<Call>(expr)`.
template <typename T, typename Node> const T &as(const Node &node) {
  assert(node.kind == T::classKind && "node is of another kind");
  return static_cast<const T &>(node);
}

/// The same, null if the node is of another kind.
template <typename T, typename Node> const T *dynAs(const Node &node) {
  return node.kind == T::classKind ? static_cast<const T *>(&node) : nullptr;
}

/// A name with its place. Empty text: there is none.
struct Name {
  std::string text;
  SourceRange range;

  bool empty() const { return text.empty(); }
};

//===----------------------------------------------------------------------===//
// Sizes and types
//===----------------------------------------------------------------------===//

struct Size;
using SizePtr = std::unique_ptr<Size>;

/// A size: `2*H`, `E + A`.
struct Size {
  enum class Kind { Number, Name, Add, Sub, Mul };

  Kind kind = Kind::Number;
  SourceRange range;
  int64_t number = 0; ///< Number
  std::string name;   ///< Name
  SizePtr lhs, rhs;   ///< Add, Sub, Mul
};

/// A type as written.
struct Type {
  enum class Kind {
    Real,  ///< `real`, `[A, B]`
    Index, ///< `in V`, `[T] in V`
    Int,   ///< `int`, `[A] int`
    Bit,   ///< `bit`, `[A] bit`
    Dist   ///< `categorical[V]`: name and axes
  };

  Kind kind = Kind::Real;
  SourceRange range;
  std::vector<SizePtr> axes;
  SizePtr index; ///< Index: the axis looked up
  Name dist;     ///< Dist: its name
};

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

struct Expr {
  enum class Kind {
    Number,
    NameRef,
    Call,
    List,
    Index,
    Slice,
    Member,
    Prime,
    Power,
    As,
    Neg,
    Not,
    Binary,
    If,
    Record,
    Bind,
    Recur
  };

  const Kind kind;
  SourceRange range;
  /// Height of the tree below; the parser keeps it small enough to recurse.
  unsigned height = 1;

  virtual ~Expr() = default;

protected:
  explicit Expr(Kind kind) : kind(kind) {}
};
using ExprPtr = std::unique_ptr<Expr>;

/// Gives a node class its kind.
template <Expr::Kind K> struct ExprOf : Expr {
  static constexpr Kind classKind = K;
  ExprOf() : Expr(K) {}
};

/// `0.5`. The range holds the text as written.
struct Number : ExprOf<Expr::Kind::Number> {
  double value = 0;
  bool isInteger = false; ///< written without point, as `12` or `1e3`
};

/// `x`
struct NameRef : ExprOf<Expr::Kind::NameRef> {
  std::string name;
};

/// `name = value` or `value` in a call. For a positional one the name is empty.
struct Arg {
  Name name;
  ExprPtr value;
};

/// `f(x, p = 2)`, `f[H](x)`: a function, a built-in, a layer, a distribution,
/// or the step of an inner cell.
struct Call : ExprOf<Expr::Kind::Call> {
  Name callee;
  std::vector<SizePtr> generics; ///< sizes in brackets before the arguments
  std::vector<Arg> args;
};

/// `[1, 2, 3]`: entries along a new first axis
struct List : ExprOf<Expr::Kind::List> {
  std::vector<ExprPtr> items;
};

/// `0..H`, `2..`, `..`: part of an axis, only among the indices of `Index`.
struct Slice : ExprOf<Expr::Kind::Slice> {
  SizePtr from, to; ///< null: from its first entry, up to its end
};

/// `e[i, j]`
struct Index : ExprOf<Expr::Kind::Index> {
  ExprPtr base;
  std::vector<ExprPtr> indices;
};

/// `e.name`: a label of an axis, a state of an inner cell, or a field of a
/// state record; a chain of them (`f.a.h`) nests to the left.
struct Member : ExprOf<Expr::Kind::Member> {
  ExprPtr base;
  Name member;
};

/// `h'`
struct Prime : ExprOf<Expr::Kind::Prime> {
  Name state;
};

/// `x ^ 2`
struct Power : ExprOf<Expr::Kind::Power> {
  ExprPtr base, exponent;
};

/// `x as [A, B]`
struct As : ExprOf<Expr::Kind::As> {
  ExprPtr value;
  Type type;
};

/// `-x`
struct Neg : ExprOf<Expr::Kind::Neg> {
  ExprPtr value;
};

/// `not c`
struct Not : ExprOf<Expr::Kind::Not> {
  ExprPtr value;
};

enum class BinaryOp {
  Add,
  Sub,
  Mul,
  Div,
  Match,
  Join,
  And,
  Or,
  // Comparisons.
  Lt,
  Gt,
  Le,
  Ge,
  Eq,
  Ne
};

inline bool isComparison(BinaryOp op) { return op >= BinaryOp::Lt; }

/// How an operator is written.
const char *spelling(BinaryOp op);

/// `a + b`, `a @ b` (Match), `a ++ b` (Join), `a < b`, `c and d`.
struct Binary : ExprOf<Expr::Kind::Binary> {
  BinaryOp op = BinaryOp::Add;
  SourceRange opRange;
  ExprPtr lhs, rhs;
};

/// `if c then a else b`
struct If : ExprOf<Expr::Kind::If> {
  ExprPtr condition, thenValue, elseValue;
};

/// `{f: 1, else: 0}`, `{rnn.h: x}`
struct Record : ExprOf<Expr::Kind::Record> {
  struct Field {
    std::vector<Name> path; ///< empty for `else`
    SourceRange range;      ///< of the path or of `else`
    ExprPtr value;
  };
  std::vector<Field> fields;
};

enum class BindOp {
  For,
  Sum,
  Mean,
  Max,
  Min,
  Prod,
  Softmax,
  LogSumExp,
  ArgMax
};

const char *spelling(BindOp op);

/// `sum s in S: e`
struct Bind : ExprOf<Expr::Kind::Bind> {
  BindOp op = BindOp::For;
  SourceRange opRange;
  Name index;
  SizePtr axis;
  ExprPtr body;
};

enum class RecurOp { Scan, Fold, Unfold };

const char *spelling(RecurOp op);

/// `scan c(mem = m) over (x, z) backward from s final f`, `fold c(x) times 6`
struct Recur : ExprOf<Expr::Kind::Recur> {
  RecurOp op = RecurOp::Scan;
  SourceRange opRange;
  Name cell;                     ///< an instance, or a cell without weights
  std::vector<SizePtr> generics; ///< `fold crf_alpha[K] ...`
  bool hasCall = false;
  std::vector<Arg> args; ///< the inputs after `;`

  std::vector<ExprPtr> over; ///< one or several
  bool backward = false;
  SourceRange backwardRange;
  ExprPtr from;     ///< may be null
  Name finalName;   ///< may be empty; declares the name in the same block
  ExprPtr start;    ///< unfold: may be null
  ExprPtr stop;     ///< unfold: may be null
  ExprPtr maxSteps; ///< unfold: may be null
  /// `times n`: so many steps on the same inputs, which stand in `args`.
  SizePtr times;
};

//===----------------------------------------------------------------------===//
// Chains of modules
//===----------------------------------------------------------------------===//

struct Chain;

/// What is given to a generic: `H`, `2*H`, `0.2`, `_`, `lstm[E, H]`.
struct Given {
  enum class Kind { Size, Number, Infer, Module };

  Kind kind = Kind::Size;
  SourceRange range;
  SizePtr size;                 ///< Size (integers too); the name of a cell
  double number = 0;            ///< Number: not a whole one
  std::shared_ptr<Chain> chain; ///< Module
};

using ChainPtr = std::unique_ptr<Chain>;

/// `lstm[E, H] >> repeat[2] a: lstm[H, H]`
struct Chain {
  enum class Kind {
    Ref,      ///< a module with its sizes, or a name declared by `use`
    Sequence, ///< links in order, two at least
    Repeat    ///< count and body
  };

  Kind kind = Kind::Ref;
  SourceRange range;
  Name stage;                  ///< `a:` before a link; may be empty
  Name module;                 ///< Ref
  bool hasBrackets = false;    ///< Ref: whether there were brackets
  std::vector<Given> given;    ///< Ref
  std::vector<ChainPtr> links; ///< Sequence
  SizePtr count;               ///< Repeat
  ChainPtr body;               ///< Repeat
};

//===----------------------------------------------------------------------===//
// Declarations shared by files and blocks
//===----------------------------------------------------------------------===//

/// `x: [I]` among inputs or outputs.
struct Field {
  Name name;
  Type type;
};

/// `dim V = 96`; without value it is given from outside.
struct DimEntry {
  Name name;
  SizePtr value; ///< may be null
};

/// `I`, `time T`, `p = 0.5`, `cell C: [I] -> [O]`
struct Generic {
  Name name;
  SourceRange range;
  bool isTime = false;
  bool isModule = false; ///< stands for a layer or, with `isCell`, for a cell
  bool isCell = false;
  Type reads, gives; ///< of a layer or a cell
  bool hasDefault = false;
  double defaultValue = 0;
  bool defaultIsInteger = false;
};

/// `~ glorot`, `~ normal(0, 0.1)`: where the first values come from.
struct Initialiser {
  Name name;
  std::vector<Arg> args;
  SourceRange range;
};

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

struct Stmt {
  enum class Kind {
    Time,
    Axis,
    Dim,
    Param,
    State,
    Use,
    Input,
    Output,
    Define,
    Next,
    Observe,
    Out,
    Loss
  };

  const Kind kind;
  SourceRange range;

  virtual ~Stmt() = default;

protected:
  explicit Stmt(Kind kind) : kind(kind) {}
};
using StmtPtr = std::unique_ptr<Stmt>;

template <Stmt::Kind K> struct StmtOf : Stmt {
  static constexpr Kind classKind = K;
  StmtOf() : Stmt(K) {}
};

/// `time T, S`
struct TimeStmt : StmtOf<Stmt::Kind::Time> {
  std::vector<Name> names;
};

/// `axis gate = {i, f, g, o}`
struct AxisStmt : StmtOf<Stmt::Kind::Axis> {
  Name name;
  std::vector<Name> labels;
};

/// `dim V = 96, H`
struct DimStmt : StmtOf<Stmt::Kind::Dim> {
  std::vector<DimEntry> entries;
};

/// `param W, U : [H, I] ~ glorot frozen`
struct ParamStmt : StmtOf<Stmt::Kind::Param> {
  std::vector<Name> names;
  Type type;
  ExprPtr value;                   ///< after `=`; null with an initialiser
  std::optional<Initialiser> init; ///< after `~`
  bool frozen = false;
};

/// `state h : [H] = 0`
struct StateStmt : StmtOf<Stmt::Kind::State> {
  std::vector<Name> names;
  Type type;
  ExprPtr first;
};

/// `use fw = lstm[E, H], bw = lstm[E, H]`
struct UseStmt : StmtOf<Stmt::Kind::Use> {
  struct Entry {
    Name name;
    ChainPtr chain;
  };
  std::vector<Entry> entries;
};

/// `input x : [T, I], n : int`
struct InputStmt : StmtOf<Stmt::Kind::Input> {
  std::vector<Field> fields;
};

/// `output y : in C`
struct OutputStmt : StmtOf<Stmt::Kind::Output> {
  std::vector<Field> fields;
};

/// `x = e`
struct DefineStmt : StmtOf<Stmt::Kind::Define> {
  Name name;
  ExprPtr value;
};

/// `h' = e`
struct NextStmt : StmtOf<Stmt::Kind::Next> {
  Name state;
  SourceRange targetRange; ///< of `h'`
  ExprPtr value;
};

/// `y ~ e`
struct ObserveStmt : StmtOf<Stmt::Kind::Observe> {
  Name output;
  ExprPtr value;
};

/// `out e`
struct OutStmt : StmtOf<Stmt::Kind::Out> {
  ExprPtr value;
};

/// `loss e`
struct LossStmt : StmtOf<Stmt::Kind::Loss> {
  ExprPtr value;
};

using Block = std::vector<StmtPtr>;

//===----------------------------------------------------------------------===//
// Items of a file
//===----------------------------------------------------------------------===//

struct Item {
  enum class Kind { Import, Dim, Axis, Fn, Module, Dist, Model, Train, Export };

  const Kind kind;
  SourceRange range;

  virtual ~Item() = default;

protected:
  explicit Item(Kind kind) : kind(kind) {}
};
using ItemPtr = std::unique_ptr<Item>;

template <Item::Kind K> struct ItemOf : Item {
  static constexpr Kind classKind = K;
  ItemOf() : Item(K) {}
};

/// `import std`
struct ImportItem : ItemOf<Item::Kind::Import> {
  Name name;
};

struct DimItem : ItemOf<Item::Kind::Dim> {
  std::vector<DimEntry> entries;
};

struct AxisItem : ItemOf<Item::Kind::Axis> {
  Name name;
  std::vector<Name> labels;
};

/// `fn f[I](x: [I]) -> [I] { ... out e }`
struct FnItem : ItemOf<Item::Kind::Fn> {
  Name name;
  std::vector<Generic> generics;
  std::vector<Field> args;
  Type result;
  Block body;
};

/// A layer or a cell.
struct ModuleItem : ItemOf<Item::Kind::Module> {
  bool isCell = false;
  Name name;
  std::vector<Generic> generics;
  std::vector<Field> inputs;
  std::vector<Field> constants; ///< after `;`
  Type result;
  Block body;
};

/// `dist name(args) for y : type { logp = ... }`
struct DistItem : ItemOf<Item::Kind::Dist> {
  Name name;
  std::vector<Generic> generics;
  std::vector<Field> args;
  Name value;
  Type type;
  Block body;
};

struct ModelItem : ItemOf<Item::Kind::Model> {
  Name name;
  std::vector<Generic> generics;
  Block body;
};

/// One line of `train`: `clip global_norm 5`, `init rnn ~ uniform(-0.1, 0.1)`.
struct Setting {
  Name name;
  SourceRange range;
  std::vector<ExprPtr> values;     ///< what follows, in order
  std::vector<Name> path;          ///< `init`: the instance path, may be empty
  std::optional<Initialiser> init; ///< only of `init`
};

struct TrainItem : ItemOf<Item::Kind::Train> {
  Name model;
  SourceRange headRange; ///< of `train NAME`
  std::vector<Setting> settings;
};

/// `M.sample(temperature = 0.8) as draw`, `lstm[64, 128].vjp`
struct ExportEntry {
  SourceRange range;
  Name module; ///< a model, layer or cell
  bool hasBrackets = false;
  std::vector<Given> given;
  Name function;
  bool hasCall = false;
  std::vector<Arg> args;
  Name alias; ///< after `as`; may be empty
};

struct ExportItem : ItemOf<Item::Kind::Export> {
  std::vector<ExportEntry> entries;
};

/// One source file.
struct File {
  uint32_t id = SourceRange::noFile; ///< in the SourceManager
  std::string module;                ///< the name it is imported by
  std::vector<ItemPtr> items;
};

} // namespace rnnc::ast

#endif // RNNC_FRONTEND_AST_H
