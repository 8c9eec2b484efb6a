"""What axe-core, the accessibility checker, finds in the page that a browser shows. It leaves text of one character and what
is partly out of sight unjudged: page.py measures contrast itself."""

import sandbox

SCRIPT = sandbox.BUILD / "browser/axe.min.js"
# What is folded is unfolded first.
FIND = """(async () => {
  document.querySelectorAll('details').forEach((folded) => { folded.open = true; });
  return (await axe.run({resultTypes: ['violations']})).violations.map((rule) => `${rule.id}: ${rule.help}: ` +
    rule.nodes.map((node) => `${node.target} (${node.failureSummary})`).join(' | '));
})()"""


def findings(browser):
    """One line for each rule that is broken. DevTools' own code may run where the page's policy lets nothing in."""
    browser.ask(SCRIPT.read_text() + ";0")
    return browser.ask(FIND)
