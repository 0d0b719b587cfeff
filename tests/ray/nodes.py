"""A cluster of one machine: ``python nodes.py WORKERS`` starts a head and some worker nodes, all on loopback.

It prints the cluster's address and lives until its standard input ends or it is killed.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

_STORE_BYTES: Final = 100 << 20


def main(workers: int) -> None:
    """Start the nodes one beside the other, and wait."""
    node: dict[str, Any] = {
        "num_cpus": 1,
        "object_store_memory": _STORE_BYTES,
        "include_dashboard": False,
    }
    cluster = import_module("ray.cluster_utils").Cluster(initialize_head=True, head_node_args=node)
    for _ in range(workers):
        cluster.add_node(wait=False, **node)
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)  # noqa: T201 - it is what this program is asked for
    sys.stdin.read()
    cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
