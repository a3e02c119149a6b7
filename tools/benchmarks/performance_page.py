"""docs/performance.md: its text is written by hand, its tables come from the files that the tools wrote."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmrcf.utils import read_json
from mmrcf.utils.markdown import markdown_table, write_between_markers
from page_tools import NOT_MEASURED

Results = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A part of the page that is written from results.

    Attributes:
        needs: Names of the results that it is made of.
        write: Makes it.
    """

    needs: tuple[str, ...]
    write: Callable[[Results], str]


def machine(results: Results) -> str:
    """What the figures were measured on."""
    found = results['latency_r50']['machine']
    packages = ', '.join(f'{name} {version}' for name, version in found['packages'].items())
    return f'{found["processor"]}, {found["threads"]} threads; Python {found["python"]}, {packages}.'


def latency(*names: str) -> Section:
    """Runs of ``latency.py``, each a table, and in it how much faster its first subject is than the others."""

    def write(results: Results) -> str:
        return '\n\n'.join(_latency_table(results[name]) for name in names)

    return Section(names, write)


def _latency_table(figures: dict[str, Any]) -> str:
    """Markdown of the figures that ``latency.py --json`` writes: a row for each model, and a caption."""
    subjects = figures['subjects']
    stages = ('decode', 'preprocess', 'network', 'track', 'masks')
    ratios = figures['faster_than']
    header = ['model', 'end to end (p50 / p95)', 'FPS', *stages, 'objects', f'{_short(subjects[0])} is faster by']
    rows = []
    for subject in subjects:
        whole = subject['end_to_end']
        ratio = ratios.get(subject['name'])
        rows.append(
            [
                subject['name'],
                f'{whole["p50"]:.0f} / {whole["p95"]:.0f} ms',
                f'{subject["fps"]:.1f}',
                *(f'{subject["stages"][stage]["p50"]:.1f}' if stage in subject['stages'] else '' for stage in stages),
                f'{subject["objects"]:.0f}',
                '' if ratio is None else f'{ratio["p50"]:.2f}x ({ratio["count"]} pairs)',
            ]
        )
    latencies = subjects[0]['latency']
    caption = (
        f'{figures["source"]}. In a stream of {1e3 / latencies["stream"]:.0f} FPS the latency of the first row, with '
        f'the wait for its frame, is {latencies["p50"]:.0f} ms (p95 {latencies["p95"]:.0f}).'
    )
    return f'{markdown_table(header, rows)}\n\n{caption}'


def _short(subject: dict[str, Any]) -> str:
    return subject['name'].split(' (')[0].removesuffix('.py')


def parts(results: Results) -> str:
    """Parts of the network, and what of a step is not the backbone."""
    rows = []
    names = ('backbone', 'neck', 'mask_decoder', 'head')
    for result in ('latency_r50', 'latency_r101', 'latency_r18'):
        for subject in results[result]['subjects']:
            if all(name in subject['parts'] for name in names):
                times = [f'{subject["parts"][name]["p50"]:.1f}' for name in names]
                rows.append([subject['name'], *times, f'{100 * subject["share_beside_backbone"]:.0f} %'])
    return markdown_table(['ms', 'backbone', 'neck', 'mask decoder', 'head', 'not the backbone'], rows)


def rates(results: Results) -> str:
    """Operations and rates by part."""
    rows = []
    names = ('backbone', 'neck', 'mask_decoder', 'head', 'total')
    for row in [*results['flops'], *results['flops_r18']]:
        width, height = row['input']
        cells = [
            f'{row["gflops"][name]:.1f} GFLOP, {row["milliseconds"][name]:.0f} ms: '
            f'{1e3 * row["gflops"][name] / row["milliseconds"][name]:.0f}'
            for name in names
        ]
        rows.append([Path(row['config']).stem, f'{width}x{height}', *cells])
    best = results['flops'][0]['matrix_product_gflops']
    header = ['model', 'frame', *(name.replace('_', ' ') for name in names)]
    return f'{markdown_table(header, rows)}\n\nA product of two matrices reaches {best:.0f} GFLOP/s here.'


def operators(results: Results) -> str:
    """The profile, eager and optimized."""
    tables = []
    for name, title in (('operators_eager', 'Eager'), ('operators', 'Optimized')):
        rows = [
            [f'`{row["operator"]}`', f'{row["milliseconds"]:.1f}', str(row['calls']), f'{100 * row["share"]:.0f} %']
            for row in results[name]['operators']
        ]
        tables.append(f'{title}:\n\n' + markdown_table(['operator', 'ms a frame', 'calls', 'share'], rows))
    return '\n\n'.join(tables)


def parity(results: Results) -> str:
    """How far fast paths are from the plain one, on the test split of shapes."""
    rows = []
    for name, title in PARITY.items():
        figures = results[name]
        plain, fast = (figures[key] for key in list(figures)[:2])
        found = figures['parity']
        rows.append(
            [
                title,
                f'{found["frames"]} / {found["objects"]}',
                str(found['unmatched']),
                str(found['track_ids']),
                str(found['labels']),
                f'{found["lowest_iou"]:.4f} / {found["mean_iou"]:.6f}',
                f'{found["below"]} ({found["pixels"]} pixels)',
                f'{plain["vis/AP"]:.1f} / {fast["vis/AP"]:.1f}' if 'vis/AP' in plain else '',
            ]
        )
    header = [
        'path',
        'frames / objects',
        'shown by one only',
        'other track IDs',
        'other labels',
        'mask IoU: lowest / mean',
        'masks below 0.999',
        'AP eager / here',
    ]
    return markdown_table(header, rows)


def trackers(results: Results) -> str:
    """What trackers cost and give on the same outputs."""
    rows = [
        [f'`{name}`', f'{row["update_ms"]:.2f}', f'{row["vis/AP"]:.1f}', f'{100 * row["order/id_changes"]:.1f}']
        for name, row in results['trackers'].items()
    ]
    return markdown_table(['tracker', 'ms an update (p50)', 'AP', 'ID changes in 100'], rows)


def streams(results: Results) -> str:
    """Endless streams: the long run, the camera, evaluation."""
    live, evaluation = results['live'], results['evaluation']
    return '\n'.join(
        [
            _soak('PyTorch', results['soak']),
            f'- A camera of {live["source_fps"]:.0f} FPS and a model held at {live["model_fps"]:.0f} FPS, for '
            f'{live["seconds"]:.0f} s: {live["answered"]} frames answered, {live["dropped"]} dropped and reported; an '
            f'answered frame was at most {live["oldest_answer_in_model_times"]:.2f} model times old '
            f'({live["age_ms"]["p50"]:.0f} ms p50, {live["age_ms"]["max"]:.0f} ms at most); memory grew by '
            f'{live["memory_growth_mib"]:.1f} MiB.',
            f'- Evaluation of {evaluation["frames"]:,} frames took {evaluation["total_seconds"]:.1f} s, '
            f"{evaluation['ratio']:.2f} times the {evaluation['step_seconds']:.1f} s of the model's steps in it.",
        ]
    )


def minvis(results: Results) -> str:
    """A public image segmenter: parity with mmdet, cost of a frame, memory of a stream."""
    parity, latency, soak = (results[name] for name in ('minvis_parity', 'minvis_latency', 'minvis_soak'))
    (subject,) = latency['subjects']
    whole, memory = subject['end_to_end'], soak['memory_mib']
    return '\n'.join(
        [
            f'- Masks: {parity["frames"]} frames with {parity["objects"]} objects; the IoU with the masks of '
            f"mmdet's own inference is at least {parity['lowest_iou']:.4f}, scores differ by at most "
            f'{parity["score"]:.0e}, and {parity["left_out"]} masks of mmdet above the score threshold are missing.',
            f'- Cost: {1e-3 * whole["p50"]:.1f} s a frame (p95 {1e-3 * whole["p95"]:.1f} s) with '
            f'{latency["machine"]["threads"]} threads and {subject["objects"]:.0f} objects, '
            f'{subject["stages"]["track"]["p50"]:.0f} ms of it for the tracker.',
            f'- Memory: {soak["frames"]} frames; resident memory after the first {soak["settled_after"]} is '
            f'{memory["settled"]:.0f} MiB and grows by at most {memory["growth"]:.1f} MiB.',
        ]
    )


def streams_exported(results: Results) -> str:
    """The long run on an exported model."""
    soaks = {'ONNX Runtime': 'soak_onnxruntime', 'OpenVINO': 'soak_openvino'}
    return '\n'.join(_soak(title, results[name]) for title, name in soaks.items())


def _soak(runtime: str, soak: dict[str, Any]) -> str:
    return (
        f'- {soak["frames"]:,} frames on {runtime}: resident memory grew by {soak["memory_mib"]["growth"]:.1f} MiB '
        f'after the first {soak["settled_after"]}; p50 of the last {soak["window"]:,} steps is '
        f'{soak["ratio_of_p50"]:.3f} of that of the first {soak["window"]:,} after them '
        f'({soak["last_ms"]["p50"]:.1f} and {soak["first_ms"]["p50"]:.1f} ms).'
    )


def gpu_table(results: Results) -> str:
    """Frames a second, a training step, memory and parity on a GPU."""
    found = results['gpu']
    modes = list(dict.fromkeys(mode for row in found['frames'].values() for mode in row))
    rows = []
    for name, row in found['frames'].items():
        step = found['training'].get(name)
        cells = [f'{1e3 / row[mode]["p50"]:.0f} ({row[mode]["p50"]:.1f} ms)' if mode in row else '' for mode in modes]
        peaks = [figures.get('peak_mib') for figures in (*row.values(), *([] if step is None else [step]))]
        memory = '' if None in peaks else f'{max(peaks[: len(row)]):.0f} / {peaks[-1]:.0f} MiB'
        training = '' if step is None else f'{step["p50"]:.0f} ms, {step["frames"]} frames'
        rows.append([name, *cells, training, memory])
    header = ['FPS (p50)', *modes, 'training step of one clip, AMP', 'most memory: inference / training']
    same = [
        f'{mode}: {agreed["objects"]} objects in {agreed["frames"]} frames, {agreed["unmatched"]} shown by one only, '
        f'{agreed["track_ids"]} other track IDs, lowest mask IoU {agreed["lowest_iou"]:.4f}'
        for mode, agreed in found['parity'].items()
    ]
    width, height = found['size']
    parts = [f'{found["machine"]["device"]}; one stream of {width}x{height}.', markdown_table(header, rows)]
    parts.append('Compared with float32 on the CPU, on the sample clip of shapes: ' + '; '.join(same) + '.')
    if found['left_out']:
        parts.append(f'Left out for lack of time: {"; ".join(found["left_out"])}.')
    return '\n\n'.join(parts)


def busy(results: Results) -> str:
    """The time of a frame on a quiet and on a busy machine, by how threads wait."""
    found = results['busy_r18']
    titles = {
        'programs': 'programs of this project',
        'library': "PyTorch's own: they spin at every barrier",
        'passive': 'no spinning',
        'single': 'one thread',
    }
    rows = []
    for name, row in found['policies'].items():
        slower, of_first = row['slower'], row['of_first']
        times = [f'{row["ms"]["quiet"]:.0f} ms']
        times += [f'{row["ms"][load]:.0f} ms ({slower[load]:.2f}x)' for load in ('later', 'busy')]
        rows.append([titles[name], *times, f'{" / ".join(f"{of_first[load]:.2f}x" for load in row["ms"])}'])
    header = ['threads', 'quiet', 'load after the start', 'load from the start on', 'time of the first row']
    frames = next(iter(found['policies'].values()))['frames']
    processes = found['busy_processes']
    return f'{processes} busy processes; {frames} frames under each load.\n\n{markdown_table(header, rows)}'


def training_table(configs: dict[str, Any]) -> str:
    """Figures of ``training.py`` by name of the config: the time of a step, and the share of each part."""
    parts = [part for part in next(iter(configs.values()))['ms'] if part != 'total']
    rows = []
    for name, row in configs.items():
        total = row['ms']['total']
        shares = [f'{row["ms"][part]:.0f} ms ({100 * row["ms"][part] / total:.0f} %)' for part in parts]
        rows.append([name, f'{row["clips"]} of {row["frames"]} frames', f'{total:.0f} ms', *shares])
    return markdown_table(['config', 'clips', 'step', *parts], rows)


def training(results: Results) -> str:
    """What the time of a training step goes to."""
    found = results['training']
    return f'{training_table(found["configs"])}\n\n{found["machine"]["threads"]} threads.'


PARITY = {
    'parity_optimized': 'optimized',
    'parity_compiled': 'optimized and compiled',
    'parity_bf16': 'products of bfloat16, emulated',
    'onnx_shapes': 'ONNX',
    'openvino_shapes': 'ONNX on OpenVINO',
    'onnx_shapes_av': 'ONNX, with audio',
    'onnx_shapes_int8': 'ONNX, int8',
}
SECTIONS = {
    'machine': Section(('latency_r50',), machine),
    'r50': latency('latency_r50'),
    'r50-compiled': latency('latency_r50_compiled'),
    'r50-exported': latency('latency_r50_onnx', 'latency_r50_int8'),
    'r50-busy': latency('latency_r50_busy'),
    'r50-openvino': latency('latency_r50_openvino'),
    'r50-peers-optimized': latency('latency_r50_peers_optimized'),
    'r101': latency('latency_r101'),
    'r18': latency('latency_r18', 'latency_r18_compiled'),
    'r18-openvino': latency('latency_r18_openvino'),
    'real': latency('latency_real', 'latency_real_openvino', 'latency_real_int8', 'latency_real_int8_openvino'),
    'shapes': latency('latency_shapes', 'latency_shapes_compiled'),
    'parts': Section(('latency_r50', 'latency_r101', 'latency_r18'), parts),
    'rates': Section(('flops', 'flops_r18'), rates),
    'operators': Section(('operators_eager', 'operators'), operators),
    'busy': Section(('busy_r18',), busy),
    'training': Section(('training',), training),
    'gpu': Section(('gpu',), gpu_table),
    'parity': Section(tuple(PARITY), parity),
    'trackers': Section(('trackers',), trackers),
    'streams': Section(('soak', 'live', 'evaluation'), streams),
    'minvis': Section(('minvis_parity', 'minvis_latency', 'minvis_soak'), minvis),
    'streams-exported': Section(('soak_onnxruntime', 'soak_openvino'), streams_exported),
}


def write_page(page: Path, folder: Path) -> None:
    """Fill the tables of ``page`` from the JSON files in ``folder``. A section without its files is not measured.

    Raises:
        InputFileError: The page is missing, or a file is not JSON.
        InputError: The page lacks the markers of a section.
    """
    results = {path.stem: read_json(path, 'result') for path in sorted(folder.glob('*.json'))}
    for name, section in SECTIONS.items():
        complete = all(need in results for need in section.needs)
        write_between_markers(page, name, section.write(results) if complete else NOT_MEASURED)
