#!/usr/bin/env python3
"""The bench's judge on runs written by hand: its figures, and every way in which it must refuse."""
import json
import os
import re
import subprocess
import sys
import tempfile

JUDGE = os.path.join("verification", "bench", "judge")
MODES = "spin cpuid vmmcall wrmsr rdmsr port mmio hlt clihlt clispin fpu mix".split()
CALLS = "virtio_net_send virtio_net_receive nvme_submit_read nvme_submit_write nvme_submit_flush nvme_poll".split()
PORTS = "sampling_write sampling_read queuing_send queuing_receive".split()
MESSAGES = "post_send_64B receive_64B local_send_64B local_receive_64B local_complete_64B".split()
number = 0


def ok(good, sentence, shown=""):
    global number
    number += 1
    print(f"{'ok' if good else 'not ok'} {number} - {sentence}")
    if not good:
        print(re.sub("^", "# ", shown, flags=re.M))
    return good


def stream(name, low, high, n=10100, seconds=5.05, **more):
    return {"stream": name, "source": "probe", "cpu": 0, "n": n, "min": low, "max": high, "observed": 0,
            "started": 1000, "ended": 1000 + int(seconds * 1e9), "note": "by hand", "complete": True, **more}


def owned(n, seconds, gap):
    return [stream("gap.all", 11, gap, n * 1000, seconds), stream("delivery.spin", 2, 2, n, seconds),
            stream("delivery.halt", 2, 2, n, seconds)]


def windows(low, high, **more):
    return [stream("phase", low, high, drift=0, **more)]


def told(cpus, late=10):
    """What a run with switches told: of each CPU its first instructions, and of the whole."""
    def ticks(n, most):
        return {"n": n, "min": 10, "max": most}
    return [{"switches": 120, "furthest": 0}] + [{"first": {"plain": ticks(400, late), "switched": ticks(120, late)}}
                                                 for _ in range(cpus)]


def good_runs():
    flat = [[t, 9] for t in range(200)]
    runs = {
        "owned": owned(10100, 5.05, 26), "owned-short": owned(1000, 0.5, 26), "native": owned(10100, 5.05, 26),
        "exits": [stream("exit." + name, 50, 100, 50000, 0.01)
                  for name in ("cpuid", "vmmcall", "arm", "eoi", "arm_xapic", "eoi_xapic")],
        "drift-1ms": windows(9, 11, samples=flat), "drift-10ms": windows(9, 11, samples=flat),
        "switch": windows(9, 11, samples=flat),
        "smp": owned(10000, 1.0, 1011), "smp-native": owned(10000, 1.0, 1011),
    }
    runs.update({"phase-" + mode: windows(9, 11) for mode in MODES})
    watch = {**stream("phase", 9, 634), "source": "watch", "duration_s": 2.5, "ns": {"min": 9, "max": 634}}
    facts = {
        "owned": {"trace_head": 2 * 20200 + 7}, "owned-short": {"trace_head": 2 * 2000 + 7},
        "boot": {"entered": 1000, "first_entry": 51000, ".text": 20000, ".rodata": 5000},
        "smp": {"entered": 1000, "epoch": 61000}, "switch": {"guard": 300},
        "audit": {"seconds": 0.25, "partitions": 16, "memory_gib": 64, "pci_functions": 32},
        "attack": {"total": 700, "contained": 700, "runs": {"owned": {"total": 700, "contained": 700, "emulator": 9}}},
        "attack-devices": {"total": 600, "contained": 600,
                           "runs": {"framed-vtd": {"total": 600, "contained": 600, "emulator": 1}}},
        "noninterference": {"runs": 72, "broken_runs": 0, "differing_bytes": 0, "samples": 24156, "self_test": True,
                            "owned": {"runs": 72, "max_excess_ticks": 1210, "data_same": True, "self_test": True}},
        "ports": {f"{names}.{what}": {**stream(f"{names}.{what}", 41, 41), "exits": 0} for names in ("port", "apex")
                  for what in PORTS},
        "mode-change": {"one": told(1), "two": told(2), "together": told(2, 1004)},
        "restart": {"self_test": True, "beside": {mode: {"restarts": 63, "samples": {
            "delta": 0, "same": True, "samples": 600, "seconds": 0.4}} for mode in ("triple", "wild")}},
        "flood": {"self_test": True, "flood": {"hello": 10 ** 7, "good": True, "answers": {
            "command": 120000, "malformed": 900, "oversized": 100, "replayed": 100, "unauthenticated": 100}},
                  "partitions": {name: {"delta": 0, "same": True, "samples": 9000, "seconds": 11, "last": 10 ** 7 + 10 ** 10}
                                 for name in ("watch", "other")}},
        "control-cost": {"steps": {f"step{k}": {"stated": 60000, "measured": 15000 + k} for k in range(13)}},
        "locks": {"described": {"seconds": 1.7, "nodes": 1024, "locks": 5000, "sharers": 16},
                  "messages": 4, "messages_to_grant": 2, "server_instructions": 300, "frames": 4, "instructions": 5500, "client_instructions": 200,
                  "seeds": [0.3] * 99 + [0.98], "worst": {"1024": 0.99, "4096": 0.95, "16384": 0.9}, "seconds": 0.6},
        "lanes": {"random": {"n": 1000, "thousandths": 970}, "adversarial": {"n": 1000, "thousandths": 510}},
        "rdma": {what: {"measured": 250, "calls": 200} for what in MESSAGES},
        "rdma-service": {"frames": 2, "client": 208, "service": 5141},
        "drivers": {call: {"stated": 1200, "longest": 1097, "measured": 1088, "calls": 4010, "short": 120,
                            "short_calls": 300} for call in CALLS},
    }
    return runs, watch, facts


def peer_rxe(cost):
    span = {"counted": cost, "clock": cost * 19 // 20, "n": 500}
    return {"post_send_64B": span, "receive_64B": span, "conditions": "by hand"}


def peer_dlm(locks=5000, n=500):
    return {"remote": {"frames": 10.5, "counted": 115000, "n": n}, "conditions": "by hand",
            "recovery": {"locks": locks, "ns": 340000000, "bystander_ns": 330000000},
            "runs": {"frames": [10.5, 13], "counted": [115000, 120000], "recovery_ns": [340000000]}}


def peer_locks(**more):
    return {"recovery": {"locks": 5000, "holders": 2, "rebuild_ns": 5000000, "silent_ns": 300000000, "bound_ns": 700000000,
                         "bystander_ns": 2000000, "bystander_before_ns": 2000000, **more}, "conditions": "by hand"}


def judge(change=lambda runs, watch, facts: None):
    """Exit status, what it said, and the file it wrote or None."""
    runs, watch, facts = good_runs()
    change(runs, watch, facts)
    with tempfile.TemporaryDirectory() as work:
        for name, streams in runs.items():
            with open(os.path.join(work, name + ".txt"), "w", encoding="ascii") as file:
                file.write("Mullion: a banner line\n")
                file.writelines(json.dumps(s, separators=(",", ":")) + "\n" for s in streams)
        for name, known in facts.items():
            with open(os.path.join(work, name + ".facts"), "w", encoding="ascii") as file:
                json.dump(known, file)
        with open(os.path.join(work, "smp.json"), "w", encoding="ascii") as file:
            json.dump({"streams": [watch]}, file)
        output = os.path.join(work, "bench.json")
        done = subprocess.run([sys.executable, JUDGE, work, output], capture_output=True, text=True, check=False)
        figures = None
        if os.path.exists(output):
            with open(output, encoding="ascii") as file:
                figures = json.load(file)
        return done.returncode, done.stdout + done.stderr, figures


def refuses(sentence, key, change):
    status, said, figures = judge(change)
    ok(status == 1 and key + ":" in said and figures is None, sentence, said)


def misses(sentence, key, value, change):
    status, said, figures = judge(change)
    figure = (figures or {}).get(key, {})
    ok(status == 0 and figure.get("value") == value and figure.get("met") is False, sentence, said)


def drop(run, name):
    return lambda runs, watch, facts: runs.update({run: [s for s in runs[run] if s["stream"] != name]})


def alter(run, index, **values):
    return lambda runs, watch, facts: runs[run][index].update(values)


def fact(run, **values):
    return lambda runs, watch, facts: facts[run].update(values)


print("1..95")
code, text, all_figures = judge()
ok(code == 0 and all_figures and all(f["met"] for f in all_figures.values() if f["target"] is not None), "good runs meet every target", text)
ok("not compared with peers-rxe: make peers-rxe" in text and "rdma.rxe_post_send_64B" not in (all_figures or {}),
   "figures of a peer that was not run are left out, and this is said", text)
ok(bool(all_figures) and all(set(f) >= {"value", "unit", "target", "n", "max", "min", "conditions", "met"}
                             for f in all_figures.values()), "every figure has all its members", text)
expected = {"owned.gap_over_native": 0, "owned.delivery_max": 2, "owned.exits_other": 0, "exit.cpuid": 100,
            "framed.phase_spread": 2, "framed.switch": 309, "boot.to_partition": 50009, "size.text": 25000,
            "smp.phase_max": 634, "attack.total": 1300, "attack.contained": 1300, "noninterference.runs": 72,
            "noninterference.differing_bytes": 0, "noninterference.owned_excess": 1210,
            "driver.nvme_poll": 1088, "port.sampling_read": 41, "apex.queuing_send": 41, "mode_change.error": 0, "rdma.service_64B": 5349,
            "restart.cold_neighbour_delta": 0, "lock.messages": 4, "lock.engine_instructions": 500, "lock.wait_over_bound": 0.99,
            "locksim.seconds": 0.6, "lock.describe_seconds": 1.7,
            "control.wcet": 0.251, "control.flood_delta": 0, "control.flood_rate": 12000}
ok({key: (all_figures or {})[key]["value"] for key in expected} == expected, "values are what the runs hold", text)

refuses("a stream that is missing is an error, and no file is written", "exit.cpuid", drop("exits", "exit.cpuid"))
refuses("so is one neighbour of twelve", "framed.phase_spread", drop("phase-mmio", "phase"))
refuses("so is a run that did not take place", "owned.gap_over_native", lambda r, w, f: r.pop("native"))
refuses("so is a fact", "boot.to_partition", lambda r, w, f: f["boot"].pop("entered"))
refuses("so is an audit of less than was asked for", "audit.seconds", fact("audit", memory_gib=63))
refuses("so is one with fewer functions", "audit.seconds", fact("audit", pci_functions=31))
refuses("an unfinished stream is an error", "owned.delivery_max", alter("owned", 1, complete=False))
refuses("too few samples are an error", "exit.eoi", alter("exits", 3, n=9999))
refuses("too short a run is an error", "owned.gap_over_native", alter("owned", 0, ended=4_999_999_999))
refuses("samples that were not printed are an error", "framed.drift",
        lambda r, w, f: r["drift-1ms"][0].pop("samples"))
refuses("an unfinished stream in the RAM is an error", "smp.phase_max", lambda r, w, f: w.update(complete=False))
refuses("an attack that did not take place is an error", "attack.contained", lambda r, w, f: f.pop("attack"))
refuses("so is one with a device", "attack.total", lambda r, w, f: f.pop("attack-devices"))
refuses("so are bytes that were compared by a broken comparison", "noninterference.differing_bytes",
        fact("noninterference", self_test=False))
refuses("so are runs that did not end", "noninterference.differing_bytes", fact("noninterference", broken_runs=1))
refuses("so is an owned CPU that was not looked at", "noninterference.owned_excess",
        lambda r, w, f: f["noninterference"].pop("owned"))
refuses("so is one whose data differ", "noninterference.owned_excess",
        lambda r, w, f: f["noninterference"]["owned"].update(data_same=False))
refuses("a call of a driver that was not measured is an error", "driver.virtio_net_send",
        lambda r, w, f: f["drivers"].pop("virtio_net_send"))
refuses("so is one measured without a call", "driver.nvme_poll",
        lambda r, w, f: f["drivers"]["nvme_poll"].update(calls=0))
refuses("a message that was not measured is an error", "rdma.local_send_64B", lambda r, w, f: f["rdma"].pop("local_send_64B"))
refuses("so is one measured too seldom or at no cost", "rdma.post_send_64B",
        lambda r, w, f: f["rdma"]["post_send_64B"].update(calls=199))
refuses("a service that did nothing for a message is an error", "rdma.service_64B", fact("rdma-service", service=0))
refuses("waits of too few tables of lanes are an error", "rdma.vl_wait_over_bound", lambda r, w, f: f["lanes"]["random"].update(n=999))
refuses("an engine of locks that did nothing is an error", "lock.engine_instructions", fact("locks", server_instructions=0))
refuses("so are waits of too few seeds", "lock.wait_over_bound", lambda r, w, f: f["locks"]["seeds"].pop())
refuses("so is a description with fewer locks", "lock.describe_seconds",
        lambda r, w, f: f["locks"]["described"].update(locks=4999))
refuses("so are waits without the most nodes", "locksim.seconds", lambda r, w, f: f["locks"]["worst"].pop("16384"))
refuses("a port that was not measured is an error", "port.queuing_send", lambda r, w, f: f["ports"].pop("port.queuing_send"))
refuses("so is one measured too seldom", "apex.sampling_read",
        lambda r, w, f: f["ports"]["apex.sampling_read"].update(n=9999))
refuses("so is a run of switches that did not take place", "mode_change.error", lambda r, w, f: f.pop("mode-change"))
refuses("so are too few switches", "mode_change.error", lambda r, w, f: f["mode-change"]["together"][0].update(switches=99))
refuses("so is a second CPU that told nothing", "mode_change.error", lambda r, w, f: f["mode-change"]["two"].pop())
refuses("so is one that saw few switches", "mode_change.error",
        lambda r, w, f: f["mode-change"]["two"][2]["first"]["switched"].update(n=69))
refuses("so are restarts that did not come", "restart.cold_neighbour_delta",
        lambda r, w, f: [run.update(restarts=4) for run in f["restart"]["beside"].values()])
refuses("so are samples compared by a broken comparison", "restart.cold_neighbour_delta", fact("restart", self_test=False))
refuses("so is a flood of less than ten seconds", "control.flood_delta",
        lambda r, w, f: f["flood"]["flood"].update(hello=10 ** 7 + 1))
refuses("so is one without rubbish of some kind", "control.flood_delta",
        lambda r, w, f: f["flood"]["flood"]["answers"].pop("replayed"))
refuses("so is one whose lines were answered wrongly", "control.flood_rate",
        lambda r, w, f: f["flood"]["flood"].update(good=False))
refuses("so is one seen by one neighbour alone", "control.flood_delta",
        lambda r, w, f: f["flood"]["partitions"].pop("other"))
refuses("so are its samples, compared by a broken comparison", "control.flood_delta", fact("flood", self_test=False))
refuses("so are costs of too few commands", "control.wcet", lambda r, w, f: f["control-cost"]["steps"].pop("step7"))
refuses("so is a cost of nothing", "control.wcet",
        lambda r, w, f: f["control-cost"]["steps"]["step7"].update(measured=0))

misses("a longer gap than natively is reported, not an error", "owned.gap_over_native", 1, alter("owned", 0, max=27))
misses("a flat but late delivery too", "owned.delivery_max", 21,
       lambda r, w, f: [alter("owned", k, min=21, max=21)(r, w, f) for k in (1, 2)])
misses("a punctual but uneven delivery too", "owned.delivery_max", 3, alter("owned", 2, max=3))
misses("an exit that nobody asked for is seen", "owned.exits_other", 0.073, fact("owned", trace_head=2 * 20200 + 8))
misses("a drift of a tick is seen", "framed.drift", 1,
       lambda r, w, f: r["drift-10ms"][0].update(samples=[[t, 9 + (t >= 100)] for t in range(200)]))
misses("one neighbour that shifts windows is seen", "framed.phase_spread", 11, alter("phase-mix", 0, max=20))
misses("a kernel too large is reported", "size.text", 60000, fact("boot", **{".text": 55000}))
misses("a slow audit is reported", "audit.seconds", 5.1, fact("audit", seconds=5.1))
misses("an act that is not contained is seen", "attack.contained", 1299, fact("attack-devices", contained=599))
misses("too few acts are seen", "attack.total", 299,
       lambda r, w, f: (f["attack"].update(total=290), f["attack-devices"].update(total=9)))
misses("too few behaviours are seen", "noninterference.runs", 49, fact("noninterference", runs=49))
misses("a byte that differs is seen", "noninterference.differing_bytes", 1, fact("noninterference", differing_bytes=1))
misses("an owned CPU that is disturbed is seen", "noninterference.owned_excess", 2001,
       lambda r, w, f: f["noninterference"]["owned"].update(max_excess_ticks=2001))
misses("a call of a driver longer than stated is seen", "driver.nvme_poll", 1201,
       lambda r, w, f: f["drivers"]["nvme_poll"].update(measured=1201))
misses("and one whose code has a longer path, even if it never took it", "driver.nvme_poll", 1088,
       lambda r, w, f: f["drivers"]["nvme_poll"].update(longest=1201))
misses("a message dearer than its target is seen", "rdma.local_send_64B", 301,
       lambda r, w, f: f["rdma"]["local_send_64B"].update(measured=301))
misses("a lane that waits beyond its bound is seen", "rdma.vl_wait_over_bound", 1.001, lambda r, w, f: f["lanes"]["random"].update(thousandths=1001))
misses("so is a bound of lanes that is idle", "rdma.vl_wait_adversarial", 0.499,
       lambda r, w, f: f["lanes"]["adversarial"].update(thousandths=499))
misses("a message more for a lock is seen", "lock.messages", 5, fact("locks", messages=5))
misses("and one more until the grant", "lock.messages", 4, fact("locks", messages_to_grant=3))
misses("a frame more for a lock is seen", "lock.packets", 6, fact("locks", frames=6))
misses("a dearer node is seen, with its card", "lock.instructions", 6001, fact("locks", instructions=5521))
refuses("a node that did nothing is an error", "lock.instructions", fact("locks", instructions=0))
refuses("so are short frames that were not measured", "lock.instructions",
        lambda r, w, f: f["drivers"]["virtio_net_send"].update(short_calls=20))
misses("a dearer engine is seen", "lock.engine_instructions", 501, fact("locks", client_instructions=201))
misses("a wait beyond its bound is seen", "lock.wait_over_bound", 1.001, lambda r, w, f: f["locks"]["seeds"].append(1.001))
misses("and a bound that no schedule comes near", "lock.wait_over_bound", 0.99,
       lambda r, w, f: f["locks"]["worst"].update({"4096": 0.899}))
misses("a simulator too slow is seen", "locksim.seconds", 10.1, fact("locks", seconds=10.1))
misses("a compiler too slow with locks is seen", "lock.describe_seconds", 5.1,
       lambda r, w, f: f["locks"]["described"].update(seconds=5.1))
misses("a message that costs more than a tenth of the peer's is seen", "rdma.post_send_over_rxe", 0.2,
       lambda r, w, f: f.update({"peers-rxe": peer_rxe(2450)}))
_, _, figures_beside = judge(lambda r, w, f: f.update({"peers-rxe": peer_rxe(30000)}))
peer = (figures_beside or {}).get("rdma.rxe_post_send_64B", {})
ok(peer.get("value") == 30000 and peer["met"] is None and figures_beside["rdma.post_send_over_rxe"]["met"],
   "the peer's own figure has no target", str(peer))
refuses("a peer counted twice with different results is an error", "rdma.rxe_receive_64B",
        lambda r, w, f: f.update({"peers-rxe": {**peer_rxe(20000), "receive_64B": {"counted": 20000, "clock": 17000, "n": 500}}}))
refuses("so is one that was counted too seldom", "rdma.receive_over_rxe",
        lambda r, w, f: f.update({"peers-rxe": {**peer_rxe(20000), "receive_64B": {"counted": 20000, "clock": 19000, "n": 5}}}))
_, _, figures_beside = judge(lambda r, w, f: f.update({"peers-dlm": peer_dlm()}))
peer = {key: (figures_beside or {}).get("lock.dlm_" + key, {}).get("value") for key in ("packets", "instructions", "recovery")}
ok((figures_beside or {}).get("lock.instructions_over_dlm", {}).get("value") == 0.052, "and what is ours of them", str(figures_beside))
ok(peer == {"packets": 10.5, "instructions": 115000, "recovery": 340000000}, "another lock manager's figures are taken", str(peer))
refuses("one that recovered fewer locks is an error", "lock.dlm_recovery",
        lambda r, w, f: f.update({"peers-dlm": peer_dlm(locks=4999)}))
refuses("so are locks that were taken too seldom", "lock.dlm_packets", lambda r, w, f: f.update({"peers-dlm": peer_dlm(n=20)}))
misses("a recovery beyond its bound is seen", "lock.recovery", 700000001,
       lambda r, w, f: f.update({"peers-locks": peer_locks(silent_ns=700000001)}))
misses("and one slower than a fiftieth of another's", "lock.recovery_over_dlm", 0.0206,
       lambda r, w, f: f.update({"peers-locks": peer_locks(rebuild_ns=7000000), "peers-dlm": peer_dlm()}))
refuses("a recovery of fewer locks is an error", "lock.recovery", lambda r, w, f: f.update({"peers-locks": peer_locks(locks=4999)}))
misses("a port operation of one instruction too many is seen", "port.queuing_receive", 81,
       lambda r, w, f: f["ports"]["port.queuing_receive"].update(max=81))
misses("and one that leaves the partition", "port.sampling_write", 41,
       lambda r, w, f: f["ports"]["port.sampling_write"].update(exits=1))
misses("a frame that begins off its boundary is seen", "mode_change.error", 1,
       lambda r, w, f: f["mode-change"]["together"][0].update(furthest=1))
misses("and a first instruction that a switch delays, on any CPU", "mode_change.error", 3,
       lambda r, w, f: f["mode-change"]["two"][2]["first"]["switched"].update(max=13))
misses("and one that it hastens", "mode_change.error", 2,
       lambda r, w, f: f["mode-change"]["one"][1]["first"]["switched"].update(min=8, max=8))
misses("a neighbour's sample that a restart moves is seen", "restart.cold_neighbour_delta", 1,
       lambda r, w, f: f["restart"]["beside"]["wild"]["samples"].update(delta=1, same=False))
misses("a neighbour's sample that a flood moves is seen", "control.flood_delta", 7,
       lambda r, w, f: f["flood"]["partitions"]["other"].update(delta=7, same=False))
misses("too few commands a second are seen", "control.flood_rate", 9999,
       lambda r, w, f: f["flood"]["flood"]["answers"].update(command=99999))
misses("a command beyond what is stated is seen", "control.wcet", 1.001,
       lambda r, w, f: f["control-cost"]["steps"]["step3"].update(measured=60001))
