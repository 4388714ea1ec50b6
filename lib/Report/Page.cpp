// Page.cpp: puts the sections together.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Report/Report.h"

#include "Html.h"
#include "Sections.h"

#include <filesystem>
#include <fmt/format.h>
#include <map>

using namespace rnnc;
using namespace rnnc::pages;

/// Colours keep apart for people who do not see all of them, on both grounds;
/// what colour says, a sign, a dash or a word says too.
static constexpr std::string_view style = R"(
:root { color-scheme: light dark;
  --fg: #1b1b1b; --bg: #ffffff; --muted: #595959; --grid: #dcdcdc; --panel: #f5f5f5;
  --c0: #0b63a5; --c1: #b8460e; --c2: #00705a; --c3: #9b3d7a; --c4: #7d5a00; --c5: #4b4bb0;
  --good: #00634f; --bad: #a8201a; --heat: 11, 99, 165; --warn: 184, 70, 14; }
@media (prefers-color-scheme: dark) { :root {
  --fg: #e8e8e8; --bg: #16181b; --muted: #ababab; --grid: #3a3e44; --panel: #1f2226;
  --c0: #6db7f2; --c1: #f2a06d; --c2: #5fd0b0; --c3: #e59ccb; --c4: #e3c15a; --c5: #b3b3f7;
  --good: #5fd0b0; --bad: #ff8f87; --heat: 70, 140, 210; --warn: 210, 110, 50; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1400px; padding: 1rem 1.2rem 3rem; background: var(--bg);
  color: var(--fg); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--grid); }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; } h4 { font-size: .95rem; margin: .8rem 0 .3rem; }
nav a { margin-right: 1rem; color: var(--c0); } p { max-width: 75ch; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border: 1px solid var(--grid); text-align: right; vertical-align: top; }
th { text-align: left; font-weight: 600; background: var(--panel); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 1rem; }
figure { margin: 0; padding: .6rem; background: var(--panel); border-radius: 6px; max-width: 760px; }
figcaption { font-weight: 600; } svg { max-width: 100%; } svg.plot { width: 100%; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--fg); }
.grid { stroke: var(--grid); } .axis { stroke: var(--muted); fill: none; }
.rule { stroke: var(--bad); stroke-dasharray: 2 3; fill: none; stroke-width: 1.6; }
.s0, .s1, .s2, .s3, .s4, .s5 { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); }
.s3 { stroke: var(--c3); } .s4 { stroke: var(--c4); } .s5 { stroke: var(--c5); }
.f0 { fill: var(--c0); } .f1 { fill: var(--c1); } .f2 { fill: var(--c2); }
.f3 { fill: var(--c3); } .f4 { fill: var(--c4); } .f5 { fill: var(--c5); }
.dash { stroke-dasharray: 6 4; } .band { fill-opacity: .22; } .cell { fill: var(--c0); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; margin: .3rem 0 0; padding: 0; font-size: 13px; }
.key { width: 28px; height: 10px; } .confusion td { text-align: right; } .confusion td.right { font-weight: 600; }
article { border-left: 3px solid var(--grid); padding: .1rem .8rem; margin: .8rem 0; }
.place { color: var(--muted); font-size: 13px; margin: 0; } dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem; margin: .2rem 0; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; } pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0; }
.tokens { display: flex; flex-wrap: wrap; gap: .25rem; } .token { display: inline-flex; flex-direction: column; padding: .1rem .35rem;
  border-radius: 4px; background: var(--panel); border: 1px solid transparent; } .token b { font-weight: 400; }
.token i { font-style: normal; font-size: 12px; color: var(--muted); } .token.wrong { border-color: var(--bad); }
.token.wrong i, .wrong { color: var(--bad); } td.wrong { color: inherit; } .right { color: var(--good); } td.right, .token.right { color: inherit; }
.truth, small { color: var(--muted); }
)";

/// The last part of a path; the whole where two runs share it.
static void nameRuns(Runs &runs) {
  std::map<std::string, int> uses;
  for (RunRecord &run : runs) {
    std::filesystem::path path(run.path);
    path = path.lexically_normal();
    run.name =
        (path.has_filename() ? path.filename() : path.parent_path().filename())
            .string();
    ++uses[run.name];
  }
  for (RunRecord &run : runs)
    if (uses[run.name] > 1 || run.name.empty() || run.name == ".")
      run.name = run.path;
}

Result<std::string>
pages::makePage(const std::vector<std::string> &directories) {
  Runs runs;
  for (const std::string &directory : directories) {
    Result<RunRecord> run = RunRecord::read(directory);
    if (!run)
      return run.error();
    runs.push_back(std::move(*run));
  }
  nameRuns(runs);
  std::string title = "Training";
  for (size_t i = 0; i < runs.size(); ++i)
    title += (i == 0 ? " of " : ", ") + runs[i].name;
  const std::pair<const char *, std::string (*)(const Runs &)> sections[] = {
      {"summary", summarySection},       {"curves", curvesSection},
      {"distance", distanceSection},     {"clipping", clippingSection},
      {"throughput", throughputSection}, {"confusion", confusionSection},
      {"forecast", forecastSection},     {"examples", examplesSection}};
  std::string body, links;
  for (const auto &[id, make] : sections) {
    std::string section = make(runs);
    if (section.empty())
      continue;
    links += fmt::format("<a href=\"#{0}\">{0}</a> ", id);
    body += section;
  }
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\" "
      "xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta "
      "charset=\"utf-8\"/>\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\"/>\n<title>{0}</title>\n"
      "<style>{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n<nav>{2}</nav>\n"
      "<main>\n{3}</main>\n</body>\n</html>\n",
      escape(title), style, links, body);
}
