"""foreign.py WORK RNNC: each piece of a program below gives one message with the help that
stands beside it, and exit code 1."""
import pathlib
import subprocess
import sys

work, rnnc = pathlib.Path(sys.argv[1]), sys.argv[2]
work.mkdir(parents=True, exist_ok=True)

CELL = """dim I = 2, H = 3
cell c(x: [I]) -> [H] {{
  param W : [H, I] ~ glorot
  param U : [H, H] ~ glorot
  state h : [H] = 0
  {}
  out h'
}}
"""

MODEL = """import std
dim V = 9, K = 5, H = 3
model Tagger {{
  time T
  input words : [T] in V
  output tags : [T] in K
  param Emb : [V, H] ~ glorot
  use head = dense[H, K]
  use back = dense[K, H]
  {}
}}
"""

# What stands in the place of `h' = ...`, the code, and a part of the message.
LINES = [
    ("h' = tanh(W @ x + .5 * h)", "E007", "write `0.5`"),
    ("h' = tanh(W @ x + 1. * h)", "E007", "write `1.0`"),
    ("h' = tanh(W @ x + 1_000 * h)", "E007", "numbers are decimal"),
    ("h' = tanh(W @ x + 0x10 * h)", "E007", "numbers are decimal"),
    ("h' = tanh(W @ x + U[:, 0])", "E007", "`x[a..b]` is a part of a fixed axis"),
    ("h' = tanh(W @ x + U[0:2])", "E007", "`x[a..b]` is a part of a fixed axis"),
    ("h[t] = tanh(W @ x)", "E007", "`h'` is the next value of the state `h`"),
    ("h, c = tanh(W @ x)", "E007", "a statement names one value"),
    ("(h, c) = tanh(W @ x)", "E007", "a statement names one value"),
    ("h' = tanh(x if 1 > 0 else h)", "E007", "`if c then a else b` chooses"),
    ("h' = max(W @ x 0)", "E007", "is a comma missing? `x, 0`"),
    ("param b : [H I] = 0", "E007", "is a comma missing? `H, I`"),
    ("param b = [H]", "E007", "a type stands behind `:`"),
    ("state s = 0", "E007", "a type stands behind `:`"),
    ("use inner : rnn_tanh[I, H]", "E007", "write `use net = lstm[I, H]`"),
    ("for i in I: 0", "E007", "a loop is a value"),
    ("if 1 > 0 { h' = h }", "E007", "`y = if c then a else b`"),
    ("h' = matmul(W, x)", "E001", "`W @ x` joins the last axis"),
    ("h' = np.tanh(W @ x)", "E007", "functions stand without a module: `tanh(...)`"),
    ("h' = torch.nn.functional.relu(W @ x)", "E007", "without a module: `relu(...)`"),
    ("h' = np.matmul(W, x)", "E007", "`W @ x` joins the last axis"),
    ("h' = (W @ x).sum()", "E007", "functions stand in front: `sum(x)`"),
    ("h' = W @ x * np.pi", "E013", "functions stand without a module"),
    ("h' = (W @ x) ** 2", "E007", "`x^2` is the square"),
    ("h' = (W @ x) // 2", "E007", "`#` begins a comment; `/` divides"),
    ("h' = W @ x;", "E007", "a statement ends with its line"),
    ("h += W @ x", "E007", "`h' = h + ...`"),
    ("h := W @ x", "E007", "`=` names a value"),
    ("return W @ x", "E007", "a block ends with what it gives: `out h'`"),
    ("let y = W @ x", "E007", "`y = W @ x`"),
    ("h' = if x > 0 && x < 1 then 1 else 0", "E006", "`c and d` holds where both do"),
    ("h' = if !(x > 0) then 1 else 0", "E006", "`not c` holds where `c` does not"),
    ("h' = x > 0 ? W @ x : h", "E006", "`if x > 0 then a else b` chooses"),
    ("h' = W @ x + zeros(H)", "E001", "a number has any shape that is needed"),
    ("h' = h[-1] + W @ x", "E106", "nothing is counted from the end: `last(h)`"),
    ("h' = W @ x / len(x)", "E001", "`sum(x) / H`"),
    ("h' = W @ x * self", "E013", "known by their own names"),
    ("h' = x @ W.T", "E017", "there is no transpose"),
    ("h' = W @ x % 2", "E006", "`mod(a, b)` is the remainder"),
    ("h' = concat(x, h)", "E001", "`a ++ b` puts values together"),
    ('h\' = "tanh"', "E006", "nothing stands in quotes"),
    ("use l = LSTM[I, H]", "E015", "`lstm[I, H]` is a cell of `import std`"),
    ("use e = embedding[I, H]", "E015", "`Emb[word]` looks up"),
    ("use a = attention[I, H]", "E015", "`attend_dot[M]`"),
    ("use n = BatchNorm[H]", "E015", "`norm[I]` of `import std`"),
    ("h' = U(h) + W @ x", "E016", "`U[h]` looks an index up"),
    ("use l = dense(I, H)", "E007", "sizes stand in square brackets: `dense[...]`"),
    ("state s : [2H] = 0", "E007", "a product has its sign: `2*H`"),
    ("h' = gaussian(W @ x, 1)", "E001", "`y ~ normal(mean, sd)`"),
    ("h' = W @ x + float", "E013", "`real` is a single number"),
    ("h' = x @ W", "E101", "`W @ x` fits"),
    ("h\u2019 = W @ x", "E006", "write `'`"),
    ("h\u2032 = W @ x", "E006", "this is a typographic prime"),
    ("h\u02b9 = W @ x", "E006", "write `'`"),
    ("h' = W @ x \u2212 h", "E006", "write `-`"),
    ("h' = W @ x \u00d7 h", "E006", "write `*`"),
    ("h' = W @ x \u00b7 h", "E006", "write `*`"),
    ("h' = tanh\uff08W @ x\uff09", "E006", "write `(`"),
    ("h'\u00a0= W @ x", "E006", "`U+00A0` does not belong to the language"),
    ("h' = if x \u2264 0 then 1 else 0", "E006", "write `<=`"),
    ("h' = \u03c3(W @ x)", "E006", "names are made of a to z"),
    ("h' = W @ x \u200b+ h", "E006", "write an ordinary space"),
]

# Whole programs.
PROGRAMS = [
    ("dim I = 2, H = 3\ncell c(x: [I]) -> [H] {\n  param W : [I, H] ~ glorot\n"
     "  state h : [H] = 0\n  h' = W @ x\n  out h'\n}\n", "E101", "declare `W : [H, I]`"),
    ("def f(x):\n  return x\n", "E007", "`fn f(x: [H]) -> [H] { out ... }`"),
    ("from numpy import tanh\n", "E007", "`import std` makes"),
    ("fn f(x : float) -> real {\n  out x\n}\n", "E015", "`real` is a single number"),
    ("dim V = 4\nfn f(x: [V], i: in V) -> real {\n  out x[i - 1]\n}\n", "E109",
     "`shift(x, 1)`"),
    (MODEL.format("tags = categorical(head(Emb[words]))"), "E012",
     "`tags ~ ...` says how an output is distributed"),
    (MODEL.format("tags ~ categorical(head(words[Emb]))"), "E106",
     "`Emb[words]` looks up what `words` says"),
    (MODEL.format("tags ~ categorical(back(Emb[words]))"), "E105",
     "change line 9 to `use back = dense[H, K]`"),
    (MODEL.format("tags ~ normal(Emb[words], 1)"), "E304",
     "`output tags : [T, H]` is what stands right of `~`"),
    (MODEL.format("tags ~ categorical(head(Emb[words]))") + "train Tager {\n}\n", "E410",
     "the model of this file: `Tagger`"),
    (MODEL.format("tags ~ categorical(head(Emb[words]))") + "train Tagger {\n  epochs = 3\n}\n",
     "E007", "a setting and its value stand side by side: `epochs 3`"),
    ("dim E: 8\n", "E007", "`dim H = 8`"),
    ("model M:\n  time T\n", "E007", "a block stands in braces"),
    ("from std import lstm\n", "E007", "`import std` makes the standard cells known"),
    ("import std\nmodel M {\n  time T = 10\n}\n", "E007", "`dim T = 10` is an axis of fixed size"),
    ("import std\nmodel M {\n  inputs x : [T]\n}\n", "E007", "declares one of them"),
    ("import std\ndim C = 2\nmodel M {\n  time T\n  input x : [batch, T]\n  output y : in C\n"
     "  y ~ categorical(for c in C: 0)\n}\n", "E014", "batch is never written"),
    (MODEL.format("use top = nn.Linear(3, 5)"), "E007", "layers and cells stand without a module"),
    (MODEL.format("y = mean t: Emb[words[t]]"), "E007", "write `mean t in T: x[t]`"),
    (MODEL.format("y = Max t in T: Emb[words[t]]"), "E007", "write `max t in T: x[t]`"),
    (MODEL.format("y = sum(Emb[words[t]] for t in T)"), "E007", "`sum t in T: x[t]` adds up"),
    (MODEL.format("tags ~ categorical(head(Emb[words]))") + "train Tagger {\n  batch_size 3\n}\n",
     "E406", "similar name exists: `batch`"),
    (MODEL.format("tags ~ categorical(head(Emb[words]))") +
     "train Tagger {\n  optimize adam(lr: 0.1)\n}\n", "E007", "an argument is named with `=`"),
]

RIGHT = ["dim A = 1e3, B = 2E+2\nfn f(x: [1e3]) -> [1000] {\n  out x\n}\n", "\ufeffdim I = 2\n", "dim I = 2\r# old Macintosh\rfn f(x: [I]) -> [I] {\r  out x\r}\r",
         "dim I = 2\r\nfn f(x: [I]) -> [I] {\r\n  out x\r\n}\r\n", "#\r\ndim I = 2\r"]


def check(text):
    (work / "t.rnn").write_bytes(text.encode())
    done = subprocess.run([rnnc, "check", str(work / "t.rnn")], capture_output=True)
    return done.returncode, done.stderr.decode()


faults = []
for text, code, help in [(CELL.format(line), code, help) for line, code, help in LINES] + PROGRAMS:
    status, message = check(text)
    if (status != 1 or f"error[{code}]" not in message or help not in message
            or (text.startswith("import std") and message.count("error[") != 1)):
        faults.append(f"{text}\nwanted {code} with: {help}\ngot {status}:\n{message}")
for text in RIGHT:
    status, message = check(text)
    if status or message:
        faults.append(f"{text!r} is right, got {status}:\n{message}")

# Lines are counted the same way whatever ends them.
for end in ("\n", "\r\n", "\r"):
    status, message = check(f"dim I = 2{end}{end}fn f(x: [I]) -> [I] {{{end}  out y{end}}}{end}")
    if "t.rnn:4:7" not in message or "4 |   out y" not in message:
        faults.append(f"{end!r}: {message}")

# Nothing of the source reaches the terminal as a control character.
status, message = check("dim I = 2 # \x1b[31m\u202e\nfn f(x: [I]) -> [I] {\n  out x \x1b[2J\u009b y\n}\n")
if status != 1 or any(ord(c) < 32 and c != "\n" or 0x7f <= ord(c) < 0xa0 or c == "\u202e"
                      for c in message):
    faults.append(repr(message))

(work / "t.rnn").write_bytes("dim I = 2\n".encode("utf-16"))
done = subprocess.run([rnnc, "check", str(work / "t.rnn")], capture_output=True, text=True)
if done.returncode != 1 or "it is UTF-16" not in done.stderr:
    faults.append(done.stderr)
sys.exit("\n".join(faults) or 0)
