// BodyPlan.cpp: dependence analysis of the body of a recurrence.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BodyPlan.h"

#include "llvm/ADT/SetVector.h"

#include <limits>

using namespace mlir;

namespace rnnc::batch {

SmallVector<Value> operandsOf(Operation *op) {
  llvm::SetVector<Value> operands;
  op->walk([&](Operation *inner) {
    for (Value value : inner->getOperands()) {
      Operation *owner = value.getParentBlock()->getParentOp();
      if (owner != op && !op->isProperAncestor(owner))
        operands.insert(value);
    }
  });
  return operands.takeVector();
}

namespace {

template <typename... OpTys> bool holds(Operation *op) {
  return op
      ->walk([](Operation *inner) {
        return isa<OpTys...>(inner) ? WalkResult::interrupt()
                                    : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Entries of a value, time axes aside; of a distribution or a record none.
int64_t entriesOf(Value value) {
  auto type = dyn_cast<rnn::ValueType>(value.getType());
  if (!type)
    return 0;
  int64_t entries = 1;
  for (rnn::AxisAttr axis : type.getAxes())
    if (!axis.isTime())
      entries *= axis.getSize();
  return entries;
}

constexpr int nobody = std::numeric_limits<int>::max();

/// Works on nodes: the ops of the body that vary from step to step, then the
/// states.
class Planner {
public:
  Planner(const BodyShape &shape, PlanOptions options, BodyPlan &plan)
      : shape(shape), options(options), plan(plan) {}

  void run() {
    findInvariants();
    numberNodes();
    findComponents();
    findNeeds();
    formGroups();
    findAfter();
    if (options.hoist)
      hoist();
  }

private:
  /// Whether it holds a recurrence along an axis inside of this one, or one
  /// along another.
  bool recurs(Operation *op, bool inside) const {
    return op
        ->walk([&](rnn::ScanOp scan) {
          bool inner =
              llvm::is_contained(shape.inner, scan.getAxis().getName());
          return inner == inside ? WalkResult::interrupt()
                                 : WalkResult::advance();
        })
        .wasInterrupted();
  }

  bool isHeavy(Operation *op) const {
    return holds<rnn::MatchOp>(op) || recurs(op, /*inside=*/true);
  }

  void findInvariants() {
    for (Operation &op : shape.body->without_terminator()) {
      if (shape.known.contains(&op))
        continue;
      bool same = !(options.training && drawsAnew(&op)) && !isPinned(&op);
      for (Value value : operandsOf(&op))
        same &= !varies(value);
      if (same)
        plan.invariant.insert(&op);
      else
        ops.push_back(&op);
    }
  }

  /// Whether something is added to what it makes, the next value of a state:
  /// where the state is.
  bool isPinned(Operation *op) {
    return llvm::any_of(shape.pinned, [&](unsigned state) {
      return shape.next[state].getDefiningOp() == op;
    });
  }

  /// Whether random numbers in it differ from step to step.
  bool drawsAnew(Operation *op) {
    return op
        ->walk([&](Operation *inner) {
          rnn::AxisAttr tied;
          bool anew = rnn::draws(inner, tied) &&
                      !(tied && tied.getName() == shape.axis);
          return anew ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  }

  bool varies(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return argument.getOwner() == shape.body;
    Operation *op = value.getDefiningOp();
    return op->getBlock() == shape.body && !plan.invariant.contains(op);
  }

  void numberNodes() {
    for (auto [i, op] : llvm::enumerate(ops))
      for (Value value : op->getResults())
        nodeOf[value] = i;
    for (auto [i, state] : llvm::enumerate(shape.states))
      nodeOf[state] = ops.size() + i;
    for (Operation *op : ops)
      reads.push_back(nodesOf(operandsOf(op)));
    for (Value next : shape.next)
      reads.push_back(nodesOf({next}));
    for (unsigned state : shape.pinned)
      for (int node : nodesOf({shape.next[state]}))
        if (!isState(node))
          reads[node].push_back(ops.size() + state);
    group.assign(reads.size(), -1);
  }

  SmallVector<int> nodesOf(ArrayRef<Value> values) {
    SmallVector<int> nodes;
    for (Value value : values)
      if (auto found = nodeOf.find(value); found != nodeOf.end())
        nodes.push_back(found->second);
    return nodes;
  }

  bool isState(int node) const { return node >= int(ops.size()); }

  /// Tarjan's algorithm without recursion; a component comes after those it
  /// reads. Those with a state, or with a recurrence of their own, are loops.
  void findComponents() {
    int count = reads.size(), time = 0;
    SmallVector<int> number(count, -1), low(count), stack;
    SmallVector<bool> open(count, false);
    SmallVector<std::pair<int, unsigned>> path;
    auto enter = [&](int node) {
      number[node] = low[node] = time++;
      stack.push_back(node);
      open[node] = true;
      path.push_back({node, 0});
    };
    for (int root = 0; root < count; ++root) {
      if (number[root] < 0)
        enter(root);
      while (!path.empty()) {
        auto &[node, edge] = path.back();
        if (edge < reads[node].size()) {
          int to = reads[node][edge++];
          if (number[to] < 0)
            enter(to);
          else if (open[to])
            low[node] = std::min(low[node], number[to]);
          continue;
        }
        int done = node;
        path.pop_back();
        if (!path.empty())
          low[path.back().first] = std::min(low[path.back().first], low[done]);
        if (low[done] != number[done])
          continue;
        SmallVector<int> component;
        do {
          component.push_back(stack.pop_back_val());
          open[component.back()] = false;
        } while (component.back() != done);
        addComponent(component);
      }
    }
  }

  void addComponent(ArrayRef<int> component) {
    bool loop = llvm::any_of(component, [&](int node) {
      return isState(node) || recurs(ops[node], /*inside=*/false);
    });
    if (!loop)
      return;
    for (int node : component)
      group[node] = components;
    ++components;
  }

  /// For each op outside of the loops: the last loop it reads from (-1: none)
  /// and the first that reads from it.
  void findNeeds() {
    needed.assign(ops.size(), nobody);
    follows.assign(ops.size(), -1);
    for (unsigned i = 0; i < ops.size(); ++i)
      for (int node : reads[i])
        follows[i] = std::max(follows[i],
                              group[node] >= 0 ? group[node] : follows[node]);
    for (unsigned i = 0; i < shape.states.size(); ++i)
      for (int node : reads[ops.size() + i])
        need(node, group[ops.size() + i]);
    for (int i = int(ops.size()) - 1; i >= 0; --i) {
      // It belongs to the loop that it reads.
      if (group[i] < 0 && needed[i] == nobody && follows[i] >= 0 &&
          contracts(ops[i]))
        needed[i] = follows[i];
      for (int node : reads[i])
        need(node, group[i] >= 0 ? group[i] : needed[i]);
    }
  }

  void need(int node, int by) {
    if (!isState(node))
      needed[node] = std::min(needed[node], by);
  }

  /// Merges components into groups: a new one begins where a product reads an
  /// earlier one.
  void formGroups() {
    SmallVector<bool> splits(components, false);
    for (auto [i, op] : llvm::enumerate(ops))
      if (group[i] < 0 && needed[i] != nobody && follows[i] >= 0 &&
          follows[i] != needed[i] && isHeavy(op))
        splits[needed[i]] = true;
    SmallVector<int> groupOf;
    for (int component = 0; component < components; ++component) {
      if (plan.groups.empty() || splits[component]) {
        plan.groups.emplace_back();
        first.push_back(component);
      }
      groupOf.push_back(plan.groups.size() - 1);
    }
    for (unsigned i = 0; i < shape.states.size(); ++i)
      plan.groups[groupOf[group[ops.size() + i]]].states.push_back(i);
    for (auto [i, op] : llvm::enumerate(ops)) {
      int component = group[i] >= 0 ? group[i] : needed[i];
      if (component != nobody)
        plan.groups[groupOf[component]].inside.insert(op);
    }
  }

  bool isInside(Operation *op) {
    return llvm::any_of(plan.groups, [&](const BodyPlan::Group &group) {
      return group.inside.contains(op);
    });
  }

  /// Whether it is of the step: made of something that varies, of the body
  /// itself or inside one of its ops.
  bool isOfStep(Value value) {
    llvm::SetVector<Value> made;
    made.insert(value);
    for (unsigned i = 0; i < made.size(); ++i) {
      if (varies(made[i]))
        return true;
      Operation *op = made[i].getDefiningOp();
      if (op && op->getBlock() != shape.body &&
          shape.body->findAncestorOpInBlock(*op))
        made.insert_range(operandsOf(op));
    }
    return false;
  }

  /// A product of two values of the step, or one for each of some entries, that
  /// is smaller than they are. For all steps at once it would be no faster, and
  /// they would be kept for all steps.
  bool contracts(Operation *op) {
    if (!isa<rnn::MatchOp, rnn::BindOp>(op) || !holds<rnn::MatchOp>(op) ||
        recurs(op, /*inside=*/true))
      return false;
    WalkResult weights = op->walk([&](rnn::MatchOp match) {
      return llvm::all_of(match->getOperands(),
                          [&](Value value) { return isOfStep(value); })
                 ? WalkResult::advance()
                 : WalkResult::interrupt();
    });
    if (weights.wasInterrupted())
      return false;
    int64_t read = 0;
    for (Value value : operandsOf(op)) {
      if (llvm::is_contained(shape.outs, value))
        return false;
      if (varies(value))
        read += entriesOf(value);
    }
    return entriesOf(op->getResult(0)) < read;
  }

  /// Of the ops that no state needs, products and what reads them go after
  /// the loops. The rest stays in the last loop if it reads that one's states.
  void findAfter() {
    int last = first.empty() ? nobody : first.back();
    SmallVector<Operation *> rest;
    for (auto [i, op] : llvm::enumerate(ops)) {
      if (group[i] >= 0 || needed[i] != nobody)
        continue;
      bool reads = llvm::any_of(operandsOf(op), [&](Value value) {
        return plan.after.contains(value.getDefiningOp());
      });
      if (reads || isHeavy(op) || follows[i] < last || first.empty())
        plan.after.insert(op);
      else
        rest.push_back(op);
    }
    // What only they read, and itself reads one value: that value is stacked.
    for (Operation *op : llvm::reverse(rest))
      if (feedsAfter(op))
        plan.after.insert(op);
      else
        plan.groups.back().inside.insert(op);
  }

  static bool isSmaller(Value value, Value than) {
    return entriesOf(value) != 0 && entriesOf(value) < entriesOf(than);
  }

  bool feedsAfter(Operation *op) {
    SmallVector<Value> read = operandsOf(op);
    llvm::erase_if(read, [&](Value value) { return !varies(value); });
    if (op->use_empty() || read.size() > 1)
      return false;
    for (Value result : op->getResults())
      if (llvm::is_contained(shape.outs, result) ||
          (!read.empty() && isSmaller(result, read.front()) &&
           !llvm::is_contained(shape.outs, read.front())))
        return false;
    return llvm::all_of(op->getUsers(), [&](Operation *user) {
      return plan.after.contains(shape.body->findAncestorOpInBlock(*user));
    });
  }

  /// Takes products and look-ups that read no state of their group, and what
  /// they read, out of the loop.
  void hoist() {
    for (auto [number, group] : llvm::enumerate(plan.groups)) {
      llvm::DenseSet<Operation *> wanted;
      for (int i = int(ops.size()) - 1; i >= 0; --i) {
        Operation *op = ops[i];
        if (!group.inside.contains(op) || this->group[i] >= 0 ||
            follows[i] >= first[number])
          continue;
        if (!wanted.contains(op) && !isHeavy(op) && !isa<rnn::LookupOp>(op))
          continue;
        group.inside.erase(op);
        group.before.insert(op);
        for (Value value : operandsOf(op))
          if (Operation *maker = value.getDefiningOp())
            wanted.insert(maker);
      }
    }
  }

  const BodyShape &shape;
  PlanOptions options;
  BodyPlan &plan;
  SmallVector<Operation *> ops;
  llvm::DenseMap<Value, int> nodeOf;
  std::vector<SmallVector<int>> reads;
  /// Of a node: its loop before merging, or -1.
  SmallVector<int> group;
  int components = 0;
  SmallVector<int> needed, follows;
  /// Of a group: the first loop merged into it.
  SmallVector<int> first;
};

} // namespace

BodyPlan::BodyPlan(const BodyShape &shape, PlanOptions options) {
  Planner(shape, options, *this).run();
}

} // namespace rnnc::batch
