import pytest

from mmrcf.apis.run_summary import LatencyMeter


def test_summary() -> None:
    meter = LatencyMeter()
    for milliseconds in range(1, 101):
        meter.add(milliseconds)
    latency = meter.summary(fps=25)
    assert (latency.stream, latency.mean) == (40.0, 50.5)
    assert latency.p50 == pytest.approx(50.5) and latency.p95 == pytest.approx(95.05)
    assert str(latency) == 'latency t_stream + t_model: mean 90 ms (40 + 50), p50 90 ms (40 + 50), p95 135 ms (40 + 95)'


def test_no_frames() -> None:
    assert LatencyMeter().summary(fps=10).p95 == 0
