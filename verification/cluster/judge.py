"""What must hold of a cluster's additions: judged from the store's record and from what the nodes said."""
import re

from rig import ACCEPTED

SAID = re.compile(r"^\[adder\] counter: (\w+) serial=\d+ token=([0-9a-f]+) value=(\d+)")


def said(boot):
    """[(what, token, value)] of a boot's adder."""
    found = [SAID.match(line) for line in boot.read()]
    return [(m.group(1), int(m.group(2), 16), int(m.group(3))) for m in found if m]


def of_store(writes):
    """Tokens rise and numbers follow each other, and nobody writes after its session was lost."""
    wrong, token, value = [], 0, None
    for w in writes:
        if w.held == 0:
            wrong.append("node %d wrote with token %x after its session was lost" % (w.node, w.token))
        if w.verdict != ACCEPTED:
            continue
        if w.token <= token:
            wrong.append("token %x was accepted after %x" % (w.token, token))
        if value is not None and w.value != value + 1:
            wrong.append("number %d follows %d" % (w.value, value))
        token, value = max(token, w.token), w.value
    return wrong


def of_lines(node, stored, planted):
    """What a node's adder tells of its additions is in the store, `stored` by token."""
    wrong = []
    for boot in node.boots:
        for what, token, value in said(boot):
            if what == "inc" and token not in planted and stored.get(token) != value:
                wrong.append("node %d tells of number %d under token %x, the store does not" % (node.number, value, token))
            if what == "mismatch" and token not in planted:
                wrong.append("node %d got %d for a valid value, which the store did not have" % (node.number, value))
    return wrong


def interrupted(node):
    """Where its additions may be without a word: (after this token, before that one), by its killed lives."""
    spans = []
    for i, boot in enumerate(node.boots):
        if boot.killed:
            told = [token for what, token, _ in said(boot) if what == "inc"]
            then = [token for later in node.boots[i + 1:] for what, token, _ in said(later) if what == "inc"]
            spans.append((max(told, default=0), min(then, default=1 << 64)))
    return spans


def of_silence(node, stored):
    """Every addition in the store is told of, but where its life or its session ended, and the last one."""
    lines = [line for boot in node.boots for line in said(boot)]
    told = {token for what, token, _ in lines if what in ("inc", "lost")}
    silent = [token for token in stored if token not in told]
    spans = interrupted(node)
    silent = [t for t in silent if not any(after < t < before for after, before in spans)]
    latest = max(told, default=0)
    return ["node %d does not tell of its addition under token %x" % (node.number, t)
            for t in silent if t < latest or len(silent) > 1]


def of_watchers(node):
    return ["on node %d the number went back" % node.number
            for boot in node.boots if boot.matching(r"^\[watcher\] counter: backwards")]


def judge(cluster):
    """Everything that is wrong, in words, of what was not planted."""
    writes = list(cluster.store.writes)
    good = [w for w in writes if not w.planted]
    planted = {w.token for w in writes if w.planted}
    wrong = of_store(good)
    for node in cluster.nodes:
        stored = {w.token: w.value for w in good if w.verdict == ACCEPTED and w.node == node.number}
        wrong += of_lines(node, stored, planted) + of_silence(node, stored) + of_watchers(node)
    return wrong
