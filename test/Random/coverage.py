"""Every construct of the language that is compiled is met among 3000 programs."""
import collections

import generate
from expressions import UNARY, REDUCTIONS

WANTED = [*UNARY, *(f"{op} in" for op in REDUCTIONS), *(f"{op} over time" for op in REDUCTIONS)]
WANTED += """+ - * / ^ pow power min max mod clamp if comparison and or not place cumsum
    part column list times match ++ as lookup label onehot
    softmax layer_norm sum() mean() logsumexp() argmax() first last reverse shift dropout
    stop clipgrad for number value int bit param frozen fn layer chain repeat from final
    backward categorical bernoulli normal laplace loss model bptt adam adamw sgd rmsprop
    adagrad dim""".split()
WANTED += """argmax in|argmax over time|softmax in|softmax over time|for over time
    match over time|lookup by an expression|dropout tied|reverse of time|shift of time
    cumsum of time|order of places|as splits|as joins|part behind|list of numbers
    dropout tied in a cell|noise normal|noise uniform
    first of time|last of time|softmax of a time axis|layer_norm of a time axis
    sum() of a time axis|mean() of a time axis|logsumexp() of a time axis|index value
    for of indices|reverse of indices|shift of indices|equal indices|call of a function
    layer mapped|labelled axis|sum of axes|std cell|inner cell|learned first state
    first state of a constant|constants of a cell|sequence as a constant|layer in a chain
    cell used twice|instance used twice|over several|scan over time|scan over fixed
    fold over time|fold over fixed|state of rank 0|state of rank 1|state of rank 2
    cell with 0 states|cell with 1 states|cell with 2 states|cell with 3 states
    two time axes|input of real|input of index|input of bit|input of int|real output
    index output|bit output|several ~|per example|average|clip value|clip norm|clip global_norm
    unfold of index|unfold of real|unfold of bit|unfold over|unfold from|unfold final
    checkpoint sqrt|checkpoint every|checkpoint memory|checkpoint none
    feed sampled|unfold with constants|unfold from a symbol of the data
    clip adaptive|layer exported|cell exported|axis inside of another|axes three deep|fold of an element
    scan of an element
    distribution of each entry|place as an output|sample of each output|sample of an unfold
    beam|begin|predict of an unfold
    hvp|state_grad|int as a number|accumulate|rate|lazy|cell as a parameter|own distribution|line sample|lines beam and score
    crf|mixture|sample of a line sample|beam of a line beam|feed schedule|decay|fn along a time axis
    implied constant|first values by label|first values in a list|first values by an expression|state of bit|state of int|state of index
    products summed over one axis|products summed over two axes|packed matrices|record|recurrence of each entry
    recurrence in a cell|ints as numbers|bits as numbers|unfold max|zoneout|conv1d|causal_conv1d|conv2d
    max_pool1d|max_pool2d|mean_pool2d|attend|attend_dot|attend_bilinear|birnn|bilstm|bigru|bidirectional
    lstmp|sru|delay|recent|recent_max|both_ends|bptt carry|bptt carry of an unfold|size of a model
    step that reads a sequence|unfold with an axis inside of another|step that reads elements
    ctc|ctc_beam|poisson|hmm|clockwork|drop|variational_drop|init|init of a path
    schedule constant|schedule cosine|schedule linear|schedule step|schedule plateau|schedule onecycle""".replace("\n    ", "|").split("|")

met = collections.Counter()
for seed in range(3000):
    met.update({name: 1 for name in generate.program(seed)[2]})
missing = [name for name in WANTED if name not in met]
assert not missing, missing
unknown = [name for name in met if name not in WANTED]
assert not unknown, f"not in the list: {unknown}"
assert generate.program(7)[:2] == generate.program(7)[:2]
print(f"{len(WANTED)} constructs, the rarest:", met.most_common()[-3:])
