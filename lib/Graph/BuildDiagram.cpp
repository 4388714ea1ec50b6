// BuildDiagram.cpp: the graph of a module, read off its ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Graph/Graph.h"

#include "Labels.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::graph;

namespace {
/// Where a value comes from: a node, or a copy of a recurrence for each step.
struct GraphSource {
  SmallVector<int, 4> nodes;
  int group = -1; ///< of the copies; -1: one node gives all steps
};

/// What scan and unfold share.
struct RecurrenceView {
  Operation *op;
  Block *body;
  rnn::AxisAttr axis;
  bool backward = false;
  ValueRange over, inits, outs, finals;
  ArrayAttr states;
  std::string kind;
};

class DiagramBuilder {
public:
  explicit DiagramBuilder(const GraphOptions &options) : options(options) {}

  Diagram ofModule(rnn::ModuleOp module);
  /// `isRelevant`: the loss depends on what the recurrence gives.
  Diagram ofStep(const RecurrenceView &view, bool isRelevant);
  /// The boxes of the recurrences in the last diagram, the first of each.
  const llvm::DenseMap<Operation *, int> &boxes() const { return boxOf; }
  static std::optional<RecurrenceView> view(Operation *op);
  static std::string nameOf(const RecurrenceView &view);

private:
  void addOp(Operation &op);
  void addRecurrence(const RecurrenceView &view);
  int addNode(GraphNode node) {
    diagram.nodes.push_back(std::move(node));
    return diagram.nodes.size() - 1;
  }
  int addNode(GraphNode::Kind kind, std::vector<std::string> lines) {
    GraphNode node;
    node.kind = kind;
    node.lines = std::move(lines);
    return addNode(std::move(node));
  }
  void addEdge(int from, int to, Type type, bool withLabel = true,
               GraphEdge::Kind kind = GraphEdge::Kind::Data);
  void readBy(int node, ArrayRef<Value> values);
  void addParameters(GraphNode &node, ArrayRef<Value> values);
  const GraphSource *sourceOf(Value value);
  static SmallVector<Value> valuesReadBy(Operation *op);
  static std::string stateName(Attribute path);
  std::vector<std::string> linesOf(const RecurrenceView &view);
  GraphNode recurrenceNode(const RecurrenceView &view,
                           ArrayRef<Value> captured);
  void connectStates(const RecurrenceView &view, ArrayRef<int> copies,
                     int group);
  void connectInputs(const RecurrenceView &view, ArrayRef<int> copies,
                     int group, ArrayRef<Value> captured);

  const GraphOptions &options;
  Diagram diagram;
  llvm::DenseMap<Value, GraphSource> sources;
  llvm::DenseMap<Operation *, int> boxOf;
  int groups = 0;
};
} // namespace

static bool isReal(Type type) {
  if (auto value = dyn_cast<rnn::ValueType>(type))
    return value.isReal();
  return isa<rnn::DistType>(type);
}

static rnn::ParamOp paramOf(Value value) {
  return value.getDefiningOp<rnn::ParamOp>();
}

static bool isConstant(Value value) {
  return isa_and_present<rnn::ConstantOp, rnn::TableOp>(value.getDefiningOp());
}

std::optional<RecurrenceView> DiagramBuilder::view(Operation *op) {
  if (auto scan = dyn_cast<rnn::ScanOp>(op)) {
    // What is asked for the last state alone is a fold.
    bool isFold =
        llvm::all_of(scan.getOuts(), [](Value out) { return out.use_empty(); });
    return RecurrenceView{op,
                          &scan.getBody().front(),
                          scan.getAxis(),
                          scan.getReverse(),
                          scan.getOver(),
                          scan.getInit(),
                          scan.getOuts(),
                          scan.getFinals(),
                          scan.getStates(),
                          isFold ? "fold" : "scan"};
  }
  if (auto unfold = dyn_cast<rnn::UnfoldOp>(op))
    return RecurrenceView{op,
                          &unfold.getBody().front(),
                          unfold.getAxis(),
                          false,
                          unfold.getOver(),
                          unfold.getInit(),
                          ValueRange(op->getResults()).take_front(1),
                          unfold.getFinals(),
                          unfold.getStates(),
                          "unfold"};
  return std::nullopt;
}

std::string DiagramBuilder::stateName(Attribute path) {
  return cast<StringAttr>(path).getValue().rsplit('.').second.empty()
             ? cast<StringAttr>(path).getValue().str()
             : cast<StringAttr>(path).getValue().rsplit('.').second.str();
}

/// The instance that the states belong to, where it has a name.
std::string DiagramBuilder::nameOf(const RecurrenceView &view) {
  std::string name;
  for (Attribute path : view.states) {
    auto [prefix, last] = cast<StringAttr>(path).getValue().rsplit('.');
    if (!last.empty() && (name.empty() || prefix.size() < name.size()))
      name = prefix.str();
  }
  return name.empty() ? view.kind : name;
}

SmallVector<Value> DiagramBuilder::valuesReadBy(Operation *op) {
  llvm::SetVector<Value> read;
  op->walk([&](Operation *inner) {
    for (Value value : inner->getOperands())
      if (inner == op || !op->isAncestor(value.getParentBlock()->getParentOp()))
        read.insert(value);
  });
  return read.takeVector();
}

void DiagramBuilder::addEdge(int from, int to, Type type, bool withLabel,
                             GraphEdge::Kind kind) {
  GraphEdge edge;
  edge.from = from;
  edge.to = to;
  edge.kind = kind;
  edge.isReal = isReal(type);
  if (withLabel)
    edge.label = shapeText(type);
  for (const GraphEdge &other : diagram.edges)
    if (other.from == from && other.to == to && other.kind == kind &&
        other.label == edge.label)
      return;
  diagram.edges.push_back(std::move(edge));
}

/// The node that a value comes from; made now where only the truth of an output
/// is read.
const GraphSource *DiagramBuilder::sourceOf(Value value) {
  auto found = sources.find(value);
  if (found != sources.end())
    return &found->second;
  auto output = value.getDefiningOp<rnn::OutputOp>();
  if (!output)
    return nullptr;
  int node =
      addNode(GraphNode::Kind::Input, {output.getName().str(), "the true one"});
  return &(sources[value] = {{node}, -1});
}

/// Parameters stand in the boxes that read them.
void DiagramBuilder::addParameters(GraphNode &node, ArrayRef<Value> values) {
  for (Value value : values)
    if (rnn::ParamOp param = paramOf(value)) {
      node.lines.push_back(param.getName().str() + " " +
                           shapeText(param.getType()) +
                           (param.getFrozen() ? " frozen" : ""));
      node.hasParameters |= !param.getFrozen();
    }
}

void DiagramBuilder::readBy(int node, ArrayRef<Value> values) {
  for (Value value : values) {
    const GraphSource *source = sourceOf(value);
    if (!source)
      continue;
    SmallVector<int, 4> from = source->nodes;
    for (auto [i, one] : llvm::enumerate(from))
      addEdge(one, node, value.getType(), /*withLabel=*/i == 0);
  }
}

//===-- Recurrences
//--------------------------------------------------------===//

std::vector<std::string> DiagramBuilder::linesOf(const RecurrenceView &view) {
  std::vector<std::string> lines = {nameOf(view)};
  std::string axis = view.axis.isTime()
                         ? view.axis.getName().str()
                         : std::to_string(view.axis.getSize()) + " steps";
  lines.push_back(view.kind + " over " + axis +
                  (view.backward ? ", backward" : ""));
  for (auto [path, init] : llvm::zip(view.states, view.inits))
    lines.push_back("state " + stateName(path) + " " +
                    shapeText(init.getType()));
  return lines;
}

GraphNode DiagramBuilder::recurrenceNode(const RecurrenceView &view,
                                         ArrayRef<Value> captured) {
  GraphNode node;
  node.kind = GraphNode::Kind::Recurrence;
  node.lines = linesOf(view);
  int64_t weights = 0;
  for (Value value : captured)
    if (rnn::ParamOp param = paramOf(value)) {
      int64_t size = 1;
      for (rnn::AxisAttr axis : param.getType().getAxes())
        size *= axis.getSize();
      weights += size;
      node.hasParameters |= !param.getFrozen();
    }
  if (weights > 0)
    node.lines.push_back(countText(weights) + " parameters");
  return node;
}

/// States go from step to step, or around.
void DiagramBuilder::connectStates(const RecurrenceView &view,
                                   ArrayRef<int> copies, int group) {
  std::string names;
  bool anyReal = false;
  for (auto [path, init] : llvm::zip(view.states, view.inits)) {
    names += (names.empty() ? "" : ", ") + stateName(path) + " " +
             shapeText(init.getType());
    anyReal |= isReal(init.getType());
  }
  if (names.empty())
    return;
  auto connect = [&](int from, int to, GraphEdge::Kind kind) {
    GraphEdge edge;
    edge.from = from;
    edge.to = to;
    edge.kind = kind;
    edge.label = names;
    edge.isReal = anyReal;
    diagram.edges.push_back(std::move(edge));
  };
  if (group < 0)
    return connect(copies[0], copies[0], GraphEdge::Kind::Loop);
  for (size_t i = 0; i + 1 < copies.size(); ++i)
    connect(copies[i + view.backward], copies[i + !view.backward],
            GraphEdge::Kind::Sideways);
}

void DiagramBuilder::connectInputs(const RecurrenceView &view,
                                   ArrayRef<int> copies, int group,
                                   ArrayRef<Value> captured) {
  int first = view.backward ? copies.back() : copies.front();
  for (Value init : view.inits)
    readBy(first, {init});
  for (Value sequence : view.over) {
    const GraphSource *source = sourceOf(sequence);
    if (!source)
      continue;
    SmallVector<int, 4> from = source->nodes;
    Type type = sequence.getType();
    if (auto value = dyn_cast<rnn::ValueType>(type);
        value && group >= 0 && value.getRank() > 0)
      type = value.dropFront();
    bool bySteps = source->group >= 0 && from.size() == copies.size();
    for (auto [i, copy] : llvm::enumerate(copies))
      for (auto [k, one] : llvm::enumerate(from))
        if (!bySteps || i == k)
          addEdge(one, copy, type, /*withLabel=*/i == 0);
  }
  for (Value value : captured)
    if (const GraphSource *source = sourceOf(value)) {
      SmallVector<int, 4> from = source->nodes;
      for (auto [i, copy] : llvm::enumerate(copies))
        for (int one : from)
          addEdge(one, copy, value.getType(), /*withLabel=*/i == 0);
    }
}

void DiagramBuilder::addRecurrence(const RecurrenceView &view) {
  SmallVector<Value> captured;
  for (Value value : valuesReadBy(view.op))
    if (!llvm::is_contained(view.over, value) &&
        !llvm::is_contained(view.inits, value))
      captured.push_back(value);
  GraphNode node = recurrenceNode(view, captured);
  SmallVector<int, 4> copies;
  int group = options.unroll > 0 ? groups++ : -1;
  int64_t count = std::max(options.unroll, 1);
  if (!view.axis.isTime())
    count = std::min<int64_t>(count, view.axis.getSize());
  for (int64_t step = 1; step <= count; ++step) {
    GraphNode copy = node;
    copy.group = group;
    copy.step = step;
    if (group >= 0)
      copy.lines[0] += ", step " + std::to_string(step);
    copies.push_back(addNode(std::move(copy)));
  }
  boxOf[view.op] = copies.front();
  connectStates(view, copies, group);
  connectInputs(view, copies, group, captured);
  for (Value out : view.outs)
    sources[out] = {copies, group};
  int last = view.backward ? copies.front() : copies.back();
  for (Value final : view.finals)
    sources[final] = {{last}, -1};
}

//===-- Other ops
//----------------------------------------------------------===//

void DiagramBuilder::addOp(Operation &op) {
  if (isa<rnn::ParamOp, rnn::OutputOp, rnn::ConstantOp, rnn::TableOp,
          rnn::YieldOp>(op))
    return;
  if (std::optional<RecurrenceView> recurrence = view(&op))
    return addRecurrence(*recurrence);
  auto end = [&](std::string text, ArrayRef<Value> read) {
    GraphNode node;
    node.kind = GraphNode::Kind::Output;
    node.lines = {std::move(text)};
    node.isRelevant = true;
    addParameters(node, read);
    readBy(addNode(std::move(node)), read);
  };
  if (auto input = dyn_cast<rnn::InputOp>(op)) {
    int node = addNode(GraphNode::Kind::Input, {input.getName().str()});
    sources[input.getResult()] = {{node}, -1};
    return;
  }
  if (auto observe = dyn_cast<rnn::ObserveOp>(op)) {
    Operation *dist = observe.getDist().getDefiningOp();
    std::string name = observe.getName().str();
    if (isa_and_present<rnn::DistOp, rnn::LawOp>(dist))
      return end(name + " ~ " + opText(dist),
                 SmallVector<Value>(dist->getOperands()));
    return end(name + " ~ unfold", {observe.getDist()});
  }
  if (auto loss = dyn_cast<rnn::LossOp>(op))
    return end("loss", {loss.getValue()});
  if (auto result = dyn_cast<rnn::ResultOp>(op))
    return end(result.getName().str(), {result.getValue()});
  if (auto state = dyn_cast<rnn::FinalStateOp>(op))
    return end("last state " + state.getName().str(), {state.getValue()});
  if (auto first = dyn_cast<rnn::FirstStateOp>(op)) {
    int node = addNode(GraphNode::Kind::Input,
                       {"first state " + first.getName().str()});
    sources[first.getResult()] = {{node}, -1};
    return;
  }
  // A distribution stands in the box of what it predicts.
  if (isa<rnn::DistOp, rnn::LawOp>(op) && op.hasOneUse() &&
      isa<rnn::ObserveOp>(*op.user_begin()))
    return;
  SmallVector<Value> read = valuesReadBy(&op);
  GraphNode node;
  node.lines = {opText(&op)};
  if (auto drop = dyn_cast<rnn::BindOp>(op))
    if (std::string body = bodyText(drop); !body.empty())
      node.lines.push_back(body);
  node.stops = isa<rnn::StopOp, rnn::ArgMaxOp, rnn::CompareOp>(op);
  addParameters(node, read);
  int number = addNode(std::move(node));
  readBy(number, read);
  for (Value result : op.getResults())
    sources[result] = {{number}, -1};
}

/// Of a model, the ops that only a search needs: they are no part of the
/// picture.
static llvm::DenseSet<Operation *> searchOps(rnn::ModuleOp module) {
  llvm::DenseSet<Operation *> ops;
  if (module.getKind() != "model" ||
      module.getBody().getOps<rnn::ResultOp>().empty())
    return ops;
  Block &body = module.getBody().front();
  for (Operation &op : llvm::reverse(body)) {
    bool isUsed = llvm::any_of(op.getUsers(), [&](Operation *user) {
      return !ops.contains(body.findAncestorOpInBlock(*user));
    });
    bool ends = op.use_empty() && !isa<rnn::ResultOp>(op);
    if (!isUsed && !ends)
      ops.insert(&op);
  }
  return ops;
}

Diagram DiagramBuilder::ofModule(rnn::ModuleOp module) {
  diagram.title = module.getSource().str();
  llvm::DenseSet<Operation *> search = searchOps(module);
  for (Operation &op : module.getBody().front())
    if (!search.contains(&op))
      addOp(op);
  return std::move(diagram);
}

/// One step: what it reads, and what it gives to the next one.
Diagram DiagramBuilder::ofStep(const RecurrenceView &view, bool isRelevant) {
  diagram.title = "one step of " + nameOf(view);
  Block::BlockArgListType arguments = view.body->getArguments();
  size_t elements = arguments.size() - view.states.size();
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    bool isState = i >= elements;
    GraphNode node;
    node.kind = isState ? GraphNode::Kind::State : GraphNode::Kind::Input;
    node.lines = {isState ? stateName(view.states[i - elements])
                  : view.kind == "unfold" && i == 0 ? "element before"
                                                    : "element"};
    node.isActive = isReal(argument.getType());
    if (isState)
      node.lines.push_back("from the step before");
    sources[argument] = {{addNode(std::move(node))}, -1};
  }
  for (Value value : valuesReadBy(view.op)) {
    if (paramOf(value) || isConstant(value) ||
        llvm::is_contained(view.over, value) ||
        llvm::is_contained(view.inits, value))
      continue;
    GraphNode node;
    node.kind = GraphNode::Kind::Input;
    node.lines = {"constant of all steps"};
    node.isActive = isReal(value.getType());
    sources[value] = {{addNode(std::move(node))}, -1};
  }
  for (Operation &op : view.body->without_terminator())
    addOp(op);
  auto yield = cast<rnn::YieldOp>(view.body->getTerminator());
  auto end = [&](GraphNode::Kind kind, std::vector<std::string> lines,
                 Value value) {
    int node = addNode(kind, std::move(lines));
    diagram.nodes[node].isRelevant = isRelevant;
    readBy(node, {value});
  };
  for (auto [path, next] : llvm::zip(view.states, yield.getNext()))
    end(GraphNode::Kind::State, {stateName(path) + "'", "to the next step"},
        next);
  for (Value out : yield.getOut())
    end(GraphNode::Kind::Output, {"out"}, out);
  return std::move(diagram);
}

namespace {
/// Makes the diagrams of steps, from outside to inside.
class StepDiagrams {
public:
  StepDiagrams(std::vector<Diagram> &diagrams, GraphOptions options)
      : diagrams(diagrams), options(options) {
    this->options.unroll = 0;
  }

  /// Of all recurrences that have a box in `diagram`.
  void add(const llvm::DenseMap<Operation *, int> &boxes, Region &region,
           const Diagram &diagram) {
    std::vector<bool> isRelevant;
    for (const GraphNode &node : diagram.nodes)
      isRelevant.push_back(node.isRelevant);
    for (Operation &op : region.front()) {
      auto box = boxes.find(&op);
      std::optional<RecurrenceView> view = DiagramBuilder::view(&op);
      if (!view || box == boxes.end())
        continue;
      DiagramBuilder builder(options);
      Diagram step = builder.ofStep(*view, isRelevant[box->second]);
      markGradient(step);
      diagrams.push_back(step);
      add(builder.boxes(), op.getRegion(0), step);
    }
  }

private:
  std::vector<Diagram> &diagrams;
  GraphOptions options;
};
} // namespace

std::vector<Diagram> graph::makeDiagrams(rnn::ModuleOp module,
                                         const GraphOptions &options) {
  DiagramBuilder builder(options);
  std::vector<Diagram> diagrams = {builder.ofModule(module)};
  markGradient(diagrams.front());
  if (options.insides) {
    Diagram whole = diagrams.front();
    StepDiagrams(diagrams, options)
        .add(builder.boxes(), module->getRegion(0), whole);
  }
  return diagrams;
}
