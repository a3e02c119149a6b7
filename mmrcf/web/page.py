"""The page: what a visitor sees and does. What happens then is in :mod:`mmrcf.web.runs`."""

import base64
import html
import tempfile
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np

from mmrcf.errors import InputError, one_line
from mmrcf.media import open_source
from mmrcf.media.frame_source import fit_image, limited_size
from mmrcf.shipped_models import SHIPPED_MODELS
from mmrcf.utils import counted

from .limits import Limits
from .runs import ModelShelf, Progress, Run, RunOptions
from .tracks import write_masks
from .uploads import prepare_upload
from .visits import Visits

TITLE = 'RCF: online video instance segmentation'
UPDATE_SECONDS = 0.15
PREVIEW_SIDE = 960
CAMERA_SECONDS = 0.1
DEFAULT_SCORE = 0.4
EMPTY = 'The result appears here.'
SYSTEM_FONTS = ('ui-sans-serif', 'system-ui', 'Segoe UI', 'Roboto', 'sans-serif')
SYSTEM_MONO = ('ui-monospace', 'Consolas', 'monospace')
# A click on the timeline shows that time in the result; where the picture is below the window, as on a phone, Start
# scrolls to it.
SCRIPT = """<script>
document.addEventListener('click', event => {
  if (event.target.closest('#rcf-start')) setTimeout(() =>
    document.querySelector('#rcf-viewer')?.scrollIntoView({block: 'nearest', behavior: 'smooth'}), 500);
  const bar = event.target.closest('[data-time]'), video = document.querySelector('#rcf-result video');
  if (!bar || !video) return;
  video.pause();
  video.currentTime = Number(bar.dataset.time) + 0.001;
  video.scrollIntoView({block: 'nearest', behavior: 'smooth'});
});
</script>"""


def picture_html(picture: np.ndarray) -> str:
    """A picture (H, W, 3) uint8 RGB for the page; it is part of the message, so that no file of it is left."""
    small = fit_image(picture, limited_size(*picture.shape[:2], PREVIEW_SIDE))
    content = cv2.imencode('.jpg', cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    data = base64.b64encode(content).decode()
    return f'<div class="rcf-frame"><img alt="The last frame" src="data:image/jpeg;base64,{data}"></div>'


def empty_html(text: str) -> str:
    """The place of the picture without one."""
    return f'<div class="rcf-frame"><p>{html.escape(text)}</p></div>'


def progress_html(progress: Progress, state: str) -> str:
    """How far a run is; ``state`` is a word."""
    of = f' of {progress.total}' if progress.total else ''
    share = f'{min(100, 100 * progress.frames / progress.total):.0f}%' if progress.total else '100%'
    return (
        f'<div class="rcf-progress"><i style="width: {share}"></i></div><p class="rcf-status" role="status">'
        f'<b>{state}</b><span>frame {progress.frames}{of}</span><span>{progress.fps:.1f} FPS</span>'
        f'<span>{counted(progress.objects, "object")}</span></p>'
    )


def notes_html(notes: list[str]) -> str:
    """Remarks on a run."""
    return ''.join(f'<p class="rcf-note">{html.escape(note)}</p>' for note in notes)


def error_html(error: Exception, *hidden: Path) -> str:
    """An error that the visitor can do something about, without the folders of the server."""
    text = one_line(error)
    for path in hidden:
        text = text.replace(f'{path}/', '').replace(str(path), 'the upload')
    return f'<div class="rcf-error" role="alert">{html.escape(text)}</div>'


class Page:
    """The page as a Gradio app.

    Args:
        shelf: The models that a visitor may choose.
        limits: What is taken from a visitor.
        folder: For what visitors make; emptied as they leave.
        samples: Clips to try by model, in the folder that Gradio serves files from.

    Attributes:
        app: What is launched.
    """

    def __init__(self, shelf: ModelShelf, limits: Limits, folder: Path, samples: dict[str, Path]) -> None:
        self._shelf = shelf
        self._limits = limits
        self._folder = folder
        self._samples = samples
        self._visits = Visits(folder)
        with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600), fill_width=True) as self.app:
            gr.Markdown(
                f'# {TITLE}\nObjects are detected, segmented and tracked frame by frame, as the frames arrive.',
                elem_id='rcf-title',
            )
            with gr.Row():
                with gr.Column(scale=2, min_width=300):
                    self._add_input()
                    self._add_settings()
                with gr.Column(scale=5, min_width=320):
                    self._add_result()
            self._connect()
        self.app.queue(max_size=limits.waiting, api_open=False)

    def _add_input(self) -> None:
        """What is processed: an upload, or the camera."""
        limits = self._limits
        with gr.Tabs():
            with gr.Tab('Video', id='video'):
                self.upload = gr.File(
                    label='Video, image or ZIP of images', type='filepath', height=150, elem_id='rcf-upload'
                )
                self.upload.keep_in_cache.update(map(str, self._samples.values()))  # uploads are removed after an hour
                with gr.Row():
                    self.start = gr.Button('Start', variant='primary', elem_id='rcf-start', min_width=100)
                    self.stop = gr.Button('Stop', elem_id='rcf-stop', min_width=100, interactive=False)
                gr.HTML(notes_html([f'Up to {limits.upload_mib} MiB and {limits.seconds:g} seconds.']))
                self.sample = gr.Button('Use the sample clip of this model', size='sm', elem_id='rcf-sample')
            with gr.Tab('Camera', id='camera', elem_id='rcf-camera-tab'):
                self.camera = gr.Image(
                    label='Camera of this browser',
                    sources=['webcam'],
                    streaming=True,
                    type='numpy',
                    format='jpeg',
                    webcam_options=gr.WebcamOptions(mirror=False),
                    elem_id='rcf-camera',
                )

    def _add_settings(self) -> None:
        """The model, and the fields of :class:`RunOptions` in their order."""
        names = self._shelf.names
        self.model = gr.Dropdown(names, value=names[0], label='Model', info=' ', elem_id='rcf-model')
        self.score = gr.Slider(0.05, 0.95, DEFAULT_SCORE, step=0.05, label='Lowest score', elem_id='rcf-score')
        opacity = gr.Slider(0, 1, 0.45, step=0.05, label='Opacity of the masks', elem_id='rcf-opacity')
        with gr.Row():
            labels = gr.Checkbox(True, label='Labels', min_width=90)
            boxes = gr.Checkbox(False, label='Boxes', min_width=90)
            trails = gr.Checkbox(False, label='Trails', min_width=90)
        with gr.Row(visible=False) as self.audio_row:
            audio = gr.Checkbox(True, label='Use the audio', min_width=130)
            self.attention = gr.Checkbox(False, label='Draw audio attention', min_width=130)
        self.options = [self.score, opacity, labels, boxes, trails, audio, self.attention]

    def _add_result(self) -> None:
        """The last frame while a model runs, and what can be downloaded at the end."""
        self.viewer = gr.HTML(empty_html(EMPTY), elem_id='rcf-viewer')
        self.result = gr.Video(
            visible=False, label='Result', elem_id='rcf-result', autoplay=False, buttons=['download']
        )
        self.status = gr.HTML('', elem_id='rcf-status')
        self.table = gr.HTML('', elem_id='rcf-tracks')
        with gr.Row():
            self.video_file = gr.DownloadButton('Download video', visible=False, elem_id='rcf-video-file')
            self.json_file = gr.DownloadButton('Download tracks (JSON)', visible=False, elem_id='rcf-json-file')
            self.masks = gr.Button('Prepare masks (PNG)', visible=False, elem_id='rcf-masks')
            self.masks_file = gr.DownloadButton('Download masks (ZIP)', visible=False, elem_id='rcf-masks-file')
        self.done = [self.result, self.video_file, self.json_file, self.masks, self.masks_file]

    def _connect(self) -> None:
        """Which method answers what a visitor does."""
        quiet: dict[str, Any] = dict(api_visibility='private', show_progress='hidden')
        settings = [self.model, self.score, self.audio_row, self.sample, self.attention, self.status]
        self.start.click(
            self._run,
            [self.upload, self.model, *self.options],
            [self.viewer, self.status, self.table, self.start, self.stop, *self.done],
            concurrency_id='run',
            concurrency_limit=self._limits.visitors,
            **quiet,
        )
        self.stop.click(self._stop, queue=False, api_visibility='private')
        self.masks.click(self._prepare_masks, None, [self.masks, self.masks_file, self.status], **quiet)
        self.upload.change(self._show_upload, self.upload, [self.viewer, self.status, self.table, *self.done], **quiet)
        self.sample.click(self._sample, self.model, self.upload, **quiet)
        self.model.input(self._show_model, self.model, settings, **quiet)
        self.app.load(self._show_model, self.model, settings, **quiet)
        self.camera.stream(
            self._look,
            [self.camera, self.model, *self.options],
            [self.viewer, self.result, self.status, self.table],
            stream_every=CAMERA_SECONDS,
            concurrency_id='camera',
            concurrency_limit=self._limits.visitors,
            **quiet,
        )
        self.app.unload(self._leave)

    def _run(self, request: gr.Request, upload: str | None, name: str, *chosen: Any) -> Iterator[dict]:
        """Run a model over the upload: the last frame and the tracks on the way, the files at the end."""
        idle = {self.start: gr.update(interactive=True), self.stop: gr.update(interactive=False)}
        if upload is None:
            yield {self.status: error_html(InputError('Drop a video first, or use the sample clip.')), **idle}
            return
        path, own = Path(upload), self._visits.new_folder(request.session_hash)
        yield {
            self.viewer: gr.update(visible=True),
            self.status: '<p class="rcf-status" role="status"><b>Loading the model</b></p>',
            self.table: '',
            self.start: gr.update(interactive=False),
            self.stop: gr.update(interactive=True),
            **{component: gr.update(visible=False) for component in self.done},
        }
        progress = None
        try:
            source = prepare_upload(path, own / 'images', self._limits)
            run = Run(self._shelf, name, source, own, RunOptions(*chosen), self._limits)
            self._visits.begin(request.session_hash, run)
            shown = -UPDATE_SECONDS
            for progress in run:
                if time.monotonic() - shown >= UPDATE_SECONDS:
                    yield {
                        self.viewer: picture_html(progress.picture),
                        self.status: progress_html(progress, 'Running') + notes_html(run.notes),
                        self.table: run.table.html(),
                    }
                    shown = time.monotonic()
        except InputError as error:
            yield {self.viewer: empty_html('No result'), self.status: error_html(error, path.parent, own), **idle}
            return
        except Exception:
            failure = error_html(RuntimeError('The server failed.'))
            yield {self.viewer: empty_html('No result'), self.status: failure, **idle}
            raise
        if not run.outputs:
            yield {self.status: error_html(InputError('Stopped before the first frame.')), **idle}
            return
        video, tracks = map(str, run.outputs)
        yield {
            self.viewer: gr.update(visible=False),
            self.status: progress_html(progress, 'Stopped' if run.stopped else 'Done') + notes_html(run.notes),
            self.table: run.table.html(),
            self.result: gr.update(value=video, visible=True),
            self.video_file: gr.update(value=video, visible=True),
            self.json_file: gr.update(value=tracks, visible=True),
            self.masks: gr.update(visible=True),
            **idle,
        }

    def _stop(self, request: gr.Request) -> None:
        self._visits.stop(request.session_hash)

    def _leave(self, request: gr.Request) -> None:
        self._visits.end(request.session_hash)

    def _sample(self, name: str) -> str:
        return str(self._samples[name])

    def _prepare_masks(self, request: gr.Request) -> dict:
        """Write the masks of a run beside its JSON, when they are asked for."""
        outputs = self._visits.outputs(request.session_hash)  # not from the browser, which may name any upload
        if not outputs or not outputs[1].is_file():
            gone = error_html(InputError('The result is no longer here. Press Start again.'))
            return {self.masks: gr.update(visible=False), self.status: gone}
        tracks = outputs[1]
        out = tracks.with_name('masks.zip')
        write_masks(tracks, out)
        return {self.masks: gr.update(visible=False), self.masks_file: gr.update(value=str(out), visible=True)}

    def _look(self, request: gr.Request, image: np.ndarray | None, name: str, *chosen: Any) -> dict:
        """Process a frame of the camera."""
        if image is None:
            return {}
        try:
            stream = self._visits.live(request.session_hash, (name, RunOptions(*chosen)), self._shelf)
            progress = stream.step(fit_image(image, limited_size(*image.shape[:2], self._limits.side)))
        except InputError as error:
            return {self.status: error_html(error)}
        return {
            self.viewer: gr.update(value=picture_html(progress.picture), visible=True),
            self.result: gr.update(visible=False),
            self.status: progress_html(progress, 'Live') + notes_html(stream.notes),
            self.table: '',
        }

    def _show_upload(self, upload: str | None) -> dict:
        """Show the first frame of an upload, or what is wrong with it."""
        if upload is None:
            return {self.viewer: empty_html(EMPTY), self.status: ''}
        cleared = {self.table: '', **{component: gr.update(visible=False) for component in self.done}}
        path, limits = Path(upload), self._limits
        try:
            with tempfile.TemporaryDirectory(dir=self._folder) as own:
                source = prepare_upload(path, Path(own) / 'images', limits)
                with open_source(source, max_size=limits.side, max_pixels=limits.pixels) as frames:
                    picture, size = next(iter(frames)).image, f'{frames.width}x{frames.height}'
                    count = f', {counted(frames.num_frames, "frame")}' if frames.num_frames else ''
        except InputError as error:
            text = error_html(error, path.parent, Path(own))
            return {self.viewer: gr.update(value=empty_html('No picture'), visible=True), self.status: text, **cleared}
        note = notes_html([f'{path.name}: {size}{count}, {frames.fps:.3g} frames a second. Press Start.'])
        return {self.viewer: gr.update(value=picture_html(picture), visible=True), self.status: note, **cleared}

    def _show_model(self, name: str) -> dict:
        """Say what a model detects, and show the settings that it has."""
        try:
            segmenter = self._shelf.get(name)[0].segmenter
        except InputError as error:
            return {self.status: error_html(error)}
        threshold = getattr(segmenter.model, 'score_thr', None)
        detects = SHIPPED_MODELS[name].purpose if name in SHIPPED_MODELS else ', '.join(segmenter.classes[:12])
        return {
            self.model: gr.update(info=f'Detects {detects}.' if detects else ' '),
            self.score: gr.update(
                value=DEFAULT_SCORE if threshold is None else threshold, visible=threshold is not None
            ),
            self.audio_row: gr.update(visible=segmenter.uses_audio),
            self.attention: False,
            self.sample: gr.update(visible=name in self._samples),
        }


def launch_options(limits: Limits) -> dict[str, Any]:
    """Arguments of ``launch``: how the page looks, and that it is served to nobody else and by nobody else."""
    theme = gr.themes.Base(
        primary_hue='blue', neutral_hue='slate', font=list(SYSTEM_FONTS), font_mono=list(SYSTEM_MONO)
    ).set(body_text_color_subdued='*neutral_500', block_info_text_color='*neutral_500')  # Gradio's are too pale to read
    return dict(
        theme=theme,
        css=files('mmrcf.web').joinpath('style.css').read_text(encoding='utf-8'),
        head=SCRIPT,
        footer_links=[],
        run_history=False,
        share=False,
        mcp_server=False,
        ssr_mode=False,
        enable_monitoring=False,
        max_file_size=limits.upload_mib * 2**20,
        quiet=True,
        show_error=False,
    )
