#!/bin/sh
# Who remembers ten symbols over T steps, and how many of them: run.sh T [OUT [UPDATES]]. It learns
# from 50,000 examples in 5,000 updates; ../cells.sh says what else can be asked.
set -eu
here=$(dirname "$0")
: "${1:?usage: run.sh T [OUT [UPDATES]]}"
exec "$here/../cells.sh" copy "$here/copy.rnn" 50000 5000 "$@"
