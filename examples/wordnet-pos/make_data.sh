#!/usr/bin/env bash
# Writes `pos<TAB>gloss` for every entry of WordNet (Debian's wordnet-base) to
# the file named. The glosses stand behind the bar of each line; lower case,
# punctuation apart.
set -euo pipefail
source=${WORDNET:-/usr/share/wordnet}
{
  printf 'pos\tgloss\n'
  for pos in noun verb adj adv; do
    grep -v '^  ' "$source/data.$pos" | sed 's/.*| //' | tr 'A-Z' 'a-z' |
      sed -e 's/[^a-z0-9'"'"']\{1,\}/ /g' -e 's/^ *//' -e 's/ *$//' -e "s/^/$pos\t/"
  done
} >"$1"
