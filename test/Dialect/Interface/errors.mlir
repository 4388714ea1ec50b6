// What an interface must not say.
// RUN: rnn-opt %s --split-input-file --verify-diagnostics
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// expected-error @+1 {{has not one size for each dimension of}}
func.func private @rank(tensor<?x3xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch"]>})

// -----

// expected-error @+1 {{does not fit 'tensor<?x3xf32>'}}
func.func private @size(tensor<?x3xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", 4]>})

// -----

// expected-error @+1 {{names "T", which is no dimension of the function}}
func.func private @dim(tensor<?x?xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", "T"]>})
    attributes {rnnc.function = #rnnc.function<"M" "f", ["batch"]>}

// -----

// expected-error @+1 {{an argument or a result has the attribute rnnc.slot}}
func.func private @other(tensor<f32> {rnnc.role = "input"})

// -----

// expected-error @+1 {{an argument or a result has the attribute rnnc.slot}}
func.func private @result() -> (tensor<f32> {rnnc.slot = "loss"})

// -----

// expected-error @+1 {{the role workspace has no sizes}}
func.func private @workspace(memref<8xi8> {rnnc.slot = #rnnc.slot<workspace "", [8]>})

// -----

// expected-error @+1 {{the role input has sizes}}
func.func private @noshape(memref<8xf32> {rnnc.slot = #rnnc.slot<input "x">})

// -----

// expected-error @+1 {{is no list of sizes and dimensions}}
func.func private @shape(memref<8xf32> {rnnc.slot = #rnnc.slot<input "x", [8.0]>})

// -----

// expected-error @+1 {{dimension "T" is named twice}}
func.func private @twice() attributes {rnnc.function = #rnnc.function<"M" "f", ["T", "T"]>}

// -----

// expected-error @+1 {{dimensions are names, not [3]}}
func.func private @names() attributes {rnnc.function = #rnnc.function<"M" "f", [3]>}

// -----

// expected-error @+1 {{a function has a name}}
func.func private @unnamed() attributes {rnnc.function = #rnnc.function<"M" "", []>}

// -----

// expected-error @+1 {{results = -1 is no number of results}}
func.func private @less() attributes {rnnc.function = #rnnc.function<"M" "f", [] results = -1>}

// -----

// expected-error @+1 {{rnnc.function has more results than the function has arguments}}
func.func private @more() attributes {rnnc.function = #rnnc.function<"M" "f", [] results = 1>}

// -----

// expected-error @+1 {{rnnc.function is a #rnnc.function, of a function}}
module attributes {rnnc.function = #rnnc.function<"M" "f", []>} {}

// -----

// expected-error @+1 {{rnnc.interface is a #rnnc.interface, of a module}}
module attributes {rnnc.interface = "M"} {}

// -----

// expected-error @+1 {{nothing knows the attribute rnnc.fase}}
module attributes {rnnc.fase = "grad"} {}

// -----

// expected-error @+1 {{rnnc.phase cannot be 3}}
module attributes {rnnc.phase = 3} {}

// -----

// expected-error @+1 {{precision is f32 or f64, not "f16"}}
module attributes {rnnc.interface = #rnnc.interface<"f16" []>} {}

// -----

// expected-error @+1 {{modules have something else among them}}
module attributes {rnnc.interface = #rnnc.interface<"f32" ["M"]>} {}

// -----

// expected-error @+1 {{parameters have something else among them}}
module attributes {a = #rnnc.module<"M" "model" "m", parameters = [1], inputs = [], outputs = [], states = [], exports = [], settings = {}>} {}

// -----

// expected-error @+1 {{"M" is of the kind "muddle"}}
module attributes {a = #rnnc.module<"M" "muddle" "m", parameters = [], inputs = [], outputs = [], states = [], exports = [], settings = {}>} {}

// -----

// expected-error @+1 {{"W" has 1 axes and 2 sizes}}
module attributes {a = #rnnc.parameter<"W" [2, 3] ["H"] init = {} offset = 0>} {}

// -----

// expected-error @+1 {{parameter "W" has a size that is known only when the program runs}}
module attributes {a = #rnnc.parameter<"W" ["T"] ["T"] init = {} offset = 0>} {}

// -----

// expected-error @+1 {{parameter "W" starts at -4}}
module attributes {a = #rnnc.parameter<"W" [2] ["H"] init = {} offset = -4>} {}

// -----

// expected-error @+1 {{"x" is of the kind "complex"}}
module attributes {a = #rnnc.port<"x" "complex" [] []>} {}

// -----

// expected-error @+1 {{"x": an index, and nothing else, says `in` which axis}}
module attributes {a = #rnnc.port<"x" "index" [] []>} {}

// -----

// expected-error @+1 {{a name is empty}}
module attributes {a = #rnnc.port<"" "real" [] []>} {}
