// RUN: rnn-opt %s --split-input-file --verify-diagnostics

func.func @unroll(%h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{unroll must be from 0 to 1024}}
  %r = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    scan.yield carry(%h : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>) {unroll = -1}
  return %r : tensor<?x8xf32>
}

// -----

func.func @unroll_far(%h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{unroll must be from 0 to 1024}}
  %r = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    scan.yield carry(%h : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>) {unroll = 1000000000}
  return %r : tensor<?x8xf32>
}

// -----

func.func @segment(%h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{segment must be positive}}
  %r = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    scan.yield carry(%h : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>) {segment = -3}
  return %r : tensor<?x8xf32>
}

// -----

func.func @carry_type(%h0: tensor<?x8xf32>, %g: tensor<?x4xf32>, %T: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{carry 0 is 'tensor<?x8xf32>' but its next value is 'tensor<?x4xf32>'}}
  %r = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    scan.yield carry(%g : tensor<?x4xf32>)
  } -> (tensor<?x8xf32>)
  return %r : tensor<?x8xf32>
}

// -----

func.func @carry_missing(%h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  // expected-error @+1 {{yields 0 of 1 carries}}
  %r = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    scan.yield
  } -> (tensor<?x8xf32>)
  return %r : tensor<?x8xf32>
}

// -----

func.func @dot_lengths(%a: tensor<?x?x8xf32>, %b: tensor<?x8xf32>, %len: tensor<?xi32>) {
  // expected-error @+1 {{the first two dimensions}}
  %r = scan.dot %a, %b lengths(%len) batch = [[], []] contract = [[1, 2], [0, 1]] : tensor<?x?x8xf32>, tensor<?x8xf32> -> tensor<?xf32>
  return
}
