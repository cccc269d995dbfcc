"""All benchmarks: `make bench`."""

from __future__ import annotations

from tests.benchmarks import bench_alarm_latency, bench_backtest, bench_gateway, bench_load, bench_windows

bench_windows.main()
bench_gateway.main()
bench_load.main()
bench_alarm_latency.main()
bench_backtest.main()
