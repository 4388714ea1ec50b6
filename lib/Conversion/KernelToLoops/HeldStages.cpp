// HeldStages.cpp: in how many loops a held loop goes through its steps.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "HeldStages.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/GraphTraits.h"
#include "llvm/ADT/SCCIterator.h"

using namespace mlir;

template <> struct llvm::GraphTraits<rnnc::HeldItem *> {
  using NodeRef = rnnc::HeldItem *;
  using ChildIteratorType = SmallVector<NodeRef>::iterator;
  static NodeRef getEntryNode(NodeRef item) { return item; }
  static ChildIteratorType child_begin(NodeRef item) {
    return item->needs.begin();
  }
  static ChildIteratorType child_end(NodeRef item) { return item->needs.end(); }
};

namespace rnnc {

/// Vectors on the stack, of 16 KB where they have 64 bytes: states between
/// their stages, which stand in two places each, and what leaves a stage.
constexpr int64_t kMostStates = 96, kMostLeaving = 96;
/// More steps at once gain nothing; with fewer the states come and go too
/// often.
constexpr int64_t kMostSteps = 16, kLeastSteps = 4;

unsigned HeldItem::lastReader() const {
  unsigned last = stage;
  for (const HeldItem *user : users)
    last = std::max(last, user->stage);
  return last;
}

HeldStages::HeldStages(const HeldLoop &held, kernel::TargetAttr target)
    : held(held), target(target) {
  findItems();
  if (int64_t(held.getCarries().size()) <= target.getRegisters() / 2) {
    makeOne();
    return;
  }
  joinCarries();
  findLevels();
  makeStages();
  if (!findLeaving() || !fitsStack())
    makeOne();
}

/// A step is one long chain, mostly: several vectors of units side by side
/// have one each. As far as the states leave registers to what is computed.
int64_t HeldStages::vectorsFor(int64_t states) const {
  int64_t registers = target.getRegisters();
  if (4 * states <= registers / 4)
    return 4;
  return 2 * states <= registers * 3 / 4 ? 2 : 1;
}

bool HeldStages::reads(unsigned stage, unsigned part, unsigned read) const {
  Operation *op = held.getParts()[part].op;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic)
    return itemOf(op)->stage == stage;
  Value argument = generic.getBody()->getArgument(read);
  return llvm::any_of(argument.getUses(), [&](OpOperand &use) {
    bool isYield = use.getOwner()->hasTrait<OpTrait::IsTerminator>();
    HeldItem *item = isYield ? writerOf(part, use.getOperandNumber())
                             : itemOf(use.getOwner());
    return item->stage == stage;
  });
}

HeldItem *HeldStages::add(Type type) {
  items.emplace_back();
  items.back().type = type;
  return &items.back();
}

void HeldStages::need(HeldItem *item, unsigned part, unsigned read) {
  if (HeldItem *source = sources[part][read])
    item->needs.push_back(source);
  if (int carry = carriesRead[part][read]; carry >= 0)
    readers[carry].push_back(item);
}

/// Where what a part reads comes from: the latest that was written counts.
void HeldStages::findSources(unsigned part, ArrayRef<Known> known) {
  sources.emplace_back();
  carriesRead.emplace_back();
  for (const HeldLoop::Access &read : held.getParts()[part].reads) {
    auto latest = llvm::find_if(llvm::reverse(known), [&](const Known &one) {
      return *one.access == read;
    });
    bool isKnown = latest != known.rend();
    sources.back().push_back(isKnown ? latest->item : nullptr);
    carriesRead.back().push_back(isKnown && !latest->item ? int(latest->carry)
                                                          : -1);
  }
}

void HeldStages::findBody(unsigned part, linalg::GenericOp op) {
  auto readOf = [&](Value value) -> std::optional<unsigned> {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument || argument.getOwner() != op.getBody())
      return std::nullopt;
    return argument.getArgNumber();
  };
  for (Operation &inner : op.getBody()->without_terminator()) {
    HeldItem *item = byOp[&inner] = add(inner.getResult(0).getType());
    for (Value operand : inner.getOperands()) {
      if (auto read = readOf(operand))
        need(item, part, *read);
      else if (HeldItem *before = byOp.lookup(operand.getDefiningOp()))
        item->needs.push_back(before);
    }
  }
  for (Value value : op.getBody()->getTerminator()->getOperands()) {
    Operation *maker = value.getDefiningOp();
    HeldItem *item = maker ? byOp.lookup(maker) : nullptr;
    if (!item)
      item = add(value.getType());
    if (auto read = readOf(value))
      need(item, part, *read);
    writers[part].push_back(item);
  }
}

void HeldStages::findItems() {
  SmallVector<Known> known;
  for (auto [i, carry] : llvm::enumerate(held.getCarries()))
    known.push_back({&carry.read, nullptr, unsigned(i)});
  readers.resize(held.getCarries().size());
  writers.resize(held.getParts().size());
  for (auto [number, part] : llvm::enumerate(held.getParts())) {
    findSources(number, known);
    if (auto generic = dyn_cast<linalg::GenericOp>(part.op)) {
      findBody(number, generic);
    } else {
      auto type = cast<MemRefType>(part.writes.front().buffer.getType());
      HeldItem *item = byOp[part.op] = add(type.getElementType());
      need(item, number, 0);
      writers[number].push_back(item);
    }
    for (auto [access, item] : llvm::zip_equal(part.writes, writers[number])) {
      known.push_back({&access, item, 0});
      if (!held.isHeld(access))
        item->written = &access;
    }
  }
  for (const HeldLoop::Carry &carry : held.getCarries()) {
    auto latest = llvm::find_if(llvm::reverse(known), [&](const Known &one) {
      return one.item && *one.access == carry.write;
    });
    makers.push_back(latest->item);
  }
}

/// What reads a carry is of one stage with what makes it.
void HeldStages::joinCarries() {
  for (auto [maker, list] : llvm::zip_equal(makers, readers))
    for (HeldItem *reader : list) {
      reader->needs.push_back(maker);
      maker->needs.push_back(reader);
    }
  for (HeldItem &item : items)
    for (HeldItem *before : item.needs)
      before->users.push_back(&item);
}

int64_t HeldStages::countStates(const Group &group) const {
  return llvm::count_if(makers, [&](HeldItem *maker) {
    return llvm::is_contained(group, maker);
  });
}

/// A sum over steps that no step reads.
bool HeldStages::isSum(const Group &group) const {
  return group.size() == 1 && llvm::all_of(group[0]->users, [&](HeldItem *one) {
           return one == group[0];
         });
}

/// Each recurrence behind those that it reads; what is none goes with the last
/// that it reads, and so does a sum.
void HeldStages::findLevel(const Group &group) {
  int64_t level = -1;
  for (HeldItem *item : group)
    for (HeldItem *before : item->needs)
      level = std::max(level, before->level);
  if (countStates(group))
    level = isSum(group) ? std::max<int64_t>(level, 0) : level + 1;
  for (HeldItem *item : group)
    item->level = level;
}

void HeldStages::findLevels() {
  HeldItem all;
  std::vector<Group> groups;
  for (HeldItem &item : items)
    all.needs.push_back(&item);
  // What is needed comes before what needs it.
  for (auto it = llvm::scc_begin(&all); !it.isAtEnd(); ++it)
    if (it->front() != &all)
      groups.push_back(*it);
  for (const Group &group : groups)
    findLevel(group);
  // What needs no recurrence goes with the first that needs it.
  for (const Group &group : llvm::reverse(groups)) {
    int64_t first = std::numeric_limits<int64_t>::max();
    for (HeldItem *item : group)
      for (HeldItem *user : item->users)
        first = std::min(first, user->level);
    for (HeldItem *item : group)
      if (item->level < 0)
        item->level = item->users.empty() ? 0 : first;
  }
}

void HeldStages::makeStages() {
  int64_t most = target.getRegisters() * 3 / 8;
  SmallVector<int64_t> ofLevel;
  for (HeldItem &item : items)
    if (item.level >= int64_t(ofLevel.size()))
      ofLevel.resize(item.level + 1);
  for (HeldItem *maker : makers)
    ++ofLevel[maker->level];
  SmallVector<unsigned> stages;
  statesOf = {0};
  for (int64_t states : ofLevel) {
    if (statesOf.back() && statesOf.back() + states > most)
      statesOf.push_back(0);
    statesOf.back() += states;
    stages.push_back(statesOf.size() - 1);
  }
  for (HeldItem &item : items)
    item.stage = stages[item.level];
}

/// Bits of a body have no place in memory.
bool HeldStages::findLeaving() {
  for (HeldItem &item : items) {
    if (item.lastReader() == item.stage)
      continue;
    if (!item.type.isIntOrFloat() || item.type.isInteger(1))
      return false;
    if (!item.written)
      leaving.push_back(&item);
  }
  llvm::stable_sort(
      leaving, [](HeldItem *a, HeldItem *b) { return a->stage < b->stage; });
  return true;
}

bool HeldStages::fitsStack() {
  int64_t states = held.getCarries().size();
  vectors = std::min<int64_t>(2, vectorsFor(*llvm::max_element(statesOf)));
  if (vectors * states > kMostStates)
    vectors = 1;
  // So many are there at a time, at most.
  int64_t together = 0;
  for (HeldItem *item : leaving)
    together = std::max<int64_t>(together,
                                 llvm::count_if(leaving, [&](HeldItem *other) {
                                   return other->stage <= item->stage &&
                                          other->lastReader() >= item->stage;
                                 }));
  steps = kMostSteps;
  if (together)
    steps = std::min(steps, kMostLeaving / (together * vectors));
  return states <= kMostStates && steps >= kLeastSteps;
}

void HeldStages::makeOne() {
  for (HeldItem &item : items)
    item.stage = 0;
  leaving.clear();
  statesOf = {int64_t(held.getCarries().size())};
  vectors = vectorsFor(statesOf.front());
}

} // namespace rnnc
