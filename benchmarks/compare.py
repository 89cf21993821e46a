"""How fast `wheelbase compare` answers: `python benchmarks/compare.py [REQUIREMENT...]`.

Cold: all caches empty, uv's too. Warm: the same again. Beside it, in the same run, the peer that does a part of the
work: `uv pip compile` for one Python, cold and warm. Wall-clock seconds of whole processes; medians of five.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from wheelbase.uv import uv_binary

REQUIREMENTS = sys.argv[1:] or ["matplotlib", "pandas"]
REPEATS = 5


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, str]:
    began = time.perf_counter()
    result = subprocess.run(
        command, env={**os.environ, **environment}, input="\n".join(REQUIREMENTS), capture_output=True, text=True
    )
    seconds = time.perf_counter() - began
    if result.returncode:
        sys.exit(result.stderr)
    return seconds, result.stdout


def row(name: str, samples: list[float], remark: str = "") -> None:
    print(f"{name:32} {statistics.median(samples):6.2f} s   {min(samples):.2f} to {max(samples):.2f}   {remark}")


def main() -> None:
    compare = [sys.executable, "-m", "wheelbase", "compare", *REQUIREMENTS, "--python", "3.13", "--format", "json"]
    peer = [uv_binary(), "pip", "compile", "--quiet", "--python-version", "3.13", "--no-python-downloads", "-"]
    cold, warm, peer_cold, peer_warm = [], [], [], []
    network = {}
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as own, tempfile.TemporaryDirectory() as uv:
            environment = {"WHEELBASE_CACHE_DIR": own, "UV_CACHE_DIR": uv}
            seconds, output = timed(compare, environment)
            cold.append(seconds)
            network = json.loads(output)["network"]
            warm.append(timed(compare, environment)[0])
        with tempfile.TemporaryDirectory() as uv:
            peer_cold.append(timed(peer, {"UV_CACHE_DIR": uv})[0])
            peer_warm.append(timed(peer, {"UV_CACHE_DIR": uv})[0])
    print(f"{' '.join(REQUIREMENTS)}, the default bases of Python 3.13, {os.cpu_count()} cores")
    asked = f"{network['requests']} requests, {network['received_bytes'] / 1e6:.1f} MB, beside uv's"
    row("wheelbase compare, cold", cold, asked)
    row("wheelbase compare, warm", warm)
    row("uv pip compile, cold", peer_cold, "versions alone, for one platform")
    row("uv pip compile, warm", peer_warm)


if __name__ == "__main__":
    main()
