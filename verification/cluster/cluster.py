#!/usr/bin/env python3
"""A cluster in a box: three nodes count together while nodes are killed, paused and cut off. TAP.

usage: cluster.py BUILD-DIRECTORY [--kernel DIR] [--short] [--planted]

With --planted a store that takes smaller tokens and an adder that goes on after its session was lost come last, and
have to be noticed. Exit 0: all is as it should be.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from judge import judge, of_store  # noqa: E402
from rig import REFUSED, Cluster, forgeries, wait  # noqa: E402

PATIENCE_S = 240
RECOVERY = re.compile(r"serving epoch (\d+), (\d+) ns after the last leader was heard, bound (\d+)")


class Report:
    def __init__(self, plan):
        self.count, self.failed = 0, False
        print("1..%d" % plan, flush=True)

    def ok(self, good, sentence):
        self.count += 1
        self.failed |= not good
        print("%s %d - %s" % ("ok" if good else "not ok", self.count, sentence), flush=True)

    def say(self, text):
        print("# " + text, flush=True)


def build(options, directory):
    """A build per node, or None."""
    mullion = os.path.join(options.build, "tools/mullion")
    builds = []
    for node in range(3):
        out = os.path.join(directory, "build-%d" % node)
        words = [mullion, "build", "-D", "NODE=%d" % node] + (["-D", "PLANTED"] if options.planted else []) + [
            "config/deployments/cluster.dts", "-o", out, "--kernel", options.kernel,
            "--images", os.path.join(options.build, "partitions")]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            print("1..1\n# " + (done.stdout + done.stderr).replace("\n", "\n# ") +
                  "\nBail out! the deployment does not build")
            return None
        builds.append(out)
    return builds


class Story:
    """What happens, one sentence after the other."""

    def __init__(self, cluster, report, more):
        self.cluster, self.store, self.report, self.more = cluster, cluster.store, report, more
        self.begun = time.monotonic()

    def adds(self, nodes, count=None):
        """Each of the nodes adds so many from now on."""
        count = count or self.more
        goal = {n: self.store.accepted({n}) + count for n in nodes}
        return wait(lambda: all(self.store.accepted({n}) >= goal[n] for n in nodes), PATIENCE_S)

    def others(self, node):
        return {0, 1, 2} - {node}

    def led(self):
        """The leader, once there is one."""
        wait(lambda: self.cluster.leader() is not None, PATIENCE_S)
        return self.cluster.leader()

    def tell_recoveries(self, node):
        for m in self.cluster.nodes[node].boot.matching(RECOVERY.pattern)[-1:]:
            after, bound = int(m.group(2)), int(m.group(3))
            self.report.say("node %d serves epoch %s %.3f ms after the last sign of a leader: %.3f of its bound, %.3f ms"
                            % (node, m.group(1), after / 1e6, after / bound, bound / 1e6))

    def boot(self):
        self.cluster.start()
        good = self.adds({0, 1, 2})
        self.report.say("%d additions after %.0f s" % (self.store.accepted(), time.monotonic() - self.begun))
        self.report.ok(good, "three nodes boot, agree on a leader, and count together")

    def kill_leader(self):
        leader = self.led()
        epoch = self.cluster.nodes[leader].phase()[1]
        self.cluster.nodes[leader].kill()
        good = wait(lambda: self.cluster.leader() is not None and
                    self.cluster.nodes[self.cluster.leader()].phase()[1] > epoch, PATIENCE_S)
        if good:
            self.tell_recoveries(self.cluster.leader())
        self.report.ok(good and self.adds(self.others(leader)), "the leader's node is killed: another leads, and the others count on")
        self.cluster.nodes[leader].start()
        self.report.ok(self.adds({leader}), "it boots again without its memory, and counts with them")

    def withhold(self, node):
        """Its adder stands at the store with the lock in its hand: True, once it does."""
        self.store.waiting.pop(node, None)
        self.store.withheld.add(node)
        return wait(lambda: node in self.store.waiting, PATIENCE_S)

    def pause_adder(self, planted=False):
        """A node stands with the lock in its hand, and goes on when others have long counted further."""
        node = next(n for n in (2, 1) if n != self.led())
        held = self.withhold(node)
        self.cluster.nodes[node].pause(by_signal=planted)
        on = self.adds(self.others(node), 3)
        before = len(self.store.writes)
        self.store.planted = self.store.lenient = planted
        self.store.withheld.discard(node)
        self.cluster.nodes[node].resume()
        late = wait(lambda: any(w.node == node for w in self.store.writes[before:]), PATIENCE_S)
        first = next((w for w in self.store.writes[before:] if w.node == node), None)
        return node, held and on and late, first, before

    def stale(self):
        node, good, first, _ = self.pause_adder()
        self.report.ok(good and first.verdict == REFUSED,
                       "a node that stood with the lock in its hand has its late write refused")
        self.report.ok(self.adds({node}), "and counts with the others again")

    def cut(self, node):
        """Its locks' network is cut while it holds: its session ends by its own clock."""
        held = self.withhold(node)
        self.cluster.switch.cut.add(node)
        return held and self.adds(self.others(node), 3)

    def heal(self, node):
        self.cluster.switch.cut.discard(node)
        self.store.withheld.discard(node)

    def lose_session(self):
        node = 0 if self.led() == 1 else 1
        good = self.cut(node)
        lost = wait(lambda: self.cluster.nodes[node].boot.matching("counter: lost"), PATIENCE_S)
        self.report.ok(good and bool(lost), "a node that is cut off gives up what it holds, and the others count on")
        self.heal(node)
        self.report.ok(self.adds({node}), "and counts with them again when it is heard")

    def forge(self):
        """A node's own frames, changed: each is counted by its reason where it comes to."""
        switch = self.cluster.switch
        to = self.led()
        node = next(n for n in self.others(to) if (n, to) in switch.latest)
        forged = forgeries(switch.latest[node, to], 3 - node - to)
        for _, frame in forged:
            switch.send(to, frame)
        boot = self.cluster.nodes[to].boot
        good = wait(lambda: all(boot.matching(r"lockd: .* refused .* (%s) \d+" % reason) for reason, _ in forged), PATIENCE_S)
        self.report.ok(good and self.adds({0, 1, 2}), "forged messages are counted, and nothing else")

    def pause_leader(self):
        leader = self.led()
        epoch = self.cluster.nodes[leader].phase()[1]
        self.cluster.nodes[leader].pause(by_signal=True)
        good = wait(lambda: any(n.phase()[0] == "serving" and n.phase()[1] > epoch for n in self.cluster.nodes), PATIENCE_S)
        good = good and self.adds(self.others(leader))
        for node in self.others(leader):
            self.tell_recoveries(node)
        self.cluster.nodes[leader].resume()
        self.report.ok(good, "the leader's node stands still: another leads, and the others count on")
        self.report.ok(self.adds({0, 1, 2}), "it goes on, sees that it leads no more, and counts with them")

    def planted_adder(self):
        good = self.cut(2)
        good = good and wait(lambda: self.store.waiting[2] == 0, PATIENCE_S)  # by its own clock, which may be behind theirs
        before = len(self.store.writes)
        self.store.planted = True
        self.store.withheld.discard(2)  # still cut off
        wait(lambda: any(w.held == 0 for w in self.store.writes[before:]), PATIENCE_S)
        wrong = of_store(self.store.writes)
        self.heal(2)
        self.report.ok(good and any("after its session was lost" in text for text in wrong),
                       "an adder that goes on after its session was lost is noticed")

    def planted_store(self):
        _, good, _, before = self.pause_adder(planted=True)
        wrong = of_store(self.store.writes)
        self.report.ok(good and any("was accepted after" in text for text in wrong),
                       "a store that takes smaller tokens is noticed")

    def verdict(self):
        wrong = judge(self.cluster)
        for text in wrong[:20]:
            self.report.say(text)
        self.report.say("%d additions, %d refused, %d frames between the nodes"
                        % (self.store.accepted(), sum(w.verdict == REFUSED for w in self.store.writes), self.cluster.switch.frames))
        self.report.ok(not wrong, "every addition is accounted for, and no token was accepted twice")


def waits(cluster, report):
    """The longest wait that each participant saw, beside its bound."""
    for node in cluster.nodes:
        for boot in node.boots:
            said = boot.matching(r"^\[(\w+)\] counter: waits longest=(\d+) bound=(\d+)")
            for name in ("adder", "watcher"):
                last = [m for m in said if m.group(1) == name][-1:]
                for m in last:
                    report.say("node %d %s waited %.3f ms at most; the bound without faults is %.3f ms"
                               % (node.number, name, int(m.group(2)) / 1e6, int(m.group(3)) / 1e6))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--kernel")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--planted", action="store_true")
    options = parser.parse_args()
    options.kernel = options.kernel or os.path.join(options.build, "kernel")
    directory = os.path.join(options.build, "cluster-test" if options.planted else "cluster")
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    builds = build(options, directory)
    if builds is None:
        return 1
    report = Report(9 + (0 if options.short else 2) + (2 if options.planted else 0))
    cluster = Cluster(os.path.join(options.build, "tools/mullion"), builds, directory)
    story = Story(cluster, report, 5 if options.short else 25)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # nodes are ended below
    try:
        story.boot()
        story.kill_leader()
        story.stale()
        story.lose_session()
        story.forge()
        if not options.short:
            story.pause_leader()
        waits(cluster, report)
        story.verdict()
        if options.planted:
            story.planted_adder()
            story.planted_store()
    finally:
        cluster.stop()
    report.say("%.0f s; what the nodes said is in %s" % (time.monotonic() - story.begun, directory))
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
