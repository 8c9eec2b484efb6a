#include "relay/page_assets.hpp"

namespace relay {

// Neither holds '<' nor '&': they stand in XML as they are.

const std::string_view kStyle = R"(
:root{color-scheme:light dark;--bg:#f4f6f9;--card:#fff;--ink:#18212d;--mute:#566273;--line:#dfe4eb;
--soft:#eef1f5;--link:#1f5fbf;--good:#1f8a5b;--busy:#3f74d1;--warning:#a66300;--bad:#c22f2f;
--ice:#8fb8d8;--run:#3f74d1;--hold:#d98a1e}
@media(prefers-color-scheme:dark){:root{--bg:#0e141b;--card:#161e28;--ink:#e5ebf2;--mute:#9fadbd;
--line:#29333f;--soft:#1d2733;--link:#82b4ff;--good:#4cc38a;--busy:#6f9df0;--warning:#e5ad4c;
--bad:#ff8078;--ice:#54799a;--run:#6f9df0;--hold:#e5ad4c}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:0 1rem 2rem;background:var(--bg);color:var(--ink);
font:15px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums}
header{display:flex;align-items:center;justify-content:space-between;gap:1rem;padding:.7rem 0}
.brand{margin:0;font-weight:700;letter-spacing:.02em}
nav{display:flex;align-items:center;gap:.6rem;color:var(--mute);font-size:.87rem}
a{color:var(--link)}
button,#refresh{font:inherit;color:var(--link);background:var(--card);border:1px solid var(--line);
border-radius:.4rem;padding:.2rem .7rem;text-decoration:none;cursor:pointer}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.4rem .8rem;z-index:1}
main{display:grid;gap:.8rem;grid-template-columns:repeat(12,minmax(0,1fr))}
section{grid-column:1/-1;background:var(--card);border:1px solid var(--line);border-radius:.6rem;
padding:.8rem 1rem}
h1{margin:0;font-size:1.65rem;line-height:1.2;letter-spacing:-.01em}
h2{margin:0 0 .5rem;font-size:1rem}
h3{margin:0;font-size:.93rem}
p{margin:.2rem 0 .5rem;color:var(--mute)}
p b{color:var(--ink)}
#verdict{border-left:.4rem solid var(--mood);--mood:var(--good)}
#verdict p,#verdict ul{margin:.3rem 0 0}
#verdict.busy{--mood:var(--busy)}
#verdict.warning{--mood:var(--warning)}
#verdict.bad{--mood:var(--bad)}
h1::before{display:inline-block;margin-right:.6rem;color:var(--mood);content:"✓" / ""}
.busy h1::before{content:"…" / ""}
.warning h1::before{content:"!" / ""}
.bad h1::before{content:"✕" / ""}
#verdict ul{padding:.5rem 0 0;list-style:none;display:grid;gap:.35rem}
li{padding-left:.7rem;border-left:3px solid var(--line);overflow-wrap:anywhere}
li.busy{border-color:var(--busy)}
li.warning{border-color:var(--warning)}
li.bad{border-color:var(--bad)}
li b{font-weight:600}
li span{color:var(--mute)}
.wide{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:.92rem}
caption{text-align:left;color:var(--mute);font-size:.87rem;padding-bottom:.3rem}
th,td{padding:.24rem .5rem;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--mute);font-weight:500;font-size:.85rem;white-space:nowrap}
tbody th{font-weight:500}
th:first-child{padding-left:0}
td:last-child,th:last-child{padding-right:0}
data[value="0"]{color:var(--mute)}
.n{text-align:right;white-space:nowrap}
.bar{width:30%;min-width:7rem}
td.bar{padding-top:.5rem}
.why{white-space:nowrap}
.id{overflow-wrap:anywhere;min-width:7rem}
.rid{white-space:nowrap;font:.85em ui-monospace,monospace;vertical-align:middle}
code{font:.92em ui-monospace,monospace}
svg{display:block;width:100%;height:.7rem;border-radius:2px;background:var(--soft)}
rect.good{fill:var(--good)}
rect.busy{fill:var(--busy)}
rect.bad{fill:var(--bad)}
rect.ice{fill:var(--ice)}
rect.run{fill:var(--run)}
rect.hold{fill:var(--hold)}
.key{font-size:.87rem;margin:.6rem 0 .3rem}
.key span{display:inline-block;width:.8rem;height:.6rem;border-radius:2px;margin-left:.6rem}
.key span:first-child{margin-left:0}
.key .ice{background:var(--ice)}
.key .run{background:var(--run)}
.key .hold{background:var(--hold)}
strong.bad{color:var(--bad)}
dl{margin:0;display:grid;gap:.1rem 1.4rem;grid-template-columns:repeat(auto-fill,minmax(15.5rem,1fr))}
dl div{display:flex;justify-content:space-between;gap:1rem;border-bottom:1px solid var(--line);
padding:.18rem 0}
dt{color:var(--mute)}
dd{margin:0;text-align:right;white-space:nowrap}
.settings dd{overflow-wrap:anywhere;white-space:normal}
.settings{grid-template-columns:repeat(auto-fill,minmax(19rem,1fr))}
.settings code{font-size:.85rem}
h3+.settings{margin:.2rem 0 .8rem}
.tiles{gap:.7rem;grid-template-columns:repeat(8,minmax(0,1fr))}
.tiles div{flex-direction:column-reverse;justify-content:flex-end;gap:0;border:0;padding:0}
.tiles dd{text-align:left;font-size:1.3rem;line-height:1.25;font-weight:600}
.tiles dt{font-size:.87rem}
.wide+dl,p+dl,dl+.wide{margin-top:.6rem}
.columns{display:grid;gap:.8rem 2rem;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr))}
#latency caption{position:absolute;left:-99rem}
#latency .bar{width:100%}
.columns+dl{margin-top:.8rem}
summary{cursor:pointer;color:var(--link)}
pre{margin:.3rem 0;font:.85rem/1.4 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
footer p{font-size:.87rem;margin:1rem 0 0}
@media(min-width:60rem){#journal{grid-column:span 4}#process{grid-column:span 8}}
@media(max-width:40rem){body{padding:0 .6rem 1rem}section{padding:.7rem .8rem}h1{font-size:1.35rem}
.bar{width:auto;min-width:4.5rem}th,td{padding:.24rem .35rem}.settings{grid-template-columns:1fr}.tiles dd{font-size:1.05rem}
#hosts-table td:nth-child(2){min-width:10rem}}
@media(max-width:60rem){.tiles{grid-template-columns:repeat(4,minmax(0,1fr))}}
@media(forced-colors:active){svg{forced-color-adjust:none}}
)";

const std::string_view kScript = R"(
(() => {
  'use strict';
  const every = 3000;
  const live = document.getElementById('live');
  const pause = document.getElementById('pause');
  let paused = false;
  const say = (text) => { if (live.textContent !== text) live.textContent = text; };
  const swap = (next) => {
    const main = document.querySelector('main');
    const before = document.activeElement.id;
    const moved = [...main.querySelectorAll('.wide')].map((wide) => [wide.id, wide.scrollLeft]);
    main.replaceWith(next.querySelector('main'));
    document.title = next.title;
    for (const [id, left] of moved) {
      const wide = document.getElementById(id);
      if (wide) wide.scrollLeft = left;
    }
    const again = before ? document.getElementById(before) : null;
    if (again) again.focus({preventScroll: true});
  };
  const renew = async () => {
    // Nobody's reading is interrupted.
    const reading = !getSelection().isCollapsed || document.querySelector('details[open]');
    if (paused || document.hidden || reading) return;
    try {
      const answer = await fetch('/', {cache: 'no-store', signal: AbortSignal.timeout(every)});
      if (!answer.ok) throw new Error(answer.status);
      const text = await answer.text();
      if (paused) return;
      swap(new DOMParser().parseFromString(text, 'text/html'));
      say('Live');
    } catch {
      say('Thaw does not answer; figures as of its last answer');
    }
  };
  pause.hidden = false;
  pause.addEventListener('click', () => {
    paused = !paused;
    pause.textContent = paused ? 'Resume' : 'Pause';
    say(paused ? 'Paused' : 'Live');
  });
  const loop = async () => { await renew(); setTimeout(loop, every); };
  say('Live');
  setTimeout(loop, every);
})();
)";

const std::string_view kStyleHash = "87WOM8npFsuEJXn89ctvvICl59H+iKRiO3BJWRY1HCc=";
const std::string_view kScriptHash = "7+A3p4rX+81rFyugZ5DbNU58F1y5y81Otyv1aPukMkA=";

const std::string_view kIcon =
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Ccircle cx='8' cy='8' r='6' fill='%233f74d1'/%3E%3C/svg%3E";

}  // namespace relay
